"""What a form may ask for by name: a field, a line item's value, or what is known of the document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from itertools import groupby

from legible import catalog
from legible.contents import Parts
from legible.model import Cell, Field, Record, Table
from legible.rows import Value

#: What is known of a document, by the name a form uses.
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
)
_LIST = re.compile(r"(?P<list>.+)\[\]\.(?P<item>[^\[\]]+)")


class Page:
    """The values of one page of a record, by the names a form may use.

    Args:
        record: What is known of the document.
        number: The page's number.
        fields: Its fields.
        tables: Its lists of line items.
    """

    def __init__(self, record: Record, number: int, fields: Iterable[Field], tables: Iterable[Table]) -> None:
        """See the class."""
        self.number = number
        self._record = record
        self._fields = {field.name: field for field in fields}
        self._lists = {table.name: table for table in tables if table.header}

    def value(self, name: str, row: int = 0) -> Value:
        """Return a value; in a repeated row, that of line item ``row``, counted from 1. None where there is none."""
        match = _LIST.fullmatch(name)
        if match is not None:
            return self._item(match["list"], match["item"], row)
        return self._fields[name] if name in self._fields else self._fact(name, row)

    def count(self, names: Iterable[str]) -> int:
        """Return how many line items there are of the lists that are named."""
        lists = {match["list"] for name in names if (match := _LIST.fullmatch(name))}
        return max((self._lists[name].rows - 1 for name in lists if name in self._lists), default=0)

    def _item(self, list_name: str, path: str, row: int) -> Cell | None:
        table = self._lists.get(list_name)
        if table is None:
            return None
        label = _label(self._record.operation, f"{list_name}[].{path}")
        column = next((cell.column for cell in table.cells if cell.row == 0 and cell.text == label), -1)
        return next((cell for cell in table.cells if (cell.row, cell.column) == (row, column)), None)

    def _fact(self, name: str, row: int) -> Value:
        record = self._record
        broken = sorted({check.rule for check in record.checks if not check.passed})
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
            "findings": ", ".join(broken),
            "page": self.number,
            "row": row or None,
        }
        return facts.get(name)


def pages(record: Record, parts: Parts) -> Iterator[Page]:
    """Yield the pages that have fields or line items, one at a time; a document without any has one page of facts."""
    tables = {page: list(found) for page, found in groupby(parts.tables, key=lambda table: table.page)}
    empty = True
    for number, fields in groupby(parts.fields, key=lambda field: field.page):
        empty = False
        yield Page(record, number, fields, tables.get(number, ()))
    if empty:
        yield Page(record, 1, (), tables.get(1, ()))


def is_item(name: str) -> bool:
    """Tell whether a name is that of a line item's value."""
    return _LIST.fullmatch(name) is not None


def known(name: str, slug: str) -> bool:
    """Tell whether a name can have a value in a record of an operation."""
    return name in FACTS or name in _paths(slug)


def nearest(name: str, slug: str) -> str:
    """Return the names that look most like one that is not known, in words; empty where none does."""
    found = get_close_matches(name, [*_paths(slug), *FACTS], 3)
    return f"; the nearest are {', '.join(found)}" if found else ""


def _paths(slug: str) -> list[str]:
    operation = catalog.OPERATIONS.get(slug)
    return [spec.path for spec in operation.fields] if operation else []


def _label(slug: str, path: str) -> str:
    """Return the label of a line item's column; ``.words`` has that of what it is the text of."""
    operation = catalog.OPERATIONS.get(slug)
    labels = {spec.path: spec.label for spec in operation.fields} if operation else {}
    return labels.get(path.removesuffix(".words"), "") if path.endswith(".words") else labels.get(path, "")
