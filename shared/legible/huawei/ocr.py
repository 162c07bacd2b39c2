"""Optical character recognition: ``ports.Recognizer`` over the OCR SDK, one recognizer for every operation."""

from __future__ import annotations

import base64
import json
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
from legible.model.pages import Answer, Picture
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
_ADVICE = "It may have been paid; it is asked once more at the most."


def endpoint(region: str) -> str:
    """Return the region's own endpoint (Regions and Endpoints, OCR)."""
    return f"https://ocr.{region}.myhuaweicloud.com"


class OcrRecognizer:
    """Calls the OCR service. See ``legible.ports.Recognizer``.

    Requests are the SDK's own classes, sent by its client. The answer is taken from the HTTP response before the SDK
    parses it: its typed parser drops unknown fields and can lose a paid answer (``float('')``; measured, 3.1.219).

    Args:
        endpoint_of: Where an operation is called.
        credentials: The agency's keys.
        project_id: Always given, or the SDK asks IAM for it (measured).
        enterprise_project: Billed for the calls; empty for none.
        connect_seconds: How long a connection may take.
    """

    def __init__(
        self,
        endpoint_of: Callable[[str], str],
        credentials: Credentials,
        project_id: str,
        enterprise_project: str = "",
        connect_seconds: float = 10.0,
    ) -> None:
        """See the class."""
        self._endpoint_of = endpoint_of
        self._credentials = credentials
        self._project_id = project_id
        self._enterprise_project = enterprise_project
        self._connect_seconds = connect_seconds
        #: Each thread has its own clients, because a client is told how long its call may take; and its own response.
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
            # An answer came; that the SDK's typed parser fails on it is not our concern.
        return self._answer(self._own.response)

    def request(self, operation: Operation, options: Mapping[str, Any], picture: Picture) -> Any:
        """Return the SDK's request for one call."""
        values = {
            (known.attribute if (known := operation.option(name)) and known.attribute else name): value
            for name, value in options.items()
        }
        if picture.source == "inline":
            values[str(operation.inline)] = base64.b64encode(picture.body).decode("ascii")
        elif operation.url:
            values["url"] = picture.url
        request = getattr(sdk, operation.sdk.request)(body=getattr(sdk, operation.sdk.body)(**values))
        if self._enterprise_project:
            request.enterprise_project_id = self._enterprise_project
        return request

    def _client(self, operation: Operation, seconds: float) -> Any:
        """Return the client of the operation's endpoint, its connections kept, told how long the call may take."""
        where = self._endpoint_of(operation.slug)
        if not hasattr(self._own, "clients"):
            self._own.clients = {}
        if where not in self._own.clients:
            self._own.clients[where] = self._built(where)
        client, config = self._own.clients[where]
        config.timeout = (min(self._connect_seconds, seconds), seconds)
        return client

    def _built(self, where: str) -> tuple[Any, HttpConfig]:
        config = HttpConfig(user_agent="legible")
        keys = BasicCredentials(self._credentials.access_key, self._credentials.secret_key, self._project_id)
        builder = sdk.OcrClient.new_builder().with_http_config(config).with_endpoint(where)
        builder = builder.with_credentials(keys.with_security_token(self._credentials.token or None))
        return builder.with_http_handler(HttpHandler().add_response_handler(self._receive)).build(), config

    def _receive(self, **values: Any) -> None:
        self._own.response = values["response"]

    def _answer(self, response: requests.Response) -> Answer:
        request_id = response.headers.get("X-Request-Id", "")
        if response.status_code >= 300:
            raise faults.error(
                response.status_code,
                "",
                f"no answer but HTTP {response.status_code}",
                request_id,
                self._credentials.secrets,
            )
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
        return Answer(response.content, request_id, response.status_code)

    def _translated(self, error: Exception) -> LegibleError:
        if isinstance(error, ServiceResponseException):
            return faults.error(
                int(error.status_code),
                str(error.error_code or "") if str(error.error_code) != str(error.status_code) else "",
                str(error.error_msg or ""),
                str(error.request_id or ""),
                self._credentials.secrets,
            )
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
    """Say why a 2xx holds no answer; empty where it does. A 204 and an HTML page count as success in the SDK."""
    try:
        body = json.loads(response.content)
    except (ValueError, RecursionError):
        return "with a body that is not JSON" if response.content else "with an empty body"
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
    while queue:
        cause = queue.pop()
        if not isinstance(cause, BaseException) or id(cause) in seen:
            continue
        if isinstance(cause, never) or (isinstance(cause, ssl.SSLError) and cause.reason in _HANDSHAKE):
            return True
        seen.add(id(cause))
        queue += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
    return False
