"""Turns words into the content of a page: invisible text where the words are seen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from math import hypot
from typing import NamedTuple

from legible.documents.pages.glyphless_font import Glyphs, width
from legible.model.pages import Frame, Location

Point = tuple[float, float]
#: What no reader of a PDF can search for: controls, and halves of surrogate pairs.
_UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_HALVES = re.compile("[\ud800-\udfff]")
#: Several characters in a box so much taller than wide stand one below the other.
_COLUMN = 2.0
#: No box is smaller than this, in points: text of no size is found by nobody.
_LEAST = 0.5


class PageAxes(NamedTuple):
    """A page as it is seen, in the PDF's own coordinates: its top left, its upper edge, and its left edge."""

    origin: Point
    right: Point
    down: Point

    def of(self, x: float, y: float) -> Point:
        """Return a point given in shares of the page, from its top left; what lies outside is put on the edge."""
        x, y = min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
        return (
            self.origin[0] + x * self.right[0] + y * self.down[0],
            self.origin[1] + x * self.right[1] + y * self.down[1],
        )


def lettering(
    words: Iterable[tuple[str, Location]], frame: Frame, place: PageAxes, font: bytes, glyphs: Glyphs
) -> bytes:
    """Return the content stream of a page's words; it leaves no trace in the state of what follows it.

    Args:
        words: Texts and their corners, in the frame's unit.
        frame: The page the corners are of.
        place: Where that page lies.
        font: The font's name in the page's resources, with its slash.
        glyphs: Gives the characters their codes.
    """
    lines = (_line(text, _corners(location, frame, place), font, glyphs) for text, location in words if location)
    return b"q BT 3 Tr 0 Tc 0 Tw 0 Ts\n" + b"".join(lines) + b"ET Q\n"


def _line(text: str, corners: tuple[Point, ...], font: bytes, glyphs: Glyphs) -> bytes:
    text = visual(_HALVES.sub("\ufffd", _UNFIT.sub(" ", text)).strip())
    if not text:
        return b""
    top, _, _, start = corners
    if len(text) > 1 and _far(top, start) > _COLUMN * _far(corners[2], start):
        corners = (*corners[1:], corners[0])
        top, _, _, start = corners
    end = corners[2]
    wide, high = max(_far(end, start), _LEAST), max(_far(top, start), _LEAST)
    right, up = (end[0] - start[0]) / wide, (end[1] - start[1]) / wide
    if abs(hypot(right, up) - 1) > 0.01:  # no length, no direction
        right, up = 1.0, 0.0
    natural = sum(map(width, text)) / 1000 * high
    return b"%s %.3f Tf %.3f Tz %.5f %.5f %.5f %.5f %.3f %.3f Tm <%s> Tj\n" % (
        font,
        high,
        100 * wide / natural,
        right,
        up,
        -up,
        right,
        *start,
        glyphs.encoded(text),
    )


def _corners(location: Location, frame: Frame, place: PageAxes) -> tuple[Point, ...]:
    """Return the four corners of a text, from its own top left, in the PDF's coordinates."""
    if len(location) != 4:
        xs, ys = [x for x, _ in location], [y for _, y in location]
        location = ((min(xs), min(ys)), (max(xs), min(ys)), (max(xs), max(ys)), (min(xs), max(ys)))
    return tuple(place.of(x / frame.width, y / frame.height) for x, y in location)


def _far(one: Point, other: Point) -> float:
    return hypot(one[0] - other[0], one[1] - other[1])


def visual(text: str) -> str:
    """Return a text's characters as they stand on the page from left to right; readers of PDF turn them back.

    This is the order of Unicode's bidirectional algorithm for one level: words and numbers inside Arabic or Hebrew.
    """
    sides = [_side(letter) for letter in text]
    if "R" not in sides:
        return text
    base = next(side for side in sides if side in {"R", "L"})
    runs = _runs(text, _settled(sides, base))
    if base == "R":
        runs.reverse()
    return "".join(run[::-1] if side == "R" else run for side, run in runs)


def _side(letter: str) -> str:
    """Return which way a character is written; a number (``N``) goes to the right, but does not say that others do."""
    kind = unicodedata.bidirectional(letter)
    return {"R": "R", "AL": "R", "L": "L", "EN": "N", "AN": "N", "NSM": "M", "CS": "S", "ES": "S"}.get(kind, " ")


def _settled(sides: list[str], base: str) -> list[str]:
    """Return the sides with those that have none settled by what stands around them."""
    after = [base] * (len(sides) + 1)
    for index in range(len(sides) - 1, -1, -1):
        after[index] = sides[index] if sides[index] in {"R", "L"} else after[index + 1]
    settled: list[str] = []
    strong = base
    for index, side in enumerate(sides):
        if side == "M" and settled:
            settled.append(settled[-1])
        elif side in {"R", "L"}:
            strong = side
            settled.append(side)
        elif side == "N" or (side == "S" and sides[index - 1 : index] == sides[index + 1 : index + 2] == ["N"]):
            settled.append("L")
        else:
            settled.append(strong if strong == after[index] else base)
    return settled


def _runs(text: str, sides: list[str]) -> list[tuple[str, str]]:
    runs: list[tuple[str, list[str]]] = []
    for letter, side in zip(text, sides, strict=True):
        if runs and runs[-1][0] == side:
            runs[-1][1].append(letter)
        else:
            runs.append((side, [letter]))
    return [(side, "".join(letters)) for side, letters in runs]
