"""`legible review`: what needs eyes goes out as a workbook and comes back corrected."""
