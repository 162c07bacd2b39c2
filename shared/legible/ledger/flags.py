"""Flags: who is about to pay for a document that nobody seems to hold shows it, and looks whether anybody else does.

Appends that meet all succeed, and overwrite one another (``lines``); so of several claims each may have been answered.
Each payer has a flag of its own name, which nobody overwrites: it is put beside the claim, and all of them are listed
when it is there. So of any two, the one whose flag was there later sees the other one's: who sees none but its own pays
at once, and nobody else does. A list shows what was written before (Concurrent Operation Consistency, api-obs
obs_04_0118). The flag is the place of the answer, still empty: no request takes it away again.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

import msgspec
from msgspec import Struct

from legible.errors import DocumentError, LegibleError, ObjectGoneError, UnavailableError
from legible.ledger.journal import Line
from legible.ledger.lines import SKEW_SECONDS
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.ports import Invocation, Site

#: What is written of calls that were not paid; the last of it is that they were refused.
_UNPAID = {"calling", "refused"}
#: Name of the object metadata that says when a flag's claim ends.
_UNTIL = "claimed-until"
#: What stands there where nobody pays, and for an answer.
_LOWERED, _STORED = "lowered", "stored"


class FlagsSeen(Struct, frozen=True):
    """What others left beside a document's answers: page and announcement of each call, and of those that may go on.

    ``stored`` are answers, ``over`` flags whose claim has ended, ``raised`` such whose claim has not.
    """

    stored: tuple[Line, ...] = ()
    over: tuple[Line, ...] = ()
    raised: tuple[Line, ...] = ()

    def untold(self, lines: Iterable[Line]) -> FlagsSeen:
        """Leave out the flags of whom a journal's lines tell: claims, or what became of those that were overwritten."""
        told = {line.of or line.owner for line in lines if line.of or line.event != "calling"}
        over, raised = (tuple(one for one in flags if one.owner not in told) for flags in (self.over, self.raised))
        return FlagsSeen(self.stored, over, raised)

    @property
    def alone(self) -> bool:
        """Whether there is nothing of anybody else."""
        return not (self.stored or self.over or self.raised)


class ClaimFlag:
    """The flag of one claim.

    Args:
        flags: Raise and lower it.
        document: Which document is claimed.
        page: The page whose answer will lie in its place.
        owner: The claim's owner.
    """

    def __init__(self, flags: Flags, document: Document, page: int, owner: str) -> None:
        """Raise nothing yet."""
        self._flags = flags
        self._document = document
        self._page = page
        self._owner = owner

    def show(self, until: datetime) -> None:
        """Raise it until the claim ends. Errors are as of ``Flags.raise_one``."""
        self._flags.raise_one(self._document, self._page, self._owner, until)

    def abandon(self, lines: Iterable[Line]) -> None:
        """Lower it, unless an answer lies in its place by now, or may: by what its owner has written."""
        calls = {line.event for line in lines if line.page == self._page and line.event != "claimed"}
        if calls <= _UNPAID and ("calling" not in calls or "refused" in calls):
            with suppress(LegibleError):
                self._flags.lower(self._document, self._page, self._owner)


class Flags:
    """Raises, lowers and sees flags. Safe for several threads.

    Args:
        site: Where answers are stored.
        call: The invocation: gives the time.
    """

    def __init__(self, site: Site, call: Invocation) -> None:
        """Raise none yet."""
        self._site = site
        self._call = call

    def raise_one(self, document: Document, page: int, owner: str, until: datetime) -> None:
        """Show that an owner is about to pay for a page, until its claim ends.

        Raises:
            HeldError: The store refuses.
            UnavailableError: The store has a passing fault.
        """
        told = {_UNTIL: until.isoformat()}
        self._site.store.write(self._ref(document, page, owner), b"", "application/json", told)

    def lower(self, document: Document, page: int, owner: str) -> None:
        """Lower a flag: its owner has not paid, and will not. Raises as ``raise_one`` does.

        It stays there, for no function may remove what lies beside answers; but it says so.
        """
        self._site.store.write(self._ref(document, page, owner), b"", "application/json", {_UNTIL: _LOWERED})

    def seen(self, document: Document, owner: str) -> FlagsSeen:
        """Return what is there of others than ``owner``.

        Raises:
            UnavailableError: The store does not tell.
        """
        stored, over, raised = list[Line](), list[Line](), list[Line]()
        try:
            for item in self._site.store.list(self._site.output, layout.version(document, "")):
                page, payer = layout.payer(document, item.key)
                if page and payer != owner:
                    line = Line("calling", self._call.now(), payer, -page, page)
                    until = _STORED if item.size else self._until(item.key)
                    places = {_STORED: stored, _LOWERED: []}.get(until, raised if self._may_go_on(until) else over)
                    places.append(line)
        except DocumentError as error:
            raise UnavailableError.of(error) from error
        return FlagsSeen(tuple(stored), tuple(over), tuple(raised))

    def _until(self, key: str) -> str:
        """Return what a flag says of the end of its claim."""
        try:
            return self._site.store.head(self._site.in_output(key)).metadata.get(_UNTIL, "")
        except ObjectGoneError:
            return _LOWERED

    def _may_go_on(self, until: str) -> bool:
        """Tell whether a claim has not ended by every clock."""
        try:
            ends = msgspec.convert(until, datetime).timestamp() + SKEW_SECONDS
        except msgspec.ValidationError:
            return False
        return self._call.now().timestamp() < ends

    def _ref(self, document: Document, page: int, owner: str) -> ObjectRef:
        return self._site.in_output(layout.answer(document, page, owner))
