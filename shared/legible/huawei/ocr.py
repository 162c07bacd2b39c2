"""Optical character recognition: ``ports.Recognizer`` over the OCR SDK, one recognizer for every operation."""

from __future__ import annotations

import base64
import json
import re
import ssl
import threading
from collections.abc import Callable, Mapping
from typing import Any

import huaweicloudsdkocr.v1 as sdk
import requests
import urllib3
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import (
    HostUnreachableException,
    SdkException,
    ServiceResponseException,
)
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcore.http.http_handler import HttpHandler

from legible.errors import AnswerUnknownError, HeldError, LegibleError, UnavailableError, redact
from legible.huawei import faults
from legible.huawei.credentials import Credentials
from legible.model.pages import Answer, Picture, answer_text
from legible.operations.operation import Operation

#: What OpenSSL calls a handshake that failed; the SDK names every TLS error so, at whatever moment it struck.
_HANDSHAKE = frozenset(
    {
        "WRONG_VERSION_NUMBER",
        "UNSUPPORTED_PROTOCOL",
        "NO_PROTOCOLS_AVAILABLE",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "TLSV1_UNRECOGNIZED_NAME",
    }
)
#: How an answer begins that is no JSON as a whole.
_RESULT = re.compile(r'\s*\{.{0,1000}"result"\s*:', re.DOTALL)
# Who hangs up does not stop the service: the call may be billed, and its answer is lost. Only failed calls are free
# (price-ocr ocr_12_0007).
_ADVICE = "It may have been paid; it is asked once more at the most."


def endpoint(region: str) -> str:
    """Return the region's own endpoint (Regions and Endpoints, OCR)."""
    return f"https://ocr.{region}.myhuaweicloud.com"


class OcrRecognizer:
    """Calls the OCR service. See ``legible.ports.Recognizer``.

    Requests are the SDK's own classes, sent by its client. The answer is the body of the HTTP response, not what the
    SDK makes of it.

    Args:
        endpoint_of: Where an operation is called.
        credentials: The agency's keys.
        project_id: The project that is called in; never empty.
        connect_seconds: How long a connection may take.
    """

    def __init__(
        self,
        endpoint_of: Callable[[str], str],
        credentials: Credentials,
        project_id: str,
        connect_seconds: float = 10.0,
    ) -> None:
        """Keep what calls need; clients are made when they are first asked for."""
        self._endpoint_of = endpoint_of
        self._credentials = credentials
        self._project_id = project_id
        self._connect_seconds = connect_seconds
        #: Each thread has its own clients, because a client is told how long its call may take; and its own response.
        #: A client also signs in a pool of threads that `close` does not end (http_client.py, 3.1.219): they are kept.
        self._own = threading.local()

    def recognize(self, operation: Operation, options: Mapping[str, Any], picture: Picture, seconds: float) -> Answer:
        """See ``Recognizer.recognize``."""
        self._own.response = None
        try:
            request = self.request(operation, options, picture)
            getattr(self._client(operation, seconds), operation.sdk.method)(request)
        except Exception as error:
            if self._own.response is None or isinstance(error, ServiceResponseException):
                raise self._translated(error) from None
            # An answer came, and was paid for; the SDK's typed parser failed on it (`float('')`; measured, 3.1.219).
        return self._answer(operation, self._own.response)

    def request(self, operation: Operation, options: Mapping[str, Any], picture: Picture) -> Any:
        """Return the SDK's request for one call."""
        # An attribute of a request may be called otherwise than its JSON key, where that is a word of Python; then the
        # catalog says so. None is as yet (models, 3.1.219).
        values = {
            (known.attribute if (known := operation.option(name)) and known.attribute else name): value
            for name, value in options.items()
        }
        # Image and URL together are refused (AIS.0101, ocr_03_0028), which the SDK does not check. The image's field is
        # `image` in 47 operations, `data` in 4; `url` is in all but one (models, 3.1.219).
        if picture.source == "inline":
            values[str(operation.inline)] = base64.b64encode(picture.body).decode("ascii")
        elif operation.url:
            values["url"] = picture.url
        request = getattr(sdk, operation.sdk.request)(body=getattr(sdk, operation.sdk.body)(**values))
        # A wrong id is no error: a malformed one is billed to the default project, an unknown one as it is (models,
        # 3.1.219). So it is asked for before (`documents.projects`).
        if picture.project:
            request.enterprise_project_id = picture.project
        return request

    def _client(self, operation: Operation, seconds: float) -> Any:
        """Return the client of the operation's endpoint, its connections kept, told how long the call may take."""
        where = self._endpoint_of(operation.slug)
        if not hasattr(self._own, "clients"):
            self._own.clients = {}
        if where not in self._own.clients:
            self._own.clients[where] = self._built(where)
        client, config = self._own.clients[where]
        # The SDK's own bounds are 60 s to connect and 120 s to read, longer than most functions run; it reads them at
        # every call (http_config.py, http_client.py, 3.1.219).
        config.timeout = (min(self._connect_seconds, seconds), seconds)
        return client

    def _built(self, where: str) -> tuple[Any, HttpConfig]:
        config = HttpConfig(user_agent="legible")
        # Without a project id the SDK asks IAM for one, or leaves it out of the path (measured, 3.1.219).
        keys = BasicCredentials(self._credentials.access_key, self._credentials.secret_key, self._project_id)
        # By its region a client moves to the .cn endpoint after a failed handshake, and stays there; by an endpoint it
        # is pinned (measured, 3.1.219).
        builder = sdk.OcrClient.new_builder().with_http_config(config).with_endpoint(where)
        # An empty token would be sent, and signed, as an empty X-Security-Token (credentials.py, 3.1.219).
        builder = builder.with_credentials(keys.with_security_token(self._credentials.token or None))
        # The handler sees the response before it is parsed into classes, which drop every field they do not know.
        return builder.with_http_handler(HttpHandler().add_response_handler(self._receive)).build(), config

    def _receive(self, **values: Any) -> None:
        self._own.response = values["response"]

    def _answer(self, operation: Operation, response: requests.Response) -> Answer:
        request_id = response.headers.get("X-Request-Id", "")
        # From 400 on the SDK raises; what is left here is 3xx, which it takes for a success (measured, 3.1.219).
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

    def _translated(self, error: Exception) -> LegibleError:
        if isinstance(error, ServiceResponseException):
            # A body without a code gets the status as its code, "502" (exception_handler.py, 3.1.219).
            return faults.error(
                int(error.status_code),
                str(error.error_code or "") if str(error.error_code) != str(error.status_code) else "",
                str(error.error_msg or ""),
                str(error.request_id or ""),
                self._credentials.secrets,
            )
        # A read that takes too long escapes as an error of requests, not of the SDK (measured, 3.1.219).
        if not isinstance(error, (SdkException, requests.RequestException, urllib3.exceptions.HTTPError)):
            return HeldError(
                f"The SDK refuses the request: {redact(str(error), self._credentials.secrets)}",
                code="request-refused",
                advice="Check region, endpoint, project id and the operation's options.",
            )
        if _never_sent(error):
            return UnavailableError(
                f"The OCR service cannot be reached: {type(error).__name__}.",
                code="service-unreachable",
                advice="Check the endpoint, and that the function has a way to it.",
            )
        return AnswerUnknownError(f"The call was sent and no answer came: {type(error).__name__}.", advice=_ADVICE)


def _unusable(response: requests.Response) -> str:
    """Say why a 2xx holds no answer; empty where it does."""
    # To the SDK a 204 and a page of HTML are successes (measured, 3.1.219).
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


def _never_sent(error: BaseException | None) -> bool:
    """Tell whether an exception says that no request left.

    Name not found, refused, timed out while connecting, a TLS handshake that failed; any other TLS error may have
    struck after the request was sent.
    """
    never = (
        HostUnreachableException,
        ssl.SSLCertVerificationError,
        requests.exceptions.ConnectTimeout,
        requests.exceptions.ProxyError,
        requests.exceptions.InvalidURL,
        urllib3.exceptions.NewConnectionError,
        urllib3.exceptions.ConnectTimeoutError,
    )
    seen: set[int] = set()
    queue: list[Any] = [error]
    # The SDK keeps the text of the error below, which stays its context; requests wraps urllib3's in its arguments, and
    # that has its own in `reason` (exception_handler.py, 3.1.219).
    while queue:
        cause = queue.pop()
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        if isinstance(cause, never) or (isinstance(cause, ssl.SSLError) and cause.reason in _HANDSHAKE):
            return True
        seen.add(id(cause))
        queue += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
    return False
