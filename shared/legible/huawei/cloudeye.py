"""What Cloud Eye counted, and numbers of our own: ``ports.account.Metrics`` over its API of version 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from legible.errors import RejectedError
from legible.huawei.account import CLOUD_EYE, Access, AccountApi, AccountService
from legible.model.account import Measured, Metric, MetricSeries, Period, Span
from legible.ports import utc_now

SERVICE = AccountService("Cloud Eye", "cloudeye.endpoint", CLOUD_EYE)
#: One call takes 500 series, and answers at most so many points in all: series x (to - from) / period. Beyond that it
#: moves `from`, and does not say so (batch_list_metric_data_request_body.py, 3.1.219).
MOST_SERIES, MOST_POINTS = 500, 3000
_LISTED = 1000
#: Points of our own in one request: 512 KB at the most, and one takes below 700 bytes with the longest names allowed.
_WRITTEN = 500
_TTL = int(timedelta(days=2).total_seconds())


def endpoint(region: str) -> str:
    """Return the region's own endpoint (Regions and Endpoints, Cloud Eye; also in the SDK)."""
    return f"https://ces.{region}.myhuaweicloud.com"


class _Dimension(Struct, frozen=True):
    name: str
    value: str


class _Named(Struct, frozen=True):
    namespace: str
    metric_name: str
    dimensions: tuple[_Dimension, ...] = ()
    unit: str | None = None


class _Points(_Named, frozen=True):
    datapoints: tuple[dict[str, Any], ...] = ()


class _Count(Struct):
    marker: str | None = None


class _Listing(Struct):
    metrics: list[_Named] = []
    meta_data: _Count | None = None


class _Data(Struct):
    metrics: list[_Points] = []


#: What is known of each series: its points by milliseconds.
_Sums = dict[tuple[str, str, frozenset[_Dimension]], dict[int, float]]


class CloudEyeMetrics:
    """Reads and writes metrics. See ``legible.ports.account.Metrics``.

    Args:
        endpoint: Where Cloud Eye is.
        access: Who asks.
        now: Returns the time, in UTC.
    """

    def __init__(self, endpoint: str, access: Access, now: Callable[[], datetime] = utc_now) -> None:
        """Prepare the calls; nothing is sent yet."""
        self._api = AccountApi(SERVICE, endpoint, access)
        self._path = f"/V1.0/{quote(access.project_id, '')}"
        self._now = now

    def names(self, namespace: str) -> list[Metric]:
        """See ``Metrics.names``."""
        found: dict[Metric, None] = {}
        marker: str | None = ""
        seen: set[str] = set()
        while marker is not None and marker not in seen:
            seen.add(marker)
            query = {"namespace": namespace, "limit": str(_LISTED)} | ({"start": marker} if marker else {})
            answer = self._api.read(self._api.get("ces:metrics:list", f"{self._path}/metrics", query), _Listing)
            found.update(dict.fromkeys(map(_metric, answer.metrics)))
            last = answer.meta_data.marker if answer.meta_data else None
            marker = last if len(answer.metrics) == _LISTED else None
        return list(found)

    def sums(self, metrics: Sequence[Metric], span: Span) -> list[MetricSeries]:
        """See ``Metrics.sums``; ``begin`` is rounded down to its period."""
        begin, end = _floor(span.begin, span.period), _ceil(span.end, span.period)
        self._check_kept(begin, span.period)
        sums: _Sums = {_key(_named(metric)): {} for metric in metrics}
        for asked in _chunks([_named(metric) for metric in metrics], MOST_SERIES):
            for first, last in windows(begin, end, span.period, len(asked)):
                self._fill(sums, asked, (first, last), span.period)
        return [MetricSeries(metric, _by_time(sums[_key(_named(metric))], begin, end)) for metric in metrics]

    def write(self, numbers: Sequence[Measured]) -> None:
        """See ``Metrics.write``."""
        for some in _chunks(numbers, _WRITTEN):
            # A success is 201 and has no body (measured with the SDK, 3.1.219).
            self._api.post("ces:metricData:create", f"{self._path}/metric-data", [_own(number) for number in some])

    def _check_kept(self, begin: datetime, period: Period) -> None:
        oldest = self._now() - period.kept
        if begin + period.step <= oldest:
            raise RejectedError(
                f"Cloud Eye has points of {period.step} for {period.kept.days} days; {begin:%Y-%m-%d %H:%M} is before.",
                code="not-kept",
                advice="Ask for a later time, or for longer periods: an hour's are kept for 155 days.",
            )

    def _fill(self, sums: _Sums, asked: Sequence[_Named], window: tuple[int, int], period: Period) -> None:
        """Add the points of one window.

        `from` may be moved later without a word. What the answer does not reach down to is therefore asked for once
        more: an answer that brings points shows that the one before was cut, so that it goes on until one brings none.
        Of a window without any point the first half is asked for again.
        """
        begin, end = window
        reached = self._points(sums, asked, window, period) or _half(begin, end, period)
        while reached > begin:
            earlier = self._points(sums, asked, (begin, reached), period)
            if earlier is None or earlier >= reached:
                return
            reached = earlier

    def _points(self, sums: _Sums, asked: Sequence[_Named], window: tuple[int, int], period: Period) -> int | None:
        """Ask for one window; return the time of the first point that came, None where none came."""
        body = {
            "metrics": list(map(_asked, asked)),
            # Both are texts in this call, and a number in ShowMetricData (3.1.219).
            "period": str(period.asked), "filter": "sum", "from": window[0], "to": window[1],
        }  # fmt: skip
        answer = self._api.read(
            self._api.post("ces:metricData:list", f"{self._path}/batch-query-metric-data", body), _Data
        )
        first: int | None = None
        for series in answer.metrics:
            for point in series.datapoints:
                at, value = point.get("timestamp"), point.get("sum")
                known = sums.get(_key(series))
                if known is not None and isinstance(at, int) and isinstance(value, (int, float)):
                    known[at] = float(value)
                    first = at if first is None else min(first, at)
        return first


def windows(begin: datetime, end: datetime, period: Period, series: int) -> Iterator[tuple[int, int]]:
    """Yield windows in milliseconds that one call answers whole: the period's longest, and 3,000 points in all.

    Args:
        begin: The begin of the first period, in UTC.
        end: Where the last one ends.
        period: The period.
        series: How many series are asked for at once.
    """
    longest = min(period.window // period.step, max(1, MOST_POINTS // max(1, series)))
    while begin < end:
        last = min(end, begin + longest * period.step)
        yield _milliseconds(begin), _milliseconds(last)
        begin = last


def _half(begin: int, end: int, period: Period) -> int:
    step = period.step // timedelta(milliseconds=1)
    return begin + (end - begin) // (2 * step) * step


def _floor(at: datetime, period: Period) -> datetime:
    return at - (at - datetime(1970, 1, 1, tzinfo=timezone.utc)) % period.step


def _ceil(at: datetime, period: Period) -> datetime:
    floor = _floor(at, period)
    return floor if floor == at else floor + period.step


def _by_time(points: dict[int, float], begin: datetime, end: datetime) -> dict[datetime, float]:
    """Return points by their time, the earliest first, none of them outside."""
    times = {datetime.fromtimestamp(at / 1000, timezone.utc): value for at, value in sorted(points.items())}
    return {at: value for at, value in times.items() if begin <= at < end}


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _metric(named: _Named) -> Metric:
    pairs = tuple((dimension.name, dimension.value) for dimension in named.dimensions)
    return Metric(named.namespace, named.metric_name, pairs, named.unit or "")


def _named(metric: Metric) -> _Named:
    dimensions = tuple(_Dimension(name, value) for name, value in metric.dimensions)
    return _Named(metric.namespace, metric.name, dimensions)


def _key(named: _Named) -> tuple[str, str, frozenset[_Dimension]]:
    return named.namespace, named.metric_name, frozenset(named.dimensions)


def _asked(named: _Named) -> dict[str, Any]:
    return {"namespace": named.namespace, "metric_name": named.metric_name, "dimensions": named.dimensions}


def _own(number: Measured) -> dict[str, Any]:
    whole = float(number.value).is_integer()
    return {
        "metric": _asked(_named(number.metric)),
        "ttl": _TTL,
        "collect_time": _milliseconds(number.at),
        "value": int(number.value) if whole else number.value,
        "unit": number.metric.unit,
        "type": "int" if whole else "float",
    }


def _chunks(items: Sequence[Any], most: int) -> Iterator[Sequence[Any]]:
    for first in range(0, len(items), most):
        yield items[first : first + most]
