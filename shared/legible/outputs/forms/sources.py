"""The values that a form may ask for by name: a field, a line item's value, or a fact about the document."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timezone
from difflib import get_close_matches
from functools import cache
from typing import Generic, TypeVar

from legible.model.records import Cell, Field, Recognized, Record, Table, TextBlock
from legible.operations import catalog
from legible.operations.operation import FieldSpec
from legible.outputs.rows import Value

#: What is known of a document, by the name a form uses; ``text`` is the running text of the page.
FACTS = (
    "document.key",
    "document.bucket",
    "document.version",
    "document.uploaded_at",
    "status",
    "operation",
    "title",
    "reason",
    "finished_at",
    "findings",
    "page",
    "row",
    "text",
)
#: What is no text: it describes other values, or is a file of its own.
_UNSEEN = frozenset({"confidence", "location", "image", "file"})
#: A path that ends so names the running text, block by block.
_BLOCKS = "words_block_list[].words"
_INDEX = re.compile(r"\[\d+\]")
_Kind = TypeVar("_Kind", Field, Table, TextBlock)


class FormPage:
    """The values of one page of a record, by the names a form may use.

    Args:
        record: What is known of the document.
        number: The page's number.
        fields: Its fields.
        tables: Its tables; those with a header are lists of line items.
        text: Its running text.
        findings: Which rules the document breaks.
    """

    def __init__(
        self,
        record: Record,
        number: int,
        fields: Iterable[Field] = (),
        tables: Iterable[Table] = (),
        text: Iterable[TextBlock] = (),
        findings: Iterable[str] = (),
    ) -> None:
        """File the values under the names that a form may ask for."""
        self.number = number
        self._record = record
        self._findings = ", ".join(findings)
        self._text = list(text)
        self._fields: dict[str, Field] = {}
        #: The values of a path with ``[]``, by row from 1.
        self._items: dict[str, dict[int, Value]] = {}
        #: The rows of a list, by what tells one from another.
        self._rows: dict[str, dict[str, int]] = {}
        for field in fields:
            self._take(field)
        for table in tables:
            if table.header:
                self._take_rows(table)

    def value(self, name: str, row: int = 0) -> Value:
        """Return a value; in a repeated row, that of line item ``row``, counted from 1. None where there is none."""
        if name in self._fields:
            return self._fields[name]
        if is_item(name):
            return self._blocks().get(row) if self._of_text(name) else self._items.get(name, {}).get(row)
        several = self._items.get(f"{name}[]")
        if several is not None:
            return next(iter(several.values())) if len(several) == 1 else ", ".join(map(text_of, several.values()))
        return self._fact(name, row)

    def count(self, names: Iterable[str]) -> int:
        """Return how many line items there are of the lists that are named."""
        items = [name for name in names if is_item(name)]
        counts = [len(self._rows.get(name[: name.rindex("]") + 1], ())) for name in items]
        return max([*counts, *(len(self._text) for name in items if self._of_text(name))], default=0)

    def _take(self, field: Field) -> None:
        self._fields[field.name] = field
        if "]" in field.name:
            element, key = field.name[: field.name.rindex("]") + 1], _INDEX.sub("[]", field.name)
            self._items.setdefault(key, {})[self._row(_INDEX.sub("[]", element), element)] = field

    def _take_rows(self, table: Table) -> None:
        name = f"{_INDEX.sub('[]', table.name)}[]"
        paths = _paths_of(self._record.operation, name)
        columns = {cell.column: paths.get(cell.text, "") for cell in table.cells if cell.row == 0}
        rows = {row: self._row(name, f"{table.name}#{row}") for row in range(1, table.rows)}
        for cell in table.cells:
            if cell.row:
                self._items.setdefault(columns.get(cell.column, ""), {})[rows[cell.row]] = cell

    def _row(self, name: str, element: str) -> int:
        """Return the row of a list's element; an element that was not seen before gets the next one."""
        rows = self._rows.setdefault(name, {})
        return rows.setdefault(element, len(rows) + 1)

    def _of_text(self, name: str) -> bool:
        return name.endswith(_BLOCKS) and name not in self._items

    def _blocks(self) -> dict[int, TextBlock]:
        return dict(enumerate(self._text, 1))

    def _fact(self, name: str, row: int) -> Value:
        record = self._record
        facts: dict[str, Value] = {
            "document.key": record.document.key,
            "document.bucket": record.document.bucket,
            "document.version": record.document.version,
            "document.uploaded_at": record.document.uploaded_at,
            "status": record.status,
            "operation": record.operation,
            "title": record.title,
            "reason": record.reason.message if record.reason else "",
            "finished_at": record.finished_at,
            "findings": self._findings,
            "page": self.number,
            "row": row or None,
        }
        return "\n".join(block.final for block in self._text) if name == "text" else facts.get(name)


class _PageQueue(Generic[_Kind]):
    """Recognized values in the order of the pages, given out page by page."""

    def __init__(self, items: Collection[_Kind]) -> None:
        self._items: Iterator[_Kind] = iter(items)
        self._next: _Kind | None = next(self._items, None)

    @property
    def page(self) -> float:
        """The page of the next value; infinity at the end."""
        return float("inf") if self._next is None else self._next.page

    def of(self, page: float) -> Iterator[_Kind]:
        """Yield the values of a page."""
        while self._next is not None and self._next.page == page:
            yield self._next
            self._next = next(self._items, None)


def pages(record: Record, parts: Recognized) -> Iterator[FormPage]:
    """Yield the pages on which something was recognized; without any, one page with the facts about the document.

    Args:
        record: What is known of the document.
        parts: What was recognized; memory holds one page of it.
    """
    findings = sorted({check.rule for check in parts.checks if not check.passed})
    fields, tables, text = _PageQueue(parts.fields), _PageQueue(parts.tables), _PageQueue(parts.text)
    number = min(fields.page, tables.page, text.page)
    if number == float("inf"):
        yield FormPage(record, 1, findings=findings)
    while number != float("inf"):
        yield FormPage(record, int(number), fields.of(number), tables.of(number), text.of(number), findings)
        number = min(fields.page, tables.page, text.page)


def is_item(name: str) -> bool:
    """Tell whether a name asks for a line item's value."""
    return "[]" in name


def known(name: str, slug: str) -> bool:
    """Tell whether a name can have a value in a record of an operation; where nothing is declared, any name can."""
    names, free = _names(slug)
    plain = _INDEX.sub("[]", name)
    return name in FACTS or plain in names or plain.removesuffix("[]") in names or plain.startswith(free)


def nearest(name: str, slug: str) -> str:
    """Return a sentence with the names that look most like an unknown one; empty where none does."""
    names = [*_names(slug)[0], *FACTS]
    inside = [known_name for known_name in names if known_name.startswith((f"{name}.", f"{name}[]."))][:3]
    similar = inside or get_close_matches(name, names, 3)
    return f"The nearest are: {', '.join(similar)}." if similar else ""


def text_of(value: Value) -> str:
    """Return a value as text; empty for none."""
    if isinstance(value, (Field, Cell, TextBlock)):
        return value.final
    if isinstance(value, datetime):
        return f"{value.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S}"
    return "" if value is None else str(value)


@cache
def _names(slug: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the paths of an operation that have values, and the beginnings of those of which nothing is declared."""
    specs = _specs(slug)
    if not specs:
        return (), ("",)
    names = tuple(spec.path for spec in specs if spec.type not in _UNSEEN | {"object"})
    outer = {_outer(spec.path) for spec in specs}
    return names, tuple(f"{spec.path}." for spec in specs if spec.type == "object" and spec.path not in outer)


def _outer(path: str) -> str:
    return path.rpartition(".")[0].removesuffix("[]")


def _specs(slug: str) -> tuple[FieldSpec, ...]:
    operation = catalog.OPERATIONS.get(slug)
    return operation.fields if operation else ()


@cache
def _paths_of(slug: str, name: str) -> dict[str, str]:
    """Return the paths of a list's elements by the labels that the columns of its table have."""
    labels = {spec.path: spec.label for spec in _specs(slug)}
    paths: dict[str, str] = {}
    for path in labels:
        if path.startswith(f"{name}."):
            paths.setdefault(_label(labels, path, name), path)
    return paths


def _label(labels: dict[str, str], path: str, name: str) -> str:
    """Return the label of a column, those of the objects around it first; ``words`` has that of what it belongs to."""
    steps = path[len(name) + 1 :].split(".")
    parts = [labels.get(".".join([name, *steps[: number + 1]]), "") for number in range(len(steps))]
    if steps[-1] == "words" and len(parts) > 1:
        parts.pop()
    return ": ".join(label for label in parts if label)
