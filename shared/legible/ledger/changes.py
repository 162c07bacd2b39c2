"""Which journals may have changed: a small object for each claim, so that nobody has to list journals to count calls.

A mark is put with the claim, before anything is paid for, and is due when the claimed time is over. Whatever was
written under the claim, and whether or not its invocation lived to end it, a walk that takes the mark finds it all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import msgspec
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random

from legible.errors import DocumentError, UnavailableError
from legible.ledger.due import DueQueue, Slot
from legible.ledger.lines import SKEW_SECONDS
from legible.model import layout
from legible.model.documents import Document
from legible.ports import Invocation, ListedObject, Site


class Mark(Document, frozen=True, omit_defaults=True):
    """Whose journal may have changed.

    ``journal`` is the key of its first part where the document's key does not tell that.
    """

    journal: str = ""

    @property
    def first_part(self) -> str:
        """The key of the first part of the journal."""
        return self.journal or layout.journal(self)


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
        self._queue = DueQueue(site, call, layout.CHANGES, Mark, (0,))

    def after(self, seconds: float) -> datetime:
        """Return from when on a walk finds whatever is written during so many seconds from now."""
        return self._call.now() + timedelta(seconds=seconds + 2 * SKEW_SECONDS)  # two clocks differ by SKEW_SECONDS

    def mark(self, document: Document, due: datetime) -> None:
        """Say that a document's journal may get lines, and when a walk finds them.

        Of lines that are there already, ``due`` is the time of the earliest one.

        If the bucket refuses the mark, this is logged and the document goes on: what it costs is then missing in the
        sums and in the audit trail until ``LedgerSweep`` comes by, or ``legible usage --rebuild``. A passing fault is
        met twice before it counts.

        Raises:
            UnavailableError: The store has a passing fault.
        """
        mark = document if isinstance(document, Mark) else Mark(**msgspec.structs.asdict(document))
        again = Retrying(
            retry=retry_if_exception_type(UnavailableError), stop=stop_after_attempt(2), wait=wait_random(0.05, 0.2),
            sleep=self._call.pause, reraise=True,
        )  # fmt: skip
        try:
            again(self._queue.keep, mark, name_of(mark.first_part), due=due)
        except DocumentError as error:
            self._call.log("not-marked", key=document.key, reason=error.reason_code, message=str(error))

    def due(self) -> Iterator[Slot]:
        """Yield the marks that are due, the oldest first; several may be of one journal (``Slot.name``)."""
        return self._queue.due()

    def marked(self) -> dict[str, Slot]:
        """Return one mark, due or not, of each journal that has any, by the journal's name; the first of each.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault.
        """
        found: dict[str, Slot] = {}
        for slot in self._queue.all():
            found.setdefault(slot.name, slot)
        return found

    def read(self, slot: Slot) -> Mark | None:
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
        places = [place for place, _ in self._marks()]
        return len({name for _, _, name in places}), places[0][0] if places else None

    def uncounted(self) -> tuple[int, datetime | None]:
        """Return how many journals have marks, and until when everything is counted; None if nothing waits.

        A mark is put before anything that its claim pays for, however long the claim lasts: what is earlier than the
        oldest one is counted, as exactly as clocks agree. One that was put later, of lines that nobody had marked, is
        due since the earliest of them (``LedgerSweep``): so its key says what is uncounted, and it need not be read.
        """
        marks = list(self._marks())
        put = min((min(item.modified_at or due, due) for (due, _, _), item in marks), default=None)
        until = put - timedelta(seconds=SKEW_SECONDS) if put is not None else None
        return len({name for (_, _, name), _ in marks}), until

    def _marks(self) -> Iterator[tuple[tuple[datetime, int, str], ListedObject]]:
        """Yield the marks, the first due first: due time, rung and name, and the object."""
        for item in self._site.store.list(self._site.output, layout.CHANGES):
            place = layout.place_in_queue(layout.CHANGES, item.key)
            if place is not None:
                yield place, item


def name_of(journal: str) -> str:
    """Return the name of a journal in marks and sums, by the key of its first part: 32 hexadecimal digits."""
    return hashlib.sha256(journal.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def first_part(key: str) -> str:
    """Return the key of the first part of the journal that an object is a part of; empty for any other object."""
    stem = re.sub(r"(\.[0-9]+)?\.jsonl$", "", key)
    place = stem.removeprefix(layout.LEDGER).split("/")
    known = key.startswith(layout.LEDGER) and stem != key and len(place) > 2
    return f"{stem}.jsonl" if known and not place[-1].startswith(layout.NEWEST) else ""


def mark_of(journal: str) -> Mark:
    """Return the mark of the journal whose first part has this key; see ``first_part``.

    A long key is there as ``layout.shortened`` made it: then the mark names the journal, too.
    """
    bucket, rest = journal.removeprefix(layout.LEDGER).split("/", 1)
    key, version = rest.removesuffix(".jsonl").rsplit("/", 1)
    mark = Mark(bucket, key, version)
    return mark if mark.first_part == journal else Mark(bucket, key, version, journal=journal)


def plain_name_of(journal: str) -> str:
    """Return the name that the journal would have without its order; empty where it has none."""
    plain, orders = _ORDERED.subn("", journal)
    return name_of(plain) if orders else ""
