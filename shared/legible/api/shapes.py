"""What the API takes and returns, as JSON: types that a library checks, and that the OpenAPI document is made from."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Raw, Struct

from legible.model.documents import Format, Reason, Status
from legible.recognition.probe import HealthCheck
from legible.results.review import Conflict, Conflicts
from legible.workbooks.builds import Standing

Name = Annotated[str, Meta(min_length=1, max_length=500, description="A file's name, or a path that ends with one.")]
Slug = Annotated[str, Meta(max_length=100, pattern=r"^[a-z0-9-]*$")]
Options = Annotated[dict[str, Any], Meta(description="Options of the operation, as its documentation names them.")]
PageNumber = Annotated[int, Meta(ge=1, le=100_000)]
Prefix = Annotated[str, Meta(max_length=800, pattern=r"^[^\x00-\x1f\x7f]*$", description="What keys begin with.")]
Text = Annotated[str, Meta(max_length=20_000)]


#: A version is one part of its results' keys; ``newest-`` begins no version, but a list of them (``layout.newest``).
VERSION = r"^(?!newest-)[\w.-]*$"


#: Fit for a header: ASCII, and no line after it (in Python ``$`` also matches before a last line feed).
MEDIA_TYPE = r"^[A-Za-z0-9_.+-]+/[A-Za-z0-9_.+-]+$(?!\n)"


#: A name is shown in terminals, too (``legible review``): nothing in it moves a cursor or begins a line.
AUTHOR = r"^[^\x00-\x1f\x7f-\x9f]*$(?!\n)"


class Asking(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What decides how a document is read; both may be left to the routes."""

    operation: Slug = ""
    options: Options = {}


class NewDocument(Asking, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A document: ``content`` in Base64, or a public https ``url`` that it is fetched from."""

    name: Annotated[str, Meta(max_length=500)] = ""
    content: Annotated[str, Meta(pattern=r"^[A-Za-z0-9+/]*={0,2}$")] = ""
    url: Annotated[str, Meta(max_length=2000, pattern=r"^(https://.*)?$")] = ""


class NewUpload(Asking, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A file that is going to be uploaded: its size in bytes, its media type, its MD5 in Base64 if that is known."""

    name: Name
    size: Annotated[int, Meta(ge=1, le=5 * 1024**3)]
    content_type: Annotated[str, Meta(max_length=100, pattern=MEDIA_TYPE)] = "application/octet-stream"
    md5: Annotated[str, Meta(pattern=r"^([A-Za-z0-9+/]{22}==)?$(?!\n)")] = ""


class NewWorkbook(Struct, frozen=True, forbid_unknown_fields=True):
    """A workbook over many documents, by its name: those below a ``prefix``, or of a ``day`` in UTC."""

    workbook: Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f/.%][^\x00-\x1f\x7f/%]*$")]
    prefix: Prefix = ""
    day: Literal["", "yesterday", "today"] = ""
    formats: tuple[Format, ...] = ()


class Edit(Struct, frozen=True, forbid_unknown_fields=True):
    """One correction: ``was`` is the text the reviewer saw, ``value`` what is right; null takes a correction back.

    ``name`` is a field's name; a cell's table and place, ``item_list#2,3``; or a text block's number on its page,
    ``#5``.
    """

    page: PageNumber
    name: Annotated[str, Meta(min_length=1, max_length=500)]
    was: Text
    value: Text | None = None


class NewReview(Struct, frozen=True, forbid_unknown_fields=True):
    """Corrections of one document, of the version the reviewer saw."""

    version: Annotated[str, Meta(min_length=1, max_length=120)]
    edits: Annotated[tuple[Edit, ...], Meta(min_length=1, max_length=5000)]
    author: Annotated[str, Meta(max_length=100, pattern=AUTHOR)] = ""
    conflicts: Conflicts = "refuse"


class Waiting(Struct, frozen=True, forbid_unknown_fields=True):
    """How long the reply may wait for the result, in seconds; the gateway ends a request after 60."""

    wait: Annotated[float, Meta(ge=0, le=50)] = 0


class Versioned(Struct, frozen=True, forbid_unknown_fields=True):
    """Which version of a document; the newest if none is named."""

    version: Annotated[str, Meta(max_length=120, pattern=VERSION)] = ""


class Listing(Struct, frozen=True, forbid_unknown_fields=True):
    """Which documents are listed, and in which ``order``.

    The newest first, for which all that begin with the prefix must be looked through; or the uploads by their ``key``,
    which takes no longer however many there are, and leaves out results whose upload is gone.
    """

    prefix: Prefix = ""
    status: Status | Literal[""] = ""
    doubtful: Annotated[
        bool, Meta(description="Only those with values, or empty pages, that somebody should look at.")
    ] = False
    empty: Annotated[bool, Meta(description="Only those with pages on which nothing was recognized.")] = False
    order: Literal["newest", "key"] = "newest"
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    cursor: Annotated[str, Meta(max_length=2000)] = ""


class Coding(Struct, frozen=True, forbid_unknown_fields=True):
    """What equivalent code is to call for: options as JSON, and a document by its id."""

    options: Annotated[str, Meta(max_length=4000)] = ""
    id: Annotated[str, Meta(max_length=1600)] = ""


class Probing(Struct, frozen=True, forbid_unknown_fields=True):
    """Which operation's subscription is probed; a probe is a call that the service refuses, and is not billed."""

    probe: Slug = ""


class Summary(Struct, frozen=True, kw_only=True):
    """A document in a list; times are UTC, sizes in bytes.

    ``doubtful`` counts the values that break a rule or have little confidence, and that nobody corrected; ``empty`` the
    pages on which nothing was recognized. ``reason`` says why nobody works on a document that is running: it waits for
    another try, or no function has it.
    """

    id: str
    key: str
    version: str
    size: int | None
    uploaded_at: datetime | None
    status: Status
    operation: str
    revision: int = 0
    doubtful: int = 0
    empty: int = 0
    reason: Reason | None = None
    links: dict[str, str] = {}


class PageStatus(Struct, frozen=True):
    """Where one page stands."""

    page: int
    state: Literal["waiting", "calling", "done", "rejected", "held", "dead"]
    reason: Reason | None = None


class DocumentStatus(Summary, frozen=True, kw_only=True):
    """Everything known of a document.

    ``answered`` counts the pages that were paid for. ``record`` is its ``record.json``
    (``shared/legible/record.schema.json``); null while it runs, and where it is too large for a reply: then
    ``links.record`` leads to it.
    """

    bucket: str
    page_count: int | None
    answered: int
    pages: tuple[PageStatus, ...]
    finished_at: datetime | None
    results: tuple[str, ...]
    record: Raw | None = None


class DocumentList(Struct, frozen=True):
    """A part of the list. ``next`` is the cursor of the part behind it; null at the end."""

    documents: tuple[Summary, ...]
    next: str | None


class Accepted(Struct, frozen=True):
    """A document that was taken and is being read; ``links.self`` tells how it goes on."""

    id: str
    key: str
    status: Literal["running"]
    links: dict[str, str]


class Signed(Struct, frozen=True):
    """A request to be made as it stands, before it expires: a secret, good for one object."""

    method: Literal["PUT"]
    url: str
    headers: dict[str, str]
    expires_at: datetime


class UploadTicket(Struct, frozen=True):
    """Where a file is to be sent; the upload itself starts the recognition."""

    id: str
    key: str
    upload: Signed
    links: dict[str, str]


class Reviewed(Struct, frozen=True):
    """What came of a review: how many corrections count, which met another one, which fit nothing."""

    applied: int
    already: int
    conflicts: tuple[Conflict, ...]
    unknown: tuple[str, ...]


class WorkbookTicket(Struct, frozen=True):
    """A workbook that is being built; ``links`` lead to how that stands, and to its files when they do."""

    name: str
    links: dict[str, str]


class WorkbookStatus(Struct, frozen=True):
    """How the build of a workbook stands.

    ``partial`` is one with documents that had no result yet, ``held`` one that cannot be built, with its reason.
    ``waiting`` says how many documents had none, ``waiting_first`` which, as far as there is room. ``links`` lead to
    the files that this build made.
    """

    name: str
    status: Standing
    began_at: datetime
    links: dict[str, str]
    ended_at: datetime | None = None
    documents: int = 0
    waiting: int = 0
    waiting_first: tuple[str, ...] = ()
    reason: Reason | None = None


class OptionShape(Struct, frozen=True):
    """An option of an operation; ``type`` is ``str``, ``bool``, ``int``, ``float``, ``list[str]`` or ``object``."""

    name: str
    type: str
    help: str
    required: bool


class FieldShape(Struct, frozen=True):
    """A field an operation answers with."""

    path: str
    label: str
    label_zh: str
    type: str


class OperationShape(Struct, frozen=True):
    """An operation: what it reads, takes and answers."""

    slug: str
    title: str
    title_zh: str
    reads: str
    life: str
    url: bool
    formats: tuple[str, ...]
    options: tuple[OptionShape, ...]
    fields: tuple[FieldShape, ...]


class OperationList(Struct, frozen=True):
    """All operations."""

    operations: tuple[OperationShape, ...]


class CallShape(Struct, frozen=True):
    """A request to the OCR service, without its signature."""

    method: str
    url: str
    body: dict[str, Any]


class Code(Struct, frozen=True):
    """The request that is made for a document, and code that makes it."""

    request: CallShape
    python: str
    curl: str


class Health(Struct, frozen=True):
    """Whether documents can be read here, as far as it can be seen without paying."""

    status: Literal["ok", "degraded"]
    version: str
    checks: tuple[HealthCheck, ...]
