"""Series of Cloud Eye: raw points, and what is made of them for each period."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

from localcloud.ocr.journal import Call

#: Period to the longest time between `from` and `to`, and to how long its points are kept, all in seconds: the SDK's
#: text of `from`, and ces_faq_0010. For 60 and for the last two no page names a retention: ours.
_HOUR, _DAY = 3600, 86400
WINDOWS: Mapping[int, int] = {
    1: 4 * _HOUR, 60: 4 * _HOUR, 300: _DAY, 1200: 3 * _DAY, 3600: 10 * _DAY, 14400: 30 * _DAY, 86400: 180 * _DAY,
}  # fmt: skip
KEPT: Mapping[int, int] = {
    1: 2 * _DAY, 60: 2 * _DAY, 300: 6 * _DAY, 1200: 20 * _DAY, 3600: 155 * _DAY, 14400: 155 * _DAY, 86400: 180 * _DAY,
}  # fmt: skip
FILTERS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": sum,
    "average": statistics.fmean,
    "max": max,
    "min": min,
    "variance": statistics.pvariance,
}
#: What OCR reports, once a minute (user guide, chapter 8).
NAMESPACE, DIMENSION, UNIT = "SYS.OCR", "call_of_interface", "times/min"
SUCCESSFUL, FAILED = "successful_call_times_of_service", "failed_call_times_of_service"


class Series(NamedTuple):
    """What is counted: dimensions are pairs of name and value."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]

    @property
    def marker(self) -> str:
        """What a list goes on behind: ``SYS.OCR.metric.call_of_interface:VALUE``."""
        return ".".join([self.namespace, self.name, *(f"{name}:{value}" for name, value in self.dimensions)])


class Point(Struct, frozen=True):
    """One raw point. ``at`` in seconds since the epoch; a ``late`` one does not count in roll-ups."""

    at: float
    value: float
    late: bool = False


def counted(calls: Iterable[Call], value_of: Callable[[str], str]) -> dict[Series, list[Point]]:
    """Return what OCR reports of these calls: one point a minute and series, and none for a minute without a call.

    Every call that reached the service counts, of whatever program, probes too; what the gateway before it refused
    does not. Whether the real one counts so is on no page.
    """
    sums: Counter[tuple[Series, int]] = Counter()
    for call in calls:
        if call.slug and not call.code.startswith("APIG.") and call.code != "killed":
            name = SUCCESSFUL if 200 <= call.status < 300 else FAILED
            series = Series(NAMESPACE, name, ((DIMENSION, value_of(call.slug)),))
            sums[series, int(call.time) // 60 * 60] += 1
    found: dict[Series, list[Point]] = defaultdict(list)
    for (series, minute), count in sorted(sums.items()):
        found[series].append(Point(minute, count))
    return found


def rolled(points: Iterable[Point], period: int, how: str, span: tuple[float, float], now: float) -> dict[float, float]:
    """Return the points of a period by their time, as they are answered.

    Args:
        points: Raw ones.
        period: As it is asked for; 1 for the raw ones themselves.
        how: A name of ``FILTERS``; raw points are what they are.
        span: From when to when, in seconds; the first is rounded down to the period.
        now: The time. A period that is not over has no point; neither has one that is kept no more.
    """
    step = max(60, period)
    first, last = span[0] // step * step, span[1]
    groups: dict[float, list[float]] = defaultdict(list)
    for point in points:
        begin = point.at if period == 1 else point.at // step * step
        over = begin + (60 if period == 1 else step) <= now
        if first <= begin <= last and over and begin >= now - KEPT[period] and not (point.late and period > 1):
            groups[begin].append(point.value)
    function = FILTERS["sum"] if period == 1 else FILTERS[how]
    return {begin: function(values) for begin, values in sorted(groups.items())}
