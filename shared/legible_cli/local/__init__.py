"""What `legible run`, `up` and `demo` do on this machine."""
