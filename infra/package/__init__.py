"""The zip that FunctionGraph runs: made, and compared with the sources it was made of."""
