"""The review workbook: one row for each doubtful value of many documents, and a column to write corrections in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import IO, NamedTuple

from legible.extraction.corrections import block_name, cell_name
from legible.extraction.doubts import needs_eyes
from legible.model.documents import Document
from legible.model.records import Cell, Check, Field, Recognized, Record, Table, TextBlock
from legible.outputs.columns import CORRECTED, KEY
from legible.outputs.xlsx.book import Book, Imprint
from legible.outputs.xlsx.cells import EDIT, FAINT, FINDING, HIDDEN, LABEL, Content, count, of, sides
from legible.outputs.xlsx.row_key import key_of

_HEADER = (
    "Document",
    "Operation",
    "Page",
    "Field",
    "\u5b57\u6bb5",
    "Value",
    "As recognized",
    "Confidence",
    "Findings",
    "What disagrees",
    CORRECTED,
    KEY,
)
_OPTIONAL = ("\u5b57\u6bb5", "As recognized", "Confidence", "Findings", "What disagrees")


class _Row(NamedTuple):
    """One value that may be corrected."""

    page: int
    name: str
    label: str
    label_zh: str
    item: Field | Cell | TextBlock


def write(records: Callable[[], Iterable[Record]], file: IO[bytes], *, all_values: bool, at: datetime | None) -> int:
    """Write the workbook of many records.

    Args:
        records: Yields them anew each time; they are gone through three times, and one at a time is in memory.
        file: Where to, from its beginning.
        all_values: Every value, not only those that break a rule or have little confidence.
        at: When the newest of them was finished.

    Returns:
        How many values it has.
    """
    book = Book(file, Imprint("Review", "Legible: review", at), large=True, optional=_OPTIONAL)

    def lines() -> Iterator[list[Content]]:
        for record in records():
            yield from _lines(record, all_values)

    sheet = book.listing("Review", _HEADER, lines)
    if sheet is None:
        book.put(book.sheet("Review"), 0, 0, Content("Nothing needs eyes."))
    book.close()
    return sum(1 for _ in lines())


def _lines(record: Record, all_values: bool) -> Iterator[list[Content]]:
    messages = _messages(record.checks)
    for row in _rows(record):
        if all_values or needs_eyes(row.item):
            yield _line(record.document, record.operation, row, messages)


def _line(document: Document, operation: str, row: _Row, messages: dict[tuple[int, str], str]) -> list[Content]:
    item = row.item
    written = item.corrected.value if item.corrected else ""
    recognized = item.value if isinstance(item, Field) else item.text
    findings = () if isinstance(item, TextBlock) else item.findings
    key = key_of(document, row.page, row.name, item.final, written)
    return [
        Content(document.key),
        Content(operation),
        count(row.page),
        Content(row.label, style=LABEL),
        Content(row.label_zh, style=LABEL),
        of(item),
        Content(recognized if written or recognized != item.final else "", style=FAINT),
        sides(item)[0],
        Content(", ".join(findings), mark=FINDING if findings else None),
        Content(messages.get((row.page, row.name), "")),
        Content(written, style=EDIT),
        Content(key, style=HIDDEN),
    ]


def _rows(parts: Recognized) -> Iterator[_Row]:
    for field in parts.fields:
        yield _Row(field.page, field.name, field.label, field.label_zh, field)
    for table in parts.tables:
        yield from _cells(table)
    page = number = 0
    for block in parts.text:
        page, number = block.page, number + 1 if block.page == page else 1
        yield _Row(page, block_name(number), f"Text block {number}", "", block)


def _cells(table: Table) -> Iterator[_Row]:
    labels = {cell.column: cell.text for cell in table.cells if table.header and cell.row == 0}
    for cell in table.cells:
        if table.header and cell.row == 0:
            continue  # labels of ours
        place = f"{table.label}, row {cell.row + (0 if table.header else 1)}"
        label = f"{place}: {labels.get(cell.column) or f'column {cell.column + 1}'}"
        yield _Row(table.page, cell_name(table.name, cell.row, cell.column), label, "", cell)


def _messages(checks: Iterable[Check]) -> dict[tuple[int, str], str]:
    """Return what disagrees, by page and name."""
    messages: dict[tuple[int, str], str] = {}
    for check in checks:
        for name in () if check.passed else check.fields:
            before = messages.get((check.page, name))
            messages[check.page, name] = f"{before} {check.message}" if before else check.message
    return messages
