"""Paid answers: kept as received under their payer's name, filed where the record names them, found and verified."""

from __future__ import annotations

import hashlib

from msgspec import Struct, structs
from tenacity import Retrying, retry_if_exception_type, wait_random

from legible.errors import InternalError, ObjectGoneError, UnavailableError
from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document
from legible.ports import Invocation, Site

#: Name of the object metadata that carries the service's request id beside a stored answer.
_REQUEST_ID = "ocr-request"
#: How the owner's name ends under which an answer is stored that is none.
UNUSABLE = "-unusable"
#: How the owner's name ends under which an answer is stored that another document paid for.
ADOPTED = "-adopted"
#: Less time than this, in seconds, is not worth another try to store an answer.
_SHORTEST_TRY = 2.0


class StoredAnswer(Struct, frozen=True):
    """A stored answer in the output bucket: its key, the bytes received, and the id of the service's request."""

    key: str
    body: bytes
    request_id: str


class Answers:
    """Keeps and finds answers. Safe for several threads.

    Args:
        site: Where answers are stored.
        call: The invocation: gives the time left and a way to wait.
    """

    def __init__(self, site: Site, call: Invocation) -> None:
        """Start with no answer filed."""
        self._site = site
        self._call = call
        self._filed: set[tuple[str, str]] = set()

    def keep(self, document: Document, page: int, owner: str, body: bytes, request_id: str) -> str:
        """Store an answer before anything reads it; return its key. Temporary faults are retried while time is left.

        Args:
            document: The document the answer belongs to.
            page: The page's number, from 1.
            owner: Who paid; part of the key, so that two payers never overwrite each other's answer.
            body: The answer as received.
            request_id: The id of the service's request.

        Raises:
            UnavailableError: The store has a fault that did not pass in time.
            HeldError: The store refuses.
        """
        key = self.key(document, page, owner)
        Retrying(
            retry=retry_if_exception_type(UnavailableError),
            wait=wait_random(0.2, 1.0),
            stop=lambda state: self._call.remaining() < _SHORTEST_TRY,
            sleep=self._call.pause,
            reraise=True,
        )(self._site.store.write, self._site.in_output(key), body, "application/json", {_REQUEST_ID: request_id})
        return key

    def file(self, document: Document, line: Line) -> None:
        """Copy the answer that a line names to the key that the record names, unless this was already done.

        Raises:
            ObjectGoneError: The answer is gone.
            UnavailableError: The store has a passing fault.
            HeldError: The store refuses.
        """
        target = layout.answer(document, line.page)
        if (target, line.answer) not in self._filed:
            self._site.store.copy(self._site.in_output(line.answer), self._site.in_output(target))
            self._filed.add((target, line.answer))

    def key(self, document: Document, page: int, owner: str) -> str:
        """Return the key under which ``keep`` stores an answer."""
        return layout.answer(document, page, owner)

    def find(self, key: str) -> StoredAnswer | None:
        """Return the answer of that key, which a payer may have stored before it died; None if there is none.

        Raises:
            UnavailableError: The store has a passing fault.
            HeldError: The store refuses.
        """
        ref = self._site.in_output(key)
        try:
            body = self._site.store.read(ref)
            if not body:  # a flag
                return None
            return StoredAnswer(key, body, self._site.store.head(ref).metadata.get(_REQUEST_ID, ""))
        except ObjectGoneError:
            return None

    def recovered(self, document: Document, state: State, *, certain: bool = True) -> State:
        """Add to a state every stored answer that its journal does not name, as if its payer had lived to say so.

        For a document whose journal cannot be used: its record tells of all that was paid for.

        Args:
            document: Which document.
            state: What its journal says.
            certain: Whether the service can only have read this very upload; otherwise its answer counts as surplus.
        """
        for page, line in [*state.orphans(""), *self.unnamed(document, state)]:
            stored = self.find(line.answer or self.key(document, page, line.owner))
            if stored is not None:
                counts = certain and not state.has_answer(page)
                state.take(
                    structs.replace(
                        line,
                        event="answered" if counts else "surplus",
                        n=-page,
                        request_id=stored.request_id,
                        answer=stored.key,
                        sha256=digest(stored.body),
                        note="Found in the output bucket; the journal does not name it.",
                    )
                )
        return state

    def unnamed(self, document: Document, state: State) -> list[tuple[int, Line]]:
        """Return page and call of each payer whose stored answer no line names, and whose call no line announces.

        Raises:
            UnavailableError: The store has a passing fault.
            HeldError: The store refuses.
        """
        named = {line.answer for line in state.lines}
        told = {line.answer or self.key(document, page, line.owner) for page, line in state.orphans("")}
        payers = [
            layout.payer(document, item.key)
            for item in self._site.store.list(self._site.output, layout.version(document, ""))
            if item.size and item.key not in named | told
        ]
        return [
            (page, Line("calling", self._call.now(), owner, -page, page))
            for page, owner in payers
            if page and not owner.endswith((UNUSABLE, ADOPTED))
        ]

    def verified(self, line: Line, received: bytes | None = None) -> bytes:
        """Return the answer, or the review, that a line names. Bytes received just now are not read again.

        Raises:
            InternalError: The answer is gone, or its SHA-256 is not the line's.
            UnavailableError: The store has a passing fault.
        """
        if received is not None and digest(received) == line.sha256:
            return received
        try:
            body = self._site.store.read(self._site.in_output(line.answer))
        except ObjectGoneError:
            raise InternalError(
                f"The stored answer {line.answer} is gone.",
                code="answer-gone",
                advice="Something else removed it; restore it.",
            ) from None
        if digest(body) != line.sha256:
            raise InternalError(
                f"The stored answer {line.answer} is not the one that was paid for.",
                code="answer-altered",
                advice="Something else wrote it; restore it.",
            )
        return body


def digest(body: bytes) -> str:
    """Return the SHA-256 of an answer, in hexadecimal."""
    return hashlib.sha256(body).hexdigest()
