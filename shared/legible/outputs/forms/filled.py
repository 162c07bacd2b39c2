"""The user's own workbook, its placeholders filled: ``{{passport_number}}``, ``{{item_list[].amount}}``.

A row with a placeholder of line items is repeated for each of them; see ``repeated_rows``. Of a document of several
pages each page has a copy of every sheet with placeholders. A cell that is one placeholder holds a value where that is
exact, in the number format that the template gives it; everything else is text, which is never a formula or a link. A
text too long for a cell goes on in the sheet ``Continued``.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime, timezone
from functools import partial
from typing import IO, Any, NamedTuple

from legible.model.records import Cell, Field, Recognized, Record
from legible.outputs.forms import template
from legible.outputs.forms.placeholders import cells, cells_to_fill, names_in, only, replaced, rows_to_repeat, text_in
from legible.outputs.forms.references import RowPlan
from legible.outputs.forms.repeated_rows import repeat
from legible.outputs.forms.sheet_copy import sheet_for
from legible.outputs.forms.sources import FormPage, pages, text_of
from legible.outputs.rows import Value
from legible.outputs.xlsx.cells import of, styled
from legible.outputs.xlsx.values import fit, pieces, sheet_name, shown

_CLOCKLESS = (1980, 1, 1, 0, 0, 0)
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")
#: What Excel would read as a character when it stands in a file: its first character is escaped.
_ESCAPE = re.compile(r"_(?=x[0-9A-Fa-f]{4}_)")


class FormLimits(NamedTuple):
    """How much of a document becomes a form: memory would not hold more. The record says what was left out."""

    pages: int = 50
    cells: int = 150_000


USUAL = FormLimits()


def fill(body: bytes, name: str, record: Record, parts: Recognized, file: IO[bytes], limits: FormLimits) -> list[str]:
    """Write a form.

    Args:
        body: The template.
        name: Its name, for errors.
        record: What is known of the document.
        parts: What was recognized.
        file: Where to.
        limits: How much of a document becomes a form.

    Returns:
        What did not fit into it, in words.

    Raises:
        SettingsError: The template is no workbook.
    """
    filling = _Filling(template.opened(body, name), limits)
    others = pages(record, parts)
    first = next(others)
    for page in others:
        if not filling.takes():
            filling.note(f"form.xlsx ends before page {page.number}; record.xlsx has all pages")
            break
        filling.copy(page)
    filling.fill(filling.sheets, first)
    filling.save(record.finished_at or datetime(2000, 1, 1, tzinfo=timezone.utc), file)
    return filling.notes


class _Filling:
    """A workbook being filled."""

    def __init__(self, book: Any, limits: FormLimits) -> None:
        self._book = book
        self._most_pages = limits.pages
        self.sheets = [sheet for sheet in book.worksheets if next(cells_to_fill(sheet), None)]
        self.notes: list[str] = []
        self._continued: list[tuple[str, str, str]] = []
        self._pages = 1
        self._size = sum(len(cells(sheet)) for sheet in self.sheets)
        self._room = limits.cells - self._size

    def note(self, text: str) -> None:
        """Add a note to the record, once."""
        self.notes += [] if f"{text}." in self.notes else [f"{text}."]

    def takes(self) -> bool:
        """Tell whether there is room for the sheets of another page."""
        return self._pages < self._most_pages and self._room >= self._size

    def copy(self, page: FormPage) -> None:
        """Fill a copy of the sheets with a page."""
        self._pages += 1
        self._room -= self._size
        self.fill([sheet_for(sheet, self._name(f"{sheet.title[:24]} p{page.number}")) for sheet in self.sheets], page)

    def fill(self, sheets: Sequence[Any], page: FormPage) -> None:
        """Fill sheets with a page."""
        for sheet in sheets:
            rows = rows_to_repeat(sheet)
            plan = RowPlan({row: self._count(sheet, row, page, page.count(names)) for row, names in rows.items()})
            if any(count > 1 for count in plan.counts.values()):
                repeat(sheet, plan)
            numbers = {
                plan.first(row) + number: number + 1
                for row, names in rows.items()
                for number in range(min(plan.counts[row], page.count(names)))
            }
            for cell, _ in cells_to_fill(sheet):
                self._put(cell, partial(page.value, row=numbers.get(cell.row, 0)))

    def _count(self, sheet: Any, row: int, page: FormPage, wanted: int) -> int:
        """Return how often a repeated row stands, as far as there is room; once where there is no line item."""
        wide = sum(at == row for at, _ in cells(sheet))
        count = min(max(wanted, 1), 1 + max(self._room, 0) // wide)
        self._room -= (count - 1) * wide
        if count < wanted:
            text = f"form.xlsx has the first {count:,} of {wanted:,} line items of page {page.number}"
            self.note(f"{text}; record.xlsx has all")
        return count

    def _put(self, cell: Any, value: Callable[[str], Value]) -> None:
        text = text_in(cell)
        if only(text):
            self._write(cell, value(names_in(text)[0]))
        else:
            self._write_text(cell, replaced(text, lambda name: text_of(value(name))))

    def _write(self, cell: Any, value: Value) -> None:
        """Write a value as what it is where that is exact and the cell is not one for text; else as text."""
        item = value if isinstance(value, (Field, Cell)) else None
        exact = shown(item.type, item.typed) if item else value
        if isinstance(exact, datetime):
            exact = exact.astimezone(timezone.utc).replace(tzinfo=None)
        if cell.number_format == "@" or not isinstance(exact, (bool, int, float, date)):
            self._write_text(cell, text_of(value))
            return
        look = styled(of(item))["num_format"] if item and cell.number_format == "General" else cell.number_format
        cell.value = exact
        if item:
            cell.number_format = look

    def _write_text(self, cell: Any, text: str) -> None:
        """Write a text that Excel keeps as text, whatever it looks like."""
        first, *more = pieces(fit(text)[0])
        cell.value = None
        if not first:
            return
        if more:
            row = len(self._continued) + 2
            self._continued += [(cell.parent.title, cell.coordinate, piece) for piece in more]
            first = f"{first} \u2026 (continued in sheet {self._rest}, row {row})"
        cell._value, cell.data_type = _escaped(first), "s"
        if first[0] in "=+-@\t":
            cell.quotePrefix = True

    @property
    def _rest(self) -> str:
        return self._name("Continued")

    def _name(self, wanted: str) -> str:
        return sheet_name(wanted, self._book.sheetnames)

    def save(self, at: datetime, file: IO[bytes]) -> None:
        """Write the workbook; the same form always makes the same bytes."""
        if self._continued:
            sheet = self._book.create_sheet(self._rest)
            for row, line in enumerate([("Sheet", "Cell", "Text goes on"), *self._continued], 1):
                for column, text in enumerate(line, 1):
                    cell = sheet.cell(row, column)
                    cell._value, cell.data_type = _escaped(text), "s"
                    cell.quotePrefix = text[0] in "=+-@\t"
        for sheet in self._book.worksheets:
            sheet.merged_cells = sheet.merged_cells.sorted()  # a set has another order in another process
        self._book.properties.created = at.astimezone(timezone.utc).replace(tzinfo=None)
        self._book.properties.lastModifiedBy = "Legible"
        self._book.calculation.fullCalcOnLoad = True  # the values of formulas are not known here
        book = io.BytesIO()
        self._book.save(book)
        _write_again(book, at, file)


def _escaped(text: str) -> str:
    return _ESCAPE.sub("_x005F_", text)


def _write_again(book: io.BytesIO, at: datetime, file: IO[bytes]) -> None:
    """Write the package with the record's time in place of now: the same form always makes the same bytes."""
    when = at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(book) as packed, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for part in packed.infolist():
            body = packed.read(part)
            if part.filename == "docProps/core.xml":
                body = _MODIFIED.sub(rb"\g<1>" + when + rb"\g<2>", body)
            info = zipfile.ZipInfo(part.filename, _CLOCKLESS)
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, body)
