"""What the lines of a journal add up to: who holds the document, what its pages have, how it ended. Values only."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from msgspec import Struct

from legible.ledger.journal import Event, Line
from legible.model.pages import Share


class PageLedger(Struct):
    """What the journal says of one page.

    ``answered`` is the line whose answer counts: the first. ``settled`` is a refusal for good. ``open`` is a call that
    was announced and has no outcome yet. ``unknown`` counts calls that may have been paid; ``spent`` those of them
    since the document was last opened, which bound how often it is tried again.
    """

    answered: Line | None = None
    settled: Line | None = None
    open: Line | None = None
    unknown: int = 0
    spent: int = 0

    @property
    def known(self) -> bool:
        """Whether the page has an outcome."""
        return self.answered is not None or self.settled is not None

    def close(self, owner: str) -> None:
        """Forget the announced call, if it was this owner's: it has an outcome."""
        if self.open is not None and self.open.owner == owner:
            self.open = None


class Leases:
    """Who holds a document: one owner of the whole, or owners of shares that stand beside one another."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.owner = ""
        self.until: datetime | None = None
        #: The claims of shares that are in force, by number; there are none beside an owner of the whole.
        self.shares: dict[int, Line] = {}

    def take(self, line: Line) -> None:
        """Take a claim in: what does not stand beside it is in force no more."""
        self.owner, self.until = ("", None) if line.share else (line.owner, line.lease_until)
        self.shares = {n: other for n, other in self.shares.items() if _beside(other, line.share, line.plan)}
        if line.share:
            self.shares[line.share.number] = line

    def drop(self, owner: str) -> None:
        """Take note that an owner gave its claim back."""
        if owner == self.owner:
            self.owner, self.until = "", None
        self.shares = {n: other for n, other in self.shares.items() if other.owner != owner}

    def held(self, now: datetime, share: Share | None = None, plan: str = "") -> bool:
        """Tell whether a lease still runs that stands in the way of a claim.

        Args:
            now: The time.
            share: The part that is to be claimed; None for the whole, which every lease stands in the way of.
            plan: What the claim is for.
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
    """A journal, read.

    Args:
        lines: The journal's lines in their order.
    """

    def __init__(self, lines: Iterable[Line] = ()) -> None:
        """Take the lines in, one after the other."""
        self.lines: list[Line] = []
        self.leases = Leases()
        self.finished: Line | None = None
        self.pages: dict[int, PageLedger] = {}
        self.surplus = 0
        self.hands = 0
        #: The reviews, in their order: what was corrected stays so, however often the document is done again.
        self.reviews: list[Line] = []
        self._names: set[tuple[str, int]] = set()
        for line in lines:
            self.take(line)

    def take(self, line: Line) -> None:
        """Take the next line in."""
        self.lines.append(line)
        self._names.add((line.owner, line.n))
        _TAKES[line.event](self, line)

    def has(self, line: Line) -> bool:
        """Tell whether the journal has this very line; its owner and number name it."""
        return self.named(line.owner, line.n)

    def named(self, owner: str, n: int) -> bool:
        """Tell whether the journal has the line of that name."""
        return (owner, n) in self._names

    @property
    def operation(self) -> str:
        """The slug the document was last claimed for; empty where none was."""
        return next((line.operation for line in reversed(self.lines) if line.operation), "")

    @property
    def counted_claim(self) -> Line | None:
        """The claim that says what the document is read by: that of the answers so far, else the last; else None."""
        return self.committed or next((line for line in reversed(self.lines) if line.operation), None)

    @property
    def committed(self) -> Line | None:
        """The claim whose operation and options the answers so far belong to; None while there are none.

        A document is never read by two operations: what was begun with one is ended with it, whatever the routes say
        by then.
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
        """The time of the last upload the document was claimed for, whoever came late with an earlier one."""
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
        """Return what the journal says of a page; an empty value for one it does not name."""
        return self.pages.setdefault(number, PageLedger())

    def has_answer(self, number: int) -> bool:
        """Tell whether a page has an answer that counts."""
        return number in self.pages and self.pages[number].answered is not None

    def orphans(self, owner: str) -> list[tuple[int, Line]]:
        """Return the announced calls without outcome that are not ``owner``'s, by page."""
        announced = [(number, page.open) for number, page in sorted(self.pages.items()) if page.open is not None]
        return [(number, line) for number, line in announced if line.owner != owner]

    def _claimed(self, line: Line) -> None:
        if self.finished is not None:
            self._reopen()
        self.leases.take(line)
        if line.page:
            self._calling(line)

    def _calling(self, line: Line) -> None:
        self.page(line.page).open = line

    def _answered(self, line: Line) -> None:
        page = self.page(line.page)
        page.answered = page.answered or line
        page.close(line.of or line.owner)

    def _refused(self, line: Line) -> None:
        page = self.page(line.page)
        if line.state is not None:
            page.settled = line
        page.close(line.owner)

    def _unknown(self, line: Line) -> None:
        page = self.page(line.page)
        page.unknown += 1
        page.spent += 1
        page.close(line.of or line.owner)

    def _surplus(self, line: Line) -> None:
        self.surplus += 1
        self.page(line.page).close(line.owner)

    def _released(self, line: Line) -> None:
        self.leases.drop(line.owner)

    def _handed(self, line: Line) -> None:
        self.hands = max(self.hands, line.hand)
        self._released(line)

    def _finished(self, line: Line) -> None:
        self.finished = self.finished or line
        self._released(line)

    def _corrected(self, line: Line) -> None:
        self.reviews.append(line)

    def _reopen(self) -> None:
        """A new upload of the same bytes: what was settled or given up is tried again, what was answered is kept."""
        self.finished, self.hands = None, 0
        for page in self.pages.values():
            page.settled, page.spent = None, 0


#: What each kind of line does to a state.
_TAKES: dict[Event, Callable[[State, Line], None]] = {
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
}


def _beside(line: Line, share: Share | None, plan: str) -> bool:
    """Tell whether two claims of shares stand beside one another: no page is in both, and both mean the same."""
    if line.share is None or share is None:
        return False
    return line.share.of == share.of and line.share.number != share.number and line.plan == plan
