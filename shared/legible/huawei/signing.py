"""The signature of Huawei Cloud's APIs, SDK-HMAC-SHA256, by the SDK's own signer and nothing else of the SDK.

Its credentials would bring an HTTP library along, a third of what a cold instance imports (measured, 3.1.219).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import SplitResult

from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from legible.huawei.credentials import Credentials

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
