"""Up to when a report is whole: until the first claim whose journal is not counted yet."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from legible.ledger.changes import Changes


class AsOf(NamedTuple):
    """Every call before ``at`` is counted; of ``waiting`` documents later ones may be missing."""

    at: datetime
    waiting: int


def as_of(changes: Changes, now: datetime) -> AsOf:
    """Return up to when what is read after this is whole.

    Raises:
        HeldError: The bucket refuses.
        UnavailableError: The store has a passing fault.
    """
    waiting, until = changes.uncounted()
    return AsOf(now if until is None else min(now, until), waiting)
