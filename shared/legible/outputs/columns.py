"""The columns of every sheet: their order and their names."""

from __future__ import annotations

from typing import NamedTuple

OTHER = "Other"


class Column(NamedTuple):
    """One column: its label, its label in a Chinese document, and the type of its values."""

    label: str
    label_zh: str = ""
    type: str = "text"


class Sheet(NamedTuple):
    """One list of rows. No other list has its ``name``; ``label`` is what people read."""

    name: str
    label: str
    columns: tuple[Column, ...]


def _columns(*labels: str) -> tuple[Column, ...]:
    return tuple(map(Column, labels))


INDEX = Sheet(
    "index",
    "Documents",
    (
        *_columns("Document", "Status", "Operation"),
        *(Column(label, "", "integer") for label in ("Pages", "Pages done", "Findings", "Corrected")),
        Column("Lowest confidence", "", "share"),
        *_columns("Uploaded", "Finished", "Broken rules", "Reason code", "Reason", "Advice", "Source"),
    ),
)

#: Where the index has the status and the lowest confidence of a document.
STATUS, LOWEST = 1, 7

PAGES = Sheet("pages", "Failed pages", _columns("Document", "Page", "State", "Reason code", "Reason", "Advice"))

FINDINGS = Sheet("findings", "Findings", _columns("Document", "Page", "Rule", "What disagrees", "Values"))

TEXT = Sheet("text", "Text", _columns("Document", "Page", "Block", "Text", "Confidence"))

TABLES = Sheet("tables", "Tables", _columns("Document", "Page", "Table", "Row", "Column", "Text", "Confidence"))

#: The columns that are read again when a reviewed workbook comes back.
CORRECTED, KEY = "Corrected", "Key"

#: The column of crops.
PICTURE = "On the page"

FIELD_HEADERS = (
    "Field",
    "\u5b57\u6bb5",
    "Value",
    PICTURE,
    "As recognized",
    "Page",
    "Confidence",
    "Findings",
    "Location",
    CORRECTED,
    KEY,
)

FINDING_HEADERS = ("Page", "Rule", "What disagrees", "Fields")

TEXT_HEADERS = ("Page", "Block", "Text", "Confidence", "Location")

CELL_HEADERS = ("Row", "Column", "Rows", "Columns", "Text", "Confidence", "Location")

TABLE_CELL_HEADERS = ("Page", "Table", *CELL_HEADERS)
