"""The sweep: the input bucket against the ledger, so that no upload stays unread and no document unended.

Lists of both buckets are held against each other while they are read, in segments, several side by side. Of uploads
that are not recent only the input bucket's list is read, but for once in a week; so a run is short.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta

from msgspec import Struct, structs

from legible.errors import LegibleError
from legible.ledger.changes import Changes
from legible.ledger.due import Slot
from legible.model import layout
from legible.model.sums import first_folder
from legible.ports import Invocation, Site
from legible.upkeep import unbegun
from legible.upkeep.listings import LAST, uploads
from legible.upkeep.progress import Progress, Segment, Turn
from legible.upkeep.repairs import Repairs
from legible.upkeep.unsettled import NotesReport, UnsettledNotes
from legible.upkeep.visit import Piece, View, Visit

#: How many segments are looked at side by side.
AT_ONCE = 4
#: No further piece is begun when this much time is left, in seconds.
RESERVE = 30.0
#: A turn is taken for at most so many seconds, and again before it ends.
_TURN_SECONDS = 900.0
#: The share of a run's time that notes get.
_NOTES_SHARE = 0.25
#: A bucket that was never looked at is cut where its first folders begin, this many at most.
_FOLDERS = 64
#: Claims of so long ago tell which uploads are begun now; of so many of them it is read when their upload was.
_LATELY, _MARKS = timedelta(minutes=10), 20


class SweepReport(Struct, frozen=True, omit_defaults=True):
    """What came of a run of the sweep.

    ``objects`` of the input bucket were looked at in ``segments``, and so many segments are ``left`` for a later run.
    ``found`` and ``repaired`` count by kind; ``in_vain`` was repaired before, and found again; ``waits`` was left
    because too many uploads wait already. ``notes`` of documents were looked at, ``settled`` of them are in order.
    ``busy_until``: another sweep has the turn, and nothing was looked at.
    """

    objects: int = 0
    segments: int = 0
    left: int = 0
    found: dict[str, int] = {}
    repaired: dict[str, int] = {}
    in_vain: dict[str, int] = {}
    waits: int = 0
    notes: int = 0
    settled: int = 0
    busy_until: datetime | None = None


class Work(Struct, frozen=True):
    """What a sweep works with: its view of a segment, repairs, notes, progress and turn."""

    view: View
    repairs: Repairs
    notes: UnsettledNotes
    progress: Progress
    turn: Turn


class Sweep:
    """Looks at what is due, and repairs what it finds.

    Args:
        site: The buckets.
        call: The invocation: gives time, the time left, and the log.
        work: What it works with.
        all_of_it: Whether every segment is looked at once, due or not, and as a whole.
        dry: Whether nothing is stored or repaired.
        tell: Is told how many objects were looked at so far.
    """

    def __init__(
        self,
        site: Site,
        call: Invocation,
        work: Work,
        *,
        all_of_it: bool = False,
        dry: bool = False,
        tell: Callable[[int], None] = lambda count: None,
    ) -> None:
        """Look at nothing yet."""
        self._site = site
        self._call = call
        self._work = work
        self._all = all_of_it
        self._dry = dry
        self._tell = tell
        self._lock = threading.Lock()
        self._objects = self._segments = self._left = 0
        self._taken_until: datetime | None = None
        self._lost = False
        self._faults: list[LegibleError] = []

    def run(self) -> SweepReport:
        """Look at the segments that are due, the most urgent first, until all were or the time is over.

        Raises:
            LegibleError: Something could not be looked at or repaired; the rest was done all the same.
        """
        with self._turn() as busy_until:
            if busy_until is not None:
                return SweepReport(busy_until=busy_until)
            notes = self._looked_at_notes()
            self._look()
        if self._faults:
            raise self._faults[0]
        repairs = self._work.repairs
        return SweepReport(
            self._objects, self._segments, self._left, dict(repairs.found), dict(repairs.repaired),
            dict(repairs.in_vain), repairs.left, notes.looked_at, notes.settled,
        )  # fmt: skip

    def _look(self) -> None:
        progress, now = self._work.progress, self._work.view.bounds.now
        if not progress.load():
            progress.cut(self._first_folders())
        urgency = [one.urgency(now, progress.total) for one in progress.segments]
        due = [pair for pair in zip(urgency, progress.segments, strict=True) if self._all or pair[0] >= 1]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._visit, (one for _, one in sorted(due, key=lambda pair: -pair[0]))))
        with self._noting_faults():
            self._work.repairs.flush()
            progress.end(self._work.repairs.in_vain.total())

    def _visit(self, segment: Segment) -> None:
        if self._late():
            self._count(left=1)
            return
        with self._noting_faults():
            progress, now = self._work.progress, self._work.view.bounds.now
            whole = self._all or segment.whole_due(now)
            visit = Visit(self._work.view, segment, progress.until(segment), whole=whole)
            for piece in visit.pieces(self._late):
                self._keep(segment, piece)
                if piece.cut and self._late():
                    self._count(left=1)
                    return
            self._count(segments=1)

    def _keep(self, segment: Segment, piece: Piece) -> None:
        """Store what was seen of a piece, after what was repaired in it; the rest of the segment stays due."""
        rest = structs.replace(segment, after=piece.cut, unread={}, objects=0, skipped=0) if piece.cut else None
        if not self._dry:
            self._work.repairs.flush()
            now = self._work.view.bounds.now
            if rest is not None and segment.unbegun:  # of the rest is known what was known of all of it
                known = [one for _, one in unbegun.stored(self._site, [segment.name])]
                unbegun.keep(self._site, rest.name, known, now)
            if piece.unbegun:
                unbegun.keep(self._site, piece.segment.name, piece.unbegun, now)
        self._work.progress.put(piece.segment, rest)
        self._count(objects=piece.segment.objects)

    def _looked_at_notes(self) -> NotesReport:
        most = self._call.remaining() * (1 - _NOTES_SHARE)
        with self._noting_faults():
            return self._work.notes.walk(lambda: self._late() or self._call.remaining() < most)
        return NotesReport()

    @contextmanager
    def _turn(self) -> Iterator[datetime | None]:
        """Have the turn; yields until when somebody else has it, or None."""
        if self._dry:
            yield None
            return
        seconds = min(self._call.remaining(), _TURN_SECONDS)
        busy_until = self._work.turn.take(seconds)
        self._taken_until = self._call.now() + timedelta(seconds=seconds)
        yield busy_until
        if busy_until is None and not self._lost:
            with self._noting_faults():
                self._work.turn.give_back()

    def _late(self) -> bool:
        """Tell whether to end: the time is over, or the turn, if it cannot be taken again."""
        if self._lost or self._call.remaining() < RESERVE:
            return True
        with self._lock:
            if self._taken_until is not None and self._call.now() > self._taken_until - timedelta(seconds=RESERVE):
                self._lost = self._work.turn.take(_TURN_SECONDS) is not None
                self._taken_until = self._call.now() + timedelta(seconds=_TURN_SECONDS)
        return self._lost

    def _count(self, objects: int = 0, segments: int = 0, left: int = 0) -> None:
        with self._lock:
            self._objects += objects
            self._segments += segments
            self._left += left
            self._tell(self._objects)

    @contextmanager
    def _noting_faults(self) -> Iterator[None]:
        try:
            yield
        except LegibleError as error:
            self._call.log("not-swept", reason=error.reason_code, message=str(error))
            self._faults.append(error)

    def _first_folders(self) -> Iterator[str]:
        """Yield where the first folders of the bucket begin, those that sort first: each costs one request."""
        after = ""
        for _ in range(_FOLDERS):
            item = next(uploads(self._site, after, ""), None)
            if item is None:
                return
            folder = first_folder(item.key)
            after = f"{folder}/{LAST}" if folder else item.key
            if folder:
                yield f"{folder}/"


def frontier(site: Site, changes: Changes, now: datetime) -> datetime | None:
    """Return when the latest of the documents was uploaded that were begun lately; None where none was.

    While events wait in a queue, uploads are begun long after they came: later ones than this may be in the queue.

    Raises:
        LegibleError: The store does not let us look.
    """
    begin = layout.queued(layout.CHANGES, now - _LATELY, 0, "")
    latest = list(site.store.list(site.output, layout.CHANGES, begin))[-_MARKS:]
    times = list[datetime]()
    for item in latest:
        place = layout.place_in_queue(layout.CHANGES, item.key)
        try:
            document = changes.read(Slot(item.key, *place)) if place is not None else None
        except ValueError:
            continue
        if document is not None and document.uploaded_at is not None:
            times.append(document.uploaded_at)
    return max(times, default=None)
