"""The sum: what was uploaded is done, partial, rejected, held, dead or running, at any moment.

Each document has one place in the roll-up: the hour in which its journal began. Journals that changed since are read
now, as far as they are few, and take the place of what was counted of them. Uploads that nobody has begun are known by
the sweep, under the names of their journals to come: one that has a journal by now is not counted a second time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

from legible.ledger.changes import Changes, Mark
from legible.ledger.due import Slot
from legible.ledger.journals import Journals
from legible.ledger.lines import SKEW_SECONDS
from legible.ledger.state import State
from legible.model.sums import By, DocumentStanding, DocumentSum, StandingCount, SumRow, named, rows_of
from legible.ports import Invocation, Site
from legible.upkeep import unbegun
from legible.upkeep.progress import Segment, stored

#: So many journals that changed are read for one sum; of more it is as of when the oldest of them changed.
LIVE = 500
_AT_ONCE = 8


class Began(NamedTuple):
    """The place of a document in the roll-up: the name of its journal, the hour in which that began, how it stands."""

    journal: str
    hour: datetime
    standing: DocumentStanding


class SumBase(Protocol):
    """What the roll-up has counted, as of one moment."""

    def standings(self) -> Iterable[StandingCount]:
        """Return how many documents stand how."""
        ...

    def began(self, hour: datetime) -> Mapping[str, DocumentStanding]:
        """Return how the documents stand whose journals began in an hour, by the journal's name."""
        ...


class SumSources(NamedTuple):
    """What a sum is made of: a look at the roll-up, what marks journals, journals, and what places a document."""

    counted: Callable[[], SumBase]
    changes: Changes
    journals: Journals
    place: Callable[[Mark, State], Began | None]


class StatusReader:
    """Puts the sum together.

    Args:
        site: Its output bucket has everything.
        call: The invocation: gives time and log.
        sources: What the sum is made of.
        live: How many journals that changed are read.
    """

    def __init__(self, site: Site, call: Invocation, sources: SumSources, live: int = LIVE) -> None:
        """Read nothing yet."""
        self._site = site
        self._call = call
        self._sources = sources
        self._live = live

    def sum(self, by: By = "prefix", folder: str | None = None) -> DocumentSum:
        """Return the sum.

        Args:
            by: What rows tell apart.
            folder: Only documents whose keys have this first folder; empty for those in none; None for all.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault.
        """
        now = self._call.now()
        # First the marks: a journal whose mark is gone by now is counted in the roll-up that is read after.
        marks = self._sources.changes.marked()
        counted = self._sources.counted()
        few = len(marks) <= self._live
        live = self._read(marks) if few else {}
        tally = Counter[tuple[str, str, str | None]]()
        for one in counted.standings():
            tally[one.status, one.operation, one.folder] += one.count
        self._replace(tally, counted, live)
        segments = stored(self._site)
        waiting = self._unbegun(counted, set(live if few else marks), live, segments)
        tally.update(waiting)
        counts = [StandingCount(*key, count) for key, count in tally.items() if count > 0 and folder in (None, key[2])]
        oldest = min((slot.due for slot in marks.values()), default=now)
        return DocumentSum(
            now if few else min(now, oldest), 0 if few else len(marks), _total(counts), rows_of(counts, by),
            *_beside(segments, folder), notes=tuple(_notes(counts, segments)),
        )  # fmt: skip

    def _read(self, marks: Mapping[str, Slot]) -> dict[str, Began]:
        """Return the places of marked documents as their journals tell them now."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = pool.map(self._placed, marks.values())
        return {one.journal: one for one in found if one is not None}

    def _placed(self, slot: Slot) -> Began | None:
        try:
            mark = self._sources.changes.read(slot)
        except ValueError:
            return None
        if mark is None:
            return None
        return self._sources.place(mark, self._sources.journals.stored(mark.first_part.removesuffix(".jsonl")))

    @staticmethod
    def _replace(tally: Counter[tuple[str, str, str | None]], counted: SumBase, live: Mapping[str, Began]) -> None:
        """Count documents as they stand now in place of how they stood when they were counted."""
        known = {hour: counted.began(hour) for hour in {one.hour for one in live.values()}}
        for one in live.values():
            before = known[one.hour].get(one.journal)
            if before is not None:
                tally[before.status, before.operation, before.folder] -= 1
            tally[one.standing.status, one.standing.operation, one.standing.folder] += 1

    def _unbegun(
        self, counted: SumBase, marked: set[str], live: Mapping[str, Began], segments: Iterable[Segment]
    ) -> Counter[tuple[str, str, str | None]]:
        """Count the uploads that nobody had begun when the sweep saw them, and nobody has since."""
        seen = {
            one.journal: (at, one)
            for at, one in unbegun.stored(self._site, [segment.name for segment in segments if segment.unbegun])
        }
        begun = set(marked) | {one.standing.plain for one in live.values()}
        if seen.keys() - begun:
            for hour in _hours(min(at for at, _ in seen.values()), self._call.now()):
                for name, standing in counted.began(hour).items():
                    begun |= {name, standing.plain}
        left = (one for name, (_, one) in seen.items() if name not in begun)
        return Counter(("running", one.operation, one.folder) for one in left)


def _hours(since: datetime, until: datetime) -> Iterable[datetime]:
    """Yield the hours (UTC) from one time to another one; clocks may differ a little."""
    hour = (since - timedelta(seconds=2 * SKEW_SECONDS)).replace(minute=0, second=0, microsecond=0)
    while hour <= until:
        yield hour
        hour += timedelta(hours=1)


def _total(counts: Iterable[StandingCount]) -> SumRow:
    tally = Counter[str]()
    for one in counts:
        tally[one.status] += one.count
    return SumRow.of("", tally)


def _beside(segments: Iterable[Segment], folder: str | None) -> tuple[int, int, datetime | None]:
    """Return how many uploads nobody ever read, how many objects are no documents, and since when that is known."""
    segments = tuple(segments)
    unread = sum(count for one in segments for name, count in one.unread.items() if folder in (None, name))
    visited = [one.visited for one in segments]
    known = [at for at in visited if at is not None]
    return unread, sum(one.skipped for one in segments), min(known) if len(known) == len(visited) else None


def _notes(counts: Iterable[StandingCount], segments: Iterable[Segment]) -> Iterable[str]:
    if any(one.folder is None for one in counts):
        yield f"Of documents under {named(None)} the prefix is not known: `legible status --rebuild` counts them again."
    if any(one.visited is None for one in segments):
        yield "The sweep has not looked at all of the input bucket yet: uploads that nobody began may be missing."
