"""One workbook over many documents, written row by row: memory does not grow with their number.

Sheets: ``Summary`` with a chart, ``Documents`` (one row each), ``Failed pages``, ``Findings``, one for each operation
and for each of its lists of line items, ``Text``, ``Tables``; what does not fit on a sheet goes on in another one. As
in the workbook of one record no text becomes a formula or a link; the only links are those to the documents.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import IO, Any

import xlsxwriter
from xlsxwriter.exceptions import XlsxFileError
from xlsxwriter.utility import xl_rowcol_to_cell

from legible.model.records import Cell, Field, Recognized, Record, TextBlock
from legible.outputs.columns import FINDINGS, INDEX, LOWEST, PAGES, STATUS, Column, Sheet
from legible.outputs.rows import Row, Value, lines
from legible.outputs.xlsx import summary
from legible.outputs.xlsx.cells import HEADER, Style, status_style
from legible.outputs.xlsx.formats import SURE_FROM, Formats, doubt, tint_of
from legible.outputs.xlsx.lean_sheet import LeanSheet
from legible.outputs.xlsx.many_sheet import ManySheet
from legible.outputs.xlsx.values import MAX_ROWS, decimals, fit, pieces, sheet_name, shown

#: Excel takes no more links on a sheet than 65,530, and each is kept in memory until the end.
MOST_LINKS, _LONGEST_LINK = 20_000, 2_000
#: A line's height in points, how many lines a row shows, and how many such rows there are: each is kept in memory too.
_LINE, _HIGHEST, MOST_TALL = 15, 8, 20_000
#: Columns are measured by so many rows at the beginning of a sheet; beyond, nothing is measured any more.
_MEASURED = 100
#: A text up to so many characters fits whatever they are.
_SHORT = 16_000
#: Up to so many, a cell may have the format of texts; see ``cells.styled``.
_PLAIN = 255
_CONTINUED = "Continued"
_CLOCKLESS = datetime(2000, 1, 1)
#: Excel counts days from here, from March 1900 on.
_EPOCH, _DAY = datetime(1899, 12, 30, tzinfo=timezone.utc), timedelta(days=1)
_FIRST_DAY = _EPOCH.toordinal()


class Many:
    """A workbook over many documents being written.

    Args:
        file: Where to, from its beginning.
        title: What it is about.
        rows_per_sheet: Rows a sheet may have, its header included.
        folder: Where rows wait on the disk until the end; else where temporary files go.
        most_links: How many documents have a link; of the others the target stands as a text.
        most_tall: How many rows are made as high as their text needs.
    """

    def __init__(
        self,
        file: IO[bytes],
        title: str,
        *,
        rows_per_sheet: int = MAX_ROWS,
        folder: Path | None = None,
        most_links: int = MOST_LINKS,
        most_tall: int = MOST_TALL,
    ) -> None:
        """Begin with the sheets that every such workbook has."""
        self._most_links, self._most_tall = most_links, most_tall
        self._title = title
        self._room = rows_per_sheet
        options = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
        options |= {"constant_memory": True, "use_zip64": True}
        self._book = xlsxwriter.Workbook(file, {"tmpdir": folder and str(folder)} | options)
        self._formats = Formats(self._book)
        self._names: set[str] = set()
        self._unfit = 0
        self._links = self._tall = 0
        self._writers: dict[type[Any], Any] = {
            Field: self._recognized,
            Cell: self._recognized,
            TextBlock: self._block,
            str: self._text,
            int: self._number,
            float: self._share,
            datetime: self._time,
        }
        self._usual, self._place, self._clock = map(self._formats.look, ("text", "place", "time"))
        self._summary, self._summary_page = summary.SummarySheet(), self._added(summary.NAME)
        self._sheets: dict[str, ManySheet] = {}
        self._continued: ManySheet | None = None
        for sheet in (INDEX, PAGES, FINDINGS):
            self._begin(sheet)

    def add(self, record: Record, source: str = "", parts: Recognized | None = None) -> None:
        """Write the rows of one document.

        Args:
            record: What is known of it.
            source: A URL of it, percent-encoded, for the link to it.
            parts: What was recognized, where the record itself does not hold it.
        """
        for line in lines(record, source, parts):
            self.write(line)
            if line.sheet is INDEX:
                lowest = line.values[LOWEST]
                self._summary.count(record, parts or record, lowest if isinstance(lowest, float) else None)

    def write(self, line: Row) -> None:
        """Write one row."""
        sheet = self._sheets.get(line.sheet.name)
        if sheet is None or sheet.row >= self._room:
            sheet = self._begin(line.sheet)
        row, sheet.row = sheet.row, sheet.row + 1
        values = line.values
        if row <= _MEASURED:
            sheet.measure(values)
        if line.sheet is INDEX:
            values = self._indexed(sheet, row, values)
        writers = self._writers
        for column, value in enumerate(values):
            if value is not None:
                writers[type(value)](sheet, row, column, value)

    def close(self) -> None:
        """Write the summary, and end the file.

        Raises:
            OSError: There is no room for it.
        """
        for sheet in self._sheets.values():
            sheet.end()
        if self._continued is not None:
            self._continued.end()
        self._summary.write(self._book, self._summary_page, self._formats, self._title, self._unfit)
        last = self._summary.last
        created = _CLOCKLESS if last is None else last.astimezone(timezone.utc).replace(tzinfo=None)
        self._book.set_properties({"title": fit(self._title)[0][:200], "author": "Legible", "created": created})
        try:
            self._book.close()
        except XlsxFileError as error:
            raise OSError(str(error)) from error

    def _begin(self, sheet: Sheet) -> ManySheet:
        """Begin a sheet, or its continuation."""
        before = self._sheets.get(sheet.name)
        if before is not None:
            before.end()
        name = sheet_name(sheet.label, {*self._names, _CONTINUED})
        opened = ManySheet(sheet, self._added(name), name)
        opened.head(self._formats)
        self._sheets[sheet.name] = opened
        return opened

    def _added(self, name: str) -> Any:
        self._names.add(name)
        page = self._book.add_worksheet(name, LeanSheet)
        page.set_paper(9)
        page.set_landscape()
        page.set_footer("&C&A&RPage &P of &N")
        page.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        return page

    def _indexed(self, sheet: ManySheet, row: int, values: list[Value]) -> list[Value]:
        """Write the status in its color and the link to the document; return what is left of the row."""
        *left, source = values
        status: Any = left[STATUS]
        sheet.used[STATUS] = True
        sheet.page.write_string(row, STATUS, status, self._formats.look("text", status_style(status)))
        left[STATUS] = None
        self._link(sheet, row, str(source or ""))
        return left

    def _number(self, sheet: ManySheet, row: int, column: int, value: float) -> None:
        sheet.used[column] = True
        sheet.page.write_number(row, column, value, self._place)

    def _share(self, sheet: ManySheet, row: int, column: int, value: float) -> None:
        sheet.used[column] = True
        sheet.page.write_number(row, column, value, self._formats.look("share", doubt(value)))

    def _time(self, sheet: ManySheet, row: int, column: int, value: datetime) -> None:
        sheet.used[column] = True
        sheet.page.write_number(row, column, (value - _EPOCH) / _DAY, self._clock)

    def _block(self, sheet: ManySheet, row: int, column: int, item: TextBlock) -> None:
        self._text(sheet, row, column, item.final, tint_of((), item.corrected, item.confidence))

    def _recognized(self, sheet: ManySheet, row: int, column: int, item: Field | Cell) -> None:
        """Write a value where that is exact, else the text, never as a formula or link."""
        confidence, typed = item.confidence, item.typed
        sure = (confidence is None or confidence >= SURE_FROM) and not item.findings and item.corrected is None
        tint = None if sure else tint_of(item.findings, item.corrected, confidence)
        value = None if typed is None else shown(item.type, typed)
        if value is None or typed is None:
            self._text(sheet, row, column, item.final, tint)
            return
        sheet.used[column] = True
        if isinstance(value, float):
            look = self._formats.look(item.type, tint, item.currency, decimals(typed))
            sheet.page.write_number(row, column, value, look)
        elif isinstance(value, date):
            sheet.page.write_number(row, column, value.toordinal() - _FIRST_DAY, self._formats.look("date", tint))
        else:
            sheet.page.write_boolean(row, column, value, self._formats.look("boolean", tint))

    def _text(self, sheet: ManySheet, row: int, column: int, text: str, tint: Style | None = None) -> None:
        if not text:
            return
        lines = 0
        if not (text.isascii() and text.isprintable()):
            text, unfit = fit(text)
            self._unfit += unfit
            lines = text.count("\n")
        if len(text) > _SHORT:
            text = self._held(sheet, row, column, text)
        sheet.used[column] = True
        kind = "quoted" if text[0] in "=+-@\t" else "long" if len(text) > _PLAIN else "lines" if lines else "text"
        if lines:
            self._grow(sheet, row, lines + 1)
        look = self._usual if tint is None and kind == "text" else self._formats.look(kind, tint)
        sheet.page.write_string(row, column, text, look)

    def _grow(self, sheet: ManySheet, row: int, lines: int) -> None:
        """Make a row as high as its text needs, up to a bound."""
        if row != sheet.grown[0]:
            self._tall += 1
            sheet.grown = (row, 1)
        height = min(lines, _HIGHEST)
        if height > sheet.grown[1] and self._tall <= self._most_tall:
            sheet.grown = (row, height)
            sheet.page.set_row(row, height * _LINE)

    def _held(self, sheet: ManySheet, row: int, column: int, text: str) -> str:
        """Return the part of a text that one cell holds; the rest goes on in the sheet ``Continued``."""
        first, *more = pieces(text)
        if not more:
            return first
        if self._continued is None or self._continued.row + len(more) > self._room:
            self._continued = self._more()
        goes_on = self._continued
        at = f"{goes_on.name}, row {goes_on.row + 1}"
        for piece in more:
            for place, part in enumerate((sheet.name, xl_rowcol_to_cell(row, column), piece)):
                goes_on.page.write_string(goes_on.row, place, part, self._formats.look("long"))
            goes_on.row += 1
        return f"{first} \u2026 (continued in sheet {at})"

    def _more(self) -> ManySheet:
        if self._continued is not None:
            self._continued.end()
        sheet = Sheet(_CONTINUED, _CONTINUED, tuple(map(Column, ("Sheet", "Cell", "Text goes on"))))
        name = sheet_name(_CONTINUED, self._names)
        more = ManySheet(sheet, self._added(name), name)
        for number, column in enumerate(sheet.columns):
            more.page.write_string(0, number, column.label, self._formats.styled(HEADER))
        more.row, more.used = 1, [True] * 3
        return more

    def _link(self, sheet: ManySheet, row: int, target: str) -> None:
        """Link to the document itself: the target is made by us and percent-encoded; nothing recognized is in it.

        Where there can be no more links the target stands as a text.
        """
        place = len(sheet.of.columns) - 1
        linkable = target.startswith(("https://", "http://")) and len(target) < _LONGEST_LINK
        if linkable and self._links < self._most_links:
            self._links += 1
            sheet.used[place] = True
            sheet.page.write_url(row, place, target, self._formats.look("link"), string="Open")
        else:
            self._text(sheet, row, place, target)
