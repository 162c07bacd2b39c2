"""Journals that no mark names, because it was lost, refused or never put: they are found by looking at the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from legible.errors import ObjectGoneError
from legible.ledger.changes import Changes, first_part, mark_of
from legible.ledger.journals import Journals
from legible.ledger.state import State
from legible.model import layout
from legible.oversight.audit_journal import events_of
from legible.oversight.audit_told import all_told
from legible.oversight.walk import RESERVE
from legible.ports import Invocation, Site

#: How many objects of the ledger one sweep lists at most, and how many journals it reads; and how many at once.
_LISTED, _READ, _AT_ONCE = 20_000, 500, 8
#: A journal that changed so lately has a mark that is not due; and the store's clock is not ours.
_FRESH = timedelta(hours=1)


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

    def look(self, journal: str, state: State) -> bool:
        """Mark a journal if it tells what the trail has not; tell whether so.

        Args:
            journal: The key of its first part.
            state: What its lines say.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault.
        """
        mark = mark_of(journal)
        if all_told(self._site, self._call, journal, list(events_of(mark, state.lines, journal))):
            return False
        self._changes.mark(mark, self._call.now())
        return True


class Swept(Struct, frozen=True):
    """What a sweep did: how many objects it listed, journals it read, and how many of these it marked."""

    listed: int = 0
    read: int = 0
    marked: int = 0


class SweepPlace(Struct, frozen=True, omit_defaults=True):
    """How far the sweep is: behind the key ``after``, since ``begun``; journals unchanged since ``seen`` were seen."""

    after: str = ""
    begun: datetime | None = None
    seen: datetime | None = None


class LedgerSweep:
    """Looks through the ledger for journals without a mark, a share of it at each call, and then from its beginning.

    Only what changed since it last came by is read, so that a sweep costs little more than its lists.

    Args:
        site: Its output bucket holds the ledger.
        call: The invocation: gives the time, and how much of it is left.
        listed: How many objects it lists at most.
        read: How many journals it reads at most.
    """

    def __init__(self, site: Site, call: Invocation, listed: int = _LISTED, read: int = _READ) -> None:
        """Look at nothing yet."""
        self._site = site
        self._call = call
        self._most = listed, read
        self._journals = Journals(site)
        self._unmarked = UnmarkedJournals(site, call)

    def sweep(self) -> Swept:
        """Mark the journals of the next share that need it, and note how far that was.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault; the next sweep begins where this one did.
        """
        now, place = self._call.now(), self._place()
        begun, ended = place.begun or now, False
        listed, names, after = 0, dict[str, None](), place.after
        for key, changed in self._objects(place.after):
            if listed == self._most[0] or len(names) == self._most[1] or self._call.remaining() < RESERVE:
                break
            listed, after = listed + 1, key
            journal = first_part(key)
            if journal and (place.seen is None or changed is None or changed > place.seen):
                names[journal] = None
        else:
            ended = True
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            marked = sum(pool.map(self._look, names))
        following = SweepPlace(seen=begun - 2 * _FRESH) if ended else SweepPlace(after, begun, place.seen)
        self._site.store.write(self._site.in_output(layout.SWEEP), msgspec.json.encode(following), "application/json")
        return Swept(listed, len(names), marked)

    def _objects(self, after: str) -> Iterator[tuple[str, datetime | None]]:
        """Yield key and time of change of each object of the ledger that did not change just now."""
        fresh = self._call.now() - _FRESH
        for item in self._site.store.list(self._site.output, f"{layout.LEDGER}{self._site.input}/", after):
            if item.modified_at is None or item.modified_at <= fresh:
                yield item.key, item.modified_at

    def _look(self, journal: str) -> bool:
        return self._unmarked.look(journal, self._journals.stored(journal.removesuffix(".jsonl")))

    def _place(self) -> SweepPlace:
        try:
            body = self._site.store.read(self._site.in_output(layout.SWEEP))
            return msgspec.json.decode(body, type=SweepPlace)
        except (ObjectGoneError, msgspec.MsgspecError, UnicodeDecodeError):
            return SweepPlace()
