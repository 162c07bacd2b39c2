"""The ledger: one payer a document, with nothing but appends to one object as the judge.

OBS AppendObject is optimistic concurrency: ``position`` must equal the object's length (api-obs obs_04_0088), and a
read after a successful write sees it (obs_04_0118). What OBS does not promise is an order between truly simultaneous
appends (obs_faq_0165): both may succeed and the last one stands. So every payer reads the journal back before it uses
what it paid for; whoever does not find its own claim yields, and names its call as ``surplus``.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
from msgspec import Struct

from legible import journal, layout
from legible.errors import AppendConflictError, BusyError, DocumentError, ObjectGoneError, UnavailableError
from legible.journal import Line, Share, State
from legible.model import Document, ObjectRef
from legible.ports import Arbiter, ObjectStore, Wanted

#: Clocks of two instances may differ by this much; a lease is taken over only that long after its end.
SKEW_SECONDS = 1.0
#: The longest pause between two looks at a journal that somebody else holds.
_LONGEST_PAUSE = 2.0
_TRIES = 30


def utc_now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(timezone.utc)


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


class JournalArbiter:
    """The default: the journal's own claim line decides, nobody is asked. See ``legible.ports.Arbiter``."""

    def acquire(self, name: str, owner: str, seconds: float) -> int | None:
        """Always grant; the number 0 says that no arbiter fenced the claim."""
        return 0

    def release(self, name: str, owner: str) -> None:
        """Nothing was taken."""


class _Waiting:
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
        self._waiting: deque[_Waiting] = deque()
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
        self._name = _fenced(document, share)

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
        mine = _Waiting(line, must_stand)
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

    def _append_all(self, together: list[_Waiting]) -> None:
        """Append what waits, and say of each what became of it; an error is that of all that have no end by then."""
        tries = 0
        while True:
            together = [waiting for waiting in together if not self._ended(waiting)]
            if not together:
                return
            if tries == _TRIES:
                raise UnavailableError(f"The journal of {self.document.ref} took no line in {_TRIES} tries.")
            if tries:
                self._ledger.pause(random.uniform(0.01, 0.1))
            tries += 1
            try:
                self._put([waiting.line for waiting in together])
            except DocumentError as error:  # of the journal, not of the document: never its end
                raise UnavailableError.of(error) from error
            except AppendConflictError:
                self._catch_up()

    def _ended(self, waiting: _Waiting) -> bool:
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
        for _ in range(_TRIES):
            self._reload()
            lost = [line for line in self._mine if not self.state.has(line) and line.event != "claimed"]
            if not lost:
                return
            for line in lost:
                self._mine.remove(line)
                self._append(line, must_stand=False)
            self._ledger.pause(random.uniform(0.01, 0.1))
        raise UnavailableError(f"The journal of {self.document.ref} keeps losing lines.")


class Ledger:
    """Journals in the output bucket.

    Args:
        store: Where they lie.
        bucket: The output bucket.
        arbiter: Who may pay, beside the journal.
        now: The clock.
        pause: Waits for so many seconds.
    """

    def __init__(
        self,
        store: ObjectStore,
        bucket: str,
        arbiter: Arbiter | None = None,
        now: Callable[[], datetime] = utc_now,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """See the class."""
        self.store = store
        self.bucket = bucket
        self.arbiter = arbiter or JournalArbiter()
        self.now = now
        self.pause = pause

    def load(self, document: Document) -> tuple[State, int]:
        """Return the state of a document, and the length of its journal in bytes."""
        key = layout.journal(document)
        body = self._read(ObjectRef(self.bucket, key))
        return State(journal.decode(body, key)), len(body)

    def claim(self, document: Document, wish: Wish, remaining: Callable[[], float], patience: float) -> Claim | State:
        """Take a document, or learn how it ended.

        Args:
            document: What to take.
            wish: Who asks, and for what.
            remaining: How many seconds the asker can still work; the lease ends then.
            patience: How long to wait, in seconds, for somebody else's lease to end in a result or to run out.

        Returns:
            The claim; or the state, when the document is finished.

        Raises:
            BusyError: Somebody else still holds it when patience ends.
            UnavailableError: The journal takes no line.
            HeldError: The journal is an object that cannot be appended to.
        """
        give_up = self.now() + timedelta(seconds=patience)
        wait = 0.05
        while True:
            state, length = self.load(document)
            if state.finished is not None and not (wish.reopen and _reopens(document, state, wish.again)):
                return state
            seconds = remaining()
            held = state.held(self.now() - timedelta(seconds=SKEW_SECONDS), wish.share, wish.plan)
            fence = None if held else self.arbiter.acquire(_fenced(document, wish.share), wish.owner, seconds)
            if fence is not None:
                claim = Claim(self, document, wish.owner, state, length, wish.share)
                if claim.begin(self._first_line(claim, wish, fence, seconds)):
                    return claim
                self.arbiter.release(_fenced(document, wish.share), wish.owner)
            if self.now() >= give_up:
                raise self._untaken(document) if fence is not None else self._busy(document, state)
            self.pause(random.uniform(wait / 2, wait))
            wait = min(wait * 2, _LONGEST_PAUSE)

    def add(self, document: Document, make: Callable[[State], Line | None], settle: float) -> State:
        """Add a line to the journal of a finished document, and see it stand.

        Args:
            document: Whose journal.
            make: Returns the line for the journal as it is at that moment; None where there is nothing to write.
            settle: How many seconds later the journal is read back.

        Returns:
            The state with the line, or as it is.

        Raises:
            BusyError: The document is not finished: somebody works on it.
            UnavailableError: The store takes no line.
        """
        for _ in range(_TRIES):
            state, length = self.load(document)
            if state.finished is None:
                raise self._busy(document, state)
            line = make(state)
            if line is None:
                return state
            try:
                self.store.append(ObjectRef(self.bucket, layout.journal(document)), length, journal.encode(line))
            except AppendConflictError:
                self.pause(random.uniform(0.01, 0.1))
            else:
                self.pause(settle)
            state, _ = self.load(document)
            if state.has(line):
                return state
        raise UnavailableError(f"The journal of {document.ref} took no line in {_TRIES} tries.")

    def _first_line(self, claim: Claim, wish: Wish, fence: int, seconds: float) -> Line:
        return claim.line(
            "claimed",
            page=0 if claim.state.lines or wish.share else wish.page,
            pages=wish.pages,
            operation=wish.operation,
            options=wish.options,
            plan=wish.plan,
            share=wish.share,
            fence=fence,
            lease_until=self.now() + timedelta(seconds=seconds),
            uploaded_at=claim.document.uploaded_at,
        )

    def _read(self, ref: ObjectRef) -> bytes:
        try:
            return self.store.read(ref)
        except ObjectGoneError:
            return b""

    def _untaken(self, document: Document) -> UnavailableError:
        return UnavailableError(f"The journal of {document.ref} took no claim.", advice="The event is delivered again.")

    def _busy(self, document: Document, state: State) -> BusyError:
        until = f" until {state.busy_until:%H:%M:%S} UTC" if state.busy_until else ""
        return BusyError(
            f"Another invocation holds {document.ref}{until}.",
            advice="The event is delivered again; by then the result stands, or the lease has ended.",
        )


def _fenced(document: Document, share: Share | None) -> str:
    """Return what an arbiter knows a claim by."""
    return layout.journal(document) + (f"#{share.number}/{share.of}" if share else "")


def later_upload(document: Document, state: State) -> bool:
    """Tell whether this is another upload of the same bytes than the one the journal knows, not a redelivery."""
    before, after = state.uploaded_at, document.uploaded_at
    return after is not None and (before is None or after > before)


def uploaded_again(document: Document, state: State) -> bool:
    """Tell whether a document that was not done was uploaded anew, unchanged: somebody wants it tried again."""
    return state.finished is not None and state.finished.status != "done" and later_upload(document, state)


def _reopens(document: Document, state: State, again: str) -> bool:
    """Tell whether a document that was not done is tried again; one asked for by hand only after the end it names."""
    last = state.finished
    asked = last is not None and last.status != "done" and last.name == again
    return asked or uploaded_again(document, state)


def plan_of(operation: str, options: dict[str, Any], settings: dict[str, Any]) -> str:
    """Return the hash of what decides an answer: operation, options, settings; 16 hexadecimal digits."""
    body = msgspec.json.encode([operation, options, settings], order="sorted")
    return hashlib.sha256(body).hexdigest()[:16]
