"""What people open: record and workbook of the newest upload of a key, and never of an older one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import msgspec
from msgspec import Struct

from legible import layout, workbook
from legible.errors import ObjectGoneError, UnavailableError
from legible.model import Attachment, Document, Extract, ObjectRef, Record
from legible.newest import NEVER, LostError, Newest, Version
from legible.ports import ObjectStore

_RECORD = "application/json"
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TRIES = 10
#: How many objects are written at once.
_AT_ONCE = 4
#: Key, content and media type of an object to write.
File = tuple[str, bytes, str]


_Kind = TypeVar("_Kind")


class _Published(Struct):
    """As much of a published record as tells which upload it is of."""

    document: Version


def encoded(record: Record) -> bytes:
    """Return a record as ``record.json``: two spaces of indent, keys in the order of the schema, UTF-8."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


class Publisher:
    """Writes results.

    Args:
        store: Where they lie.
        output: The output bucket.
        newest: Knows which upload of a key is the newest.
    """

    def __init__(self, store: ObjectStore, output: str, newest: Newest) -> None:
        """See the class."""
        self._store = store
        self._output = output
        self._newest = newest

    def attach(self, document: Document, extract: Extract) -> tuple[Attachment, ...]:
        """Store the files that came inside the answers, beside the answers."""
        return tuple(self._attach(document, *file) for file in extract.files)

    def _attach(self, document: Document, name: str, page: int, media_type: str, body: bytes) -> Attachment:
        key = layout.attachment(document, page, name)
        self._store.write(ObjectRef(self._output, key), body, media_type)
        return Attachment(name, page, key, media_type, len(body))

    def publish(self, record: Record, answers: Mapping[int, bytes], *, yields: bool = False) -> bool:
        """Write a record and its workbook where people look, unless a newer upload of the key has its own there.

        Args:
            record: What to write.
            answers: The answers that count, by page; they are filed beside the record.
            yields: The upload was replaced; it counts as older than any other one of its key.

        Returns:
            False where a newer upload's result stands instead.
        """
        document, body = record.document, encoded(record)
        self._store.write(ObjectRef(self._output, layout.record(document)), body, _RECORD)
        self._together([(layout.answer(document, page), answer, _RECORD) for page, answer in answers.items()])
        if yields:
            document = msgspec.structs.replace(document, uploaded_at=None)
        for _ in range(_TRIES):
            told = self._newest.announce(document)
            try:
                newer = (self._newest.newer(document) if told else None) or self._standing(document)
                if newer is None:
                    self._write(record, body)
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

    def publish_again(self, document: Document) -> None:
        """Put the result of an earlier upload of the same bytes back on top: they were uploaded again."""
        record = self.known(document)
        if record is None:
            return
        if (document.uploaded_at or NEVER) > (record.document.uploaded_at or NEVER):
            known = msgspec.structs.replace(record.document, uploaded_at=document.uploaded_at)
            record = msgspec.structs.replace(record, document=known)
        self.publish(record, {})

    def known(self, document: Document) -> Record | None:
        """Return the record this very version has; None where it has none, or one that nobody can read."""
        return self._decoded(layout.record(document), Record)

    def _decoded(self, key: str, kind: type[_Kind]) -> _Kind | None:
        try:
            return msgspec.json.decode(self._store.read(ObjectRef(self._output, key)), type=kind)
        except (ObjectGoneError, msgspec.MsgspecError, UnicodeDecodeError):
            return None

    def _standing(self, document: Document) -> Version | None:
        """Return the version whose result lies there, if it was uploaded later than this one."""
        published = self._decoded(layout.results(document.key, "record.json"), _Published)
        if published is None:
            return None
        found = published.document
        later = (found.uploaded_at or NEVER) > (document.uploaded_at or NEVER)
        return found if later and found.version != document.version else None

    def _put_back(self, document: Document, version: Version) -> None:
        """Write the newer version's result again, if it has one by now and nothing newer lies there; else it will."""
        newer = msgspec.structs.replace(document, version=version.version, uploaded_at=version.uploaded_at)
        if self._standing(newer) is not None:
            return
        record = self.known(newer)
        if record is not None:
            self._write(record, encoded(record))

    def _write(self, record: Record, body: bytes) -> None:
        key = record.document.key
        book = workbook.one(record)
        self._together([
            (layout.results(key, "record.json"), body, _RECORD),
            (layout.results(key, "record.xlsx"), book, _WORKBOOK),
        ])  # fmt: skip

    def _together(self, files: Sequence[File]) -> None:
        if len(files) < 2:
            for key, content, kind in files:
                self._store.write(ObjectRef(self._output, key), content, kind)
            return
        with ThreadPoolExecutor(_AT_ONCE) as together:
            writing = [
                together.submit(self._store.write, ObjectRef(self._output, key), content, kind)
                for key, content, kind in files
            ]
        for written in writing:
            written.result()
