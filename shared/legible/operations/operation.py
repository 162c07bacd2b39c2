"""One OCR API: its names, its options, what it takes and what it answers. Values only."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from msgspec import Struct

from legible.operations.projects import NamedProject

#: How an answer's field is shown and typed. An ``enum`` reads one of a few words. ``confidence`` and ``location`` are
#: maps or values that describe other fields; ``image`` and ``file`` are Base64 inside the answer, stored as files and
#: never shown as text.
FieldType = Literal[
    "text",
    "date",
    "datetime",
    "amount",
    "number",
    "integer",
    "boolean",
    "enum",
    "confidence",
    "location",
    "image",
    "file",
    "object",
]

#: What is made beside ``record.json`` and ``record.xlsx``: ``record.md``; ``record.pdf`` whose text can be searched;
#: or, in the workbook, crops of the page beside each field that is in doubt.
Output = Literal["md", "pdf", "crops"]


class Extras(Struct, frozen=True):
    """What is made of an operation's answers, beside record and workbook; ``form`` names a template or mapping."""

    outputs: tuple[Output, ...] = ()
    form: str = ""


class Option(Struct, frozen=True, forbid_unknown_fields=True):
    """One option of an operation, beside its document.

    ``type`` is the SDK's notation: ``str``, ``bool``, ``int``, ``float``, ``list[str]``, ``object``. Booleans must be
    sent as JSON booleans; the service refuses a text (AIS.0101).
    """

    name: str
    type: str
    help: str = ""
    required: bool = False
    #: The attribute of the SDK's class where it differs from the JSON key.
    attribute: str | None = None


class FieldSpec(Struct, frozen=True, forbid_unknown_fields=True):
    """One field of an operation's answer.

    ``path`` leads to it from ``result``: ``passport_number``, ``verification_result.valid_number``,
    ``item_list[].amount`` (``[]`` stands for every element of a list). ``sdk_type`` is the SDK's own notation, empty
    for what only the vendor's pages show. ``label_zh`` is the label that a Chinese document prints beside the value.
    ``values`` pairs what an ``enum`` may read, in lower case, with the word it means (``[["男", "male"]]``).
    ``currency`` is the ISO 4217 code of an ``amount`` whose document has only one (``CNY``). ``day_first`` says that
    the document prints ``03-06-1985`` for the third of June, ``taxed`` that the code of a tax may stand beside an
    ``amount`` (``CN 100.00``). ``absent`` is the number that the service gives where there is no value. ``also`` are
    other names by which confidences and locations speak of the field.
    """

    path: str
    label: str
    type: FieldType = "text"
    sdk_type: str = "str"
    label_zh: str = ""
    values: tuple[tuple[str, str], ...] = ()
    currency: str = ""
    day_first: bool = False
    taxed: bool = False
    absent: float | None = None
    also: tuple[str, ...] = ()


class Names(Struct, frozen=True, forbid_unknown_fields=True):
    """The SDK's names of one operation: client method, request, request body and response classes."""

    method: str
    request: str
    body: str
    response: str


class Native(Struct, frozen=True, forbid_unknown_fields=True):
    """How an operation reads a paged format by itself.

    ``pages``: ``one`` page a call, chosen by ``parameter``; ``first`` page only; ``all`` pages in one call; ``none``.
    """

    pages: Literal["none", "one", "first", "all"] = "none"
    parameter: str | None = None
    note: str = ""


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """What an operation takes. Sides in pixels, sizes in bytes.

    ``base64_bytes`` bounds the encoded text of the document, whether sent inline or read from a URL.
    """

    formats: tuple[str, ...] = ()
    min_side: int = 15
    max_side: int = 8192
    max_pixels: int | None = None
    base64_bytes: int = 10 * 1024 * 1024
    advised_bytes: int = 7 * 1024 * 1024


class Life(Struct, frozen=True, forbid_unknown_fields=True):
    """The state of an operation in its life: ``live``, ``announced`` (to be removed), or ``removed`` on a date."""

    state: Literal["live", "announced", "removed"] = "live"
    removed_on: date | None = None
    replaced_by: str | None = None
    note: str = ""


class Operation(Struct, frozen=True, forbid_unknown_fields=True):
    """One OCR API.

    ``slug`` is the last part of its URL, ``POST /v2/{project_id}/ocr/<slug>``. ``result`` is the shape of ``result`` in
    its answer: one object, a list, or an object the SDK leaves untyped. ``reads`` says what an answer mainly holds.
    ``title_zh`` says in Chinese what ``title`` says.
    ``regions`` are those of the public endpoint tables; an empty tuple means that no table lists one.
    """

    slug: str
    title: str
    title_zh: str
    sdk: Names
    result: Literal["object", "list", "untyped"]
    reads: Literal["fields", "text", "table"]
    fields: tuple[FieldSpec, ...]
    limits: Limits = Limits()
    options: tuple[Option, ...] = ()
    inline: Literal["image", "data"] | None = None
    url: bool = True
    pdf: Native = Native()
    ofd: Native = Native()
    regions: tuple[str, ...] = ()
    life: Life = Life()
    #: Resource name in IAM actions (``ocr:<resource>:subscribe``), where a source names it.
    iam: str | None = None

    @property
    def decimal_point(self) -> str:
        """What its documents write before decimals, in China a point (GB/T 15835-2011); empty where that differs."""
        return "." if any(spec.currency == "CNY" for spec in self.fields) else ""

    def option(self, name: str) -> Option | None:
        """Return the option of that JSON key, or None."""
        return next((option for option in self.options if option.name == name), None)

    def removed(self, today: date) -> bool:
        """Tell whether the operation is withdrawn on that day."""
        if self.life.state == "live":
            return False
        if self.life.removed_on is None:
            return self.life.state == "removed"
        return today >= self.life.removed_on


class Task(Struct, frozen=True):
    """What is to be done with a document, from its route to its record.

    ``operation`` is called with ``options`` for each of ``pages`` pages (0 where that is not known yet), and ``extras``
    are made of the answers. A document of more than ``max_pages`` pages is held; None if the route does not say.
    ``route`` is the pattern of keys that led here, by which a route is known. Its calls go to ``region`` and are billed
    to ``project``; ``note`` says what is odd about that.
    """

    operation: Operation
    options: dict[str, Any]
    pages: int = 0
    extras: Extras = Extras()
    max_pages: int | None = None
    route: str = ""
    region: str = ""
    project: NamedProject = NamedProject()
    note: str = ""
