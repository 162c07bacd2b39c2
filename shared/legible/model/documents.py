"""Documents: what was uploaded, what an event says about it, and how it ended."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from legible.errors import LegibleError

Format = Literal["xlsx", "csv", "jsonl", "parquet"]


class WorkbookOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """What a timer asks for: a ``workbook`` by its name, over a ``prefix`` or a ``day`` (``yesterday``, ``today``)."""

    workbook: str
    prefix: str = ""
    day: Literal["", "yesterday", "today"] = ""
    formats: tuple[Format, ...] = ()

    def selection(self, today: date) -> Selection:
        """Return which documents these are; ``today`` is the day in UTC."""
        days = {"today": today, "yesterday": today - timedelta(days=1)}
        return Selection(self.prefix, days.get(self.day))


Status = Literal["running", "done", "partial", "rejected", "held", "dead"]

PageState = Literal["done", "rejected", "held", "dead"]


class Reason(Struct, frozen=True):
    """Why a document or page is not done: a stable ``code``, what was found, and what to do about it.

    ``vendor_code`` is the service's error code (``ModelArts.4204``), ``request_id`` its request. What
    ``passes`` does so by itself: the document is tried again. It is left out where that is not so.
    """

    code: str
    message: str
    advice: str = ""
    vendor_code: str = ""
    request_id: str = ""
    passes: bool | UnsetType = UNSET

    @classmethod
    def of(cls, error: LegibleError) -> Reason:
        """Return the reason an error gives."""
        return cls(
            error.reason_code, error.message, error.advice, error.vendor_code, error.request_id, error.passes or UNSET
        )  # fmt: skip


#: The code of the reason of a page whose answer was paid for and cannot be read.
UNREADABLE_ANSWER = "answer-unreadable"


def unreadable_answer(why: str, request_id: str) -> Reason:
    """Return the reason of a page whose answer was paid for and cannot be read: ``why`` says what is wrong with it."""
    return Reason(
        UNREADABLE_ANSWER,
        f"The answer was paid for and cannot be read: {why}.",
        "It is stored as it came, where the page's `answer` says, and is not asked for again. Tell the service its "
        "request id; `legible rebuild` reads the answer again, free of charge.",
        request_id=request_id,
    )


class ObjectRef(Struct, frozen=True):
    """An object in OBS: bucket and decoded key."""

    bucket: str
    key: str

    def __str__(self) -> str:
        """Show as ``obs://bucket/key``."""
        return f"obs://{self.bucket}/{self.key}"


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    """What an uploader asks for beside the routes: an operation's slug, empty for the route's own, and options."""

    operation: str = ""
    options: dict[str, Any] = {}


class Wait(Struct, frozen=True):
    """The wait for a reason to pass: when an upload is tried ``next``, and ``until`` when it is tried at all."""

    next: datetime
    until: datetime


class Upload(Struct, frozen=True):
    """What an event says about one upload; some events give nothing but the object's name.

    ``raw_key`` is the key as the event spelled it, tried when the decoded key is not found. ``etag`` has no quotes.
    ``at`` is the event's time. ``hand`` counts how often an invocation whose time ended handed it on to a fresh one.
    ``order`` overrules what the object's metadata ask for. ``again`` names the end (``Line.name``) after which the
    document is to be tried once more. ``wait`` says that the upload is parked for further tries, whatever becomes of
    this one. ``run`` names the run of many documents that it is part of: its calls are told by that.
    """

    ref: ObjectRef
    raw_key: str = ""
    etag: str = ""
    version_id: str = ""
    size: int | None = None
    event_id: str = ""
    at: datetime | None = None
    hand: int = 0
    order: Order | None = None
    again: str = ""
    wait: Wait | None = None
    run: str = ""


class Unreadable(Struct, frozen=True):
    """An event, or a part of one, that names no object: recorded under its own digest, so that it is not lost."""

    reason: Reason
    digest: str


class Ignored(Struct, frozen=True):
    """A part of an event that is no upload: a removal. It gets no record, but a line in the log."""

    ref: ObjectRef
    reason: Reason


#: What an event may hold.
Arrival = Upload | Unreadable | Ignored


class Document(Struct, frozen=True, omit_defaults=False):
    """What was uploaded under a key. ``version`` names its content: equal bytes are one document. ``size`` is in bytes.

    ``version`` is the etag, which OBS makes of the bytes; documents that version 0.1 began in a bucket with versions
    keep the version id it gave them (``documents.identity``). ``version_id`` says which version of the object was
    looked at. ``format``, ``width``, ``height`` (pixels) and ``page_count`` are known after intake. ``order`` is what
    its uploader asked for, where that is more than the routes say. ``project`` is the enterprise project that its
    uploader named; it makes no other document of it.
    """

    bucket: str
    key: str
    version: str
    etag: str = ""
    version_id: str = ""
    size: int = 0
    uploaded_at: datetime | None = None
    content_type: str = ""
    format: str = ""
    width: int | None = None
    height: int | None = None
    page_count: int | None = None
    order: Order | None = None
    project: str | UnsetType = UNSET

    @property
    def ref(self) -> ObjectRef:
        """The object that this document is the content of."""
        return ObjectRef(self.bucket, self.key)


class Outcome(Struct, frozen=True, omit_defaults=True):
    """What a handler returns for one upload. ``record`` is the key of its record in the output bucket.

    ``skipped`` is no status of a document: folders, outputs of Legible and removals have no record.
    """

    bucket: str
    key: str
    status: Status | Literal["skipped"]
    operation: str = ""
    pages: int = 0
    record: str = ""
    reason: Reason | None = None
    duplicate: bool = False


#: Older than any upload.
NEVER = datetime.min.replace(tzinfo=timezone.utc)


class Selection(Struct, frozen=True):
    """Which documents: those whose key begins with ``prefix``, if given of one ``day`` (UTC), or a list of ``keys``."""

    prefix: str = ""
    day: date | None = None
    keys: tuple[str, ...] | None = None

    def has(self, at: datetime | None) -> bool:
        """Tell whether a document that was finished at that time is selected."""
        return self.day is None or (at is not None and at.astimezone(timezone.utc).date() == self.day)
