"""The sentence under a table of counts: up to when everything is counted, and how much waits."""

from __future__ import annotations

from datetime import datetime


def as_of(at: datetime, waiting: int) -> str:
    """Return the sentence.

    Args:
        at: Up to when (UTC) everything is counted.
        waiting: How many documents wait to be counted.
    """
    waits = "nothing waits" if not waiting else "1 document waits" if waiting == 1 else f"{waiting:,} documents wait"
    return f"As of {at:%Y-%m-%d %H:%M} UTC; {waits} to be counted."
