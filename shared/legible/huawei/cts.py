"""What CTS recorded: ``ports.account.Traces`` over its API of version 3, and the events that it sends to a function."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from typing import Any, cast, get_args
from urllib.parse import quote

import msgspec
from msgspec import Raw, Struct

from legible.errors import EventError
from legible.huawei.account import TRACES, Access, AccountApi, AccountService
from legible.model.account import Rating, Trace, TracedOperation, TraceQuery

SERVICE = AccountService("CTS", "cts.endpoint", TRACES)
#: The most that one call answers; 10 unless asked for (list_traces_request.py, 3.1.219).
_LISTED = 200
_RATINGS = get_args(Rating)
#: Where a trace tells no time that can be read.
_NO_TIME = datetime(1970, 1, 1, tzinfo=timezone.utc)


def endpoint(region: str) -> str:
    """Return the region's own endpoint (Regions and Endpoints, CTS; also in the SDK)."""
    return f"https://cts.{region}.myhuaweicloud.{'eu' if region == 'eu-west-101' else 'com'}"


class _Marker(Struct):
    marker: str | None = None


class _Traces(Struct):
    traces: list[Raw] = []
    meta_data: _Marker | None = None


class _TracedNames(Struct):
    service_type: str = ""
    resource_type: str = ""
    operation_list: list[str] | None = None


class _TracedPage(Struct):
    operations: list[_TracedNames] | None = None


class CtsTraces:
    """Reads traces. See ``legible.ports.account.Traces``.

    Args:
        endpoint: Where CTS is.
        access: Who asks.
    """

    def __init__(self, endpoint: str, access: Access) -> None:
        """Prepare the calls; nothing is sent yet."""
        self._api = AccountApi(SERVICE, endpoint, access)
        self._path = f"/v3/{quote(access.project_id, '')}"

    def find(self, query: TraceQuery) -> Iterator[Trace]:
        """See ``Traces.find``; pages go from newer to older ones, by the marker of the page before."""
        asked = _query(query)
        marker: str | None = ""
        seen: set[str] = set()
        while marker is not None and marker not in seen:
            seen.add(marker)
            page = self._api.get("cts:trace:list", f"{self._path}/traces", asked | ({"next": marker} if marker else {}))
            answer = self._api.read(page, _Traces)
            yield from (trace(bytes(raw)) for raw in answer.traces)
            marker = (answer.meta_data.marker if answer.meta_data else None) or None

    def operations(self, service: str) -> list[TracedOperation]:
        """See ``Traces.operations``."""
        body = self._api.get("cts:operation:list", f"{self._path}/operations", {"service_type": service})
        found = self._api.read(body, _TracedPage).operations or []
        return [TracedOperation(one.service_type, one.resource_type, tuple(one.operation_list or ())) for one in found]


def event(value: Any) -> Trace:
    """Read the event of a CTS trigger, or of EventGrid with a trace in it; ``raw`` is its JSON, written again.

    Raises:
        EventError: There is no trace in it.
    """
    inner = value.get("cts") or value.get("data") if isinstance(value, Mapping) else None
    if not isinstance(inner, Mapping) or not inner.get("trace_name"):
        raise EventError(
            "The event holds no trace.", advice='CTS sends {"cts": {"trace_name": ...}}, EventGrid the same as "data".'
        )
    return trace(msgspec.json.encode(inner))


def trace(raw: bytes) -> Trace:
    """Read a trace from its bytes; what it does not tell stays empty, and without an id its digest is its id."""
    told = _object(raw)
    # The API says trace_rating, an event of a trigger trace_status (functiongraph_01_0209).
    rating = str(told.get("trace_rating") or told.get("trace_status") or "normal").lower()
    at = _time(told.get("time")) or _time(told.get("record_time")) or _NO_TIME
    user = told.get("user")
    return Trace(
        id=_text(told.get("trace_id")) or hashlib.sha256(raw).hexdigest(),
        name=_text(told.get("trace_name")),
        service=_text(told.get("service_type")),
        raw=raw,
        at=at,
        recorded_at=_time(told.get("record_time")) or at,
        rating=cast(Rating, rating) if rating in _RATINGS else "warning",
        kind=_text(told.get("trace_type")),
        resource_type=_text(told.get("resource_type")),
        resource=_text(told.get("resource_name")),
        resource_id=_text(told.get("resource_id")),
        operator=_text((user if isinstance(user, dict) else _object(_text(user).encode())).get("name")),
        code=_text(told.get("code")),
        request_id=_text(told.get("request_id")),
        enterprise_project=_text(told.get("enterprise_project_id")),
    )


def _query(query: TraceQuery) -> dict[str, str]:
    """Return a query as the API takes it; its times are a pair, in milliseconds."""
    wanted = {
        "service_type": query.service,
        "resource_type": query.resource_type,
        "trace_name": query.name,
        "resource_name": query.resource,
        "resource_id": query.resource_id,
        "trace_rating": query.rating,
        "user": query.operator,
    }
    times = {"from": query.begin, "to": query.end}
    return (
        {"trace_type": "system", "limit": str(_LISTED)}
        | {name: str(int(at.timestamp() * 1000)) for name, at in times.items()}
        | {name: text for name, text in wanted.items() if text}
    )


def _object(raw: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(raw)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    """Return a value as text: of ``code`` there are published samples as text and as number."""
    return value if isinstance(value, str) else str(value) if isinstance(value, (int, float)) else ""


def _time(value: Any) -> datetime | None:
    """Return a time that comes as milliseconds, as a number or a text, or as ISO 8601."""
    try:
        return datetime.fromtimestamp(int(value) / 1000, timezone.utc)
    except (TypeError, ValueError, OverflowError, OSError):
        pass
    try:
        at = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=timezone.utc)
