"""Dark fills on a page: a table's header, first column or total row in white letters on a dark ground."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from localcloud.engine.models import Image

Mask = NDArray[np.uint8]

#: The middle value of so many pixels around (at least, and as a share of the longer side: on A4 about 5 mm) is the
#: ground: letters and rules cover less than half of it. A fill is seen from half of this height on.
_AROUND, _SHARE = 31, 0.0185
#: A ground darker than this (gray, on light paper) is a fill. Lighter bands have dark letters, which need no help.
_DARK = 190
#: What is so much lighter than a fill is a letter on it, or a rule in white.
_MARK = 40
#: What is at least so thick (pixels) is no rule, and beside a fill belongs to it.
_THICKER = 9
#: The edge of a fill is found this exactly (pixels).
_FRINGE = 2
#: The least thickness of an outline (pixels).
_STROKE = 5
#: A fill is a band when it is so many times wider than high, and at least so high (pixels).
_WIDE, _LEAST_BAND = 3, 16
#: In the rule between two squares of a fill, this share of letters is none, and this is a rule drawn in white.
_NO_LETTER, _RULE = 0.05, 0.9


@dataclass(frozen=True)
class Fills:
    """Where a page is filled, and what stands on it."""

    mask: Mask
    marks: Mask
    #: How thick an outline is drawn: rules that end at a fill make its edge waver by half of their thickness.
    stroke: int

    def turned(self) -> Fills:
        """Return the same with rows for columns."""
        return replace(self, mask=self.mask.T, marks=self.marks.T)

    def view(self, rows: slice, columns: slice) -> Fills:
        """Return a part of the page."""
        return replace(self, mask=self.mask[rows, columns], marks=self.marks[rows, columns])

    def part(self, rows: slice, columns: slice) -> bool:
        """Tell whether the squares on both sides of a stretch of a horizontal rule are two cells of one fill.

        In a fill rules are often left out or hard to see. So two squares are two cells, unless letters run from one
        into the other; a white rule is told from letters by its length.
        """
        filled, marks = self.mask[rows, columns], self.marks[rows, columns]
        if filled.size == 0 or float((filled > 0).mean()) < _RULE:
            return False
        crossed = float((marks > 0).any(axis=0).mean())
        return crossed <= _NO_LETTER or crossed >= _RULE

    def bands(self) -> list[tuple[int, int, int, int]]:
        """Return left, top, right and bottom of the fills that may be a header of their own, from the top."""
        count, _, stats, _ = cv2.connectedComponentsWithStats(self.mask)
        boxes = [tuple(int(value) for value in stats[label][:4]) for label in range(1, count)]
        return sorted(
            ((x, y, x + width, y + height) for x, y, width, height in boxes if width >= _WIDE * height >= _WIDE_BAND),
            key=lambda box: box[1],
        )


_WIDE_BAND = _WIDE * _LEAST_BAND


def on_light(page: Image) -> Mask:
    """Return a page in gray, inverted if most of it is dark."""
    gray = np.asarray(cv2.cvtColor(page, cv2.COLOR_BGR2GRAY), np.uint8)
    return np.asarray(255 - gray, np.uint8) if float(np.median(gray[::4, ::4])) < 128 else gray


def find_fills(gray: Mask) -> Fills:
    """Return the fills of an upright page in gray."""
    around = max(_AROUND, round(_SHARE * max(gray.shape)) | 1)
    ground = np.asarray(cv2.medianBlur(gray, around), np.uint8)
    # Where heavy letters are the ground after all, they leave holes.
    filled = cv2.morphologyEx((ground < _DARK).astype(np.uint8), cv2.MORPH_CLOSE, _square(around // 2))
    mask = _with_corners(filled, gray, around)
    ground = np.where((mask > 0) & (ground >= _DARK), gray, ground).astype(np.uint8)
    marks = ((cv2.subtract(gray, ground) > _MARK) & (mask > 0)).astype(np.uint8)
    return Fills(mask, marks, max(_STROKE, around // 6 | 1))


def _square(side: int) -> Mask:
    return np.ones((side, side), np.uint8)


def _with_corners(mask: cv2.typing.MatLike, gray: Mask, around: int) -> Mask:
    """Give fills back their corners, where less than half of what is around is filled."""
    beside = cv2.dilate(mask, _square(around))
    near = ((beside > 0) & (gray < _DARK)).astype(np.uint8)
    solid = cv2.morphologyEx(near, cv2.MORPH_OPEN, _square(_THICKER))
    return np.asarray(cv2.bitwise_or(mask, solid), np.uint8)


def without_fills(ink: Mask, fills: Fills) -> Mask:
    """Return the ink of a page with nothing but the outline left of its fills.

    Between white letters a dark ground is darker than what is around it, and would be taken for ink: for upright
    strokes as high as the letters, which would count as rules.
    """
    outline = cv2.morphologyEx(fills.mask, cv2.MORPH_GRADIENT, _square(fills.stroke))
    inside = cv2.dilate(fills.mask, _square(2 * _FRINGE + 1))
    return np.where(outline > 0, 255, np.where(inside > 0, 0, ink)).astype(np.uint8)
