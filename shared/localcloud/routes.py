"""What the local services of the account share: calls found by method and path, each with the right that it needs."""

from __future__ import annotations

import json
import re
import uuid
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import parse_qsl, unquote

from localcloud.api import Answer, ApiError, SignedApi, answered, encoded
from localcloud.faults import Fault
from localcloud.iam import signature
from localcloud.iam.credentials import Keyring
from localcloud.web import Environ, StartResponse, raw_uri, read_body, read_headers

#: The errors of the gateway before each service.
GATEWAY: Mapping[str, tuple[int, str]] = {
    "APIGW.0101": (404, "The API does not exist or has not been published in the environment"),
    "APIGW.0301": (401, "Incorrect IAM authentication information"),
    "APIGW.0308": (429, "The throttling threshold has been reached"),
}


@dataclass(frozen=True)
class Called:
    """A call that may be made: the parts of its path, its query, its body and how many bytes that has."""

    parts: Mapping[str, str]
    query: Mapping[str, str]
    body: Any = field(repr=False, default=None)
    size: int = 0


@dataclass(frozen=True)
class Route:
    """One API: the right it needs, and what answers it: a value for JSON, or an ``Answer``."""

    method: str
    path: re.Pattern[str]
    right: str
    answer: Callable[[Called], Any]


def route(method: str, path: str, right: str, answer: Callable[[Called], Any]) -> Route:
    """Return a route; ``{name}`` in a path is any part of it."""
    return Route(method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)), right, answer)


def number(text: str) -> int:
    """Return a number of a query; -1 for what is none."""
    return int(text) if text.isascii() and text.isdigit() else -1


class RoutedApi(SignedApi):
    """A WSGI application with several APIs, each of which needs a right.

    Fault kinds, struck after the signature check; paths are those of URLs.

    - Nothing is done: ``error`` (``status``, ``code``, ``message``), ``throttle`` (as the service has it), ``cut``,
      ``kill-before``.
    - It is done, and the answer is another: ``body`` (``status``, ``body``), ``lost-answer``, ``kill-after``.
    """

    #: Code to HTTP status and message; and the codes for a missing right, too many calls, a body that is no JSON.
    errors: ClassVar[Mapping[str, tuple[int, str]]] = {}
    refused: ClassVar[str] = ""
    throttled: ClassVar[str] = "APIGW.0308"
    malformed: ClassVar[str] = ""

    def __init__(self, keys: Keyring, project_id: str, domain_id: str = "") -> None:
        """Serve one account.

        Args:
            keys: The access keys that may call.
            project_id: Its only project.
            domain_id: Its id; where one is given, callers must name it, as services want it that have no project.
        """
        super().__init__(keys, project_id)
        self._domain_id = domain_id
        #: Rights that callers lack.
        self.denied: set[str] = set()

    @abstractmethod
    def routes(self) -> tuple[Route, ...]:
        """Return its APIs."""

    def serves(self, path: str) -> bool:
        """Tell whether one of its APIs is at that path."""
        return any(one.path.fullmatch(path) for one in self.routes())

    def error_body(self, error: ApiError, request_id: str) -> Any:
        """Return an error of the service as it says it; the gateway's are the same for all."""
        return {"error_code": error.code, "error_msg": error.message}

    def fail(self, code: str, message: str = "", status: int = 0) -> ApiError:
        """Return an error of this service, to be raised."""
        known_status, known_message = {**GATEWAY, **self.errors}.get(code, (400, "The request failed."))
        return ApiError(code, message or known_message, status or known_status)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request_id = uuid.uuid4().hex
        fault, answer = self._answer(environ, request_id)
        self._strike(fault, environ)
        if fault and fault.kind == "body":
            answer = Answer(fault.status or 200, fault.body)
        return answered(start_response, answer, request_id)

    def _answer(self, environ: Environ, request_id: str) -> tuple[Fault | None, Answer]:
        fault = None
        try:
            found, called = self._admit(environ)
            fault = self.faults.take(found.method, raw_uri(environ).partition("?")[0])
            self._struck(fault)
            if fault and fault.kind in ("cut", "kill-before"):
                return fault, Answer(499)
            if found.right in self.denied:
                raise self.fail(self.refused)
            value = found.answer(called)
            return fault, value if isinstance(value, Answer) else Answer(200, encoded(value))
        except ApiError as error:
            gateway = {"error_code": error.code, "error_msg": error.message, "request_id": request_id}
            body = gateway if error.code in GATEWAY else self.error_body(error, request_id)
            return fault, Answer(error.status, encoded(body))

    def _struck(self, fault: Fault | None) -> None:
        if fault and fault.kind == "throttle":
            raise self.fail(self.throttled)
        if fault and fault.kind == "error":
            raise self.fail(fault.code or "APIGW.0308", fault.message, fault.status)

    def _admit(self, environ: Environ) -> tuple[Route, Called]:
        uri, method, headers = raw_uri(environ), environ["REQUEST_METHOD"], read_headers(environ)
        path, _, query = uri.partition("?")
        body = read_body(environ)
        try:
            signature.check(method, uri, headers, body, self._keys)
        except signature.SignatureError as error:
            raise self.fail("APIGW.0301", str(error)) from None
        for one in self.routes():
            if one.method == method and (match := one.path.fullmatch(path)):
                parts = {name: unquote(text) for name, text in match.groupdict().items()}
                if parts.get("project", self._project_id) != self._project_id:
                    raise self.fail(self.refused)
                if self._domain_id and headers.get("x-domain-id") != self._domain_id:
                    raise self.fail(self.refused)
                return one, Called(parts, dict(parse_qsl(query, keep_blank_values=True)), self._json(body), len(body))
        raise self.fail("APIGW.0101")

    def _json(self, body: bytes) -> Any:
        try:
            return json.loads(body) if body else None
        except (ValueError, RecursionError):
            raise self.fail(self.malformed) from None
