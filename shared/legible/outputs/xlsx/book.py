"""A workbook being written: sheets of rows, in which no text becomes a formula or a link and no digit is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timezone
from io import BytesIO
from itertools import islice
from typing import IO, Any, NamedTuple

import xlsxwriter
from xlsxwriter.exceptions import XlsxFileError
from xlsxwriter.utility import xl_rowcol_to_cell

from legible.outputs.xlsx.cells import HEADER, HIDDEN, Content, Style, looks, styled
from legible.outputs.xlsx.values import MAX_ROWS, fit, line_count, pieces, sheet_name, shown, width

MAX_WIDTH = 70
MAX_HEIGHT = 409
_LINE_HEIGHT = 15
#: Pixels of a column for each unit of its width, with Excel's own font.
_PIXELS = 7
#: The sheet on which texts go on that are too long for a cell.
CONTINUED = "Continued"
#: Makes the rows of a list anew each time: they are gone through twice, to measure and to write.
Rows = Callable[[], Iterator[list[Content]]]
_CLOCKLESS = datetime(2000, 1, 1)


class BookSheet:
    """One sheet; the widths of its columns and the heights of its rows follow what is written on it."""

    def __init__(self, label: str, name: str, sheet: Any) -> None:
        """Begin with nothing measured."""
        self.label = label
        self.name = name
        self.sheet = sheet
        self._widths: dict[int, int] = {}
        self._long: list[tuple[int, int, str]] = []

    def widen(self, column: int, text: str, picture: int = 0) -> bool:
        """Measure a text of one column; return whether it may need more than one line.

        ``picture`` is the width, in pixels, of a picture there.
        """
        wanted = max(width(text) + 3, picture // _PIXELS + 1)
        self._widths[column] = max(self._widths.get(column, 8), min(wanted, MAX_WIDTH))
        return wanted > MAX_WIDTH or "\n" in text

    def set_widths(self) -> None:
        """Set the widths of the columns, after all of their texts were measured."""
        for column, wanted in self._widths.items():
            self.sheet.set_column(column, column, wanted)

    def set_height(self, row: int, texts: Sequence[str], picture: int = 0) -> None:
        """Set a row's height before it is written; Excel would find it by itself, others do not.

        ``picture`` is the height, in pixels, of a picture in it.
        """
        lines_needed = max(line_count(text, self._widths[column] - 2) for column, text in enumerate(texts))
        height = max(lines_needed * _LINE_HEIGHT, picture * 3 // 4 + 4 if picture else 0)
        if height > _LINE_HEIGHT:
            self.sheet.set_row(row, min(height, MAX_HEIGHT))

    def hide(self, column: int) -> None:
        """Hide a column that is not for people."""
        self.sheet.set_column(column, column, None, None, {"hidden": True})

    def measure(self, row: int, column: int, text: str) -> None:
        """Measure a text of one cell of a drawn table."""
        if self.widen(column, text):
            self._long.append((row, column, text))

    def settle(self) -> None:
        """Set widths and heights of a drawn table."""
        self.set_widths()
        heights: dict[int, int] = {}
        for row, column, text in self._long:
            heights[row] = max(heights.get(row, 1), line_count(text, self._widths[column] - 2))
        for row, lines_needed in heights.items():
            self.sheet.set_row(row, min(lines_needed * _LINE_HEIGHT, MAX_HEIGHT))

    def head(self, rows: int, columns: int) -> None:
        """Make the first row a header that stays in sight, on paper too."""
        self.sheet.freeze_panes(1, 0)
        self.sheet.repeat_rows(0)
        self.sheet.autofilter(0, 0, rows - 1, columns - 1)


class Imprint(NamedTuple):
    """What a workbook says of itself.

    ``title`` is what it is about, for its properties; ``footer`` stands at the foot of each printed page; ``at`` is
    when it was made, given so that the same workbook always has the same bytes.
    """

    title: str
    footer: str
    at: datetime | None


class Book:
    """One workbook being written.

    Args:
        file: Where to, from its beginning.
        imprint: What it says of itself.
        large: Write it row by row, because memory would not hold its cells.
        optional: Columns that are left out where nothing is in them.
        reserved: Names that are kept for sheets of their own.
        rows_per_sheet: Rows a sheet may have, its header included, before a list goes on in another sheet.
    """

    def __init__(
        self,
        file: IO[bytes],
        imprint: Imprint,
        *,
        large: bool,
        optional: Sequence[str] = (),
        reserved: Sequence[str] = (),
        rows_per_sheet: int = MAX_ROWS,
    ) -> None:
        """Begin a workbook without sheets."""
        self._footer = imprint.footer
        self._optional = optional
        self._reserved = (*reserved, CONTINUED)
        self._rows_per_sheet = rows_per_sheet
        memory = {"constant_memory": True} if large else {"in_memory": True}
        texts_stay_texts = dict.fromkeys(("strings_to_formulas", "strings_to_urls", "strings_to_numbers"), False)
        self._book = xlsxwriter.Workbook(file, memory | texts_stay_texts)
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}
        self._names: set[str] = set()
        self._continued: list[list[Content]] = []
        #: How many characters no worksheet could hold.
        self.unfit = 0
        at = imprint.at
        created = _CLOCKLESS if at is None else at.astimezone(timezone.utc).replace(tzinfo=None)
        self._book.set_properties({"title": fit(imprint.title)[0][:200], "author": "Legible", "created": created})

    def close(self) -> None:
        """Write the sheet ``Continued`` with the rests of long texts, and end the file.

        Raises:
            OSError: There is no room for it.
        """
        self.listing(CONTINUED, ("Sheet", "Cell", "Text goes on"), lambda: iter(self._continued))
        try:
            self._book.close()
        except XlsxFileError as error:
            raise next((one for one in error.args if isinstance(one, OSError)), OSError(str(error))) from None

    def listing(self, name: str, header: Sequence[str], rows: Rows) -> BookSheet | None:
        """Write a list on a sheet of its own, if there is anything to list."""
        if next(rows(), None) is None:
            return None
        sheet = self.sheet(name)
        self.rows(sheet, header, rows)
        return sheet

    def rows(self, sheet: BookSheet, header: Sequence[str], rows: Rows) -> None:
        """Write rows under a header; what is beyond the last row of a sheet goes on in another."""
        kept = self._kept(header, rows)
        labels, room = [Content(label, style=HEADER) for label in header], self._rows_per_sheet - 1
        first, total = 0, sum(1 for _ in rows())
        hidden = any(row[-1].style is HIDDEN for row in islice(rows(), 1))
        while True:
            self._lines(sheet, lambda first=first: _sheetful(labels, rows, first, room), kept)  # type: ignore[misc]
            sheet.head(min(room, total - first) + 1, len(kept))
            if hidden:
                sheet.hide(len(kept) - 1)
            first += room
            if first >= total:
                return
            sheet = self.sheet(sheet.label, listed=False)

    def _lines(self, sheet: BookSheet, rows: Rows, kept: Sequence[int]) -> None:
        """Write rows in their order, first to last: columns as wide, rows as high as they need."""
        for row in rows():
            for column, index in enumerate(kept):
                sheet.widen(column, looks(row[index]), _sides(row[index].picture)[0])
        sheet.set_widths()
        for number, row in enumerate(rows()):
            shown_row = [row[index] for index in kept if row[index].style is not HIDDEN]
            tallest = max(_sides(content.picture)[1] for content in shown_row)
            sheet.set_height(number, [content.text for content in shown_row], tallest)
            for column, index in enumerate(kept):
                self.put(sheet, number, column, row[index])

    def put(self, sheet: BookSheet, row: int, column: int, content: Content) -> None:
        """Write one cell: as a value where that is exact, else as text, never as a formula or link."""
        value, look = shown(content.type, content.typed), self.format(styled(content))
        if isinstance(value, bool):
            sheet.sheet.write_boolean(row, column, value, look)
        elif isinstance(value, date):
            sheet.sheet.write_datetime(row, column, value, look)
        elif value is not None:
            sheet.sheet.write_number(row, column, value, look)
        elif content.picture:
            sheet.sheet.write_blank(row, column, None, look)
            how = {"image_data": BytesIO(content.picture), "object_position": 1, "x_offset": 3, "y_offset": 2}
            sheet.sheet.insert_image(row, column, "crop.png", how)
        elif not content.text:
            sheet.sheet.write_blank(row, column, None, look)
        else:
            sheet.sheet.write_string(row, column, self._held(sheet.name, row, column, content.text), look)

    def _held(self, name: str, row: int, column: int, text: str) -> str:
        """Return the part of a text that one cell holds; the rest goes on in the sheet ``Continued``."""
        held, unfit = fit(text)
        self.unfit += unfit
        first, *more = pieces(held)
        if not more:
            return first
        at = len(self._continued) + 2
        cell = xl_rowcol_to_cell(row, column)
        self._continued += [[Content(name), Content(cell), Content(piece)] for piece in more]
        return f"{first} \u2026 (continued in sheet Continued, row {at})"

    def sheet(self, label: str, *, listed: bool = True) -> BookSheet:
        """Add a sheet; its name is the label as far as Excel takes it and no other sheet has it.

        Args:
            label: What it is called.
            listed: Whether it may have one of the reserved names: it is what they are reserved for.
        """
        name = sheet_name(label, self._names if listed else {*self._names, *self._reserved})
        self._names.add(name)
        sheet = self._book.add_worksheet(name)
        sheet.set_paper(9)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        # An invisible word joiner behind an ampersand: xlsxwriter takes the end of "&&G" for a picture's place.
        key = fit(self._footer)[0][-100:].replace("&", "&&\u2060")
        sheet.set_footer(f"&L{key}&C&A&RPage &P of &N")
        sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        return BookSheet(label, name, sheet)

    def chart(self, options: dict[str, Any]) -> Any:
        """Return a new chart, for ``sheet.insert_chart``; see xlsxwriter's ``add_chart``."""
        return self._book.add_chart(options)

    def format(self, style: Style) -> Any:
        """Return the format of a style; each style has one."""
        key = tuple(sorted(style.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(style)
        return self._formats[key]

    def _kept(self, header: Sequence[str], rows: Rows) -> list[int]:
        """Return which columns are shown: an optional one only where something is in it."""
        unseen = {index for index, label in enumerate(header) if label in self._optional}
        for row in rows() if unseen else ():
            unseen = {index for index in unseen if not row[index].text and not row[index].picture}
            if not unseen:
                break
        return [index for index in range(len(header)) if index not in unseen]


def _sheetful(labels: list[Content], rows: Rows, first: int, room: int) -> Iterator[list[Content]]:
    yield labels
    yield from islice(rows(), first, first + room)


def _sides(picture: bytes) -> tuple[int, int]:
    """Return width and height of a PNG in pixels (its IHDR comes first); zeros where there is no PNG."""
    return int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")
