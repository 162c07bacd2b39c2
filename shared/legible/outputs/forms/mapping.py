"""A column mapping: the user's own column names, and where each column's values come from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from legible.errors import SettingsError
from legible.extraction.fields import decimal_point, plainly, retyped
from legible.model.records import Field, Recognized, Record
from legible.operations import catalog
from legible.outputs.forms.sources import FormPage, is_item, known, nearest, pages, text_of
from legible.outputs.rows import Value

_NUMERIC = frozenset({"amount", "number", "integer"})


class MappedColumn(Struct, frozen=True, forbid_unknown_fields=True):
    """One column: its ``label``, and where its value is ``from``: a name, or several of which the first that is there.

    With ``join`` all of them stand in it, with that between them. ``default`` stands where none is there. ``type`` says
    what the value is, where the catalog says otherwise: ``text`` keeps it as it was recognized.
    """

    label: Annotated[str, Meta(min_length=1, max_length=200)]
    source: str | Annotated[tuple[str, ...], Meta(min_length=1)] = field(name="from")
    join: str | None = None
    default: str = ""
    type: Literal["", "text", "date", "amount", "number", "integer"] = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """The names that the value may come from, as a tuple."""
        return (self.source,) if isinstance(self.source, str) else self.source


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    column: Annotated[tuple[MappedColumn, ...], Meta(min_length=1, max_length=1000)]


class Mapping(Struct, frozen=True):
    """A column mapping. Where a column is of line items, each of them makes a row; else each page does."""

    columns: tuple[MappedColumn, ...]
    name: str = "the mapping"

    @property
    def header(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.label for column in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that some column asks for."""
        return tuple(name for column in self.columns for name in column.sources)

    def rows(self, record: Record, parts: Recognized) -> Iterator[list[Value]]:
        """Yield the rows of one record, one page in memory at a time.

        Args:
            record: What is known of the document.
            parts: What was recognized; a whole record is one too.
        """
        of_items = any(map(is_item, self.names))
        for page in pages(record, parts):
            numbers = range(1, max(1, page.count(self.names)) + 1) if of_items else (0,)
            point = self._decimal_point(page, numbers)
            for row in numbers:
                yield [self._value(column, page, row, record.operation, point) for column in self.columns]

    def check(self, slug: str) -> None:
        """Refuse names that no record of an operation has.

        Raises:
            SettingsError: It names the file, the column, what was found and the nearest names.
        """
        for number, column in enumerate(self.columns, 1):
            for name in column.sources:
                if not known(name, slug):
                    raise SettingsError(
                        f"{self.name}: column {number} ({column.label}) is from {name!r}, which {slug} does not have.",
                        advice=nearest(name, slug) or "See the operation's fields in the catalog.",
                    )

    def _decimal_point(self, page: FormPage, rows: Iterable[int]) -> str:
        """Return what a page writes before decimals, by the values of all columns that are amounts or numbers."""
        names = {name for column in self.columns if column.type in _NUMERIC for name in column.sources}
        return decimal_point(plainly(text_of(page.value(name, row))) for row in rows for name in names)

    def _value(self, column: MappedColumn, page: FormPage, row: int, slug: str, point: str) -> Value:
        present = [(name, value) for name in column.sources if text_of(value := page.value(name, row))]
        if not present:
            return column.default
        if column.join is not None:
            text = column.join.join(text_of(value) for _, value in present)
            return _as(column.type, "", text, slug, point) if column.type else text
        name, value = present[0]
        return _as(column.type, name, text_of(value), slug, point) if column.type else value


def load(body: bytes, name: str) -> Mapping:
    """Read a column mapping.

    Args:
        body: TOML: a ``[[column]]`` for each column, with ``label`` and ``from``.
        name: The file's name, for errors.

    Raises:
        SettingsError: It is none; the error names what was found and what is allowed.
    """
    try:
        return Mapping(msgspec.toml.decode(body, type=_File).column, name)
    except (ValueError, RecursionError) as error:
        raise SettingsError(
            f"{name}: {error or 'too deep'}.",
            advice='Write [[column]] for each column, with label = "Number" and from = "number", or a list of names; '
            "join, default and type may be added.",
        ) from None


def _as(type_: str, name: str, text: str, slug: str, point: str) -> Field:
    """Return a text as a value of another type; ``point`` is what its page writes before decimals."""
    operation = catalog.OPERATIONS.get(slug)
    typed = retyped(operation, name, type_, text, point) if operation and type_ != "text" else None
    return Field(name, "", text, type_, typed)
