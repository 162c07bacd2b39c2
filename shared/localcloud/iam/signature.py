"""SDK-HMAC-SHA256, checked with the signer of the vendor's own SDK."""

from __future__ import annotations

import hmac
import re
from datetime import datetime, timezone
from types import SimpleNamespace
from urllib.parse import parse_qsl

from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from localcloud.iam.credentials import AccessKey, Keyring

#: "The difference between X-Sdk-Date and the gateway's time must not exceed 15 minutes" (api-apig signing guide).
MAX_SKEW = 15 * 60
_AUTHORIZATION = re.compile(
    r"SDK-HMAC-SHA256 Access=(?P<access>[^,]+), SignedHeaders=(?P<headers>[^,]+), Signature=(?P<signature>[0-9a-f]+)"
)


class SignatureError(Exception):
    """A request is not signed as the gateway wants it; the text is what the gateway says, and holds no key."""

    def __init__(self, why: str) -> None:
        """Make the gateway's message, which begins the same way for all of these."""
        self.why = why
        super().__init__(f"Incorrect IAM authentication information: {why}")


def check(method: str, uri: str, headers: dict[str, str], body: bytes, keys: Keyring) -> AccessKey:
    """Return the key that signed the request. Header names are in lower case.

    Raises:
        SignatureError: The signature, the key, the token or the date is missing or wrong.
    """
    given = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    if given is None:
        raise SignatureError("Get secretKey failed, no signature")
    key = keys.find(given["access"])
    if key is None or key.expired():
        raise SignatureError("Get secretKey failed, ak not exist")
    _check_token(key, headers.get("x-security-token", ""))
    _check_date(headers.get("x-sdk-date", ""))
    names = given["headers"].split(";")
    if not {"host", "x-sdk-date"} <= set(names):
        raise SignatureError("signed headers lack host or x-sdk-date")
    signed = {name: headers.get(name, "") for name in names}
    if not hmac.compare_digest(_authorization(method, uri, signed, body, key), headers["authorization"]):
        raise SignatureError("verify aksk signature fail")
    return key


def access_of(headers: dict[str, str]) -> str:
    """Return the access key id that a request names, checked or not."""
    given = _AUTHORIZATION.fullmatch(headers.get("authorization", ""))
    return given["access"] if given else ""


def _authorization(method: str, uri: str, signed: dict[str, str], body: bytes, key: AccessKey) -> str:
    path, _, query = uri.partition("?")
    request = SdkRequest(
        method=method,
        schema="http",
        host=signed["host"],
        resource_path=path,
        query_params=parse_qsl(query, keep_blank_values=True),
        header_params=dict(signed),
        body=body,
    )
    Signer(SimpleNamespace(ak=key.access, sk=key.secret)).sign(request)
    return str(request.header_params["Authorization"])


def _check_token(key: AccessKey, token: str) -> None:
    if not hmac.compare_digest(key.token.encode(), token.encode()):
        raise SignatureError("verify security token fail")


def _check_date(text: str) -> None:
    try:
        sent = datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise SignatureError("x-sdk-date is wrong") from None
    if abs((datetime.now(timezone.utc) - sent).total_seconds()) > MAX_SKEW:
        raise SignatureError("x-sdk-date is expired")
