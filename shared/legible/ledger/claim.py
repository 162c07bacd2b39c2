"""A claim: the right to pay for a document or for some of its pages, until its lease ends."""

from __future__ import annotations

import itertools
import random
from datetime import timedelta
from typing import Any

from msgspec import Struct

from legible.errors import AppendConflictError, BusyError, UnavailableError
from legible.ledger import journal
from legible.ledger.journal import Line
from legible.ledger.journals import OpenJournal
from legible.ledger.lines import TRIES
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
    the part of the pages that is claimed; None for all, and the right to end.
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
    """

    def __init__(
        self, document: Document, wish: Wish, journal: OpenJournal, call: Invocation, arbiter: Arbiter
    ) -> None:
        """Write nothing yet; ``begin`` appends the claim line."""
        self.document = document
        self.owner = wish.owner
        self.share = wish.share
        self._wish = wish
        self._journal = journal
        self._call = call
        self._arbiter = arbiter
        #: A number is never given twice: a line whose append was not answered may be written all the same.
        self._numbers = itertools.count(1)
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
        line = self._first_line(fence, seconds)
        try:
            self._journal.put([line])
        except (AppendConflictError, UnavailableError) as error:
            self._journal.reload()
            if not self.state.has(line):
                if isinstance(error, UnavailableError):
                    raise
                return False
        self._journal.mine.append(line)
        return True

    def write(self, event: journal.Event, *, always: bool = False, **values: Any) -> Line:
        """Append a line and take it into ``state``.

        Args:
            event: What happened.
            always: Write the line even if the claim is no longer in force, because it records a payment.
            values: The other fields of the line.

        Returns:
            The line.

        Raises:
            BusyError: Another claim is in force instead of this one. Nothing was written.
            UnavailableError: The store takes no append.
        """
        line = self.line(event, **values)
        if always:
            self._journal.append(line)
        else:
            self._journal.append(line, self._lost)
        return line

    @property
    def progressed(self) -> bool:
        """Whether some page got its outcome under this claim."""
        return any(line.event == "answered" or line.state is not None for line in self._journal.mine)

    def in_force(self) -> bool:
        """Read the journal back and tell whether this claim is the one in force."""
        self._journal.refresh()
        with self._journal.lock:
            if self._journal.changed and self._stands():
                self._confirm()
                self._journal.changed = False
            return self._stands()

    def require_in_force(self, age: float = 0.0) -> None:
        """Read the journal back, and raise if this claim is not the one in force.

        Args:
            age: How old the claim must be, in seconds, before the journal is read back: a claim made at the same time
                may only appear a little later.

        Raises:
            BusyError: Another claim is in force.
        """
        if age:
            claimed = next((line.at for line in self._journal.mine if line.event == "claimed"), self._call.now())
            self._call.pause(max(0.0, age - (self._call.now() - claimed).total_seconds()))
        if not self.in_force():
            raise BusyError(f"Another invocation claimed {self.document.ref}.", advice="This one yields to it.")

    def surplus(self, **values: Any) -> None:
        """Record a paid call as surplus, even if the claim is lost, and make sure that the line is in the journal."""
        with self._journal.lock:
            self.write("surplus", always=True, **values)
            self._confirm()

    def release(self, **values: Any) -> None:
        """Give the claim back, so that the next delivery need not wait for the end of the lease.

        For a share, first its lines are confirmed, while nobody else may call for its pages, and then the release.
        """
        try:
            with self._journal.lock:
                if self.share is not None:
                    self._confirm()
                self.write("released", **values)
                if self.share is not None:
                    self._confirm()
        finally:
            self._free()

    def hand_on(self, hand: int) -> None:
        """Leave the document to the fresh invocation that was called, and record this."""
        self.write("handed", hand=hand)
        self._free()

    def finish(self, line: Line) -> None:
        """Append the ``finished`` line, and confirm every line of this claim. What names it may be stored earlier.

        Raises:
            BusyError: The claim is no longer in force; nothing was written.
            UnavailableError: The store takes no append.
        """
        with self._journal.lock:
            self._journal.append(line, self._lost)
            self.ended = line
            self._confirm()
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
            resumed=wish.resumed,
            fence=fence,
            lease_until=self._call.now() + timedelta(seconds=seconds),
            uploaded_at=self.document.uploaded_at,
        )

    def _stands(self) -> bool:
        return self.state.leases.in_force(self.owner) and any(
            line.event == "claimed" and self.state.has(line) for line in self._journal.mine
        )

    def _lost(self) -> BusyError | None:
        """Return why this claim may write nothing any more; None while it is in force."""
        if self._stands():
            return None
        message = f"Another invocation claimed {self.document.ref} at the same time."
        return BusyError(message, advice="This one yields to it.")

    def _confirm(self) -> None:
        """Append again what a simultaneous append overwrote: only lines of a claim in force, or surplus lines."""
        for _ in range(TRIES):
            self._journal.reload()
            mine = self._journal.mine
            swallowed = [line for line in mine if not self.state.has(line) and line.event != "claimed"]
            if not swallowed:
                return
            for line in swallowed:
                mine.remove(line)
                self._journal.append(line)
            self._call.pause(random.uniform(0.01, 0.1))
        raise UnavailableError(f"The journal of {self.document.ref} keeps losing lines.")

    def _free(self) -> None:
        self._arbiter.release(fenced(self.document, self.share), self.owner)


def fenced(document: Document, share: Share | None) -> str:
    """Return the name by which an arbiter knows a claim."""
    return layout.journal(document) + (f"#{share.number}/{share.of}" if share else "")
