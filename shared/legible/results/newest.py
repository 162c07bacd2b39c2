"""Which upload of a key is the newest, so that an older one that ends late never takes its place."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from legible.documents.identity import etag_of
from legible.errors import AppendConflictError, DocumentError, HeldError
from legible.ledger.lines import Lines, read
from legible.model import layout
from legible.model.documents import NEVER, Document, ObjectRef
from legible.ports import Invocation, Site, prefetch

#: The longest a function may work: yesterday's announcements still count this many hours after midnight.
_OVERLAP_HOURS = 12
#: Who asked for the day just before midnight appends to its list no later than so many minutes after.
_LATE_MINUTES = 5


class LostError(Exception):
    """A line that was appended is not there any more; its writer writes it again."""


class Version(Struct, frozen=True):
    """One version of an object, as its key's list of published versions names it."""

    version: str
    uploaded_at: datetime | None = None


class Precedence(Struct, frozen=True):
    """What the lists say of a document's version: which newer one there is, and whether there is no other at all."""

    newer: Version | None = None
    alone: bool = False


class Newest:
    """The lists of versions published under each key, one a day, in the output bucket.

    Args:
        site: Its output bucket holds the lists.
        call: The invocation: gives the time.
        settle: So many seconds pass between the announcement of a version that is not alone and its results.
    """

    def __init__(self, site: Site, call: Invocation, settle: float = 0.0) -> None:
        """Read nothing yet."""
        self._settle = settle
        self._site = site
        self._call = call
        self._known: dict[ObjectRef, bytes] = {}

    def announce(self, document: Document) -> bool:
        """Say that this version is about to be published under its key; see ``newer``.

        Returns:
            False if the day's list takes no more lines; then nothing can be announced.
        """
        version, line, ref = self._line(document)
        lines = Lines(self._site.store, ref, self._call.pause, name=f"The list of versions of {document.ref}")
        try:
            lines.add(lambda listed: None if version in _versions(listed) else line)
        except HeldError:
            lines.read()  # a list that cannot even be read is not one that is full
            return False
        return True

    def announce_first(self, document: Document) -> bool:
        """Announce a version if it is the first of its key and day; nothing is read. Tell whether it is.

        Raises:
            HeldError: The list takes no line.
            UnavailableError: The store has a passing fault; the line may be written all the same.
        """
        _, line, ref = self._line(document)
        try:
            self._site.store.append(ref, 0, line)
        except AppendConflictError:
            return False
        return True

    def give_way(self) -> None:
        """Wait for who looked at the lists before this announcement, and saw nobody; see ``beside``."""
        self._call.pause(self._settle)

    def beside(self, document: Document, write: Callable[[], None]) -> Precedence:
        """Write what is seen from then on, and look meanwhile what the lists say.

        Whoever announces itself after this look gives way: by then it is written, if that took no longer than the
        settling time. Else this looks once more.
        """
        with ThreadPoolExecutor(1) as other:
            began = self._call.now()
            looked = other.submit(self.precedence, document)
            write()
        precedence = looked.result()
        late = (self._call.now() - began).total_seconds() >= self._settle
        return self.precedence(document) if late else precedence

    def newer(self, document: Document) -> Version | None:
        """Return the version announced for the document's key that was uploaded last, if that is a newer one.

        A publisher announces before it publishes, asks afterwards, and puts a newer result back if it has overwritten
        one; so whatever the order, the newest result is there in the end.

        Raises:
            LostError: This document's announcement is gone: a simultaneous append overwrote it.
        """
        return self.precedence(document).newer

    def precedence(self, document: Document) -> Precedence:
        """Return what the lists say of a version that was announced. Raises as ``newer`` does."""
        now = self._call.now()
        days = [now, now - timedelta(days=1)] if now.hour < _OVERLAP_HOURS else [now]
        lists = [self._list(document, day) for day in reversed(days)]
        for earlier in lists[:-1]:
            if earlier not in self._known:
                prefetch(self._site.store, earlier)
        bodies = [self._read(one, again=one == lists[-1] or _at_midnight(now)) for one in reversed(lists)]
        versions = [version for body in reversed(bodies) for version in _versions(body)]
        if document.version not in {version.version for version in versions}:
            raise LostError(f"The announcement of {document.ref} is gone.")
        last = self._last(document, _of_now(versions))
        alone = all(version.version == document.version for version in versions)
        return Precedence(None if last.version == document.version else last, alone)

    def _last(self, document: Document, versions: list[Version]) -> Version:
        last = max(enumerate(versions), key=lambda item: (item[1].uploaded_at or NEVER, item[0]))[1]
        return self._untied(document, [version for version in versions if version.uploaded_at == last.uploaded_at])

    def _read(self, ref: ObjectRef, *, again: bool) -> bytes:
        """Read a list; that of yesterday only once, because nobody appends to it any more."""
        if again or ref not in self._known:
            self._known[ref] = read(self._site.store, ref)
        return self._known[ref]

    def _line(self, document: Document) -> tuple[Version, bytes, ObjectRef]:
        version = Version(document.version, document.uploaded_at)
        return version, msgspec.json.encode(version) + b"\n", self._list(document, self._call.now())

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


def _at_midnight(now: datetime) -> bool:
    """Tell whether somebody may still append to the list of a day that is just over."""
    return (now.hour, now.minute) < (0, _LATE_MINUTES)


def _of_now(versions: list[Version]) -> list[Version]:
    """Leave out what is not so any more: an upload that was announced, and yields to every other one since."""
    yielding = {version.version: version.uploaded_at is None for version in versions}
    return [one for one in versions if one.uploaded_at is None or not yielding[one.version]]


def _versions(body: bytes) -> list[Version]:
    """Read a list; a line that cannot be read is ignored."""
    versions = []
    for line in body.splitlines():
        with suppress(msgspec.MsgspecError, UnicodeDecodeError):
            versions.append(msgspec.json.decode(line, type=Version))
    return versions
