"""The journals of documents in the output bucket: loaded once, or opened to be written to."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from legible.errors import (
    AppendConflictError,
    DocumentError,
    InternalError,
    ObjectGoneError,
    RetryableError,
    UnavailableError,
)
from legible.ledger import journal
from legible.ledger.journal import Line
from legible.ledger.lines import TRIES, read
from legible.ledger.parts import Part, WaitingLine
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.ports import ObjectStore, Site, Wanted

#: After so many lines a journal goes on in its next part. An object takes 10,000 appends (api-obs obs_04_0088). An
#: append brings one line or more, but a simultaneous one may have overwritten lines, so a tenth is kept in reserve.
PART_LINES = 9_000


class Journals:
    """Reads journals.

    Args:
        site: Where journals are stored.
        most: After how many lines a journal goes on in its next part.
    """

    def __init__(self, site: Site, most: int = PART_LINES) -> None:
        """Read nothing yet."""
        self._site = site
        self._most = most

    def load(self, document: Document) -> State:
        """Return the state that a document's journal describes; an empty state if it has no journal.

        Raises:
            InternalError: Something else changed the journal.
            UnavailableError: The store has a passing fault.
        """
        return self.open(document, lambda seconds: None).state

    def readable(self, document: Document) -> State:
        """Return what ``load`` does; for a journal that something else spoilt, the state of a document not begun.

        Raises:
            UnavailableError: The store has a passing fault.
        """
        try:
            return self.load(document)
        except InternalError:
            return State()

    def salvaged(self, document: Document) -> State:
        """Return the state by those lines of a journal that can be read, whatever the others are."""
        return self.stored(layout.journal(document).removesuffix(".jsonl"))

    def stored(self, stem: str) -> State:
        """Return the same for the journal whose parts have this key, without their endings."""
        state, number = State(), 1
        while body := read(self._site.store, self._site.in_output(layout.listed(stem, number))):
            for text in body.splitlines():
                with suppress(InternalError):
                    state.take(*journal.decode(text, ""))
            number += 1
        return state

    def open(self, document: Document, pause: Callable[[float], None]) -> OpenJournal:
        """Open a journal to write to it; ``pause`` waits for a number of seconds. Raises as ``load`` does."""

        def part(number: int) -> ObjectRef:
            return self._site.in_output(layout.journal(document, number))

        return OpenJournal(self._site.store, part, pause, f"The journal of {document.ref}", self._most)


class OpenJournal:
    """A journal as one writer knows it. Safe for several threads; ``lock`` makes several steps one.

    Appends run one after the other. So the thread whose turn it is appends the lines of all threads that wait;
    otherwise the journal would limit how many pages are called for in a second.

    A part that has enough lines ends with the line ``continued``, and everybody goes on in the next one. Should a
    simultaneous append overwrite that line, the next writer writes it again; so a next part is looked for, too, where
    a part without that line is half full.

    Args:
        store: The store that holds it.
        part: Returns the object that holds the part of a number, from 1.
        pause: Waits for a number of seconds.
        name: Whose journal it is, for errors.
        most: After how many lines a part ends.
    """

    def __init__(
        self,
        store: ObjectStore,
        part: Callable[[int], ObjectRef],
        pause: Callable[[float], None],
        name: str,
        most: int = PART_LINES,
    ) -> None:
        """Read all of it."""
        self.name = name
        self._store = store
        self._part = part
        self._pause = pause
        self._most = most
        self.lock = threading.RLock()
        self._waiting: deque[WaitingLine] = deque()
        #: Lines that go with the next append.
        self._held: list[Line] = []
        #: Whether lines that were held were sent, and nobody knows whether they arrived.
        self._doubted = False
        #: How many times reading the journal back was begun, and the number of the last successful one.
        self._begun = self._read = 0
        #: Our own lines that are in the journal, as far as we know.
        self.mine: list[Line] = []
        #: Whether all of it was read again since ``Claim.in_force`` last looked: then lines of ours may be gone.
        self.changed = False
        #: Whether there was no such object when it was read first.
        self.new = False
        self._end = Part(1)
        self._read_all()

    def put(self, lines: list[Line]) -> None:
        """Append lines at the end as we know it, and add them to ``state``.

        Raises:
            AppendConflictError: The journal is longer than we know.
            DocumentError: The store refuses.
            UnavailableError: The store has a passing fault; the lines may be written all the same.
        """
        if self._end.count >= self._most:
            number = self._end.number + 1
            self._put([Line("continued", lines[0].at, "", number, v=2)])
            self._end = Part(number)
        held, self._held = self._held, []
        try:
            self._put([*held, *lines])
        except Exception:
            self._doubted = self._doubted or bool(held)
            raise

    def hold(self, line: Line) -> None:
        """Take a line into ``state`` and ``mine`` that is appended with the next one.

        If that append meets others, the whole journal is read, and ``Standing`` finds whether the line is there.
        """
        with self.lock:
            self._held.append(line)
            self.mine.append(line)
            self.state.take(line)

    def _put(self, lines: list[Line]) -> None:
        body = b"".join(map(journal.encode, lines))
        end = self._end
        end.size = self._store.append(self._part(end.number), end.size, body)
        end.tail += body
        end.count += len(lines)
        for line in lines:
            if not self.state.has(line):  # what was held is there already
                self.state.take(line)

    def append(self, line: Line, refusal: Callable[[], RetryableError | None] = lambda: None) -> None:
        """Append a line, together with the lines that other threads wait to append.

        Args:
            line: What to write.
            refusal: Returns why the line must not be written any more, by the journal of that moment; else None.

        Raises:
            RetryableError: The error that ``refusal`` returned; nothing was written.
            UnavailableError: The journal takes no line.
        """
        mine = WaitingLine(line, refusal)
        self._waiting.append(mine)
        with self.lock:
            if not mine.done:
                together = [self._waiting.popleft() for _ in range(len(self._waiting))]
                try:
                    self._append_all(together)
                except BaseException as error:
                    for waiting in together:
                        if not waiting.done:
                            waiting.end(error)
        if mine.error is not None:
            raise mine.error

    def refresh(self) -> None:
        """Read what others wrote; one read serves all threads that asked before it began.

        Raises:
            UnavailableError: The journal cannot be read.
        """
        asked = self._begun
        with self.lock:
            if self._read <= asked:  # else somebody began to read it after we asked
                self._begun += 1
                self._catch_up()
                self._read = self._begun

    def reload(self) -> None:
        """Read the whole journal. Raises as ``refresh`` does."""
        self.changed, self._doubted, self._held = True, False, []
        try:
            self._read_all()
        except DocumentError as error:
            raise UnavailableError.of(error) from error

    def _read_all(self) -> None:
        parts = self._parts(1)
        self.state = State()
        for part in parts:
            self._enter(part)

    def _parts(self, number: int) -> list[Part]:
        """Read a part and every part after it."""
        parts = []
        body = self._read_part(number)
        while True:
            lines = journal.decode(body, self._part(number).key)
            parts.append(Part(number, len(body), len(lines), journal.last_line(body), lines))
            certain, number = journal.goes_on(lines), number + 1
            body = read(self._store, self._part(number)) if certain or len(lines) >= self._most / 2 else b""
            if not certain and not body:
                return parts

    def _read_part(self, number: int) -> bytes:
        try:
            return self._store.read(self._part(number))
        except ObjectGoneError:
            self.new = number == 1 and not self.mine
            return b""

    def _enter(self, part: Part) -> None:
        """Go on in a part that was just read."""
        self._end = part
        for line in part.lines:
            self.state.take(line)

    def _catch_up(self) -> None:
        """Read what was added to the journal; with thousands of pages, it is not read whole for each of them.

        If our last lines are where we know them, the lines that others wrote follow. If an append overwrote ours, the
        whole journal is read.
        """
        end = self._end
        first, ref = end.size - len(end.tail), self._part(end.number)
        wanted = Wanted(first=first, last=end.size + journal.LONGEST_LINE)
        try:
            body = self._store.read(ref, wanted) if end.tail and not self._doubted else b""
        except DocumentError:  # shorter than we know it
            body = b""
        if not body.startswith(end.tail or b"?") or len(body) > len(end.tail) + journal.LONGEST_LINE:
            self.reload()
            return
        lines = journal.decode(body[len(end.tail) :], ref.key)
        for line in lines:
            self.state.take(line)
        end.size, end.count, end.tail = first + len(body), end.count + len(lines), journal.last_line(body)
        if journal.goes_on(lines):
            for part in self._parts(self._end.number + 1):
                self._enter(part)

    def _append_all(self, together: list[WaitingLine]) -> None:
        """Append the waiting lines, and end each with its outcome; an error raised here is that of all others."""
        for number in range(TRIES + 1):
            together = [waiting for waiting in together if not self._settled(waiting)]
            if not together:
                return
            if 0 < number < TRIES:
                self._pause(random.uniform(0.01, 0.1))
            if number < TRIES:
                self._try(together)
        raise UnavailableError(f"{self.name} took no line in {TRIES} tries.")

    def _try(self, together: list[WaitingLine]) -> None:
        try:
            self.put([waiting.line for waiting in together])
        except DocumentError as error:  # about the journal: it never ends the document
            raise UnavailableError.of(error) from error
        except AppendConflictError:
            self._catch_up()

    def _settled(self, waiting: WaitingLine) -> bool:
        """Tell whether a line is in the journal, or must not be written any more."""
        if self.state.has(waiting.line):
            self.mine.append(waiting.line)
            waiting.end()
        elif (refusal := waiting.refusal()) is not None:
            waiting.end(refusal)
        return waiting.done
