"""A sheet that is written from top to bottom: lines, small tables, charts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from legible.outputs.xlsx import charts
from legible.outputs.xlsx.book import Book, BookSheet
from legible.outputs.xlsx.cells import HEADER, Content

_PIXELS_A_ROW = 20


class DrawnSheet:
    """Writes such a sheet.

    Args:
        book: The workbook.
        sheet: The sheet.
    """

    def __init__(self, book: Book, sheet: BookSheet) -> None:
        """Write nothing yet."""
        self.book = book
        self.sheet = sheet
        #: The row that is written next.
        self.row = 0

    def lines(self, rows: Iterable[Sequence[Content]]) -> None:
        """Write rows; one with a single cell is a sentence, and makes no column wider."""
        for row in rows:
            for column, content in enumerate(row):
                if len(row) > 1:
                    self.sheet.widen(column, content.text)
                self.book.put(self.sheet, self.row, column, content)
            self.row += 1

    def table(self, header: Sequence[str], rows: Iterable[Sequence[Content]]) -> int:
        """Write a small table; return the row of its first line."""
        self.lines([[Content(label, style=HEADER) for label in header]])
        first = self.row
        self.lines(rows)
        return first

    def chart(self, chart: Any) -> None:
        """Put a chart below what is there."""
        self.sheet.sheet.insert_chart(self.row, 0, chart)
        self.row += charts.height(chart) // _PIXELS_A_ROW + 2
