"""The user's own workbook, its placeholders filled: ``{{passport_number}}``, ``{{item_list[].amount}}``.

A row with a placeholder of line items is repeated for each of them (see ``repeating``). Of a document of several pages
each page has a copy of every sheet with placeholders. No recognized text becomes a formula or a link.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, timezone
from typing import IO, Any

from legible.contents import Parts
from legible.errors import SettingsError
from legible.forms.mapping import text_of
from legible.forms.repeating import repeat
from legible.forms.sources import Page, is_item, known, nearest, pages
from legible.model import Cell, Field, Record
from legible.rows import Value
from legible.workbook import fit, pieces, shown

#: More pages than this do not become sheets of a form; the form says so.
MOST_PAGES = 50
_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")
_LARGEST = 50_000_000
#: What would be lost, by the folder or file of the package it is in.
_LOST = {
    "xl/charts/": "a chart",
    "xl/media/": "a picture",
    "xl/pivotTables/": "a pivot table",
    "xl/vbaProject.bin": "a macro",
    "xl/externalLinks/": "a link to another workbook",
    "xl/embeddings/": "an embedded object",
}
_CLOCKLESS = (1980, 1, 1, 0, 0, 0)
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")


def check(body: bytes, name: str) -> None:
    """Refuse a template that could not be filled without losing something of it.

    Raises:
        SettingsError: It is no workbook, too large, or has what would be lost.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(body)) as packed:
            size, names = sum(part.file_size for part in packed.infolist()), packed.namelist()
    except zipfile.BadZipFile:
        raise SettingsError(f"{name} is no Excel workbook.", advice="Save it as .xlsx.") from None
    if size > _LARGEST:
        raise SettingsError(f"{name} has {size:,} bytes unpacked; at most {_LARGEST:,} are filled.")
    for part, what in _LOST.items():
        if any(entry.startswith(part) for entry in names):
            raise SettingsError(
                f"{name} holds {what}, which would be lost when it is filled.",
                advice="Remove it, or keep it in a workbook of its own.",
            )


def fill(body: bytes, record: Record, parts: Parts, file: IO[bytes]) -> list[str]:
    """Write a form.

    Args:
        body: The template.
        record: What is known of the document.
        parts: What was recognized.
        file: Where to.

    Returns:
        What could not be filled, in words.
    """
    import openpyxl  # a quarter of a second that only forms need

    book = openpyxl.load_workbook(io.BytesIO(body))
    filling, notes = _Filling(record.operation), list[str]()
    sheets = [sheet for sheet in book.worksheets if any(_placeholders(sheet))]
    others = pages(record, parts)
    first = next(others)
    # Copied before the first page is filled in: a copy must have the placeholders.
    copies: list[tuple[Any, Page]] = []
    for number, page in enumerate(others, 2):
        if number > MOST_PAGES:
            notes.append(f"Only the first {MOST_PAGES} pages are in form.xlsx; record.xlsx has all.")
            break
        for sheet in sheets:
            twin = book.copy_worksheet(sheet)
            twin.title = f"{sheet.title[:24]} p{page.number}"
            copies.append((twin, page))
    for sheet in sheets:
        filling.fill(sheet, first)
    for sheet, page in copies:
        filling.fill(sheet, page)
    at = record.finished_at or datetime(2000, 1, 1, tzinfo=timezone.utc)
    book.properties.creator, book.properties.created = "Legible", at.astimezone(timezone.utc).replace(tzinfo=None)
    made = io.BytesIO()
    book.save(made)
    _write_again(made, at, file)
    return [*filling.notes, *notes]


class _Filling:
    """Fills sheets, and remembers what could not be filled."""

    def __init__(self, slug: str) -> None:
        self._slug = slug
        self.notes: list[str] = []

    def fill(self, sheet: Any, page: Page) -> None:
        rows = sorted({cell.row for cell, names in _placeholders(sheet) if any(map(is_item, names))}, reverse=True)
        spread: dict[int, int] = {}
        for row in rows:  # from below, so that what is above keeps its place
            names = [name for cell, found in _placeholders(sheet) if cell.row == row for name in found]
            count = page.count(names)
            if count > 1:
                repeat(sheet, row, count)
            spread = {(at + count - 1 if at > row and count > 1 else at): n for at, n in spread.items()}
            spread[row] = max(count, 1)
        for cell, names in list(_placeholders(sheet)):
            begin = next((at for at, n in spread.items() if at <= cell.row < at + n), 0)
            self._put(cell, names, page, cell.row - begin + 1 if begin else 0)

    def _put(self, cell: Any, names: list[str], page: Page, row: int) -> None:
        for name in names:
            if not known(name, self._slug):
                note = (
                    f"form.xlsx: {{{{{name}}}}} in {cell.parent.title}!{cell.coordinate} names no field of {self._slug}"
                )
                self.notes += [f"{note}{nearest(name, self._slug)}."] if note not in "".join(self.notes) else []
        text = str(cell.value)
        if _PLACEHOLDER.fullmatch(text):
            _write(cell, page.value(names[0], row))
        else:
            _write(cell, _PLACEHOLDER.sub(lambda match: text_of(page.value(match[1], row)), text))


def _placeholders(sheet: Any) -> Iterator[tuple[Any, list[str]]]:
    """Yield the cells that have placeholders, with their names."""
    for line in sheet.iter_rows():
        for cell in line:
            if isinstance(cell.value, str) and cell.data_type != "f" and (names := _PLACEHOLDER.findall(cell.value)):
                yield cell, names


def _write(cell: Any, value: Value) -> None:
    """Write a value as what it is where that is exact, else as text that stays a text."""
    exact = shown(value.type, value.typed) if isinstance(value, (Field, Cell)) else value
    if isinstance(exact, datetime):
        exact = exact.astimezone(timezone.utc).replace(tzinfo=None)
    if isinstance(exact, (bool, int, float, date)):
        cell.value = exact
        return
    first, *more = pieces(fit(text_of(value))[0])
    cell.value = None
    if first:
        cell.value = f"{first} \u2026 (whole in record.xlsx)" if more else first
        cell.data_type = "s"
        cell.quotePrefix = first[0] in "=+-@\t"


def _write_again(made: io.BytesIO, at: datetime, file: IO[bytes]) -> None:
    """Write the package with times of its own record's: the same form always has the same bytes."""
    when = at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ").encode()
    with zipfile.ZipFile(made) as packed, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for part in packed.infolist():
            body = packed.read(part)
            if part.filename == "docProps/core.xml":
                body = _MODIFIED.sub(rb"\g<1>" + when + rb"\g<2>", body)
            info = zipfile.ZipInfo(part.filename, _CLOCKLESS)
            info.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(info, body)
