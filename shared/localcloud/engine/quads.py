"""Quadrilaterals in image coordinates: four corners, clockwise from the text's own top left. Angles turn clockwise."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from localcloud.engine.models import Image

#: Four corners ``(x, y)``.
Quad = NDArray[np.float64]


def axes(angle: float) -> Quad:
    """Return the directions of reading and of the next line, for text that runs at that angle (degrees)."""
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return np.array([[cosine, sine], [-sine, cosine]])


def oriented(corners: Quad, angle: float) -> Quad:
    """Order the corners of a rectangle for text that runs about that way."""
    along, down = axes(angle) @ corners.T
    rows = np.argsort(down, kind="stable")
    top = sorted(rows[:2], key=lambda corner: float(along[corner]))
    bottom = sorted(rows[2:], key=lambda corner: -float(along[corner]))
    return corners[[*top, *bottom]]


def sides(quad: Quad) -> tuple[float, float]:
    """Return width and height."""
    width = max(math.dist(quad[0], quad[1]), math.dist(quad[3], quad[2]))
    height = max(math.dist(quad[0], quad[3]), math.dist(quad[1], quad[2]))
    return width, height


def tilt(quad: Quad) -> float:
    """Return the angle of the top side, in degrees."""
    across, down = quad[1] - quad[0]
    return math.degrees(math.atan2(down, across))


def extent(quad: Quad, angle: float) -> tuple[float, float, float, float]:
    """Return left, top, right, bottom on a page whose lines run at that angle."""
    along, down = axes(angle) @ quad.T
    return float(along.min()), float(down.min()), float(along.max()), float(down.max())


def part(quad: Quad, start: float, end: float) -> Quad:
    """Return the slice of a quadrilateral between two shares of its width."""
    top, bottom = quad[1] - quad[0], quad[2] - quad[3]
    return np.array([quad[0] + top * start, quad[0] + top * end, quad[3] + bottom * end, quad[3] + bottom * start])


def hull(quads: Sequence[Quad], angle: float) -> Quad:
    """Return the smallest quadrilateral at that angle that holds all of them."""
    corners = np.array([extent(quad, angle) for quad in quads])
    left, top = corners[:, :2].min(axis=0)
    right, bottom = corners[:, 2:].max(axis=0)
    flat = np.array([[left, top], [right, top], [right, bottom], [left, bottom]])
    return np.asarray(flat @ axes(angle), np.float64)


def crop(image: Image, quad: Quad) -> Image:
    """Cut a quadrilateral out of an image and set it upright."""
    width, height = (max(1, round(side)) for side in sides(quad))
    target = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), target)
    upright = cv2.warpPerspective(
        image, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(upright, np.uint8)


def pixels(quad: Quad, width: int, height: int) -> list[list[int]]:
    """Return the corners as the wire format has them: whole pixels inside the image."""
    return [[int(np.clip(round(x), 0, width - 1)), int(np.clip(round(y), 0, height - 1))] for x, y in quad]
