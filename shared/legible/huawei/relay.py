"""Calling a function asynchronously: ``ports.Relay`` over the FunctionGraph API."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote

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
from legible.huawei.signed import Caller, Service, json_object, refusal
from legible.model.documents import Arrival, Reason
from legible.outbound import FetchReply

# The platform answers as soon as the event is queued, so that 6 s is long (functiongraph_06_0126).
_ATTEMPTS = 4
_TRY_SECONDS = 6.0
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
        service = Service("FunctionGraph", endpoint, "functions.endpoint", "functiongraph:function:invokeAsync")
        self._caller = Caller(service, credentials, project_id)
        self._path = f"/v2/{quote(project_id, '')}/fgs/functions/{quote(urn, '')}/invocations-async"
        self._urn = urn
        self._seconds = seconds

    def hand_on(self, *arrivals: Arrival, given_up: Reason | None = None) -> None:
        """See ``Relay.hand_on``; events that were accepted before one is refused are not taken back."""
        for event in events_of(arrivals, given_up):
            self.call(event)

    def call(self, event: dict[str, Any]) -> None:
        """Call the function for an event. Raises as ``Relay.hand_on`` does."""
        until = time.monotonic() + self._seconds
        Retrying(
            retry=retry_if_exception_type(UnavailableError),
            stop=stop_after_attempt(_ATTEMPTS) | stop_before_delay(self._seconds - _SHORTEST_SECONDS),
            wait=wait_exponential(multiplier=0.5) + wait_random(0, 0.5),
            reraise=True,
        )(self._call, event, until)

    def _call(self, event: dict[str, Any], until: float) -> None:
        left = max(_SHORTEST_SECONDS, until - time.monotonic())
        try:
            reply = self._caller.posted(self._path, event, min(_TRY_SECONDS, left))
        except UnavailableError as error:
            raise UnavailableError(
                f"FunctionGraph cannot be reached: {error.message}",
                advice="Check functions.endpoint, and that the function has a way to it.",
            ) from None
        if reply.status >= 400:
            raise self._refused(reply)
        # 202 and {"request_id"} say that the event is queued, not that it ran (functiongraph_06_0126). A redirect or a
        # proxy's page says nothing.
        if not json_object(reply).get("request_id"):
            raise UnavailableError(
                "FunctionGraph's answer names no request, so it is not known whether the call was accepted.",
                advice="Check functions.endpoint and proxies.",
            )

    def _refused(self, reply: FetchReply) -> LegibleError:
        status, (said, names) = reply.status, refusal(reply)
        text = redact(f"FunctionGraph refuses to call {self._urn}: {said}", self._credentials.secrets)
        # 429 is FSS.0429: more calls at once than the account may make, 100 unless more were granted
        # (functiongraph_01_0150).
        if status in {408, 429} or status >= 500:
            return UnavailableError(text, advice="It passes by itself; the event is delivered again.", **names)
        word, advice = _HELD.get(status, ("relay-refused", "See the code FunctionGraph gives."))
        return HeldError(text, code=word, advice=advice, **names)
