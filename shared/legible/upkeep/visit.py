"""One look at a segment of the input bucket: its uploads against the journals and the records of their keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial

from msgspec import Struct

from legible.documents.identity import content_name
from legible.errors import ObjectGoneError
from legible.model import layout
from legible.model.documents import NEVER
from legible.model.sums import first_folder
from legible.operations.routing import Routing
from legible.ports import ListedObject, Site
from legible.upkeep.findings import SweepBounds, Told, is_journal, told
from legible.upkeep.listings import FolderList, Listed, in_order, uploads
from legible.upkeep.progress import SIZE, Segment
from legible.upkeep.unbegun import UnbegunUpload, unbegun

#: After so many uploads it is asked whether the time is over.
_LOOKS = 256
#: Judges an upload that is not in order by the lists; tells whether to look at it again soon.
Judge = Callable[[ListedObject, Told], bool]


class View(Struct, frozen=True):
    """What a look needs: the buckets, the rules of routing, the name of markers, bounds, who judges; and its size."""

    site: Site
    rules: Routing
    marker: str
    bounds: SweepBounds
    judge: Judge
    size: int = SIZE


class Piece(Struct, frozen=True):
    """What was seen of a segment, or of its beginning up to ``cut`` (empty: its end)."""

    segment: Segment
    cut: str
    unbegun: tuple[UnbegunUpload, ...]


class Visit:
    """Looks at one segment.

    Args:
        view: What it needs.
        segment: The segment, as it was seen last.
        until: The key up to which it goes; empty for the end.
        whole: Whether old uploads are compared, too.
    """

    def __init__(self, view: View, segment: Segment, until: str, *, whole: bool) -> None:
        """Look at nothing yet."""
        self._view = view
        self._segment = segment
        self._until = until
        self._whole = whole
        site = view.site
        below = f"{layout.LEDGER}{site.input}/"
        listing = partial(site.store.list, site.output)
        self._journals = FolderList(listing, below, is_journal)
        self._records = FolderList(listing, layout.results_below(""), layout.RECORD.__eq__)
        self._since = segment.visited - view.bounds.young if segment.visited else NEVER
        self._restart(segment.after)

    def pieces(self, late: Callable[[], bool]) -> Iterator[Piece]:
        """Yield what is seen, piece by piece, each of about the size of a segment; the last one may end before.

        Args:
            late: Tells whether to end with the next piece.

        Raises:
            LegibleError: The store does not list.
        """
        site = self._view.site
        for listed in in_order(uploads(site, self._segment.after, self._until)):
            self._take(listed)
            full = self._objects >= self._view.size
            if listed.cut and (full or (self._objects % _LOOKS == 0 and late())):
                yield self._piece(listed.cut)
                self._restart(listed.cut)
        yield self._piece("")

    def _restart(self, after: str) -> None:
        self._after = after
        self._objects = self._skipped = 0
        self._newest: datetime | None = None
        self._pending = False
        self._unread = Counter[str]()
        self._unbegun = list[UnbegunUpload]()

    def _piece(self, cut: str) -> Piece:
        now, seen = self._view.bounds.now, self._segment
        unread = dict(self._unread) if self._whole else seen.unread if self._after == seen.after else {}
        segment = Segment(
            self._after, now, now if self._whole else seen.whole, self._newest, self._pending, self._objects,
            self._skipped, len(self._unbegun), unread,
        )  # fmt: skip
        return Piece(segment, cut, tuple(self._unbegun))

    def _take(self, listed: Listed) -> None:
        item, bounds = listed.item, self._view.bounds
        self._objects += 1
        if item.modified_at is not None:
            self._newest = max(self._newest or item.modified_at, item.modified_at)
        if self._passed_over(item):
            self._skipped += 1
            return
        recent = bounds.recent(item)
        found: Told = self._told(listed) if recent or self._whole else "settled"
        if found == "unbegun" and not recent:
            self._unread[first_folder(item.key)] += 1
        elif found != "settled" and recent:
            if found == "unbegun":
                self._unbegun.append(unbegun(self._view.site.input, item, self._view.rules))
            self._pending = self._view.judge(item, found) or self._pending

    def _passed_over(self, item: ListedObject) -> bool:
        """Tell whether an object is no document, as ``on_upload`` tells it: a folder, or a marker."""
        folder = item.key.endswith("/") and not item.size
        return folder or (bool(self._view.marker) and item.key.rpartition("/")[2] == self._view.marker)

    def _told(self, listed: Listed) -> Told:
        item, name = listed.item, layout.shortened(listed.item.key)
        by_itself = listed.alone or name != item.key
        journals = None if by_itself else self._journals.find(name)
        if journals is None:
            journals = self._journals_of(item)
        records = None if by_itself or not journals else self._records.find(name)
        record = bool(records) if records is not None or not journals else self._has_record(item.key)
        return told(item, journals, record=record, since=self._since)

    def _journals_of(self, item: ListedObject) -> dict[str, ListedObject]:
        """Return the journals of one upload by a list of its own."""
        site = self._view.site
        below = layout.journals(site.input, item.key)
        listed = site.store.list(site.output, below + content_name(item.etag))
        found = {one.key[len(below) :]: one for one in listed}
        return {file: one for file, one in found.items() if is_journal(file)}

    def _has_record(self, key: str) -> bool:
        site = self._view.site
        try:
            site.store.head(site.in_output(layout.results(key, layout.RECORD)))
        except ObjectGoneError:
            return False
        return True
