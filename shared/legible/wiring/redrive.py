"""What finds documents that are not done and has them tried once more, made of the objects of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache

from legible.ledger.changes import Changes
from legible.model.documents import Document, Upload
from legible.model.ends import FurtherCost
from legible.oversight.money import billing_day
from legible.oversight.usage import UsageReader
from legible.pipeline.waiting import AGE, ParkedUpload, upload_name
from legible.upkeep.ends import MOST_CHANGED, EndsConsumer, UndoneEnds
from legible.upkeep.limits import Price
from legible.upkeep.redrive import Redrive, WaitingPlace
from legible.wiring.parts import Parts


def ends(parts: Parts, most_changed: int = MOST_CHANGED) -> UndoneEnds:
    """Return what finds documents that ended and are not done; it reads so many changed journals at most."""
    changes = Changes(parts.site, parts.call)
    return UndoneEnds(parts.site, parts.call, changes, parts.ledger.journals, most_changed=most_changed)


def listing(parts: Parts) -> EndsConsumer:
    """Return what lists them."""
    return EndsConsumer(parts.site, parts.call, parts.settings.ledger.settle_seconds)


def redrive(parts: Parts, price: Price, most_changed: int = MOST_CHANGED) -> Redrive:
    """Return what has documents tried once more; ``price`` says what calls cost."""
    return Redrive(parts.site, parts.call, ends(parts, most_changed), parts.ledger.journals, waiting(parts), price)


def waiting(parts: Parts) -> WaitingPlace:
    """Return where uploads wait for another try, as far as a redrive needs it."""
    room, call = parts.room, parts.call

    def park(upload: Upload, version: str, due: datetime) -> None:
        # What held it up before is no reason to leave it: it is let go now.
        room.keep(ParkedUpload(upload, version, due + AGE, released=call.now()), name(upload, version), due=due)

    def name(upload: Upload, version: str) -> str:
        return upload_name(upload, Document(upload.ref.bucket, upload.ref.key, version))

    def names() -> frozenset[str]:
        return frozenset(slot.name for slot in room.all())

    return WaitingPlace(park, names, name)


def price(reader: Callable[[], UsageReader], now: Callable[[], datetime]) -> Price:
    """Return what says what further calls cost this month; what was spent is counted when that is first asked.

    Args:
        reader: Returns what knows it.
        now: Returns the time in UTC.
    """
    spent = cache(lambda: reader().spending())

    def further(calls: Mapping[str, int]) -> FurtherCost:
        return spent().further(calls, billing_day(now()))

    return further
