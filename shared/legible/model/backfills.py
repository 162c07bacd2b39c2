"""Backfills: all documents below a prefix of the input bucket, sent to the functions that read them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from legible.model.ends import FurtherCost


class SentDocument(Struct, frozen=True, omit_defaults=True):
    """A document that was sent, or is about to be, and whose end is not known yet. ``size`` is in bytes."""

    key: str
    etag: str
    size: int
    uploaded_at: datetime | None
    operation: str
    at: datetime


class Backfill(Struct, frozen=True, omit_defaults=True):
    """A backfill, as far as it is. It is written before documents are sent, so that a death leaves none out.

    Each document up to the key ``after`` had ended before (``known``), is among ``under_way``, or is counted by how it
    ended (``ended``) and what it was called for (``calls``, by operation). ``spent`` is what earlier sessions cost.
    ``owner`` works on it ``until`` then. ``stopped`` says why it ended before the last document.
    """

    name: str
    prefix: str
    begun: datetime
    after: str = ""
    under_way: tuple[SentDocument, ...] = ()
    known: int = 0
    sent: int = 0
    ended: dict[str, int] = {}
    calls: dict[str, int] = {}
    spent: Decimal = Decimal(0)
    owner: str = ""
    until: datetime | None = None
    finished: datetime | None = None
    stopped: str = ""


class BackfillReport(Struct, frozen=True):
    """How far a backfill is, and what it cost by the prices of the settings."""

    backfill: Backfill
    cost: FurtherCost
    total: int | None = None
