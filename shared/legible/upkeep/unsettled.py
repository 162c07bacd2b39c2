"""Notes of documents that somebody left: whoever counts journals writes them, and the sweep looks at each again.

A journal is read once when the time of its claim is over, to be counted. Whether its document has ended by then is seen
in passing, so that nobody has to read journals to find out who left one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import msgspec
from msgspec import Struct

from legible.errors import LegibleError, ObjectGoneError
from legible.ledger.changes import name_of
from legible.ledger.journals import Journals
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document
from legible.ports import Invocation, ListedObject, Site
from legible.upkeep import keys
from legible.upkeep.ends import JournalReading, marked_document
from legible.upkeep.findings import SweepBounds, unsettled

_JSON = "application/json"
#: How many notes are looked at side by side, and in one run.
_AT_ONCE, MOST = 4, 2000


class UnsettledConsumer:
    """Notes the documents of journals that were read, if nobody works on them.

    Args:
        site: Its output bucket holds the notes.
        call: The invocation: gives the time.
    """

    def __init__(self, site: Site, call: Invocation) -> None:
        """Note nothing yet."""
        self._site = site
        self._call = call

    def digest(self, reading: JournalReading) -> Document | None:
        """Return the document, if it is to be looked at again."""
        return marked_document(self._site, reading.document) if unsettled(reading.state, self._call.now()) else None

    def keep(self, digests: Iterable[Document | None]) -> None:
        """Write the notes; one that is there is written anew. Raises LegibleError where the bucket takes none."""
        for document in digests:
            if document is not None:
                note(self._site, document)


class NotesReport(Struct, frozen=True):
    """What came of the notes: how many were looked at, how many documents have been settled since, and what is left."""

    looked_at: int = 0
    settled: int = 0
    left: int = 0


class UnsettledNotes:
    """Looks at the documents that are noted, those first that were looked at longest ago.

    Args:
        site: Its output bucket holds the notes.
        journals: Tell how the documents stand.
        bounds: Tells which notes are too young.
        judge: Repairs a document if it must be; tells whether to look at it again.
        call: The invocation: gives the log.
        dry: Whether notes stay as they are.
    """

    def __init__(
        self,
        site: Site,
        journals: Journals,
        bounds: SweepBounds,
        judge: Callable[[Document, State], bool],
        call: Invocation,
        *,
        dry: bool = False,
    ) -> None:
        """Look at nothing yet."""
        self._site = site
        self._journals = journals
        self._bounds = bounds
        self._judge = judge
        self._call = call
        self._dry = dry

    def walk(self, late: Callable[[], bool]) -> NotesReport:
        """Look at the notes until it is ``late``.

        Raises:
            LegibleError: They cannot be listed.
        """
        listed = [item for item in self._site.store.list(self._site.output, keys.UNSETTLED) if self._due(item)]
        oldest = sorted(listed, key=lambda item: item.modified_at or self._bounds.oldest)[:MOST]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            seen = list(pool.map(lambda item: None if late() else self._look(item), oldest))
        looked_at = [settled for settled in seen if settled is not None]
        return NotesReport(len(looked_at), sum(looked_at), len(listed) - len(looked_at))

    def _due(self, item: ListedObject) -> bool:
        return item.modified_at is None or self._bounds.still(item.modified_at)

    def _look(self, item: ListedObject) -> bool:
        """Look at one; tell whether its document is settled, and no longer noted."""
        ref = self._site.in_output(item.key)
        try:
            document = msgspec.json.decode(self._site.store.read(ref), type=Document)
            state = self._journals.readable(document)
            stays = unsettled(state, self._bounds.now) and self._judge(document, state)
            if not self._dry:
                if stays:
                    note(self._site, document)  # so that it is not looked at before others
                else:
                    self._site.store.remove(ref)
        except ObjectGoneError:
            return True
        except (LegibleError, ValueError) as error:
            self._call.log("note-unreadable", key=item.key, kind=type(error).__name__)
            return False
        return not stays


def note(site: Site, document: Document) -> None:
    """Write the note of a document that is to be looked at again. Raises LegibleError where the bucket takes none."""
    ref = site.in_output(keys.unsettled(name_of(layout.journal(document))))
    site.store.write(ref, msgspec.json.encode(document), _JSON)
