"""What was found on one page so far: fields, tables, text, files, and notes on what was odd."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple, TypeVar

from legible.extraction.fields.answers import Tree, as_confidence, as_location, decoded
from legible.extraction.fields.outline import Beside, Source
from legible.extraction.fields.values import money, typed
from legible.model.pages import Location
from legible.model.records import Cell, Extract, Field, Table, TextBlock
from legible.operations.operation import FieldType

#: Notes of one page; what is beyond is counted in the last.
MAX_NOTES = 50

_T = TypeVar("_T")


class Value(NamedTuple):
    """A plain value that will become a field or a cell."""

    name: str
    label: str
    text: str
    type: FieldType = "text"
    confidence: float | None = None
    location: Location | None = None
    label_zh: str = ""
    values: tuple[tuple[str, str], ...] = ()
    currency: str = ""
    day_first: bool = False
    taxed: bool = False
    point: str = ""

    @property
    def typed(self) -> str | None:
        """The text as its type says; see ``values.typed``."""
        return typed(self.text, self.type, self.values, day_first=self.day_first, point=self.point, taxed=self.taxed)

    @property
    def money(self) -> str:
        """The currency of an amount, where it is known."""
        return money(self.text, self.currency) if self.type == "amount" and self.typed is not None else ""


class Gathered:
    """Collects the fields, tables, text, files and notes of one page."""

    def __init__(self, page: int) -> None:
        """Begin with nothing found."""
        self.page = page
        self.fields: list[Field] = []
        self.tables: list[Table] = []
        self.text: list[TextBlock] = []
        self.files: list[tuple[str, int, str, bytes]] = []
        self._oddities: Counter[str] = Counter()
        self._used: set[str] = set()

    def odd(self, text: str) -> None:
        """Note something odd; the same note is kept once, with how often it came."""
        self._oddities[text] += 1

    def extract(self) -> Extract:
        """Return everything as one value."""
        parts = tuple(self.fields), tuple(self.tables), tuple(self.text)
        return Extract(*parts, files=tuple(self.files), notes=tuple(self.notes()))

    def notes(self) -> Iterator[str]:
        """Yield the notes, each once."""
        kinds = list(self._oddities.items())
        for text, times in kinds[:MAX_NOTES]:
            yield f"Page {self.page}: {text}" + (f" ({times} times)" if times > 1 else "")
        if len(kinds) > MAX_NOTES:
            yield f"Page {self.page}: {len(kinds) - MAX_NOTES} more kinds of oddities."

    def confidence(self, beside: Beside) -> float | None:
        """Take the confidence that stands beside a value."""
        return self._take(beside.confidence, as_confidence)

    def location(self, beside: Beside) -> Location | None:
        """Take the location that stands beside a value."""
        return self._take(beside.location, as_location)

    def used(self, source: Source) -> bool:
        """Tell whether some value took this confidence or location."""
        return source.path in self._used

    def _take(self, sources: Iterable[Source], read: Callable[[Tree], _T | None]) -> _T | None:
        for source in sources:
            value = read(source.tree)
            if value is not None:
                self._used.add(source.path)
                return value
        return None

    def add_fields(self, values: Iterable[Value]) -> None:
        """Keep values as fields."""
        for v in values:
            facts = (self.page, v.confidence, v.location, v.label_zh, v.money)
            self.fields.append(Field(v.name, v.label, v.text, v.type, v.typed, *facts))

    def add_rows(self, name: str, label: str, header: list[str], rows: list[dict[int, Value]]) -> None:
        """Keep values as a table under a header row of labels; each row maps a column to its value."""
        cells = [Cell(0, column, text) for column, text in enumerate(header)]
        for number, row in enumerate(rows, 1):
            for column, v in sorted(row.items()):
                cells.append(Cell(number, column, v.text, 1, 1, v.type, v.typed, v.confidence, v.location, v.money))
        self.tables.append(Table(name, label, self.page, len(rows) + 1, len(header), tuple(cells), header=True))

    def add_file(self, path: str, text: str) -> None:
        """Keep a Base64 text as the file it is; one that is not Base64 as a text file."""
        content = decoded(text)
        if content is None:
            self.odd(f"`{pattern(path)}` is not Base64; it is kept as a text file.")
        media, ending, data = content or ("text/plain", "txt", text.encode())
        stem = re.sub(r"\[(\d+)\]", lambda match: f"-{int(match[1]) + 1}", path)
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:80] or "file"
        taken = {name for name, *_ in self.files}
        names = (f"{stem}{'' if number == 1 else f'-{number}'}.{ending}" for number in range(1, len(taken) + 2))
        self.files.append((next(name for name in names if name not in taken), self.page, media, data))


def pattern(path: str) -> str:
    """Return a path with ``[]`` for every index, so that a note about all elements is made once."""
    return re.sub(r"\[\d+\]", "[]", path) or "result"
