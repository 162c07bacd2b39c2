"""What each enterprise project used and cost, from the sums of days; beside it what the vendor billed to each.

Days and months are the vendor's, in UTC+8. What was called without a project belongs to the default one, ``0``.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from legible.errors import HeldError, LegibleError
from legible.ledger.changes import Changes
from legible.model.account import BillLine
from legible.model.accounting import AccountingReport, BilledLine, ProjectDay, ProjectMonth, ProjectShare
from legible.model.prices import Prices
from legible.model.usage import MonthCost, Totals
from legible.operations.projects import DEFAULT
from legible.oversight.as_of import as_of
from legible.oversight.bills import UNKNOWN_SERVICE, service_code
from legible.oversight.calls import BILLED
from legible.oversight.money import Spending, billed, billing_day
from legible.oversight.rollup import DaySum, RollUp
from legible.oversight.spoilt import unreadable
from legible.ports.account import Billing, EnterpriseProjects

#: Parts of an amount are told to so many decimals; the last of them takes what is left over.
_PART = Decimal("0.000001")
_NOBODY = "None of these services is reached here: set cloud.account_endpoint, or the endpoints of eps and billing."


class Told(NamedTuple):
    """The services that are asked beside the ledger; None for one that is not to be reached."""

    projects: EnterpriseProjects | None
    billing: Billing | None


class _Bill(Struct):
    """What the vendor billed, None where that is not known; names of projects; and why something is not known."""

    lines: list[BillLine] | None = None
    names: dict[str, str] = {}
    notes: list[str] = []


class AccountingReader:
    """Puts accounts together.

    Args:
        rollup: The sums of days.
        changes: Tells how many documents are not counted yet.
        prices: Prices and packages.
        told: The services that are asked.
        now: Returns the time in UTC.
        timely: Called for each day that is read; may raise where there is no time left.
    """

    def __init__(
        self, rollup: RollUp, changes: Changes, prices: Prices, told: Told, now: Callable[[], datetime],
        timely: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """Read nothing yet."""
        self._rollup = rollup
        self._changes = changes
        self._prices = prices
        self._told = told
        self._now = now
        self._timely = timely

    def report(self, first: date, last: date) -> AccountingReport:
        """Return the accounts of some days (UTC+8), both included.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault.
        """
        whole = as_of(self._changes, self._now())
        bought = [package.bought for package in self._prices.packages]
        begin = min([first.replace(day=1), *bought]) - timedelta(days=1)
        counted, spoilt = _ByProject(first, last), list[date]()

        def taken() -> Iterator[DaySum]:
            for day in self._rollup.days(begin, last):
                self._timely()
                counted.take(day)
                if day.unreadable and day.day >= first - timedelta(days=1):
                    spoilt.append(day.day)
                yield day

        costs = Spending(self._prices).costs(billed(taken()), first, last)
        bill = self._billed(first, last)
        amounts, charged = parts(costs, counted.paid), _charged(bill.lines)
        months = tuple(
            ProjectMonth(
                month, project, Totals.of(counts), amounts.get((month, project)), charged.get((month, project))
            )
            for (month, project), counts in sorted(counted.months.items())
        )
        return AccountingReport(
            first, last, whole.at, whole.waiting, self._prices.currency,
            months=months,
            days=tuple(ProjectDay(*key, Totals.of(counts)) for key, counts in sorted(counted.days.items())),
            projects=shares(months, charged),
            bill=None if bill.lines is None else _lines(bill.lines),
            bill_currency=next((line.currency for line in bill.lines or () if line.currency), ""),
            names=bill.names,
            notes=(*bill.notes, *_unpriced(costs, self._prices), *unreadable(spoilt)),
        )  # fmt: skip

    def _billed(self, first: date, last: date) -> _Bill:
        """Ask the account's services; what they refuse is a note, and holds up nothing."""
        bill = _Bill(names={}, notes=[])
        if self._told.projects is None and self._told.billing is None:
            bill.notes.append(_NOBODY)
        try:
            found = self._told.projects.all() if self._told.projects else ()
            bill.names |= {one.id: one.name for one in found}
        except LegibleError as error:
            bill.notes.append(f"Names of enterprise projects are not known: {error}")
        try:
            bill.lines = self._lines(first, last)
        except LegibleError as error:
            bill.notes.append(f"What was billed is not known, costs are by the settings' prices alone: {error}")
        for line in bill.lines or ():
            if line.enterprise_project and line.project_name:
                bill.names.setdefault(line.enterprise_project, line.project_name)
        if bill.lines:
            bill.notes.append("OCR is billed by the hour, and bills show it later: the last day may not be whole.")
        return bill

    def _lines(self, first: date, last: date) -> list[BillLine] | None:
        billing = self._told.billing
        if billing is None:
            return None
        code = service_code(billing)
        if not code:
            raise HeldError(UNKNOWN_SERVICE, advice="Check billing.site, and that the account ever used OCR.")
        return list(billing.lines(first, last, code))


class _ByProject:
    """Calls by month and project, by day, project and operation; and those that are billed, by month and operation."""

    def __init__(self, first: date, last: date) -> None:
        self._first, self._last = first, last
        self.months: dict[tuple[date, str], Counter[str]] = defaultdict(Counter)
        self.days: dict[tuple[date, str, str], Counter[str]] = defaultdict(Counter)
        self.paid: dict[tuple[date, str], Counter[str]] = defaultdict(Counter)

    def take(self, one: DaySum) -> None:
        """Count the calls of one day (UTC)."""
        for call in one.calls:
            day = billing_day(datetime.combine(one.day, time(call.hour), timezone.utc))
            if not self._first <= day <= self._last:
                continue
            month, project = day.replace(day=1), call.project or DEFAULT
            self.months[month, project][call.outcome] += call.count
            self.days[day, project, call.operation][call.outcome] += call.count
            if call.outcome in BILLED:
                self.paid[month, call.operation][project] += call.count


def parts(
    costs: Iterable[MonthCost], paid: Mapping[tuple[date, str], Mapping[str, int]]
) -> dict[tuple[date, str], Decimal | None]:
    """Return each project's part of what operations cost, by month and project: as its part of the billed calls.

    Packages and tiers are those of the whole account, so that no call has a price of its own. All parts together are
    exactly the whole. None where one of them has no price.

    Args:
        costs: What each operation cost in each month.
        paid: How many calls were billed, by month and operation, of each project.
    """
    found: dict[tuple[date, str], Decimal | None] = {}
    for cost in costs:
        counts = sorted(paid.get((cost.month, cost.operation), {}).items())
        total, left = sum(count for _, count in counts), cost.amount
        for number, (project, count) in enumerate(counts, 1):
            part = None
            if cost.amount is not None and left is not None:
                part = left if number == len(counts) else (cost.amount * count / total).quantize(_PART)
                left -= part
            so_far = found.get((cost.month, project), Decimal(0))
            found[cost.month, project] = None if part is None or so_far is None else so_far + part
    return found


def shares(months: Iterable[ProjectMonth], charged: Mapping[tuple[date, str], Decimal]) -> tuple[ProjectShare, ...]:
    """Return the projects over the whole time, those with the most billed calls first; also those only billed."""
    by_project: dict[str, list[ProjectMonth]] = defaultdict(list)
    for one in months:
        by_project[one.project].append(one)
    bills: dict[str, Decimal] = defaultdict(Decimal)
    for (_, project), amount in charged.items():
        bills[project] += amount
    everything = sum(one.totals.succeeded for found in by_project.values() for one in found)
    shared = [
        ProjectShare(
            project,
            together := _sum(one.totals for one in by_project[project]),
            Decimal(together.succeeded) / everything if everything else Decimal(0),
            _whole([one.amount for one in by_project[project]]),
            bills.get(project),
        )
        for project in sorted({*by_project, *bills})
    ]
    return tuple(sorted(shared, key=lambda one: -one.totals.succeeded))


def _sum(found: Iterable[Totals]) -> Totals:
    known = list(found)
    return Totals(**{name: sum(getattr(one, name) for one in known) for name in Totals.__struct_fields__})


def _whole(amounts: Iterable[Decimal | None]) -> Decimal | None:
    known = list(amounts)
    certain = [amount for amount in known if amount is not None]
    return sum(certain, Decimal(0)) if known and len(certain) == len(known) else None


def _charged(lines: Iterable[BillLine] | None) -> dict[tuple[date, str], Decimal]:
    """Return what was billed by month and project; what is attributed to none is no project's."""
    found: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for line in lines or ():
        if line.enterprise_project is not None:
            found[line.day.replace(day=1), line.enterprise_project] += line.amount
    return dict(found)


def _lines(lines: Iterable[BillLine]) -> tuple[BilledLine, ...]:
    found: dict[tuple[date, str | None, str], Decimal] = defaultdict(Decimal)
    for line in lines:
        found[line.day.replace(day=1), line.enterprise_project, line.resource] += line.amount
    ordered = sorted(found.items(), key=lambda item: (item[0][0], item[0][1] or "", item[0][2]))
    return tuple(BilledLine(*key, amount) for key, amount in ordered)


def _unpriced(costs: Iterable[MonthCost], prices: Prices) -> list[str]:
    slugs = sorted({cost.operation for cost in costs if cost.amount is None})
    if not slugs:
        return []
    many = "No price is set" if prices.list else "No prices are set, among others"
    return [f"{many} for {', '.join(slugs)}: what they cost each project is not known ([[prices.list]])."]
