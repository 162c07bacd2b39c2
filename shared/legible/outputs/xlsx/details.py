"""Which sheets of details hold nothing that does not stand on another sheet: the workbook leaves them out.

What the service tells of a text, cell or pair beside its own text becomes a table that names it: its lines and
characters, where each stands, how many there are (``extraction.fields``). The record has all of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from legible.extraction.doubts import needs_eyes
from legible.model.records import Cell, Field, Recognized, Table, TextBlock

#: The first column of such a table, which says what a row belongs to.
_OWNERS = ("Block", "Cell", "Pair")
#: Columns that count what is shown.
_COUNT = re.compile(r"Number of .*|.* count", re.DOTALL)


#: What a text box of a pair says of its kind.
_BOX_KINDS = ("key", "value")


class OtherSheets:
    """What of a document stands on sheets of its own, for its tables of details to be compared with."""

    def __init__(self, parts: Recognized) -> None:
        """Look at nothing before a table of details asks."""
        self._parts = parts
        self._owners: dict[tuple[int, str], Field | Cell | TextBlock] | None = None

    def repeats(self, table: Table) -> bool:
        """Tell whether a table of details says nothing new, and nothing in it is in more doubt than what is shown."""
        labels = {cell.column: cell.text for cell in table.cells if cell.row == 0}
        if "[]" not in table.name or not table.header or labels.get(0) not in _OWNERS:
            return False
        told = [cell for cell in table.cells if cell.row > 0 and cell.column > 0]
        owners = self._owners_of(table, labels[0])
        return all(_COUNT.fullmatch(labels[cell.column]) or _says_so(owners[cell.row], cell) for cell in told)

    def _owners_of(self, table: Table, kind: str) -> dict[int, Field | Cell | TextBlock | None]:
        """Return what each row of details belongs to, as its first column names it."""
        if self._owners is None:
            self._owners = dict(_named(self._parts))
        base = table.name.partition("[]")[0]
        numbers = {cell.row: cell.text.partition(".")[0] for cell in table.cells if cell.row > 0 and cell.column == 0}
        of, end = ("" if kind == "Block" else base), ("." if kind == "Pair" else "")
        return {row: self._owners.get((table.page, f"{of}#{number}{end}")) for row, number in numbers.items()}


def _says_so(owner: Field | Cell | TextBlock | None, cell: Cell) -> bool:
    """Tell whether what is shown says what a cell of details does: a piece of the text, or only where that stands."""
    if owner is None:
        return False
    doubt = cell.confidence if needs_eyes(cell) else None
    if doubt is not None and (owner.confidence is None or doubt < owner.confidence):
        return False
    text = owner.text if isinstance(owner, (Cell, TextBlock)) else f"{owner.label}\n{owner.value}"
    kind = isinstance(owner, Field) and cell.text in _BOX_KINDS
    return kind or cell.type == "location" or cell.text.strip() in text


def _named(parts: Recognized) -> Iterator[tuple[tuple[int, str], Field | Cell | TextBlock]]:
    """Yield what details may belong to, by page and by how they name it."""
    for table in parts.tables:
        for cell in () if table.header else table.cells:
            yield (table.page, f"{table.name}#R{cell.row + 1}C{cell.column + 1}"), cell
    numbers: dict[int, int] = {}
    for block in parts.text:
        numbers[block.page] = numbers.get(block.page, 0) + 1
        yield (block.page, f"#{numbers[block.page]}"), block
    for field in parts.fields:
        if (match := re.fullmatch(r"(.*)\[(\d+)\]\.value", field.name, re.DOTALL)) is not None:
            yield (field.page, f"{match[1]}#{int(match[2]) + 1}."), field
