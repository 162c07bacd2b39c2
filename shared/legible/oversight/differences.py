"""The ledger's counts held against the service's, period by period: what differs, and what is known of the cause.

Values only. A call at the edge of a period may be counted in the one by the service, and in the next one here: such a
pair is no difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct

#: What may be the cause of a difference. ``unknown``: calls of which no answer came, which the service counts as what
#: they were. ``probes``: unbilled questions. ``throttled``: each turned-away try counts there, one a page here.
#: ``other-programs``: of an operation that none of ours calls, or that the settings call shared.
Cause = Literal["unknown", "probes", "throttled", "other-programs"]
#: Periods of one operation, by their begin.
Counts = Mapping[datetime, int]


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
    kind: Literal["succeeded", "failed"]
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


def succeeded(operation: str, left: Counts, ours: LedgerCounts, service: Counts) -> Iterator[Difference]:
    """Yield the differences of calls that succeeded."""
    for begin, count in left.items():
        causes: list[tuple[Cause, int]] = [("unknown", ours.unknown[begin])] if count > 0 else []
        if count > 0 and ours.foreign:
            causes.append(("other-programs", count))
        yield _difference((begin, operation, "succeeded"), count, ours.succeeded[begin], service.get(begin, 0), causes)


def failed(operation: str, left: Counts, ours: LedgerCounts, service: Counts) -> Iterator[Difference]:
    """Yield the differences of calls that failed."""
    for begin, count in left.items():
        causes: list[tuple[Cause, int]] = []
        if count > 0:
            turned_away = count if ours.throttled[begin] else 0
            causes = [("probes", ours.probes[begin]), ("unknown", ours.unknown[begin]), ("throttled", turned_away)]
            causes += [("other-programs", count)] if ours.foreign else []
        yield _difference((begin, operation, "failed"), count, ours.refused[begin], service.get(begin, 0), causes)


def _difference(
    what: tuple[datetime, str, Literal["succeeded", "failed"]],
    count: int,
    ledger: int,
    service: int,
    causes: list[tuple[Cause, int]],
) -> Difference:
    begin, operation, kind = what
    left, known = abs(count), []
    for cause, most in causes:
        taken = min(left, most)
        if taken:
            known.append(KnownCause(cause, taken))
            left -= taken
    more: Literal["service-counted-more", "ledger-counted-more"] = (
        "service-counted-more" if count > 0 else "ledger-counted-more"
    )
    return Difference(begin, operation, kind, more, ledger, service, tuple(known), left)
