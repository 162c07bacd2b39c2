"""Tables on a page that was read: ruled grids, and columns between white gaps, under rules or a dark header."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import cv2
import numpy as np

from localcloud.engine.fills import find_fills, on_light
from localcloud.engine.grid import Cell, Grid, find_grids, gaps, rule_positions
from localcloud.engine.models import Floats, Image
from localcloud.engine.quads import Quad, crop, extent, oriented
from localcloud.engine.reading import Line, Reading, in_reading_order, rows
from localcloud.engine.recognition import Recognized

#: A page turned by less than this (degrees) is as good as upright.
UPRIGHT = 0.2
#: A line belongs to every cell that holds at least this share of it, and is cut at the rules between them.
SHARE = 0.12
#: Rules start and end together within this share of the page's width when they frame one table.
SAME_FRAME = 0.02
#: Columns without rules are parted by a white gap this wide, in line heights.
COLUMN_GAP = 0.8

#: Rows further apart than this many line heights are not of the table under one dark header.
NEXT_ROW = 2.5

#: A rule this near to the edge of a ruled grid (pixels) is that edge.
UNDER_RULE = 6

#: A horizontal rule: its height on the page, where it starts and ends.
Rule = tuple[float, float, float]
Recognize = Callable[[Image], Recognized]


@dataclass(frozen=True)
class CellText:
    """A cell: its rows and columns (from 0), its corners in the image, the lines in it in reading order."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    quad: Quad
    lines: tuple[Line, ...]
    text: str


@dataclass(frozen=True)
class Region:
    """A table, or the text between tables."""

    kind: Literal["text", "table"]
    lines: tuple[Line, ...] = ()
    cells: tuple[CellText, ...] = ()


@dataclass(frozen=True)
class Upright:
    """The page set upright, with the way there and back."""

    image: Image
    forth: Floats
    back: Floats

    def of(self, quad: Quad) -> Quad:
        """Bring corners from the image to the upright page."""
        return _moved(quad, self.forth)

    def to_image(self, quad: Quad) -> Quad:
        """Bring corners from the upright page to the image."""
        return _moved(quad, self.back)


def upright(reading: Reading) -> Upright:
    """Turn the page of a reading so that its lines run to the right."""
    angle = reading.angle or 0.0
    center = (reading.width / 2, reading.height / 2)
    turned = abs((angle + 180) % 360 - 180) >= UPRIGHT
    matrix = cv2.getRotationMatrix2D(center, angle if turned else 0.0, 1.0)
    width, height = reading.width, reading.height
    if turned:
        cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
        width, height = round(width * cosine + height * sine), round(width * sine + height * cosine)
        matrix[:, 2] += (width / 2 - center[0], height / 2 - center[1])
    page = reading.image
    if turned:
        page = np.asarray(cv2.warpAffine(page, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE), np.uint8)
    return Upright(page, matrix.astype(np.float32), cv2.invertAffineTransform(matrix).astype(np.float32))


def _moved(quad: Quad, matrix: Floats) -> Quad:
    return np.asarray(quad @ matrix[:, :2].T + matrix[:, 2], np.float64)


def find_regions(reading: Reading, recognize: Recognize, *, ruled_only: bool = False) -> list[Region]:
    """Split a page into tables and the text between them, from the top.

    Args:
        reading: The page.
        recognize: Recognizes one upright line: those that run over a rule are cut there and read again.
        ruled_only: Leave tables without vertical rules alone.
    """
    page = upright(reading)
    lines = [Line(line.recognized, page.of(line.quad)) for line in reading.lines]
    grids = find_grids(page.image)
    if not ruled_only:
        rest = [line for line in lines if not any(_is_within(line, grid) for grid in grids)]
        grids += _framed_grids(page.image, rest, grids)
        grids += _banded_grids(page.image, rest, grids)
    filled = [(grid, _fill(grid, lines, page, recognize)) for grid in grids]
    tables = [(grid, cells) for grid, cells in filled if any(cell.lines for cell in cells)]
    rest = [line for line in lines if not any(_is_within(line, grid) for grid, _ in tables)]
    return _ordered(tables, rest, page)


def _is_within(line: Line, grid: Grid) -> bool:
    """Tell whether the middle of a line stands in the frame of a grid."""
    x, y = line.quad.mean(axis=0)
    left, right = grid.column_edges[0], grid.column_edges[-1]
    return bool(left <= x <= right and grid.row_edges[0] <= y <= grid.row_edges[-1])


def _ordered(tables: Iterable[tuple[Grid, list[CellText]]], lines: Iterable[Line], page: Upright) -> list[Region]:
    """Put tables and the lines between them in order; each run of lines is one region."""
    items: list[tuple[float, list[CellText] | Line]] = [(grid.row_edges[0], cells) for grid, cells in tables]
    items += [(extent(line.quad, 0)[1], line) for line in lines]
    regions: list[Region] = []
    pending: list[Line] = []
    for _, item in sorted(items, key=lambda item: item[0]):
        if isinstance(item, Line):
            pending.append(item)
            continue
        regions += _text_region(pending, page)
        regions.append(Region("table", cells=tuple(item)))
        pending = []
    return regions + _text_region(pending, page)


def _text_region(lines: Sequence[Line], page: Upright) -> list[Region]:
    ordered = in_reading_order(lines, 0)
    return [Region("text", tuple(_in_image(line, page) for line in ordered))] if lines else []


def _in_image(line: Line, page: Upright) -> Line:
    return Line(line.recognized, page.to_image(line.quad))


def _fill(grid: Grid, lines: Sequence[Line], page: Upright, recognize: Recognize) -> list[CellText]:
    """Put lines into the cells of a grid; a line that runs over a rule is cut there."""
    contents: dict[Cell, list[Line]] = {cell: [] for cell in grid.cells}
    for line in lines:
        box = extent(line.quad, 0)
        cells = [cell for cell in grid.cells if cell.shares(*box) >= SHARE]
        for cell in cells:
            piece = line if _one_column(cells) else _cut(line, cell, page, recognize)
            if piece is not None:
                contents[cell].append(piece)
            if _one_column(cells):
                break
    return [_cell_text(cell, contents[cell], page) for cell in grid.cells]


def _one_column(cells: Sequence[Cell]) -> bool:
    """Tell whether a line stays in one cell: the model's boxes reach over horizontal rules, but text does not."""
    return len({cell.columns for cell in cells}) < 2


def _cut(line: Line, cell: Cell, page: Upright, recognize: Recognize) -> Line | None:
    """Read the part of a line that stands in a cell."""
    left, top, right, bottom = extent(line.quad, 0)
    left, right = max(left, cell.left + 2), min(right, cell.right - 2)
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    quad = oriented(corners, 0)
    part = Line(recognize(crop(page.image, quad)), quad)
    return part if part.is_clear else None


def _cell_text(cell: Cell, lines: Sequence[Line], page: Upright) -> CellText:
    corners = np.array(
        [[cell.left, cell.top], [cell.right, cell.top], [cell.right, cell.bottom], [cell.left, cell.bottom]]
    )
    grouped = rows(lines, 0)
    text = "\n".join(" ".join(line.text for line in row) for row in grouped)
    placed = tuple(_in_image(line, page) for row in grouped for line in row)
    return CellText(cell.rows, cell.columns, page.to_image(corners), placed, text)


def _framed_grids(page: Image, lines: Sequence[Line], ruled: Sequence[Grid]) -> list[Grid]:
    """Return grids whose rows are the rows of text between horizontal rules, and whose columns are white gaps."""
    rules = [rule for rule in rule_positions(page) if not any(_is_of(rule, grid) for grid in ruled)]
    grids = []
    for frame in _frames(rules, SAME_FRAME * page.shape[1]):
        top, left, right = frame[0]
        around = Grid((top, frame[-1][0]), (left, right), ())
        grid = _gap_grid([line for line in lines if _is_within(line, around)], left, right)
        if grid is not None:
            grids.append(grid)
    return grids


def _is_of(rule: Rule, grid: Grid) -> bool:
    """Tell whether a rule is one of a ruled grid's own."""
    return grid.row_edges[0] - UNDER_RULE <= rule[0] <= grid.row_edges[-1] + UNDER_RULE


def _frames(rules: Iterable[Rule], same: float) -> list[list[Rule]]:
    """Group horizontal rules that start and end together; two rules are no table yet."""
    frames: list[list[Rule]] = []
    for rule in rules:
        for frame in frames:
            if abs(frame[0][1] - rule[1]) < same and abs(frame[0][2] - rule[2]) < same:
                frame.append(rule)
                break
        else:
            frames.append([rule])
    return [frame for frame in frames if len(frame) >= 3]


def _banded_grids(page: Image, lines: Sequence[Line], found: Sequence[Grid]) -> list[Grid]:
    """Return grids under a dark header that no rules frame: the rows that keep to the header's columns."""
    grids: list[Grid] = []
    for left, top, right, bottom in find_fills(on_light(page)).bands():
        band = Grid((top, bottom), (left, right), ())
        header = [line for line in lines if _is_within(line, band)]
        if header and not any(_is_within(header[0], grid) for grid in (*found, *grids)):
            below = [line for line in lines if _is_within(line, Grid((bottom, page.shape[0]), (left, right), ()))]
            grid = _gap_grid(_under(header, below), left, right)
            if grid is not None:
                grids.append(grid)
    return grids


def _under(header: Sequence[Line], below: Sequence[Line]) -> list[Line]:
    """Return a header's lines and those of the rows under it, as far as its columns and its pitch go."""
    members = list(header)
    columns = len(_columns(members))
    for row in rows(below, 0):
        end = max(extent(line.quad, 0)[3] for line in members)
        start = min(extent(line.quad, 0)[1] for line in row)
        if start - end > NEXT_ROW * row[0].height or len(_columns([*members, *row])) < columns:
            break
        members += row
    return members


def _columns(lines: Sequence[Line]) -> list[float]:
    """Return the middles of the white gaps between the columns of some lines."""
    boxes = [extent(line.quad, 0) for line in lines]
    height = float(np.median([bottom - top for _, top, _, bottom in boxes]))
    return gaps([(box[0], box[2]) for box in boxes], COLUMN_GAP * height)


def _gap_grid(lines: Sequence[Line], left: float, right: float) -> Grid | None:
    grouped = rows(lines, 0)
    inner = _columns(lines) if len(grouped) >= 2 else []
    if not inner:
        return None
    columns = (left, *inner, right)
    spans = [
        (min(extent(line.quad, 0)[1] for line in row), max(extent(line.quad, 0)[3] for line in row)) for row in grouped
    ]
    edges = (spans[0][0], *((a[1] + b[0]) / 2 for a, b in pairwise(spans)), spans[-1][1])
    cells = tuple(
        Cell((row,), (column,), start, top, end, bottom)
        for row, (top, bottom) in enumerate(pairwise(edges))
        for column, (start, end) in enumerate(pairwise(columns))
    )
    return Grid(edges, columns, cells)
