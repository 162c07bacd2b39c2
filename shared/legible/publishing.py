"""What people open: record and workbook of the newest upload of a key, and never of an older one."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import msgspec

from legible import layout, workbook
from legible.errors import ObjectGoneError, UnavailableError
from legible.ledger import Ledger
from legible.model import Attachment, Document, Extract, ObjectRef, Record
from legible.ports import ObjectStore

_RECORD = "application/json"
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_TRIES = 10


def encoded(record: Record) -> bytes:
    """Return a record as ``record.json``: two spaces of indent, keys in the order of the schema, UTF-8."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


class Publisher:
    """Writes results.

    Args:
        store: Where they lie.
        output: The output bucket.
        ledger: Who knows which upload of a key is the newest.
    """

    def __init__(self, store: ObjectStore, output: str, ledger: Ledger) -> None:
        """See the class."""
        self._store = store
        self._output = output
        self._ledger = ledger

    def attach(self, document: Document, extract: Extract) -> tuple[Attachment, ...]:
        """Store the files that came inside the answers, beside the answers."""
        return tuple(self._attach(document, *file) for file in extract.files)

    def _attach(self, document: Document, name: str, page: int, media_type: str, body: bytes) -> Attachment:
        key = layout.attachment(document, page, name)
        self._store.write(ObjectRef(self._output, key), body, media_type)
        return Attachment(name, page, key, media_type, len(body))

    def publish(self, record: Record) -> bool:
        """Write a record and its workbook where people look, unless a newer upload of the key has its own there.

        Returns:
            False where a newer upload's result stands instead.
        """
        document, body = record.document, encoded(record)
        self._store.write(ObjectRef(self._output, layout.record(document)), body, _RECORD)
        self._ledger.announce(document)
        for _ in range(_TRIES):
            newest = self._ledger.newest(document)
            if newest in ("", document.version):
                self._write(record, body)
                newest = self._ledger.newest(document)
            if newest == document.version:
                return True
            if newest:
                self._put_back(document, newest)
                return False
            self._ledger.announce(document)
        raise UnavailableError(f"The list of versions of {document.ref} keeps losing lines.")

    def _put_back(self, document: Document, version: str) -> None:
        """Write the newer version's result again, if it has one by now; else it will write its own."""
        newer = msgspec.structs.replace(document, version=version)
        try:
            body = self._store.read(ObjectRef(self._output, layout.record(newer)))
        except ObjectGoneError:
            return
        self._write(msgspec.json.decode(body, type=Record), body)

    def _write(self, record: Record, body: bytes) -> None:
        files: Sequence[tuple[str, bytes, str]] = (
            ("record.json", body, _RECORD),
            ("record.xlsx", workbook.one(record), _WORKBOOK),
        )
        key = record.document.key
        with ThreadPoolExecutor(len(files)) as together:
            writing = [
                together.submit(self._store.write, ObjectRef(self._output, layout.results(key, name)), content, kind)
                for name, content, kind in files
            ]
        for written in writing:
            written.result()
