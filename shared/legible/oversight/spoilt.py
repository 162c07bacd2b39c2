"""Days of which not all could be counted: one remark for every view that shows their calls."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

#: So many days are named, one by one.
_NAMED = 5


def unreadable(days: Sequence[date]) -> list[str]:
    """Return the remark on days whose lists have lines that could not be read; none where there are no such days.

    Args:
        days: The days (UTC), the first one first.
    """
    if not days:
        return []
    listed = ", ".join(map(str, days[:_NAMED])) + (", ..." if len(days) > _NAMED else "")
    return [f"Something changed what was counted on {listed}: run `legible usage --rebuild` to count it again."]
