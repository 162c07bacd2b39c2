"""`legible policy`: which rights each function and each person needs."""
