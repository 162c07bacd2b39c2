"""Events of function flows: a step's document is found in them, whatever the flow wraps around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

import msgspec

from legible.errors import EventError, redact
from legible.huawei.functiongraph import unreadable, uploads
from legible.model.documents import Arrival, Reason, Unreadable, Upload
from legible.model.pages import Share

#: A flow has 1 to 20 branches side by side, and 99 functions in all (functiongraph_01_0411).
MOST_SHARES = 20
#: How deep a reference may lie: no page says in what a flow wraps the results of parallel actions.
_DEPTH = 5
_ADVICE = (
    'Give the step {"bucket": ..., "key": ...}, with operation and options if not the routes shall say; what another '
    "step returned; or an OBS event of one upload."
)


def arrival(event: Any) -> Arrival:
    """Read which document a step is about.

    Args:
        event: ``{"bucket", "key"}``, with ``operation`` and ``options`` or an ``order`` of both, ``etag``,
            ``version_id`` and ``again`` where they are known; the result of another step; either of them in objects
            and lists around it, the first of several; or an OBS event of one upload.

    Returns:
        The upload, or what is recorded in its place where the event names none or several.
    """
    # A flow is started by its API, which takes any JSON, or by a trigger, which sends its own event
    # (functiongraph_06_1004); a later step is given what the one before returned.
    named = _named(event, _DEPTH)
    arrivals = uploads(event if named is None else _event(named))
    if len(arrivals) == 1:
        return _one(arrivals[0], referred=named is not None)
    message = f"The event names {len(arrivals)} objects; a step of a flow takes one."
    reason = Reason("event-unreadable", message, "Start one flow for each of them.")
    return unreadable(event, reason)


def _one(item: Arrival, *, referred: bool) -> Arrival:
    if isinstance(item, Upload):  # a reference is not encoded, so there is no other way to read its key
        return msgspec.structs.replace(item, raw_key="") if referred else item
    if isinstance(item, Unreadable) and not referred:
        return msgspec.structs.replace(item, reason=msgspec.structs.replace(item.reason, advice=_ADVICE))
    return item


def share(event: Any) -> Share:
    """Read which share of the pages a step is to call for: ``{"share": 2, "shares": 4}``.

    Raises:
        EventError: It does not say, or says no such share.
    """
    values = event if isinstance(event, Mapping) else {}
    # Each parallel branch has its own fixed input in the flow's document: nothing tells a branch which one it is
    # (functiongraph_06_1004), so the document does.
    number, of = (values.get(name) for name in ("share", "shares"))
    if type(number) is not int or type(of) is not int or not 1 <= number <= of <= MOST_SHARES:
        raise EventError(
            f"The step's share is {number!r:.40} of {of!r:.40}.",
            advice=f"Give it numbers, 1 of 1 to {MOST_SHARES} of {MOST_SHARES}, the same `shares` in each branch.",
        )
    return Share(number, of)


def given_up(event: Any) -> tuple[Arrival, Reason]:
    """Read which document a flow gave up, and what the event says of the error."""
    # An error handler follows the failed state by `on_errors` (functiongraph_06_1004). What it is given no page shows:
    # the input and the function's own error are looked for, however deep.
    message = _error(event, _DEPTH)
    reason = Reason(
        "flow-gave-up",
        redact(f"The flow gave up: {message or 'no message'}"),
        "Mend the cause, then upload the document again or start the flow anew.",
    )
    return arrival(event), reason


def _named(value: Any, depth: int) -> Mapping[str, Any] | None:
    """Return the first object within that names a bucket and a key."""
    if isinstance(value, Mapping) and isinstance(value.get("bucket"), str) and isinstance(value.get("key"), str):
        return value
    return next(filter(None, (_named(part, depth - 1) for part in _parts(value, depth))), None)


def _error(value: Any, depth: int) -> str:
    """Return the first message of a failed function within."""
    if isinstance(value, Mapping) and isinstance(value.get("errorMessage"), str):
        return str(value["errorMessage"])
    return next(filter(None, (_error(part, depth - 1) for part in _parts(value, depth))), "")


def _parts(value: Any, depth: int) -> list[Any]:
    if depth < 1:
        return []
    if isinstance(value, Mapping):
        return list(value.values())
    return value if isinstance(value, list) else []


def _event(named: Mapping[str, Any]) -> dict[str, Any]:
    """Return a reference as the OBS event that it stands for; where a step says what was ordered, that counts."""
    order = {name: named[name] for name in ("operation", "options") if named.get(name)}
    order = named.get("order", order)
    item = {"key": quote_plus(named["key"], errors="surrogatepass"), "eTag": named.get("etag")}
    return {
        "Records": [
            {
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": named["bucket"]}, "object": item | {"versionId": named.get("version_id")}},
                "legible": {"order": order or None, "again": named.get("again")},
            }
        ]
    }
