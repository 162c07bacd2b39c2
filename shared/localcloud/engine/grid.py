"""The ruled grid of a table: its lines by morphology, its merged cells by the rule segments that are missing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np

from localcloud.engine.fills import Fills, Mask, find_fills, on_light, without_fills
from localcloud.engine.models import Image

#: A rule is straight for at least this share of the page's width or height, and this many pixels.
SHORTEST_RULE = (0.025, 24)
#: Positions closer than this (pixels, at 1000 pixels a page side) are one rule.
SAME_RULE = 8
#: Two cells are one when less than this share of the rule between them is there.
PRESENT = 0.5
#: A smaller frame is a check box, a frame of one word or a smudge.
SMALLEST_TABLE = (60, 30)


@dataclass(frozen=True)
class Cell:
    """One cell: the rows and columns it covers, and its place on the upright page."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    left: float
    top: float
    right: float
    bottom: float

    def shares(self, left: float, top: float, right: float, bottom: float) -> float:
        """Return how much of a box lies in this cell, 0 to 1."""
        width = min(right, self.right) - max(left, self.left)
        height = min(bottom, self.bottom) - max(top, self.top)
        area = (right - left) * (bottom - top)
        return max(0.0, width) * max(0.0, height) / area if area > 0 else 0.0


@dataclass(frozen=True)
class Grid:
    """A frame of rules: where its rows and columns begin and end, and its cells in reading order."""

    row_edges: tuple[float, ...]
    column_edges: tuple[float, ...]
    cells: tuple[Cell, ...]


def find_grids(page: Image) -> list[Grid]:
    """Return the ruled grids of an upright page, from the top."""
    across, down, fills = _rules(page)
    joined = cv2.dilate(cv2.bitwise_or(across, down), np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined)
    grids = []
    for label in sorted(range(1, count), key=lambda label: (stats[label][1], stats[label][0])):
        left, top, width, height = (int(value) for value in stats[label][:4])
        if width >= SMALLEST_TABLE[0] and height >= SMALLEST_TABLE[1]:
            view = slice(top, top + height), slice(left, left + width)
            # The strokes of large letters in a cell are as long as rules, but touch none.
            own = (labels[view] == label).astype(np.uint8)
            if grid := _grid(across[view] * own, down[view] * own, fills.view(*view), left, top):
                grids.append(grid)
    return grids


def _rules(page: Image) -> tuple[Mask, Mask, Fills]:
    """Return the pixels of horizontal and of vertical rules, and the fills, whose outlines are rules."""
    gray = on_light(page)
    fills = find_fills(gray)
    ink = cv2.adaptiveThreshold(gray, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 25, 8)
    ink = without_fills(np.asarray(ink, np.uint8), fills)
    share, least = SHORTEST_RULE
    across = max(least, round(page.shape[1] * share))
    down = max(least, round(page.shape[0] * share))
    return (
        np.asarray(cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((1, across), np.uint8)), np.uint8),
        np.asarray(cv2.morphologyEx(ink, cv2.MORPH_OPEN, np.ones((down, 1), np.uint8)), np.uint8),
        fills,
    )


def _grid(across: Mask, down: Mask, fills: Fills, left: int, top: int) -> Grid | None:
    rows, columns = _edges(across, axis=1), _edges(down, axis=0)
    if len(rows) < 2 or len(columns) < 2 or (len(rows) - 1) * (len(columns) - 1) < 2:
        return None
    groups = _merged(across, down, fills, rows, columns)
    cells = []
    for members in groups:
        covered_rows = tuple(sorted({row for row, _ in members}))
        covered_columns = tuple(sorted({column for _, column in members}))
        cells.append(
            Cell(
                covered_rows,
                covered_columns,
                left + columns[covered_columns[0]],
                top + rows[covered_rows[0]],
                left + columns[covered_columns[-1] + 1],
                top + rows[covered_rows[-1] + 1],
            )
        )
    cells.sort(key=lambda cell: (cell.rows[0], cell.columns[0]))
    return Grid(tuple(top + row for row in rows), tuple(left + column for column in columns), tuple(cells))


def _edges(mask: Mask, axis: int) -> list[float]:
    """Return where rules run: the middles of the stretches that hold a rule long enough to matter."""
    lengths = (mask > 0).sum(axis=axis)
    dense = np.flatnonzero(lengths >= max(SHORTEST_RULE[1], lengths.max(initial=0) * 0.1))
    same = max(3, SAME_RULE * mask.shape[1 - axis] // 1000)
    stretches: list[list[int]] = []
    for place in dense:
        if stretches and place - stretches[-1][-1] <= same:
            stretches[-1].append(int(place))
        else:
            stretches.append([int(place)])
    return [(stretch[0] + stretch[-1]) / 2 for stretch in stretches]


def _merged(
    across: Mask, down: Mask, fills: Fills, rows: Sequence[float], columns: Sequence[float]
) -> Iterator[list[tuple[int, int]]]:
    """Yield groups of grid squares that no rule parts: each group is a cell, and a rectangle."""
    parents = {(row, column): (row, column) for row in range(len(rows) - 1) for column in range(len(columns) - 1)}

    def root(square: tuple[int, int]) -> tuple[int, int]:
        while parents[square] != square:
            square = parents[square]
        return square

    upright = fills.turned()
    for row, column in parents:
        beside, below = (row, column + 1), (row + 1, column)
        if beside in parents and not _is_ruled(down.T, upright, columns[column + 1], rows[row], rows[row + 1]):
            parents[root(beside)] = root((row, column))
        if below in parents and not _is_ruled(across, fills, rows[row + 1], columns[column], columns[column + 1]):
            parents[root(below)] = root((row, column))
    groups: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for square in parents:
        groups.setdefault(root(square), []).append(square)
    for members in groups.values():
        # An L-shaped group is a smudged rule, not a cell: its squares stay apart.
        height, width = (len({square[axis] for square in members}) for axis in (0, 1))
        yield from [members] if height * width == len(members) else ([square] for square in members)


def _is_ruled(mask: Mask, fills: Fills, place: float, start: float, end: float) -> bool:
    """Tell whether a rule runs at a place between two others; skewed scans move it by a few pixels."""
    around = slice(max(0, round(place) - 4), round(place) + 5), slice(round(start) + 2, round(end) - 1)
    band = mask[around]
    return band.size == 0 or float((band > 0).any(axis=0).mean()) > PRESENT or fills.part(*around)


def rule_positions(page: Image) -> list[tuple[float, float, float]]:
    """Return ``(top, left, right)`` of each horizontal rule of an upright page, from the top."""
    across, _, _ = _rules(page)
    count, _, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(across, np.ones((3, 9), np.uint8)))
    rules = [(float(y + height / 2), float(x), float(x + width)) for x, y, width, height, _ in stats[1:count]]
    return sorted(rules)


def gaps(boxes: Sequence[tuple[float, float]], narrowest: float) -> list[float]:
    """Return the middles of the white gaps that run between all of the stretches ``(left, right)``."""
    merged: list[list[float]] = []
    for left, right in sorted(boxes):
        if merged and left - merged[-1][1] < narrowest:
            merged[-1][1] = max(merged[-1][1], right)
        else:
            merged.append([left, right])
    return [(before[1] + after[0]) / 2 for before, after in pairwise(merged)]
