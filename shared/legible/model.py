"""Frozen values that travel through the pipeline; the JSON of a record is exactly the JSON of these."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from msgspec import Struct

from legible.errors import LegibleError

#: The version of ``record.json``; its schema is published as ``shared/legible/record.schema.json``.
SCHEMA = "legible.record/1"

Status = Literal["running", "done", "partial", "rejected", "held", "dead"]
PageState = Literal["done", "rejected", "held", "dead"]
Source = Literal["url", "signed-url", "inline"]
#: Four corners ``((x, y), ...)``, clockwise from the text's own top left. On a page with a ``frame``: in its unit; else
#: in pixels of the uploaded image or, for a PDF page that the service drew by itself, of its drawing.
Location = tuple[tuple[float, float], ...]


class Reason(Struct, frozen=True):
    """Why a document or page is not done: a stable ``code``, what was found, and what to do about it.

    ``vendor_code`` is the service's error code (``ModelArts.4204``), ``request_id`` its request.
    """

    code: str
    message: str
    advice: str = ""
    vendor_code: str = ""
    request_id: str = ""

    @classmethod
    def of(cls, error: LegibleError) -> Reason:
        """Return the reason an error gives."""
        return cls(error.reason_code, error.message, error.advice, error.vendor_code, error.request_id)


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


class Upload(Struct, frozen=True):
    """What an event says of one upload; everything but the object's name may be missing in some envelope.

    ``raw_key`` is the key as the event spelt it, tried when the decoded key is not found. ``etag`` has no quotes.
    ``at`` is the event's time. ``hand`` counts how often an invocation whose time ended handed it on to a fresh one.
    ``order`` overrules what the object's metadata ask for. ``again`` names the end (``Line.name``) after which the
    document is to be tried once more.
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


class Unreadable(Struct, frozen=True):
    """An event, or a part of one, that names no object: recorded under its own digest, so that it is not lost."""

    reason: Reason
    digest: str


class Ignored(Struct, frozen=True):
    """A part of an event that is no upload: a removal. It has no record, and is told."""

    ref: ObjectRef
    reason: Reason


#: What an event may hold.
Arrival = Upload | Unreadable | Ignored


class Document(Struct, frozen=True, omit_defaults=False):
    """One uploaded object version. ``version`` is its version id, else its etag; ``size`` is in bytes.

    ``format``, ``width``, ``height`` (pixels) and ``page_count`` are known after intake. ``order`` is what its uploader
    asked for, where that is more than the routes say.
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

    @property
    def ref(self) -> ObjectRef:
        """The object this document is a version of."""
        return ObjectRef(self.bucket, self.key)


class Picture(Struct, frozen=True):
    """What one call is asked to read: a URL the service opens, or bytes sent inline as Base64.

    ``parameters`` are the page options of an operation that pages by itself (``{"pdf_page_number": 2}``).
    """

    source: Source
    url: str = ""
    body: bytes = b""
    parameters: dict[str, Any] = {}


class Answer(Struct, frozen=True):
    """The answer of one paid call: ``body`` is the JSON as received, byte for byte."""

    body: bytes
    request_id: str = ""
    http_status: int = 200


class Frame(Struct, frozen=True):
    """Where a picture lies on its page.

    ``width`` and ``height`` are the page's, in ``unit``: points of 1/72 inch for a PDF page as it is shown, pixels of
    the upright image for anything else. ``scale`` is pixels of the picture per unit. What was padded is right and
    below, so both have one origin, top left.
    """

    width: float
    height: float
    unit: Literal["px", "pt"]
    scale: float


class Page(Struct, frozen=True):
    """One page of a record: where its answer is, how it was read, or why it has none.

    ``source`` is how the service got the image; ``note`` says why that was not the configured way, or what was done to
    the image first. ``answer`` is the key of the stored answer in the output bucket. ``frame`` says how the picture
    that was sent lies on the page; None where the document itself was sent.
    """

    page: int
    state: PageState
    source: Source | None = None
    answer: str = ""
    request_id: str = ""
    note: str = ""
    frame: Frame | None = None
    reason: Reason | None = None


class Correction(Struct, frozen=True):
    """What a reviewer put in the place of something recognized: who, and when."""

    value: str
    author: str
    at: datetime


class Check(Struct, frozen=True):
    """Whether values agree with a rule; a **finding** is a check that did not pass.

    ``rule`` is its stable name (``id-number-checksum``). ``fields`` names what it looked at: a field by its name, a
    cell by its table's name and place, ``item_list#2,3`` (row and column from 0). ``message`` says what disagrees.
    """

    rule: str
    passed: bool
    page: int = 1
    fields: tuple[str, ...] = ()
    message: str = ""


class Field(Struct, frozen=True):
    """One recognized field.

    ``name`` is its path in the answer, ``value`` the text as recognized. ``typed`` is what counts (the correction,
    where there is one, else the value) as its ``type`` says, still exact text: a date as ``YYYY-MM-DD``, an amount or
    number as plain decimal digits, an integer, ``true`` or ``false``, the word an enum means; None where the text does
    not read as that type. ``currency`` is an amount's ISO 4217 code where it is known. ``label_zh`` is the label of a
    Chinese document. ``confidence`` is 0 to 1 where the API gives one. ``findings`` names the rules that it breaks.
    """

    name: str
    label: str
    value: str
    type: str = "text"
    typed: str | None = None
    page: int = 1
    confidence: float | None = None
    location: Location | None = None
    label_zh: str = ""
    currency: str = ""
    findings: tuple[str, ...] = ()
    corrected: Correction | None = None

    @property
    def final(self) -> str:
        """The text that counts: the correction, where there is one, else the value as recognized."""
        return self.value if self.corrected is None else self.corrected.value


class Cell(Struct, frozen=True):
    """One cell of a table; ``row`` and ``column`` count from 0, spans are at least 1. The rest is as with ``Field``."""

    row: int
    column: int
    text: str
    row_span: int = 1
    column_span: int = 1
    type: str = "text"
    typed: str | None = None
    confidence: float | None = None
    location: Location | None = None
    currency: str = ""
    findings: tuple[str, ...] = ()
    corrected: Correction | None = None

    @property
    def final(self) -> str:
        """The text that counts: the correction, where there is one, else the text as recognized."""
        return self.text if self.corrected is None else self.corrected.value


class Table(Struct, frozen=True):
    """A table of a page, or the line items of a document: ``header`` says that row 0 holds column labels of ours."""

    name: str
    label: str
    page: int
    rows: int
    columns: int
    cells: tuple[Cell, ...]
    header: bool = False


class TextBlock(Struct, frozen=True):
    """One block of running text, in reading order."""

    text: str
    page: int = 1
    confidence: float | None = None
    location: Location | None = None
    corrected: Correction | None = None

    @property
    def final(self) -> str:
        """The text that counts: the correction, where there is one, else the text as recognized."""
        return self.text if self.corrected is None else self.corrected.value


class Attachment(Struct, frozen=True):
    """A file that came inside an answer as Base64 (a portrait, an adjusted image): stored beside the record."""

    name: str
    page: int
    key: str
    media_type: str
    size: int


class Calls(Struct, frozen=True):
    """What the document cost: answered calls, calls that may have been paid, and calls paid a second time."""

    answered: int = 0
    unknown: int = 0
    surplus: int = 0


class Extract(Struct, frozen=True):
    """What answers say, before it becomes a record. ``files`` holds ``(name, page, media type, bytes)``."""

    fields: tuple[Field, ...] = ()
    tables: tuple[Table, ...] = ()
    text: tuple[TextBlock, ...] = ()
    checks: tuple[Check, ...] = ()
    files: tuple[tuple[str, int, str, bytes], ...] = ()
    notes: tuple[str, ...] = ()


class Outcome(Struct, frozen=True, omit_defaults=True):
    """What a handler says of one upload. ``record`` is the key of its record in the output bucket.

    ``skipped`` is no status of a document: folders, own outputs and removals have no record.
    """

    bucket: str
    key: str
    status: Status | Literal["skipped"]
    operation: str = ""
    pages: int = 0
    record: str = ""
    reason: Reason | None = None
    duplicate: bool = False


class Named(Struct, frozen=True):
    """A recognized value in a notice, for who asked for it by name."""

    name: str
    value: str
    page: int


class Ending(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a document ended, told by reference: where its record lies, and nothing of what was recognized.

    ``reason`` is the code of the reason alone: its text may quote the document. ``pages`` counts those with an answer.
    ``fields`` has what the target asked for by name, ``fields_cut`` says that there was more than a notice holds.
    """

    bucket: str
    key: str
    version: str
    operation: str
    status: Status
    pages: int
    record: ObjectRef
    revision: int
    reason: str = ""
    fields: tuple[Named, ...] = ()
    fields_cut: bool = False


class Notice(Struct, frozen=True, kw_only=True):
    """What a target is told: its JSON is a CloudEvent (https://github.com/cloudevents/spec, version 1.0).

    ``id`` is the same for every try, so that a receiver can tell what it had already.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    data: Ending
    specversion: str = "1.0"
    datacontenttype: str = "application/json"


class Record(Struct, frozen=True, kw_only=True):
    """Everything known of one document. ``operation`` is a slug, empty where no route was found.

    ``revision`` counts the reviews whose corrections it has.
    """

    schema: str = SCHEMA
    document: Document
    status: Status
    operation: str = ""
    title: str = ""
    options: dict[str, Any] = {}
    reason: Reason | None = None
    pages: tuple[Page, ...] = ()
    fields: tuple[Field, ...] = ()
    tables: tuple[Table, ...] = ()
    text: tuple[TextBlock, ...] = ()
    checks: tuple[Check, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    notes: tuple[str, ...] = ()
    calls: Calls = Calls()
    ledger: str = ""
    revision: int = 0
    finished_at: datetime | None = None
