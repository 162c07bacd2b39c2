"""Dates that must stand in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import pairwise

from legible.extraction.checks.values import Seen, UnclearError, Values

_BETWEEN = re.compile("[-–—~～至到]+")


def in_order(values: Values) -> str | None:
    """Dates that come one after the other, as far as they read as dates: birth, issue, expiry, ends of a period."""
    days = [dated for role in values for dated in _days(role.replace("_", " "), values[role])]
    if len(days) < 2:
        raise UnclearError
    for (before, first), (after, second) in pairwise(days):
        if second < first:
            return f"The {after} {second} is before the {before} {first}."
    return None


def _days(role: str, seen: Seen) -> Iterator[tuple[str, date]]:
    """Yield what a value says: a date, the two of a period, or nothing (without end, only a year)."""
    try:
        yield role, seen.day()
        return
    except UnclearError:
        pass
    for match in _BETWEEN.finditer(seen.text) if len(seen.text) <= 60 else ():
        try:
            ends = [Seen(seen.name, text).day() for text in (seen.text[: match.start()], seen.text[match.end() :])]
        except UnclearError:
            continue
        yield f"start of the {role}", ends[0]
        yield f"end of the {role}", ends[1]
        return
