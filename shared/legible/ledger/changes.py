"""Which journals may have changed: a small object for each claim, so that nobody has to list journals to count calls.

A mark is put with the claim, before anything is paid for, and is due when the claimed time is over. Whatever was
written under the claim, and whether or not its invocation lived to end it, a walk that takes the mark finds it all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from legible.errors import DocumentError
from legible.ledger.due import DueQueue, Slot
from legible.ledger.lines import SKEW_SECONDS
from legible.model import layout
from legible.model.documents import Document
from legible.ports import Invocation, Site

#: What a document's name has more where its upload came with an order (``documents.identity``).
_ORDERED = re.compile(r"\.[0-9a-f]{8}(?=\.jsonl$)")


class Changes:
    """Marks journals, and yields the marks that are due.

    Args:
        site: Its output bucket holds the marks.
        call: The invocation: gives time and log.
    """

    def __init__(self, site: Site, call: Invocation) -> None:
        """Mark nothing yet."""
        self._call = call
        self._site = site
        self._queue = DueQueue(site, call, layout.CHANGES, Document, (0,))

    def after(self, seconds: float) -> datetime:
        """Return from when on a walk finds whatever is written during so many seconds from now."""
        return self._call.now() + timedelta(seconds=seconds + 2 * SKEW_SECONDS)  # two clocks differ by SKEW_SECONDS

    def mark(self, document: Document, due: datetime) -> None:
        """Say that a document's journal may get lines, and when a walk finds them.

        If the bucket refuses the mark, this is logged and the document goes on: what it costs is then missing in the
        sums until ``legible usage --rebuild``.

        Raises:
            UnavailableError: The store has a passing fault.
        """
        try:
            self._queue.keep(document, name_of(layout.journal(document)), due=due)
        except DocumentError as error:
            self._call.log("not-marked", key=document.key, reason=error.reason_code, message=str(error))

    def due(self) -> Iterator[Slot]:
        """Yield the marks that are due, the oldest first; several may be of one journal (``Slot.name``)."""
        return self._queue.due()

    def read(self, slot: Slot) -> Document | None:
        """Return whose journal a mark is about; None if another walk was faster.

        Raises:
            ValueError: The object is no mark.
        """
        return self._queue.read(slot)

    def remove(self, slot: Slot) -> None:
        """Remove a mark, after what its journal says was kept."""
        self._queue.remove(slot)

    def waiting(self) -> tuple[int, datetime | None]:
        """Return how many journals have marks, due or not, and when the oldest mark is due; None if there is none."""
        places = [
            place
            for item in self._site.store.list(self._site.output, layout.CHANGES)
            if (place := layout.place_in_queue(layout.CHANGES, item.key)) is not None
        ]
        return len({name for _, _, name in places}), places[0][0] if places else None


def name_of(journal: str) -> str:
    """Return the name of a journal in marks and sums, by the key of its first part: 32 hexadecimal digits."""
    return hashlib.sha256(journal.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def plain_name_of(journal: str) -> str:
    """Return the name that the journal would have without its order; empty where it has none."""
    plain, orders = _ORDERED.subn("", journal)
    return name_of(plain) if orders else ""
