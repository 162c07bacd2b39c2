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


class Claim:
    """A document that is ours until the lease ends: the only writer of its journal, as far as OBS lets anyone be sure.

    The claim of a share is that of its pages only, and others write beside it. Made by ``Ledger.claim``. Safe for
    several threads: the calls of one invocation write through one claim.

    Args:
        document: Which document.
        wish: What is claimed of it, and in whose name.
        journal: Its journal, just read.
        call: The invocation: its clock, and what waits.
        arbiter: Who else decides who may pay.
    """

    def __init__(
        self, document: Document, wish: Wish, journal: OpenJournal, call: Invocation, arbiter: Arbiter
    ) -> None:
        """Start from a journal just read; the claim line comes first (``begin``)."""
        self.document = document
        self.owner = wish.owner
        self.share = wish.share
        self._wish = wish
        self._journal = journal
        self._call = call
        self._arbiter = arbiter
        #: A number is never given twice: a line whose append was not answered may stand all the same.
        self._numbers = itertools.count(1)
        #: The line it ended with, once it did.
        self.ended: Line | None = None

    @property
    def state(self) -> State:
        """What the journal says, as far as it is known."""
        return self._journal.state

    def covers(self, page: int) -> bool:
        """Tell whether a page is ours."""
        return self.share is None or self.share.covers(page)

    def line(self, event: journal.Event, **values: Any) -> Line:
        """Return the next line of this owner, not written yet; of now, unless the values say another time."""
        return Line(event=event, owner=self.owner, n=next(self._numbers), **{"at": self._call.now(), **values})

    def begin(self, fence: int, seconds: float) -> bool:
        """Append the claim line; tell whether it stands, even where the reply to the append was lost.

        Args:
            fence: The arbiter's number.
            seconds: How long the lease is.

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
            always: Write it even if the claim is not in force any more: it tells of money.
            values: What the line carries.

        Returns:
            The line.

        Raises:
            BusyError: The claim is not in force (any more): somebody else's is. Nothing was written.
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
        """Read the journal back and yield where the claim is not the one in force.

        Args:
            age: How many seconds old the claim must be before it is read back: until then another one may come that
                the store let through at the same time.

        Raises:
            BusyError: Somebody else's claim is.
        """
        if age:
            claimed = next((line.at for line in self._journal.mine if line.event == "claimed"), self._call.now())
            self._call.pause(max(0.0, age - (self._call.now() - claimed).total_seconds()))
        if not self.in_force():
            raise BusyError(f"Another invocation claimed {self.document.ref}.", advice="This one yields to it.")

    def surplus(self, **values: Any) -> None:
        """Name a call that was paid beside somebody else's, whatever the claim is worth by now, and see it stand."""
        with self._journal.lock:
            self.write("surplus", always=True, **values)
            self._confirm()

    def release(self, **values: Any) -> None:
        """Let the next delivery in at once, instead of after the lease.

        A share's lines are seen to stand first, while nobody else may call for its pages, and then that it was let go.
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
        """Let the fresh invocation in that was called to go on, and tell that it was."""
        self.write("handed", hand=hand)
        self._free()

    def finish(self, line: Line) -> None:
        """Write how the document ended, and see every line of ours stand; what hangs on the line may be stored before.

        Raises:
            BusyError: The claim is not in force any more; nothing was written.
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
            fence=fence,
            lease_until=self._call.now() + timedelta(seconds=seconds),
            uploaded_at=self.document.uploaded_at,
        )

    def _stands(self) -> bool:
        return self.state.leases.in_force(self.owner) and any(
            line.event == "claimed" and self.state.has(line) for line in self._journal.mine
        )

    def _lost(self) -> BusyError | None:
        """Say why nothing of ours may be written any more; None while the claim is in force."""
        if self._stands():
            return None
        message = f"Another invocation claimed {self.document.ref} at the same time."
        return BusyError(message, advice="This one yields to it.")

    def _confirm(self) -> None:
        """Write again what a simultaneous append swallowed; only lines behind a claim that stands, or surplus ones."""
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
    """Return what an arbiter knows a claim by."""
    return layout.journal(document) + (f"#{share.number}/{share.of}" if share else "")
