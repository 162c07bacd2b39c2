"""The state that a journal's lines add up to: who holds the document, its pages' outcomes, its end. Values only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec import Struct

from legible.ledger.journal import FORMAT, Line
from legible.model.pages import Share


class PageLedger(Struct):
    """What the journal says about one page.

    ``answered`` is the line whose answer counts: the first. ``settled`` is a final refusal. ``open`` is a call that was
    announced and has no outcome yet. ``unknown`` counts calls that may have been paid; ``spent`` counts those of them
    since the document was last opened, and limits further tries. It leaves out calls whose owner was waiting for its
    turn at the service when it died: hardly one of them was sent. ``told`` names the owners whose call has an outcome,
    ``adopted`` those for whom another owner wrote it: should they live after all, it is not a second call.
    """

    answered: Line | None = None
    settled: Line | None = None
    open: Line | None = None
    unknown: int = 0
    spent: int = 0
    told: set[str] = set()
    adopted: set[str] = set()

    @property
    def known(self) -> bool:
        """Whether the page has an outcome."""
        return self.answered is not None or self.settled is not None

    def close(self, owner: str) -> None:
        """Forget the announced call, if it was this owner's: it has an outcome."""
        if self.calls(owner):
            self.open = None
        self.told.add(owner)

    def calls(self, owner: str) -> bool:
        """Tell whether this owner announced a call that has no outcome yet."""
        return self.open is not None and self.open.owner == owner

    def twice(self, line: Line) -> bool:
        """Tell whether the call of an ``unknown`` line has its outcome already, by its owner or by another one."""
        if self.calls(line.of or line.owner):
            return False
        return line.of in self.told if line.of else line.owner in self.adopted


class Leases:
    """Who holds a document: one owner of the whole, or owners of shares, all at the same time."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.owner = ""
        self.until: datetime | None = None
        #: The claims of shares that are in force, by number; empty while somebody owns the whole.
        self.shares: dict[int, Line] = {}

    def take(self, line: Line) -> None:
        """Add a claim; claims that it excludes are no longer in force."""
        self.owner, self.until = ("", None) if line.share else (line.owner, line.lease_until)
        self.shares = {n: other for n, other in self.shares.items() if _beside(other, line.share, line.plan)}
        if line.share:
            self.shares[line.share.number] = line

    def drop(self, owner: str) -> None:
        """Remove the claim that an owner gave back."""
        if owner == self.owner:
            self.owner, self.until = "", None
        self.shares = {n: other for n, other in self.shares.items() if other.owner != owner}

    def held(self, now: datetime, share: Share | None = None, plan: str = "") -> bool:
        """Tell whether a lease that excludes a claim still runs.

        Args:
            now: The time.
            share: The part that is to be claimed; None for the whole, which every lease excludes.
            plan: The plan of the claim (``Wish.plan``).
        """
        if self.owner and self.until is not None and now < self.until:
            return True
        running = [line for line in self.shares.values() if line.lease_until is not None and now < line.lease_until]
        return any(not _beside(line, share, plan) for line in running)

    def in_force(self, owner: str) -> bool:
        """Tell whether the claim of this owner, of the whole or of a share, is in force."""
        return owner == self.owner or any(line.owner == owner for line in self.shares.values())

    @property
    def busy_until(self) -> datetime | None:
        """When the last lease ends; None where nobody has one."""
        ends = [self.until, *(line.lease_until for line in self.shares.values())]
        return max((end for end in ends if end is not None), default=None)


class State:
    """The state of a document, built from its journal line by line.

    Args:
        lines: The journal's lines in their order.
    """

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        """Add the lines, one after the other."""
        self.lines: list[Line] = []
        self.leases = Leases()
        self.finished: Line | None = None
        #: The line that says that the document is being forgotten.
        self.forgotten: Line | None = None
        self.pages: dict[int, PageLedger] = {}
        self.surplus = 0
        self._surplus_answers: set[str] = set()
        self.hands = 0
        #: The reviews, in order: corrections stay, however often the document is read again.
        self.reviews: list[Line] = []
        #: The events of lines that a newer version of Legible wrote, and of which this one does not know everything.
        self.unfamiliar: tuple[str, ...] = ()
        self._names: set[tuple[str, int]] = set()
        for line in lines:
            self.take(line)

    def take(self, line: Line) -> None:
        """Add the next line. One that is there twice, because appends met, counts once."""
        again = self.has(line)
        self.lines.append(line)
        self._names.add((line.owner, line.n))
        if line.event not in _TAKES or line.v > FORMAT:
            self.unfamiliar += () if line.event in self.unfamiliar else (line.event,)
        if line.event in _TAKES and not again:
            _TAKES[line.event](self, line)

    def has(self, line: Line) -> bool:
        """Tell whether the journal has this very line; its owner and number name it."""
        return self.named(line.owner, line.n)

    def named(self, owner: str, n: int) -> bool:
        """Tell whether the journal has the line of that name."""
        return (owner, n) in self._names

    @property
    def operation(self) -> str:
        """The slug the document was last claimed for; empty if it never was."""
        return next((line.operation for line in reversed(self.lines) if line.operation), "")

    @property
    def counted_claim(self) -> Line | None:
        """The claim whose operation counts: that of the answers so far, else the last one; None if there is none."""
        return self.committed or next((line for line in reversed(self.lines) if line.operation), None)

    @property
    def committed(self) -> Line | None:
        """The claim whose operation and options the answers so far belong to; None while there are none.

        A document is never read by two operations: the one that began it also ends it, even if the routes have changed.
        """
        claims: dict[str, Line] = {}
        for line in self.lines:
            if line.event == "claimed" and line.operation:
                claims[line.owner] = line
            if line.event == "answered" and (line.of or line.owner) in claims:
                return claims[line.of or line.owner]
        return None

    @property
    def uploaded_at(self) -> datetime | None:
        """The time of the latest upload the document was claimed for; a late claim for an earlier one is ignored."""
        return max((line.uploaded_at for line in self.lines if line.uploaded_at is not None), default=None)

    @property
    def answered(self) -> int:
        """How many pages have an answer that counts."""
        return sum(page.answered is not None for page in self.pages.values())

    @property
    def unknown(self) -> int:
        """How many calls may have been paid without an answer."""
        return sum(page.unknown for page in self.pages.values())

    def page(self, number: int) -> PageLedger:
        """Return what the journal says about a page; an empty value if it says nothing."""
        return self.pages.setdefault(number, PageLedger())

    def has_answer(self, number: int) -> bool:
        """Tell whether a page has an answer that counts."""
        return number in self.pages and self.pages[number].answered is not None

    def orphans(self, owner: str) -> list[tuple[int, Line]]:
        """Return page and line of announced calls without outcome that other owners than ``owner`` made."""
        announced = [(number, page.open) for number, page in sorted(self.pages.items()) if page.open is not None]
        return [(number, line) for number, line in announced if line.owner != owner]

    def _claimed(self, line: Line) -> None:
        if self.finished is not None:
            self._reopen(resumed=line.resumed)
        self.leases.take(line)
        if line.page:
            self._calling(line)

    def _calling(self, line: Line) -> None:
        self.page(line.page).open = line

    def _answered(self, line: Line) -> None:
        page = self.page(line.page)
        page.answered = page.answered or line
        if (
            page.answered is line and line.answer and line.answer in self._surplus_answers
        ):  # its payer lived, and called it surplus
            self.surplus -= 1
        page.close(line.of or line.owner)

    def _refused(self, line: Line) -> None:
        page = self.page(line.page)
        if line.state is not None:
            page.settled = line
        page.close(line.owner)

    def _unknown(self, line: Line) -> None:
        page = self.page(line.page)
        if not page.twice(line):
            page.unknown += 1
            page.spent += not line.throttled
        if line.of:
            page.adopted.add(line.of)
        page.close(line.of or line.owner)

    def _surplus(self, line: Line) -> None:
        page = self.page(line.page)
        counted = page.answered is not None and line.answer and page.answered.answer == line.answer
        if not counted:
            self.surplus += 1
            self._surplus_answers.add(line.answer)
        payer = line.of or line.owner
        if payer in page.adopted and not page.calls(payer):  # counted as unknown, and known by now
            page.adopted.discard(payer)
            page.unknown -= not counted
        page.close(payer)

    def _released(self, line: Line) -> None:
        self.leases.drop(line.owner)

    def _handed(self, line: Line) -> None:
        self.hands = max(self.hands, line.hand)
        self._released(line)

    def _finished(self, line: Line) -> None:
        self.finished = self.finished or line
        self._released(line)

    def _continued(self, line: Line) -> None:
        """Change nothing: the next part has the next line."""

    def _corrected(self, line: Line) -> None:
        self.reviews.append(line)

    def _forgotten(self, line: Line) -> None:
        self.forgotten = self.forgotten or line

    def _reopen(self, *, resumed: bool) -> None:
        """Open the document again: pages that were settled or given up are tried again, answers are kept.

        A document that goes on by itself (``resumed``) keeps its settled pages: nobody asked to pay for them again.
        """
        self.finished, self.hands = None, 0
        for page in () if resumed else self.pages.values():
            page.settled, page.spent = None, 0


def counted_operation(state: State) -> str:
    """Return the slug of the operation that counts for a document; empty if it never was claimed for one."""
    claim = state.counted_claim
    return claim.operation if claim else ""


#: What each kind of line does to a state.
_TAKES: dict[str, Callable[[State, Line], None]] = {
    "claimed": State._claimed,
    "calling": State._calling,
    "answered": State._answered,
    "refused": State._refused,
    "unknown": State._unknown,
    "surplus": State._surplus,
    "released": State._released,
    "handed": State._handed,
    "finished": State._finished,
    "corrected": State._corrected,
    "continued": State._continued,
    "forgotten": State._forgotten,
}


def _beside(line: Line, share: Share | None, plan: str) -> bool:
    """Tell whether two claims of shares may be in force together: no page is in both, and their plan is the same."""
    if line.share is None or share is None:
        return False
    return line.share.of == share.of and line.share.number != share.number and line.plan == plan
