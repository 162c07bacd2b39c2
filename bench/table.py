"""One measured line after another, and the table of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

#: Tells what is being measured now.
Say = Callable[[str], None]
#: A terminal has 80 columns: so wide is what was measured, the figures, the ratio, the bar, and whether it holds.
_WIDTHS = (31, 13, 13, 5, 7, 5)
_TITLES = ("", "measured", "beside", "ratio", "bar", "")


class Line(NamedTuple):
    """One comparison.

    ``what`` is what was measured and, after a colon, in which respect. ``ratio`` is what was measured over what it is
    compared with; ``most`` or ``least`` is the bar it keeps to, if any.
    """

    what: str
    measured: str
    beside: str
    ratio: float
    least: float | None = None
    most: float | None = None

    @property
    def bar(self) -> str:
        """The bar in words; empty where there is none."""
        if self.least is not None:
            return f">= {self.least:g}"
        return f"<= {self.most:g}" if self.most is not None else ""

    @property
    def holds(self) -> bool:
        """Tell whether the ratio keeps to its bar."""
        return (self.least is None or self.ratio >= self.least) and (self.most is None or self.ratio <= self.most)


def show(console: Console, lines: Sequence[Line]) -> None:
    """Print the table: a heading for each thing that was measured, and under it one line for each respect."""
    console.print(_table([_TITLES]))
    for heading, group in groupby(lines, lambda line: line.what.partition(": ")[0]):
        console.print(f"[bold]{heading}", highlight=False)
        console.print(_table([_row(line) for line in group]))


def _row(line: Line) -> tuple[str, ...]:
    verdict = ("[green]holds" if line.holds else "[red]fails") if line.bar else ""
    respect = line.what.partition(": ")[2]
    return f"  {respect}", line.measured, line.beside, f"{line.ratio:.2f}", line.bar, verdict


def _table(rows: Sequence[Sequence[str]]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    for number, width in enumerate(_WIDTHS):
        table.add_column(width=width, justify="left" if number in (0, 5) else "right")
    for row in rows:
        table.add_row(*row)
    return table
