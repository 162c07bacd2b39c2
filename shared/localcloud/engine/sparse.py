"""Short lines on a page that is nearly empty: the model overlooks them there, and sees them from nearby."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from localcloud.engine.models import Image
from localcloud.engine.quads import Quad, sides

#: Left, top, right, bottom in pixels.
Place = tuple[int, int, int, int]

#: A page with more lines than this is not nearly empty, and is not looked at again.
FEW = 4
#: Nor is one with more ink, as a share of the page: it has pictures, or is one.
_INK = 0.05
#: What differs from the ground by so much is ink (gray values).
_CONTRAST = 40
#: Ink is gathered on the page at this length of its longer side; what is so near there (pixels) belongs together.
_SMALL, _NEAR = 640, 15
#: Letters are at least this share of the longer side high (on A4 3 points), and two: dust is smaller, and the hole of a
#: punch, the shadow of an edge and a rule stand alone.
_LETTER, _LETTERS = 0.0035, 2
#: But small print may run together: then it is wide, and not solid as a rule is.
_WORD, _SOLID = 1.6, 0.75
#: What is longer (as shares of the longer side) is a line, if it is solid, or a frame, if it is so wide.
_LINE, _FRAME = 0.25, 0.1
_WIDTH_HEIGHT_AREA = (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA)
#: A place that covers more of the page has been seen from nearby already.
_LARGE = 0.25
#: So many places are looked at, those with most ink first.
_MOST = 4
#: How much is shown around a place, in heights of it.
_AROUND = 1.0


def overlooked(view: Image, boxes: Sequence[Quad]) -> list[Place]:
    """Return the places of a page with few lines that have ink as letters have, and no line.

    Args:
        view: The page.
        boxes: The lines that were found on it.
    """
    if len(boxes) > FEW:
        return []
    ink = _ink(view)
    if not ink.any() or float((ink > 0).mean()) > _INK:
        return []
    for box in boxes:
        # The rest of a letter that reaches out of its box is no letter.
        thickness = max(1, round(min(sides(box)) / 2))
        cv2.polylines(ink, [box.round().astype(np.int32)], True, 0, thickness)
        cv2.fillConvexPoly(ink, box.round().astype(np.int32), 0)
    ink = _without_lines(ink)
    least = max(2, round(_LETTER * max(ink.shape)))
    found = [place for place in _places(ink) if _has_letters(ink, place, least)]
    return [_with_margin(place, ink.shape[1], ink.shape[0]) for place in found[:_MOST]]


def _ink(view: Image) -> NDArray[np.uint8]:
    """Return 255 where a page differs from its ground, else 0."""
    ground = np.median(view[::4, ::4].reshape(-1, 3), axis=0)
    strokes = cv2.absdiff(view, np.broadcast_to(ground.astype(np.uint8), view.shape).copy()).max(axis=2)
    return np.where(strokes > _CONTRAST, 255, 0).astype(np.uint8)


def _without_lines(ink: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return ink without rules, frames and the shadows of edges: they would join what is not together."""
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink)
    across, down, area = (stats[:, column].astype(float) for column in _WIDTH_HEIGHT_AREA)
    long, short = np.maximum(across, down), np.minimum(across, down)
    whole = max(ink.shape)
    is_line = (long > _LINE * whole) & ((area > _SOLID * across * down) | (short > _FRAME * whole))
    return np.where(is_line[labels], 0, ink).astype(np.uint8)


def _places(ink: NDArray[np.uint8]) -> list[Place]:
    """Return where ink lies together, and is no large part of the page; most ink first."""
    height, width = ink.shape
    share = min(1.0, _SMALL / max(height, width))
    size = (max(1, math.ceil(width * share)), max(1, math.ceil(height * share)))
    small = (cv2.resize(ink, size, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(small, np.ones((_NEAR, _NEAR), np.uint8)))
    amounts = np.bincount(labels[small > 0], minlength=count)
    places = []
    for label in sorted(range(1, count), key=lambda label: -int(amounts[label])):
        left, top, across, down = (int(value) for value in stats[label][:4])
        if across * down <= _LARGE * small.size:
            corners = (left / share, top / share, (left + across) / share, (top + down) / share)
            places.append((int(corners[0]), int(corners[1]), math.ceil(corners[2]), math.ceil(corners[3])))
    return places


def _has_letters(ink: NDArray[np.uint8], place: Place, least: int) -> bool:
    """Tell whether ink is that of letters at least so high; a single letter is not told from a hole."""
    left, top, right, bottom = place
    count, _, stats, _ = cv2.connectedComponentsWithStats(ink[top:bottom, left:right])
    across, down, area = (stats[1:count, column].astype(float) for column in _WIDTH_HEIGHT_AREA)
    is_word = (across >= _WORD * down) & (area <= _SOLID * across * down)
    return int((down >= least).sum()) >= _LETTERS or bool((is_word & (down >= least)).any())


def _with_margin(place: Place, width: int, height: int) -> Place:
    left, top, right, bottom = place
    margin = round(_AROUND * min(right - left, bottom - top))
    return max(0, left - margin), max(0, top - margin), min(width, right + margin), min(height, bottom + margin)
