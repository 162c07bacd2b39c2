"""What Cloud Eye counted of each operation: the service's own side of usage."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta, timezone
from typing import NamedTuple

from msgspec import structs

from legible.errors import LegibleError
from legible.model.account import HOUR, Metric, Span
from legible.model.prices import Reconcile
from legible.model.usage import ServiceRow, ServiceSide, UsageReport
from legible.operations import catalog
from legible.oversight import interfaces
from legible.oversight.calls import hour_of
from legible.ports.account import Metrics

#: Calls by operation and the begin of their period.
Counts = dict[str, Counter[datetime]]


class Counted(NamedTuple):
    """What Cloud Eye counted, by operation, and the calls of values that name none."""

    succeeded: Counts
    failed: Counts
    unmapped: dict[str, int]


class ServiceCounts:
    """Asks Cloud Eye.

    Args:
        metrics: Cloud Eye.
        rules: The settings: which operation a value names that the catalog does not know.
    """

    def __init__(self, metrics: Metrics, rules: Reconcile) -> None:
        """Ask nothing yet."""
        self._metrics = metrics
        self._rules = rules

    def counted(self, span: Span, slugs: Iterable[str]) -> Counted:
        """Return what was counted; of operations in ``slugs`` also where Cloud Eye lists no series.

        Raises:
            HeldError: A right or a setting must be mended, which the error names.
            RetryableError: A fault that passes.
        """
        named = self._asked(slugs)
        counted = Counted(defaultdict(Counter), defaultdict(Counter), {})
        for series in self._metrics.sums(named, span) if named and span.begin < span.end else ():
            value = series.metric.value(interfaces.DIMENSION)
            slug = interfaces.operation_of(value, self._rules.interfaces)
            sums = Counter({at: round(count) for at, count in series.sums.items() if round(count)})
            succeeded = series.metric.name == interfaces.SUCCESSFUL
            if slug:
                (counted.succeeded if succeeded else counted.failed)[slug].update(sums)
            elif sums and succeeded:
                counted.unmapped[value] = counted.unmapped.get(value, 0) + sums.total()
        return counted

    def _asked(self, slugs: Iterable[str]) -> list[Metric]:
        """Return the series to ask for: both of each listed value, and each possible one of operations without.

        A series that did not report lately is not listed, and has points all the same (list_metrics, 3.1.219). That
        holds for each by itself: where calls failed lately and none succeeded, one of both series is listed.
        """
        named = (interfaces.SUCCESSFUL, interfaces.FAILED)
        listed = [metric for metric in self._metrics.names(interfaces.NAMESPACE) if metric.name in named]
        values = [metric.value(interfaces.DIMENSION) for metric in listed]
        known = {interfaces.operation_of(value, {}) for value in values}
        unlisted = [slug for slug in slugs if slug in catalog.slugs() and slug not in known]
        values += [value for slug in unlisted for value in interfaces.spellings(slug)]
        values += self._rules.interfaces
        return [
            Metric(interfaces.NAMESPACE, name, ((interfaces.DIMENSION, value),))
            for value in dict.fromkeys(values)
            for name in named
        ]


def unmapped(values: Mapping[str, int]) -> Iterator[str]:
    """Yield a remark on each value that names no operation, and its calls."""
    for value, count in sorted(values.items()):
        yield (
            f"Cloud Eye counts {count} calls of {value!r}, which names no operation known here: name it in "
            "[reconcile.interfaces]."
        )


def both_sides(report: UsageReport, service: ServiceCounts, now: datetime) -> UsageReport:
    """Return a report with the service's side beside operations and days; a remark where it cannot be told.

    Args:
        report: The ledger's side.
        service: Asks Cloud Eye.
        now: The time in UTC.
    """
    try:
        side, notes = _side(report, service, now.astimezone(timezone.utc))
    except LegibleError as error:
        return one_side(report, error)
    return structs.replace(report, service=side, notes=(*report.notes, *notes))


def one_side(report: UsageReport, error: LegibleError) -> UsageReport:
    """Return a report that says why the service's side is not told."""
    return structs.replace(report, notes=(*report.notes, f"Cloud Eye's side is not known: {error}"))


def _side(report: UsageReport, service: ServiceCounts, now: datetime) -> tuple[ServiceSide | None, list[str]]:
    """Return the side from the first day on that Cloud Eye keeps whole; none, and why, if no such day is asked for."""
    kept = _midnight((now - HOUR.kept).date() + timedelta(days=1))
    begin = max(_midnight(report.first), kept)
    end = min(_midnight(report.last) + timedelta(days=1), hour_of(now) + HOUR.step)
    if begin >= end:
        return None, [_NOTHING_KEPT.format(HOUR.kept.days, f"{kept:%Y-%m-%d}", f"{now:%Y-%m-%d}")]
    slugs = [row.name for row in report.operations]
    found = service.counted(Span(begin, end, HOUR), slugs)
    unasked = tuple(slug for slug in slugs if slug not in catalog.slugs())
    notes = [f"Cloud Eye keeps {HOUR.kept.days} days: its side is from {begin:%Y-%m-%d} on."]
    return _rows(found, begin, unasked), [*(notes if begin == kept else ()), *unmapped(found.unmapped)]


_NOTHING_KEPT = "Cloud Eye's side is not known: it keeps {} days, of whole days those from {} to {}."


def _rows(found: Counted, begin: datetime, unasked: tuple[str, ...]) -> ServiceSide:
    by_day = tuple(Counter[str]() for _ in range(2))
    for counts, days in zip((found.succeeded, found.failed), by_day, strict=True):
        for of_operation in counts.values():
            for at, count in of_operation.items():
                days[f"{at.date()}"] += count
    operations = (
        ServiceRow(slug, found.succeeded[slug].total(), found.failed[slug].total())
        for slug in sorted({*found.succeeded, *found.failed})
    )
    succeeded, failed = by_day
    return ServiceSide(
        begin,
        tuple(row for row in operations if row.succeeded or row.failed),
        tuple(ServiceRow(day, succeeded[day], failed[day]) for day in sorted({*succeeded, *failed})),
        unasked,
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), timezone.utc)
