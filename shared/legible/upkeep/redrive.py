"""Documents that ended and are not done, for chosen causes, are tried once more.

What is tried again goes to where uploads wait for another try, so many a minute, so that the service is not called by
all at once. A document is noted before it is moved, by an append to an object of its own that only one can make: so
each end is followed by one more try, however many redrives run at once or after another. A note whose redrive died
before it moved the document is taken over after some minutes.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice

import msgspec
from msgspec import Struct

from legible.errors import AppendConflictError, InternalError
from legible.ledger.changes import name_of
from legible.ledger.journals import Journals
from legible.ledger.lines import read
from legible.model import layout, layout_upkeep
from legible.model.documents import Upload
from legible.model.ends import EndChoice, RedriveReport, UndoneEnd
from legible.ports import Invocation, Site
from legible.upkeep.ends import UndoneEnds
from legible.upkeep.limits import ASKED, BEYOND, MOVED_ON, NO_TIME, Price, RedriveLimits, RedriveTurn

#: A note is that of a redrive that died if its document was not moved within this time.
ABANDONED = timedelta(minutes=10)
#: How many documents are looked at together, and how many at once.
_BATCH, _AT_ONCE = 64, 8
#: With less time left than this, in seconds, no further documents are begun.
_SPARE_SECONDS = 8.0

#: Parks an upload of a document of that version until it is due.
Park = Callable[[Upload, str, datetime], None]


class AskedNote(Struct, frozen=True):
    """Who has a document tried once more, since when, and when it is due."""

    owner: str
    at: datetime
    due: datetime


class WaitingPlace(Struct, frozen=True):
    """Where uploads wait for another try.

    ``park`` keeps one until it is due. ``names`` returns the names of all that wait, and ``name`` that of an upload of
    a document of that version.
    """

    park: Park
    names: Callable[[], frozenset[str]]
    name: Callable[[Upload, str], str]


class Redrive:
    """Finds documents that are not done by their causes, and has them tried once more.

    Args:
        site: Its output bucket holds the notes of what is tried again.
        call: The invocation: gives its name, the time, and the time left.
        ends: Finds the documents.
        journals: Tell whether a document's end still stands.
        waiting: Takes what is tried again.
        price: Says what calls cost.
    """

    def __init__(
        self,
        site: Site,
        call: Invocation,
        ends: UndoneEnds,
        journals: Journals,
        waiting: WaitingPlace,
        price: Price,
    ) -> None:
        """Find nothing yet."""
        self._site = site
        self._call = call
        self._ends = ends
        self._journals = journals
        self._waiting = waiting
        self._price = price

    def plan(self, choice: EndChoice, limits: RedriveLimits) -> RedriveReport:
        """Return what ``run`` would do, by the lists alone: nothing is moved, and no journal is read.

        Raises as ``run`` does.
        """
        turn = RedriveTurn(RedriveReport(dry=True), limits, self._price, self._call.now())
        for end in self._ends.find(choice):
            why = turn.refusal(end, choice)
            if why:
                turn.leave(why)
            else:
                turn.admit(end)
        return turn.ended()

    def run(
        self, choice: EndChoice, limits: RedriveLimits, tell: Callable[[RedriveReport], None] = lambda report: None
    ) -> RedriveReport:
        """Have documents tried once more, each once after its end; what would exceed a limit is not begun.

        Args:
            choice: Which.
            limits: How much it may cost.
            tell: Is told how far it is, again and again.

        Raises:
            SettingsError: There is a limit to the cost, and an operation without a price.
            UnavailableError: The store has a passing fault; begin again, what was moved stays so.
            HeldError: The bucket refuses.
        """
        turn = RedriveTurn(RedriveReport(), limits, self._price, self._call.now())
        ends = self._ends.find(choice)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while batch := list(islice(ends, _BATCH)):
                if self._call.remaining() < _SPARE_SECONDS:
                    turn.leave(NO_TIME, len(batch))
                    continue
                while batch := self._move(batch, choice, turn, pool):
                    pass
                tell(turn.report)
        return turn.ended()

    def _move(
        self, batch: list[UndoneEnd], choice: EndChoice, turn: RedriveTurn, pool: ThreadPoolExecutor
    ) -> list[UndoneEnd]:
        """Have documents tried once more; return those that did not fit, and may: others turned out to be left."""
        moving, beyond = list[tuple[UndoneEnd, datetime]](), list[UndoneEnd]()
        for end in batch:
            why = turn.refusal(end, choice)
            if not why:
                moving.append((end, turn.admit(end)))
            elif why == BEYOND:
                beyond.append(end)
            else:
                turn.leave(why)
        refusals = list(pool.map(self._moved, moving))
        for (end, _), refusal in zip(moving, refusals, strict=True):
            if refusal:
                turn.withdraw(end, refusal)
        if any(refusals):
            return beyond
        turn.leave(BEYOND, len(beyond))
        return []

    def _stands(self, end: UndoneEnd) -> bool:
        """Tell whether a document's last end is still this one, and nobody works on it."""
        try:
            state = self._journals.load(end.document)
        except InternalError:  # something spoilt it: the next try says so
            return True
        return state.finished is not None and state.finished.name == end.end

    def _moved(self, admitted: tuple[UndoneEnd, datetime]) -> str:
        """Have a document tried once more; return why not where somebody else does."""
        end, due = admitted
        if not self._stands(end):
            return MOVED_ON
        upload = Upload(end.ref, etag=end.etag, version_id=end.version_id, order=end.order, again=end.end)
        if not self._noted(end, upload, due):
            return ASKED
        self._waiting.park(upload, end.version, due)
        return ""

    def _noted(self, end: UndoneEnd, upload: Upload, due: datetime) -> bool:
        """Take a document for this redrive; tell whether it was free."""
        key = layout_upkeep.asked_again(name_of(layout.journal(end.document)), end.end)
        ref, now = self._site.in_output(key), self._call.now()
        body = msgspec.json.encode(AskedNote(self._call.owner, now, due)) + b"\n"
        known = b""
        while True:
            try:
                self._site.store.append(ref, len(known), body)
            except AppendConflictError:
                known = read(self._site.store, ref)
                if not self._abandoned(known, end, upload, now):
                    return False
            else:
                return True

    def _abandoned(self, known: bytes, end: UndoneEnd, upload: Upload, now: datetime) -> bool:
        """Tell whether a note is that of a redrive that died before it moved the document."""
        try:
            last = msgspec.json.decode(b"".join(known.splitlines()[-1:]), type=AskedNote)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return True
        return now - last.at >= ABANDONED and self._waiting.name(upload, end.version) not in self._names

    @cached_property
    def _names(self) -> frozenset[str]:
        return self._waiting.names()
