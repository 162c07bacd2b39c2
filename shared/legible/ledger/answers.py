"""The answers that count, filed beside the record: each once in an invocation, as soon as it is known to count."""

from __future__ import annotations

import hashlib

from legible.ledger.journal import Line
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.ports import ObjectStore


class Filing:
    """Files answers. Safe for several threads.

    Args:
        store: Where answers lie.
        output: The output bucket.
    """

    def __init__(self, store: ObjectStore, output: str) -> None:
        """See the class."""
        self._store = store
        self._output = output
        self._filed: set[tuple[str, str]] = set()

    def file(self, document: Document, line: Line) -> None:
        """Give the answer a line names the name that the record gives, unless it was just given.

        Raises:
            ObjectGoneError: It is not there any more.
            UnavailableError: The store has a passing fault.
            HeldError: The store refuses.
        """
        target = layout.answer(document, line.page)
        if (target, line.answer) not in self._filed:
            self._store.copy(ObjectRef(self._output, line.answer), ObjectRef(self._output, target))
            self._filed.add((target, line.answer))


def digest(body: bytes) -> str:
    """Return the SHA-256 of an answer, in hexadecimal."""
    return hashlib.sha256(body).hexdigest()
