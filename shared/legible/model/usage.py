"""What was used, as it is shown: calls by day, operation, project and route, their cost, what is left of packages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

#: By what calls are told apart.
Dimension = Literal["operation", "day", "project", "route"]


class Totals(Struct, frozen=True, omit_defaults=True):
    """Calls by what came of them.

    ``answered`` and ``surplus`` are billed, the answers of the latter were not needed; ``unknown`` may be billed;
    ``refused`` and ``throttled`` are not. ``adopted`` are no calls: pages that another document of the same content had
    paid for. ``throttled`` counts pages that were turned away, however often.
    """

    answered: int = 0
    surplus: int = 0
    unknown: int = 0
    refused: int = 0
    throttled: int = 0
    adopted: int = 0

    @classmethod
    def of(cls, counts: Mapping[str, int]) -> Totals:
        """Return the counts of outcomes; of one that a newer version wrote nothing is known here."""
        return cls(**{name: count for name, count in counts.items() if name in cls.__struct_fields__})

    @property
    def succeeded(self) -> int:
        """Calls that were billed."""
        return self.answered + self.surplus

    @property
    def failed(self) -> int:
        """Calls that the service refused."""
        return self.refused + self.throttled

    @property
    def calls(self) -> int:
        """All calls."""
        return self.succeeded + self.failed + self.unknown

    @property
    def pages(self) -> int:
        """Pages that have an answer."""
        return self.answered + self.adopted


class UsageRow(Struct, frozen=True):
    """The calls of one day, operation, project or route, or of one day and operation; empty texts are not known."""

    name: str
    totals: Totals
    operation: str = ""


class DayEnds(Struct, frozen=True):
    """How many documents ended on one day (UTC), by status, each at its last end."""

    day: date
    counts: dict[str, int]


class MonthCost(Struct, frozen=True):
    """What one operation cost in one month (UTC+8).

    ``billed`` calls were answered with 2xx; ``packaged`` of them were taken out of packages, the others cost
    ``amount``, which is None where the settings name no price. ``perhaps`` calls may have been billed, too.
    """

    month: date
    operation: str
    billed: int
    packaged: int
    perhaps: int
    amount: Decimal | None


class PackageState(Struct, frozen=True):
    """What is left of the packages that are good for the same operations.

    ``estimated``: by settings and ledger, not by the billing API. ``week`` and ``month`` are calls a day over the last
    7 and 30 whole days (UTC+8), ``today`` are those of today so far; ``runs_out`` is the day on which the packages are
    used up at the greater of both rates, None where nothing is used; ``ends`` when the last of them expires.
    """

    name: str
    slugs: tuple[str, ...]
    size: int
    left: int
    estimated: bool
    week: Decimal
    month: Decimal
    runs_out: date | None = None
    ends: date | None = None
    today: int = 0


class ServiceRow(Struct, frozen=True):
    """What the service itself counted of one operation, or on one day (UTC); what succeeded is billed."""

    name: str
    succeeded: int = 0
    failed: int = 0


class ServiceSide(Struct, frozen=True):
    """What Cloud Eye counted from ``begin`` on, of all programs of the project; it knows no project and no route.

    ``begin`` is the first moment of a day: before it nothing is known, which is not the same as no call. ``unasked``
    are operations that nobody knows how to ask for.
    """

    begin: datetime
    operations: tuple[ServiceRow, ...] = ()
    days: tuple[ServiceRow, ...] = ()
    unasked: tuple[str, ...] = ()

    def rows(self, by: Dimension) -> dict[str, ServiceRow] | None:
        """Return the rows of one dimension by their names; None of one that it does not know."""
        known = {"operation": self.operations, "day": self.days}.get(by)
        return None if known is None else {row.name: row for row in known}

    def row(self, by: Dimension, name: str) -> ServiceRow | None:
        """Return what was counted of an operation or on a day; None where that is not known."""
        known = self.rows(by)
        if known is None or (by == "day" and name < f"{self.begin.date()}"):
            return None
        return known.get(name, None if by == "operation" and name in self.unasked else ServiceRow(name))


class UsageReport(Struct, frozen=True):
    """Usage from ``first`` to ``last`` day (UTC), both included.

    What was called before ``as_of`` is counted; ``waiting`` documents may add to it. ``ended`` are documents by status,
    each at its last end, and ``ends`` the same by the day. ``notes`` are remarks for whoever reads it, ``warnings`` ask
    for something to be done. ``service`` is the other side, where it was asked for and could be told.
    """

    first: date
    last: date
    as_of: datetime
    waiting: int
    currency: str
    operations: tuple[UsageRow, ...] = ()
    days: tuple[UsageRow, ...] = ()
    projects: tuple[UsageRow, ...] = ()
    routes: tuple[UsageRow, ...] = ()
    details: tuple[UsageRow, ...] = ()
    ended: dict[str, int] = {}
    ends: tuple[DayEnds, ...] = ()
    costs: tuple[MonthCost, ...] = ()
    packages: tuple[PackageState, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    service: ServiceSide | None = None

    def rows(self, by: Dimension) -> tuple[UsageRow, ...]:
        """Return the calls told apart by one dimension."""
        return {"operation": self.operations, "day": self.days, "project": self.projects, "route": self.routes}[by]

    def both(self, by: Dimension) -> tuple[tuple[UsageRow, ServiceRow | None], ...]:
        """Return the same with the service's side, those too that only it counted; None where it is not known."""
        ours, known = self.rows(by), (self.service.rows(by) if self.service else None) or {}
        rows = [*ours, *(UsageRow(name, Totals()) for name in known if name not in {row.name for row in ours})]
        if by == "day":
            rows.sort(key=lambda row: row.name)
        return tuple((row, self.service.row(by, row.name) if self.service else None) for row in rows)

    def service_heads(self, by: Dimension) -> tuple[str, ...]:
        """Return what the columns of the service's side are called; none where it does not know the dimension.

        A sum over a part of the days says since when it counts; days say so each by themselves.
        """
        if self.service is None or self.service.rows(by) is None:
            return ()
        begin = self.service.begin.date()
        since = f" since {begin}" if by == "operation" and begin > self.first else ""
        return f"Cloud Eye{since}: succeeded", f"Cloud Eye{since}: failed"
