"""Parts of an answer that the service could not read: it says so beside what it did read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeVar

from legible.extraction.corrections import cell_name
from legible.extraction.fields import succeeded
from legible.model.records import Cell, Check, Extract, Field, Table

#: The rule's name; it is about every operation, because every answer may tell an error in these words.
RULE = "part-recognized"
_NAME = re.compile(r"(?P<part>(?:.*[.\]])?)(?P<key>error_code|error_msg|error_message)")
_LABEL = re.compile(r"(?P<part>(?:.*: )?)(?P<key>Error code|Error msg|Error message)")
_CODES = ("error_code", "Error code")

_Item = TypeVar("_Item", Field, Cell)


def recognized(extract: Extract) -> Iterator[Check]:
    """Yield, for each part of an answer that has an error code or message, whether it was recognized.

    A part is a document in a picture, whose status is ``AIS.0000`` where it was (auto-classification, ocr_03_0113), a
    row of a table, or the whole answer.
    """
    page = min([field.page for field in extract.fields] + [table.page for table in extract.tables], default=1)
    labels = {field.name: field.label for field in extract.fields}
    told = _grouped(_NAME, {field.name: field for field in extract.fields})
    for items in told.values():
        part = re.sub(r"(^|: )(Status: )?[^:]*$", "", labels[next(iter(items))])
        yield _check(page, part or "The answer", {name: field.final for name, field in items.items()})
    for table in extract.tables:
        yield from _rows(table) if table.header else ()


def _rows(table: Table) -> Iterator[Check]:
    labels = {cell.column: cell.text for cell in table.cells if cell.row == 0 and _LABEL.fullmatch(cell.text)}
    rows: dict[int, dict[str, Cell]] = {}
    for cell in table.cells if labels else ():
        if cell.row > 0 and cell.column in labels:
            rows.setdefault(cell.row, {})[labels[cell.column]] = cell
    for number, row in rows.items():
        for items in _grouped(_LABEL, row).values():
            names = {cell_name(table.name, number, cell.column): cell.final for cell in items.values()}
            yield _check(table.page, f"Row {number} of {table.label}", names)


def _grouped(pattern: re.Pattern[str], items: Mapping[str, _Item]) -> dict[str, dict[str, _Item]]:
    """Return what tells of an error, part by part, the code first; what is blank is left out."""
    parts: dict[str, dict[str, _Item]] = {}
    for name, item in items.items():
        if (match := pattern.fullmatch(name)) is not None and item.final.strip():
            parts.setdefault(match["part"], {})[name] = item
    codes_first = {part: sorted(told, key=lambda name: not name.endswith(_CODES)) for part, told in parts.items()}
    return {part: {name: parts[part][name] for name in names} for part, names in codes_first.items()}


def _check(page: int, part: str, told: dict[str, str]) -> Check:
    passed = succeeded(next(iter(told.values())))
    message = "" if passed else f"{part} was not recognized: {' '.join(told.values())}"
    return Check(RULE, passed, page, tuple(told), message)
