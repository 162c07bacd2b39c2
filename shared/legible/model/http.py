"""One HTTP request and its reply, as values that do not depend on what carries them."""

from __future__ import annotations

from msgspec import Struct


class Request(Struct, frozen=True):
    """An HTTP request.

    ``path`` is percent-decoded, ``query`` and ``headers`` have one text for each name, header names in lower case.
    """

    method: str
    path: str
    query: dict[str, str] = {}
    headers: dict[str, str] = {}
    body: bytes = b""


class Reply(Struct, frozen=True):
    """The reply: a status, headers, and a body as it is sent."""

    status: int = 200
    headers: dict[str, str] = {}
    body: bytes = b""
