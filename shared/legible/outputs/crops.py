"""Crops of the page beside fields in doubt: which ones are made, and why others are not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby

from legible.errors import OutOfTimeError, RejectedError
from legible.extraction.doubts import needs_eyes
from legible.model.pages import Location
from legible.model.records import Field, Record
from legible.outputs.xlsx import Pictures

#: Left, top, right and bottom, in the unit of the page's frame.
Box = tuple[float, float, float, float]
#: Returns a PNG of each box of a page, counted from 1. Raises ``RejectedError`` or ``OutOfTimeError`` for this page.
Cut = Callable[[int, tuple[Box, ...]], tuple[bytes, ...]]
#: A workbook has at most so many crops.
MOST_CROPS = 300


def draw(
    record: Record, fields: Iterable[Field], cut: Cut | None, most: int = MOST_CROPS
) -> tuple[Pictures, list[str]]:
    """Make a crop of every field in doubt whose place is known.

    Args:
        record: What is known of the document and its pages.
        fields: What was recognized, page by page.
        cut: Cuts boxes out of a page; None where the document is not at hand.
        most: How many crops there may be; from the page on that would pass it there are none.

    Returns:
        The crops, and in words what could not be made.
    """
    if cut is None:
        return {}, ["The workbook has no crops: the document was not at hand when it ended."]
    pictures: Pictures = {}
    notes: list[str] = []
    unplaced = _unplaced(record)
    for page, doubtful in groupby(filter(needs_eyes, fields), key=lambda field: field.page):
        boxes = [(field.name, _box(field.location)) for field in doubtful if field.location]
        if boxes and page in unplaced:
            notes.append(f"The workbook has no crops of page {page}: its places are those of the service's drawing.")
            continue
        if len(pictures) + len(boxes) > most:
            notes.append(f"From page {page} on the workbook has no crops: {most} are the most.")
            break
        try:
            crops = cut(page, tuple(box for _, box in boxes)) if boxes else ()
        except (RejectedError, OutOfTimeError) as error:
            notes.append(f"The workbook has no crops of page {page}: {error}")
            continue
        pictures.update({(page, name): crop for (name, _), crop in zip(boxes, crops, strict=True)})
    return pictures, notes


def _unplaced(record: Record) -> set[int]:
    """Return the pages that the service drew by itself: where their fields stand on our drawing is not known."""
    return {page.page for page in record.pages if record.document.format == "pdf" and page.frame is None}


def _box(location: Location) -> Box:
    xs, ys = zip(*location, strict=True)
    return min(xs), min(ys), max(xs), max(ys)
