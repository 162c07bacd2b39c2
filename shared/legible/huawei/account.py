"""Calls of the services that tell of the account; what a refusal means: one table for all, one more for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeVar

import msgspec
from huaweicloudsdkcore.auth import endpoint as sdk_endpoints
from msgspec import Struct

from legible.errors import HeldError, LegibleError, ThrottledError, UnavailableError, redact
from legible.huawei.credentials import Credentials
from legible.huawei.faults import Fault
from legible.huawei.signed import ApiCall, Caller, Service, refusal

#: A page of what is asked for: 3,000 points, 1,000 lines of a bill, or 200 traces with their requests and responses.
_MOST_BYTES = 32 * 1024 * 1024

_RIGHT = Fault(HeldError, "not-permitted", "Let {whose} do {right}; it takes effect after some minutes.")
_KEYS = Fault(HeldError, "keys-refused", "Check the keys of {whose}, the clock, cloud.region and cloud.project_id.")
_PLACE = Fault(HeldError, "not-here", "Check {setting}, cloud.region and cloud.project_id.")
_OFTEN = Fault(ThrottledError, "throttled", "It passes by itself: ask again after a minute.")
_LATER = Fault(UnavailableError, "unavailable", "It passes by itself: ask again after a minute.")
_OTHER = Fault(HeldError, "refused", "See the code that {name} gives; it is asked at {setting}.")
_PROXY = Fault(HeldError, "no-answer", "Check {setting} and proxies: this is no answer of {name}.")

#: By HTTP status, where a service's own code says no more. A status that is not here is told apart by its hundreds.
STATUSES: Mapping[int, Fault] = {401: _KEYS, 403: _RIGHT, 404: _PLACE, 408: _LATER, 429: _OFTEN}
_HUNDREDS: Mapping[int, Fault] = {4: _OTHER, 5: _LATER}

#: The gateway before each of the services: not published at this address, keys or signature refused, too many calls.
GATEWAY: Mapping[str, Fault] = {
    "APIGW.0101": _PLACE, "APIGW.0301": _KEYS, "APIGW.0302": _RIGHT, "APIGW.0308": _OFTEN,
    "APIG.0101": _PLACE, "APIG.0301": _KEYS, "APIG.0302": _RIGHT, "APIG.0308": _OFTEN,
}  # fmt: skip
#: Cloud Eye (error codes of the European edition). A namespace of the vendor's own services cannot be written to.
CLOUD_EYE: Mapping[str, Fault] = {
    "ces.0007": _LATER,
    "ces.0009": Fault(
        HeldError, "namespace-refused", "Name a namespace of our own: SYS, AGT and SRE are the vendor's."
    ),
    "ces.0013": _OTHER,
    "ces.0014": _OTHER,
    "ces.0015": _KEYS,
    "ces.0016": _PLACE,
    "ces.0017": _RIGHT,
}
#: CTS (ErrorCode page of its API): 0001 is IAM or OBS behind it, with 400. The others, 02xx, are about trackers.
TRACES: Mapping[str, Fault] = {"CTS.0001": _LATER, "CTS.0003": _OTHER}
#: Enterprise projects (error codes of the European edition): too many requests are a 403 there, and no missing right.
PROJECTS: Mapping[str, Fault] = {
    "EPS.0000": _LATER,
    "EPS.0001": _LATER,
    "EPS.0003": _KEYS,
    "EPS.0004": _RIGHT,
    "EPS.0006": _OFTEN,
    "EPS.0019": _LATER,
}
_SITE = Fault(HeldError, "other-site", "Set billing.site to the site that the account belongs to.")
#: Billing (error codes of the customer operation API, both sites; 10 calls a second are allowed, flow control page).
BILLING: Mapping[str, Fault] = {
    "CBC.0100": _OTHER,
    "CBC.0101": _OTHER,
    "CBC.0150": _SITE,
    "CBC.0151": _RIGHT,
    "CBC.0154": _KEYS,
    "CBC.0155": _RIGHT,
    "CBC.0156": _SITE,
    "CBC.0250": _OFTEN,
    "CBC.0999": _LATER,
}
_DOMAIN = Fault(HeldError, "no-domain", "Set cloud.domain_id: IAM does not tell the account's id to {whose}.")
#: IAM (examples of its API Reference); which account a user belongs to is told without any right (iam_07_0001).
IDENTITY: Mapping[str, Fault] = {
    "IAM.0002": _DOMAIN,
    "IAM.0003": _DOMAIN,
    "IAM.0004": _PLACE,
    "IAM.0006": _LATER,
}

_Shape = TypeVar("_Shape", bound=Struct)


class AccountService(Struct, frozen=True):
    """A service that tells of the account: what people call it, the setting of its endpoint, what its codes mean.

    ``errs_with_200``: its answers that are a success may be an error all the same.
    """

    name: str
    setting: str
    faults: Mapping[str, Fault]
    errs_with_200: bool = False

    def fault(self, status: int, code: str) -> Fault:
        """Return what an answer means that is no success."""
        known = self.faults.get(code) or GATEWAY.get(code) or STATUSES.get(status)
        # An error that comes with 200 is the service's own (billing, error codes).
        return known or _HUNDREDS.get(status // 100) or (_OTHER if code else _PROXY)


class Access(Struct, frozen=True):
    """Who asks: keys, project, who they belong to (as advice names them), how many seconds one call may take."""

    credentials: Credentials
    project_id: str
    whose: str = "the function's agency"
    seconds: float = 10.0


class AccountApi:
    """Asks one of these services.

    Args:
        service: Which.
        endpoint: Where it is.
        access: Who asks.
        domain: Returns the account's id, for a service that belongs to no project; raises as ``ask`` does.
    """

    def __init__(
        self, service: AccountService, endpoint: str, access: Access, domain: Callable[[], str] = lambda: ""
    ) -> None:
        """Keep what calls need; nothing is sent yet."""
        self.project_id = access.project_id
        self._service = service
        self._access = access
        self._domain = domain
        self._caller = Caller(Service(service.name, endpoint, service.setting, ""), access.credentials, self.project_id)

    def get(self, right: str, path: str, query: Mapping[str, str] = MappingProxyType({})) -> bytes:
        """Return what a GET answers; see ``ask``."""
        return self.ask(right, ApiCall("GET", path, query))

    def post(self, right: str, path: str, body: Any) -> bytes:
        """Return what a POST of JSON answers; see ``ask``."""
        return self.ask(right, ApiCall("POST", path, body=msgspec.json.encode(body)))

    def ask(self, right: str, call: ApiCall) -> bytes:
        """Return the body of an answer that is a success.

        Args:
            right: The permission that it needs, for whoever lacks it.
            call: The call.

        Raises:
            HeldError: A right or a setting must be mended.
            ThrottledError: It was asked too often.
            UnavailableError: A fault that passes, or nobody is there.
        """
        whole = msgspec.structs.replace(call, domain_id=self._domain(), most_bytes=_MOST_BYTES)
        try:
            reply = self._caller.exchange(whole, self._access.seconds)
        except UnavailableError as error:
            advice = f"Check {self._service.setting}, and that there is a way to it."
            raise UnavailableError(f"{self._service.name} cannot be asked: {error.message}", advice=advice) from None
        success = 200 <= reply.status < 300
        if success and not (self._service.errs_with_200 and _says_error(reply.body)):
            return reply.body
        said, names = refusal(reply)
        raise self._refused(reply.status, said, right, names)

    def pages(self, ask: Callable[[int], bytes], shape: type[_Shape], size: int) -> Iterator[_Shape]:
        """Yield page after page of a list, until one is not full.

        Args:
            ask: Asks for the page that begins at that entry.
            shape: What a page is: a struct with one list.
            size: How many entries a full page has.
        """
        offset, before = 0, b""
        # One that does not know the offset would answer the same for ever.
        while (body := ask(offset)) != before:
            page = self.read(body, shape)
            yield page
            values = msgspec.structs.astuple(page)
            if next((len(value) for value in values if isinstance(value, list)), 0) < size:
                return
            offset, before = offset + size, body

    def read(self, body: bytes, shape: type[_Shape]) -> _Shape:
        """Return an answer in that shape.

        Raises:
            UnavailableError: It has another one.
        """
        try:
            return msgspec.json.decode(body, type=shape)
        except (msgspec.DecodeError, ValueError, RecursionError):
            raise UnavailableError(
                f"The answer of {self._service.name} cannot be read.",
                advice=f"Check {self._service.setting} and proxies.",
            ) from None

    def _refused(self, status: int, said: str, right: str, names: dict[str, str]) -> LegibleError:
        fault = self._service.fault(status, names["vendor_code"])
        text = redact(f"{self._service.name} answers {said}", self._access.credentials.secrets)
        advice = fault.advice.format(
            whose=self._access.whose, right=right, setting=self._service.setting, name=self._service.name
        )
        return fault.error(text, code=fault.code, advice=advice, **names)


class _Said(Struct):
    error_code: Any = None


def _says_error(body: bytes) -> bool:
    """Tell whether an answer has a code of an error itself; its lists may say anything. ``.0000``: all went well."""
    try:
        code = msgspec.json.decode(body, type=_Said).error_code
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):  # whoever reads it says what is wrong with it
        return False
    return bool(code) and not str(code).endswith(".0000")


class Domain:
    """The id of the account: that of the settings, else as IAM says; IAM is asked once.

    Args:
        known: The setting; empty where there is none.
        iam: Asks IAM; None where it is not to be reached.
    """

    def __init__(self, known: str, iam: AccountApi | None) -> None:
        """Ask nothing yet."""
        self._known = known
        self._iam = iam

    def __call__(self) -> str:
        """Return the id.

        Raises:
            HeldError: IAM does not tell it. Raises as ``AccountApi.ask`` does, too.
        """
        if not self._known and self._iam is not None:
            # The user's own account; this needs no right (iam_07_0001).
            answer = self._iam.read(self._iam.get("GET /v3/auth/domains of IAM", "/v3/auth/domains"), _Domains)
            self._known = next((domain.id for domain in answer.domains if domain.id), "")
        if not self._known:
            raise HeldError(
                "The account's id is not known.", code="no-domain", advice="Set cloud.domain_id, or iam.endpoint."
            )
        return self._known


class _Domain(Struct):
    id: str = ""


class _Domains(Struct):
    domains: list[_Domain] = []


def iam_endpoint(region: str) -> str:
    """Return where IAM is for a region, as the SDK's core knows it."""
    return str(sdk_endpoints.get_iam_endpoint_by_id(region) or f"https://iam.{region}.myhuaweicloud.com")


IAM = AccountService("IAM", "iam.endpoint", IDENTITY)
