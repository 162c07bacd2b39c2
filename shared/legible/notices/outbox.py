"""Notices that wait to be sent, in the output bucket, and the list of what became of each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from legible.errors import ObjectGoneError
from legible.ledger.lines import Lines
from legible.model import layout
from legible.model.notices import Notice
from legible.notices.notice import EndLine
from legible.ports import Invocation, Site

#: How long a notice waits between one try and the next, in seconds; after the last one it is given up.
LADDER = (60, 5 * 60, 30 * 60, 2 * 3600, 8 * 3600, 24 * 3600)
_JSON = "application/json"
_TRIES = 8


class OutboxEntry(Struct, frozen=True):
    """What is kept of a notice: whom it is for, which line of the journal it hangs on, and since when it waits."""

    target: str
    notice: Notice
    ended: EndLine
    since: datetime


class Slot(Struct, frozen=True):
    """Where a notice waits: its key says when it is tried next, and which try that is, from 1."""

    key: str
    rung: int
    target: str
    id: str


class Delivered(Struct, frozen=True, omit_defaults=True):
    """A line of the list of deliveries: no URL, no secret, nothing recognized.

    ``outcome`` is ``sent``, ``failed`` (it is tried again), ``given-up``, or ``void``: the document never ended so.
    ``reason`` is the code of what went wrong.
    """

    at: datetime
    target: str
    id: str
    attempt: int
    outcome: str
    status: str
    reason: str = ""


class Outbox:
    """Keeps notices until they are taken.

    Args:
        site: They lie in its output bucket.
        call: The invocation: its clock.
    """

    def __init__(self, site: Site, call: Invocation) -> None:
        """Keep nothing yet."""
        self._site = site
        self._call = call

    def keep(self, entry: OutboxEntry, rung: int = 1) -> Slot:
        """Keep a notice until the wait of that rung is over.

        Raises:
            HeldError: The bucket takes no such object.
            UnavailableError: The store has a passing fault.
        """
        due = self._call.now() + timedelta(seconds=LADDER[rung - 1])
        key = layout.outbox(due, rung, entry.target, entry.notice.id)
        self._site.store.write(self._site.in_output(key), msgspec.json.encode(entry), _JSON)
        return Slot(key, rung, entry.target, entry.notice.id)

    def due(self) -> Iterator[Slot]:
        """Yield where notices wait that are due, the longest due first; what is not ours is passed over."""
        for item in self._site.store.list(self._site.output, layout.OUTBOX):
            waiting = layout.waiting(item.key)
            if waiting is None:
                continue
            if waiting[0] > self._call.now():
                return
            yield Slot(item.key, waiting[1], waiting[2], waiting[3])

    def read(self, place: Slot) -> OutboxEntry | None:
        """Return what waits there; None where another walk was faster.

        Raises:
            ValueError: It is none of ours.
        """
        try:
            return msgspec.json.decode(self._site.store.read(self._site.in_output(place.key)), type=OutboxEntry)
        except ObjectGoneError:
            return None

    def remove(self, place: Slot) -> None:
        """Let go of a notice."""
        self._site.store.remove(self._site.in_output(place.key))

    def later(self, place: Slot, entry: OutboxEntry) -> None:
        """Have a notice wait for its next try; whoever is killed in between leaves it twice, under one id."""
        self.keep(entry, place.rung + 1)
        self.remove(place)

    def log(self, line: Delivered) -> None:
        """Append a line to the list of deliveries.

        Raises:
            UnavailableError: It took no line.
            HeldError: It takes no lines any more, or the bucket takes none.
        """
        ref = self._site.in_output(layout.deliveries(line.at, line.id))
        Lines(self._site.store, ref, self._call.pause, name="The list of deliveries", tries=_TRIES).put(
            msgspec.json.encode(line) + b"\n"
        )
