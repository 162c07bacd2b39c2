"""The only code that imports the vendor."""
