"""Calls of Huawei Cloud APIs that need no SDK of their own: signed by the SDK's signer, and bounded in time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from legible.errors import HeldError, LegibleError, RejectedError, UnavailableError, redact
from legible.huawei.credentials import Credentials
from legible.huawei.signing import signed
from legible.outbound import Addresses, FetchReply

# The SDKs of SMN and EventGrid are 4 MB for one call each (measured, 3.1.219); the signer is in what ships anyway.
_ANSWER_BYTES = 64 * 1024


class _Request(NamedTuple):
    """A signed request; its ``uri`` is path and query."""

    method: str
    body: bytes
    headers: dict[str, str]
    uri: str


class Service(Struct, frozen=True):
    """An API. Its errors name the ``setting`` that holds its endpoint, and the ``permission`` that ``whose`` needs."""

    name: str
    endpoint: str
    setting: str
    permission: str
    whose: str = "the function's agency"


class Caller:
    """Makes signed calls of one API in one project.

    Args:
        service: The API.
        credentials: The agency's keys.
        project_id: The project.
    """

    def __init__(self, service: Service, credentials: Credentials, project_id: str) -> None:
        """Keep what calls need; nothing is sent yet."""
        self.project_id = project_id
        self._service = service
        self._credentials = credentials
        # The endpoint is a setting, and may well be a private one (VPC endpoint) or the local cloud's.
        self._addresses = Addresses((urlsplit(service.endpoint).hostname or "",))

    def post(self, path: str, body: Any, seconds: float) -> dict[str, Any]:
        """Post JSON, and return the JSON that a success answers.

        Args:
            path: What is called, percent-encoded.
            body: Ready for JSON.
            seconds: How long it may take.

        Raises:
            RejectedError: The API will never take it: it is too large.
            HeldError: A setting or permission must be mended.
            UnavailableError: A fault that passes, or an answer that is none.
        """
        return json_object(self._accepted(self._request("POST", path, msgspec.json.encode(body)), seconds))

    def posted(self, path: str, body: Any, seconds: float) -> FetchReply:
        """Post JSON, and return what is answered, also where that is an error.

        Args:
            path: What is called, percent-encoded.
            body: Ready for JSON.
            seconds: How long it may take.

        Raises:
            RejectedError: The endpoint is no URL that may be opened.
            UnavailableError: It cannot be reached, or does not answer in time.
        """
        return self._exchange(self._request("POST", path, msgspec.json.encode(body)), seconds)

    def get(
        self, path: str, seconds: float, query: Mapping[str, str] = MappingProxyType({}), domain_id: str = ""
    ) -> Any:
        """Return the JSON that a GET answers.

        Args:
            path: What is asked for, percent-encoded.
            seconds: How long it may take.
            query: The rest of it.
            domain_id: The account, for an API that belongs to no project.

        Raises:
            HeldError: A setting or permission must be mended; or it is not there.
            UnavailableError: A fault that passes, or an answer that is none.
        """
        request = self._request("GET", path, b"", query, domain_id)
        try:
            return json.loads(self._accepted(request, seconds).body)
        except (ValueError, RecursionError):
            name, setting = self._service.name, self._service.setting
            raise UnavailableError(
                f"The answer of {name} is no JSON.", advice=f"Check {setting} and proxies."
            ) from None

    def _accepted(self, request: _Request, seconds: float) -> FetchReply:
        reply = self._exchange(request, seconds)
        if not 200 <= reply.status < 300:
            raise self._refused(reply)
        return reply

    def _exchange(self, request: _Request, seconds: float) -> FetchReply:
        url = self._service.endpoint + request.uri
        return self._addresses.exchange(request.method, url, request.body, request.headers, seconds, _ANSWER_BYTES)

    def unreadable(self, what: str) -> UnavailableError:
        """Return the error for a success of which the answer does not tell what was done."""
        return UnavailableError(
            f"The answer of {self._service.name} {what}, so it is not known whether it took the notice.",
            advice=f"Check {self._service.setting} and proxies.",
        )

    def _request(
        self, method: str, path: str, body: bytes, query: Mapping[str, str] = MappingProxyType({}), domain_id: str = ""
    ) -> _Request:
        # Signed are host, date, content type and token; an independent verifier of the signature agrees (measured).
        # Services of the account (enterprise projects, billing) want X-Domain-Id, those of a region X-Project-Id
        # (credentials.py, 3.1.219).
        scope = {"X-Domain-Id": domain_id} if domain_id else {"X-Project-Id": self.project_id}
        where = urlsplit(self._service.endpoint)
        return _Request(method, body, *signed(method, where, path, body, self._credentials, scope, query))

    def _refused(self, reply: FetchReply) -> LegibleError:
        """Return the error for an answer that is no success."""
        said, names = refusal(reply)
        text = redact(f"{self._service.name} answers {said}", self._credentials.secrets)
        return self._meant(reply.status, text, names)

    def _meant(self, status: int, text: str, names: dict[str, str]) -> LegibleError:
        if status in (408, 429) or status >= 500:
            return UnavailableError(text, advice="It passes by itself.", **names)
        if status == 413:
            return RejectedError(text, code="notice-too-large", advice="Ask for fewer fields.", **names)
        # 401 is a signature that is not taken, 403 a right that is missing; rights are cached, so that a new one counts
        # later only.
        if status in (401, 403):
            allowed = f"Let {self._service.whose} do {self._service.permission}"
            advice = f"{allowed}; it takes effect after some minutes."
            return HeldError(text, code="not-permitted", advice=advice, **names)
        return HeldError(text, code="notice-refused", advice=f"Check the target and {self._service.setting}.", **names)


def refusal(reply: FetchReply) -> tuple[str, dict[str, str]]:
    """Return what an answer says that is no success: words, not yet redacted, and names for a ``LegibleError``."""
    body = json_object(reply)
    # SMN names its code `code`, FunctionGraph, EventGrid and the gateway `error_code` (API References, error codes).
    code = str(body.get("error_code") or body.get("code") or "")
    words = body.get("error_msg") or body.get("message") or ""
    # The gateway's own errors have the id in their body, those of the service in a header (ocr_03_0028).
    request_id = str(body.get("request_id") or reply.headers.get("x-request-id") or "")
    return f"{reply.status} {code} {words}".strip(), {"vendor_code": code, "request_id": request_id}


def json_object(reply: FetchReply) -> dict[str, Any]:
    """Return the JSON object that an answer is; an empty one where it is none."""
    try:
        value = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
