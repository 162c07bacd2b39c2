"""Appends lines to objects that many write to."""

from __future__ import annotations

#: Clocks of two instances may differ by this much; a lease is taken over only that long after its end.
SKEW_SECONDS = 1.0
