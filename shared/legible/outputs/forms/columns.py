"""A workbook of one sheet with the user's own columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from typing import IO

from legible.model.records import Cell, Field, TextBlock
from legible.outputs.rows import Value
from legible.outputs.xlsx.book import Book, Imprint
from legible.outputs.xlsx.cells import Content, count, of


def write(
    header: Sequence[str], rows: Callable[[], Iterator[list[Value]]], file: IO[bytes], *, at: datetime | None
) -> None:
    """Write the workbook.

    Args:
        header: The columns' names.
        rows: Yields the rows, anew each time.
        file: Where to, from its beginning.
        at: When it was made; the same rows always make the same bytes.
    """
    book = Book(file, Imprint("Form", "Legible", at), large=True)
    sheet = book.sheet("Form")
    book.rows(sheet, header, lambda: ([_content(value) for value in row] for row in rows()))
    book.close()


def _content(value: Value) -> Content:
    if isinstance(value, (Field, Cell, TextBlock)):
        return of(value)
    if isinstance(value, datetime):
        return Content(value.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S"))
    return count(value) if isinstance(value, int) else Content("" if value is None else str(value))
