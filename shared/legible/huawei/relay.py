"""Calling a function asynchronously: ``ports.Relay`` over the FunctionGraph SDK, which is loaded when it is needed."""

from __future__ import annotations

import time
from typing import Any

import requests
import urllib3
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import SdkException, ServiceResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig
from tenacity import (
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential,
    wait_random,
)

from legible.errors import HeldError, LegibleError, UnavailableError, redact
from legible.huawei.credentials import Credentials
from legible.huawei.functiongraph import events_of
from legible.model.documents import Arrival, Reason

# The platform answers as soon as the event is queued, so that 6 s is long (functiongraph_06_0126).
_ATTEMPTS = 4
_CONNECT_SECONDS = 3.0
_READ_SECONDS = 6.0
#: No try is begun with less time than this.
_SHORTEST_SECONDS = 0.5
_PERMISSION = (
    "Let the function's agency do functiongraph:function:invokeAsync on this function; what was just permitted takes "
    "effect after some minutes."
)
#: HTTP status -> the stable word for the case, and what to do. Statuses: the error codes of the FunctionGraph API;
#: 404 is FSS.1051, no such function, and 413 an event of more than 256 KB (functiongraph_01_0150).
_HELD: dict[int, tuple[str, str]] = {
    401: ("relay-not-permitted", _PERMISSION),
    403: ("relay-not-permitted", _PERMISSION),
    404: ("relay-not-found", "Check that cloud.region is the function's own region, and functions.endpoint."),
    413: ("relay-too-large", "Upload the document under a shorter name."),
}


def endpoint(region: str) -> str:
    """Return the region's own endpoint (Regions and Endpoints, FunctionGraph; also in the SDK)."""
    return f"https://functiongraph.{region}.myhuaweicloud.com"


class FunctionRelay:
    """Calls a function asynchronously: this very one again, or a sibling. See ``legible.ports.Relay``.

    A call whose answer was lost is made again: the function may run twice then, and its claims keep the second one from
    paying.

    Args:
        endpoint: Where functions are called.
        credentials: The agency's keys.
        project_id: The function's project; never empty.
        urn: What the function is called, see ``functiongraph.Context.urn`` and ``sibling``.
        seconds: How long all tries together may take.
    """

    def __init__(
        self, endpoint: str, credentials: Credentials, project_id: str, urn: str, seconds: float = 10.0
    ) -> None:
        """Keep what calls need; nothing is sent yet."""
        self._endpoint = endpoint
        self._credentials = credentials
        self._project_id = project_id
        self._urn = urn
        self._seconds = seconds

    def hand_on(self, *arrivals: Arrival, given_up: Reason | None = None) -> None:
        """See ``Relay.hand_on``; events that were accepted before one is refused are not taken back."""
        for event in events_of(arrivals, given_up):
            self.call(event)

    def call(self, event: dict[str, Any]) -> None:
        """Call the function for an event. Raises as ``Relay.hand_on`` does."""
        until = time.monotonic() + self._seconds
        client, request, config = self._prepared(event)
        try:
            Retrying(
                retry=retry_if_exception_type(UnavailableError),
                stop=stop_after_attempt(_ATTEMPTS) | stop_before_delay(self._seconds - _SHORTEST_SECONDS),
                wait=wait_exponential(multiplier=0.5) + wait_random(0, 0.5),
                reraise=True,
            )(self._call, client, request, config, until)
        finally:
            client.close()

    def _prepared(self, event: dict[str, Any]) -> tuple[Any, Any, HttpConfig]:
        """Return the client, what it is to send, and the settings that say how long it may take."""
        # By the first call only: it costs 0.3 s and 13 MB (measured, 3.1.219).
        import huaweicloudsdkfunctiongraph.v2 as sdk

        config = HttpConfig(user_agent="legible")
        # Without a project id the SDK would ask IAM for it (measured, 3.1.219).
        keys = BasicCredentials(self._credentials.access_key, self._credentials.secret_key, self._project_id)
        builder = sdk.FunctionGraphClient.new_builder().with_http_config(config).with_endpoint(self._endpoint)
        client = builder.with_credentials(keys.with_security_token(self._credentials.token)).build()
        return client, sdk.AsyncInvokeFunctionRequest(function_urn=self._urn, body=event), config

    def _call(self, client: Any, request: Any, config: HttpConfig, until: float) -> None:
        left = max(_SHORTEST_SECONDS, until - time.monotonic())
        config.timeout = (min(_CONNECT_SECONDS, left), min(_READ_SECONDS, left))
        try:
            # 202 and {"request_id"} say that the event is queued, not that it ran (functiongraph_06_0126).
            accepted = client.async_invoke_function(request).request_id
        except Exception as error:  # the SDK lets errors of sockets, HTTP and its own parser escape
            raise self._translated(error) from None
        if not accepted:  # a redirect and a proxy's page count as success in the SDK
            raise _unreadable("names no request")

    def _translated(self, error: Exception) -> LegibleError:
        if isinstance(error, ServiceResponseException):
            return self._refused(error)
        if isinstance(error, (SdkException, requests.RequestException, urllib3.exceptions.HTTPError)):
            return UnavailableError(
                f"FunctionGraph cannot be reached: {type(error).__name__}.",
                advice="Check functions.endpoint, and that the function has a way to it.",
            )
        return _unreadable(f"cannot be read ({type(error).__name__})")

    def _refused(self, error: ServiceResponseException) -> LegibleError:
        status, code = int(error.status_code), str(error.error_code or "")
        text = redact(
            f"FunctionGraph refuses to call {self._urn}: {status} {code} {error.error_msg or ''}".strip(),
            self._credentials.secrets,
        )
        names = {"vendor_code": code, "request_id": str(error.request_id or "")}
        # 429 is FSS.0429: more calls at once than the account may make, 100 unless more were granted
        # (functiongraph_01_0150).
        if status in {408, 429} or status >= 500:
            return UnavailableError(text, advice="It passes by itself; the event is delivered again.", **names)
        word, advice = _HELD.get(status, ("relay-refused", "See the code FunctionGraph gives."))
        return HeldError(text, code=word, advice=advice, **names)


def _unreadable(what: str) -> UnavailableError:
    return UnavailableError(
        f"FunctionGraph's answer {what}, so it is not known whether the call was accepted.",
        advice="Check functions.endpoint and proxies.",
    )
