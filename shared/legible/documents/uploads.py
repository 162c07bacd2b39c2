"""From an upload to the document it is."""

from __future__ import annotations

import re

from legible.model.documents import Document, Upload

#: Where the journals of events lie that could not be read; it stands for a bucket's name.
UNREADABLE_BUCKET = "unreadable"

_ETAG = re.compile(r"[0-9a-f]{32}(-[0-9]+)?")


def announced(upload: Upload) -> Document:
    """Return the document an event names, whatever the store has by now."""
    version = plain(upload.version_id or upload.etag or "gone")
    # OBS tells an object's time in whole seconds; an event's milliseconds must not make it newer than its successor.
    at = upload.at.replace(microsecond=0) if upload.at else None
    return Document(upload.ref.bucket, upload.ref.key, version, upload.etag, uploaded_at=at)


def replaced(upload: Upload, document: Document) -> bool:
    """Tell whether the upload an event names was overwritten before it was read.

    An etag is 32 hexadecimal digits, with a part count behind it for a multipart upload; anything else says nothing.
    """
    return bool(_ETAG.fullmatch(upload.etag)) and upload.etag != document.etag


def plain(version: str) -> str:
    """Return a version fit for one step of a key."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in version)[:120]
