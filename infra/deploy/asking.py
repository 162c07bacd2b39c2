"""Calls of Huawei Cloud's management APIs, signed with the deployer's keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import requests
from huaweicloudsdkcore.auth.credentials import Credentials
from huaweicloudsdkcore.sdk_request import SdkRequest

_SECONDS = (10, 60)
_JSON = "application/json;charset=UTF-8"


class AskingError(Exception):
    """An API cannot be asked, or refuses; the message says which, and what it said."""


class Keys(NamedTuple):
    """The keys of whoever deploys. ``token`` is that of temporary keys, else empty."""

    access: str
    secret: str
    token: str = ""


def keys_of(environment: Mapping[str, str]) -> Keys:
    """Return the keys as the Terraform provider takes them.

    Raises:
        AskingError: There are none.
    """
    keys = Keys(*(environment.get(f"HW_{name}", "") for name in ("ACCESS_KEY", "SECRET_KEY", "SECURITY_TOKEN")))
    if not keys.access or not keys.secret:
        raise AskingError("Set HW_ACCESS_KEY and HW_SECRET_KEY, and HW_SECURITY_TOKEN for temporary keys.")
    return keys


def ask(keys: Keys, method: str, url: str, body: Any = None, scope: Mapping[str, str] | None = None) -> Any:
    """Make one signed call.

    Args:
        keys: Whose call it is.
        method: GET or POST.
        url: Where, with its query.
        body: Ready for JSON.
        scope: ``X-Domain-Id`` for a global service, ``X-Project-Id`` for another one.

    Returns:
        The JSON of the answer.

    Raises:
        AskingError: No answer came, or a refusal, or no JSON.
    """
    parts = urlsplit(url)
    encoded = json.dumps(body) if body is not None else ""
    signed = Credentials(keys.access, keys.secret).with_security_token(keys.token or None).sign_request(SdkRequest(
        method=method, schema=parts.scheme, host=parts.netloc, resource_path=parts.path,
        query_params=parse_qsl(parts.query), header_params={"Content-Type": _JSON, **(scope or {})}, body=encoded,
    ))  # fmt: skip
    try:
        reply = requests.request(
            method, url, data=encoded.encode(), headers=signed.header_params, timeout=_SECONDS, allow_redirects=False
        )
    except requests.RequestException as error:
        raise AskingError(f"{parts.netloc} cannot be reached: {type(error).__name__}.") from None
    if not 200 <= reply.status_code < 300:
        raise AskingError(f"{parts.netloc}{parts.path} answers {reply.status_code}: {reply.text[:300]}")
    try:
        return reply.json()
    except ValueError:
        raise AskingError(f"{parts.netloc}{parts.path} answers no JSON.") from None
