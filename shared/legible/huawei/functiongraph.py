"""FunctionGraph: what its events say, what its context gives. A key is decoded here, once, and nowhere else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import msgspec

from legible.errors import EventError, redact
from legible.model.documents import Arrival, Ignored, ObjectRef, Order, Reason, Unreadable, Upload, WorkbookOrder

_ADVICE = (
    "Expected is an OBS event: Records[] with s3.bucket.name and s3.object.key, or data.obs with bucket.name and "
    "object.key."
)


def uploads(event: Any) -> list[Arrival]:
    """Read an event of either envelope.

    Args:
        event: Classic ``{"Records": [{"s3": ...}]}``, EventGrid ``{"data": {"obs": ...}}`` or a list of these under
            ``events``; a text or bytes of such JSON.

    Returns:
        An ``Upload`` for each creation, in order, an ``Ignored`` for each removal, and an ``Unreadable`` for each part
        that cannot be read.
    """
    found: list[Arrival] = []
    try:
        parts = _parts(_parsed(event))
    except EventError as error:
        return [_unreadable(event, Reason.of(error))]
    for part in parts:
        try:
            found.append(_upload(part))
        except EventError as error:
            found.append(_unreadable(part, Reason.of(error)))
    return found


def timed(event: Any) -> tuple[WorkbookOrder, datetime | None]:
    """Read the event of a timer: its ``user_event`` is what the trigger was given (functiongraph_01_0207).

    Args:
        event: Its ``user_event`` is a text of JSON such as ``{"workbook": "daily", "prefix": "a/"}``.

    Returns:
        What is asked for, and when the timer rang, as far as it says: a delivery that comes late means the same day.

    Raises:
        EventError: It is none, or asks for nothing that can be built.
    """
    said = _parsed(event)
    text = _mapping(said).get("user_event")
    try:
        asked = msgspec.convert(_parsed(text), WorkbookOrder) if text else _nothing_asked("it has no user_event")
        return asked, _time(_mapping(said).get("time"))
    except msgspec.ValidationError as error:
        return _nothing_asked(str(error)), None


def timer_event(asked: WorkbookOrder, at: datetime) -> dict[str, Any]:
    """Return the event of a timer that asks for this: the way ``timed`` reads, back again."""
    text = msgspec.json.encode(asked).decode()
    return {"version": "v1.0", "time": at.isoformat(), "trigger_type": "TIMER", "user_event": text}


def _nothing_asked(why: str) -> WorkbookOrder:
    raise EventError(
        f"The timer's event asks for nothing that can be built: {why}.",
        advice='Give the trigger a user_event such as {"workbook": "daily", "day": "yesterday"}.',
    )


def event_of(upload: Upload) -> dict[str, Any]:
    """Return the event of one upload, as OBS would send it: the way ``uploads`` reads, back again.

    Args:
        upload: What an event said. A ``raw_key`` that does not spell the key gives way to one that does.

    Returns:
        A classic event of one record; ``hand``, ``again`` and ``order`` are in a table of our own beside ``s3``. With
        the longest key OBS takes, 1,024 bytes, and the longest order it has less than 16 KB as JSON; an asynchronous
        call carries 256 KB (functiongraph_01_0150).
    """
    key = upload.raw_key if unquote_plus(upload.raw_key) == upload.ref.key else quote_plus(upload.ref.key)
    item = {"key": key, "size": upload.size, "eTag": upload.etag, "versionId": upload.version_id}
    record = {
        "eventVersion": "2.0",
        "eventName": "ObjectCreated:Put",
        "eventTime": upload.at.isoformat() if upload.at else None,
        "id": upload.event_id,
        "s3": {"bucket": {"name": upload.ref.bucket}, "object": _said(item)},
        "legible": _said({"hand": upload.hand, "again": upload.again, "order": msgspec.to_builtins(upload.order)}),
    }
    return {"Records": [_said(record)]}


def _said(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}


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
    body = payload if isinstance(payload, Mapping) else {}
    context, answer = _mapping(body.get("request_context")), _mapping(body.get("response_context"))
    tries = context.get("approximate_invoke_count")
    status = answer.get("status_code", answer.get("statusCode"))
    said = body.get("response_payload")
    text = _error_message(said)
    after = f"after {tries or 'an unknown number of'} calls (status {status})"
    reason = Reason(
        "platform-gave-up",
        redact(f"FunctionGraph gave up {after}: {text or 'no message'}"),
        "Mend the cause, then upload the document again.",
        request_id=str(context.get("request_id") or ""),
    )
    if "request_payload" not in body:
        lacking = EventError("The failure payload has no request_payload.", advice=_ADVICE)
        return [_unreadable(payload, Reason.of(lacking))], reason
    found = uploads(body["request_payload"])
    return [_unreadable(payload, item.reason) if isinstance(item, Unreadable) else item for item in found], reason


def _error_message(said: Any) -> str:
    """Return what a failed call's own answer says; the stack beside its message is for the log, not for a record."""
    with suppress(EventError):
        said = _parsed(said) if isinstance(said, str) and said.startswith("{") else said
    if isinstance(said, Mapping) and isinstance(said.get("errorMessage"), str):
        return str(said["errorMessage"])
    return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False, default=str) if said else ""


def _parsed(event: Any) -> Any:
    if isinstance(event, (str, bytes, bytearray)):
        try:
            return json.loads(event)
        except (ValueError, RecursionError):
            raise EventError("The event is not JSON.", advice=_ADVICE) from None
    return event


def _parts(event: Any) -> list[Any]:
    """Return what each holds one object: classic records, or EventGrid events."""
    if not isinstance(event, Mapping):
        raise EventError(f"The event is {_kind(event)}, not an object.", advice=_ADVICE)
    if "Records" in event:
        return _list(event["Records"], "Records")
    if "events" in event:
        return _list(event["events"], "events")
    if "data" in event:
        data = event["data"]
        return [{**event, "data": part} for part in data] if isinstance(data, list) else [event]
    if "s3" in event or "obs" in event:
        return [event]
    raise EventError(f"The event has no Records and no data, but {_keys(event)}.", advice=_ADVICE)


def _upload(part: Any) -> Upload | Ignored:
    if not isinstance(part, Mapping):
        raise EventError(f"A record of the event is {_kind(part)}, not an object.", advice=_ADVICE)
    data = part["data"] if isinstance(part.get("data"), Mapping) else part
    body = data.get("obs") if isinstance(data.get("obs"), Mapping) else data.get("s3")
    if not isinstance(body, Mapping):
        raise EventError(f"A record of the event has no s3 and no obs, but {_keys(data)}.", advice=_ADVICE)
    item = _mapping(body.get("object"))
    bucket, key = _mapping(body.get("bucket")).get("name"), item.get("key")
    if not isinstance(bucket, str) or not bucket or not isinstance(key, str) or not key:
        raise EventError("A record of the event names no bucket or no key.", advice=_ADVICE)
    if not _encodable(unquote_plus(key)):
        raise EventError("A record of the event has a key with half a character in it.", advice=_ADVICE)
    name = str(data.get("eventName") or part.get("type") or "")
    ref, ours = ObjectRef(bucket, unquote_plus(key)), _mapping(part.get("legible"))
    if name and "objectcreated" not in name.lower():
        return Ignored(ref, Reason("not-a-creation", f"{name} is no creation."))
    return Upload(
        ref=ref,
        raw_key=key,
        etag=str(item.get("eTag") or item.get("etag") or "").strip('"').lower(),
        version_id=_version(item.get("versionId")),
        size=item["size"] if isinstance(item.get("size"), int) else None,
        event_id=str(part.get("id") or ""),
        at=_time(part.get("time") or data.get("eventTime")),
        hand=_hand(ours.get("hand")),
        order=_order(ours.get("order")),
        again=str(ours.get("again") or ""),
    )


def _hand(value: Any) -> int:
    """Return how often an upload was handed on; what OBS sends says nothing of it, and what is no count counts as 0."""
    return value if type(value) is int and value >= 0 else 0


def _order(value: Any) -> Order | None:
    """Return what a call of our own asks for beside the routes."""
    if value is None:
        return None
    try:
        return msgspec.convert(value, Order)
    except msgspec.ValidationError as error:
        raise EventError(
            f"A record of the event has an order that cannot be read: {error}.",
            advice='Give it {"operation": "passport", "options": {}}.',
        ) from None


def _encodable(text: str) -> bool:
    """Tell whether a text can be a key: half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _time(value: Any) -> datetime | None:
    """Return an event's time; EventGrid's ``time`` is right, its ``eventTime`` was eight hours ahead (2026-09-30)."""
    try:
        found = msgspec.convert(str(value), datetime)
    except msgspec.ValidationError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)


def _version(value: Any) -> str:
    """Return a version id; where versioning is off the events say ``null``, or an id that ends so (seen 2026-09-30)."""
    text = str(value or "")
    return "" if text.endswith("null") else text


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise EventError(f"{name} of the event is {_kind(value)}, not a list of records.", advice=_ADVICE)
    return value


def _kind(value: Any) -> str:
    return "empty" if value in (None, "", [], {}) else f"a {type(value).__name__}"


def _keys(value: Mapping[str, Any]) -> str:
    return ", ".join(sorted(str(key)[:40] for key in value)[:8]) or "nothing"


def _unreadable(part: Any, reason: Reason) -> Unreadable:
    body = json.dumps(part, sort_keys=True, default=str, ensure_ascii=True)
    return Unreadable(reason, hashlib.sha256(body.encode()).hexdigest()[:24])
