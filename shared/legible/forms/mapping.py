"""A column mapping: the user's own column names, each with what stands in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from legible.contents import Parts
from legible.errors import SettingsError
from legible.forms.sources import Page, is_item, known, nearest, pages
from legible.model import Cell, Field, Record, TextBlock
from legible.rows import Value


class Column(Struct, frozen=True, forbid_unknown_fields=True):
    """One column: its ``label``, and where its value is ``from``: a name, or several of which the first that is there.

    With ``join`` all of them stand in it, with that between them. ``default`` stands where none is there.
    """

    label: Annotated[str, Meta(min_length=1, max_length=200)]
    source: str | tuple[str, ...] = field(name="from")
    join: str | None = None
    default: str = ""

    @property
    def sources(self) -> tuple[str, ...]:
        """The names."""
        return (self.source,) if isinstance(self.source, str) else self.source


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    column: Annotated[tuple[Column, ...], Meta(min_length=1)]


class Mapping(Struct, frozen=True):
    """A column mapping. Where a column is of line items, each of them makes a row; else each page does."""

    columns: tuple[Column, ...]

    @property
    def header(self) -> tuple[str, ...]:
        """The columns' names."""
        return tuple(column.label for column in self.columns)

    @property
    def names(self) -> tuple[str, ...]:
        """Everything that is asked for."""
        return tuple(name for column in self.columns for name in column.sources)

    def rows(self, record: Record, parts: Parts) -> Iterator[list[Value]]:
        """Yield the rows of one record."""
        of_items = any(map(is_item, self.names))
        for page in pages(record, parts):
            for row in range(1, max(1, page.count(self.names)) + 1) if of_items else (0,):
                yield [self._value(column, page, row) for column in self.columns]

    def unknown(self, slug: str) -> list[str]:
        """Return what is asked for that no record of an operation has, in words."""
        return [f"{name!r} is no field of {slug}{nearest(name, slug)}" for name in self.names if not known(name, slug)]

    def _value(self, column: Column, page: Page, row: int) -> Value:
        found = [value for name in column.sources if text_of(value := page.value(name, row))]
        if not found:
            return column.default
        return found[0] if column.join is None else column.join.join(map(text_of, found))


def load(body: bytes, name: str) -> Mapping:
    """Read a column mapping.

    Args:
        body: TOML: a ``[[column]]`` for each column, with ``label`` and ``from``.
        name: The file's name, for errors.

    Raises:
        SettingsError: It is none; the error names what was found and what is allowed.
    """
    try:
        return Mapping(msgspec.toml.decode(body, type=_File).column)
    except (ValueError, msgspec.ValidationError) as error:
        raise SettingsError(
            f"{name}: {error}.",
            advice='Write [[column]] for each column, with label = "Number" and from = "number", or a list of names.',
        ) from None


def text_of(value: Value) -> str:
    """Return a value as text; empty for none."""
    if isinstance(value, (Field, Cell, TextBlock)):
        return value.final
    return "" if value is None else str(value)
