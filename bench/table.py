"""One measured line after another, and the table of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

#: Tells what is being measured now.
Say = Callable[[str], None]


class Line(NamedTuple):
    """One comparison.

    ``ratio`` is what was measured over what it is compared with; ``most`` or ``least`` is the bar it keeps to, if any.
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
    """Print the table."""
    table = Table("what", "measured", "beside", "ratio", "bar", "")
    for column in table.columns[1:5]:
        column.justify = "right"
    for line in lines:
        verdict = ("[green]holds" if line.holds else "[red]does not hold") if line.bar else ""
        table.add_row(line.what, line.measured, line.beside, f"{line.ratio:.2f}", line.bar, verdict)
    console.print(table)
