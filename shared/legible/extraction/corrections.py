"""Corrections by reviewers; the recognized value stays beside the corrected one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import Struct

from legible.extraction.fields import retyped
from legible.model.records import Cell, Correction, Extract, Field, Table, TextBlock
from legible.operations.operation import Operation

_Kind = TypeVar("_Kind", Field, Cell, TextBlock)
#: Corrections of one page by the name of what they are about.
Edits = dict[str, Correction]


class Change(Struct, frozen=True):
    """One change of a review: ``value`` is the text that counts from now on; None takes a correction back.

    ``name`` is a field's name; a cell's table and place, ``item_list#2,3``; or a text block's number on its page,
    ``#5``. ``was`` is the digest of the text that counted when the reviewer saw it, see ``digest``.
    """

    page: int
    name: str
    value: str | None
    was: str = ""


class Review(Struct, frozen=True):
    """What one reviewer changed in one document, as it is stored beside the answers."""

    edits: tuple[Change, ...]


def digest(text: str) -> str:
    """Return 16 hexadecimal digits of a text's SHA-256: they tell texts apart without showing them."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def cell_name(table: str, row: int, column: int) -> str:
    """Return the name of a cell, as checks and reviews use it."""
    return f"{table}#{row},{column}"


def block_name(number: int) -> str:
    """Return the name of a text block, counted from 1 on its page."""
    return f"#{number}"


def add(corrections: dict[int, Edits], review: Review, author: str, at: datetime) -> None:
    """Add a later review to the corrections of earlier ones, by page."""
    for edit in review.edits:
        page = corrections.setdefault(edit.page, {})
        page.pop(edit.name, None)
        if edit.value is not None:
            page[edit.name] = Correction(edit.value, author, at)


def corrected(operation: Operation, extract: Extract, edits: Mapping[str, Correction]) -> Extract:
    """Return what one page says with its corrections; a correction whose value is no longer there becomes a note."""
    if not edits:
        return extract
    left = dict(edits)

    def put(item: _Kind, name: str, path: str) -> _Kind:
        correction = left.pop(name, None)
        if correction is None:
            return item
        if isinstance(item, TextBlock):
            return msgspec.structs.replace(item, corrected=correction)
        typed = retyped(operation, path, item.type, correction.value)
        return msgspec.structs.replace(item, corrected=correction, typed=typed)

    def table_of(table: Table) -> Table:
        cells = tuple(
            put(cell, cell_name(table.name, cell.row, cell.column), f"{table.name}[]") for cell in table.cells
        )
        return msgspec.structs.replace(table, cells=cells)

    result = msgspec.structs.replace(
        extract,
        fields=tuple(put(field, field.name, field.name) for field in extract.fields),
        tables=tuple(table_of(table) for table in extract.tables),
        text=tuple(put(block, block_name(number), "") for number, block in enumerate(extract.text, 1)),
    )
    notes = tuple(f"A correction of `{name}` by {left[name].author} fits nothing that is read now." for name in left)
    return msgspec.structs.replace(result, notes=(*result.notes, *notes))


class Text(Struct, frozen=True):
    """The text that counts for a value that can be corrected; ``author`` corrected it, empty where nobody did."""

    name: str
    text: str
    author: str = ""


def texts(extract: Extract) -> Iterator[Text]:
    """Yield everything that can be corrected on one page."""
    for field in extract.fields:
        yield _text(field.name, field)
    for table in extract.tables:
        for cell in table.cells:
            yield _text(cell_name(table.name, cell.row, cell.column), cell)
    for number, block in enumerate(extract.text, 1):
        yield _text(block_name(number), block)


def _text(name: str, item: Field | Cell | TextBlock) -> Text:
    return Text(name, item.final, item.corrected.author if item.corrected else "")
