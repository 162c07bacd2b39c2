"""What the lists of both buckets tell of an upload, and whether its time has come to be repaired. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from msgspec import Struct

from legible.documents.identity import content_name, etag_of
from legible.ledger.state import State
from legible.model.documents import NEVER
from legible.model.layout import NEWEST
from legible.ports import ListedObject

#: What is found and repaired. ``lost``: nobody began to read an upload; ``again``: nor the same bytes uploaded again;
#: ``abandoned``: whoever began is gone; ``held``: what it is held for is gone; ``unpublished``: its result was removed.
Kind = Literal["lost", "again", "abandoned", "held", "unpublished"]
KINDS: tuple[Kind, ...] = ("lost", "again", "abandoned", "held", "unpublished")
#: What lists alone tell: it is in order, or nobody began it, or it was perhaps uploaded again, or has no record.
Told = Literal["settled", "unbegun", "again", "unrecorded"]
#: How long the platform keeps an event for a function (serverless.yml): after that it does not come any more.
EVENT_LIFE = timedelta(days=1)
#: The name of a journal is an etag, and what an order adds; version 0.1 named it by the id of the object's version.
_BY_ETAG = re.compile(r"[0-9a-f]{32}(-[0-9]+)?(\.[0-9a-f]{8})?")


class SweepBounds(Struct, frozen=True):
    """Between which uploads the sweep repairs, at one moment.

    What is younger than ``young`` is left alone, and what was uploaded before ``oldest``. ``frontier`` is the upload
    time of the latest document that was begun lately: events of later uploads may be in a queue, and come yet; None
    where none was begun.
    """

    now: datetime
    young: timedelta
    oldest: datetime
    frontier: datetime | None = None

    def recent(self, item: ListedObject) -> bool:
        """Tell whether an upload is looked at each time; one without a time is."""
        return item.modified_at is None or item.modified_at >= self.oldest

    def overdue(self, uploaded_at: datetime) -> bool:
        """Tell whether the event of an upload that nobody began will not come any more."""
        age = self.now - uploaded_at
        passed = self.frontier is None or uploaded_at + self.young <= self.frontier
        return age >= self.young and (passed or age >= EVENT_LIFE)

    def still(self, since: datetime) -> bool:
        """Tell whether nothing has happened for so long that nobody is at work any more."""
        return self.now - since >= self.young


def is_journal(file: str) -> bool:
    """Tell whether a file in the folder of a document's journals is one: the first part, and no list of versions."""
    stem = file.removesuffix(".jsonl")
    return stem != file and not file.startswith(NEWEST) and not re.search(r"\.[0-9]{1,7}$", stem)


def told(item: ListedObject, journals: Mapping[str, ListedObject], *, record: bool, since: datetime) -> Told:
    """Return what lists tell of an upload.

    Args:
        item: The upload.
        journals: The journals of its key, by their file names.
        record: Whether its key has a record.
        since: What was uploaded before was looked at then.
    """
    name = content_name(item.etag)
    mine = [one for file, one in journals.items() if _is_of(file.removesuffix(".jsonl"), name)]
    latest = _latest(mine)
    uploaded_at = item.modified_at or NEVER
    if latest is None:
        former = _latest(one for file, one in journals.items() if not _BY_ETAG.fullmatch(file.removesuffix(".jsonl")))
        return "settled" if former is not None and former >= uploaded_at else "unbegun"
    if not record:
        return "unrecorded"
    return "again" if uploaded_at > max(latest, since) else "settled"


def _is_of(version: str, name: str) -> bool:
    return version == name or (etag_of(version) == name and bool(_BY_ETAG.fullmatch(version)))


def _latest(journals: Iterable[ListedObject]) -> datetime | None:
    return max((one.modified_at or NEVER for one in journals), default=None)


def unsettled(state: State, now: datetime) -> bool:
    """Tell whether a document is to be looked at again: nobody works on it, or it is held for what may pass by itself.

    One that was given back for a later try waits in the waiting room; it is no such document.
    """
    if state.finished is not None:
        return held(state)
    last = state.lines[-1] if state.lines else None
    parked = last is not None and last.event == "released" and last.note and last.reason is not None
    return last is not None and not parked and not state.leases.held(now)


def held(state: State) -> bool:
    """Tell whether a document ended as held for a reason that passes by itself."""
    end = state.finished
    return end is not None and end.status == "held" and end.reason is not None and bool(end.reason.passes)
