"""SMN's Publish, EventGrid's PutEvents and its list of a function's triggers, over HTTP, with the vendor's error codes.

Not imitated: subscriptions of topics and channels (nothing is delivered further), permissions (an ``error`` fault with
status 403 stands for a missing one), message templates. The order of checks if several fail at once is ours, and so is
the code ``LOCAL.0400`` for a message that SMN would refuse: no page that we know names the vendor's.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote

from localcloud.api import Answer, ApiError, SignedApi, answered, encoded
from localcloud.faults import Fault
from localcloud.iam import signature
from localcloud.iam.credentials import Keyring
from localcloud.web import Environ, StartResponse, raw_uri, read_body, read_headers

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
#: ListTriggers: the subscriptions that have a function as their target (api-eg, ListTriggers).
_TRIGGERS = re.compile(r"/v1/(?P<project>[^/]+)/subscription-triggers/(?P<target>[^/]+)")
#: A page of them has so many unless the caller says, and at most so many.
_LISTED, _MOST_LISTED = 15, 1000
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


class MessageError(ApiError):
    """An error answer of SMN, of EventGrid or of the gateway before them."""

    known = ERRORS


class LocalMessages(SignedApi):
    """A WSGI application that takes messages as SMN does, and events as EventGrid does.

    Fault kinds, struck after the signature check; paths are a topic's URN or a channel's id, the method is POST. For
    the list of a function's triggers it is GET, the path the function's URN, and the only kind ``error``.

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
        super().__init__(keys, project_id)
        #: What was published, in its order.
        self.messages: list[Message] = []
        #: Topics and channels that do not exist; all others do.
        self.gone: set[str] = set()
        #: Returns the subscriptions that call the function of a URN; the local cloud has it tell of its functions.
        self.subscriptions: Callable[[str], list[dict[str, Any]]] = lambda urn: []

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request_id = uuid.uuid4().hex
        fault, answer = self._answer(environ, raw_uri(environ), read_body(environ), request_id)
        self._strike(fault, environ)
        if fault and fault.kind == "body":
            answer = Answer(fault.status or 200, fault.body)
        return answered(start_response, answer, request_id)

    def _answer(self, environ: Environ, uri: str, body: bytes, request_id: str) -> tuple[Fault | None, Answer]:
        fault = None
        path, _, query = uri.partition("?")
        method = environ["REQUEST_METHOD"]
        smn = _SMN.fullmatch(path)
        try:
            wanted = {"POST": smn or _EVENTGRID.fullmatch(path), "GET": _TRIGGERS.fullmatch(path)}.get(method)
            target = self._admit(environ, uri, body, wanted)
            fault = self.faults.take(method, target)
            if fault and fault.kind == "error":
                raise MessageError(fault.code or "APIGW.0308", fault.message, fault.status)
            if method == "GET":
                return None, self._listed(target, query)
            if fault and fault.kind in ("cut", "kill-before"):
                return fault, Answer(499)
            if smn:
                return fault, self._publish(target, body, request_id)
            return fault, self._put(target, body, refused=bool(fault and fault.kind == "refuse-event"))
        except MessageError as error:
            return fault, Answer(error.status, encoded(_error_body(error, request_id)))

    def _admit(self, environ: Environ, uri: str, body: bytes, path: re.Match[str] | None) -> str:
        """Return the topic or the channel that the request is for."""
        if path is None:
            raise MessageError("APIGW.0101")
        try:
            signature.check(environ["REQUEST_METHOD"], uri, read_headers(environ), body, self._keys)
        except signature.SignatureError as error:
            raise MessageError("APIGW.0301", str(error)) from None
        target = unquote(path["target"])
        if path["project"] != self._project_id or target in self.gone:
            raise MessageError("SMN.0006" if path.re is _SMN else "EG.00014040")
        return target

    def _listed(self, urn: str, query: str) -> Answer:
        """Return one page of the subscriptions behind a function's triggers."""
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        try:
            first, most = int(asked.get("offset", 0)), int(asked.get("limit", _LISTED))
        except ValueError:
            raise MessageError("EG.00014000") from None
        if first < 0 or not 1 <= most <= _MOST_LISTED:
            raise MessageError("EG.00014000")
        found = self.subscriptions(urn)
        items = found[first : first + most]
        return Answer(200, encoded({"total": len(found), "size": len(items), "items": items}))

    def _publish(self, target: str, body: bytes, request_id: str) -> Answer:
        values = _object(body, "LOCAL.0400")
        subject, message = values.get("subject", ""), values.get("message")
        if not isinstance(subject, str) or not isinstance(message, str) or not message:
            raise MessageError("LOCAL.0400")
        if len(subject.encode()) > MAX_SUBJECT or len(message.encode()) > MAX_MESSAGE:
            raise MessageError("LOCAL.0400")
        self.messages.append(Message("smn", target, subject, message))
        return Answer(200, encoded({"message_id": uuid.uuid4().hex, "request_id": request_id}))

    def _put(self, target: str, body: bytes, *, refused: bool) -> Answer:
        events = _object(body, "EG.00014000").get("events")
        if not isinstance(events, list) or not 0 < len(events) <= MAX_EVENTS or len(body) > MAX_EVENTS_BYTES:
            raise MessageError("EG.00014000")
        for event in events:
            _check_event(event)
        if refused:
            failed = [
                {"event_id": event["id"], "error_code": "EG.00014000", "error_msg": "Bad request"} for event in events
            ]
            return Answer(200, encoded({"failed_count": len(events), "events": failed}))
        self.messages += [Message("eventgrid", target, event.get("subject", ""), event) for event in events]
        return Answer(200, encoded({"failed_count": 0, "events": [{"event_id": event["id"]} for event in events]}))


def _check_event(event: Any) -> None:
    """Refuse an event that is not a CloudEvent of version 1.0, or is too large."""
    needed = ("id", "source", "type", "specversion")
    if not isinstance(event, dict) or not all(isinstance(event.get(name), str) and event[name] for name in needed):
        raise MessageError("EG.00014000")
    if event["specversion"] != "1.0" or len(encoded(event)) > MAX_EVENT:
        raise MessageError("EG.00014000")


def _error_body(error: MessageError, request_id: str) -> dict[str, str]:
    if error.code.startswith(("SMN.", "LOCAL.")):
        return {"request_id": request_id, "code": error.code, "message": error.message}
    return {"error_code": error.code, "error_msg": error.message, "request_id": request_id}


def _object(body: bytes, code: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise MessageError(code) from None
    if not isinstance(value, dict):
        raise MessageError(code)
    return value
