"""A record as an Excel workbook that is safe to open: no text becomes a formula or a link, and no digit is lost.

Sheets: ``Fields``, one per table, ``Text``, ``About``; one without content is left out. A text too long for a cell goes
on in ``Continued``. Numbers and dates are numbers and dates only where Excel keeps them exactly; everything else is
text. A document that is not done opens on ``About``, which begins with the reason. The same record always makes the
same bytes. What is more than a function's memory holds is written row by row; its tables are listed on one sheet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timezone
from io import BytesIO
from itertools import chain, islice
from typing import IO, Any

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

from legible.contents import Parts
from legible.model import Record, Table
from legible.workbook.about import headline, lines
from legible.workbook.cells import (
    BANNER,
    BODY,
    DOUBTS,
    HEADER,
    HEADING,
    LABEL,
    SURE,
    Content,
    Style,
    count,
    drawable,
    of,
    original,
    sides,
    status_style,
    styled,
)
from legible.workbook.values import MAX_ROWS, fit, line_count, pieces, sheet_name, shown, width

_MAX_WIDTH = 70
_LINE_HEIGHT, _MAX_HEIGHT = 15, 409
#: Up to this size a table's empty places get their lines too.
_MAX_RULED = 100_000
_FIELDS = ("Field", "Value", "As recognized", "Page", "Confidence", "Location")
_TEXT = ("Page", "Block", "Text", "Confidence", "Location")
_CELLS = ("Row", "Column", "Rows", "Columns", "Text", "Confidence", "Location")
#: Columns that are left out where nothing is in them.
_OPTIONAL = ("As recognized", "Confidence", "Location")
_LISTED = ("Page", "Table", *_CELLS)
_RESERVED = ("Fields", "Text", "About", "Continued")
#: A workbook of more lines, more cells or more tables is written row by row.
_MOST_LINES, _MOST_CELLS, _MOST_SHEETS = 5_000, 50_000, 200
#: Makes the rows of a list anew each time: they are gone through twice, to measure and to write.
Rows = Callable[[], Iterator[list[Content]]]
_CLOCKLESS = datetime(2000, 1, 1)


def one(record: Record, *, rows_per_sheet: int = MAX_ROWS) -> bytes:
    """Return the workbook of one record that holds all of its parts itself. See ``write``."""
    file = BytesIO()
    write(record, record, file, rows_per_sheet=rows_per_sheet)
    return file.getvalue()


def write(record: Record, parts: Parts, file: IO[bytes], *, rows_per_sheet: int = MAX_ROWS) -> None:
    """Write the workbook of one record.

    Args:
        record: What to write, but for what was recognized.
        parts: What was recognized.
        file: Where to, from its beginning.
        rows_per_sheet: Rows a sheet may have, its header included, before a list goes on in another sheet.
    """
    _Book(record, parts, file, rows_per_sheet).make()


class _Sheet:
    """One sheet: what is on it decides how wide its columns and how high its rows are."""

    def __init__(self, label: str, name: str, sheet: Any) -> None:
        self.label = label
        self.name = name
        self.sheet = sheet
        self._widths: dict[int, int] = {}
        self._long: list[tuple[int, int, str]] = []

    def widen(self, column: int, text: str) -> bool:
        """Take a text into account that stands in one column; tell whether it may need more than one line."""
        wanted = width(text) + 3
        self._widths[column] = max(self._widths.get(column, 8), min(wanted, _MAX_WIDTH))
        return wanted > _MAX_WIDTH or "\n" in text

    def set_widths(self) -> None:
        """Set the columns' widths, now that all that stands in them is known."""
        for column, wanted in self._widths.items():
            self.sheet.set_column(column, column, wanted)

    def set_height(self, row: int, texts: Sequence[str]) -> None:
        """Set a row's height before it is written; Excel would find it by itself, others do not."""
        lines_needed = max(line_count(text, self._widths[column] - 2) for column, text in enumerate(texts))
        if lines_needed > 1:
            self.sheet.set_row(row, min(lines_needed * _LINE_HEIGHT, _MAX_HEIGHT))

    def measure(self, row: int, column: int, text: str) -> None:
        """Take a text into account that stands in one cell of a drawn table."""
        if self.widen(column, text):
            self._long.append((row, column, text))

    def settle(self) -> None:
        """Set widths and heights of a drawn table."""
        self.set_widths()
        heights: dict[int, int] = {}
        for row, column, text in self._long:
            heights[row] = max(heights.get(row, 1), line_count(text, self._widths[column] - 2))
        for row, lines_needed in heights.items():
            self.sheet.set_row(row, min(lines_needed * _LINE_HEIGHT, _MAX_HEIGHT))

    def head(self, rows: int, columns: int) -> None:
        """Make the first row a header that stays in sight, on paper too."""
        self.sheet.freeze_panes(1, 0)
        self.sheet.repeat_rows(0)
        self.sheet.autofilter(0, 0, rows - 1, columns - 1)


class _Book:
    """One workbook being written."""

    def __init__(self, record: Record, parts: Parts, file: IO[bytes], rows_per_sheet: int) -> None:
        self._record = record
        self._parts = parts
        self._rows_per_sheet = rows_per_sheet
        self._large = _is_large(parts)
        how = {"constant_memory": True} if self._large else {"in_memory": True}
        texts_stay_texts = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
        self._book = xlsxwriter.Workbook(file, how | texts_stay_texts)
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}
        self._names: set[str] = set()
        self._continued: list[list[Content]] = []
        self._unfit = 0

    def make(self) -> None:
        """Write all sheets and close the file."""
        finished = self._record.finished_at
        created = _CLOCKLESS if finished is None else finished.astimezone(timezone.utc).replace(tzinfo=None)
        self._book.set_properties({"title": fit(self._record.title)[0][:200], "author": "Legible", "created": created})
        sheets = [(len(self._parts.fields), self._listing("Fields", _FIELDS, self._fields))]
        if self._large:
            sheets.append((len(self._parts.tables), self._listing("Tables", _LISTED, self._listed)))
        else:
            sheets += [(0 if table.header else len(table.cells), self._table(table)) for table in self._parts.tables]
        sheets.append((len(self._parts.text), self._listing("Text", _TEXT, self._text)))
        about = self._about()
        self._listing("Continued", ("Sheet", "Cell", "Text goes on"), lambda: iter(self._continued))
        # It opens on the reason where there is one, else on what there is most of; line items are but a part.
        most, sheet = max(sheets, key=lambda pair: pair[0])
        (sheet if sheet and most and self._record.status == "done" else about).sheet.activate()
        self._book.close()

    def _fields(self) -> Iterator[list[Content]]:
        for field in self._parts.fields:
            yield [Content(field.label, style=LABEL), of(field), original(field), count(field.page), *sides(field)]

    def _text(self) -> Iterator[list[Content]]:
        page = number = 0
        for block in self._parts.text:
            page, number = block.page, number + 1 if block.page == page else 1
            yield [count(page), count(number), of(block), *sides(block)]

    def _listed(self) -> Iterator[list[Content]]:
        for table in self._parts.tables:
            for row in _places(table):
                yield [count(table.page), Content(table.label, style=LABEL), *row]

    def _table(self, table: Table) -> _Sheet:
        several_pages = len({other.page for other in self._parts.tables}) > 1
        sheet = self._sheet(f"{table.label} p{table.page}" if several_pages else table.label, _RESERVED)
        if drawable(table):
            self._drawing(sheet, table)
            return sheet
        self._rows(sheet, _CELLS, lambda: _places(table))
        return sheet

    def _drawing(self, sheet: _Sheet, table: Table) -> None:
        for at in range(table.rows * table.columns if table.rows * table.columns <= _MAX_RULED else 0):
            sheet.sheet.write_blank(*divmod(at, table.columns), None, self._format(BODY))
        for cell in table.cells:
            content = of(cell)._replace(style=HEADER if table.header and cell.row == 0 else BODY)
            last_row, last_column = cell.row + cell.row_span - 1, cell.column + cell.column_span - 1
            if (last_row, last_column) != (cell.row, cell.column):
                # Merged blank first: merge_range would guess the type of a text, write_string does not.
                look = self._format(styled(content))
                sheet.sheet.merge_range(cell.row, cell.column, last_row, last_column, "", look)
            else:
                sheet.measure(cell.row, cell.column, cell.text)
            self._put(sheet, cell.row, cell.column, content)
        sheet.settle()
        if table.header:
            sheet.head(table.rows, table.columns)

    def _listing(self, name: str, header: Sequence[str], rows: Rows) -> _Sheet | None:
        """Write a list on a sheet of its own, if there is anything to list."""
        if next(rows(), None) is None:
            return None
        sheet = self._sheet(name)
        self._rows(sheet, header, rows)
        return sheet

    def _rows(self, sheet: _Sheet, header: Sequence[str], rows: Rows) -> None:
        """Write rows under a header; what is beyond the last row of a sheet goes on in another."""
        kept = _kept(header, rows)
        labels, room = [Content(label, style=HEADER) for label in header], self._rows_per_sheet - 1
        first, total = 0, sum(1 for _ in rows())
        while True:
            self._lines(sheet, lambda first=first: _sheetful(labels, rows, first, room), kept)  # type: ignore[misc]
            sheet.head(min(room, total - first) + 1, len(kept))
            first += room
            if first >= total:
                return
            sheet = self._sheet(sheet.label, _RESERVED)

    def _lines(self, sheet: _Sheet, rows: Rows, kept: Sequence[int]) -> None:
        """Write rows in their order, first to last: columns as wide, rows as high as they need."""
        for row in rows():
            for column, index in enumerate(kept):
                sheet.widen(column, row[index].text)
        sheet.set_widths()
        for number, row in enumerate(rows()):
            sheet.set_height(number, [row[index].text for index in kept])
            for column, index in enumerate(kept):
                self._put(sheet, number, column, row[index])

    def _about(self) -> _Sheet:
        sheet = self._sheet("About")
        head = Content(headline(self._record), style=BANNER | status_style(self._record.status))
        sheet.sheet.set_row(0, min(20 * line_count(head.text, 80), _MAX_HEIGHT))
        sheet.sheet.merge_range(0, 0, 0, 1, "", self._format(head.style))
        self._put(sheet, 0, 0, head)
        for label, text in (*self._said(), *self._legend()):
            sheet.widen(0, label.text)
            sheet.widen(1, text.text)
        sheet.set_widths()
        sheet.sheet.set_column(1, 1, _MAX_WIDTH)
        # The legend last: it tells of every character that did not fit, on this sheet too.
        for number, row in enumerate(chain(self._said(), self._legend()), 1):
            sheet.set_height(number, [content.text for content in row])
            for column, content in enumerate(row):
                if row[0].text:
                    self._put(sheet, number, column, content)
        return sheet

    def _said(self) -> Iterator[tuple[Content, Content]]:
        for line in lines(self._record):
            if not line.text:
                yield Content(), Content()
            yield _line(line.label, line.text, LABEL if line.text else HEADING)

    def _legend(self) -> Iterator[tuple[Content, Content]]:
        yield Content(), Content()
        yield _line("Colors", "", HEADING)
        for _, style, text in DOUBTS:
            yield _line("Example", text, BODY | style)
        yield _line("Example", SURE, BODY)
        if self._unfit:
            text = f"{self._unfit} characters that no worksheet can hold are shown as \u2400 to \u2421 or as \ufffd."
            yield Content(), Content()
            yield _line("Unfit characters", text, LABEL)

    def _put(self, sheet: _Sheet, row: int, column: int, content: Content) -> None:
        """Write one cell: as a value where that is exact, else as text, never as a formula or link."""
        value, look = shown(content.type, content.typed), self._format(styled(content))
        if isinstance(value, bool):
            sheet.sheet.write_boolean(row, column, value, look)
        elif isinstance(value, date):
            sheet.sheet.write_datetime(row, column, value, look)
        elif value is not None:
            sheet.sheet.write_number(row, column, value, look)
        elif not content.text:
            sheet.sheet.write_blank(row, column, None, look)
        else:
            sheet.sheet.write_string(row, column, self._held(sheet.name, row, column, content.text), look)

    def _held(self, name: str, row: int, column: int, text: str) -> str:
        """Return what one cell holds of a text; the rest goes on in another sheet."""
        held, unfit = fit(text)
        self._unfit += unfit
        first, *more = pieces(held)
        if not more:
            return first
        at = len(self._continued) + 2
        cell = xl_rowcol_to_cell(row, column)
        self._continued += [[Content(name), Content(cell), Content(piece)] for piece in more]
        return f"{first} \u2026 (continued in sheet Continued, row {at})"

    def _sheet(self, label: str, reserved: Sequence[str] = ()) -> _Sheet:
        """Add a sheet; its name is the label as far as Excel takes it and no other sheet has it."""
        name = sheet_name(label, {*self._names, *reserved})
        self._names.add(name)
        sheet = self._book.add_worksheet(name)
        sheet.set_paper(9)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        # An invisible word joiner behind an ampersand: xlsxwriter takes the end of "&&G" for a picture's place.
        key = fit(self._record.document.key)[0][-100:].replace("&", "&&\u2060")
        sheet.set_footer(f"&L{key}&C&A&RPage &P of &N")
        sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        return _Sheet(label, name, sheet)

    def _format(self, style: Style) -> Any:
        key = tuple(sorted(style.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(style)
        return self._formats[key]


def _is_large(parts: Parts) -> bool:
    """Tell whether a workbook must be written row by row, because memory would not hold its cells."""
    if len(parts.tables) > _MOST_SHEETS:
        return True
    cells = sum(len(table.cells) for table in parts.tables)
    return len(parts.fields) + len(parts.text) > _MOST_LINES or cells > _MOST_CELLS


def _kept(header: Sequence[str], rows: Rows) -> list[int]:
    """Return which columns are shown: an optional one only where something is in it."""
    unseen = {index for index, label in enumerate(header) if label in _OPTIONAL}
    for row in rows() if unseen else ():
        unseen = {index for index in unseen if not row[index].text}
        if not unseen:
            break
    return [index for index in range(len(header)) if index not in unseen]


def _sheetful(labels: list[Content], rows: Rows, first: int, room: int) -> Iterator[list[Content]]:
    yield labels
    yield from islice(rows(), first, first + room)


def _places(table: Table) -> Iterator[list[Content]]:
    for cell in table.cells:
        place = (cell.row + 1, cell.column + 1, cell.row_span, cell.column_span)
        yield [*map(count, place), of(cell), *sides(cell)]


def _line(label: str, text: str, style: Style) -> tuple[Content, Content]:
    return Content(label, style=style), Content(text, style=BODY if text else style)
