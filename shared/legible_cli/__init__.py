"""The operator's `legible` command. It never ships to FunctionGraph."""
