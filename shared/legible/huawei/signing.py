"""The signature of Huawei Cloud's APIs, SDK-HMAC-SHA256, by the SDK's own signer and nothing else of the SDK.

Its credentials would bring an HTTP library along, a third of what a cold instance imports (measured, 3.1.219). So would
its signatures by elliptic curves a library for ASN.1: empty modules stand in for that while the signer is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from types import MappingProxyType, ModuleType
from urllib.parse import SplitResult

from legible.huawei.credentials import Credentials

#: What the signer imports of that library (signer/utils.py, 3.1.219), each after what it lies in.
NOT_OURS = (
    *("pyasn1", "pyasn1.codec", "pyasn1.codec.der", "pyasn1.codec.der.encoder", "pyasn1.codec.der.decoder"),
    *("pyasn1.type", "pyasn1.type.univ"),
)


@contextmanager
def standing_in(loaded: MutableMapping[str, ModuleType]) -> Iterator[None]:
    """Put empty modules in the place of those that are not ours for a while, unless the library is loaded already."""
    if "pyasn1" in loaded:
        yield
        return
    for name in NOT_OURS:
        loaded[name] = ModuleType(name, "Not used by Legible; see legible.huawei.signing.")
        inside, _, own = name.rpartition(".")
        if inside:
            setattr(loaded[inside], own, loaded[name])
    try:
        yield
    finally:
        for name in NOT_OURS:
            del loaded[name]


with standing_in(sys.modules):
    from huaweicloudsdkcore.sdk_request import SdkRequest
    from huaweicloudsdkcore.signer.signer import Signer

#: As the SDKs name it. Bodies of other types, but BSON, are not signed: UNSIGNED-PAYLOAD (signer.py, 3.1.219).
JSON = "application/json;charset=UTF-8"


class _Keys:
    """The keys by the names that the signer knows."""

    def __init__(self, credentials: Credentials) -> None:
        self.ak, self.sk = credentials.access_key, credentials.secret_key


def signed(
    method: str,
    where: SplitResult,
    path: str,
    body: bytes,
    credentials: Credentials,
    headers: Mapping[str, str],
    query: Mapping[str, str] = MappingProxyType({}),
) -> tuple[dict[str, str], str]:
    """Return the headers of a request of JSON, its signature among them, and what stands behind the host in its URL.

    Args:
        method: The HTTP method.
        where: The endpoint.
        path: What is called, percent-encoded.
        body: What is sent; part of what is signed.
        credentials: The keys.
        headers: More headers, signed too; which project or account is called in.
        query: What stands behind the path.
    """
    # An empty token would be sent, and signed, as an empty X-Security-Token (credentials.py, 3.1.219).
    token = {"X-Security-Token": credentials.token} if credentials.token else {}
    request = SdkRequest(
        method=method, schema=where.scheme, host=where.netloc, resource_path=path, query_params=list(query.items()),
        body=body, header_params={"Content-Type": JSON, **token, **headers},
    )  # fmt: skip
    request = Signer(_Keys(credentials)).sign(request)
    return dict(request.header_params), str(request.uri)
