"""The journals of documents in the output bucket: read whole, or followed by one that writes to one of them."""

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
        site: Where they lie.
    """

    def __init__(self, site: Site) -> None:
        """Read nothing yet."""
        self._site = site

    def load(self, document: Document) -> State:
        """Return what the journal of a document adds up to; nothing where it has none.

        Raises:
            InternalError: It was changed by something else.
            UnavailableError: The store has a passing fault.
        """
        return self.open(document, lambda seconds: None).state

    def open(self, document: Document, pause: Callable[[float], None]) -> OpenJournal:
        """Read a journal, to go on writing to it; ``pause`` waits for so many seconds. Raises as ``load`` does."""
        ref = self._site.in_output(layout.journal(document))
        return OpenJournal(self._site.store, ref, pause, f"The journal of {document.ref}")


class OpenJournal:
    """A journal as one writer knows it. Safe for several threads, which hold ``lock`` for more than one step.

    An append can only follow the one before it. So a thread whose turn it is appends the lines of all that wait: else a
    journal would bound how many pages are called for in a second.

    Args:
        store: Where it lies.
        ref: Which object it is.
        pause: Waits for so many seconds.
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
        #: How many times it was begun to read the journal back, and the last of them that ended well.
        self._begun = self._read = 0
        #: What stands at its end, as far as we know: the last line read, and our own lines behind it.
        self._tail = b""
        #: The lines that were written through it and seen to stand.
        self.mine: list[Line] = []
        #: Whether it was read whole since somebody last asked: then lines of ours may be gone.
        self.changed = False
        body = read(store, ref)
        self.state, self._length = State(journal.decode(body, ref.key)), len(body)

    def put(self, lines: list[Line]) -> None:
        """Append lines behind what we know of, and take them in.

        Raises:
            AppendConflictError: More stands there than we know of.
            DocumentError: The store refuses.
            UnavailableError: The store has a passing fault; the lines may stand all the same.
        """
        body = b"".join(map(journal.encode, lines))
        self._length = self._store.append(self._ref, self._length, body)
        self._tail += body
        for line in lines:
            self.state.take(line)

    def append(self, line: Line, refusal: Callable[[], RetryableError | None] = lambda: None) -> None:
        """Append a line, and with it those of other threads that came to wait meanwhile.

        Args:
            line: What to write.
            refusal: Tells, by the journal as it is then, why the line must not be written any more.

        Raises:
            RetryableError: What ``refusal`` said; nothing was written.
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
        """Learn what others wrote; one reading serves all threads that asked before it began.

        Raises:
            UnavailableError: It cannot be read.
        """
        asked = self._begun
        with self.lock:
            if self._read <= asked:  # else somebody began to read it after we asked
                self._begun += 1
                self._catch_up()
                self._read = self._begun

    def reload(self) -> None:
        """Read all of it. Raises as ``refresh`` does."""
        self.changed = True
        try:
            body = read(self._store, self._ref)
        except DocumentError as error:
            raise UnavailableError.of(error) from error
        self.state, self._length = State(journal.decode(body, self._ref.key)), len(body)
        self._tail = journal.encode(self.state.lines[-1]) if self.state.lines else b""

    def _catch_up(self) -> None:
        """Learn what stands in the journal by now; with thousands of pages it is not read whole for each.

        Where our last lines stand as we know them, what others wrote is behind them. An append that was swallowed
        changes them: then it is read whole.
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
        """Append what waits, and say of each what became of it; an error is that of all that have no end by then."""
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
        except DocumentError as error:  # of the journal, not of the document: never its end
            raise UnavailableError.of(error) from error
        except AppendConflictError:
            self._catch_up()

    def _settled(self, waiting: _WaitingLine) -> bool:
        """Tell whether a line is in the journal, or must not be any more."""
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
