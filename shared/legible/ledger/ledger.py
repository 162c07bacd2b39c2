"""The ledger: one payer a document, with nothing but appends to one object as the judge.

OBS AppendObject is optimistic concurrency: ``position`` must equal the object's length (api-obs obs_04_0088), and a
read after a successful write sees it (obs_04_0118). What OBS does not promise is an order between truly simultaneous
appends (obs_faq_0165): both may succeed and the last one stands. So every payer reads the journal back before it uses
what it paid for; whoever does not find its own claim yields, and names its call as ``surplus``.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from legible.errors import AppendConflictError, BusyError, ObjectGoneError, UnavailableError
from legible.ledger import journal
from legible.ledger.arbiter import JournalArbiter
from legible.ledger.claim import TRIES, Claim, Wish, fenced
from legible.ledger.journal import Line
from legible.ledger.journals import utc_now
from legible.ledger.lines import SKEW_SECONDS
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.ports import Arbiter, ObjectStore

#: The longest pause between two looks at a journal that somebody else holds.
_LONGEST_PAUSE = 2.0


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
            fence = None if held else self.arbiter.acquire(fenced(document, wish.share), wish.owner, seconds)
            if fence is not None:
                claim = Claim(self, document, wish.owner, state, length, wish.share)
                if claim.begin(self._first_line(claim, wish, fence, seconds)):
                    return claim
                self.arbiter.release(fenced(document, wish.share), wish.owner)
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
        for _ in range(TRIES):
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
        raise UnavailableError(f"The journal of {document.ref} took no line in {TRIES} tries.")

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
