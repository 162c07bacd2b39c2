"""FunctionGraph: what its events say, what its context gives. A key is decoded here, once, and nowhere else."""

from __future__ import annotations

import hashlib
import json
import logging
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import msgspec

from legible.collecting import Asked
from legible.errors import EventError, redact
from legible.huawei.credentials import Credentials, checked
from legible.model import Arrival, Ignored, ObjectRef, Order, Reason, Unreadable, Upload

_ADVICE = (
    "Expected is an OBS event: Records[] with s3.bucket.name and s3.object.key, or data.obs with bucket.name and "
    "object.key."
)


#: Events that somebody should look at.
_WARNINGS = frozenset({
    "retry", "skipped", "not-released", "not-handed-on", "not-answered", "defect", "notice-not-kept",
    "notice-not-logged", "notice-failed", "notice-given-up", "notice-unreadable",
})  # fmt: skip


class Context:
    """The platform's context, read through one place because not every method exists in every runtime.

    Args:
        raw: What FunctionGraph passes to the handler (functiongraph_02_0502).
    """

    def __init__(self, raw: Any) -> None:
        """See the class."""
        self._raw = raw
        self._begun = time.monotonic()
        self.request_id = str(self._ask("getRequestID") or uuid.uuid4())

    def _ask(self, method: str, *values: Any) -> Any:
        found = getattr(self._raw, method, None)
        return found(*values) if callable(found) else None

    @property
    def owner(self) -> str:
        """A name no other invocation has: a retry keeps its request id, so that alone is not enough."""
        plain = "".join(letter for letter in self.request_id if letter.isalnum() or letter == "-")
        return f"{plain[:40]}-{uuid.uuid4().hex[:8]}"

    @property
    def project_id(self) -> str:
        """The project the function runs in; empty where the runtime does not say."""
        return str(self._ask("getProjectID") or "")

    def urn(self, region: str) -> str:
        """Return the name by which this very function is called; empty where the runtime does not say enough.

        ``urn:fss:<region>:<project>:function:<package>:<name>:<version>`` (functiongraph_06_0102). Where there is an
        alias, it is the version, ``!<alias>`` (functiongraph_06_0117): the trigger and the policy for failures are
        the alias's own, not those of the version behind it. Without either it is ``latest``.

        Args:
            region: Where the function runs; the context does not say.
        """
        name, alias = str(self._ask("getFunctionName") or ""), str(self._ask("getAlias") or "")
        if not name or not self.project_id:
            return ""
        version = f"!{alias.lstrip('!')}" if alias else str(self._ask("getVersion") or "latest")
        return f"urn:fss:{region}:{self.project_id}:function:{self._ask('getPackage') or 'default'}:{name}:{version}"

    def sibling(self, region: str, name: str) -> str:
        """Return the name by which another function of the same package is called; empty as ``urn`` is.

        Args:
            region: Where the functions run.
            name: The function's name; behind a colon its version, or ``!`` and its alias, else it is ``latest``.
        """
        own = self.urn(region).split(":")
        plain, _, version = name.partition(":")
        return ":".join([*own[:6], plain, version or "latest"]) if len(own) > 1 else ""

    def variable(self, name: str) -> str | None:
        """Return a user variable, plain or encrypted; None where it is not set."""
        value = self._ask("getUserData", name)
        return None if value is None else str(value)

    def remaining(self) -> float:
        """Return how many seconds are left of this call."""
        left = self._ask("getRemainingTimeInMilliSeconds")
        if left is None:  # an older runtime: the configured time, less what has passed since the call began
            return float(self._ask("getRunningTimeInSeconds") or 60) - (time.monotonic() - self._begun)
        return float(left) / 1000

    def credentials(self) -> Credentials:
        """Return the agency's keys as they are now.

        Raises:
            CredentialsError: The function has no agency.
        """
        return checked(
            self._ask("getSecurityAccessKey"), self._ask("getSecuritySecretKey"), self._ask("getSecurityToken")
        )

    def log(self, level: str) -> Log:
        """Return what writes to the function's log from that level on."""
        return Log(self._ask("getLogger") or logging.getLogger("legible"), level, self.request_id)


class Log:
    """Writes one line of JSON an event. See ``legible.pipeline.Log``.

    Args:
        logger: Has ``info`` and ``warning``, as the platform's has.
        level: The lowest level that is written.
        request_id: Stands in every line.
    """

    def __init__(self, logger: Any, level: str, request_id: str) -> None:
        """See the class."""
        self._logger = logger
        self._lowest = getattr(logging, level)
        self._request_id = request_id

    def __call__(self, event: str, **values: Any) -> None:
        """Write the line; texts are redacted, whoever made them."""
        level = logging.WARNING if event in _WARNINGS else logging.INFO
        if level < self._lowest:
            return
        line = json.dumps({"event": event, **values, "request": self._request_id}, ensure_ascii=False, default=str)
        (self._logger.warning if level == logging.WARNING else self._logger.info)(redact_line(line))


def redact_line(line: str) -> str:
    """Return a line of the log without URL queries or values named like a secret, however long it is."""
    return " ".join(redact(part) for part in _pieces(line))


def _pieces(line: str, size: int = 400) -> list[str]:
    """Cut a line at spaces into pieces no longer than a redacted text may be."""
    pieces, piece = [], ""
    for word in line.split(" "):
        if piece and len(piece) + len(word) >= size:
            pieces.append(piece)
            piece = word
        else:
            piece = f"{piece} {word}" if piece else word
    return [*pieces, piece]


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


def timed(event: Any) -> tuple[Asked, datetime | None]:
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
        asked = msgspec.convert(_parsed(text), Asked) if text else _nothing_asked("it has no user_event")
        return asked, _time(_mapping(said).get("time"))
    except msgspec.ValidationError as error:
        return _nothing_asked(str(error)), None


def timer_event(asked: Asked, at: datetime) -> dict[str, Any]:
    """Return the event of a timer that asks for this: the way ``timed`` reads, back again."""
    text = msgspec.json.encode(asked).decode()
    return {"version": "v1.0", "time": at.isoformat(), "trigger_type": "TIMER", "user_event": text}


def _nothing_asked(why: str) -> Asked:
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
