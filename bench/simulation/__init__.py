"""Deployments larger than a machine can run, by simulation: the product's own rules, in a clock that jumps."""
