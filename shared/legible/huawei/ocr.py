"""Optical character recognition: ``ports.Recognizer`` over HTTP, signed by the SDK, one recognizer for every operation.

The SDK of OCR has a class for each request and each answer. Of all that, a call needs the signature: a request is JSON
of the options, at a path that ends in the operation's slug, and the answer is kept as it comes. A test compares what is
sent with what the SDK's own classes make, operation by operation.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec

from legible.errors import AnswerUnknownError, HeldError, UnavailableError
from legible.huawei import faults
from legible.huawei.connections import Connections, KeptConnection
from legible.huawei.credentials import Credentials
from legible.huawei.signing import signed
from legible.model.pages import Answer, Picture, answer_text
from legible.operations.operation import Operation

#: How an answer begins that is no JSON as a whole.
_RESULT = re.compile(r'\s*\{.{0,1000}"result"\s*:', re.DOTALL)
# Who hangs up does not stop the service: the call may be billed, and its answer is lost. Only failed calls are free
# (price-ocr ocr_12_0007).
_ADVICE = "It may have been paid; it is asked once more at the most."


def endpoint(region: str) -> str:
    """Return the region's own endpoint (Regions and Endpoints, OCR)."""
    return f"https://ocr.{region}.myhuaweicloud.com"


class _Response(NamedTuple):
    """What came back, read to its end."""

    status_code: int
    request_id: str
    content: bytes


class _NotSentError(Exception):
    """No request left: no connection came about, or none that is trusted."""


class OcrRecognizer:
    """Calls the OCR service. See ``legible.ports.Recognizer``.

    Safe for several threads: each call has a connection of its own.

    Args:
        endpoint_of: Where an operation is called.
        credentials: The agency's keys.
        project_id: The project that is called in; never empty.
        connect_seconds: How long a connection may take.
        connections: Those that it uses, and that outlive it; None for its own.
    """

    def __init__(
        self,
        endpoint_of: Callable[[str], str],
        credentials: Credentials,
        project_id: str,
        connect_seconds: float = 10.0,
        connections: Connections | None = None,
    ) -> None:
        """Keep what calls need; nothing is sent yet."""
        self._endpoint_of = endpoint_of
        self._credentials = credentials
        self._project_id = project_id
        self._connect_seconds = connect_seconds
        self._connections = connections or Connections()

    def recognize(self, operation: Operation, options: Mapping[str, Any], picture: Picture, seconds: float) -> Answer:
        """See ``Recognizer.recognize``."""
        body = self.request(operation, options, picture)
        try:
            response = self._exchange(operation, body, picture.project, seconds)
        except _NotSentError as error:
            raise UnavailableError(
                f"The OCR service cannot be reached: {error}.",
                code="service-unreachable",
                advice="Check the endpoint, and that the function has a way to it.",
            ) from None
        # A read that takes too long, a connection that is cut, headers that are none.
        except (OSError, HTTPException) as error:
            raise AnswerUnknownError(
                f"The call was sent and no answer came: {type(error).__name__}.", advice=_ADVICE
            ) from None
        return self._answer(operation, response)

    def request(self, operation: Operation, options: Mapping[str, Any], picture: Picture) -> bytes:
        """Return the body of one call, as JSON.

        Raises:
            HeldError: The operation has no such option.
        """
        values = dict(options)
        for name in values:
            if operation.option(name) is None and name not in (operation.pdf.parameter, operation.ofd.parameter):
                raise HeldError(
                    f"The operation {operation.slug} refuses the request: it has no option {name!r:.60}.",
                    code="request-refused",
                    advice="Check the operation's options.",
                )
        # Image and URL together are refused (AIS.0101, ocr_03_0028). The image's field is `image` in 47 operations,
        # `data` in 4; `url` is in all but one (models of the SDK, 3.1.219).
        if picture.source == "inline":
            values[str(operation.inline)] = base64.b64encode(picture.body).decode("ascii")
        elif operation.url:
            values["url"] = picture.url
        return msgspec.json.encode(values)

    def _exchange(self, operation: Operation, body: bytes, project: str, seconds: float) -> _Response:
        """Send one call, and read what comes back.

        Raises:
            _NotSentError: Nothing was sent.
            OSError: It may have been sent, and nothing usable came back; or ``HTTPException``.
        """
        where = urlsplit(self._endpoint_of(operation.slug))
        path = f"/v2/{self._project_id}/ocr/{operation.slug}"
        # A wrong id is no error: a malformed one is billed to the default project, an unknown one as it is (models,
        # 3.1.219). So it is asked for before (`documents.projects`).
        billed = {"Enterprise-Project-Id": project} if project else {}
        named = {"User-Agent": "legible", "X-Project-Id": self._project_id, **billed}
        try:
            headers, _ = signed("POST", where, path, body, self._credentials, named)
            connection = self._connected(where.scheme == "https", where.hostname or "", where.port, seconds)
        except (OSError, HTTPException, ValueError) as error:
            raise _NotSentError(type(error).__name__) from None
        try:
            connection.request("POST", path, body, headers)
            reply = connection.getresponse()
            response = _Response(reply.status, reply.headers.get("X-Request-Id", ""), reply.read())
        except BaseException:
            connection.close()
            raise
        self._connections.give(connection)
        return response

    def _connected(self, secure: bool, host: str, port: int | None, seconds: float) -> KeptConnection:
        """Return a connection that is open: whatever fails until then was surely not sent, nor paid."""
        patience = min(self._connect_seconds, seconds)
        connection = self._connections.take(host, port or (443 if secure else 80), patience, secure=secure)
        if connection.sock is None:
            connection.connect()
        connection.sock.settimeout(seconds)
        return connection

    def _answer(self, operation: Operation, response: _Response) -> Answer:
        request_id = response.request_id
        if response.status_code >= 400:
            code, message, named = _refusal(response.content)
            raise faults.error(response.status_code, code, message, request_id or named, self._credentials.secrets)
        # A redirect is followed by nobody: it would send the document to another host.
        if response.status_code >= 300:
            raise faults.error(
                response.status_code,
                "",
                f"no answer but HTTP {response.status_code}",
                request_id,
                self._credentials.secrets,
            )
        answer = Answer(response.content, request_id, response.status_code)
        failed = faults.inside(operation, answer, self._credentials.secrets)
        if failed is not None:
            raise failed
        problem = _unusable(response)
        if problem:
            error = AnswerUnknownError(
                f"The OCR service answered HTTP {response.status_code} {problem}.",
                code="answer-unusable",
                advice=_ADVICE,
                request_id=request_id,
            )
            error.body = response.content
            raise error
        return answer


def _refusal(content: bytes) -> tuple[str, str, str]:
    """Return code, message and request id of an error's body; the service's own and the gateway's have these names."""
    text = answer_text(content)
    try:
        body = json.loads(text, strict=False, parse_int=str)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        return "", text, ""
    # A service's error is seldom nested one level down, which the SDK looks for too (exception_handler.py, 3.1.219).
    for part in (body, *(value for value in body.values() if isinstance(value, dict))):
        code, message = (
            _first(part, "error_code", "errorCode", "code"),
            _first(part, "error_msg", "errorMsg", "message"),
        )
        if code or message:
            return code, message or text, _first(part, "request_id")
    return "", text, ""


def _first(part: dict[str, Any], *names: str) -> str:
    """Return the first value that there is by one of these names, as a text."""
    return next((str(part[name]) for name in names if part.get(name)), "")


def _unusable(response: _Response) -> str:
    """Say why a 2xx holds no answer; empty where it does."""
    # A 204 and a page of HTML are no answers.
    text = answer_text(response.content)
    try:
        body = json.loads(text, strict=False, parse_int=str)  # Python makes no integer of more than 4,300 digits
    except (ValueError, RecursionError):
        if _RESULT.match(text):  # paid for, damaged or nested too deep: asking again would be paid for again
            return ""
        return "with a body that is not JSON" if text else "with an empty body"
    # Every answer has `result`, an object or, in 5 operations, a list (ocr_03_0028).
    if not isinstance(body, dict) or body.get("result") is None:
        return "without a result"
    return ""
