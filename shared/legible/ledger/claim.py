"""A claim: the right to pay for a document or for some of its pages, until its lease ends."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

from msgspec import Struct

from legible.errors import AppendConflictError, BusyError, UnavailableError
from legible.ledger import journal
from legible.ledger.flags import ClaimFlag
from legible.ledger.journal import Line
from legible.ledger.journals import OpenJournal
from legible.ledger.standing import Standing
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document
from legible.model.pages import Share
from legible.ports import Arbiter, Invocation


class Wish(Struct, frozen=True):
    """What a claim asks for.

    ``owner`` is a name no other claim has. ``plan`` is the hash of operation, options and settings. ``pages`` is the
    number of pages to call for; ``page`` is the first of them, announced with the claim if the journal is new, or 0.
    Without ``reopen`` a finished document stays finished. ``again`` names the ``finished`` line after which the
    document is tried once more; ``resumed`` says that it is opened because its reason passes by itself. ``share`` is
    the part of the pages that is claimed; None for all, and the right to end. ``project`` is billed for its calls,
    ``route`` is the pattern that led to the operation, ``note`` says what is odd about them; ``run`` names the run of
    many documents that it is part of.
    """

    owner: str
    operation: str = ""
    options: dict[str, Any] = {}
    plan: str = ""
    pages: int = 0
    page: int = 0
    reopen: bool = True
    again: str = ""
    resumed: bool = False
    share: Share | None = None
    project: str = ""
    route: str = ""
    note: str = ""
    run: str = ""


class Claim:
    """A document held until the lease ends: only its owner writes to the journal, as far as OBS can guarantee that.

    The claim of a share covers its pages only, and other owners write at the same time. Made by ``Ledger.claim``. Safe
    for several threads: the calls of one invocation write through one claim.

    Args:
        document: Which document.
        wish: What is claimed, and for which owner.
        journal: Its journal, just read.
        call: The invocation: gives the time and a way to wait.
        arbiter: Decides, with the journal, who may pay.
        settle: How long, in seconds, an append that began earlier may take to overwrite one that was answered.
    """

    def __init__(
        self,
        document: Document,
        wish: Wish,
        journal: OpenJournal,
        call: Invocation,
        arbiter: Arbiter,
        settle: float = 0.0,
    ) -> None:
        """Write nothing yet; ``begin`` appends the claim line."""
        self.document = document
        self.owner = wish.owner
        self.share = wish.share
        #: The enterprise project that the claim names.
        self.project = wish.project
        self._wish = wish
        self._journal = journal
        self._call = call
        self._arbiter = arbiter
        #: What is paid by: the hash of operation, options and settings.
        self.plan = wish.plan
        #: A number is never given twice: a line whose append was not answered may be written all the same.
        self._numbers = itertools.count(1)
        self.standing = Standing(wish.owner, journal, call, settle, wish.plan, lambda: next(self._numbers))
        #: Shows that this claim pays; None where it needs none.
        self.flag: ClaimFlag | None = None
        #: The ``finished`` line, once it is written.
        self.ended: Line | None = None

    @property
    def state(self) -> State:
        """What the journal says, as last read."""
        return self._journal.state

    def covers(self, page: int) -> bool:
        """Tell whether the claim covers a page."""
        return self.share is None or self.share.covers(page)

    def line(self, event: journal.Event, **values: Any) -> Line:
        """Return this owner's next line, not written yet; its time is now, unless ``values`` give ``at``."""
        return Line(event=event, owner=self.owner, n=next(self._numbers), **{"at": self._call.now(), **values})

    def begin(self, fence: int, seconds: float) -> bool:
        """Append the claim line; tell whether it is in the journal, even if the reply to the append was lost.

        Args:
            fence: The arbiter's fencing number.
            seconds: The length of the lease.

        Raises:
            UnavailableError: The store takes no append.
        """
        line, began = self._first_line(fence, seconds), self._call.now()
        try:
            self._journal.put([line])
            self.standing.first = self._journal.new
        except (AppendConflictError, UnavailableError) as error:
            self._journal.reload()
            if not self.state.has(line):
                if isinstance(error, UnavailableError):
                    raise
                return False
        self._journal.mine.append(line)
        self.standing.begun(began)
        return True

    def write(self, event: journal.Event, *, always: bool = False, with_next: bool = False, **values: Any) -> Line:
        """Append a line and take it into ``state``.

        Args:
            event: What happened.
            always: Write the line even if the claim is no longer in force, because it records a payment.
            with_next: Append it together with the next line. Only for what is found again if this invocation dies
                before: an answer that lies where its announcement says.
            values: The other fields of the line.

        Returns:
            The line.

        Raises:
            BusyError: Another claim is in force instead of this one. Nothing was written.
            UnavailableError: The store takes no append.
        """
        line = self.line(event, **values)
        if with_next:
            self._journal.hold(line)
        elif always:
            self.standing.append(line)
        else:
            self.standing.append(line, self._lost)
        return line

    @property
    def progressed(self) -> bool:
        """Whether some page got its outcome under this claim."""
        return any(line.event == "answered" or line.state is not None for line in self._journal.mine)

    def in_force(self) -> bool:
        """Read the journal back and tell whether this claim is the one in force."""
        self._journal.refresh()
        with self._journal.lock:
            if self._journal.changed and self.standing.in_force():
                self.standing.confirm()
                self._journal.changed = False
            return self.standing.in_force()

    def require_in_force(self, age: float = 0.0) -> None:
        """Read the journal back, and raise if this claim is not the one in force.

        Args:
            age: How old the claim must be at least, in seconds, before the journal is read back: the append of a claim
                that was made at the same time may only now overwrite it.

        Raises:
            BusyError: Another claim is in force.
        """
        self.standing.settle(age)
        if not self.in_force():
            raise BusyError(f"Another invocation claimed {self.document.ref}.", advice="This one yields to it.")

    def surplus(self, **values: Any) -> None:
        """Record a paid call as surplus, even if the claim is lost, and make sure that the line is in the journal.

        Nothing is written if somebody who took this owner for dead has named the very answer.
        """
        with self._journal.lock:
            answer = values.get("answer")
            others = {line.answer for line in self.state.lines if line.owner != self.owner}
            if not answer or answer not in others:
                self.write("surplus", always=True, **values)
            self.standing.confirm()

    def release(self, **values: Any) -> None:
        """Give the claim back, so that the next delivery need not wait for the end of the lease.

        What was paid for is first seen to stand, also if the claim was lost. For a share, the release is too.
        """
        try:
            with self._journal.lock:
                if self.share is not None or self.standing.owes:
                    self.standing.confirm_settled()
                self.write("released", **values)
                if self.share is not None:
                    self.standing.confirm_settled()
        finally:
            self._free()

    def hand_on(self, hand: int) -> None:
        """Leave the document to the fresh invocation that was called, and record this."""
        with self._journal.lock:
            self.write("handed", hand=hand)
            if self.standing.owes:
                self.standing.confirm_settled()
        self._free()

    def finish(self, line: Line) -> None:
        """Append the ``finished`` line, and confirm every line of this claim. What names it may be stored earlier.

        Raises:
            BusyError: The claim is no longer in force; nothing was written, or a claim made at the same time overwrote
                it, and somebody else ends the document.
            UnavailableError: The store takes no append.
        """
        with self._journal.lock:
            at_once = self.standing.undisputed
            self.standing.append(line, self._lost)
            if at_once and self.standing.quick:
                self.standing.confirm()
            else:
                self.standing.confirm_settled()
            if not self.state.has(line):
                raise self._busy()
            self.ended = line
        self._free()

    def _first_line(self, fence: int, seconds: float) -> Line:
        wish = self._wish
        return self.line(
            "claimed",
            page=0 if self.state.lines or wish.share else wish.page,
            pages=wish.pages,
            operation=wish.operation,
            options=wish.options,
            plan=wish.plan,
            share=wish.share,
            project=wish.project,
            route=wish.route,
            note=wish.note,
            resumed=wish.resumed,
            run=wish.run,
            fence=fence,
            lease_until=self._call.now() + timedelta(seconds=seconds),
            uploaded_at=self.document.uploaded_at,
            version_id=self.document.version_id,
        )

    def _lost(self) -> BusyError | None:
        """Return why this claim may write nothing any more; None while it is in force."""
        return None if self.standing.in_force() else self._busy()

    def _busy(self) -> BusyError:
        message = f"Another invocation claimed {self.document.ref} at the same time."
        return BusyError(message, advice="This one yields to it.")

    def _free(self) -> None:
        if self.flag is not None:
            self.flag.abandon(self._journal.mine)
        self._arbiter.release(fenced(self.document, self.share), self.owner)


def fenced(document: Document, share: Share | None) -> str:
    """Return the name by which an arbiter knows a claim."""
    return layout.journal(document) + (f"#{share.number}/{share.of}" if share else "")
