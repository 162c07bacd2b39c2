"""Converts locations in a picture to locations on the page that the picture shows."""

from __future__ import annotations

from typing import TypeVar

from msgspec.structs import replace

from legible.model.pages import Frame, Location
from legible.model.records import Cell, Extract, Field, Table, TextBlock

#: Hundredths of a pixel, or of a point: more than any reader of images knows.
_DIGITS = 2
_Item = TypeVar("_Item", Field, Cell, TextBlock)


def placed(extract: Extract, frame: Frame | None) -> Extract:
    """Return what a page says with its locations in the page's own coordinates.

    Args:
        extract: As read from the answer; its locations are in pixels of the picture that was sent.
        frame: How the picture lies on the page; None where the document itself was sent.
    """
    if frame is None or frame.scale == 1.0:
        return extract
    scale = frame.scale
    return replace(
        extract,
        fields=tuple(_at(item, scale) for item in extract.fields),
        tables=tuple(_table(item, scale) for item in extract.tables),
        text=tuple(_at(item, scale) for item in extract.text),
    )


def _table(table: Table, scale: float) -> Table:
    return replace(table, cells=tuple(_at(cell, scale) for cell in table.cells))


def _at(item: _Item, scale: float) -> _Item:
    if item.location is None:
        return item
    location: Location = tuple((round(x / scale, _DIGITS), round(y / scale, _DIGITS)) for x, y in item.location)
    return replace(item, location=location)
