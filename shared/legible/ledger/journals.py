"""The journals of documents in the output bucket: loaded once, or opened to be written to."""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Callable

from legible.errors import AppendConflictError, DocumentError, RetryableError, UnavailableError
from legible.ledger import journal
from legible.ledger.journal import Line
from legible.ledger.lines import TRIES, read
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.ports import ObjectStore, Site, Wanted


class Journals:
    """Reads journals.

    Args:
        site: Where journals are stored.
    """

    def __init__(self, site: Site) -> None:
        """Read nothing yet."""
        self._site = site

    def load(self, document: Document) -> State:
        """Return the state that a document's journal describes; an empty state if it has no journal.

        Raises:
            InternalError: Something else changed the journal.
            UnavailableError: The store has a passing fault.
        """
        return self.open(document, lambda seconds: None).state

    def open(self, document: Document, pause: Callable[[float], None]) -> OpenJournal:
        """Open a journal to write to it; ``pause`` waits for a number of seconds. Raises as ``load`` does."""
        ref = self._site.in_output(layout.journal(document))
        return OpenJournal(self._site.store, ref, pause, f"The journal of {document.ref}")


class OpenJournal:
    """A journal as one writer knows it. Safe for several threads; ``lock`` makes several steps one.

    Appends run one after the other. So the thread whose turn it is appends the lines of all threads that wait;
    otherwise the journal would limit how many pages are called for in a second.

    Args:
        store: The store that holds it.
        ref: The journal's object.
        pause: Waits for a number of seconds.
        name: Whose journal it is, for errors.
    """

    def __init__(self, store: ObjectStore, ref: ObjectRef, pause: Callable[[float], None], name: str) -> None:
        """Read all of it."""
        self._name = name
        self._store = store
        self._ref = ref
        self._pause = pause
        self.lock = threading.RLock()
        self._waiting: deque[_WaitingLine] = deque()
        #: How many times reading the journal back was begun, and the number of the last successful one.
        self._begun = self._read = 0
        #: The journal's end as we know it: the last line read, and our own lines after it.
        self._tail = b""
        #: Our own lines that are in the journal, as far as we know.
        self.mine: list[Line] = []
        #: Whether all of it was read again since ``Claim.in_force`` last looked: then lines of ours may be gone.
        self.changed = False
        body = read(store, ref)
        self.state, self._length = State(journal.decode(body, ref.key)), len(body)

    def put(self, lines: list[Line]) -> None:
        """Append lines at the end as we know it, and add them to ``state``.

        Raises:
            AppendConflictError: The journal is longer than we know.
            DocumentError: The store refuses.
            UnavailableError: The store has a passing fault; the lines may be written all the same.
        """
        body = b"".join(map(journal.encode, lines))
        self._length = self._store.append(self._ref, self._length, body)
        self._tail += body
        for line in lines:
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
        mine = _WaitingLine(line, refusal)
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
        self.changed = True
        try:
            body = read(self._store, self._ref)
        except DocumentError as error:
            raise UnavailableError.of(error) from error
        self.state, self._length = State(journal.decode(body, self._ref.key)), len(body)
        self._tail = journal.encode(self.state.lines[-1]) if self.state.lines else b""

    def _catch_up(self) -> None:
        """Read what was added to the journal; with thousands of pages, it is not read whole for each of them.

        If our last lines are where we know them, the lines that others wrote follow. If an append overwrote ours, the
        whole journal is read.
        """
        first = self._length - len(self._tail)
        wanted = Wanted(first=first, last=self._length + journal.LONGEST_LINE)
        try:
            body = self._store.read(self._ref, wanted) if self._tail else b""
        except DocumentError:  # shorter than we know it
            body = b""
        if not body.startswith(self._tail or b"?") or len(body) > len(self._tail) + journal.LONGEST_LINE:
            self.reload()
            return
        for line in journal.decode(body[len(self._tail) :], self._ref.key):
            self.state.take(line)
        self._length = first + len(body)
        self._tail = journal.last_line(body)

    def _append_all(self, together: list[_WaitingLine]) -> None:
        """Append the waiting lines, and end each with its outcome; an error raised here is that of all others."""
        for number in range(TRIES + 1):
            together = [waiting for waiting in together if not self._settled(waiting)]
            if not together:
                return
            if 0 < number < TRIES:
                self._pause(random.uniform(0.01, 0.1))
            if number < TRIES:
                self._try(together)
        raise UnavailableError(f"{self._name} took no line in {TRIES} tries.")

    def _try(self, together: list[_WaitingLine]) -> None:
        try:
            self.put([waiting.line for waiting in together])
        except DocumentError as error:  # about the journal: it never ends the document
            raise UnavailableError.of(error) from error
        except AppendConflictError:
            self._catch_up()

    def _settled(self, waiting: _WaitingLine) -> bool:
        """Tell whether a line is in the journal, or must not be written any more."""
        if self.state.has(waiting.line):
            self.mine.append(waiting.line)
            waiting.end()
        elif (refusal := waiting.refusal()) is not None:
            waiting.end(refusal)
        return waiting.done


class _WaitingLine:
    """A line that waits to be appended, and what became of it."""

    def __init__(self, line: Line, refusal: Callable[[], RetryableError | None]) -> None:
        self.line = line
        self.refusal = refusal
        self.done = False
        self.error: BaseException | None = None

    def end(self, error: BaseException | None = None) -> None:
        """Say that it is appended, or why it is not."""
        self.done, self.error = True, error
