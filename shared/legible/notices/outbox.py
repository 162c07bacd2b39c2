"""Notices that wait to be sent, in the output bucket, and the list of their deliveries."""

from __future__ import annotations

from datetime import datetime

import msgspec
from msgspec import Struct

from legible.ledger.due import DueQueue, Slot
from legible.ledger.lines import Lines
from legible.model import layout
from legible.model.notices import Notice
from legible.notices.notice import EndLine
from legible.ports import Invocation, Site

#: How long a notice waits between one try and the next, in seconds; after the last one it is given up.
LADDER = (60, 5 * 60, 30 * 60, 2 * 3600, 8 * 3600, 24 * 3600)
_TRIES = 8


class OutboxEntry(Struct, frozen=True):
    """A notice in the outbox: its target, the journal line it depends on, and since when it waits."""

    target: str
    notice: Notice
    ended: EndLine
    since: datetime


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


class Outbox(DueQueue[OutboxEntry]):
    """Keeps notices until they are delivered.

    Args:
        site: Its output bucket holds them.
        call: The invocation: gives the time.
    """

    def __init__(self, site: Site, call: Invocation) -> None:
        """Keep nothing yet."""
        super().__init__(site, call, layout.OUTBOX, OutboxEntry, LADDER)

    def put(self, entry: OutboxEntry) -> Slot:
        """Keep a notice that was not tried yet. Raises as ``keep`` does."""
        return self.keep(entry, f"{entry.target}.{entry.notice.id}")

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
