"""References in formulas are moved as rows of a sheet are repeated. Values only."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from itertools import accumulate
from typing import Any, NamedTuple

#: In these a single cell of a repeated row stands for all of them.
_AGGREGATES = frozenset({"SUM", "AVERAGE", "COUNT", "COUNTA", "MIN", "MAX", "PRODUCT", "SUBTOTAL", "SUMSQ", "MEDIAN"})
_CELL = re.compile(r"(\$?[A-Za-z]{1,3})(\$?)([1-9][0-9]{0,6})")
_ROW = re.compile(r"()(\$?)([1-9][0-9]{0,6})")


class RowPlan:
    """Where each row of a sheet is after some rows were repeated.

    Args:
        counts: How often each repeated row is there, once or more.
    """

    def __init__(self, counts: Mapping[int, int]) -> None:
        """Add up how far each row moves."""
        self.counts = counts
        self._rows = sorted(counts)
        self._added = [0, *accumulate(counts[row] - 1 for row in self._rows)]

    def first(self, row: int) -> int:
        """Return where a row is now; of a repeated one, its first repetition."""
        return row + self._added[bisect_left(self._rows, row)]

    def last(self, row: int) -> int:
        """Return where a row is now; of a repeated one, its last repetition."""
        return row + self._added[bisect_right(self._rows, row)]


class FormulaPlace(NamedTuple):
    """Where a formula stands: its sheet, its row before rows were repeated, and which repetition of it, from 0."""

    sheet: str
    row: int
    number: int = 0


def moved(formula: str, place: FormulaPlace, title: str, plan: RowPlan) -> str:
    """Return a formula after rows of a sheet were repeated, as Excel does when rows are inserted and filled down.

    References to what moved move with it; a range that has a repeated row grows with it; in a repeated row, what is not
    fixed by ``$`` moves on from row to row. A sum of a single cell of a repeated row becomes the sum of all of them.

    Args:
        formula: As it stands in the template, with ``=``.
        place: Where.
        title: The sheet whose rows are repeated.
        plan: Where its rows are.
    """
    from openpyxl.formula.tokenizer import Token, Tokenizer

    parts, around = ["="], list[str]()
    for token in Tokenizer(formula).items:
        text = token.value
        if token.subtype == Token.OPEN:
            around.append(text.rstrip("(").upper())
        elif token.subtype == Token.CLOSE:
            around.pop()
        elif token.type == Token.OPERAND and token.subtype == Token.RANGE:
            text = _reference(text, place, title, plan, bool(around) and around[-1] in _AGGREGATES)
        parts.append(text)
    return "".join(parts)


def _reference(text: str, place: FormulaPlace, title: str, plan: RowPlan, summed: bool) -> str:
    sheet, mark, area = text.rpartition("!")
    ends = _ends(area.split(":"))
    if not ends:
        return text
    if (_plain(sheet) if sheet else place.sheet) == title:
        ends = _own(ends, place, title, plan, summed)
    if place.sheet == title and place.row in plan.counts:
        ends = [end if end.fixed else end._replace(row=end.row + place.number) for end in ends]
    return sheet + mark + ":".join(f"{end.column}{end.fixed}{end.row}" for end in ends)


def _ends(pieces: list[str]) -> list[_End]:
    """Return the ends of a cell or a range; none of a name, a whole column, a part of a table."""
    matches = [_CELL.fullmatch(piece) or (_ROW.fullmatch(piece) if len(pieces) == 2 else None) for piece in pieces]
    ends = [_End(match[1], match[2], int(match[3])) for match in matches if match]
    return ends if len(ends) == len(pieces) else []


def _own(ends: list[_End], place: FormulaPlace, title: str, plan: RowPlan, summed: bool) -> list[_End]:
    """Return a reference to the sheet whose rows are repeated."""
    first, last = ends[0], ends[-1]
    begin, stop = first._replace(row=plan.first(first.row)), last._replace(row=plan.last(last.row))
    if place.sheet == title and place.row in plan.counts and last.row == place.row:
        stop = last._replace(row=plan.first(last.row))  # of its own row each repetition has its own
    return [begin, stop] if len(ends) > 1 or (summed and stop.row > begin.row) else [begin]


def _plain(sheet: str) -> str:
    """Return the name of a sheet as a formula spells it."""
    return sheet[1:-1].replace("''", "'") if sheet.startswith("'") else sheet


class _End(NamedTuple):
    """One end of a reference: its column, whether its row is fixed, and the row."""

    column: str
    fixed: str
    row: int


def formula_of(cell: Any) -> str | None:
    """Return the formula of a cell, with ``=``; None of any other cell."""
    if cell.data_type != "f":
        return None
    text = cell.value if isinstance(cell.value, str) else getattr(cell.value, "text", None)
    return text if isinstance(text, str) else None
