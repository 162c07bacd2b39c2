"""A document's id in a URL: its key, spelled with letters that need no escape."""

from __future__ import annotations

import base64
import binascii

from legible.api.problems import ProblemError


def id_of(key: str) -> str:
    """Return the id of a key: its UTF-8 as base64url without padding."""
    return base64.urlsafe_b64encode(key.encode("utf-8", "surrogatepass")).rstrip(b"=").decode()


def key_of(id: str) -> str:
    """Return the key of an id.

    Raises:
        ProblemError: 404, the id stands for no key; the same as for a document that is not there.
    """
    try:
        body = base64.b64decode(id.encode() + b"=" * (-len(id) % 4), altchars=b"-_", validate=True)
        key = body.decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise gone() from None
    if not key or id_of(key) != id:
        raise gone()
    return key


def gone() -> ProblemError:
    """Return the error for a document that is not there, or is not the caller's."""
    return ProblemError(
        404, "document-not-found", "There is no such document.",
        "An id is the base64url of the document's key, without padding; GET /v1/documents lists them.",
    )  # fmt: skip
