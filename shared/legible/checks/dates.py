"""Dates that must stand in their order."""

from __future__ import annotations

from itertools import pairwise

from legible.checks.seen import UnclearError, Values


def in_order(values: Values) -> str | None:
    """Dates that come one after the other, as far as they read as dates: birth, issue, expiry."""
    days = []
    for role in values:
        try:
            days.append((role, values[role].day()))
        except UnclearError:
            continue  # without end, or only a year
    if len(days) < 2:
        raise UnclearError
    for (before, first), (after, second) in pairwise(days):
        if second < first:
            return f"The {_said(after)} {second} is before the {_said(before)} {first}."
    return None


def _said(role: str) -> str:
    return role.replace("_", " ")
