"""The event that a function gets for a request (devg-functiongraph, APIG event; facts functiongraph 2.4).

No page says these, so they are ours: of a query parameter that comes several times the last one counts (the pages show
one text per name); the path is passed as it arrived, percent-encoded; the caller's code and signature are not passed.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from localcloud.apig.apps import CODE_HEADER
from localcloud.functiongraph.config import ApigTrigger
from localcloud.web import Environ, raw_uri, read_headers

#: Headers that prove who calls; the gateway does not pass them on.
_OURS = frozenset({CODE_HEADER, "authorization", "x-security-token", "x-real-ip"})


def request_headers(environ: Environ, mapped: Mapping[str, str], request_id: str) -> dict[str, str]:
    """Return the headers that the function sees: the client's, the gateway's, and those mapped by the API.

    Args:
        environ: The request.
        mapped: System parameters by header name; an empty value for one that this caller has not. What a client sends
            under these names is never passed on.
        request_id: The gateway's id of the request.
    """
    sent = read_headers(environ)
    client = str(environ.get("REMOTE_ADDR") or "127.0.0.1")
    passed = {name: text for name, text in sent.items() if name not in _OURS and name not in mapped}
    passed |= {
        "x-forwarded-for": ", ".join(filter(None, (sent.get("x-forwarded-for"), client))),
        "x-forwarded-proto": "http",
        "x-real-ip": client,
        "x-request-id": request_id,
    }
    return passed | {name: text for name, text in mapped.items() if text}


def build(
    environ: Environ, api: ApigTrigger, api_id: str, headers: dict[str, str], body: bytes, request_id: str
) -> dict[str, Any]:
    """Return the event.

    Args:
        environ: The request.
        api: The API that takes it.
        api_id: Its id.
        headers: See ``request_headers``.
        body: The body as it arrived.
        request_id: The gateway's id of the request.
    """
    path, _, query = raw_uri(environ).partition("?")
    text = base64.b64encode(body).decode() if api.base64_body else body.decode("utf-8", "replace")
    rest = path[len(api.path.rstrip("/")) :].lstrip("/")
    return {
        "body": text,
        "isBase64Encoded": api.base64_body,
        "httpMethod": environ["REQUEST_METHOD"],
        "path": path,
        "pathParameters": {"": rest} if api.prefix else {},
        "queryStringParameters": dict(parse_qsl(query, keep_blank_values=True)),
        "headers": headers,
        "requestContext": {"apiId": api_id, "requestId": request_id, "stage": api.stage},
    }
