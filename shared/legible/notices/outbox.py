"""Notices that wait to be sent, in the output bucket, and the list of their deliveries."""

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
    """A notice in the outbox: its target, the journal line it depends on, and since when it waits."""

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

    ``outcome`` is ``sent``, ``failed`` (it is tried again), ``given-up``, or ``void``: the document did not end with
    its line. ``reason`` is the code of the error.
    """

    at: datetime
    target: str
    id: str
    attempt: int
    outcome: str
    status: str
    reason: str = ""


class Outbox:
    """Keeps notices until they are delivered.

    Args:
        site: Its output bucket holds them.
        call: The invocation: gives the time.
    """

    def __init__(self, site: Site, call: Invocation) -> None:
        """Keep nothing yet."""
        self._site = site
        self._call = call

    def keep(self, entry: OutboxEntry) -> Slot:
        """Keep a notice until its first wait is over.

        Raises:
            HeldError: The bucket refuses the object.
            UnavailableError: The store has a passing fault.
        """
        due, rung = self._call.now() + timedelta(seconds=LADDER[0]), 1
        key = layout.outbox(due, rung, entry.target, entry.notice.id)
        self._site.store.write(self._site.in_output(key), msgspec.json.encode(entry), _JSON)
        return Slot(key, rung, entry.target, entry.notice.id)

    def due(self) -> Iterator[Slot]:
        """Yield the places of notices that are due, the longest due first; other objects are skipped."""
        for item in self._site.store.list(self._site.output, layout.OUTBOX):
            waiting = layout.waiting(item.key)
            if waiting is None:
                continue
            if waiting[0] > self._call.now():
                return
            yield Slot(item.key, waiting[1], waiting[2], waiting[3])

    def read(self, place: Slot) -> OutboxEntry | None:
        """Return the notice that waits there; None if another walk was faster.

        Raises:
            ValueError: The object is not a notice.
        """
        try:
            return msgspec.json.decode(self._site.store.read(self._site.in_output(place.key)), type=OutboxEntry)
        except ObjectGoneError:
            return None

    def remove(self, place: Slot) -> None:
        """Remove a notice from the outbox."""
        self._site.store.remove(self._site.in_output(place.key))

    def later(self, place: Slot) -> None:
        """Keep a notice for its next try; if killed in between, it is in the outbox twice, under one id.

        It is copied as it is, for a newer version of Legible may have written more into it than this one reads.
        """
        rung = place.rung + 1
        due = self._call.now() + timedelta(seconds=LADDER[rung - 1])
        target = self._site.in_output(layout.outbox(due, rung, place.target, place.id))
        self._site.store.copy(self._site.in_output(place.key), target)
        self.remove(place)

    def log(self, line: Delivered) -> None:
        """Append a line to the list of deliveries.

        Raises:
            UnavailableError: The list took no line.
            HeldError: The list takes no more lines, or the bucket refuses.
        """
        ref = self._site.in_output(layout.deliveries(line.at, line.id))
        Lines(self._site.store, ref, self._call.pause, name="The list of deliveries", tries=_TRIES).put(
            msgspec.json.encode(line) + b"\n"
        )
