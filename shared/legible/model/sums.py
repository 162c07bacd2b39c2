"""The sum of all documents: how each stands, and how many of each kind there are. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

#: How a document can stand; it is always one of these.
STANDINGS = ("done", "partial", "rejected", "held", "dead", "running")
#: By what documents are told apart.
By = Literal["prefix", "operation"]


class DocumentStanding(Struct, frozen=True, array_like=True):
    """How a document stands: its status, its operation as far as it is known, and the first folder of its key.

    ``plain`` is the name its journal would have without an order; empty where that is the one that it has.
    """

    status: str
    operation: str = ""
    folder: str = ""
    plain: str = ""


class StandingCount(Struct, frozen=True, array_like=True):
    """How many documents stand alike; ``folder`` is None where nothing tells it, as of what version 0.2 counted."""

    status: str
    operation: str
    folder: str | None
    count: int


class SumRow(Struct, frozen=True):
    """The documents of one prefix or operation, or all; what was ``uploaded`` is the sum of the others."""

    name: str
    uploaded: int = 0
    done: int = 0
    partial: int = 0
    rejected: int = 0
    held: int = 0
    dead: int = 0
    running: int = 0

    @classmethod
    def of(cls, name: str, counts: Mapping[str, int]) -> SumRow:
        """Return the row of these counts by status; a status that a newer version wrote counts as running."""
        known = {status: counts.get(status, 0) for status in STANDINGS}
        known["running"] += sum(count for status, count in counts.items() if status not in STANDINGS)
        return cls(name, sum(known.values()), **known)


class DocumentSum(Struct, frozen=True):
    """All documents at one moment.

    What happened before ``as_of`` is counted; ``waiting`` journals may have changed since. ``unread`` uploads are older
    than the sweep looks and nobody has read them, ``skipped`` objects of the input bucket are no documents: neither is
    in the sum. What was never begun is known as of ``swept``, when the sweep looked at it last; None: it never did.
    """

    as_of: datetime
    waiting: int
    total: SumRow
    rows: tuple[SumRow, ...]
    unread: int = 0
    skipped: int = 0
    swept: datetime | None = None
    notes: tuple[str, ...] = ()


def rows_of(counts: Iterable[StandingCount], by: By) -> tuple[SumRow, ...]:
    """Return a row for each prefix or operation, those with the most documents first.

    The name of a row is a slug, or a folder with its slash; empty for keys without a folder and documents without an
    operation, and ``?`` where the folder is not known.
    """
    tallies: dict[str, dict[str, int]] = {}
    for one in counts:
        name = one.operation if by == "operation" else named(one.folder)
        tally = tallies.setdefault(name, {})
        tally[one.status] = tally.get(one.status, 0) + one.count
    rows = [SumRow.of(name, tally) for name, tally in sorted(tallies.items())]
    return tuple(sorted((row for row in rows if row.uploaded), key=lambda row: -row.uploaded))


def named(folder: str | None) -> str:
    """Return how a first folder is shown: with its slash; ``?`` where it is not known."""
    return "?" if folder is None else f"{folder}/" if folder else ""


def first_folder(key: str) -> str:
    """Return the first folder of a document's key, by which documents are summed up; empty where it lies in none."""
    return key.partition("/")[0] if "/" in key else ""
