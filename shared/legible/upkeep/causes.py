"""Documents that are not done, put together by their causes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime

from legible.model.ends import Cause, EndChoice, UndoneEnd, UndoneReport
from legible.upkeep.ends import UndoneEnds, latest
from legible.upkeep.limits import Price


def by_cause(
    ends: UndoneEnds,
    choice: EndChoice,
    price: Price,
    now: datetime,
    most: int = 50,
    timely: Callable[[], None] = lambda: None,
) -> UndoneReport:
    """Return the documents that are chosen, by their causes; no document is asked for.

    Args:
        ends: Finds them.
        choice: Which.
        price: Says what calls cost.
        now: The time.
        most: How many of them are named, the latest first.
        timely: Called for each of them; may raise where there is no time left.

    Raises:
        UnavailableError: The store has a passing fault.
        HeldError: The bucket refuses.
    """
    groups = dict[tuple[str, str], _Group]()

    def grouped() -> Iterator[UndoneEnd]:
        for end in ends.find(choice):
            timely()
            groups.setdefault((end.code, end.vendor_code), _Group()).take(end)
            yield end

    named = latest(grouped(), most)
    by_count = sorted(groups.items(), key=lambda item: (-item[1].documents, item[0]))
    calls = sum((group.calls for group in groups.values()), Counter[str]())
    return UndoneReport(
        now, sum(group.documents for group in groups.values()),
        tuple(group.cause(*key, price) for key, group in by_count), tuple(named), price(calls), ends.unread,
    )  # fmt: skip


class _Group:
    """The documents of one cause."""

    def __init__(self) -> None:
        self.documents = self.uncounted = self.lasting = 0
        self.calls, self.statuses, self.operations = Counter[str](), Counter[str](), Counter[str]()
        self.times: tuple[datetime, datetime] | None = None
        self.example = ""

    def take(self, end: UndoneEnd) -> None:
        self.documents += 1
        self.uncounted += not end.pages
        self.lasting += end.lasting
        self.calls[end.operation] += end.calls
        self.statuses[end.status] += 1
        self.operations[end.operation] += 1
        first, last = self.times or (end.at, end.at)
        self.times = min(first, end.at), max(last, end.at)
        self.example = self.example or end.message

    def cause(self, code: str, vendor_code: str, price: Price) -> Cause:
        assert self.times is not None  # there is no group of no documents
        return Cause(
            code, vendor_code, dict(self.statuses), dict(self.operations), self.documents, self.calls.total(),
            self.uncounted, self.lasting, *self.times, price(self.calls), self.example,
        )  # fmt: skip
