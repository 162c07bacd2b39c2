"""Cloud Eye's ListMetrics, ShowMetricData, BatchListMetricData (of both versions) and CreateMetricData over HTTP.

Its habits (operations by the SDK's texts, 3.1.219, and measured): too long a window moves ``from``, and nothing says
so; ``period`` is a number in one call and a text in the other; a point has the asked filter's key alone; a period
without calls has no point, nor has one that is not over; ``from`` is rounded down; a series that stopped is listed no
more. Not imitated: alarms and dashboards. Whether a point at ``to`` itself is answered, no page says: here it is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from localcloud.api import Answer, ApiError
from localcloud.cloudeye.own import MOST_BYTES, OwnPoint, ReservedError, read
from localcloud.cloudeye.points import DIMENSION, FILTERS, NAMESPACE, UNIT, WINDOWS, Point, Series, counted, rolled
from localcloud.iam.credentials import Keyring
from localcloud.kept import Kept
from localcloud.ocr.journal import Call
from localcloud.routes import Called, Route, RoutedApi, number, route

#: The most that one call answers or takes (batch_list_metric_data_request_body.py).
MOST_POINTS, MOST_SERIES = 3000, 500
#: A window of BatchListSpecifiedMetricData is this long at the most, in seconds.
_LIVE = 300
#: How long a series that stopped is still listed, in seconds.
LISTED = 3 * 3600


def interface(slug: str) -> str:
    """Return what the dimension calls an operation. The form is on no page that we know: this one is invented."""
    return slug.upper().replace("-", "_")


class LocalCloudEye(RoutedApi):
    """A WSGI application that answers as Cloud Eye does. See ``RoutedApi`` for faults and rights."""

    refused = "ces.0017"
    malformed = "ces.0014"
    errors: ClassVar[Mapping[str, tuple[int, str]]] = {
        "ces.0007": (500, "Internal service error."),
        "ces.0009": (403, "System metric cannot be added."),
        "ces.0013": (400, "The parameter in the URL is invalid."),
        "ces.0014": (400, "Some content in the message body is not correct."),
        "ces.0017": (403, "The user does not have the permission."),
    }

    def __init__(
        self,
        keys: Keyring,
        project_id: str,
        calls: Callable[[], Iterable[Call]] = tuple,
        state: Path | None = None,
    ) -> None:
        """Serve one project.

        Args:
            keys: The access keys that may call.
            project_id: The only project there is.
            calls: Returns the calls of OCR so far.
            state: A folder for metrics of one's own.
        """
        super().__init__(keys, project_id)
        self.own = Kept(state / "own.jsonl" if state else None, OwnPoint)
        #: Tells the time, in seconds since the epoch.
        self.clock: Callable[[], float] = time.time
        #: Names operations in the dimension.
        self.interface: Callable[[str], str] = interface
        #: The most points of one answer: fewer, for a test of what a client makes of it.
        self.most_points = MOST_POINTS
        self._calls = calls

    def routes(self) -> tuple[Route, ...]:
        """See ``RoutedApi.routes``."""
        return (
            route("GET", "/V1.0/{project}/metrics", "ces:metrics:list", self._list),
            route("GET", "/V1.0/{project}/metric-data", "ces:metricData:list", self._show),
            route("POST", "/V1.0/{project}/metric-data", "ces:metricData:create", self._create),
            route("POST", "/V1.0/{project}/batch-query-metric-data", "ces:metricData:list", self._batch),
            route("POST", "/v2/{project}/batch-query-metric-data", "ces:metricData:list", self._live),
        )

    def error_body(self, error: ApiError, request_id: str) -> Any:
        """See ``RoutedApi.error_body``: nested, so that the SDK finds no code in it (measured)."""
        return {"http_code": error.status, "message": {"details": error.message, "code": error.code}}

    def series(self) -> dict[Series, list[Point]]:
        """Return all raw points, by series."""
        found = counted(self._calls(), self.interface)
        for one in self.own.entries:
            found.setdefault(one.series, []).append(one.point)
        return found

    def _unit(self, series: Series) -> str:
        if series.namespace == NAMESPACE:
            return UNIT
        return next((one.unit for one in self.own.entries if one.series == series), "")

    def _list(self, called: Called) -> Any:
        query, since = called.query, self.clock() - LISTED
        limit = number(query.get("limit", "1000"))
        if not 1 <= limit <= 1000 or query.get("order", "asc") not in ("asc", "desc"):
            raise self.fail("ces.0013")
        wanted = [tuple(query[name].split(",", 1)) for name in query if name.startswith("dim.")]
        found = sorted(
            (
                one for one, points in self.series().items()
                if max(point.at for point in points) >= since
                and query.get("namespace", one.namespace) == one.namespace
                and query.get("metric_name", one.name) == one.name
                and all(pair in one.dimensions for pair in wanted)
            ),
            key=lambda one: one.marker, reverse=query.get("order") == "desc",
        )  # fmt: skip
        markers = [one.marker for one in found]
        first = markers.index(query["start"]) + 1 if query.get("start") in markers else 0
        page = found[first : first + limit]
        marker = page[-1].marker if page else ""
        metrics = [{**_named(one), "unit": self._unit(one)} for one in page]
        return {"metrics": metrics, "meta_data": {"count": len(page), "total": len(found), "marker": marker}}

    def _show(self, called: Called) -> Any:
        query = called.query
        period, begin, end = (number(query.get(name, "")) for name in ("period", "from", "to"))
        dimensions = tuple(_pair(query[name]) for name in sorted(query) if name.startswith("dim."))
        how = query.get("filter", "")
        if period not in WINDOWS or how not in FILTERS or not 0 < begin < end or not dimensions:
            raise self.fail("ces.0013")
        series = Series(query.get("namespace", ""), query.get("metric_name", ""), dimensions)
        points, unit = self._points(self.series().get(series, []), period, how, (begin, end)), self._unit(series)
        return {"metric_name": series.name, "datapoints": [{**point, "unit": unit} for point in points]}

    def _batch(self, called: Called) -> Any:
        body = called.body if isinstance(called.body, dict) else {}
        try:
            asked = [_series(one) for one in body["metrics"]]
            # Both are texts in this call.
            period, how = {str(one): one for one in WINDOWS}[body["period"]], body["filter"]
            begin, end = body["from"], body["to"]
            if how not in FILTERS or type(begin) is not int or type(end) is not int or not 0 < begin < end:
                raise ValueError
            if not 1 <= len(asked) <= MOST_SERIES:
                raise ValueError
        except (KeyError, TypeError, ValueError):
            raise self.fail("ces.0014") from None
        step = max(60, period) * 1000
        # Moved later, and nobody is told.
        begin = max(begin, end - WINDOWS[period] * 1000, end - self.most_points // len(asked) * step)
        known, points = self.series(), partial(self._points, period=period, how=how, span=(begin, end))
        # The unit is that of the series here, and that of each point in ShowMetricData.
        return {
            "metrics": [
                {**_named(one), "unit": self._unit(one), "datapoints": points(known.get(one, []))} for one in asked
            ]
        }

    def _points(self, points: list[Point], period: int, how: str, span: tuple[int, int]) -> list[dict[str, Any]]:
        seconds = span[0] / 1000, span[1] / 1000
        found = rolled(points, period, how, seconds, self.clock())
        return [{how: value, "timestamp": int(at * 1000)} for at, value in found.items()]

    def _live(self, called: Called) -> Any:
        body = called.body if isinstance(called.body, dict) else {}
        wanted = {"from": 0, "to": 0, "limit": 1000, "offset": 0} | body
        begin, end, limit, offset = (
            wanted[name] if type(wanted[name]) is int else -1 for name in ("from", "to", "limit", "offset")
        )
        dimension = body.get("metric_dimension", DIMENSION)
        if begin <= 0 or not 0 < end - begin <= _LIVE * 1000 or not 1 <= limit <= 1000 or offset < 0:
            raise self.fail("ces.0014")
        found = [
            {"dimensions": _dimensions(one), "timestamp": int(at * 1000), "value": value, "unit": self._unit(one)}
            for one, points in sorted(self.series().items())
            if (one.namespace, one.name) == (body.get("namespace"), body.get("metric_name"))
            and dimension in dict(one.dimensions)
            for at, value in rolled(points, 1, "sum", (begin / 1000, end / 1000), self.clock()).items()
        ]
        return {"data_points": found[offset : offset + limit]}

    def _create(self, called: Called) -> Answer:
        if called.size > MOST_BYTES:
            raise self.fail("ces.0014")
        try:
            points = read(called.body, self.clock())
        except ReservedError:
            raise self.fail("ces.0009") from None
        except ValueError as error:
            raise self.fail("ces.0014", f"{self.errors['ces.0014'][1]} {error}") from None
        for point in points:
            self.own.add(point)
        return Answer(201)


def _pair(text: str) -> tuple[str, str]:
    name, _, value = text.partition(",")
    return name, value


def _series(value: Any) -> Series:
    pairs = tuple((one["name"], one["value"]) for one in value["dimensions"])
    return Series(value["namespace"], value["metric_name"], pairs)


def _named(series: Series) -> dict[str, Any]:
    return {"namespace": series.namespace, "metric_name": series.name, "dimensions": _dimensions(series)}


def _dimensions(series: Series) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in series.dimensions]
