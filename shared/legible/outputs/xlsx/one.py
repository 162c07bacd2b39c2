"""A record as an Excel workbook that is safe to open: no text becomes a formula or a link, and no digit is lost.

Sheets: ``Fields``, one per table, ``Text``, ``Findings``, ``About``; one without content is left out, and one of
details that stand on another sheet. In the column ``Corrected`` of ``Fields`` a reviewer writes what is right; a hidden
key says what each row is about. A text too long for a cell goes on in ``Continued``. Numbers and dates are numbers and
dates only where Excel keeps them exactly; everything else is text. A document that is not done opens on ``About``,
which begins with the reason. The same record always makes the same bytes. What is more than a function's memory holds
is written row by row; its tables are listed on one sheet.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import IO

from legible.model.records import Recognized, Record, Table
from legible.outputs.columns import (
    CELL_HEADERS,
    FIELD_HEADERS,
    FINDING_HEADERS,
    PICTURE,
    TABLE_CELL_HEADERS,
    TEXT_HEADERS,
)
from legible.outputs.xlsx.about import headline, lines
from legible.outputs.xlsx.book import MAX_HEIGHT, MAX_WIDTH, Book, BookSheet, Imprint
from legible.outputs.xlsx.cells import (
    BANNER,
    BODY,
    DOUBTS,
    FAINT,
    FINDING,
    HEADER,
    HEADING,
    HIDDEN,
    LABEL,
    MARKS,
    SURE,
    Content,
    Style,
    count,
    drawable,
    edit,
    looks,
    of,
    original,
    sides,
    status_style,
    styled,
)
from legible.outputs.xlsx.details import OtherSheets
from legible.outputs.xlsx.row_key import key_of
from legible.outputs.xlsx.values import MAX_ROWS, line_count

#: Up to this size a table's empty places get their lines too.
_MAX_RULED = 100_000
#: Crops of the page, as PNG, by page and name of the field.
Pictures = dict[tuple[int, str], bytes]
#: Columns that are left out where nothing is in them.
_OPTIONAL = ("\u5b57\u6bb5", PICTURE, "As recognized", "Confidence", "Findings", "Location")
_RESERVED = ("Fields", "Findings", "Text", "About")
#: A workbook of more lines, more cells or more tables is written row by row.
_MOST_LINES, _MOST_CELLS, _MOST_SHEETS = 5_000, 50_000, 200


def write(
    record: Record,
    parts: Recognized,
    file: IO[bytes],
    *,
    rows_per_sheet: int = MAX_ROWS,
    pictures: Pictures | None = None,
) -> None:
    """Write the workbook of one record.

    Args:
        record: What to write, but for what was recognized.
        parts: What was recognized.
        file: Where to, from its beginning.
        rows_per_sheet: Rows a sheet may have, its header included, before a list goes on in another sheet.
        pictures: What stands beside fields in doubt.
    """
    _RecordBook(record, parts, file, rows_per_sheet, pictures or {}).make()


class _RecordBook:
    """The workbook of one record being written."""

    def __init__(
        self, record: Record, parts: Recognized, file: IO[bytes], rows_per_sheet: int, pictures: Pictures
    ) -> None:
        self._pictures = pictures
        self._record = record
        self._parts = parts
        self._large = _is_large(parts)
        self._book = Book(
            file,
            Imprint(record.title, record.document.key, record.finished_at),
            large=self._large,
            optional=_OPTIONAL,
            reserved=_RESERVED,
            rows_per_sheet=rows_per_sheet,
        )

    def make(self) -> None:
        """Write all sheets and close the file."""
        book, parts = self._book, self._parts
        sheets = [(len(parts.fields), book.listing("Fields", FIELD_HEADERS, self._fields))]
        if self._large:
            sheets.append((len(parts.tables), book.listing("Tables", TABLE_CELL_HEADERS, self._listed)))
        else:
            others = OtherSheets(parts)
            tables = [table for table in parts.tables if not others.repeats(table)]
            sheets += [(0 if table.header else len(table.cells), self._table(table)) for table in tables]
        sheets.append((len(parts.text), book.listing("Text", TEXT_HEADERS, self._text)))
        book.listing("Findings", FINDING_HEADERS, self._findings)
        about = self._about()
        # It opens on the reason where there is one, else on what there is most of; line items are but a part.
        most, sheet = max(sheets, key=lambda pair: pair[0])
        (sheet if sheet and most and self._record.status == "done" else about).sheet.activate()
        book.close()

    def _fields(self) -> Iterator[list[Content]]:
        for field in self._parts.fields:
            confidence, location = sides(field)
            written = edit(field)
            key = key_of(self._record.document, field.page, field.name, field.final, written.text)
            yield [
                Content(field.label, style=LABEL),
                Content(field.label_zh, style=LABEL),
                of(field),
                Content(picture=self._pictures.get((field.page, field.name), b"")),
                original(field),
                count(field.page),
                confidence,
                Content(", ".join(field.findings), mark=FINDING if field.findings else None),
                location,
                written,
                Content(key, style=HIDDEN),
            ]

    def _findings(self) -> Iterator[list[Content]]:
        for check in self._parts.checks:
            if not check.passed:
                names = Content(", ".join(check.fields), style=FAINT)
                yield [count(check.page), Content(check.rule, style=LABEL), Content(check.message), names]

    def _text(self) -> Iterator[list[Content]]:
        page = number = 0
        for block in self._parts.text:
            page, number = block.page, number + 1 if block.page == page else 1
            yield [count(page), count(number), of(block), *sides(block)]

    def _listed(self) -> Iterator[list[Content]]:
        for table in self._parts.tables:
            for row in _places(table):
                yield [count(table.page), Content(table.label, style=LABEL), *row]

    def _table(self, table: Table) -> BookSheet:
        several_pages = len({other.page for other in self._parts.tables}) > 1
        sheet = self._book.sheet(f"{table.label} p{table.page}" if several_pages else table.label, listed=False)
        if drawable(table):
            self._drawing(sheet, table)
            return sheet
        self._book.rows(sheet, CELL_HEADERS, lambda: _places(table))
        return sheet

    def _drawing(self, sheet: BookSheet, table: Table) -> None:
        for at in range(table.rows * table.columns if table.rows * table.columns <= _MAX_RULED else 0):
            sheet.sheet.write_blank(*divmod(at, table.columns), None, self._book.format(BODY))
        for cell in table.cells:
            content = of(cell)._replace(style=HEADER if table.header and cell.row == 0 else BODY)
            last_row, last_column = cell.row + cell.row_span - 1, cell.column + cell.column_span - 1
            if (last_row, last_column) != (cell.row, cell.column):
                # Merged blank first: merge_range would guess the type of a text, write_string does not.
                look = self._book.format(styled(content))
                sheet.sheet.merge_range(cell.row, cell.column, last_row, last_column, "", look)
            else:
                sheet.measure(cell.row, cell.column, looks(content))
            self._book.put(sheet, cell.row, cell.column, content)
        sheet.settle()
        if table.header:
            sheet.head(table.rows, table.columns)

    def _about(self) -> BookSheet:
        sheet = self._book.sheet("About")
        nothing = self._record.status == "done" and any(page.empty for page in self._record.pages)
        status = "partial" if nothing else self._record.status
        head = Content(headline(self._record), style=BANNER | status_style(status))
        sheet.sheet.set_row(0, min(20 * line_count(head.text, 80), MAX_HEIGHT))
        sheet.sheet.merge_range(0, 0, 0, 1, "", self._book.format(head.style))
        self._book.put(sheet, 0, 0, head)
        for label, text in (*self._said(), *self._legend()):
            sheet.widen(0, label.text)
            sheet.widen(1, text.text)
        sheet.set_widths()
        sheet.sheet.set_column(1, 1, MAX_WIDTH)
        # The legend last: it tells of every character that did not fit, on this sheet too.
        for number, row in enumerate(chain(self._said(), self._legend()), 1):
            sheet.set_height(number, [content.text for content in row])
            for column, content in enumerate(row):
                if row[0].text:
                    self._book.put(sheet, number, column, content)
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
        for mark, text in MARKS:
            yield _line("Example", text, BODY | mark)
        if self._book.unfit:
            text = (
                f"{self._book.unfit} characters that no worksheet can hold are shown as \u2400 to \u2421 or as \ufffd."
            )
            yield Content(), Content()
            yield _line("Unfit characters", text, LABEL)


def _is_large(parts: Recognized) -> bool:
    """Tell whether a workbook must be written row by row, because memory would not hold its cells."""
    if len(parts.tables) > _MOST_SHEETS:
        return True
    cells = sum(len(table.cells) for table in parts.tables)
    return len(parts.fields) + len(parts.text) > _MOST_LINES or cells > _MOST_CELLS


def _places(table: Table) -> Iterator[list[Content]]:
    for cell in table.cells:
        place = (cell.row + 1, cell.column + 1, cell.row_span, cell.column_span)
        yield [*map(count, place), of(cell), *sides(cell)]


def _line(label: str, text: str, style: Style) -> tuple[Content, Content]:
    return Content(label, style=style), Content(text, style=BODY if text else style)
