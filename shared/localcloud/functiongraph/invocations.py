"""Asynchronous calls of a function as the API lists them (functiongraph_06_0112_00_3; SDK, 3.1.219)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from localcloud.functiongraph.runner import FunctionGraph

#: How many one call returns, and of how long they are without a named time, in seconds.
DEFAULT, MOST, RECENT = 100, 500, 3600
STATES = ("WAIT", "RUNNING", "SUCCESS", "FAIL", "DISCARD")
_FORM = "%Y-%m-%dT%H:%M:%S"


def listed(graph: FunctionGraph, key: str, query: Mapping[str, str], now: float) -> dict[str, Any]:
    """Return a page of calls, the newest first, each once, in its last state.

    A call that runs at this moment is not listed before it ended, and no page says how long calls are listed: here, as
    long as the cloud runs.

    Args:
        graph: Whose function is meant.
        key: The function.
        query: ``status``, ``request_id``, ``query_begin_time`` and ``query_end_time`` (UTC), ``limit``, ``marker``.
        now: The time, in seconds since the epoch.

    Raises:
        ValueError: Names a parameter that is wrong.
    """
    begin, end = _time(query, "query_begin_time", now - RECENT), _time(query, "query_end_time", now)
    limit, marker = _whole(query, "limit", DEFAULT), _whole(query, "marker", 0)
    if not 1 <= limit <= MOST:
        raise ValueError("limit")
    if query.get("status", STATES[0]) not in STATES:
        raise ValueError("status")
    found = [
        one
        for at, one in sorted(_all(graph, key).items(), key=lambda item: item[0], reverse=True)
        if begin <= at[0] <= end
        and query.get("status", one["status"]) == one["status"]
        and query.get("request_id", one["request_id"]) == one["request_id"]
    ]
    page = found[marker : marker + limit]
    return {"invocations": page, "count": len(page), "next_marker": marker + len(page)}


def _all(graph: FunctionGraph, key: str) -> dict[tuple[float, str], dict[str, Any]]:
    """Return each call by the time of its acceptance and its id."""
    calls: dict[tuple[float, str], dict[str, Any]] = {}
    for one in list(graph.invocations):
        if one.function == key:
            error = "" if one.outcome.ok else f"{one.outcome.kind}: {one.outcome.payload}"
            code = 0 if one.outcome.ok else 500
            told = {"status": one.state, "error_message": error, "error_code": code, "end_time": _said(one.ended)}
            calls[one.accepted, one.request_id] = _call(one.request_id, one.accepted, **told)
    for event in graph.waiting(key):
        calls[event.accepted, event.request_id] = _call(event.request_id, event.accepted, status="WAIT")
    return calls


def _call(request_id: str, accepted: float, **told: Any) -> dict[str, Any]:
    return {"request_id": request_id, "start_time": _said(accepted), **told}


def _said(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime(_FORM)


def _time(query: Mapping[str, str], name: str, default: float) -> float:
    if name not in query:
        return default
    try:
        return datetime.strptime(query[name], _FORM).replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        raise ValueError(name) from None


def _whole(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit():
        raise ValueError(name)
    return int(text)
