"""SMN's Publish and EventGrid's PutEvents over HTTP: signatures, limits, the vendor's error codes.

Not imitated: subscriptions (nothing is delivered further), permissions (an ``error`` fault with status 403 stands for a
missing one), message templates. The order of checks if several fail at once is ours, and so is the code
``LOCAL.0400`` for a message that SMN would refuse: no page that we know names the vendor's.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from localcloud.faults import Fault, Schedule
from localcloud.iam import signature
from localcloud.iam.credentials import Keyring
from localcloud.web import Environ, Server, StartResponse, cut, raw_uri, read_body, read_headers, send

#: A subject has at most 512 bytes, a message 256 KB (SMN API Reference, PublishMessage).
MAX_SUBJECT, MAX_MESSAGE = 512, 256 * 1024
#: One event has at most 64 KB, one request 256 KB and 20 events (eg-ug-015).
MAX_EVENT, MAX_EVENTS_BYTES, MAX_EVENTS = 64 * 1024, 256 * 1024, 20
#: Code to HTTP status and message. SMN.0006: smn_api_63001; EG: the API Reference's examples; APIGW: the gateway's.
ERRORS: dict[str, tuple[int, str]] = {
    "LOCAL.0400": (400, "The message is missing, or it or its subject is too long."),
    "SMN.0006": (404, "Topic not found."),
    "EG.00014000": (400, "Bad request"),
    "EG.00014040": (404, "Not request resource found"),
    "EG.00015000": (500, "Internal Server Error"),
    "APIGW.0101": (404, "The API does not exist or has not been published in the environment"),
    "APIGW.0301": (401, "Incorrect IAM authentication information"),
    "APIGW.0308": (429, "The throttling threshold has been reached"),
}
_SMN = re.compile(r"/v2/(?P<project>[^/]+)/notifications/topics/(?P<target>[^/]+)/publish")
_EVENTGRID = re.compile(r"/v1/(?P<project>[^/]+)/channels/(?P<target>[^/]+)/events")


@dataclass(frozen=True)
class Message:
    """A published message: ``service`` is ``smn`` or ``eventgrid``, ``target`` the topic's URN or the channel's id.

    ``body`` is the message's text, or the event; ``subject`` is that of the message or event.
    """

    service: str
    target: str
    subject: str
    body: Any


class ApiError(Exception):
    """An error answer: the vendor's code, its message, and the HTTP status it comes with."""

    def __init__(self, code: str, message: str = "", status: int = 0) -> None:
        """Take a missing message or status from the table; a code outside the table is a 400."""
        known_status, known_message = ERRORS.get(code, (400, "The request failed."))
        self.code = code
        self.message = message or known_message
        self.status = status or known_status
        super().__init__(f"{self.code}: {self.message}")


@dataclass
class _Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


class LocalMessages:
    """A WSGI application that takes messages as SMN does, and events as EventGrid does.

    Fault kinds, struck after the signature check; paths are a topic's URN or a channel's id, the method is POST.

    - The message is not taken: ``error`` (``status``, ``code``, ``message``; 429 APIGW.0308 unless named), ``cut`` (the
      connection breaks), ``refuse-event`` (EventGrid: 200, and the event counted as failed), ``kill-before`` (kills the
      function instance that sends it, see ``on_kill``).
    - The message is taken: ``lost-answer`` (silence for ``seconds``, then the connection breaks), ``kill-after``,
      ``body`` (``status``, ``body``, instead of the answer).
    """

    def __init__(self, keys: Keyring, project_id: str) -> None:
        """Serve one project.

        Args:
            keys: The access keys that may publish.
            project_id: The only project there is.
        """
        self.faults = Schedule()
        #: Kills the holder of an access key id; the local cloud sets it to kill function instances.
        self.on_kill: Callable[[str], object] = lambda access: None
        #: What was published, in order.
        self.messages: list[Message] = []
        #: Topics and channels that do not exist; all others do.
        self.gone: set[str] = set()
        self._keys = keys
        self._project_id = project_id
        self._stopping = threading.Event()

    def serve(self, port: int | None = None) -> Server:
        """Serve on loopback."""
        return Server(self, port)

    def close(self) -> None:
        """Release calls that are held on purpose."""
        self._stopping.set()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        body, request_id = read_body(environ), uuid.uuid4().hex
        fault, answer = self._answer(environ, raw_uri(environ), body, request_id)
        kind = fault.kind if fault else ""
        if kind in ("kill-before", "kill-after"):
            self.on_kill(signature.access_of(read_headers(environ)))
        if fault and kind == "lost-answer":
            self._stopping.wait(fault.seconds)
        if kind in ("kill-before", "kill-after", "lost-answer", "cut"):
            cut(environ)
        if fault and kind == "body":
            answer = _Answer(fault.status or 200, fault.body)
        return send(start_response, answer.status, answer.body, answer.headers, request_id)

    def _answer(self, environ: Environ, uri: str, body: bytes, request_id: str) -> tuple[Fault | None, _Answer]:
        fault = None
        path = uri.partition("?")[0]
        smn = _SMN.fullmatch(path)
        try:
            target = self._admit(environ, uri, body, smn or _EVENTGRID.fullmatch(path))
            fault = self.faults.take("POST", target)
            if fault and fault.kind == "error":
                raise ApiError(fault.code or "APIGW.0308", fault.message, fault.status)
            if fault and fault.kind in ("cut", "kill-before"):
                return fault, _Answer(499)
            if smn:
                return fault, self._publish(target, body, request_id)
            return fault, self._put(target, body, refused=bool(fault and fault.kind == "refuse-event"))
        except ApiError as error:
            return fault, _Answer(error.status, _json(_said(error, request_id)))

    def _admit(self, environ: Environ, uri: str, body: bytes, path: re.Match[str] | None) -> str:
        """Return the topic or the channel that the request is for."""
        if environ["REQUEST_METHOD"] != "POST" or path is None:
            raise ApiError("APIGW.0101")
        try:
            signature.check("POST", uri, read_headers(environ), body, self._keys)
        except signature.SignatureError as error:
            raise ApiError("APIGW.0301", str(error)) from None
        target = unquote(path["target"])
        if path["project"] != self._project_id or target in self.gone:
            raise ApiError("SMN.0006" if path.re is _SMN else "EG.00014040")
        return target

    def _publish(self, target: str, body: bytes, request_id: str) -> _Answer:
        values = _object(body, "LOCAL.0400")
        subject, message = values.get("subject", ""), values.get("message")
        if not isinstance(subject, str) or not isinstance(message, str) or not message:
            raise ApiError("LOCAL.0400")
        if len(subject.encode()) > MAX_SUBJECT or len(message.encode()) > MAX_MESSAGE:
            raise ApiError("LOCAL.0400")
        self.messages.append(Message("smn", target, subject, message))
        return _Answer(200, _json({"message_id": uuid.uuid4().hex, "request_id": request_id}))

    def _put(self, target: str, body: bytes, *, refused: bool) -> _Answer:
        events = _object(body, "EG.00014000").get("events")
        if not isinstance(events, list) or not 0 < len(events) <= MAX_EVENTS or len(body) > MAX_EVENTS_BYTES:
            raise ApiError("EG.00014000")
        for event in events:
            _check_event(event)
        if refused:
            failed = [
                {"event_id": event["id"], "error_code": "EG.00014000", "error_msg": "Bad request"} for event in events
            ]
            return _Answer(200, _json({"failed_count": len(events), "events": failed}))
        self.messages += [Message("eventgrid", target, event.get("subject", ""), event) for event in events]
        return _Answer(200, _json({"failed_count": 0, "events": [{"event_id": event["id"]} for event in events]}))


def _check_event(event: Any) -> None:
    """Refuse an event that is not a CloudEvent of version 1.0, or is too large."""
    needed = ("id", "source", "type", "specversion")
    if not isinstance(event, dict) or not all(isinstance(event.get(name), str) and event[name] for name in needed):
        raise ApiError("EG.00014000")
    if event["specversion"] != "1.0" or len(_json(event)) > MAX_EVENT:
        raise ApiError("EG.00014000")


def _said(error: ApiError, request_id: str) -> dict[str, str]:
    if error.code.startswith(("SMN.", "LOCAL.")):
        return {"request_id": request_id, "code": error.code, "message": error.message}
    return {"error_code": error.code, "error_msg": error.message, "request_id": request_id}


def _object(body: bytes, code: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise ApiError(code) from None
    if not isinstance(value, dict):
        raise ApiError(code)
    return value


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
