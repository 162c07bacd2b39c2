"""What was counted of documents that were forgotten: their journals are gone, and the sums stay true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec import Struct

from legible.errors import ObjectGoneError
from legible.ledger.tombstones import Tombstone, digest_of
from legible.model.layout import TOMBSTONES
from legible.oversight.calls import JournalHour
from legible.ports import Site


class _HourCount(Struct, frozen=True):
    """What a journal said of one hour, as a tombstone keeps it."""

    hour: datetime
    said: JournalHour


def forgotten(site: Site) -> Iterator[dict[datetime, JournalHour]]:
    """Yield what the journals of each document said that was forgotten; a tombstone that is none is passed over.

    Raises:
        HeldError: The bucket refuses.
        UnavailableError: The store has a passing fault.
    """
    for item in site.store.list(site.output, TOMBSTONES):
        if digest_of(item.key):
            try:
                stone = msgspec.json.decode(site.store.read(site.in_output(item.key)), type=Tombstone)
                counts = [msgspec.convert(one, _HourCount, strict=False) for last in stone.times for one in last.counts]
            except (ObjectGoneError, ValueError):
                continue
            for count in counts:
                yield {count.hour: count.said}
