"""FunctionGraph's events: uploads, timers, failed calls. A key is decoded as they are read, once, nowhere else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import msgspec
from msgspec import UNSET

from legible.errors import EventError, SettingsError, passing, redact
from legible.huawei.envelopes import ADVICE, arrival, event_time, keys, kind, mapping
from legible.model.documents import Arrival, Ignored, ObjectRef, Reason, Unreadable, WorkbookOrder

#: How many bytes of records an event of our own has: an asynchronous call carries 256 KB (functiongraph_01_0150), and
#: the reason why uploads were given up goes with them.
_MOST_RECORD_BYTES = 230_000


def uploads(event: Any) -> list[Arrival]:
    """Read an event of either envelope.

    Args:
        event: Classic ``{"Records": [{"s3": ...}]}``, EventGrid ``{"data": {"obs": ...}}`` or a list of these under
            ``events``; a text or bytes of such JSON.

    Returns:
        An ``Upload`` for each creation, in order, an ``Ignored`` for each removal, and an ``Unreadable`` for each part
        that cannot be read.
    """
    try:
        parts = _parts(_parsed(event))
    except EventError as error:
        return [unreadable(event, Reason.of(error))]
    return [_arrival(part) for part in parts]


def _arrival(part: Any) -> Arrival:
    own = mapping(mapping(part).get("legible"))
    with suppress(msgspec.ValidationError):
        return msgspec.convert(own.get("unreadable"), Unreadable)
    try:
        return arrival(part)
    except EventError as error:
        return unreadable(part, Reason.of(error))


def _parts(event: Any) -> list[Any]:
    """Return the parts of an event, each about one object."""
    if not isinstance(event, Mapping):
        raise EventError(f"The event is {kind(event)}, not an object.", advice=ADVICE)
    # A classic trigger of OBS sends Records (functiongraph_02_0102); EventGrid's publish API takes a list, events.
    for name in ("Records", "events"):
        if name in event:
            return _listed(event[name], name)
    if "data" in event:
        return _grid_parts(event)
    if "s3" in event or "obs" in event:
        return [event]
    raise EventError(f"The event has no Records and no data, but {keys(event)}.", advice=ADVICE)


def _grid_parts(event: Mapping[str, Any]) -> list[Any]:
    # EventGrid calls a function with one CloudEvent. Published code reckons with a list in its `data`, which no page
    # shows: each then is an event with the same id and time.
    data = event["data"]
    return [{**event, "data": part} for part in data] if isinstance(data, list) else [event]


def _listed(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise EventError(f"{name} of the event is {kind(value)}, not a list of records.", advice=ADVICE)
    return value


def events_of(arrivals: Sequence[Arrival], given_up: Reason | None = None) -> Iterator[dict[str, Any]]:
    """Yield events of these uploads, each as large as an asynchronous call carries, or with one upload.

    Args:
        arrivals: What events said.
        given_up: Why the platform gave them up: then ``failure`` reads each event back, else ``uploads`` does.
    """
    records: list[dict[str, Any]] = []
    room = _MOST_RECORD_BYTES
    for record in map(_record, arrivals):
        size = len(json.dumps(record)) + 2
        if records and size > room:
            yield _event(records, given_up)
            records, room = [], _MOST_RECORD_BYTES
        records.append(record)
        room -= size
    if records:
        yield _event(records, given_up)


def event_of(*arrivals: Arrival) -> dict[str, Any]:
    """Return the event of uploads, as OBS would send it: ``uploads`` reads it back as it was.

    Args:
        arrivals: What an event said. A ``raw_key`` that does not spell the key gives way to one that does.

    Returns:
        A classic event; ``hand``, ``again``, ``order``, ``wait`` and ``run`` are in a table of our own beside ``s3``.
    """
    return _event([_record(arrival) for arrival in arrivals], None)


def _event(records: list[dict[str, Any]], given_up: Reason | None) -> dict[str, Any]:
    event = {"Records": records}
    if given_up is None:
        return event
    return {"request_payload": event, "legible": {"reason": msgspec.to_builtins(given_up)}}


def _record(arrival: Arrival) -> dict[str, Any]:
    """Return the record of one upload, or of what was in its place; with the longest key and order less than 16 KB."""
    if isinstance(arrival, Unreadable):
        return {"legible": {"unreadable": msgspec.to_builtins(arrival)}}
    if isinstance(arrival, Ignored):
        return {"eventName": "ObjectRemoved:Delete", "s3": _named(arrival.ref, {"key": quote_plus(arrival.ref.key)})}
    upload = arrival
    key = upload.raw_key if unquote_plus(upload.raw_key) == upload.ref.key else quote_plus(upload.ref.key)
    item = {"key": key, "size": upload.size, "eTag": upload.etag, "versionId": upload.version_id}
    record = {
        "eventVersion": "2.0",
        "eventName": "ObjectCreated:Put",
        "eventTime": upload.at.isoformat() if upload.at else None,
        "id": upload.event_id,
        "s3": _named(upload.ref, item),
        "legible": _given(
            {
                "hand": upload.hand,
                "again": upload.again,
                "order": msgspec.to_builtins(upload.order),
                "wait": msgspec.to_builtins(upload.wait),
                "run": upload.run,
            }
        ),
    }
    return _given(record)


def _named(ref: ObjectRef, item: dict[str, Any]) -> dict[str, Any]:
    return {"bucket": {"name": ref.bucket}, "object": _given(item)}


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}


def timed(event: Any) -> tuple[WorkbookOrder, datetime | None]:
    """Read the event of a timer.

    Args:
        event: Its ``user_event`` is a text of JSON such as ``{"workbook": "daily", "prefix": "a/"}``.

    Returns:
        What is ordered, and when the timer rang, as far as the event says: one delivered late means the same day.

    Raises:
        EventError: It is none, or orders nothing that can be built.
    """
    values = mapping(_parsed(event))
    # What the trigger was given comes as it was written there, a text (functiongraph_01_0207).
    text = values.get("user_event")
    if not text:
        raise _no_order("it has no user_event")
    try:
        return msgspec.convert(_parsed(text), WorkbookOrder), event_time(values.get("time"))
    except msgspec.ValidationError as error:
        raise _no_order(str(error)) from None


def timer_event(asked: WorkbookOrder, at: datetime) -> dict[str, Any]:
    """Return the event of a timer that orders this at that time: ``timed`` reads it back as it was."""
    text = msgspec.json.encode(asked).decode()
    return {"version": "v1.0", "time": at.isoformat(), "trigger_type": "TIMER", "user_event": text}


def _no_order(why: str) -> EventError:
    return EventError(
        f"The timer's event asks for nothing that can be built: {why}.",
        advice='Give the trigger a user_event such as {"workbook": "daily", "day": "yesterday"}.',
    )


def failure(payload: Any) -> tuple[list[Arrival], Reason]:
    """Read what the platform sends to the destination of failed asynchronous calls.

    Args:
        payload: ``{"request_payload": ..., "request_context": ..., "response_context": ..., "response_payload": ...}``
            (functiongraph_01_0390_03); it and the payloads in it come as JSON or as its text.

    Returns:
        The uploads of the event that was given up, and why it was.
    """
    with suppress(EventError):  # what is no JSON has no request either, and is recorded as it is
        payload = _parsed(payload)
    body = mapping(payload)
    return _given_up(payload, body), _why(body)


def abandoned(payload: bytes) -> list[Arrival]:
    """Read what the platform keeps of a call of on_failure that failed, too.

    Args:
        payload: As ``failure`` takes it; its request is what on_failure was called with.

    Returns:
        The uploads of the event that was given up first.
    """
    text = payload.decode("utf-8", "replace")
    arrivals, _ = failure(text)
    with suppress(EventError):
        inner = _parsed(mapping(_parsed(text)).get("request_payload"))
        if "request_payload" in mapping(inner):
            arrivals, _ = failure(inner)
    return arrivals


def _given_up(payload: Any, body: Mapping[str, Any]) -> list[Arrival]:
    if "request_payload" not in body:
        lacking = EventError("The failure payload has no request_payload.", advice=ADVICE)
        return [unreadable(payload, Reason.of(lacking))]
    arrivals = uploads(body["request_payload"])
    if "legible" in body:  # handed on by ourselves: what could not be read has its name already
        return arrivals
    # Its digest is that of the whole payload: two calls that were given up with equal events are two records.
    return [unreadable(payload, item.reason) if isinstance(item, Unreadable) else item for item in arrivals]


def _why(body: Mapping[str, Any]) -> Reason:
    with suppress(msgspec.ValidationError):
        return msgspec.convert(mapping(body.get("legible")).get("reason"), Reason)
    context, answer = mapping(body.get("request_context")), mapping(body.get("response_context"))
    tries = context.get("approximate_invoke_count")
    # The page's table says statusCode, its sample status_code (functiongraph_01_0390_03).
    status = answer.get("status_code", answer.get("statusCode"))
    told = _answer(body.get("response_payload"))
    message = _error_message(told) or "no message"
    if mapping(told).get("errorType") == SettingsError.__name__:
        return Reason(
            SettingsError.code,
            redact(f"The settings are wrong: {message}"),
            "Mend them and deploy.",
            request_id=str(context.get("request_id") or ""),
        )
    return Reason(
        "platform-gave-up",
        redact(f"FunctionGraph gave up after {tries or 'an unknown number of'} calls (status {status}): {message}"),
        "Mend the cause, then upload the document again.",
        request_id=str(context.get("request_id") or ""),
        passes=passing(str(mapping(told).get("errorType"))) or UNSET,
    )


def _answer(told: Any) -> Any:
    """Return what a failed call's own answer says: JSON, or the text that it is."""
    with suppress(EventError):
        return _parsed(told) if isinstance(told, str) and told.startswith("{") else told
    return told


def _error_message(answer: Any) -> str:
    # An exception is told as errorMessage, errorType and a stack (functiongraph_02_0502); the stack is for the log, not
    # for a record. What comes where the platform itself failed is on no page, so any other answer is shown whole.
    if isinstance(answer, Mapping) and isinstance(answer.get("errorMessage"), str):
        return str(answer["errorMessage"])
    if isinstance(answer, str):
        return answer
    return json.dumps(answer, ensure_ascii=False, default=str) if answer else ""


def _parsed(event: Any) -> Any:
    if isinstance(event, (str, bytes, bytearray)):
        try:
            return json.loads(event)
        except (ValueError, RecursionError):
            raise EventError("The event is not JSON.", advice=ADVICE) from None
    return event


def unreadable(part: Any, reason: Reason) -> Unreadable:
    """Return what is recorded in place of an event, or a part of one, that names no document; equal ones, one name."""
    body = json.dumps(part, sort_keys=True, default=str, ensure_ascii=True)
    return Unreadable(reason, hashlib.sha256(body.encode()).hexdigest()[:24])
