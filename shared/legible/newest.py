"""Which upload of a key is the newest: so that an older one that ends late never stands above it."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import msgspec
from msgspec import Struct

from legible import layout
from legible.errors import AppendConflictError, HeldError, ObjectGoneError, UnavailableError
from legible.model import Document, ObjectRef
from legible.ports import ObjectStore

#: Older than any upload.
NEVER = datetime.min.replace(tzinfo=timezone.utc)
#: The longest a function may work; so long after midnight yesterday's announcements still count.
_OVERLAP_HOURS = 12
_TRIES = 30


class LostError(Exception):
    """A line that was appended is not there any more; its writer writes it again."""


class Version(Struct, frozen=True):
    """One version of an object, as its key's list of published versions names it."""

    version: str
    uploaded_at: datetime | None = None


class Newest:
    """The lists of versions published under each key, one a day, in the output bucket.

    Args:
        store: Where they lie.
        bucket: The output bucket.
        now: The clock.
        pause: Waits for so many seconds.
    """

    def __init__(
        self, store: ObjectStore, bucket: str, now: Callable[[], datetime], pause: Callable[[float], None]
    ) -> None:
        """See the class."""
        self._store = store
        self._bucket = bucket
        self._now = now
        self._pause = pause

    def announce(self, document: Document) -> bool:
        """Say that this version is about to be published under its key; see ``newer``.

        Returns:
            False where the day's list takes no more lines; then nobody can be told.
        """
        ref = self._list(document, self._now())
        version = Version(document.version, document.uploaded_at)
        for _ in range(_TRIES):
            body = self._read(ref)
            if version in _versions(body):
                return True
            try:
                self._store.append(ref, len(body), msgspec.json.encode(version) + b"\n")
            except HeldError:
                return False
            except AppendConflictError:
                self._pause(random.uniform(0.01, 0.1))
                continue
            return True
        raise UnavailableError(f"The list of versions of {document.ref} took no line in {_TRIES} tries.")

    def newer(self, document: Document) -> Version | None:
        """Return the version announced for the document's key that was uploaded last, if that is a newer one.

        Who announces before it publishes and asks after it can put the newest result back if it stepped on it; so
        whatever the order, the newest stands in the end.

        Raises:
            LostError: The own announcement is gone: two simultaneous appends, and the other one stood.
        """
        now = self._now()
        days = [now, now - timedelta(days=1)] if now.hour < _OVERLAP_HOURS else [now]
        versions = [version for day in reversed(days) for version in _versions(self._read(self._list(document, day)))]
        if document.version not in {version.version for version in versions}:
            raise LostError(f"The announcement of {document.ref} is gone.")
        last = max(enumerate(versions), key=lambda item: (item[1].uploaded_at or NEVER, item[0]))[1]
        return None if last.version == document.version else last

    def _list(self, document: Document, at: datetime) -> ObjectRef:
        return ObjectRef(self._bucket, layout.newest(document.bucket, document.key, at.date()))

    def _read(self, ref: ObjectRef) -> bytes:
        try:
            return self._store.read(ref)
        except ObjectGoneError:
            return b""


def _versions(body: bytes) -> list[Version]:
    return [msgspec.json.decode(line, type=Version) for line in body.splitlines()]
