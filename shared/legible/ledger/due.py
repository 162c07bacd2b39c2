"""What waits in the output bucket until it is due: keys begin with that time, so that a walk reads only what is due."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from heapq import nlargest
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from legible.errors import ObjectGoneError
from legible.model import layout
from legible.ports import Invocation, Site

_JSON = "application/json"
#: Of so many of those that were tried most often it is read since when they wait.
_LOOKED_AT = 20
_Item = TypeVar("_Item")


class Slot(Struct, frozen=True):
    """Where something waits: ``due`` is when it is tried next, ``rung`` which try that is, from 1."""

    key: str
    due: datetime
    rung: int
    name: str


class Backlog(Struct, frozen=True):
    """How much waits, and since when the oldest of it does; None where nothing waits, or nothing says so."""

    count: int = 0
    since: datetime | None = None


class DueQueue(Generic[_Item]):
    """Objects of one kind that wait, each for its next try.

    Args:
        site: Its output bucket holds them.
        call: The invocation: gives the time.
        prefix: Where they lie.
        kind: What they are.
        ladder: How long one waits between one try and the next, in seconds; the last of these is repeated.
    """

    def __init__(self, site: Site, call: Invocation, prefix: str, kind: type[_Item], ladder: Sequence[int]) -> None:
        """Keep nothing yet."""
        self._site = site
        self._call = call
        self._prefix = prefix
        self._kind = kind
        self._ladder = ladder

    def keep(self, item: _Item, name: str, rung: int = 1, due: datetime | None = None) -> Slot:
        """Keep something, under a name of its own, until it is due, by default when the wait of that rung is over.

        Raises:
            HeldError: The bucket refuses the object.
            UnavailableError: The store has a passing fault.
        """
        due = (due or self.after(rung)).replace(microsecond=0)  # as its key tells it
        slot = Slot(layout.queued(self._prefix, due, rung, name), due, rung, name)
        self._site.store.write(self._site.in_output(slot.key), msgspec.json.encode(item), _JSON)
        return slot

    def after(self, rung: int) -> datetime:
        """Return when the wait of a rung that begins now is over."""
        return self._call.now() + timedelta(seconds=self._ladder[min(rung, len(self._ladder)) - 1])

    def due(self) -> Iterator[Slot]:
        """Yield the places of what is due, the longest due first; other objects are skipped."""
        for slot in self.all():
            if slot.due > self._call.now():
                return
            yield slot

    def waiting(self, since: Callable[[_Item], datetime]) -> Backlog:
        """Return how much waits, due or not, and since when: of those that were tried most often, the oldest.

        Args:
            since: Returns since when something waits.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault.
        """
        slots = list(self.all())
        oldest = nlargest(_LOOKED_AT, slots, key=lambda slot: slot.rung)
        times = [since(item) for item in map(self.readable, oldest) if item is not None]
        return Backlog(len(slots), min(times, default=None))

    def all(self) -> Iterator[Slot]:
        """Yield the places of what waits, due or not, what is due first; other objects are skipped."""
        for item in self._site.store.list(self._site.output, self._prefix):
            place = layout.place_in_queue(self._prefix, item.key)
            if place is not None:
                yield Slot(item.key, *place)

    def readable(self, slot: Slot) -> _Item | None:
        """Return what waits there; None if another walk was faster, or the object is something else."""
        try:
            return self.read(slot)
        except ValueError:
            return None

    def read(self, slot: Slot) -> _Item | None:
        """Return what waits there; None if another walk was faster.

        Raises:
            ValueError: The object is something else.
        """
        try:
            return msgspec.json.decode(self._site.store.read(self._site.in_output(slot.key)), type=self._kind)
        except ObjectGoneError:
            return None

    def remove(self, slot: Slot) -> None:
        """Remove what waits there."""
        self._site.store.remove(self._site.in_output(slot.key))

    def later(self, slot: Slot, item: _Item | None = None, due: datetime | None = None) -> None:
        """Keep something for its next try; if killed in between, it waits twice, under one name.

        Without an ``item`` it is copied as it is: a newer version of Legible may have written more than this one reads.
        """
        if item is None:
            after = layout.queued(self._prefix, due or self.after(slot.rung + 1), slot.rung + 1, slot.name)
            self._site.store.copy(self._site.in_output(slot.key), self._site.in_output(after))
        else:
            self.keep(item, slot.name, slot.rung + 1, due)
        self.remove(slot)
