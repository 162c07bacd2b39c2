"""What calls cost and who did what: usage, prices, packages, and whether the service counts the same."""
