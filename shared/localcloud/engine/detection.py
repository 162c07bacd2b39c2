"""Finds text: rectangles at any angle, in the coordinates of the image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from localcloud.engine.models import DETECTION_STEP, Floats, Image, Models
from localcloud.engine.quads import Quad
from localcloud.engine.sparse import overlooked

# Measured: 1280 finds the same lines as a full A4 page at 150 dpi in half the time; 960 merges the lines of a page
# turned by 90 degrees; enlarging small images halves their errors.
LONG_SIDE = 1280
SHORT_SIDE = 640
MAX_ENLARGEMENT = 4.0
#: Images longer than this times their width are read in windows, else a long screenshot shrinks to nothing.
LONG_RATIO = 3.0
#: A tight strip gets a margin: the model was trained on text that has some.
STRIP_RATIO = 5.0

PIXEL_THRESHOLD = 0.3
BOX_THRESHOLD = 0.5
#: The model marks the core of a line; this share of its size gives the whole line back.
GROWTH = 1.6
MIN_SIDE = 3.0


@dataclass(frozen=True)
class Window:
    """A part of an image that is looked at in one go; ``owned`` is the part of it whose text it reports."""

    left: int
    top: int
    right: int
    bottom: int
    owned: tuple[float, float, float, float]

    def owns(self, box: Quad) -> bool:
        """Tell whether a box of this window is not better seen by its neighbor."""
        x, y = box.mean(axis=0)
        left, top, right, bottom = self.owned
        return bool(left <= x < right and top <= y < bottom)


def windows(width: int, height: int) -> Iterator[Window]:
    """Cover an image: in one window, or along its long side in windows that overlap by a quarter."""
    short, long = sorted((width, height))
    if long <= max(LONG_RATIO * short, LONG_SIDE):
        yield Window(0, 0, width, height, (-np.inf, -np.inf, np.inf, np.inf))
        return
    length = max(2 * short, LONG_SIDE)
    overlap = length // 4
    starts = list(range(0, max(1, long - overlap), length - overlap))
    for start in starts:
        end = min(start + length, long)
        first = -np.inf if start == 0 else start + overlap / 2
        last = np.inf if start == starts[-1] else start + length - overlap / 2
        if width > height:
            yield Window(start, 0, end, height, (first, -np.inf, last, np.inf))
        else:
            yield Window(0, start, width, end, (-np.inf, first, np.inf, last))


def detect(image: Image, models: Models) -> list[Quad]:
    """Return the rectangles that hold one line of text each."""
    height, width = image.shape[:2]
    quads: list[Quad] = []
    for window in windows(width, height):
        view = image[window.top : window.bottom, window.left : window.right]
        boxes = (box + (window.left, window.top) for box in _detect_all(view, models))
        quads += [box for box in boxes if window.owns(box)]
    return quads


def _detect_all(view: Image, models: Models) -> list[Quad]:
    """Look at a view, and again from nearby at what is left on one that is nearly empty."""
    boxes = _detect_view(view, models)
    for left, top, right, bottom in overlooked(view, boxes):
        nearby = [box + (left, top) for box in _detect_view(view[top:bottom, left:right], models)]
        boxes += [box for box in nearby if not _is_known(box, boxes)]
    return boxes


def _is_known(box: Quad, boxes: Iterable[Quad]) -> bool:
    """Tell whether the middle of a box lies in one of the others."""
    x, y = (float(value) for value in box.mean(axis=0))
    return any(cv2.pointPolygonTest(other.astype(np.float32), (x, y), False) >= 0 for other in boxes)


def _detect_view(view: Image, models: Models) -> list[Quad]:
    height, width = view.shape[:2]
    margin = min(height, width) // 2 if max(height, width) > STRIP_RATIO * min(height, width) else 0
    framed = cv2.copyMakeBorder(view, margin, margin, margin, margin, cv2.BORDER_REPLICATE)
    scale = scale_for(framed.shape[1], framed.shape[0])
    size = (max(1, round(framed.shape[1] * scale)), max(1, round(framed.shape[0] * scale)))
    resized = cv2.resize(framed, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    # The model wants multiples of 32. Filling up keeps the proportions; stretching would not.
    right, bottom = -size[0] % DETECTION_STEP, -size[1] % DETECTION_STEP
    filled = np.asarray(cv2.copyMakeBorder(resized, 0, bottom, 0, right, cv2.BORDER_REPLICATE), np.uint8)
    return [box / scale - margin for box in boxes_in(models.text_map(filled))]


def scale_for(width: int, height: int) -> float:
    """Return the factor that brings an image to the size the model sees best."""
    short, long = sorted((width, height))
    enlargement = min(max(1.0, SHORT_SIDE / short), MAX_ENLARGEMENT)
    return min(enlargement, LONG_SIDE / long)


def boxes_in(text_map: Floats) -> list[Quad]:
    """Return the grown rectangles around the connected areas of a text map."""
    mask = cv2.dilate((text_map > PIXEL_THRESHOLD).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    boxes = []
    for contour in contours:
        center, (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < MIN_SIDE or _certainty(text_map, (center, (width, height), angle)) < BOX_THRESHOLD:
            continue
        growth = width * height * GROWTH / (width + height)
        corners = cv2.boxPoints((center, (width + growth, height + growth), angle))
        boxes.append(np.asarray(corners, np.float64))
    return boxes


def _certainty(text_map: Floats, rectangle: cv2.typing.RotatedRect) -> float:
    """Return the mean probability of text inside a rectangle."""
    corners = cv2.boxPoints(rectangle)
    bounds = (text_map.shape[1] - 1, text_map.shape[0] - 1)
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, bounds).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0)), 0, bounds).astype(int)
    mask = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    cv2.fillPoly(mask, [(corners - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(text_map[top : bottom + 1, left : right + 1], mask)[0])
