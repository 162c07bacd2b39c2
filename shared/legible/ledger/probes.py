"""Unbilled calls that ask whether an operation may be called: in no journal, but among the service's failed ones."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

import msgspec
from msgspec import Struct

from legible.errors import LegibleError
from legible.ledger.lists import LongList
from legible.model import layout
from legible.model.times import Moment
from legible.ports import Invocation, Site


class Probe(Struct, frozen=True):
    """One such call: when, of which operation, and who made it (``doctor``, ``health``, ...)."""

    at: Moment
    operation: str
    who: str


class ProbeLog:
    """Notes probes, by the day (UTC).

    Args:
        site: Its output bucket holds the notes.
        call: The invocation: gives time and log.
        who: Who probes.
    """

    def __init__(self, site: Site, call: Invocation, who: str) -> None:
        """Note nothing yet."""
        self._site = site
        self._call = call
        self._who = who

    def note(self, operation: str) -> None:
        """Note that an operation is about to be probed; if that fails it is logged, and the probe made all the same."""
        probe = Probe(self._call.now(), operation, self._who)
        try:
            of_day = LongList(self._site, self._call, layout.probes(probe.at.date()))
            of_day.add(msgspec.json.encode(probe) + b"\n", None)
        except LegibleError as error:
            self._call.log("probe-not-noted", operation=operation, reason=error.reason_code, message=str(error))

    def made(self, first: date, last: date) -> Iterator[Probe]:
        """Yield the probes of some days, both included; a line that something else spoilt is passed over.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault.
        """
        for number in range((last - first).days + 1):
            stem = layout.probes(first + timedelta(days=number))
            for item in LongList(self._site, self._call, stem).objects():
                for line in self._site.store.read(self._site.in_output(item.key)).splitlines():
                    try:
                        yield msgspec.json.decode(line, type=Probe)
                    except (msgspec.MsgspecError, UnicodeDecodeError):
                        continue
