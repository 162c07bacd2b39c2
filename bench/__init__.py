"""What Legible costs: ratios against a bound or a bare loop, side by side in one run; ``make bench``. Never a test."""
