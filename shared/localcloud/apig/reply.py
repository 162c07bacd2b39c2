"""Turns what a function returned into an HTTP answer (facts functiongraph 1.8)."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any

from localcloud.apig.errors import malformed
from localcloud.functiongraph.instance import Outcome

#: Headers about the connection itself: the gateway sets them.
HOP_HEADERS = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade"}
)  # fmt: skip
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


def reply_of(outcome: Outcome) -> Reply:
    """Return the HTTP answer for the way a function ended.

    A function that failed answers 500 with its error, as the pages say; the stack stays in the log.

    Raises:
        GatewayError: FSS.1202: its result is not an HTTP answer.
    """
    if not outcome.ok:
        error = outcome.result or {"errorMessage": "The function ended.", "errorType": outcome.kind}
        told = {name: error[name] for name in ("errorMessage", "errorType")}
        return Reply(500, json.dumps(told, ensure_ascii=False).encode(), {"Content-Type": "application/json"})
    result = outcome.result
    if not isinstance(result, dict):
        raise malformed("it is not an object")
    return Reply(_status(result.get("statusCode")), _body(result), _headers(result.get("headers", {})))


def _status(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 200 <= value <= 599:
        raise malformed("statusCode must be a number from 200 to 599")
    return value


def _body(result: dict[str, Any]) -> bytes:
    body, encoded = result.get("body"), result.get("isBase64Encoded", False)
    if not isinstance(body, str):
        raise malformed("body must be a text")
    if not isinstance(encoded, bool):
        raise malformed("isBase64Encoded must be true or false")
    if not encoded:
        return body.encode()
    try:
        return base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        raise malformed("body is not Base64 text") from None


def _headers(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):
        raise malformed("headers must be an object")
    for name, text in value.items():
        if not _NAME.fullmatch(name) or not isinstance(text, str) or not _sendable(text):
            raise malformed("headers must be names with one line of text each")
    return {name: text for name, text in value.items() if name.lower() not in HOP_HEADERS | {"content-length"}}


def _sendable(text: str) -> bool:
    return text.isascii() and not any(ord(character) < 32 or ord(character) == 127 for character in text)
