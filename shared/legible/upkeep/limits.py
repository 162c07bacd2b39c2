"""How much a redrive or a backfill may cost: what is admitted by that, and what is left, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec import Struct

from legible.documents.uploads import UNREADABLE_BUCKET
from legible.errors import SettingsError
from legible.model.ends import EndChoice, FurtherCost, RedriveReport, UndoneEnd

#: How many documents are due in one minute, unless told otherwise: as many as are let go when an obstacle is gone.
A_MINUTE = 160
#: Why a document that fits the choice is left where it is.
LASTING, NO_UPLOAD, BEYOND, ASKED, MOVED_ON, NO_TIME = (
    "the same would come of it again", "no upload", "beyond the limit", "asked for already", "goes on already",
    "no time left",
)  # fmt: skip
#: Returns what further calls of each operation would cost.
Price = Callable[[Mapping[str, int]], FurtherCost]


class RedriveLimits(Struct, frozen=True):
    """How much a redrive may cost, in the currency of the settings or in calls, and how many documents it moves.

    ``a_minute`` is how many of them are due in one minute.
    """

    cost: Decimal | None = None
    calls: int | None = None
    documents: int | None = None
    a_minute: int = A_MINUTE


class RedriveTurn:
    """One redrive as far as it has come: what was admitted, and whether more may be."""

    def __init__(self, report: RedriveReport, limits: RedriveLimits, price: Price, now: datetime) -> None:
        """Admit nothing yet."""
        self.report = report
        self._limits = limits
        self._price = price
        self._now = now
        self._calls = Counter[str]()
        self._causes = Counter[str]()
        self._left = Counter[str]()

    def admit(self, end: UndoneEnd) -> datetime:
        """Take a document in that is tried again; return when it is due."""
        due = self._now + timedelta(minutes=self.report.chosen // self._limits.a_minute)
        self._add(end, 1)
        self.report.first, self.report.last = self.report.first or due, due
        return due

    def leave(self, why: str, count: int = 1) -> None:
        """Count documents that are left where they are."""
        if count:
            self._left[why] += count

    def withdraw(self, end: UndoneEnd, why: str) -> None:
        """Count a document that was admitted as one that is left."""
        self._add(end, -1)
        self.leave(why)

    def ended(self) -> RedriveReport:
        """Return the report."""
        report = self.report
        report.moved = 0 if report.dry else report.chosen
        report.calls = self._calls.total()
        report.causes, report.left = dict(+self._causes), dict(self._left)
        report.cost = self._price(+self._calls)
        return report

    def _add(self, end: UndoneEnd, count: int) -> None:
        self._calls[end.operation] += count * end.calls
        self._causes[end.code] += count
        self.report.chosen += count
        self.report.uncounted += count * (not end.pages)

    def refusal(self, end: UndoneEnd, choice: EndChoice) -> str:
        """Say why a document is not tried again; empty where it may be."""
        if end.bucket == UNREADABLE_BUCKET:
            return NO_UPLOAD
        if end.lasting and not choice.reasons:
            return LASTING
        limits = self._limits
        calls = self._calls + Counter({end.operation: end.calls})
        many = limits.documents is not None and self.report.chosen >= limits.documents
        if many or (limits.calls is not None and calls.total() > limits.calls) or self._dear(calls):
            return BEYOND
        return ""

    def _dear(self, calls: Mapping[str, int]) -> bool:
        """Tell whether so many calls cost more than they may."""
        return self._limits.cost is not None and affordable(self._price(calls)) > self._limits.cost


def affordable(cost: FurtherCost) -> Decimal:
    """Return what calls cost, to hold it against what they may cost.

    Raises:
        SettingsError: An operation has no price.
    """
    if cost.amount is None:
        raise SettingsError(
            f"There is no price for {', '.join(cost.unpriced)}, so no limit to the cost can be kept.",
            code="no-price",
            advice="Set one in [[prices.list]] of legible.toml, or bound the number of calls instead.",
        )
    return cost.amount
