"""Documents that ended and are not done: why, with the evidence, and what another try would cost."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from legible.model.documents import Document, ObjectRef, Order, Status


class UndoneEnd(Struct, frozen=True, omit_defaults=True):
    """How a document ended that is not done, after the last line of its journal.

    ``end`` names that line. ``code`` and ``vendor_code`` are the cause, ``message`` says it in words. ``page`` is the
    page that it is about, 0 for the whole document; ``request_id`` the service's request, ``body`` the key of what came
    instead of an answer, or cannot be read. ``tries`` counts the invocations that worked on it, ``pages`` those pages
    that another try calls for, 0 where nobody has counted them. ``lasting``: of another try the same would come again.
    """

    bucket: str
    key: str
    version: str
    status: Status
    at: datetime
    end: str
    code: str = ""
    vendor_code: str = ""
    message: str = ""
    operation: str = ""
    request_id: str = ""
    page: int = 0
    body: str = ""
    tries: int = 0
    pages: int = 0
    lasting: bool = False
    etag: str = ""
    version_id: str = ""
    order: Order | None = None

    @property
    def ref(self) -> ObjectRef:
        """The object that the document is the content of."""
        return ObjectRef(self.bucket, self.key)

    @property
    def document(self) -> Document:
        """The document, as far as it is known."""
        return Document(self.bucket, self.key, self.version, self.etag, self.version_id)

    @property
    def calls(self) -> int:
        """How many calls another try makes; one where nobody has counted its pages."""
        return max(1, self.pages)


class EndChoice(Struct, frozen=True):
    """Which ends: each field that is given must fit, and any of its values does.

    ``reasons`` are codes of causes, ours or the service's. ``since`` and ``until`` are times of ends, the latter not
    included.
    """

    prefix: str = ""
    reasons: tuple[str, ...] = ()
    statuses: tuple[Status, ...] = ()
    operation: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def has(self, one: UndoneEnd) -> bool:
        """Tell whether an end is chosen."""
        return (
            one.key.startswith(self.prefix)
            and _fits(self.reasons, {one.code, one.vendor_code} - {""})
            and _fits(self.statuses, {one.status})
            and self.operation in ("", one.operation)
            and (self.since is None or one.at >= self.since)
            and (self.until is None or one.at < self.until)
        )


def _fits(wanted: Collection[str], found: Collection[str]) -> bool:
    return not wanted or any(one in wanted for one in found)


class FurtherCost(Struct, frozen=True):
    """What further calls would cost this month, beside those that were made: ``packaged`` come out of packages.

    ``amount`` is None where an operation among ``unpriced`` has no price.
    """

    calls: int
    packaged: int
    currency: str
    amount: Decimal | None
    unpriced: tuple[str, ...] = ()


class Cause(Struct, frozen=True):
    """The documents that ended for one cause: how many, since when and until when, and what another try would cost.

    ``uncounted`` of them have pages that nobody has counted: each counts as one. ``example`` is what one of them says.
    """

    code: str
    vendor_code: str
    statuses: dict[str, int]
    operations: dict[str, int]
    documents: int
    calls: int
    uncounted: int
    lasting: int
    first: datetime
    last: datetime
    cost: FurtherCost
    example: str = ""


class UndoneReport(Struct, frozen=True):
    """Documents that are not done, by their causes, the most frequent first; ``documents`` are the latest of them.

    ``unread`` journals changed since the lists were written, and were too many to be read now.
    """

    as_of: datetime
    total: int
    causes: tuple[Cause, ...]
    documents: tuple[UndoneEnd, ...]
    cost: FurtherCost
    unread: int = 0


class RedriveReport(Struct):
    """What a redrive chose, what it moved to be tried again, and what it left, by why.

    ``cost`` is that of the documents that were moved, or would be. The first of them is due at ``first``, the last at
    ``last``.
    """

    chosen: int = 0
    moved: int = 0
    calls: int = 0
    uncounted: int = 0
    causes: dict[str, int] = {}
    left: dict[str, int] = {}
    cost: FurtherCost | None = None
    first: datetime | None = None
    last: datetime | None = None
    dry: bool = False
