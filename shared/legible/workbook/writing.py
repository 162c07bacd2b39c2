"""A record as an Excel workbook that is safe to open: no text becomes a formula or a link, and no digit is lost.

Sheets: ``Fields``, one per table, ``Text``, ``About``; one without content is left out. A text too long for a cell goes
on in ``Continued``. Numbers and dates are numbers and dates only where Excel keeps them exactly; everything else is
text. A document that is not done opens on ``About``, which begins with the reason. The same record always makes the
same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timezone
from io import BytesIO
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_rowcol_to_cell

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
_RESERVED = ("Fields", "Text", "About", "Continued")
_CLOCKLESS = datetime(2000, 1, 1)


def one(record: Record, *, rows_per_sheet: int = MAX_ROWS) -> bytes:
    """Return the workbook of one record.

    Args:
        record: What to write.
        rows_per_sheet: Rows a sheet may have, its header included, before a list goes on in another sheet.
    """
    return _Book(record, rows_per_sheet).made()


class _Sheet:
    """One sheet: what is on it decides how wide its columns and how high its rows are."""

    def __init__(self, label: str, name: str, sheet: Any) -> None:
        self.label = label
        self.name = name
        self.sheet = sheet
        self._widths: dict[int, int] = {}
        self._long: list[tuple[int, int, str]] = []

    def measure(self, row: int, column: int, text: str) -> None:
        """Take a text into account that stands in one cell."""
        wanted = width(text) + 3
        self._widths[column] = max(self._widths.get(column, 8), min(wanted, _MAX_WIDTH))
        if wanted > _MAX_WIDTH or "\n" in text:
            self._long.append((row, column, text))

    def settle(self) -> None:
        """Set widths and heights; Excel would find the heights by itself, others do not."""
        for column, wanted in self._widths.items():
            self.sheet.set_column(column, column, wanted)
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

    def __init__(self, record: Record, rows_per_sheet: int) -> None:
        self._record = record
        self._rows_per_sheet = rows_per_sheet
        self._file = BytesIO()
        texts_stay_texts = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
        self._book = xlsxwriter.Workbook(self._file, {"in_memory": True} | texts_stay_texts)
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}
        self._names: set[str] = set()
        self._continued: list[list[Content]] = []
        self._unfit = 0

    def made(self) -> bytes:
        """Write all sheets and return the file."""
        finished = self._record.finished_at
        created = _CLOCKLESS if finished is None else finished.astimezone(timezone.utc).replace(tzinfo=None)
        self._book.set_properties({"title": fit(self._record.title)[0][:200], "author": "Legible", "created": created})
        sheets = [(len(self._record.fields), self._listing("Fields", _FIELDS, self._fields()))]
        sheets += [(0 if table.header else len(table.cells), self._table(table)) for table in self._record.tables]
        sheets.append((len(self._record.text), self._listing("Text", _TEXT, self._text())))
        about = self._about()
        self._listing("Continued", ("Sheet", "Cell", "Text goes on"), self._continued)
        # It opens on the reason where there is one, else on what there is most of; line items are but a part.
        most, sheet = max(sheets, key=lambda pair: pair[0])
        (sheet if sheet and most and self._record.status == "done" else about).sheet.activate()
        self._book.close()
        return self._file.getvalue()

    def _fields(self) -> list[list[Content]]:
        return [
            [Content(field.label, style=LABEL), of(field), original(field), count(field.page), *sides(field)]
            for field in self._record.fields
        ]

    def _text(self) -> list[list[Content]]:
        numbers: dict[int, int] = {}
        rows = []
        for block in self._record.text:
            numbers[block.page] = numbers.get(block.page, 0) + 1
            rows.append([count(block.page), count(numbers[block.page]), of(block), *sides(block)])
        return rows

    def _table(self, table: Table) -> _Sheet:
        several_pages = len({other.page for other in self._record.tables}) > 1
        sheet = self._sheet(f"{table.label} p{table.page}" if several_pages else table.label, _RESERVED)
        if drawable(table):
            self._drawing(sheet, table)
            return sheet
        places = [(cell.row + 1, cell.column + 1, cell.row_span, cell.column_span) for cell in table.cells]
        rows = [[*map(count, place), of(c), *sides(c)] for place, c in zip(places, table.cells, strict=True)]
        self._rows(sheet, _CELLS, rows)
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

    def _listing(self, name: str, header: Sequence[str], rows: list[list[Content]]) -> _Sheet | None:
        """Write a list on a sheet of its own, if there is anything to list."""
        if not rows:
            return None
        sheet = self._sheet(name)
        self._rows(sheet, header, rows)
        return sheet

    def _rows(self, sheet: _Sheet, header: Sequence[str], rows: list[list[Content]]) -> None:
        """Write rows under a header; what is beyond the last row of a sheet goes on in another."""
        kept = [c for c, label in enumerate(header) if label not in _OPTIONAL or any(row[c].text for row in rows)]
        labels = [Content(label, style=HEADER) for label in header]
        here, rest = rows[: self._rows_per_sheet - 1], rows[self._rows_per_sheet - 1 :]
        for number, row in enumerate([labels, *here]):
            for column, index in enumerate(kept):
                sheet.measure(number, column, row[index].text)
                self._put(sheet, number, column, row[index])
        sheet.settle()
        sheet.head(len(here) + 1, len(kept))
        if rest:
            self._rows(self._sheet(sheet.label, _RESERVED), header, rest)

    def _about(self) -> _Sheet:
        sheet = self._sheet("About")
        head = Content(headline(self._record), style=BANNER | status_style(self._record.status))
        sheet.sheet.merge_range(0, 0, 0, 1, "", self._format(head.style))
        sheet.sheet.set_row(0, min(20 * line_count(head.text, 80), _MAX_HEIGHT))
        self._put(sheet, 0, 0, head)
        row = 1
        for line in lines(self._record):
            row += 1 if line.text else 2
            self._line(sheet, row - 1, line.label, line.text, LABEL if line.text else HEADING)
        self._legend(sheet, row + 1)
        sheet.settle()
        sheet.sheet.set_column(1, 1, _MAX_WIDTH)
        return sheet

    def _legend(self, sheet: _Sheet, row: int) -> None:
        self._line(sheet, row, "Colors", "", HEADING)
        for number, (_, style, text) in enumerate(DOUBTS, 1):
            self._line(sheet, row + number, "Example", text, BODY | style)
        self._line(sheet, row + 3, "Example", SURE, BODY)
        if self._unfit:
            text = f"{self._unfit} characters that no worksheet can hold are shown as \u2400 to \u2421 or as \ufffd."
            self._line(sheet, row + 5, "Unfit characters", text, LABEL)

    def _line(self, sheet: _Sheet, row: int, label: str, text: str, style: Style) -> None:
        for column, content in enumerate((Content(label, style=style), Content(text, style=BODY if text else style))):
            sheet.measure(row, column, content.text)
            self._put(sheet, row, column, content)

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
        key = fit(self._record.document.key)[0][-100:].replace("&", "&&")
        sheet.set_footer(f"&L{key}&C&A&RPage &P of &N")
        sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        return _Sheet(label, name, sheet)

    def _format(self, style: Style) -> Any:
        key = tuple(sorted(style.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(style)
        return self._formats[key]
