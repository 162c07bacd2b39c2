"""Numbers of our own for Cloud Eye: how documents ended, what waits and since when, what was called, what it costs.

Each is a state at one moment: of today (UTC) so far, or of now; never what was added since the last timer. So a point
that is missing, comes twice or is written by two timers at once spoils nothing, and what is counted late is in the next
one. Graphs and alarms take the greatest point of a period. Only the timer writes, not each invocation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct

from legible.errors import LegibleError
from legible.ledger.due import Backlog
from legible.model.account import Measured, Metric
from legible.model.prices import Prices
from legible.oversight.calls import BILLED
from legible.oversight.money import Spending, billed, billing_day
from legible.oversight.packages import ToldPackages, states, stocks
from legible.oversight.rollup import DaySum, RollUp
from legible.ports import Invocation
from legible.ports.account import Metrics

#: ``service.item``, 3 to 32 characters, none of the vendor's SYS, AGT and SRE (SDK, create_metric_data, 3.1.219).
NAMESPACE = "LEGIBLE.Documents"
#: A deployment is known by its output bucket: no other one has that name, and no other one writes this series.
DIMENSION = "deployment"
#: What can wait: uploads for another try, notices for their target, journals for being counted.
Queues = Mapping[str, Callable[[], Backlog]]
#: What the sweep says of itself: how many it repaired today, and how many it found again at its last look.
Swept = Callable[[], Mapping[str, float]]
#: Every metric, and its unit; that of ``cost_month`` is the currency of the prices.
UNITS = {
    "documents_done": "count",
    "documents_partial": "count",
    "documents_rejected": "count",
    "documents_dead": "count",
    "documents_held": "count",
    "findings": "count",
    "pages": "count",
    "calls_paid": "count",
    "calls_refused": "count",
    "calls_throttled": "count",
    "calls_unknown": "count",
    "uploads_waiting": "count",
    "uploads_oldest": "minutes",
    "notices_waiting": "count",
    "notices_oldest": "minutes",
    "journals_waiting": "count",
    "journals_oldest": "minutes",
    "stall": "minutes",
    "sweep_repaired": "count",
    "sweep_in_vain": "count",
    "cost_month": "",
    "package_left": "%",
}
#: With less time than this left, in seconds, they are left to the next timer; less than what the walk before leaves.
_RESERVE = 20.0
#: A document that is held for longer than this is no longer among those that are.
_HELD_DAYS = 31
_SHARE = Decimal("0.1")
_ENDS = ("done", "partial", "rejected", "dead")


class Written(Struct, frozen=True, omit_defaults=True):
    """How many points were written, and of which operations no price is known, so that there is no cost."""

    points: int
    unpriced: tuple[str, ...] = ()


class Paying(NamedTuple):
    """What calls are paid by: prices and packages of the settings, and what the billing API says of the latter.

    ``told`` returns that on a day (UTC+8), None where it is not asked or refuses.
    """

    prices: Prices
    told: Callable[[date], ToldPackages | None] = lambda today: None


class OwnMetrics:
    """Writes the numbers of one deployment.

    Args:
        metrics: Takes them.
        rollup: The sums of days.
        paying: Prices and packages; without a price there is no cost, without a package nothing is left of it.
        queues: What waits: ``uploads``, ``notices``, ``journals``.
        swept: What the sweep says of itself.
        call: The invocation: gives time and log.
        deployment: The name of the output bucket.
    """

    def __init__(
        self, metrics: Metrics, rollup: RollUp, paying: Paying, queues: Queues, swept: Swept, call: Invocation,
        deployment: str,
    ) -> None:  # fmt: skip
        """Write nothing yet."""
        self._swept = swept
        self._metrics = metrics
        self._rollup = rollup
        self._prices, self._told = paying
        self._queues = queues
        self._call = call
        self._deployment = deployment

    def write(self) -> Written:
        """Write them; what is refused, missing or cannot be read is logged, and nothing else suffers."""
        if self._call.remaining() < _RESERVE:
            return self._unwritten("out-of-time", "The next timer writes them.")
        try:
            return self._write(self._call.now().astimezone(timezone.utc))
        except LegibleError as error:
            return self._unwritten(error.reason_code, str(error))

    def _write(self, now: datetime) -> Written:
        days = list(self._rollup.days(self._begin(now), now.date()))
        money, unpriced = self._of_money(days, billing_day(now))
        numbers: dict[str, float | Decimal] = {**_of_days(days, now.date()), **self._of_queues(days, now), **money}
        numbers.update(self._swept())
        at = now.replace(second=0, microsecond=0)
        self._metrics.write([Measured(self._metric(name), float(value), at) for name, value in numbers.items()])
        return Written(len(numbers), unpriced)

    def _unwritten(self, reason: str, message: str) -> Written:
        self._call.log("metrics-not-written", reason=reason, message=message)
        return Written(0)

    def _metric(self, name: str) -> Metric:
        return Metric(NAMESPACE, name, ((DIMENSION, self._deployment),), UNITS[name] or self._prices.currency)

    def _begin(self, now: datetime) -> date:
        """Return the first day that is needed: of the month for tiers, of held documents, of packages' whole time."""
        month, bought = billing_day(now).replace(day=1), [package.bought for package in self._prices.packages]
        # The vendor's days begin eight hours before those of UTC.
        return min(min([month, *bought]) - timedelta(days=1), now.date() - timedelta(days=_HELD_DAYS))

    def _of_money(self, days: list[DaySum], today: date) -> tuple[dict[str, Decimal], tuple[str, ...]]:
        """Return what this month's calls (UTC+8) cost so far, unless that of some is not known, and what packages have.

        ``package_left`` is the least that is left of any package in force, or of several for the same operations, in
        hundredths of its size.
        """
        spending, calls = Spending(self._prices), billed(days)
        costs = spending.costs(calls, today.replace(day=1), today)
        found = dict[str, Decimal]()
        if self._prices.packages:
            stocked, _ = stocks(self._prices, spending.left_on(today), self._told(today))
            left = [Decimal(100 * one.left) / one.size for one in states(stocked, calls, today)]
            found |= {"package_left": min(left).quantize(_SHARE)} if left else {}
        if not self._prices.list:
            return found, ()
        unpriced = tuple(sorted({cost.operation for cost in costs if cost.amount is None}))
        if not unpriced:
            found["cost_month"] = sum((cost.amount for cost in costs if cost.amount is not None), Decimal(0))
        return found, unpriced

    def _of_queues(self, days: list[DaySum], now: datetime) -> dict[str, float]:
        """Return how much waits, and for how long; and the stall.

        A stall is how long the oldest upload waits while no document has ended: the lesser of both times, so that one
        bound on one number tells that both are beyond it. Alarm rules of Cloud Eye know no "and".
        """
        found = dict[str, float]()
        for name, waiting in self._queues.items():
            queue = waiting()
            found[f"{name}_waiting"] = queue.count
            found[f"{name}_oldest"] = _minutes(queue.since, now)
        found["stall"] = found["uploads_oldest"]
        if found["stall"]:
            last = self._last_end(days)
            found["stall"] = min(found["stall"], _minutes(last, now)) if last else found["stall"]
        return found

    def _last_end(self, days: list[DaySum]) -> datetime | None:
        """Return when a document ended last, as far as it is counted; None where none is."""
        ended = max((day.day for day in days if day.ends), default=None)
        if ended is None:
            return None
        hours = {end.hour for day in self._rollup.hours(ended, ended) for end in day.ends}
        last = datetime.combine(ended, time(max(hours)), timezone.utc)
        minutes = (said.ended.minute for said in self._rollup.readings(last) if said.ended is not None)
        return last + timedelta(minutes=max(minutes, default=0))


def _of_days(days: list[DaySum], today: date) -> dict[str, float]:
    """Return what ended and what was called today, and what is held."""
    ends, calls, held, findings = Counter[str](), Counter[str](), 0, 0
    for day in days:
        for end in day.ends:
            held += end.count if end.status == "held" else 0
            ends[end.status] += end.count if day.day == today else 0
            findings += end.findings if day.day == today else 0
        for call in day.calls:
            calls[call.outcome] += call.count if day.day == today else 0
    return {
        **{f"documents_{status}": ends[status] for status in _ENDS},
        "documents_held": held,
        "findings": findings,
        "pages": calls["answered"] + calls["adopted"],
        "calls_paid": sum(calls[outcome] for outcome in BILLED),
        "calls_refused": calls["refused"],
        "calls_throttled": calls["throttled"],
        "calls_unknown": calls["unknown"],
    }


def _minutes(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, round((now - since).total_seconds() / 60, 1))
