"""The ledger's counts held against the service's, period by period: what differs, and what is known of the cause.

Values only. A call at the edge of a period may be counted in the one by the service, and in the next one here: such a
pair is no difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

#: What may be the cause of a difference. ``unknown``: calls of which no answer came, which the service counts as what
#: they were. ``probes``: unbilled questions. ``throttled``: each turned-away try counts there, one a page here.
#: ``other-programs``: of an operation that none of ours calls, or that the settings call shared.
Cause = Literal["unknown", "probes", "throttled", "other-programs"]
#: Periods of one operation, by their begin.
Counts = Mapping[datetime, int]
#: Calls that succeeded, and are billed, or that failed.
Kind = Literal["succeeded", "failed"]
_KINDS: tuple[Kind, ...] = ("succeeded", "failed")
#: Where a difference is: of which kind, and the begin of its period.
_Place = tuple[Kind, datetime]


class KnownCause(Struct, frozen=True):
    """How many calls of a difference a cause explains."""

    cause: Cause
    count: int


class Difference(Struct, frozen=True):
    """What differs in one period, of one operation.

    ``kind``: calls that succeeded, and are billed, or that failed. ``direction`` says who counted more. ``unexplained``
    calls are left when what is known of causes is taken off.
    """

    begin: datetime
    operation: str
    kind: Kind
    direction: Literal["service-counted-more", "ledger-counted-more"]
    ledger: int
    service: int
    causes: tuple[KnownCause, ...] = ()
    unexplained: int = 0


class LedgerCounts(Struct, frozen=True):
    """What the ledger, and the notes of probes, say of one operation, by the begin of periods.

    ``foreign``: other programs call the operation, too, or none of ours does.
    """

    succeeded: Counter[datetime] = Counter()
    refused: Counter[datetime] = Counter()
    unknown: Counter[datetime] = Counter()
    throttled: Counter[datetime] = Counter()
    probes: Counter[datetime] = Counter()
    foreign: bool = False


def settled(
    ledger: Counts, service: Counts, nearby: Callable[[datetime], Iterator[datetime]],
    movable: Callable[[datetime, datetime], int],
) -> tuple[dict[datetime, int], int]:  # fmt: skip
    """Return by how much the service counted more (or less, below 0) in each period, and how many calls moved.

    Args:
        ledger: What the ledger counted.
        service: What the service did.
        nearby: Yields the later periods between which and a period a call may have moved, the nearest first.
        movable: Returns how many calls of the ledger may have moved between two periods.
    """
    left = {begin: service.get(begin, 0) - ledger.get(begin, 0) for begin in sorted({*ledger, *service})}
    left, moved = {begin: count for begin, count in left.items() if count}, 0
    for begin in list(left):
        for other in nearby(begin):
            if left[begin] * left.get(other, 0) < 0:
                count = min(abs(left[begin]), abs(left[other]), movable(begin, other))
                sign = 1 if left[begin] > 0 else -1
                left[begin] -= sign * count
                left[other] += sign * count
                moved += count
    return {begin: count for begin, count in left.items() if count}, moved


class Neighbors(Struct, frozen=True):
    """Periods beside one another: a call at their edge may be counted in either.

    ``around`` yields the periods beside one, the nearest first. ``near`` returns how many calls of an operation and of
    a cause, in one period, are near the other one.
    """

    around: Callable[[datetime], Iterable[datetime]]
    near: Callable[[str, Cause, datetime, datetime], int]


class _Spare:
    """What may explain a difference, each once: of its own period, or from beside it."""

    def __init__(self, operation: str, cause: Cause, counts: Counts, neighbors: Neighbors) -> None:
        self._operation, self._cause, self._neighbors = operation, cause, neighbors
        self._left = Counter(counts)

    def own(self, begin: datetime, wanted: int) -> int:
        """Take what explains up to so many calls of a period; return how many."""
        return self._take(begin, wanted)

    def beside(self, begin: datetime, wanted: int) -> int:
        """The same of what lies at the edges of the periods beside it, as far as nothing else needed it."""
        taken = 0
        for other in self._neighbors.around(begin):
            if taken < wanted and self._left[other]:
                near = self._neighbors.near(self._operation, self._cause, other, begin)
                taken += self._take(other, min(wanted - taken, near))
        return taken

    def _take(self, begin: datetime, wanted: int) -> int:
        taken = min(wanted, self._left[begin])
        self._left[begin] -= taken
        return taken


def named(
    operation: str, left: Mapping[Kind, Counts], ours: LedgerCounts, service: Mapping[Kind, Counts],
    neighbors: Neighbors,
) -> Iterator[Difference]:  # fmt: skip
    """Yield the differences of an operation, each with what is known of its cause.

    A call explains one difference, once: an ``unknown`` one first a call that is billed.

    Args:
        operation: Its slug.
        left: By how much the service counted more (or less, below 0), of calls that succeeded and that failed.
        ours: What the ledger counted.
        service: What the service did.
        neighbors: Which periods are beside one another.
    """
    open_: dict[_Place, int] = {(kind, begin): count for kind in _KINDS for begin, count in left[kind].items()}
    causes = _explained(operation, {place: count for place, count in open_.items() if count > 0}, ours, neighbors)
    for (kind, begin), count in open_.items():
        known = causes.get((kind, begin), Counter())
        more: Literal["service-counted-more", "ledger-counted-more"] = (
            "service-counted-more" if count > 0 else "ledger-counted-more"
        )
        own = ours.succeeded if kind == "succeeded" else ours.refused
        yield Difference(
            begin, operation, kind, more, own[begin], service[kind].get(begin, 0),
            tuple(KnownCause(cause, explained) for cause, explained in known.items() if explained),
            abs(count) - known.total(),
        )  # fmt: skip


def _explained(
    operation: str, open_: Mapping[_Place, int], ours: LedgerCounts, neighbors: Neighbors
) -> dict[_Place, Counter[Cause]]:
    """Return how many of the calls that the service counted more each cause explains."""
    found: dict[_Place, Counter[Cause]] = {place: Counter() for place in open_}
    countable: tuple[tuple[Cause, Counts], ...] = (("probes", ours.probes), ("unknown", ours.unknown))
    for cause, counts in countable:
        spare = _Spare(operation, cause, counts, neighbors)
        for take in (spare.own, spare.beside):
            for (kind, begin), count in open_.items():
                if kind == "failed" or cause == "unknown":
                    known = found[kind, begin]
                    known[cause] += take(begin, count - known.total())
    for (kind, begin), count in open_.items():
        known = found[kind, begin]
        if kind == "failed" and ours.throttled[begin]:
            known["throttled"] += count - known.total()
        if ours.foreign:
            known["other-programs"] += count - known.total()
    return found
