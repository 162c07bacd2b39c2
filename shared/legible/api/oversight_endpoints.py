"""Usage, cost, packages, subscriptions and reconciliation over HTTP: of the whole account, and so for no tenant."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol

from msgspec import Struct

from legible.api import bodies, oversight_shapes
from legible.api.calls import Answer, Call, Callers, Endpoint
from legible.api.problems import ProblemError
from legible.errors import RejectedError, SettingsError
from legible.model.usage import MonthCost, UsageReport, UsageRow
from legible.operations import catalog
from legible.oversight.accounting import AccountingReader
from legible.oversight.money import billing_day
from legible.oversight.reconciliation import Reconciler
from legible.oversight.subscriptions import Subscriptions
from legible.oversight.usage import UsageReader
from legible.ports import Invocation
from legible.upkeep.status import StatusReader

#: So many days are shown at the most, and compared by the hour and by the minute.
MOST_DAYS, MOST_HOURLY, MOST_MINUTELY = 1100, timedelta(days=31), timedelta(days=2)
#: Days longer ago than this, in days, are none of ours.
MOST_KEPT = 36_500
#: With less time left than this, in seconds, no further day is read.
_LOOK_SECONDS = 10.0


class Reader(Protocol):
    """Makes what puts usage together; see ``wiring.oversight``."""

    def __call__(self, timely: Callable[[], None], *, bills: bool) -> UsageReader:
        """Return it; with ``bills`` the billing API is asked what is left of packages."""
        ...


class Accountant(Protocol):
    """Makes what puts the accounts of projects together, without the bill; see ``wiring.oversight``."""

    def __call__(self, timely: Callable[[], None]) -> AccountingReader:
        """Return it."""
        ...


class Sources(Struct, frozen=True):
    """What makes what is asked, each when it is asked.

    ``sums`` tells how all documents stand, ``subscriptions`` asks the OCR service; ``held`` returns operations that
    hold documents up, each with its region; ``reconciler`` raises SettingsError where Cloud Eye is not to be reached.
    """

    reader: Reader
    accountant: Accountant
    sums: Callable[[], StatusReader]
    reconciler: Callable[[], Reconciler]
    subscriptions: Callable[[], Subscriptions]
    held: Callable[[], Iterable[tuple[str, str]]]


class OversightEndpoints:
    """Answers requests about what calls cost.

    Sums know no prefixes: they are of the whole account, which is not for a tenant to see.

    Args:
        call: The invocation: gives the time, and how much of it is left.
        callers: Tells who the caller is.
        sources: Makes what is asked.
    """

    def __init__(self, call: Invocation, callers: Callers, sources: Sources) -> None:
        """Read nothing yet."""
        self._call = call
        self._callers = callers
        self._sources = sources

    def by_route(self) -> dict[str, Endpoint]:
        """Return the endpoint of each route, by the route's name."""
        return {
            "usage": self.usage, "status": self.status, "accounts": self.accounts, "packages": self.packages,
            "subscriptions": self.subscriptions, "reconciliation": self.reconciliation,
        }  # fmt: skip

    def usage(self, call: Call) -> Answer:
        """Calls, ends and cost of some days; nobody but the output bucket is asked."""
        self._for_all(call)
        first, last = self._days(call.query, self._call.now().date())
        return _shape(self._sources.reader(self._timely, bills=False).report(first, last))

    def status(self, call: Call) -> Answer:
        """How all documents stand; nobody but the output bucket is asked."""
        self._for_all(call)
        asked: oversight_shapes.StatusAsking = call.query
        folder = None if asked.prefix is None else asked.prefix.removesuffix("/")
        if folder is not None and "/" in folder:
            raise bodies.unfit("query", "documents are summed up by their first folder: `prefix` must be one")
        self._timely()
        return self._sources.sums().sum(asked.by, folder)

    def accounts(self, call: Call) -> Answer:
        """What each enterprise project cost by the ledger; EPS is asked for names, and nobody for the bill."""
        self._for_all(call)
        first, last = self._days(call.query, billing_day(self._call.now()))
        report = self._sources.accountant(self._timely).report(first, last)
        return oversight_shapes.Accounts(
            first, last, report.as_of, report.currency, report.projects, report.months, report.names, report.notes
        )

    def subscriptions(self, call: Call) -> Answer:
        """Which operations are in use; or whether one may be called, by a call that cannot be billed."""
        self._for_all(call)
        slug: str = call.query.operation
        if slug and slug not in catalog.slugs():
            raise ProblemError(
                404, "no-such-operation", "There is no such operation.", "GET /v1/operations lists them."
            )
        asked = self._sources.subscriptions()
        found = [asked.one(slug, self._call.now().date())] if slug else asked.unasked()
        held = (oversight_shapes.HeldOperation(*one) for one in sorted(self._sources.held()))
        return oversight_shapes.SubscriptionList(tuple(found), tuple(held))

    def packages(self, call: Call) -> Answer:
        """What is left of packages; the billing API is asked, and where it refuses, a note says so."""
        self._for_all(call)
        today = self._call.now().date()
        report = self._sources.reader(self._timely, bills=True).report(today, today)
        return oversight_shapes.PackageList(report.as_of, report.packages, report.warnings, report.notes)

    def reconciliation(self, call: Call) -> Answer:
        """The ledger held against Cloud Eye."""
        self._for_all(call)
        asked: oversight_shapes.Reconciling = call.query
        default, most = (timedelta(days=1), MOST_MINUTELY) if asked.minutes else (timedelta(days=7), MOST_HOURLY)
        now = self._call.now()
        since, until = bodies.span_of(asked.since, min(asked.until or now, now), default)
        if not timedelta(0) < until - since <= most:
            raise bodies.unfit(
                "query", f"from `since` to `until` must be more than nothing, and {most.days} days at most"
            )
        self._timely()
        try:
            reconciler = self._sources.reconciler()
        except SettingsError as error:  # what was asked for is not here; the deployment is not wrong
            raise ProblemError(409, error.reason_code, error.message, error.advice) from None
        return (reconciler.by_minute if asked.minutes else reconciler.by_hour)(since, until)

    def _days(self, asked: oversight_shapes.UsageDays, today: date) -> tuple[date, date]:
        """Return from which day to which is shown, both included.

        Raises:
            ProblemError: 422, these cannot be shown.
        """
        last = min(asked.last or today, today)
        first = asked.first or last.replace(day=1)
        if first > last:
            raise bodies.unfit("query", f"`first` ({first}) is after `last` ({last})")
        if (last - first).days >= MOST_DAYS or (today - last).days >= MOST_KEPT:
            raise bodies.unfit(
                "query", f"from `first` to `last` are more than {MOST_DAYS} days, or they are too long ago"
            )
        return first, last

    def _for_all(self, call: Call) -> None:
        """Refuse a tenant.

        Raises:
            ProblemError: 403.
        """
        if self._callers.prefix(call):
            raise ProblemError(
                403, "whole-account", "This is of the whole account, and this application sees its own documents only.",
                "`legible usage` and `legible reconcile` show it to whoever may read the output bucket.",
            )  # fmt: skip

    def _timely(self) -> None:
        if self._call.remaining() < _LOOK_SECONDS:
            raise RejectedError(
                "There is too much to count in the time of one request.",
                code="too-much-to-count",
                advice="Ask for fewer days; `legible usage` has all the time it needs.",
            )


def _shape(report: UsageReport) -> oversight_shapes.Usage:
    return oversight_shapes.Usage(
        report.first, report.last, report.as_of, report.waiting, report.currency,
        _counts(report.days), _counts(report.operations), _counts(report.projects), _counts(report.routes),
        report.ends, _costs(report.costs, lambda cost: f"{cost.month:%Y-%m}"),
        _costs(report.costs, lambda cost: cost.operation), report.notes,
    )  # fmt: skip


def _counts(rows: Iterable[UsageRow]) -> tuple[oversight_shapes.UsageCount, ...]:
    totals = ((row.name, row.totals) for row in rows)
    return tuple(
        oversight_shapes.UsageCount(name, one.calls, one.succeeded, one.failed, one.unknown, one.surplus, one.pages)
        for name, one in totals
    )


def _costs(costs: Iterable[MonthCost], name: Callable[[MonthCost], str]) -> tuple[oversight_shapes.Cost, ...]:
    """Return the cost of what has one name together, by its name."""
    groups: dict[str, list[MonthCost]] = {}
    for cost in costs:
        groups.setdefault(name(cost), []).append(cost)
    return tuple(_cost(name, group) for name, group in sorted(groups.items()))


def _cost(name: str, group: list[MonthCost]) -> oversight_shapes.Cost:
    return oversight_shapes.Cost(
        name,
        sum(cost.billed for cost in group),
        sum(cost.packaged for cost in group),
        sum(cost.billed - cost.packaged for cost in group if cost.amount is None),
        sum(cost.perhaps for cost in group),
        sum((cost.amount for cost in group if cost.amount is not None), Decimal(0)),
    )
