"""The ledger held against Cloud Eye: by the hour within 155 days, by the minute within two."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple

from msgspec import Struct, structs

from legible.ledger.changes import Changes
from legible.ledger.probes import Probe, ProbeLog
from legible.model.account import HOUR, RAW, Period, Span
from legible.model.prices import Reconcile
from legible.oversight import differences
from legible.oversight.calls import BILLED, hour_of
from legible.oversight.differences import Cause, Difference, Kind, LedgerCounts, Neighbors
from legible.oversight.rollup import DaySum, RollUp
from legible.oversight.service_counts import Counts, ServiceCounts, unmapped
from legible.oversight.spoilt import unreadable
from legible.ports.account import Metrics

#: The service counts a call when it answers, the ledger when the answer is kept: so many minutes later at the most.
EDGE = 2
_MINUTE = timedelta(minutes=1)
#: When, of which operation, what came of it, how many.
_Call = tuple[datetime, str, str, int]


class Reconciled(Struct, frozen=True):
    """What came of it: times in UTC; calls before ``end`` are judged, later ones may not be counted everywhere yet.

    ``ledger`` and ``service`` are all calls that succeeded, by both sides. ``moved`` calls are counted in neighboring
    periods. ``unmapped`` are the calls of values that name no operation.
    """

    begin: datetime
    end: datetime
    period: Literal["hour", "minute"]
    ledger: int
    service: int
    moved: int = 0
    differences: tuple[Difference, ...] = ()
    unmapped: dict[str, int] = {}
    notes: tuple[str, ...] = ()

    @property
    def compared(self) -> bool:
        """Whether there was any time that both sides could be compared in; ``notes`` say why not."""
        return self.begin < self.end

    @property
    def unexplained(self) -> int:
        """Calls that are billed by one side and not by the other, and nobody knows why."""
        return sum(one.unexplained for one in self.differences if one.kind == "succeeded") + sum(self.unmapped.values())


class Reconciler:
    """Compares both sides.

    Args:
        metrics: Cloud Eye.
        rollup: What journals say.
        probes: The notes of unbilled calls.
        changes: Tells since when journals wait to be counted.
        rules: The settings.
        now: Returns the time in UTC.
        named: Operations that are ours whether or not they were called lately.
    """

    def __init__(
        self,
        metrics: Metrics,
        rollup: RollUp,
        probes: ProbeLog,
        changes: Changes,
        rules: Reconcile,
        now: Callable[[], datetime],
        named: frozenset[str] = frozenset(),
    ) -> None:
        """Compare nothing yet."""
        self._service = ServiceCounts(metrics, rules)
        self._rollup = rollup
        self._probes = probes
        self._changes = changes
        self._rules = rules
        self._now = now
        self._named = named

    def by_hour(self, begin: datetime, end: datetime) -> Reconciled:
        """Compare hour by hour, from one time to another.

        Raises:
            HeldError: A right or a setting must be mended, which the error names.
            RetryableError: A fault that passes.
        """
        begin, end, notes = self._bounds(begin, end, HOUR)
        span, spoilt = Span(begin, end, HOUR), list[date]()
        calls = (call for call in self._hours(span, spoilt) if _judged(call, begin, end, HOUR.step))

        @lru_cache(maxsize=64)
        def minutes(hour: datetime) -> tuple[_Call, ...]:
            return tuple(self._minutes(hour))

        def near(slug: str, outcomes: Iterable[str], hour: datetime, other: datetime) -> int:
            """Return how many calls of an hour are at its edge with another one."""
            edge = max(hour, other)
            return sum(
                count for at, operation, outcome, count in minutes(hour)
                if operation == slug and outcome in outcomes and _at_edge(at, edge)
            )  # fmt: skip

        def nearby(hour: datetime) -> Iterator[datetime]:
            yield hour + HOUR.step

        found = self._compared(span, calls, _Moves(nearby, near))
        return structs.replace(found, notes=(*notes, *found.notes, *unreadable(spoilt)))

    def by_minute(self, begin: datetime, end: datetime) -> Reconciled:
        """Compare minute by minute. Args and errors are as of ``by_hour``."""
        begin, end, notes = self._bounds(begin, end, RAW)
        first, last, edge = hour_of(begin - EDGE * _MINUTE), end + EDGE * _MINUTE, EDGE * _MINUTE
        hours = (first + number * HOUR.step for number in range(int((last - first) / HOUR.step) + 1))
        calls = (call for hour in hours for call in self._minutes(hour) if _judged(call, begin, end, edge))

        def nearby(minute: datetime) -> Iterator[datetime]:
            yield from (minute + distance * _MINUTE for distance in range(1, EDGE + 1))

        moves = _Moves(nearby, lambda slug, outcomes, one, other: 1 << 62)
        span = Span(begin, end, RAW)
        spoilt = [day.day for day in self._rollup.days(begin.date(), end.date()) if _spoilt(day, span)]
        found = self._compared(span, calls, moves)
        return structs.replace(found, notes=(*notes, *found.notes, *unreadable(spoilt)))

    def _bounds(self, begin: datetime, end: datetime, period: Period) -> tuple[datetime, datetime, list[str]]:
        """Return from when to when both sides can be compared, and why that is less than was asked for."""
        now, notes = self._now(), []
        _, oldest = self._changes.uncounted()
        kept = hour_of(now - period.kept) + HOUR.step
        whole = hour_of(min(now - timedelta(hours=self._rules.late_hours), oldest or now))
        if begin < kept:
            what = "compared from {}" if kept < end else "nothing before {} can be compared"
            notes.append(
                f"Cloud Eye keeps these points for {period.kept.days} days: {what.format(f'{kept:%Y-%m-%d %H:%M}')}."
            )
        if end > whole:
            why = (
                "journals wait to be counted" if oldest is not None and whole == hour_of(oldest) else "data may be late"
            )
            notes.append(f"Not compared from {whole:%Y-%m-%d %H:%M} on: {why}.")
        elif end != _floor(end, period):
            end, asked = _floor(end, period), end
            notes.append(
                f"Compared until {end:%Y-%m-%d %H:%M}: {asked:%H:%M:%S} is within the next {_NAMES[period.asked]}."
            )
        begin = max(hour_of(begin), kept)
        return begin, max(begin, min(end, whole)), notes

    def _hours(self, span: Span, spoilt: list[date]) -> Iterator[_Call]:
        """Yield the calls of a span and of the hours beside it; days of which not all could be read are noted."""
        for day in self._rollup.hours((span.begin - HOUR.step).date(), span.end.date()):
            spoilt += [day.day] if _spoilt(day, span) else []
            for call in day.calls:
                at = span.begin.replace(year=day.day.year, month=day.day.month, day=day.day.day, hour=call.hour)
                yield at, call.operation, call.outcome, call.count

    def _minutes(self, hour: datetime) -> Iterator[_Call]:
        for said in self._rollup.readings(hour):
            for call in said.calls:
                yield hour.replace(minute=call.minute), call.operation, call.outcome, call.count

    def _compared(self, span: Span, calls: Iterable[_Call], moves: _Moves) -> Reconciled:
        probes = self._probed(span)
        ours = self._ledger(calls, probes, span)
        lately = self._lately(span)
        service = self._service.counted(span, {*ours, *lately})
        found, moved = list[Difference](), 0
        for slug in sorted({*ours, *service.succeeded, *service.failed}):
            foreign = slug in self._rules.shared or slug not in lately
            mine = structs.replace(ours[slug], foreign=foreign) if slug in ours else LedgerCounts(foreign=foreign)
            left, counted = dict[Kind, dict[datetime, int]](), dict[Kind, Counter[datetime]]()
            sides: tuple[tuple[Kind, Counter[datetime], Iterable[str], Counts], ...] = (
                ("succeeded", mine.succeeded, BILLED, service.succeeded), ("failed", mine.refused, _NO, service.failed),
            )  # fmt: skip
            for kind, own, outcomes, counts in sides:
                counted[kind] = counts.get(slug, Counter())
                left[kind], went = differences.settled(own, counted[kind], moves.nearby, moves.of(slug, outcomes))
                moved += went
            found += differences.named(slug, left, mine, counted, moves.neighbors(probes, span.period))
        return Reconciled(
            span.begin, span.end, "hour" if span.period is HOUR else "minute",
            sum(mine.succeeded.total() for mine in ours.values()),
            sum(counts.total() for counts in service.succeeded.values()),
            moved, tuple(sorted(found, key=lambda one: (one.begin, one.operation, one.kind))), service.unmapped,
            tuple(unmapped(service.unmapped)),
        )  # fmt: skip

    def _probed(self, span: Span) -> list[Probe]:
        """Return the probes of a span, and of a little before and after it."""
        first, last = span.begin - EDGE * _MINUTE, span.end + EDGE * _MINUTE
        return [probe for probe in self._probes.made(first.date(), last.date()) if first <= probe.at < last]

    def _ledger(self, calls: Iterable[_Call], probes: Iterable[Probe], span: Span) -> dict[str, LedgerCounts]:
        found: dict[str, dict[str, Counter[datetime]]] = defaultdict(lambda: defaultdict(Counter))
        for at, slug, outcome, count in calls:
            name = "succeeded" if outcome in BILLED else outcome
            found[slug][name][at] += count
        for probe in probes:
            found[probe.operation]["probes"][_floor(probe.at, span.period)] += 1
        return {
            slug: LedgerCounts(
                counts["succeeded"], counts["refused"], counts["unknown"], counts["throttled"], counts["probes"]
            )
            for slug, counts in found.items()
        }

    def _lately(self, span: Span) -> set[str]:
        """Return the operations that are ours: those that settings name, and those called as long as Cloud Eye keeps.

        They are asked for though none of the compared periods has a call of ours, and that it has none must not excuse
        one that nobody knows of.
        """
        today = self._now().date()
        days = self._rollup.days(today - HOUR.kept, today) if span.begin < span.end else ()
        return {*self._named, *(call.operation for day in days for call in day.calls if call.outcome != "adopted")}


_NAMES = {HOUR.asked: "hour", RAW.asked: "minute"}
#: What the ledger knows of a call that failed for certain.
_NO = ("refused",)


class _Moves(NamedTuple):
    """Between which periods calls may have moved, and how many of an operation and of outcomes.

    ``nearby`` yields the later periods, ``near`` returns how many calls of one period are at its edge with another one.
    """

    nearby: Callable[[datetime], Iterator[datetime]]
    near: Callable[[str, Iterable[str], datetime, datetime], int]

    def of(self, slug: str, outcomes: Iterable[str]) -> Callable[[datetime, datetime], int]:
        """Return what tells how many calls may have moved between two periods, either way."""
        return lambda one, other: self.near(slug, outcomes, one, other) + self.near(slug, outcomes, other, one)

    def neighbors(self, probes: Sequence[Probe], period: Period) -> Neighbors:
        """Return which periods are beside one another, and what lies at their edges."""

        def around(begin: datetime) -> Iterator[datetime]:
            for later in self.nearby(begin):
                yield begin - (later - begin)
                yield later

        def near(slug: str, cause: Cause, begin: datetime, other: datetime) -> int:
            if cause != "probes":
                return self.near(slug, (cause,), begin, other)
            edge = max(begin, other)
            times = (probe.at for probe in probes if probe.operation == slug)
            return sum(_floor(at, period) == begin and (period is RAW or _at_edge(at, edge)) for at in times)

        return Neighbors(around, near)


def _judged(call: _Call, begin: datetime, end: datetime, beside: timedelta) -> bool:
    """Tell whether a call counts in a comparison; one without an answer may explain what lies beside it, too."""
    at, _, outcome, _ = call
    return begin <= at < end or (outcome == "unknown" and begin - beside <= at < end + beside)


def _spoilt(day: DaySum, span: Span) -> bool:
    """Tell whether something of a day that is compared could not be read."""
    return bool(day.unreadable) and span.begin.date() <= day.day <= (span.end - _MINUTE).date()


def _at_edge(at: datetime, edge: datetime) -> bool:
    return -EDGE * _MINUTE <= at - edge < EDGE * _MINUTE


def _floor(at: datetime, period: Period) -> datetime:
    return hour_of(at) if period is HOUR else at.replace(second=0, microsecond=0)
