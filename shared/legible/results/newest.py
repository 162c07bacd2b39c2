"""Which upload of a key is the newest, so that an older one that ends late never takes its place."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from legible.documents.identity import etag_of
from legible.errors import DocumentError, HeldError
from legible.ledger.lines import Lines, read
from legible.model import layout
from legible.model.documents import NEVER, Document, ObjectRef
from legible.ports import Invocation, Site

#: The longest a function may work: yesterday's announcements still count this many hours after midnight.
_OVERLAP_HOURS = 12


class LostError(Exception):
    """A line that was appended is not there any more; its writer writes it again."""


class Version(Struct, frozen=True):
    """One version of an object, as its key's list of published versions names it."""

    version: str
    uploaded_at: datetime | None = None


class Newest:
    """The lists of versions published under each key, one a day, in the output bucket.

    Args:
        site: Its output bucket holds the lists.
        call: The invocation: gives the time.
    """

    def __init__(self, site: Site, call: Invocation) -> None:
        """Read nothing yet."""
        self._site = site
        self._call = call

    def announce(self, document: Document) -> bool:
        """Say that this version is about to be published under its key; see ``newer``.

        Returns:
            False if the day's list takes no more lines; then nothing can be announced.
        """
        version = Version(document.version, document.uploaded_at)
        line = msgspec.json.encode(version) + b"\n"
        lines = Lines(
            self._site.store, self._list(document, self._call.now()), self._call.pause,
            name=f"The list of versions of {document.ref}",
        )  # fmt: skip
        try:
            lines.add(lambda listed: None if version in _versions(listed) else line)
        except HeldError:
            lines.read()  # a list that cannot even be read is not one that is full
            return False
        return True

    def newer(self, document: Document) -> Version | None:
        """Return the version announced for the document's key that was uploaded last, if that is a newer one.

        A publisher announces before it publishes, asks afterwards, and puts a newer result back if it has overwritten
        one; so whatever the order, the newest result is there in the end.

        Raises:
            LostError: This document's announcement is gone: a simultaneous append overwrote it.
        """
        now = self._call.now()
        days = [now, now - timedelta(days=1)] if now.hour < _OVERLAP_HOURS else [now]
        versions = [
            version
            for day in reversed(days)
            for version in _versions(read(self._site.store, self._list(document, day)))
        ]
        if document.version not in {version.version for version in versions}:
            raise LostError(f"The announcement of {document.ref} is gone.")
        last = max(enumerate(versions), key=lambda item: (item[1].uploaded_at or NEVER, item[0]))[1]
        last = self._untied(document, [version for version in versions if version.uploaded_at == last.uploaded_at])
        return None if last.version == document.version else last

    def _untied(self, document: Document, last: list[Version]) -> Version:
        """Choose among uploads of one second: OBS tells no finer time, but the object that is there now came last."""
        if len({version.version for version in last}) > 1:
            with suppress(DocumentError):
                head = self._site.store.head(document.ref)
                lying = [version for version in last if etag_of(version.version) in (head.version_id, head.etag)]
                return (lying or last)[-1]
        return last[-1]

    def _list(self, document: Document, at: datetime) -> ObjectRef:
        return self._site.in_output(layout.newest(document.bucket, document.key, at.date()))


def _versions(body: bytes) -> list[Version]:
    """Read a list; a line that cannot be read is ignored."""
    versions = []
    for line in body.splitlines():
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            versions.append(msgspec.json.decode(line, type=Version))
    return versions
