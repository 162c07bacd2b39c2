"""Placeholders in the cells of a workbook: ``{{passport_number}}``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from legible.outputs.forms.sources import is_item

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}")


def cells_to_fill(sheet: Any) -> Iterator[tuple[Any, list[str]]]:
    """Yield the cells of a sheet that have placeholders, with their names."""
    for cell in list(cells(sheet).values()):
        names = names_in(text_in(cell))
        if names:
            yield cell, names


def cells(sheet: Any) -> dict[tuple[int, int], Any]:
    """Return the cells of a sheet by row and column.

    Only those that are there: openpyxl's public ways go through every place up to the last row, and make a cell of it.
    """
    there: dict[tuple[int, int], Any] = sheet._cells
    return there


def text_in(cell: Any) -> str:
    """Return the text of a cell; empty for a formula, a number or nothing."""
    if cell.data_type != "s" or cell.value is None:
        return ""
    return str(cell.value)  # a text of several fonts as one


def names_in(text: str) -> list[str]:
    """Return the names of the placeholders in a text."""
    return _PLACEHOLDER.findall(text)


def only(text: str) -> bool:
    """Tell whether a text is one placeholder and nothing else."""
    return _PLACEHOLDER.fullmatch(text) is not None


def replaced(text: str, value: Callable[[str], str]) -> str:
    """Return a text with its placeholders replaced; a placeholder inside a value is left as it is."""
    return _PLACEHOLDER.sub(lambda match: value(match[1]), text)


def rest_of(text: str) -> str:
    """Return a text without its placeholders."""
    return _PLACEHOLDER.sub("", text)


def rows_to_repeat(sheet: Any) -> dict[int, list[str]]:
    """Return the rows that are repeated for each line item, with the names in them."""
    rows: dict[int, list[str]] = {}
    for cell, names in cells_to_fill(sheet):
        rows.setdefault(cell.row, []).extend(names)
    return {row: names for row, names in sorted(rows.items()) if any(map(is_item, names))}
