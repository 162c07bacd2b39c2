"""Usage as it is shown: the sums of days, told apart by operation, day, project and route, with cost and packages."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta

from legible.errors import LegibleError
from legible.ledger.changes import Changes
from legible.model.prices import Prices
from legible.model.usage import DayEnds, MonthCost, Totals, UsageReport, UsageRow
from legible.oversight.as_of import as_of
from legible.oversight.bills import packages
from legible.oversight.money import Spending, billed, billing_day
from legible.oversight.packages import MONTH, ToldPackages, states, stocks, warning
from legible.oversight.rollup import DaySum, RollUp
from legible.oversight.spoilt import unreadable
from legible.ports.account import Billing


class UsageReader:
    """Puts usage together.

    Args:
        rollup: The sums of days.
        changes: Tells how many documents are not counted yet.
        prices: Prices and packages.
        billing: Says what is left of packages; None where it is not asked.
        now: Returns the time in UTC.
        timely: Called for each day that is read; may raise where there is no time left.
        region_of: Returns where an operation is called: a package is good for one region.
    """

    def __init__(
        self, rollup: RollUp, changes: Changes, prices: Prices, billing: Billing | None, now: Callable[[], datetime],
        timely: Callable[[], None] = lambda: None, region_of: Callable[[str], str] = lambda slug: "",
    ) -> None:  # fmt: skip
        """Read nothing yet."""
        self._rollup = rollup
        self._changes = changes
        self._prices = prices
        self._billing = billing
        self._now = now
        self._timely = timely
        self._region_of = region_of

    def report(self, first: date, last: date) -> UsageReport:
        """Return the usage of some days (UTC), both included.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault.
        """
        now = self._now()
        whole = as_of(self._changes, now)
        today, counted = billing_day(now), _Counted()

        def taken() -> Iterator[DaySum]:
            for day in self._rollup.days(self._begin(first, today), max(last, now.date())):
                self._timely()
                if first <= day.day <= last:
                    counted.take(day)
                yield day

        calls = billed(taken())
        spending = Spending(self._prices)
        costs = spending.costs(calls, first, last)
        told, unasked = self.told(today)
        stocked, notes = stocks(self._prices, spending.left_on(today), told)
        stated = states(stocked, calls, today)
        warnings = (warning(state, today, self._prices.warn_days) for state in stated)
        rows = counted.rows()
        return UsageReport(
            first, last, whole.at, whole.waiting, self._prices.currency,
            rows["operations"], rows["days"], rows["projects"], rows["routes"], rows["details"],
            ended=dict(sorted(counted.ended.items())), ends=tuple(counted.ends),
            costs=costs, packages=stated,
            warnings=tuple(filter(None, warnings)),
            notes=(*unasked, *notes, *_unpriced(costs, self._prices), *unreadable(counted.unreadable)),
        )  # fmt: skip

    def spending(self) -> Spending:
        """Return what was taken out of packages, and called beyond them, until now: the cost of more calls hangs on it.

        Raises:
            UnavailableError: The store has a passing fault.
        """
        today = billing_day(self._now())
        spent = Spending(self._prices)
        days = self._rollup.days(self._begin(today, today), self._now().date())
        spent.costs(billed(self._in_time(days)), today, today)
        return spent

    def _in_time(self, days: Iterable[DaySum]) -> Iterator[DaySum]:
        for day in days:
            self._timely()
            yield day

    def _begin(self, first: date, today: date) -> date:
        """Return the first day that is needed: for tiers a month's begin, for packages their whole time."""
        bought = [package.bought for package in self._prices.packages]
        return min([first.replace(day=1), today - timedelta(days=MONTH), *bought]) - timedelta(days=1)

    def told(self, today: date) -> tuple[ToldPackages | None, list[str]]:
        """Return the packages by the billing API on a day (UTC+8); None, and why, where it is not asked or refuses."""
        if self._billing is None or not any(package.product for package in self._prices.packages):
            return None, []
        try:
            return ToldPackages(*packages(self._billing), self._region_of, today), []
        except LegibleError as error:
            return None, [f"What is left of packages is an estimate from settings and ledger: {error}"]


class _Counted:
    """Calls told apart in each way that is shown."""

    def __init__(self) -> None:
        self.ended: Counter[str] = Counter()
        self.ends: list[DayEnds] = []
        self.unreadable: list[date] = []
        self._tallies: dict[str, dict[tuple[str, str], Counter[str]]] = {
            name: defaultdict(Counter) for name in ("operations", "days", "projects", "routes", "details")
        }

    def take(self, day: DaySum) -> None:
        """Add a day."""
        name = f"{day.day}"
        operations, projects, routes = (Counter[tuple[str, str]]() for _ in range(3))
        for call in day.calls:  # a year may have half a million of these: each is looked at three times, not five
            operations[call.operation, call.outcome] += call.count
            projects[call.project, call.outcome] += call.count
            routes[call.route, call.outcome] += call.count
        for (operation, outcome), count in operations.items():
            self._add("operations", (operation, ""), outcome, count)
            self._add("days", (name, ""), outcome, count)
            self._add("details", (name, operation), outcome, count)
        for (project, outcome), count in projects.items():
            self._add("projects", (project, ""), outcome, count)
        for (route, outcome), count in routes.items():
            self._add("routes", (route, ""), outcome, count)
        ended = Counter[str]()
        for end in day.ends:
            ended[end.status] += end.count
        self.ended += ended
        if ended:
            self.ends.append(DayEnds(day.day, dict(sorted(ended.items()))))
        if day.unreadable:
            self.unreadable.append(day.day)

    def _add(self, name: str, key: tuple[str, str], outcome: str, count: int) -> None:
        self._tallies[name][key][outcome] += count

    def rows(self) -> dict[str, tuple[UsageRow, ...]]:
        """Return the rows of each way, by its name: days in their order, others with the most calls first."""
        return {name: tuple(_rows(tally, by_time=name in ("days", "details"))) for name, tally in self._tallies.items()}


def _rows(tally: Mapping[tuple[str, str], Counter[str]], *, by_time: bool) -> Iterator[UsageRow]:
    found = [UsageRow(name, Totals.of(counts), operation) for (name, operation), counts in sorted(tally.items())]
    yield from found if by_time else sorted(found, key=lambda row: -row.totals.calls)


def _unpriced(costs: Iterable[MonthCost], prices: Prices) -> list[str]:
    slugs = sorted({cost.operation for cost in costs if cost.amount is None})
    if not slugs or not prices.list:
        return []
    return [f"No price is set for {', '.join(slugs)}: their cost is not known ([[prices.list]])."]
