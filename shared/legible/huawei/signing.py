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
    method: str, where: SplitResult, path: str, body: bytes, credentials: Credentials, project_id: str,
    headers: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:  # fmt: skip
    """Return the headers of a request of JSON, its signature among them.

    Args:
        method: The HTTP method.
        where: The endpoint.
        path: What is called, percent-encoded.
        body: What is sent; part of what is signed.
        credentials: The keys.
        project_id: The project that is called in.
        headers: More headers, signed too.
    """
    # An empty token would be sent, and signed, as an empty X-Security-Token (credentials.py, 3.1.219).
    token = {"X-Security-Token": credentials.token} if credentials.token else {}
    named = {"Content-Type": JSON, "User-Agent": "legible", "X-Project-Id": project_id, **token, **headers}
    request = SdkRequest(
        method=method, schema=where.scheme, host=where.netloc, resource_path=path, query_params=[], body=body,
        header_params=named,
    )  # fmt: skip
    return dict(Signer(_Keys(credentials)).sign(request).header_params)
