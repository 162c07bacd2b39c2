"""Journals that no mark names, because it was lost, refused or never put: they are found by looking at the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

import msgspec
from msgspec import Struct

from legible.errors import DocumentError, LegibleError, ObjectGoneError
from legible.ledger.changes import Changes, first_part, mark_of
from legible.ledger.journals import Journals
from legible.ledger.state import State
from legible.model import layout
from legible.model.times import Moment
from legible.oversight.audit_journal import events_of
from legible.oversight.audit_told import first_untold
from legible.oversight.walk import RESERVE
from legible.ports import Invocation, ListedObject, Site

#: How many parts of journals one sweep lists at most: each 1,000 objects are a request, also where nothing changed.
_LISTED = 100_000
#: How many journals are read at most; time ends a sweep first.
_READ = 10**9
#: How many journals are read between one look at the time and the next, and how many at once.
_TOGETHER, _AT_ONCE = 256, 24
#: Of so many journals that the bucket refused it is kept that they must be read again; so many are named at each sweep.
_REMEMBERED, _NAMED = 200, 20
#: A journal that changed so lately has a mark that is not due; and the store's clock is not ours.
_FRESH = timedelta(hours=1)
#: A line that claims to be older is one that something else wrote.
_OLDEST = datetime(2020, 1, 1, tzinfo=timezone.utc)


class UnmarkedJournals:
    """Marks journals of which the audit trail has not all, so that the next walk counts and audits them.

    Args:
        site: Its output bucket holds journals, marks and what the trail was told.
        call: The invocation, or the command: gives the time.
    """

    def __init__(self, site: Site, call: Invocation) -> None:
        """Look at nothing yet."""
        self._site = site
        self._call = call
        self._changes = Changes(site, call)

    def since(self, journal: str, state: State) -> datetime | None:
        """Return the time of the earliest line of a journal that the trail has not; None if it has all of them.

        Args:
            journal: The key of its first part.
            state: What its lines say.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault.
        """
        events = list(events_of(mark_of(journal), state.lines, journal))
        event = first_untold(self._site, self._call, journal, events)
        return None if event is None else min(max(event.at, _OLDEST), self._call.now())

    def mark(self, journal: str, since: datetime | None = None) -> None:
        """Mark a journal; what it says is not counted since then, by default since now. Raises as ``since`` does."""
        self._changes.mark(mark_of(journal), since or self._call.now())


class Swept(Struct, frozen=True):
    """What a sweep did: how many parts of journals it listed, journals it read, and how many of these it marked.

    ``refused`` journals could not be read, each for a reason of its own; the next sweep reads them again.
    """

    listed: int = 0
    read: int = 0
    marked: int = 0
    refused: int = 0


class SweepPlace(Struct, frozen=True, omit_defaults=True):
    """How far the sweep of the ledger ``prefix`` is: behind the key ``after``, since ``begun``.

    Journals unchanged since ``seen`` were seen, but for those that were ``refused``, by the keys of their first parts.
    """

    prefix: str = ""
    after: str = ""
    begun: Moment | None = None
    seen: Moment | None = None
    refused: tuple[str, ...] = ()


class _SweepGroup(NamedTuple):
    """Journals that are read together: so many parts were listed for them, up to a key; empty at the ledger's end."""

    journals: list[str]
    listed: int
    last: str


class LedgerSweep:
    """Looks through the ledger for journals without a mark, a share of it at each call, and then from its beginning.

    Only what changed since it last came by is read, so that a sweep costs little more than its lists: as much of it as
    there is time for.

    Args:
        site: Its output bucket holds the ledger.
        call: The invocation: gives the time, and how much of it is left.
        listed: How many parts of journals it lists at most.
        read: How many journals it reads at most.
    """

    def __init__(self, site: Site, call: Invocation, listed: int = _LISTED, read: int = _READ) -> None:
        """Look at nothing yet."""
        self._site = site
        self._call = call
        self._most = listed, read
        self._journals = Journals(site)
        self._unmarked = UnmarkedJournals(site, call)
        #: Where this ledger's journals lie; several may lie in one bucket.
        self._prefix = f"{layout.LEDGER}{site.input}/"
        self._note = site.in_output(f"{layout.SWEEPS}{site.input}.json")
        #: How many refusals were logged.
        self._named = 0

    def sweep(self) -> Swept:
        """Mark the journals of the next share that need it, and note how far that was.

        A journal that the bucket refuses, or that nobody understands, is named in the log and passed over; the next
        sweeps read it again.

        Raises:
            HeldError: The bucket refuses the list, or the note.
            UnavailableError: The store has a passing fault; the next sweep begins where this one did not come on.
        """
        place, begun = self._place(), self._call.now()
        begun, seen, after = place.begun or begun, place.seen, place.after
        listed = read = marked = 0
        refused, ended = list[str](), False
        fault: LegibleError | None = None
        try:
            for group in self._groups(place):
                found = self._looked(group.journals, place.refused)
                listed, read = listed + group.listed, read + len(found)
                marked += sum(one is True for one in found.values())
                refused += [journal for journal, one in found.items() if one is None]
                after, ended = group.last, not group.last
        except LegibleError as error:  # what was looked at until then was looked at
            fault = error
        again = tuple(dict.fromkeys([*refused, *(place.refused if fault else ())]))[:_REMEMBERED]
        following = SweepPlace(self._prefix, after, begun, seen, again)
        if ended:
            following = SweepPlace(self._prefix, seen=begun - 2 * _FRESH, refused=again)
        self._site.store.write(self._note, msgspec.json.encode(following), "application/json")
        if fault is not None:
            raise fault
        return Swept(listed, read, marked, len(refused))

    def _groups(self, place: SweepPlace) -> Iterator[_SweepGroup]:
        """Yield the journals to be read, as far as time goes; first those that were refused before."""
        if place.refused and not self._late():
            yield _SweepGroup(list(place.refused), 0, place.after or self._prefix)
        names, counted, read, last = dict[str, None](), 0, 0, place.after or self._prefix
        total, fresh = 0, self._call.now() - _FRESH
        for item in self._site.store.list(self._site.output, self._prefix, place.after):
            if total == self._most[0] or read + len(names) == self._most[1] or self._late():
                break
            journal, last = first_part(item.key), item.key
            counted, total = counted + bool(journal), total + bool(journal)
            if journal and journal not in place.refused and _changed(item, place.seen, fresh):
                names[journal] = None
            if len(names) == _TOGETHER:
                yield _SweepGroup(list(names), counted, last)
                names, counted, read = {}, 0, read + _TOGETHER
        else:
            last = ""
        yield _SweepGroup(list(names), counted, last)

    def _late(self) -> bool:
        return self._call.remaining() < RESERVE

    def _looked(self, journals: Iterable[str], known: Iterable[str]) -> dict[str, bool | None]:
        """Look at journals, several at once; tell of each whether it was marked, None of one that cannot be read."""
        journals = list(journals)
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return dict(zip(journals, pool.map(lambda one: self._look(one, one not in known), journals), strict=True))

    def _look(self, journal: str, new: bool) -> bool | None:
        try:
            since = self._unmarked.since(journal, self._journals.stored(journal.removesuffix(".jsonl")))
            if since is not None:
                self._unmarked.mark(journal, since)
            return since is not None
        except LegibleError as error:
            if not isinstance(error, DocumentError):
                raise
            if new and self._named < _NAMED:
                self._named += 1
                self._call.log("journal-refused", key=journal, reason=error.reason_code, message=str(error))
        except Exception as error:  # one journal that nobody understands must not stop the sweep
            self._call.log("defect", key=journal, error=type(error).__name__, place="sweep")
        return None

    def _place(self) -> SweepPlace:
        try:
            place = msgspec.json.decode(self._site.store.read(self._note), type=SweepPlace)
        except (ObjectGoneError, msgspec.MsgspecError, UnicodeDecodeError):
            return SweepPlace()
        return place if place.prefix == self._prefix else SweepPlace()


def _changed(item: ListedObject, seen: datetime | None, fresh: datetime) -> bool:
    """Tell whether a part changed since it was seen; one that changed just now is left to the next time round."""
    changed = item.modified_at
    return changed is None or (changed <= fresh and (seen is None or changed > seen))
