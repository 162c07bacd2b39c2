"""Frozen values that travel through the pipeline; the JSON of a record is exactly the JSON of these."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct

from legible.model.documents import Document, Reason, Status
from legible.model.pages import Location, Page

#: The version of ``record.json``; its schema is published as ``shared/legible/record.schema.json``.
SCHEMA_NUMBER = 1
SCHEMA = f"legible.record/{SCHEMA_NUMBER}"


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
    where there is one, else the value) as its ``type`` says, still exact text: a date as ``YYYY-MM-DD``, a date with a
    time as ``YYYY-MM-DDTHH:MM``, with ``:SS`` where seconds are printed, an amount or number as plain decimal digits,
    an integer, ``true`` or ``false``, the word an enum means; None where the text does not read as that type.
    ``currency`` is an amount's ISO 4217 code where it is known. ``label_zh`` is the label of a Chinese document.
    ``confidence`` is 0 to 1 where the API gives one. ``findings`` names the rules that it breaks.
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


class Recognized(Protocol):
    """What was recognized, to be looked through as often as needed. A whole ``Record`` is one too."""

    @property
    def fields(self) -> Collection[Field]:
        """The fields, in the order of the pages."""
        ...

    @property
    def tables(self) -> Collection[Table]:
        """The tables, in the order of the pages."""
        ...

    @property
    def text(self) -> Collection[TextBlock]:
        """The text blocks, in the order of the pages."""
        ...

    @property
    def checks(self) -> Collection[Check]:
        """The checks, in the order of the pages."""
        ...
