"""One object in an event, in either envelope: classic ``s3`` records, or EventGrid's ``data.obs``."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from legible.errors import EventError
from legible.model.documents import Ignored, ObjectRef, Order, Reason, Upload, Wait

ADVICE = (
    "Expected is an OBS event: Records[] with s3.bucket.name and s3.object.key, or data.obs with bucket.name and "
    "object.key."
)


def arrival(part: Any) -> Upload | Ignored:
    """Read the part of an event that is about one object.

    Args:
        part: ``{"eventName", "eventTime", "s3": ...}``, or ``{"id", "type", "time", "data": {"obs": ...}}``; what it
            says beside bucket and key may be missing or odd.

    Returns:
        The upload, its key decoded; or, for a removal, what is left alone.

    Raises:
        EventError: The part names no object, or holds an order of ours that cannot be read.
    """
    if not isinstance(part, Mapping):
        raise EventError(f"A record of the event is {kind(part)}, not an object.", advice=ADVICE)
    # EventGrid wraps the notification into a CloudEvent (source HC.OBS.DWR); a classic record is the notification.
    notification = part["data"] if isinstance(part.get("data"), Mapping) else part
    body = _body(notification)
    ref, raw_key = _named(body)
    # `type` says PUT where `eventName` says Put, and triggers are set up as s3:ObjectCreated:Put: case and what stands
    # before are no difference (a real event of 2026-09-30; usermanual-obs obs_03_0092).
    name = str(notification.get("eventName") or part.get("type") or "")
    if name and "objectcreated" not in name.lower():
        return Ignored(ref, Reason("not-a-creation", f"{name} is no creation."))
    # A CloudEvent's `time` is right; its `data.eventTime` was Beijing's time marked Z, 8 hours ahead (2026-09-30).
    at = event_time(part.get("time") or notification.get("eventTime"))
    # The CloudEvent's id is the request id of the upload at OBS; classic records have none.
    upload = Upload(ref, raw_key, event_id=str(part.get("id") or ""), at=at)
    return _ordered(_described(upload, mapping(body.get("object"))), mapping(part.get("legible")))


def _body(notification: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what holds bucket and object."""
    # Huawei's own sample takes either name in either envelope (terraform-provider-huaweicloud, examples/fgs/triggers).
    grid, classic = notification.get("obs"), notification.get("s3")
    body = grid if isinstance(grid, Mapping) else classic
    if not isinstance(body, Mapping):
        raise EventError(f"A record of the event has no s3 and no obs, but {keys(notification)}.", advice=ADVICE)
    return body


def _named(body: Mapping[str, Any]) -> tuple[ObjectRef, str]:
    """Return the object that is named, and its key as the event spelled it."""
    bucket, key = mapping(body.get("bucket")).get("name"), mapping(body.get("object")).get("key")
    if not isinstance(bucket, str) or not bucket or not isinstance(key, str) or not key:
        raise EventError("A record of the event names no bucket or no key.", advice=ADVICE)
    # Keys come encoded as forms are, `+` for a space: in EventGrid by a switch that is on by default (eg-bp-037). No
    # page says it of classic records; Huawei's sample decodes both, so the raw key is kept to fall back on.
    ref = ObjectRef(bucket, unquote_plus(key))
    if not _encodable(ref.key):
        raise EventError("A record of the event has a key with half a character in it.", advice=ADVICE)
    return ref, key


def _described(upload: Upload, item: Mapping[str, Any]) -> Upload:
    """Return the upload with what the event says of the object's bytes."""
    # `sequencer` is not read: EventGrid sent "1" for every object, so that it orders nothing (2026-09-30).
    return msgspec.structs.replace(
        upload,
        etag=str(item.get("eTag") or item.get("etag") or "").strip('"').lower(),
        version_id=_version(item.get("versionId")),
        size=item["size"] if isinstance(item.get("size"), int) else None,
    )


def _ordered(upload: Upload, own: Mapping[str, Any]) -> Upload:
    """Return the upload with what a call of our own says beside it; what OBS sends says nothing of that."""
    return msgspec.structs.replace(
        upload,
        hand=_hand(own.get("hand")),
        order=_order(own.get("order")),
        again=str(own.get("again") or ""),
        wait=_wait(own.get("wait")),
        run=str(own.get("run") or ""),
    )


def _hand(value: Any) -> int:
    """Return how often an upload was handed on; what is no count counts as 0."""
    return value if type(value) is int and value >= 0 else 0


def _wait(value: Any) -> Wait | None:
    """Return until when an upload is tried; without it, it is parked anew."""
    try:
        return msgspec.convert(value, Wait)
    except msgspec.ValidationError:
        return None


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


def event_time(value: Any) -> datetime | None:
    """Return the time of an event, in UTC where it names no zone; None for what is no time."""
    try:
        time = msgspec.convert(str(value), datetime)
    except msgspec.ValidationError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def _version(value: Any) -> str:
    """Return a version id, or an empty text for what stands for none."""
    # Without versioning a classic record says "null", and EventGrid an id that ends so: G00101A0F0...92null
    # (real events of 2024 and 2026-09-30).
    text = str(value or "")
    return "" if text.endswith("null") else text


def mapping(value: Any) -> Mapping[str, Any]:
    """Return an object of JSON; an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def kind(value: Any) -> str:
    """Return what a value is, in words for an error text."""
    return "empty" if value in (None, "", [], {}) else f"a {type(value).__name__}"


def keys(value: Mapping[str, Any]) -> str:
    """Return the first names in an object, in words for an error text."""
    return ", ".join(sorted(str(key)[:40] for key in value)[:8]) or "nothing"
