"""Which documents ended and are not done, and why: lists by the day, written from journals that changed.

A list has a line for each reading of a journal that has such an end on that day; the latest reading of a journal
counts. A document that is done at its first try never comes here, and costs nothing. Journals that changed since the
lists were written are read by whoever asks, as long as they are few.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import date, datetime, timezone
from itertools import islice
from typing import Protocol
from zlib import crc32

import msgspec
from msgspec import Struct

from legible.documents.identity import etag_of
from legible.errors import LegibleError
from legible.ledger.changes import Changes, Mark, mark_of, name_of
from legible.ledger.due import Slot
from legible.ledger.journal import Line
from legible.ledger.journals import Journals
from legible.ledger.lists import add_all
from legible.ledger.state import State
from legible.model import layout, layout_upkeep
from legible.model.documents import UNREADABLE_ANSWER, Document, Reason
from legible.model.ends import EndChoice, UndoneEnd
from legible.model.times import Moment
from legible.outputs.record import HEAD_BYTES, document_of
from legible.ports import Invocation, ListedObject, Site, Wanted

#: How much of one day's lists is in memory at once, in bytes.
IN_MEMORY = 8 * 1024 * 1024
#: How many journals that changed since are read, at most, and how many at once.
MOST_CHANGED, _AT_ONCE = 2_000, 8
_LONGEST_MESSAGE = 200
_OUTCOMES, _STORED = ("refused", "unknown", "answered"), ("answered", "unknown", "surplus")


class EndNote(Struct, frozen=True, omit_defaults=True):
    """What one journal says of a day on which its document ended and was not done.

    ``journal`` is its name (``changes.name_of``), ``at`` when it was read, ``n`` how many lines it had. Of two readings
    the later one counts. ``end`` is the document's last end, if that was on this day and still stands.
    """

    journal: str
    at: Moment
    n: int
    end: UndoneEnd | None = None


class JournalReading(Protocol):
    """A journal as it was read: its document, its lines, and when that was."""

    @property
    def document(self) -> Mark:
        """Whose journal it is."""
        ...

    @property
    def state(self) -> State:
        """Its lines."""
        ...

    @property
    def at(self) -> datetime:
        """When it was read."""
        ...


class EndsConsumer:
    """Has the ends of documents that are not done listed.

    Args:
        site: Its output bucket holds the lists.
        call: The invocation: waits.
        settle: Seconds after which what was appended is read back.
    """

    def __init__(self, site: Site, call: Invocation, settle: float) -> None:
        """List nothing yet."""
        self._site = site
        self._call = call
        self._settle = settle

    def digest(self, reading: JournalReading) -> dict[date, EndNote]:
        """Return what is listed of a journal, by the day; nothing of a document that never ended undone."""
        return self._noted(reading.document, reading.state, reading.at)

    def rebuilt(self, journal: str, state: State, at: datetime) -> dict[date, EndNote]:
        """Return the same of a journal that is known by the key of its first part alone."""
        return self._noted(mark_of(journal), state, at)

    def _noted(self, mark: Mark, state: State, at: datetime) -> dict[date, EndNote]:
        if not any(map(_is_undone, state.lines)):  # then nobody needs to know which document it is
            return {}
        return notes(name_of(mark.first_part), marked_document(self._site, mark), state, at)

    def keep(self, digests: list[dict[date, EndNote]]) -> None:
        """Append what was digested; it is there when this returns.

        Raises:
            UnavailableError: The store has a passing fault.
            HeldError: The bucket refuses.
        """
        lines: dict[str, list[bytes]] = defaultdict(list)
        for digest in digests:
            for day, note in digest.items():
                lines[layout_upkeep.ends(day)].append(msgspec.json.encode(note) + b"\n")
        add_all(self._site, self._call, lines, self._settle)


def marked_document(site: Site, mark: Mark) -> Document:
    """Return the document of a mark, also of one that was made by its journal's place alone.

    A key that is too long for that place stands in the document's record.
    """
    if mark.etag:
        return mark
    if mark.journal:
        record = site.in_output(f"answers/{mark.key}/{mark.version}/{layout.RECORD}")
        with suppress(LegibleError, ValueError):
            return document_of(site.store.read(record, Wanted(first=0, last=HEAD_BYTES - 1)))
    return Document(mark.bucket, mark.key, mark.version, etag_of(mark.version))


class UndoneEnds:
    """Reads which documents ended and are not done.

    Args:
        site: Its output bucket holds the lists.
        call: The invocation: gives the time.
        changes: Tells which journals changed since the lists were written.
        journals: Read these.
        in_memory: How much of one day's lists is in memory at once, in bytes.
        most_changed: How many journals that changed are read, at most.
    """

    def __init__(
        self,
        site: Site,
        call: Invocation,
        changes: Changes,
        journals: Journals,
        in_memory: int = IN_MEMORY,
        most_changed: int = MOST_CHANGED,
    ) -> None:
        """Read nothing yet."""
        self._site = site
        self._call = call
        self._changes = changes
        self._journals = journals
        self._in_memory = in_memory
        self._most_changed = most_changed
        #: How many journals that changed were too many to be read.
        self.unread = 0

    def find(self, choice: EndChoice) -> Iterator[UndoneEnd]:
        """Yield the ends that are chosen: those that are not listed yet first, then by the day, the latest day first.

        Raises:
            UnavailableError: The store has a passing fault.
            HeldError: The bucket refuses.
        """
        days = self._days(choice)  # listed first: what is listed meanwhile still has its mark, or is in these lists
        changed = self._changed()
        for end in changed.values():
            if end is not None and choice.has(end):
                yield end
        for _, objects in days:
            for note in self._latest(objects, choice):
                if note.end is not None and note.journal not in changed:
                    yield note.end

    def _days(self, choice: EndChoice) -> list[tuple[date, list[ListedObject]]]:
        """Return the lists of each day that may have ends which are chosen, the latest day first."""
        first = _day(choice.since) if choice.since else date.min
        last = _day(choice.until) if choice.until else date.max
        lists: dict[date, list[ListedObject]] = defaultdict(list)
        for item in self._site.store.list(self._site.output, layout.ENDS):
            day = layout_upkeep.day_of_ends(item.key)
            if day is not None and first <= day <= last:
                lists[day].append(item)
        return sorted(lists.items(), reverse=True)

    def _latest(self, objects: list[ListedObject], choice: EndChoice) -> Iterator[EndNote]:
        """Yield the latest note of each journal, without an end that is not chosen.

        Of many, a share at a time: memory holds one share, and of what is not chosen no more than its name and time.
        """
        shares = 1 + sum(item.size for item in objects) // self._in_memory
        for share in range(shares):
            latest: dict[str, EndNote] = {}
            for note in (note for item in objects for note in self._notes(item)):
                known = latest.get(note.journal)
                if crc32(note.journal.encode()) % shares != share:
                    continue
                if known is None or (note.at, note.n) > (known.at, known.n):
                    chosen = note.end is not None and choice.has(note.end)
                    latest[note.journal] = note if chosen else EndNote(note.journal, note.at, note.n)
            yield from latest.values()

    def _notes(self, item: ListedObject) -> Iterator[EndNote]:
        for line in self._site.store.read(self._site.in_output(item.key)).splitlines():
            with suppress(msgspec.MsgspecError, UnicodeDecodeError):
                yield msgspec.json.decode(line, type=EndNote)

    def _changed(self) -> dict[str, UndoneEnd | None]:
        """Return how the documents of journals that changed since stand, by the journal; None for one that is done."""
        marks = self._changes.marked()
        self.unread = max(0, len(marks) - self._most_changed)
        found: dict[str, UndoneEnd | None] = {}
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for name, known, end in pool.map(self._end, islice(marks.values(), self._most_changed)):
                if known:
                    found[name] = end
        return found

    def _end(self, slot: Slot) -> tuple[str, bool, UndoneEnd | None]:
        """Return a journal's name, whether it could be read, and how its document ended if that is not done."""
        try:
            mark = self._changes.read(slot)
            if mark is None:
                return slot.name, False, None
            state = self._journals.stored(mark.first_part.removesuffix(".jsonl"))
            return slot.name, True, undone(marked_document(self._site, mark), state)
        except (ValueError, LegibleError):  # whoever lists it says so
            return slot.name, False, None


def notes(journal: str, document: Document, state: State, at: datetime) -> dict[date, EndNote]:
    """Return what is listed of a journal, by the day of each end that was not done; see ``EndsConsumer``."""
    days = {_day(line.at) for line in state.lines if _is_undone(line)}
    if not days:
        return {}
    end = undone(document, state)
    stands = None if end is None else _day(end.at)
    return {day: EndNote(journal, at, len(state.lines), end if day == stands else None) for day in days}


def undone(document: Document, state: State) -> UndoneEnd | None:
    """Return how a document ended that is not done; None for one that is done, or goes on."""
    end = state.finished
    if end is None or not _is_undone(end):
        return None
    claim, at_fault = state.counted_claim, _at_fault(state)
    reason = end.reason or (at_fault.reason if at_fault else None) or Reason("", "")
    page = at_fault.page if at_fault else 0
    return UndoneEnd(
        document.bucket, document.key, document.version, end.status or "dead", end.at, end.name,
        code=reason.code, vendor_code=reason.vendor_code, message=reason.message[:_LONGEST_MESSAGE],
        operation=claim.operation if claim else "",
        request_id=reason.request_id or (at_fault.request_id if at_fault else ""),
        page=page, body=_body(state, page), tries=sum(line.event == "claimed" for line in state.lines),
        pages=max(0, _pages(state) - state.answered), lasting=_lasting(end, reason, at_fault, state),
        etag=document.etag, version_id=document.version_id, order=document.order,
    )  # fmt: skip


def _is_undone(line: Line) -> bool:
    return line.event == "finished" and line.status != "done"


def _at_fault(state: State) -> Line | None:
    """Return the line that says what became of the first page that has no answer that can be read."""
    lines = [line for line in state.lines if line.page and line.event in _OUTCOMES and line.reason is not None]
    missing = [line for line in lines if line.event == "answered" or not state.has_answer(line.page)]
    first = min((line.page for line in missing), default=0)
    return next((line for line in reversed(missing) if line.page == first), None)


def _body(state: State, page: int) -> str:
    """Return the key of what was stored of a page's last call."""
    stored = (line for line in reversed(state.lines) if line.event in _STORED and line.page == page)
    return next((line.answer for line in stored if line.answer), "")


def _pages(state: State) -> int:
    """Return how many pages the document has, as far as any claim says."""
    return max((line.pages for line in state.lines if line.event == "claimed"), default=0)


def _lasting(end: Line, reason: Reason, at_fault: Line | None, state: State) -> bool:
    """Tell whether the same would come of another try: the document itself is at fault, or all of it is answered."""
    if reason.passes:
        return False
    page = at_fault.state if at_fault else None
    answered = bool(_pages(state)) and state.answered >= _pages(state)
    return end.status == "rejected" or page == "rejected" or reason.code == UNREADABLE_ANSWER or answered


def _day(at: datetime) -> date:
    return at.astimezone(timezone.utc).date()


def latest(ends: Iterable[UndoneEnd], most: int) -> list[UndoneEnd]:
    """Return the latest ends, so many at most, the latest first; memory holds no more of them."""
    kept: list[UndoneEnd] = []
    for end in ends:
        kept.append(end)
        if len(kept) > 2 * most + 100:
            kept = sorted(kept, key=lambda one: one.at, reverse=True)[:most]
    return sorted(kept, key=lambda one: one.at, reverse=True)[:most]
