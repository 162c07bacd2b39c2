"""API Gateway: its events as requests, replies in the form it takes (functiongraph_02_0102, functiongraph_01_0204)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from legible.model.http import Reply, Request


def request(event: Any) -> Request:
    """Read the event of one HTTP request.

    Args:
        event: ``{"httpMethod", "path", "queryStringParameters", "headers", "body", "isBase64Encoded", ...}``; what is
            missing or odd counts as empty.

    Returns:
        The request; its path and its body decoded.
    """
    values: Mapping[str, Any] = event if isinstance(event, Mapping) else {}
    return Request(
        method=str(values.get("httpMethod") or "GET").upper(),
        # No page says whether the gateway decodes paths; none of ours has a percent sign, so that decoding one twice
        # changes nothing.
        path=unquote(str(values.get("path") or "/")),
        query=_texts(values.get("queryStringParameters")),
        headers=_headers(values.get("headers")),
        # The gateway sends bodies in Base64 unless its API says otherwise: the flag tells (functiongraph_01_0204).
        body=_body(values.get("body"), encoded=bool(values.get("isBase64Encoded"))),
    )


def response(reply: Reply) -> dict[str, Any]:
    """Return a reply in the form the gateway takes; its body is always in Base64, which carries any bytes."""
    # `body` has to be a text; a result of any other shape is answered by 500 FSS.1202 (functiongraph_01_0204).
    return {
        "statusCode": reply.status,
        "headers": dict(reply.headers),
        "body": base64.b64encode(reply.body).decode(),
        "isBase64Encoded": True,
    }


def _headers(value: Any) -> dict[str, str]:
    """Return headers by their names in lower case; several of one name are one list (RFC 9110, 5.3).

    What the gateway says of a caller is believed. If a caller's own header of that name ever came beside it, spelt
    otherwise, the list of both is nobody's id; to choose one of them would be to guess.
    """
    headers: dict[str, list[str]] = {}
    for name, text in (value if isinstance(value, Mapping) else {}).items():
        texts = text if isinstance(text, list) else [text]
        # The samples have names in lower case (functiongraph_02_0102); nothing promises that they always are.
        headers.setdefault(str(name).lower(), []).extend(str(one) for one in texts if one is not None)
    return {name: ", ".join(dict.fromkeys(texts)) for name, texts in headers.items() if texts}


def _texts(value: Any) -> dict[str, str]:
    """Return names and texts; of several values for a name, the last."""
    values = value if isinstance(value, Mapping) else {}
    return {str(name): _last(text) for name, text in values.items() if text is not None}


def _last(value: Any) -> str:
    return str(value[-1]) if isinstance(value, list) and value else str(value)


def _body(value: Any, *, encoded: bool) -> bytes:
    if not isinstance(value, str):
        return b""
    try:
        return base64.b64decode(value, validate=True) if encoded else value.encode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return value.encode("utf-8", "replace")
