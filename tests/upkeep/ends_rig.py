"""Documents that ended and are not done, made by the lines of their journals, and what finds and redrives them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from legible.ledger import journal
from legible.ledger.changes import Changes
from legible.ledger.journal import Line
from legible.ledger.journals import Journals
from legible.model import layout
from legible.model.documents import Document, Reason, Status, Upload
from legible.model.ends import FurtherCost, RedriveReport
from legible.model.prices import Price as Listed
from legible.model.prices import Prices, Tier
from legible.oversight.money import Spending
from legible.oversight.walk import ChangeWalk
from legible.pipeline.waiting import AGE, ParkedUpload, upload_name
from legible.upkeep.ends import EndsConsumer, UndoneEnds
from legible.upkeep.limits import Price
from legible.upkeep.redrive import Redrive, WaitingPlace
from tests.support.rig import IN, OUT, Rig, picture

DAY = date(2026, 11, 23)
PRICED = Prices(list=(Listed(("*",), date(2026, 1, 1), (Tier("0.01"),)),))
THROTTLED = Reason("throttled", "Too many calls.", vendor_code="APIG.0308", request_id="r-1", passes=True)
BROKEN = Reason("image-refused", "The service cannot read it.", vendor_code="AIS.0103", request_id="r-2")
GAVE_UP = Reason("platform-gave-up", "FunctionGraph gave up after 3 calls.")
EMPTY = Reason("empty", "The document is empty: 0 bytes.")


def ended(rig: Rig, key: str, status: Status, reason: Reason | None, *, pages: int = 1, body: bytes = b"") -> Document:
    """Put an upload and the journal of its end; mark it as changed."""
    ref = rig.store.put(IN, key, body or picture() + key.encode())
    document = Document(IN, key, rig.store.head(ref).etag, etag=rig.store.head(ref).etag)
    at, owner = rig.clock.now(), f"o-{key}"
    lines = [
        Line("claimed", at, owner, 1, operation="general-text", pages=pages, lease_until=at + timedelta(seconds=60)),
        *([Line("refused", at, owner, 2, page=1, reason=reason)] if reason and pages else []),
        Line("finished", at, owner, 3, status=status, reason=reason),
    ]
    target = rig.site.in_output(layout.journal(document))
    rig.store.append(target, 0, b"".join(map(journal.encode, lines)))
    Changes(rig.site, rig.call()).mark(document, at)
    return document


def listed(rig: Rig) -> None:
    """Have the timer list what changed."""
    call = rig.call("report")
    rig.clock.pause(10)
    ChangeWalk(Changes(rig.site, call), Journals(rig.site), [EndsConsumer(rig.site, call, 0.0)], call).walk()


def ends(rig: Rig, **limits: Any) -> UndoneEnds:
    call = rig.call("ends")
    return UndoneEnds(rig.site, call, Changes(rig.site, call), Journals(rig.site), **limits)


def price(prices: Prices = PRICED) -> Price:
    def further(calls: Mapping[str, int]) -> FurtherCost:
        return Spending(prices).further(calls, DAY)

    return further


def waiting(rig: Rig) -> WaitingPlace:
    room = rig.room()

    def park(upload: Upload, version: str, due: Any) -> None:
        room.keep(
            ParkedUpload(upload, version, due + AGE, released=rig.clock.now()), name(upload, version), due=due
        )  # fmt: skip

    def name(upload: Upload, version: str) -> str:
        return upload_name(upload, Document(upload.ref.bucket, upload.ref.key, version))

    def names() -> frozenset[str]:
        places = (layout.place_in_queue(layout.WAITING, key) for key in rig.store.keys(OUT, layout.WAITING))
        return frozenset(place[2] for place in places if place)

    return WaitingPlace(park, names, name)


def redrive(rig: Rig, owner: str = "redrive", prices: Prices = PRICED) -> Redrive:
    call = rig.call(owner)
    return Redrive(rig.site, call, ends(rig), Journals(rig.site), waiting(rig), price(prices))


def said(report: RedriveReport) -> tuple[int, Decimal | None, dict[str, int]]:
    """Return how many were moved, what it costs, and what was left."""
    return report.moved, report.cost.amount if report.cost else None, report.left
