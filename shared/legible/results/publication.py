"""Publishes what people open: the results of the newest upload of a key, and never of an older one."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from legible.errors import HeldError, ObjectGoneError, UnavailableError
from legible.model import layout
from legible.model.documents import NEVER, Document, ObjectRef, Status
from legible.model.layout import KINDS, RECORD
from legible.model.records import SCHEMA_NUMBER, Record
from legible.ports import Site, Wanted, ranges
from legible.results.newest import LostError, Newest, Version

_TRIES = 10
#: How many objects are written at once.
_AT_ONCE = 4
#: A file up to this size is sent from memory, so that it can be sent again at once if the connection breaks.
_SMALL_BYTES = 4_000_000


class Published(Struct, frozen=True):
    """What the metadata of a published record say: its version, how it ended, which results lie beside it.

    ``operation`` is a slug, empty where there was none; ``revision`` counts the reviews it has, ``doubtful`` the values
    that somebody should look at, ``empty`` the pages that gave nothing, left out where there is none. ``schema`` is the
    number of the record's schema, left out where it is 1.
    """

    version: str
    uploaded_at: datetime | None
    status: Status
    names: tuple[str, ...] = (RECORD,)
    revision: int = 0
    operation: str = ""
    doubtful: int = 0
    schema: int = 1
    empty: int = 0

    @property
    def newer(self) -> bool:
        """Whether a newer version of Legible wrote the record: then this one never writes another over it."""
        return self.schema > SCHEMA_NUMBER

    def metadata(self) -> dict[str, str]:
        """Return this as metadata of an object: as JSON, because a version may have letters that no header allows."""
        values = msgspec.to_builtins(self)
        if self.schema == 1:
            del values["schema"]
        if not self.empty:
            del values["empty"]
        return {"legible": json.dumps(values)}


class _Newer(Struct, frozen=True):
    """What every version can read of the metadata of a record, whatever a newer one may say besides."""

    version: str
    schema: int
    uploaded_at: datetime | None = None
    names: tuple[str, ...] = (RECORD,)


class Publisher:
    """Writes results.

    Args:
        site: Its output bucket holds the results.
        newest: Knows which upload of a key is the newest.
    """

    def __init__(self, site: Site, newest: Newest) -> None:
        """Write nothing yet."""
        self._site = site
        self._newest = newest

    def publish(
        self, record: Record, files: Mapping[str, Path], *, doubtful: int = 0, empty: int = 0, yields: bool = False
    ) -> bool:
        """Put a document's results where people look, unless a newer upload of the key has its own there.

        Args:
            record: What the results say.
            files: Name and content of each result; see ``KINDS``.
            doubtful: How many of its values somebody should look at.
            empty: How many of its pages gave nothing.
            yields: The upload was replaced; it counts as older than any other one of its key.

        Returns:
            False if a newer upload's result is published instead.
        """
        document = record.document
        uploaded_at = None if yields else document.uploaded_at
        published = Published(
            document.version, uploaded_at, record.status, tuple(files), record.revision, record.operation, doubtful,
            SCHEMA_NUMBER, empty,
        )  # fmt: skip
        self._together([partial(self._keep, document, name, file, published) for name, file in files.items()])
        return self._stand(msgspec.structs.replace(document, uploaded_at=None) if yields else document, published)

    def publish_again(self, document: Document) -> bool:
        """Put the results of an earlier upload of the same bytes back on top: they were uploaded again.

        Returns:
            False if there are none, or a newer upload's result is published instead.
        """
        published = self.known(document)
        if published is None:
            return False
        if (document.uploaded_at or NEVER) > (published.uploaded_at or NEVER) and not published.newer:
            published = self._redated(document, published)
        return self._stand(document, published)

    def known(self, document: Document) -> Published | None:
        """Return what the record of this very version says of itself; None if it has no record."""
        return self._published(self._site.in_output(layout.version(document, RECORD)))

    def current(self, key: str) -> Published | None:
        """Return what the record published under a document's key says of itself; None if there is none."""
        return self.filed(layout.shortened(key))

    def filed(self, folder: str) -> Published | None:
        """Return the same by the folder that the results are in (``layout.filed``)."""
        return self._published(self._site.in_output(layout.filed(folder, RECORD)))

    def _stand(self, document: Document, published: Published) -> bool:
        for _ in range(_TRIES):
            told = self._newest.announce(document)
            try:
                newer = (self._newest.newer(document) if told else None) or self._later_version(document)
                if newer is None:
                    self._raise(document, published)
                    newer = self._newest.newer(document) if told else None
                if newer is not None:
                    self._restore(document, newer, told=told)
            except LostError:
                continue
            return newer is None
        raise UnavailableError(f"The list of versions of {document.ref} keeps losing lines.")

    def _restore(self, document: Document, newer: Version, *, told: bool) -> None:
        """Put the newest result back, until none newer has come in between."""
        while True:
            self._put_back(document, newer)
            last = self._newest.newer(document) if told else None
            if last is None or last.version == newer.version:
                return
            newer = last

    def _put_back(self, document: Document, version: Version) -> None:
        """Publish the newer version's results again, if it has any and nothing newer is there."""
        newer = msgspec.structs.replace(document, version=version.version, uploaded_at=version.uploaded_at)
        if self._later_version(newer) is not None:
            return
        published = self.known(newer)
        if published is not None:
            self._raise(newer, published)

    def _later_version(self, document: Document) -> Version | None:
        """Return the version whose result is published, if it was uploaded later than this one."""
        current = self.current(document.key)
        if current is None or current.version == document.version:
            return None
        later = (current.uploaded_at or NEVER) > (document.uploaded_at or NEVER)
        return Version(current.version, current.uploaded_at) if later else None

    def _published(self, ref: ObjectRef) -> Published | None:
        try:
            text = self._site.store.head(ref).metadata.get("legible", "")
            try:
                return msgspec.json.decode(text, type=Published)
            except msgspec.ValidationError:
                newer = msgspec.json.decode(text, type=_Newer)
        except (ObjectGoneError, msgspec.MsgspecError):
            return None
        known = Published(newer.version, newer.uploaded_at, "held", newer.names, schema=newer.schema)
        return known if known.newer else None

    def _raise(self, document: Document, published: Published) -> None:
        """Copy a version's results to where people look, and remove what only an earlier upload had."""
        gone = set(KINDS) - set(published.names)  # an invocation killed here may have left more than any record names
        # The record comes last: whoever finds it finds all the others.
        self._together(
            [partial(self._copy, document, name) for name in published.names if name != RECORD]
            + [partial(self._remove, document, name) for name in gone]
        )
        self._copy(document, RECORD)

    def _remove(self, document: Document, name: str) -> None:
        with suppress(HeldError):  # without the right to remove, results are published all the same
            self._site.store.remove(self._site.in_output(layout.results(document.key, name)))

    def _copy(self, document: Document, name: str) -> None:
        source, target = layout.version(document, name), layout.results(document.key, name)
        self._site.store.copy(self._site.in_output(source), self._site.in_output(target))

    def _keep(self, document: Document, name: str, file: Path, published: Published) -> None:
        """Write a result beside the answers of its version."""
        body = file.read_bytes() if file.stat().st_size <= _SMALL_BYTES else file
        metadata = published.metadata() if name == RECORD else None
        self._site.store.write(self._site.in_output(layout.version(document, name)), body, KINDS[name], metadata)

    def _redated(self, document: Document, published: Published) -> Published:
        """Write the record again with the time of the later upload; nothing else of it changes."""
        ref = self._site.in_output(layout.version(document, RECORD))
        old, new = (
            b'"uploaded_at": ' + msgspec.json.encode(at) for at in (published.uploaded_at, document.uploaded_at)
        )
        published = msgspec.structs.replace(published, uploaded_at=document.uploaded_at)
        with tempfile.TemporaryDirectory(prefix="legible-") as folder:
            path = Path(folder) / RECORD
            with path.open("wb") as file:
                for first, last in ranges(self._site.store.head(ref).size):
                    part = self._site.store.read(ref, Wanted(first=first, last=last))
                    file.write(part if first else part.replace(old, new, 1))
            self._keep(document, RECORD, path, published)
        return published

    def _together(self, tasks: Sequence[Callable[[], None]]) -> None:
        with ThreadPoolExecutor(_AT_ONCE) as together:
            for done in [together.submit(task) for task in tasks]:
                done.result()
