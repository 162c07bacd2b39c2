"""A row of a template that stands as often as there are line items: what is below moves down."""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from typing import Any

#: A reference to a cell or a range in a formula; not a function's name.
_REFERENCE = re.compile(r"(\$?[A-Z]{1,3}\$?)([0-9]{1,7})(?::(\$?[A-Z]{1,3}\$?)([0-9]{1,7}))?(?![A-Za-z0-9_(])")


def repeat(sheet: Any, row: int, count: int) -> None:
    """Make a row stand ``count`` times, two or more.

    Its styles, height and formulas are repeated; merged cells and heights below move down; references below the row
    move with what they refer to, and a range that ends in the row grows. Conditional formats, data validations and
    names of ranges stay where they are.
    """
    added = count - 1
    heights = {at: dimension.height for at, dimension in sheet.row_dimensions.items() if dimension.height}
    _move_down(sheet, row, added)
    for at in heights:
        if at > row:
            sheet.row_dimensions[at].height = None
    for at, height in heights.items():
        if at > row:
            sheet.row_dimensions[at + added].height = height
    for number in range(1, count):
        sheet.row_dimensions[row + number].height = heights.get(row)
        for cell in list(sheet[row]):
            twin = sheet.cell(row + number, cell.column)
            twin.value = _moved(cell.value, row, number) if _is_formula(cell) else cell.value
            twin._style = copy(cell._style)
    for line in sheet.iter_rows():
        for cell in line:
            if _is_formula(cell) and not row <= cell.row < row + count:
                cell.value = _grown(cell.value, row, added)


def _move_down(sheet: Any, row: int, added: int) -> None:
    from openpyxl.utils import get_column_letter

    for merged in list(sheet.merged_cells.ranges):
        if merged.min_row > row:
            merged.shift(row_shift=added)
    if sheet.max_row > row:
        sheet.move_range(f"A{row + 1}:{get_column_letter(sheet.max_column)}{sheet.max_row}", rows=added)


def _grown(formula: str, row: int, added: int) -> str:
    """Return a formula that stands elsewhere, with its references moved; a range that ends in the row grows."""

    def changed(match: re.Match[str]) -> str:
        first, last = int(match[2]), int(match[4] or match[2])
        first += added if first > row else 0
        last += added if last >= row else 0
        return f"{match[1]}{first}" + (f":{match[3]}{last}" if match[4] else "")

    return _outside_texts(formula, lambda part: _REFERENCE.sub(changed, part))


def _moved(formula: str, row: int, by: int) -> str:
    """Return a formula of the row for one of its repetitions: what it takes of its own row moves with it."""

    def place(text: str) -> int:
        return int(text) + by if int(text) == row else int(text)

    def changed(match: re.Match[str]) -> str:
        end = f":{match[3]}{place(match[4])}" if match[4] else ""
        return f"{match[1]}{place(match[2])}{end}"

    return _outside_texts(formula, lambda part: _REFERENCE.sub(changed, part))


def _outside_texts(formula: str, change: Callable[[str], str]) -> str:
    """Change a formula, but not what stands in quotes in it."""
    parts = re.split(r"(\"[^\"]*\"|'[^']*')", formula)
    return "".join(part if part[:1] in ("'", '"') else change(part) for part in parts)


def _is_formula(cell: Any) -> bool:
    return cell.data_type == "f" and isinstance(cell.value, str)
