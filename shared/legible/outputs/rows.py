"""Records as rows, the same for every kind of file that is made of many documents.

One row a document in the sheet of its operation: its columns are the catalog's fields, and ``Other`` for whatever else
was recognized. Where an answer is a list, one row an element; where several pages have fields, one row a page. A list
that the catalog does not have shares one sheet with the others of its operation.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import NamedTuple

from legible.model.records import Cell, Field, Recognized, Record, Table, TextBlock
from legible.operations import catalog
from legible.operations.operation import FieldSpec
from legible.outputs.columns import FINDINGS, INDEX, OTHER, PAGES, TABLES, TEXT, Column, Sheet

#: What stands in a row: something recognized, or what is known of it.
Value = Field | Cell | TextBlock | str | int | float | datetime | None
_UNSEEN = frozenset({"confidence", "location", "image", "file", "object"})
_INDEX = re.compile(r"\[\d+\]")
_BRACKETS = re.compile(r"(\[\d*\])+")
_NUMBER = re.compile(r" \d+\b")
_ELEMENT = re.compile(r"\[(\d+)\]\.")


class Row(NamedTuple):
    """One row of a sheet."""

    sheet: Sheet
    values: list[Value]


def lines(record: Record, source: str = "", parts: Recognized | None = None) -> Iterator[Row]:
    """Yield the rows of one record, sheet by sheet.

    Args:
        record: A record.
        source: Where its document can be opened, if anywhere.
        parts: What was recognized, where the record itself does not hold it.
    """
    parts = record if parts is None else parts
    yield Row(INDEX, _index(record, source, parts))
    key = record.document.key
    for page in record.pages:
        if page.reason is not None:
            reason = page.reason
            yield Row(PAGES, [key, page.page, page.state, reason.code, reason.message, reason.advice])
    for check in parts.checks:
        if not check.passed:
            yield Row(FINDINGS, [key, check.page, check.rule, check.message, ", ".join(check.fields)])
    yield from _documents(record, parts)
    for table in parts.tables:
        yield from _items(record, table) if table.header else _cells(record, table)
    page_number = number = 0
    for block in parts.text:
        page_number, number = block.page, number + 1 if block.page == page_number else 1
        yield Row(TEXT, [key, block.page, number, block, block.confidence])


def _recognized(parts: Recognized) -> Iterator[Field | Cell | TextBlock]:
    yield from parts.fields
    for table in parts.tables:
        yield from table.cells
    yield from parts.text


def _index(record: Record, source: str, parts: Recognized) -> list[Value]:
    broken = [check.rule for check in parts.checks if not check.passed]
    corrected, lowest = 0, None
    for item in _recognized(parts):
        if item.corrected is not None:
            corrected += 1
        elif item.confidence is not None and (lowest is None or item.confidence < lowest):
            lowest = item.confidence
    done = sum(page.state == "done" for page in record.pages)
    reason = record.reason
    return [
        record.document.key,
        record.status,
        record.operation,
        len(record.pages),
        done,
        len(broken),
        corrected,
        lowest,
        record.document.uploaded_at,
        record.finished_at,
        ", ".join(sorted(set(broken))),
        reason.code if reason else "",
        reason.message if reason else "",
        reason.advice if reason else "",
        source,
    ]


def _documents(record: Record, parts: Recognized) -> Iterator[Row]:
    """Yield one row for each page, or element of a list, that has fields."""
    sheet, places = documents(record.operation)
    rows: dict[int, list[Value]] = {}
    page = 0
    for field in parts.fields:
        if field.page != page:
            yield from (Row(sheet, row) for row in rows.values())
            page, rows = field.page, {}
        name, number = field.name, 0
        if "[" in name:
            element = _ELEMENT.match(name)
            name, number = _INDEX.sub("[]", name), int(element[1]) + 1 if element else 0
        row = rows.get(number)
        if row is None:
            row = [record.document.key, field.page, number or None, *[None] * (len(sheet.columns) - 3)]
            rows[number] = row
        place = places.get(name)
        if place is not None and row[place] is None:
            row[place] = field if field.final else None
        else:
            _put(row, place, field, field.label)
    yield from (Row(sheet, row) for row in rows.values())


def _put(row: list[Value], place: int | None, value: Field | Cell, label: str) -> None:
    """Put a value into its column; a second value for the same column, or one without a column, is added as text."""
    if place is None:
        if value.final:
            before = row[-1]
            row[-1] = f"{before}; {label}: {value.final}" if before else f"{label}: {value.final}"
        return
    before = row[place]
    if before is None:
        row[place] = value if value.final else None
    elif value.final:
        text = before if isinstance(before, str) else getattr(before, "final", "")
        row[place] = f"{text}; {value.final}" if text else value


@cache
def documents(slug: str) -> tuple[Sheet, dict[str, int]]:
    """Return the sheet of an operation's documents, and the place of each field's column."""
    operation = catalog.OPERATIONS.get(slug)
    specs = _own(operation.fields, "") if operation else []
    names = [spec.path if not spec.sdk_type.startswith("list[") else f"{spec.path}[]" for spec in specs]
    labels = _labels(operation.fields if operation else (), [spec.path for spec in specs])
    columns = [Column(label, spec.label_zh, spec.type) for label, spec in zip(labels, specs, strict=True)]
    own = (Column("Document"), Column("Page", "", "integer"), Column("Element", "", "integer"))
    title = operation.title if operation else slug
    sheet = Sheet(f"documents:{slug}", title, (*own, *columns, Column(OTHER)))
    places = {name: number + len(own) for number, name in enumerate(names)}
    places |= {spec.path: places[name] for spec, name in zip(specs, names, strict=True)}
    return sheet, places


def _own(specs: Iterable[FieldSpec], prefix: str) -> list[FieldSpec]:
    """Return the plain values of an object, without those of lists of objects inside it."""
    plain = []
    for spec in specs:
        path = spec.path.removeprefix("[].") if not prefix else spec.path
        if path.startswith(prefix) and "[]" not in path[len(prefix) :] and spec.type not in _UNSEEN:
            plain.append(spec)
    return plain


def _labels(specs: Iterable[FieldSpec], paths: list[str]) -> list[str]:
    """Return the full label of each path, that of the objects around it first."""
    known = {spec.path: spec.label for spec in specs}
    labels = []
    for path in paths:
        steps = path.split(".")
        parts = [known.get(".".join(steps[: number + 1]), "") for number in range(len(steps))]
        if steps[-1] == "words" and len(parts) > 1 and parts[-2]:
            parts.pop()
        labels.append(": ".join(part for part in parts if part) or path)
    return labels


def _items(record: Record, table: Table) -> Iterator[Row]:
    """Yield the rows of line items, or of what text blocks hold beside their text."""
    sheet, places = items(record.operation, _BRACKETS.sub("[]", table.name).removesuffix("[]"), table.label)
    listed = table.label if not sheet.label.startswith(table.label) else None
    labels = {cell.column: cell.text for cell in table.cells if cell.row == 0}
    rows: dict[int, list[Value]] = {}
    for cell in table.cells:
        if cell.row:
            row = rows.get(cell.row)
            if row is None:
                row = rows[cell.row] = [record.document.key, table.page, cell.row, listed]
                row += [None] * (len(sheet.columns) - len(row))
            label = labels.get(cell.column, "")
            _put(row, places.get(label), cell, label)
    for number in sorted(rows):
        yield Row(sheet, rows[number])


def items(slug: str, name: str, label: str) -> tuple[Sheet, dict[str, int]]:
    """Return the sheet of one list of line items, and the place of each column's label.

    Lists that the catalog does not have share one sheet: there may be any number of them.

    Args:
        slug: Of the operation.
        name: The list's path, ``[]`` for every index.
        label: What people call it; a number in it says which of several it is.
    """
    return _listed(slug, name, _NUMBER.sub("", label)) if name in _lists(slug) else _listed(slug, "", "Other lists")


@cache
def _lists(slug: str) -> frozenset[str]:
    """Return the paths of the lists that the catalog has of an operation."""
    operation = catalog.OPERATIONS.get(slug)
    paths = [spec.path for spec in operation.fields] if operation else []
    return frozenset(path[: match.start()] for path in paths for match in _BRACKETS.finditer(path) if match.start())


@cache
def _listed(slug: str, name: str, label: str) -> tuple[Sheet, dict[str, int]]:
    operation = catalog.OPERATIONS.get(slug)
    prefix = f"{name}[]."
    specs = [spec for spec in operation.fields if spec.path.startswith(prefix)] if operation and name else []
    named = {spec.path: spec for spec in specs}
    labels: dict[str, Column] = {}
    for spec in _own(specs, prefix):
        around = named.get(spec.path.removesuffix(".words"))
        label_of = around.label if spec.path.endswith(".words") and around else spec.label
        labels.setdefault(label_of, Column(label_of, spec.label_zh, spec.type))
    own = (Column("Document"), Column("Page", "", "integer"), Column("Row", "", "integer"), Column("List"))
    sheet = Sheet(f"items:{slug}:{name}", f"{label}, {slug}", (*own, *labels.values(), Column(OTHER)))
    return sheet, {name: number + len(own) for number, name in enumerate(labels)}


def _cells(record: Record, table: Table) -> Iterator[Row]:
    for cell in table.cells:
        place: list[Value] = [record.document.key, table.page, table.label, cell.row + 1, cell.column + 1]
        yield Row(TABLES, [*place, cell, cell.confidence])
