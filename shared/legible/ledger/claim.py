"""A claim: the right to pay for a document or for some of its pages, for a while."""

from __future__ import annotations

import itertools
import random
import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from legible.errors import AppendConflictError, BusyError, DocumentError, UnavailableError
from legible.ledger import journal
from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.model.pages import Share
from legible.ports import Wanted

if TYPE_CHECKING:
    from legible.ledger.ledger import Ledger


TRIES = 30


class Wish(Struct, frozen=True):
    """What a claim asks for.

    ``owner`` is a name no other claim has. ``plan`` is the hash of operation, options and settings; ``pages`` how many
    there are to call; ``page`` the one called first, announced with the claim if the journal is new, 0 for none.
    Without ``reopen`` a finished document stays finished. ``again`` names the end after which it is tried once more.
    ``share`` is the part of the pages that is wanted; None for the whole document, and the right to end it.
    """

    owner: str
    operation: str = ""
    options: dict[str, Any] = {}
    plan: str = ""
    pages: int = 0
    page: int = 0
    reopen: bool = True
    again: str = ""
    share: Share | None = None


class _WaitingLine:
    """A line that waits to be appended, and what became of it."""

    def __init__(self, line: Line, must_stand: bool) -> None:
        self.line = line
        self.must_stand = must_stand
        self.done = False
        self.error: BaseException | None = None

    def end(self, error: BaseException | None = None) -> None:
        """Say that it is appended, or why it is not."""
        self.done, self.error = True, error


class Claim:
    """A document that is ours until the lease ends: the only writer of its journal, as far as OBS lets anyone be sure.

    The claim of a ``share`` is that of its pages only, and others write beside it. Made by ``Ledger.claim``. Safe for
    several threads: the calls of one invocation write through one claim. As an append can only follow the one before,
    a thread whose turn it is appends the lines of all that wait, and reads back for all of them: else a journal would
    bound how many pages are called for in a second.
    """

    def __init__(
        self, ledger: Ledger, document: Document, owner: str, state: State, length: int, share: Share | None = None
    ) -> None:
        """Start from a journal just read; the claim line comes first."""
        self._ledger = ledger
        self.document = document
        self.owner = owner
        self.share = share
        self.state = state
        self._lock = threading.RLock()
        self._waiting: deque[_WaitingLine] = deque()
        #: How many times it was begun to read the journal back, and the last of them that ended well.
        self._begun = self._read = 0
        self._length = length
        #: What stands at the end of the journal, as far as we know: the last line read, and our own lines behind it.
        self._tail = b""
        self._mine: list[Line] = []
        #: A number is never given twice: a line whose append was not answered may stand all the same.
        self._numbers = itertools.count(1)
        self._reread = False
        #: The line it ended with, once it did.
        self.ended: Line | None = None
        self._ref = ObjectRef(ledger.bucket, layout.journal(document))
        self._name = fenced(document, share)

    def covers(self, page: int) -> bool:
        """Tell whether a page is ours."""
        return self.share is None or self.share.covers(page)

    def line(self, event: journal.Event, **values: Any) -> Line:
        """Return the next line of this owner; of now, unless the values say another time."""
        return Line(event=event, owner=self.owner, n=next(self._numbers), **{"at": self._ledger.now(), **values})

    def begin(self, line: Line) -> bool:
        """Append the claim line; tell whether it stands, even where the reply to the append was lost."""
        try:
            self._put([line])
        except (AppendConflictError, UnavailableError) as error:
            self._reload()
            if not self.state.has(line):
                if isinstance(error, UnavailableError):
                    raise
                return False
        self._mine.append(line)
        return True

    def write(self, event: journal.Event, *, always: bool = False, **values: Any) -> Line:
        """Append a line and take it into ``state``.

        Args:
            event: What happened.
            always: Write it even if the claim does not stand any more: it tells of money.
            values: What the line carries.

        Returns:
            The line.

        Raises:
            BusyError: The claim does not stand (any more): somebody else's does. Nothing was written.
            UnavailableError: The store takes no append.
        """
        line = self.line(event, **values)
        self._append(line, must_stand=not always)
        return line

    @property
    def progressed(self) -> bool:
        """Tell whether some page got its outcome under this claim."""
        return any(line.event == "answered" or line.state is not None for line in self._mine)

    def unsettled(self, seconds: float) -> float:
        """Return how many seconds are missing until the claim is that old."""
        claimed = next((line.at for line in self._mine if line.event == "claimed"), self._ledger.now())
        return max(0.0, seconds - (self._ledger.now() - claimed).total_seconds())

    def standing(self) -> bool:
        """Read the journal back and tell whether this claim is the one in force."""
        asked = self._begun
        with self._lock:
            if self._read <= asked:  # else somebody began to read it after we asked
                self._begun += 1
                self._catch_up()
                self._read = self._begun
            if self._reread and self._stands():
                self._confirm()
                self._reread = False
            return self._stands()

    def must_stand(self) -> None:
        """Read the journal back and yield where the claim is not the one in force.

        Raises:
            BusyError: Somebody else's claim is.
        """
        if not self.standing():
            raise BusyError(f"Another invocation claimed {self.document.ref}.", advice="This one yields to it.")

    def surplus(self, **values: Any) -> None:
        """Name a call that was paid beside somebody else's, whatever the claim is worth by now, and see it stand."""
        with self._lock:
            self._append(self.line("surplus", **values), must_stand=False)
            self._confirm()

    def release(self, **values: Any) -> None:
        """Let the next delivery in at once, instead of after the lease.

        A share's lines are seen to stand first, while nobody else may call for its pages, and then that it was let go.
        """
        try:
            with self._lock:
                if self.share is not None:
                    self._confirm()
                self.write("released", **values)
                if self.share is not None:
                    self._confirm()
        finally:
            self._ledger.arbiter.release(self._name, self.owner)

    def hand_on(self, hand: int) -> None:
        """Let the fresh invocation in that was called to go on, and tell that it was."""
        self.write("handed", hand=hand)
        self._ledger.arbiter.release(self._name, self.owner)

    def ending(self, **values: Any) -> Line:
        """Return the line it is to end with, not written yet: what hangs on it can be stored under its name before."""
        return self.line("finished", **values)

    def finish(self, line: Line) -> None:
        """Write how the document ended, and see every line of ours stand."""
        with self._lock:
            self._append(line, must_stand=True)
            self.ended = line
            self._confirm()
        self._ledger.arbiter.release(self._name, self.owner)

    def _stands(self) -> bool:
        return self.state.stands(self.owner) and any(
            line.event == "claimed" and self.state.has(line) for line in self._mine
        )

    def _put(self, lines: list[Line]) -> None:
        """Append lines behind what we know of, and take them in."""
        body = b"".join(map(journal.encode, lines))
        self._length = self._ledger.store.append(self._ref, self._length, body)
        self._tail += body
        for line in lines:
            self.state.take(line)

    def _catch_up(self) -> None:
        """Learn what stands in the journal by now; with thousands of pages it is not read whole for each.

        Where our last lines stand as we know them, what others wrote is behind them. An append that was swallowed
        changes them: then it is read whole.
        """
        first = self._length - len(self._tail)
        wanted = Wanted(first=first, last=self._length + journal.LONGEST_LINE)
        try:
            found = self._ledger.store.read(self._ref, wanted) if self._tail else b""
        except DocumentError:  # shorter than we know it
            found = b""
        if not found.startswith(self._tail or b"?") or len(found) > len(self._tail) + journal.LONGEST_LINE:
            self._reload()
            return
        for line in journal.decode(found[len(self._tail) :], self._ref.key):
            self.state.take(line)
        self._length = first + len(found)
        self._tail = journal.last_line(found)

    def _reload(self) -> None:
        self._reread = True
        try:
            self.state, self._length = self._ledger.load(self.document)
        except DocumentError as error:
            raise UnavailableError.of(error) from error
        self._tail = journal.encode(self.state.lines[-1]) if self.state.lines else b""

    def _append(self, line: Line, *, must_stand: bool) -> None:
        """Append a line, and with it those of other threads that came to wait meanwhile."""
        mine = _WaitingLine(line, must_stand)
        self._waiting.append(mine)
        with self._lock:
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

    def _append_all(self, together: list[_WaitingLine]) -> None:
        """Append what waits, and say of each what became of it; an error is that of all that have no end by then."""
        tries = 0
        while True:
            together = [waiting for waiting in together if not self._ended(waiting)]
            if not together:
                return
            if tries == TRIES:
                raise UnavailableError(f"The journal of {self.document.ref} took no line in {TRIES} tries.")
            if tries:
                self._ledger.pause(random.uniform(0.01, 0.1))
            tries += 1
            try:
                self._put([waiting.line for waiting in together])
            except DocumentError as error:  # of the journal, not of the document: never its end
                raise UnavailableError.of(error) from error
            except AppendConflictError:
                self._catch_up()

    def _ended(self, waiting: _WaitingLine) -> bool:
        """Tell whether a line is in the journal, or must not be any more."""
        if self.state.has(waiting.line):
            self._mine.append(waiting.line)
            waiting.end()
        elif waiting.must_stand and not self._stands():
            waiting.end(self._lost())
        return waiting.done

    def _lost(self) -> BusyError:
        message = f"Another invocation claimed {self.document.ref} at the same time."
        return BusyError(message, advice="This one yields to it.")

    def _confirm(self) -> None:
        """Write again what a simultaneous append swallowed; only lines behind a claim that stands, or surplus ones."""
        for _ in range(TRIES):
            self._reload()
            lost = [line for line in self._mine if not self.state.has(line) and line.event != "claimed"]
            if not lost:
                return
            for line in lost:
                self._mine.remove(line)
                self._append(line, must_stand=False)
            self._ledger.pause(random.uniform(0.01, 0.1))
        raise UnavailableError(f"The journal of {self.document.ref} keeps losing lines.")


def fenced(document: Document, share: Share | None) -> str:
    """Return what an arbiter knows a claim by."""
    return layout.journal(document) + (f"#{share.number}/{share.of}" if share else "")
