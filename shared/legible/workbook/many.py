"""One workbook over many documents, written row by row: memory does not grow with their number.

Sheets: ``Summary`` with a chart, ``Documents`` (one row each), ``Failed pages``, ``Findings``, one for each operation
and for each of its lists of line items, ``Text``, ``Tables``; what does not fit on a sheet goes on in another one. As
in the workbook of one record no text becomes a formula or a link; the only links are those to the documents.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timezone
from pathlib import Path
from typing import IO, Any

import xlsxwriter
from xlsxwriter.exceptions import XlsxFileError
from xlsxwriter.utility import xl_rowcol_to_cell

from legible.model import Cell, Field, Record, Status, TextBlock
from legible.rows import FINDINGS, INDEX, LOWEST, PAGES, Column, Line, Sheet, Value, lines
from legible.workbook.cells import CORRECTED, DOUBTS, FINDING, HEADER, HEADING, LABEL, Style, status_style
from legible.workbook.values import MAX_ROWS, decimals, fit, pieces, sheet_name, shown, width

#: Excel takes no more links on a sheet than 65,530, and each is kept in memory until the end.
_MOST_LINKS, _LONGEST_LINK = 20_000, 2_000
_WIDEST, _NARROWEST = 60, 9
#: Columns are measured by so many rows at the beginning of a sheet; beyond, nothing is measured any more.
_MEASURED = 100
#: A text up to so many characters fits whatever they are.
_SHORT = 16_000
_CONTINUED = "Continued"
_CLOCKLESS = datetime(2000, 1, 1)
#: The statuses in the order in which people count them, with their colors in the chart.
_COLORS: dict[Status, str] = {
    "done": "#70AD47",
    "partial": "#FFC000",
    "rejected": "#ED7D31",
    "held": "#8EA9DB",
    "dead": "#C00000",
    "running": "#BFBFBF",
}
_STATUSES = tuple(_COLORS)
#: The chart's height in pixels has a bound, whatever the number of operations.
_TALLEST = 1_400
#: From this confidence on nothing is colored.
_SURE = max(limit for limit, _, _ in DOUBTS)
_SHARES = ((0.0, 0.5), (0.5, 0.8), (0.8, 0.95), (0.95, 1.01))


class _Open:
    """One sheet while it is written: the next row, and how wide its columns are so far."""

    def __init__(self, sheet: Sheet, page: Any, name: str) -> None:
        self.of = sheet
        self.page = page
        self.name = name
        self.row = 0
        self.widths = [_NARROWEST] * len(sheet.columns)
        #: Columns in which something stands.
        self.used = [False] * len(sheet.columns)

    def measure(self, values: list[Value]) -> None:
        """Take a row into account that is about to be written."""
        for column, value in enumerate(values):
            if value is not None:
                self.widths[column] = max(self.widths[column], min(_width(value), _WIDEST))


class Many:
    """A workbook over many documents being written.

    Args:
        file: Where to, from its beginning.
        title: What it is about.
        rows_per_sheet: Rows a sheet may have, its header included.
        folder: Where rows wait on the disk until the end; else where temporary files go.
    """

    def __init__(
        self, file: IO[bytes], title: str, *, rows_per_sheet: int = MAX_ROWS, folder: Path | None = None
    ) -> None:
        """See the class."""
        self._title = title
        self._room = rows_per_sheet
        how = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
        self._book = xlsxwriter.Workbook(file, {"constant_memory": True, "tmpdir": folder and str(folder)} | how)
        self._names: set[str] = set()
        self._formats: dict[Any, Any] = {}
        self._looks: dict[Any, Any] = {}
        self._newest: datetime | None = None
        self._unfit = 0
        self._counts: Counter[tuple[str, str]] = Counter()
        self._findings: Counter[str] = Counter()
        self._shares: Counter[int] = Counter()
        self._links = 0
        self._writers: dict[type[Any], Any] = {
            Field: self._recognized,
            Cell: self._recognized,
            TextBlock: self._block,
            str: self._text,
            int: self._number,
            float: self._share,
            datetime: self._time,
        }
        self._usual = self._look("text")
        self._summary = self._added("Summary")
        self._sheets: dict[str, _Open] = {}
        self._continued: _Open | None = None
        for sheet in (INDEX, PAGES, FINDINGS):
            self._begin(sheet)

    def add(self, record: Record, source: str = "") -> None:
        """Write the rows of one document; ``source`` is a URL of it, percent-encoded, for the link to it."""
        for line in lines(record, source):
            self.write(line)
            if line.sheet is INDEX:
                self._count(record, line.values[LOWEST])

    def _count(self, record: Record, confidence: Value) -> None:
        """Take one document into the summary."""
        self._counts[record.operation, record.status] += 1
        self._findings.update(check.rule for check in record.checks if not check.passed)
        if isinstance(confidence, float):
            self._shares[next(n for n, (_, end) in enumerate(_SHARES) if confidence < end)] += 1
        if record.finished_at and (self._newest is None or record.finished_at > self._newest):
            self._newest = record.finished_at

    def write(self, line: Line) -> None:
        """Write one row."""
        sheet = self._sheets.get(line.sheet.name)
        if sheet is None or sheet.row >= self._room:
            sheet = self._begin(line.sheet)
        row, sheet.row = sheet.row, sheet.row + 1
        values = line.values
        if line.sheet is INDEX:
            *values, source = values
            self._link(sheet, row, str(source or ""))
        if row <= _MEASURED:
            sheet.measure(values)
        writers, used = self._writers, sheet.used
        for column, value in enumerate(values):
            if value is not None and value != "":
                used[column] = True
                writers[type(value)](sheet, row, column, value)

    def close(self) -> None:
        """Write the summary, and end the file.

        Raises:
            OSError: There is no room for it.
        """
        for sheet in self._sheets.values():
            self._end(sheet)
        if self._continued is not None:
            self._end(self._continued)
        self._write_summary()
        created = _CLOCKLESS if self._newest is None else self._newest.astimezone(timezone.utc).replace(tzinfo=None)
        self._book.set_properties({"title": fit(self._title)[0][:200], "author": "Legible", "created": created})
        try:
            self._book.close()
        except XlsxFileError as error:
            raise OSError(str(error)) from error

    def _begin(self, sheet: Sheet) -> _Open:
        """Begin a sheet, or its continuation."""
        before = self._sheets.get(sheet.name)
        if before is not None:
            self._end(before)
        name = sheet_name(sheet.label, {*self._names, _CONTINUED})
        found = _Open(sheet, self._added(name), name)
        self._sheets[sheet.name] = found
        head = self._format(HEADER)
        for number, column in enumerate(sheet.columns):
            label = f"{column.label} {column.label_zh}".strip()
            found.widths[number] = max(_NARROWEST, min(width(label) + 3, _WIDEST))
            found.page.write_string(0, number, label, head)
        found.row = 1
        return found

    def _added(self, name: str) -> Any:
        self._names.add(name)
        page = self._book.add_worksheet(name)
        page.set_paper(9)
        page.set_landscape()
        page.fit_to_pages(1, 0)
        page.set_footer("&C&A&RPage &P of &N")
        page.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        return page

    def _end(self, sheet: _Open) -> None:
        """Set what is only known at the end: widths, the filter, and which columns have nothing in them."""
        page, columns = sheet.page, sheet.of.columns
        for number in range(len(columns)):
            hidden = {"hidden": True} if not sheet.used[number] and sheet.row > 1 else {}
            page.set_column(number, number, sheet.widths[number], None, hidden)
        page.freeze_panes(1, 1)
        page.repeat_rows(0)
        page.autofilter(0, 0, max(sheet.row - 1, 1), len(columns) - 1)

    def _number(self, sheet: _Open, row: int, column: int, value: float) -> None:
        sheet.page.write_number(row, column, value, self._look("integer"))

    def _share(self, sheet: _Open, row: int, column: int, value: float) -> None:
        sheet.page.write_number(row, column, value, self._look("share", doubt=_doubt(value)))

    def _time(self, sheet: _Open, row: int, column: int, value: datetime) -> None:
        at = value.astimezone(timezone.utc).replace(tzinfo=None)
        sheet.page.write_datetime(row, column, at, self._look("time"))

    def _block(self, sheet: _Open, row: int, column: int, item: TextBlock) -> None:
        self._text(sheet, row, column, item.final, CORRECTED if item.corrected else None, item.confidence)

    def _recognized(self, sheet: _Open, row: int, column: int, item: Field | Cell) -> None:
        """Write a value where that is exact, else the text, never as a formula or link."""
        mark = FINDING if item.findings else CORRECTED if item.corrected else None
        value = None if item.typed is None else shown(item.type, item.typed)
        if value is None:
            self._text(sheet, row, column, item.final, mark, item.confidence)
            return
        doubt = _doubt(item.confidence)
        if isinstance(value, bool):
            sheet.page.write_boolean(row, column, value, self._look("boolean", "", 0, mark, doubt))
        elif isinstance(value, date):
            sheet.page.write_datetime(row, column, value, self._look("date", "", 0, mark, doubt))
        else:
            digits = decimals(item.typed or "")
            sheet.page.write_number(row, column, value, self._look(item.type, item.currency, digits, mark, doubt))

    def _text(
        self,
        sheet: _Open,
        row: int,
        column: int,
        text: str,
        mark: Style | None = None,
        confidence: float | None = None,
    ) -> None:
        if not (text.isascii() and text.isprintable()):
            text, unfit = fit(text)
            self._unfit += unfit
        if len(text) > _SHORT:
            text = self._held(sheet, row, column, text)
        if not text:
            return
        doubt = _doubt(confidence)
        kind = "quoted" if text[0] in "=+-@\t" else "text" if len(text) <= 255 else "long"
        look = self._usual if mark is doubt is None and kind == "text" else self._look(kind, "", 0, mark, doubt)
        sheet.page.write_string(row, column, text, look)

    def _held(self, sheet: _Open, row: int, column: int, text: str) -> str:
        """Return what one cell holds of a text; the rest goes on in another sheet."""
        first, *more = pieces(text)
        if not more:
            return first
        if self._continued is None or self._continued.row + len(more) > self._room:
            self._continued = self._more()
        goes_on = self._continued
        at = f"{goes_on.name}, row {goes_on.row + 1}"
        for piece in more:
            for place, part in enumerate((sheet.name, xl_rowcol_to_cell(row, column), piece)):
                goes_on.page.write_string(goes_on.row, place, part, self._look("long"))
            goes_on.row += 1
        return f"{first} \u2026 (continued in sheet {at})"

    def _more(self) -> _Open:
        if self._continued is not None:
            self._end(self._continued)
        sheet = Sheet(_CONTINUED, _CONTINUED, tuple(map(Column, ("Sheet", "Cell", "Text goes on"))))
        name = sheet_name(_CONTINUED, self._names)
        found = _Open(sheet, self._added(name), name)
        for number, column in enumerate(sheet.columns):
            found.page.write_string(0, number, column.label, self._format(HEADER))
        found.row, found.used = 1, [True] * 3
        return found

    def _link(self, sheet: _Open, row: int, target: str) -> None:
        """Link to the document itself: the target is made by us and percent-encoded; nothing recognized is in it."""
        if target.startswith(("https://", "http://")) and len(target) < _LONGEST_LINK and self._links < _MOST_LINKS:
            self._links += 1
            place = len(sheet.of.columns) - 1
            sheet.used[place] = True
            sheet.page.write_url(row, place, target, self._look("link"), string="Open")

    def _look(
        self, kind: str, currency: str = "", digits: int = 0, mark: Style | None = None, doubt: Style | None = None
    ) -> Any:
        """Return a cell's format; there are few, and each is made once."""
        key = (kind, currency, digits, id(mark), id(doubt))
        found = self._looks.get(key)
        if found is None:
            style = {"valign": "top"} | (doubt or {}) | (mark or {}) | _number_format(kind, currency, digits)
            found = self._looks[key] = self._format(style)
        return found

    def _format(self, style: Style) -> Any:
        key = tuple(sorted(style.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(style)
        return self._formats[key]

    def _write_summary(self) -> None:
        """Count by operation and status, by rule and by confidence, with a chart of the first."""
        page, head, text = self._summary, self._format(HEADER), self._format(LABEL)
        page.set_column(0, 0, 36)
        page.set_column(1, len(_STATUSES) + 1, 11)
        page.write_string(0, 0, fit(self._title)[0][:200], self._format(HEADING))
        for column, label in enumerate(("Operation", *_STATUSES, "all")):
            page.write_string(2, column, label, head if label not in _STATUSES else self._format(_colored(label)))
        operations = sorted({operation for operation, _ in self._counts})
        row = 3
        for operation in (*operations, None):
            found = [
                sum(n for (o, s), n in self._counts.items() if s == status and operation in (o, None))
                for status in _STATUSES
            ]
            label = "All" if operation is None else operation or "none: no route was found"
            page.write_string(row, 0, label, text)
            for column, number in enumerate((*found, sum(found)), 1):
                page.write_number(row, column, number, self._look("integer"))
            row += 1
        self._chart(len(operations))
        tables = [
            ("Broken rule", [(rule, number) for rule, number in sorted(self._findings.items())]),
            ("Lowest confidence", [(_share(n), self._shares[n]) for n in range(len(_SHARES)) if self._shares[n]]),
        ]
        if self._unfit:
            tables.append(
                ("Characters no worksheet can hold", [("shown as \u2400 to \u2421 or as \ufffd", self._unfit)])
            )
        row += 2 + min(160 + 22 * len(operations), _TALLEST) // 20
        for title, entries in tables:
            row += 1
            page.write_string(row, 0, title, head)
            page.write_string(row, 1, "number", head)
            for label, number in entries or [("none", 0)]:
                row += 1
                page.write_string(row, 0, label, text)
                page.write_number(row, 1, number, self._look("integer"))
            row += 1
        page.activate()

    def _chart(self, count: int) -> None:
        """Draw the documents of each operation by status, one bar an operation."""
        if not count:
            return
        chart = self._book.add_chart({"type": "bar", "subtype": "stacked"})
        for column, (status, color) in enumerate(_COLORS.items(), 1):
            chart.add_series(
                {
                    "name": status,
                    "categories": ["Summary", 3, 0, 2 + count, 0],
                    "values": ["Summary", 3, column, 2 + count, column],
                    "fill": {"color": color},
                    "gap": 40,
                }
            )
        chart.set_title({"name": "Documents by operation and status", "name_font": {"size": 12}})
        chart.set_y_axis({"reverse": True})
        chart.set_x_axis({"num_format": "0", "major_gridlines": {"visible": True, "line": {"color": "#D9D9D9"}}})
        chart.set_legend({"position": "bottom"})
        chart.set_size({"width": 760, "height": min(160 + 22 * count, _TALLEST)})
        self._summary.insert_chart(4 + count, 0, chart, {"x_offset": 4, "y_offset": 8})


def _width(value: Value) -> int:
    if isinstance(value, (Field, Cell, TextBlock)):
        return width(value.final) + 3
    if isinstance(value, datetime):
        return 20
    return width(str(value)) + 3


def _doubt(confidence: float | None) -> Style | None:
    if confidence is None or confidence >= _SURE:
        return None
    return next(style for limit, style, _ in DOUBTS if confidence < limit)


def _share(number: int) -> str:
    low, high = _SHARES[number]
    return f"{low:.0%} to below {high:.0%}" if high <= 1 else f"{low:.0%} or more"


def _colored(status: Any) -> Style:
    return {"bold": True, "border": 1, "valign": "top"} | status_style(status)


def _number_format(kind: str, currency: str, digits: int) -> Style:
    """Return what makes a value look as its kind does; see ``cells.styled``."""
    if kind == "quoted":
        return {"num_format": "@", "quote_prefix": True}
    if kind == "link":
        return {"font_color": "#0563C1", "underline": 1}
    number = "0." + "0" * digits if digits else "0"
    money = f'"{currency}" ' if currency else ""
    formats = {
        "text": "@",
        "long": "General",
        "boolean": "General",
        "date": "yyyy-mm-dd",
        "time": "yyyy-mm-dd hh:mm:ss",
        "share": "0.0%",
        "amount": f"{money}#,##{number}",
    }
    return {"num_format": formats.get(kind, number)}
