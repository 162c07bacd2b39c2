"""Calls of Huawei Cloud APIs that need no SDK of their own: signed by the SDK's signer, and bounded in time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from legible.errors import HeldError, LegibleError, RejectedError, UnavailableError, redact
from legible.huawei.credentials import Credentials
from legible.huawei.signing import signed
from legible.outbound import Addresses, FetchReply

# The SDKs of SMN and EventGrid are 4 MB for one call each (measured, 3.1.219); the signer is in what ships anyway.
_ANSWER_BYTES = 64 * 1024
#: Lists are longer: a page of agencies has up to 500.
_LIST_BYTES = 4 * 1024 * 1024


class Service(Struct, frozen=True):
    """An API. Its errors name the ``setting`` that holds its endpoint, and the ``permission`` that ``whose`` needs."""

    name: str
    endpoint: str
    setting: str
    permission: str
    whose: str = "the function's agency"


class ApiCall(Struct, frozen=True):
    """One call: ``path`` percent-encoded, ``domain_id`` the account, for an API that belongs to no project.

    A longer answer than ``most_bytes`` is cut.
    """

    method: str
    path: str
    query: Mapping[str, str] = {}
    body: bytes = b""
    domain_id: str = ""
    most_bytes: int = _ANSWER_BYTES


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
        return json_object(self._accepted(ApiCall("POST", path, body=msgspec.json.encode(body)), seconds))

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
        return self.exchange(ApiCall("POST", path, body=msgspec.json.encode(body)), seconds)

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
        call = ApiCall("GET", path, query, domain_id=domain_id, most_bytes=_LIST_BYTES)
        try:
            return json.loads(self._accepted(call, seconds).body)
        except (ValueError, RecursionError):
            name, setting = self._service.name, self._service.setting
            raise UnavailableError(
                f"The answer of {name} is no JSON.", advice=f"Check {setting} and proxies."
            ) from None

    def exchange(self, call: ApiCall, seconds: float) -> FetchReply:
        """Make a call, and return what is answered, also where that is an error. Raises as ``posted`` does."""
        # Signed are host, date, content type and token; an independent verifier of the signature agrees (measured).
        # Services of the account (enterprise projects, billing) want X-Domain-Id, those of a region X-Project-Id
        # (credentials.py, 3.1.219).
        scope = {"X-Domain-Id": call.domain_id} if call.domain_id else {"X-Project-Id": self.project_id}
        where = urlsplit(self._service.endpoint)
        headers, uri = signed(call.method, where, call.path, call.body, self._credentials, scope, call.query)
        url = self._service.endpoint + uri
        return self._addresses.exchange(call.method, url, call.body, headers, seconds, call.most_bytes)

    def _accepted(self, call: ApiCall, seconds: float) -> FetchReply:
        reply = self.exchange(call, seconds)
        if not 200 <= reply.status < 300:
            raise self._refused(reply)
        return reply

    def unreadable(self, what: str) -> UnavailableError:
        """Return the error for a success of which the answer does not tell what was done."""
        return UnavailableError(
            f"The answer of {self._service.name} {what}, so it is not known whether it took the notice.",
            advice=f"Check {self._service.setting} and proxies.",
        )

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
    # EPS puts both below `error`, Cloud Eye's 403 below `message` (measured with the SDKs, 3.1.219).
    inner = next((part for part in (body.get("error"), body.get("message")) if isinstance(part, dict)), {})
    told = {**inner, **{name: value for name, value in body.items() if value and not isinstance(value, dict)}}
    # SMN names its code `code`, FunctionGraph, EventGrid and the gateway `error_code` (API References, error codes).
    code = str(told.get("error_code") or told.get("code") or "")
    words = told.get("error_msg") or told.get("message") or told.get("details") or ""
    # The gateway's own errors have the id in their body, those of the service in a header (ocr_03_0028).
    request_id = str(told.get("request_id") or reply.headers.get("x-request-id") or "")
    return f"{reply.status} {code} {words}".strip(), {"vendor_code": code, "request_id": request_id}


def json_object(reply: FetchReply) -> dict[str, Any]:
    """Return the JSON object that an answer is; an empty one where it is none."""
    try:
        value = json.loads(reply.body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
