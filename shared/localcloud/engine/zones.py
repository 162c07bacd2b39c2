"""Find the machine readable zone on a page that was read."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations

from localcloud.engine.errors import EngineError
from localcloud.engine.glyphs import Glyph
from localcloud.engine.mrz import Zone
from localcloud.engine.mrz_parsing import parse
from localcloud.engine.quads import extent, sides, tilt
from localcloud.engine.reading import Line, Reading, rows

#: A row of a zone has 30, 36 or 44 characters; a few may be lost.
SHORTEST_ROW = 24
#: Pieces of a row further apart than this many line heights do not belong together.
WIDE_GAP = 4.0
#: Rows of one zone stand under each other: equal starts (in line heights) and equal widths.
INDENT = 3.0
WIDTHS = (0.8, 1.25)
#: How many rows may stand between two rows of a zone (annotations, stray marks).
NEIGHBORS = 4

Row = tuple[Line, ...]


def find_zone(reading: Reading) -> Zone:
    """Return the zone of a document, as it was read: what contradicts itself in one part is for its reader to see.

    Raises:
        EngineError: There is none, or it contradicts itself in more than one part (AIS.0105).
    """
    zones = [zone for group in _row_groups(reading) if (zone := _parsed(group, reading)) is not None]
    best = min(zones, key=lambda zone: len(zone.failures()), default=None)
    if best is None:
        raise EngineError("AIS.0105", "no machine readable zone was found")
    failed = best.failures()
    # The composite digit is about all parts: it fails with each of them.
    if len({name.removesuffix("_digit") for name in failed} - {"composite"}) > 1:
        raise EngineError("AIS.0105", f"the machine readable zone contradicts itself in: {', '.join(failed)}")
    return best


def _row_groups(reading: Reading) -> Iterator[tuple[Row, ...]]:
    """Yield pairs and triples of rows that may be a zone; text that runs another way is looked at apart."""
    directions: dict[int, list[Line]] = {}
    base = reading.angle or 0.0
    for line in (*reading.lines, *reading.faint):
        directions.setdefault(round((tilt(line.quad) - base) / 90) % 4, []).append(line)
    for quarter, lines in directions.items():
        angle = base + 90 * quarter
        pieces = [piece for row in rows(lines, angle) for piece in _pieces(row, angle)]
        for first, row in enumerate(pieces):
            below = [other for other in pieces[first + 1 : first + 1 + NEIGHBORS] if _aligned(row, other, angle)]
            for others in (*combinations(below, 1), *combinations(below, 2)):
                yield (row, *others)


def _pieces(row: Sequence[Line], angle: float) -> Iterator[Row]:
    """Split a row at wide gaps; keep what is long enough for a zone."""
    pieces: list[list[Line]] = []
    for line in row:
        left = extent(line.quad, angle)[0]
        if pieces and left - extent(pieces[-1][-1].quad, angle)[2] < WIDE_GAP * line.height:
            pieces[-1].append(line)
        else:
            pieces.append([line])
    yield from (tuple(piece) for piece in pieces if len(_glyphs(piece)) >= SHORTEST_ROW)


def _aligned(row: Row, other: Row, angle: float) -> bool:
    left, _, right, _ = _bounds(row, angle)
    other_left, _, other_right, _ = _bounds(other, angle)
    ratio = (right - left) / max(1.0, other_right - other_left)
    return WIDTHS[0] < ratio < WIDTHS[1] and abs(left - other_left) < INDENT * row[0].height


def _bounds(row: Row, angle: float) -> tuple[float, float, float, float]:
    left, top, _, bottom = extent(row[0].quad, angle)
    return left, top, extent(row[-1].quad, angle)[2], bottom


def _glyphs(row: Sequence[Line]) -> list[Glyph]:
    """Return a row's characters, read as a zone, with their places in pixels from the first line's corner."""
    placed = []
    for line in row:
        start, width = math.dist(row[0].quad[0], line.quad[0]), sides(line.quad)[0]
        placed += [replace(glyph, position=start + glyph.position * width) for glyph in line.recognized.zone]
    return placed


def _parsed(group: Sequence[Row], reading: Reading) -> Zone | None:
    members = {id(line) for row in group for line in row}
    words = _words(line for line in reading.lines if id(line) not in members)
    return parse([_glyphs(row) for row in group], words)


def _words(lines: Iterator[Line]) -> frozenset[str]:
    """Return what is printed besides the zone: words, and whole lines without their spaces."""
    printed: set[str] = set()
    for line in lines:
        words = re.findall("[A-Z0-9]+", line.text.upper())
        printed.update(words)
        printed.add("".join(words))
    return frozenset(printed)
