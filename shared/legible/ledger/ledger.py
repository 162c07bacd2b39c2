"""The ledger: one payer for each document, decided by nothing but appends to one object.

Every payer reads the journal back before it uses the answer it paid for (``lines`` has the reasons); a payer that does
not find its own claim yields, and records its call as ``surplus``.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import msgspec
from msgspec import structs

from legible.errors import AppendConflictError, BusyError, LegibleError, RetryableError, UnavailableError
from legible.ledger.arbiter import JournalArbiter
from legible.ledger.changes import Changes
from legible.ledger.claim import Claim, Wish, fenced
from legible.ledger.flags import ClaimFlag, Flags
from legible.ledger.journal import Line
from legible.ledger.journals import PART_LINES, Journals, OpenJournal
from legible.ledger.lines import SKEW_SECONDS, TRIES
from legible.ledger.state import State
from legible.model.documents import Document, Reason
from legible.ports import Arbiter, Invocation, Site

#: The longest pause, in seconds, between two looks at the journal of a document that somebody else holds.
_LONGEST_PAUSE = 2.0
#: How long it may take to add a line to the journal of a finished document, in seconds.
_ADDING_SECONDS = 60.0


class Ledger:
    """Decides who may pay for a document.

    Args:
        site: Where journals are stored.
        call: The invocation that claims.
        arbiter: Decides, with the journal, who may pay; None for the journal alone.
        most: After how many lines a journal goes on in its next part.
        settle: How long, in seconds, an append that began earlier may take to overwrite one that was answered.
    """

    def __init__(
        self,
        site: Site,
        call: Invocation,
        arbiter: Arbiter | None = None,
        most: int = PART_LINES,
        settle: float = 0.0,
    ) -> None:
        """Claim nothing yet."""
        self._settle = settle
        self._call = call
        self._arbiter = arbiter or JournalArbiter()
        self._changes = Changes(site, call)
        self._flags = Flags(site, call)
        self.journals = Journals(site, most)

    def claim(self, document: Document, wish: Wish, patience: float) -> Claim | State:
        """Claim a document, or return the state of a finished one. The lease ends when the invocation does.

        Args:
            document: The document to claim.
            wish: Who claims it, and for what.
            patience: How long to wait, in seconds, for somebody else's lease to end in a result or to run out.

        Returns:
            The claim; or the state, when the document is finished.

        Raises:
            BusyError: Somebody else still holds it when patience ends, or it is being forgotten.
            UnavailableError: The journal takes no line.
            HeldError: The journal is an object that cannot be appended to.
        """
        give_up = self._call.now() + timedelta(seconds=patience)
        wait = 0.05
        while True:
            opened = self.journals.open(document, self._call.pause)
            if opened.state.forgotten is not None:
                raise _forgotten(document)
            again = _asked_again(document, opened.state, wish.again)
            goes_on = wish.share is None and resumes(opened.state)
            if opened.state.finished is not None and not (wish.reopen and (again or goes_on)):
                return opened.state
            claim = self._try(document, structs.replace(wish, resumed=goes_on and not again), opened)
            if isinstance(claim, Claim):
                return claim
            if self._call.now() >= give_up:
                raise claim
            self._call.pause(random.uniform(wait / 2, wait))
            wait = min(wait * 2, _LONGEST_PAUSE)

    def add(self, document: Document, make: Callable[[State], Line | None], settle: float) -> State:
        """Add a line to the journal of a finished document, and make sure that it is there.

        Args:
            document: The document whose journal gets the line.
            make: Returns the line for the journal as it is at that moment; None where there is nothing to write.
            settle: Seconds after which the journal is read back.

        Returns:
            The state with the line; unchanged where there was nothing to write.

        Raises:
            BusyError: The document is not finished: somebody works on it; or it is being forgotten.
            UnavailableError: The store takes no line.
        """
        self._changes.mark(document, self._changes.after(_ADDING_SECONDS))
        for number in range(TRIES):
            if number:
                self._call.pause(random.uniform(0.01, 0.1))
            opened = self.journals.open(document, self._call.pause)
            if opened.state.forgotten is not None:
                raise _forgotten(document)
            if opened.state.finished is None:
                raise _busy(document, opened.state)
            line = make(opened.state)
            if line is None or opened.state.has(line) or self._stood(opened, line, settle):
                return opened.state
        raise UnavailableError(f"The journal of {document.ref} took no line in {TRIES} tries.")

    def _stood(self, opened: OpenJournal, line: Line, settle: float) -> bool:
        """Append a line; tell whether the journal has it after a while, also where the append was sent twice."""
        with suppress(AppendConflictError):
            opened.put([line])
        self._call.pause(settle)
        opened.reload()
        return opened.state.has(line)

    def _try(self, document: Document, wish: Wish, opened: OpenJournal) -> Claim | RetryableError:
        """Take a document that nobody holds; else return why that is not possible now."""
        seconds, before = self._call.remaining(), self._call.now() - timedelta(seconds=SKEW_SECONDS)
        name = fenced(document, wish.share)
        fence = None
        if not opened.state.leases.held(before, wish.share, wish.plan):
            fence = self._arbiter.acquire(name, wish.owner, seconds)
        if fence is None:
            return _busy(document, opened.state)
        claim = Claim(document, wish, opened, self._call, self._arbiter, self._settle)
        if opened.new and wish.pages:  # else whoever pays is in the journal, or was, long enough ago
            first = next((page for page in range(1, wish.pages + 1) if claim.covers(page)), 0)
            claim.flag = ClaimFlag(self._flags, document, first, wish.owner) if first else None
        if self._begun(claim, fence, seconds):
            return claim
        self._arbiter.release(name, wish.owner)
        return UnavailableError(f"The journal of {document.ref} took no claim.", advice="The event is delivered again.")

    def _begun(self, claim: Claim, fence: int, seconds: float) -> bool:
        """Append the claim line, mark the journal as one that changes, raise a flag; tell whether the claim is taken.

        A claim without its mark is given back: what it would cost might not be counted.
        """
        with ThreadPoolExecutor(2) as beside:
            marked = beside.submit(self._changes.mark, claim.document, self._changes.after(seconds))
            raised = beside.submit(self._flag, claim, seconds)
            begun = False
            try:
                begun = claim.begin(fence, seconds)
            finally:
                if not begun and claim.flag is not None:
                    raised.result()
                    claim.flag.abandon(())
        claim.standing.first &= raised.result()
        try:
            marked.result()
        except LegibleError as error:
            if begun:
                with suppress(LegibleError):
                    claim.release(reason=Reason.of(error))
                raise
        return begun

    def _flag(self, claim: Claim, seconds: float) -> bool:
        """Raise the claim's flag, if it is to have one; tell whether it was up as soon as must be."""
        began = self._call.now()
        if claim.flag is None:
            return True
        try:
            claim.flag.show(began + timedelta(seconds=seconds))
        except LegibleError as error:
            self._call.log("no-flag", key=claim.document.key, reason=error.reason_code, message=str(error))
            return False
        return (self._call.now() - began).total_seconds() < self._settle


def _busy(document: Document, state: State) -> BusyError:
    busy_until = state.leases.busy_until
    until = f" until {busy_until:%H:%M:%S} UTC" if busy_until else ""
    return BusyError(
        f"Another invocation holds {document.ref}{until}.",
        advice="The event is delivered again; by then the document is finished, or the lease has ended.",
    )


def _forgotten(document: Document) -> BusyError:
    return BusyError(
        f"{document.ref} is being forgotten.",
        code="being-forgotten",
        advice="The same bytes under this key are a new document when nothing is left of it: in an hour or so.",
    )


def later_upload(document: Document, state: State) -> bool:
    """Tell whether this upload is later than the one the journal knows, with the same bytes: no redelivery."""
    before, after = state.uploaded_at, document.uploaded_at
    return after is not None and (before is None or after > before)


def uploaded_again(document: Document, state: State) -> bool:
    """Tell whether a document that was not done was uploaded again unchanged: somebody wants another try."""
    return state.finished is not None and state.finished.status != "done" and later_upload(document, state)


def resumes(state: State) -> bool:
    """Tell whether a finished document goes on at a later delivery: it was not done, for a reason that passes."""
    last = state.finished
    return last is not None and last.status != "done" and last.reason is not None and bool(last.reason.passes)


def _asked_again(document: Document, state: State, again: str) -> bool:
    """Tell whether a document that was not done is tried again: uploaded again, or asked for after this very end."""
    last = state.finished
    asked = last is not None and last.status != "done" and last.name == again
    return asked or uploaded_again(document, state)


def plan_of(operation: str, options: dict[str, Any], settings: dict[str, Any]) -> str:
    """Return the hash of what decides an answer: operation, options, settings; 16 hexadecimal digits."""
    body = msgspec.json.encode([operation, options, settings], order="sorted")
    return hashlib.sha256(body).hexdigest()[:16]
