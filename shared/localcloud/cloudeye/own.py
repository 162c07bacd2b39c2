"""Metrics of one's own: what may be written to Cloud Eye (CreateMetricData)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from localcloud.cloudeye.points import Point, Series

#: A body has at most 512 KB; a time is at most 3 days ago, and 10 minutes ahead.
MOST_BYTES, OLDEST, AHEAD = 512 * 1024, 3 * 86400, 600
#: Later than this after its time, a point is kept raw only.
LATE = 600
_PART = "[A-Za-z][A-Za-z0-9_]*"
_NAMESPACE = re.compile(rf"(?=.{{3,32}}$){_PART}\.{_PART}")
_NAME = re.compile(r"[A-Za-z][0-9A-Za-z_-]{0,95}")
_DIMENSION = re.compile(r"[A-Za-z][0-9A-Za-z_-]{0,31}")
_RESERVED = ("SYS", "AGT", "SRE")


class OwnPoint(Struct, frozen=True):
    """A point that somebody wrote, and its unit."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    point: Point
    unit: str = ""

    @property
    def series(self) -> Series:
        """The series that it belongs to."""
        return Series(self.namespace, self.name, self.dimensions)


class ReservedError(ValueError):
    """The namespace is one of the vendor's."""


def read(body: Any, now: float) -> list[OwnPoint]:
    """Return the points of a request.

    Raises:
        ReservedError: A namespace is the vendor's own.
        ValueError: Something else is not as it must be; nothing of the request is taken.
    """
    if not isinstance(body, list) or not body:
        raise ValueError("the body is no list")
    return [_point(one, now) for one in body]


def _point(value: Any, now: float) -> OwnPoint:
    try:
        metric, at = value["metric"], value["collect_time"] / 1000
        namespace, name = metric["namespace"], metric["metric_name"]
        dimensions = tuple((one["name"], one["value"]) for one in metric["dimensions"])
        number, ttl, unit = value["value"], value["ttl"], value.get("unit", "")
        kind = value.get("type", "float")
    except (TypeError, KeyError) as error:
        raise ValueError(f"a point lacks {error}") from None
    if isinstance(namespace, str) and namespace.partition(".")[0] in _RESERVED:
        raise ReservedError(namespace)
    checks: dict[str, Callable[[], bool]] = {
        "namespace": lambda: bool(_NAMESPACE.fullmatch(namespace)),
        "metric_name": lambda: bool(_NAME.fullmatch(name)),
        "dimensions": lambda: 1 <= len(dimensions) <= 4 and all(map(_dimension, dimensions)),
        "ttl": lambda: type(ttl) is int and 1 <= ttl <= 604800,
        "value": lambda: type(number) in (int, float),
        "unit": lambda: isinstance(unit, str) and len(unit) <= 32,
        "type": lambda: kind in ("int", "float"),
        "collect_time": lambda: now - OLDEST <= at <= now + AHEAD,
    }
    for what, holds in checks.items():
        try:
            right = holds()
        except TypeError:
            right = False
        if not right:
            raise ValueError(what)
    return OwnPoint(namespace, name, dimensions, Point(at, float(number), late=now > at + LATE), unit)


def _dimension(pair: tuple[Any, Any]) -> bool:
    return bool(_DIMENSION.fullmatch(pair[0])) and isinstance(pair[1], str) and 1 <= len(pair[1]) <= 256
