"""Checks signatures of OBS, with the signer of the vendor's own SDK (api-obs obs_04_0009 to obs_04_0011)."""

from __future__ import annotations

import hmac
import time
from email.utils import parsedate_to_datetime
from typing import Any

from obs.auth import Authentication
from obs.convertor import Adapter

from localcloud.iam.credentials import AccessKey, Keyring
from localcloud.obs.errors import ObsError, access_denied
from localcloud.obs.request import ObsRequest

#: A request's date may differ from the server's by 15 minutes (RequestTimeTooSkewed).
MAX_SKEW = 15 * 60
_SIGNED_HEADERS = ("content-type", "content-md5", "date")


def check(request: ObsRequest, keys: Keyring) -> AccessKey | None:
    """Return the key that signed the request, None for an anonymous one; refuse a wrong signature.

    Signature versions ``v2`` (``AWS ak:signature``, what esdk calls ``v2``) and ``obs`` (``OBS ak:signature``) are
    checked, in the header and in a signed URL. Version 4 is refused: the local cloud is used with ``v2``.
    """
    authorization = request.headers.get("authorization", "")
    if authorization:
        return _check_header(request, authorization, keys)
    if "Signature" in request.query:
        return _check_url(request, keys)
    return None


def _check_header(request: ObsRequest, authorization: str, keys: Keyring) -> AccessKey:
    scheme, _, rest = authorization.partition(" ")
    access, _, signature = rest.strip().partition(":")
    version = {"AWS": "v2", "OBS": "obs"}.get(scheme)
    if version is None or not signature:
        raise access_denied("The local OBS checks signatures v2 and obs only.")
    key = _known(access, keys)
    _check_skew(request)
    _check_token(key, request.header("security-token"))
    _compare(_signature(request, version, key, request.query, None), signature)
    return key


def _check_url(request: ObsRequest, keys: Keyring) -> AccessKey:
    version = "obs" if "AccessKeyId" in request.query else "v2"
    query = dict(request.query)
    access = query.pop("AccessKeyId", None) or query.pop("AWSAccessKeyId", None) or ""
    expires = query.pop("Expires", None) or ""
    signature = query.pop("Signature", None) or ""
    key = _known(access, keys)
    if not expires.isdigit() or int(expires) < time.time():
        raise access_denied("Request has expired")
    _check_token(key, query.get("x-amz-security-token") or query.get("x-obs-security-token") or "")
    _compare(_signature(request, version, key, query, expires), signature)
    return key


def _known(access: str, keys: Keyring) -> AccessKey:
    key = keys.find(access)
    if key is None:
        raise ObsError(403, "InvalidAccessKeyId", "The OBS Access Key Id you provided does not exist in our records.")
    if key.expired():
        raise ObsError(403, "ExpiredToken", "The provided token has expired.")
    return key


def _check_token(key: AccessKey, token: str) -> None:
    if not hmac.compare_digest(key.token.encode(), token.encode()):
        raise ObsError(403, "InvalidAccessKeyId", "The security token does not belong to the Access Key Id.")


def _check_skew(request: ObsRequest) -> None:
    text = request.header("date") or request.headers.get("date", "")
    try:
        sent = parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        raise access_denied("The request has no valid date.") from None
    if abs(sent - time.time()) > MAX_SKEW:
        raise ObsError(403, "RequestTimeTooSkewed", "The difference between the request time and the current is large.")


def _signature(
    request: ObsRequest, version: str, key: AccessKey, query: dict[str, str | None], expires: str | None
) -> str:
    adapter = Adapter(version)
    prefix: str = adapter._get_header_prefix()
    headers = {n: v for n, v in request.headers.items() if n in _SIGNED_HEADERS or n.startswith(prefix)}
    signer: Any = Authentication(key.access, key.secret, True, adapter, "", False)
    signed = signer.getSignature(request.method, request.bucket, request.key, query, headers, expires)
    return str(signed["Signature"])


def _compare(expected: str, given: str) -> None:
    if not hmac.compare_digest(expected.encode(), given.encode()):
        raise ObsError(403, "SignatureDoesNotMatch", "The request signature does not match the signature calculated.")
