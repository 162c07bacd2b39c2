"""A page becomes lines of text in reading order, whichever way up it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from localcloud.engine.decoding import decode, decode_page
from localcloud.engine.detection import detect
from localcloud.engine.models import Image, Models, load
from localcloud.engine.quads import Quad, axes, crop, extent, oriented, sides, tilt
from localcloud.engine.recognition import Recognized, recognize_line

#: Scripts the model does not know (Thai, Khmer, Arabic ...) come out as Latin garbage of .55 to .73: dropped.
SCRIPT_GUARD = 0.75
#: How many lines vote on which way is up.
VOTERS = 4
#: A box must be this much longer than high to show which way its text runs.
ELONGATED = 1.5


@dataclass(frozen=True)
class Line:
    """One line of text and where it stands."""

    recognized: Recognized
    quad: Quad

    @cached_property
    def text(self) -> str:
        """The line as text."""
        return self.recognized.text

    @cached_property
    def confidence(self) -> float:
        """The mean probability of its characters."""
        return self.recognized.confidence

    @cached_property
    def is_clear(self) -> bool:
        """Tell whether this is text: read with certainty, in a script the model knows."""
        return self.confidence >= SCRIPT_GUARD and not self.recognized.is_foreign

    @property
    def height(self) -> float:
        """The height of the line in pixels."""
        return sides(self.quad)[1]


#: Reads one box whose text runs at that angle.
Reader = Callable[[Quad, float], Line]


@dataclass(frozen=True)
class Reading:
    """All that was read on a page.

    ``angle`` is where the lines run, in degrees clockwise from the right; None where the page has no text.
    ``faint`` lines did not pass the script guard: not text, but a machine readable zone may be among them.
    """

    image: Image
    lines: tuple[Line, ...]
    faint: tuple[Line, ...]
    angle: float | None

    @property
    def width(self) -> int:
        """The width of the page image."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """The height of the page image."""
        return int(self.image.shape[0])

    @property
    def direction(self) -> float:
        """By how many degrees the page is turned counterclockwise, 0 to 359; -1 where it has no text."""
        return -1.0 if self.angle is None else float(round(-self.angle) % 360)


def read_image(data: bytes) -> Reading:
    """Read an image file."""
    return read(decode(data), load())


def read_page(data: bytes, page_number: int) -> Reading:
    """Read an image file, or one page of a PDF; pages count from 1."""
    return read(decode_page(data, page_number), load())


def read(image: Image, models: Models) -> Reading:
    """Read a page."""
    reader = _remembering(partial(_read_box, image, models))
    classes = _by_direction(detect(image, models))
    ways = [(_way_up(boxes, angle, reader), boxes) for angle, boxes in classes]
    lines = [line for angle, boxes in ways for line in _read_boxes(boxes, angle, reader)]
    clear = [line for line in lines if line.is_clear]
    angle = ways[0][0] if clear else None
    faint = tuple(line for line in lines if not line.is_clear)
    return Reading(image, tuple(in_reading_order(clear, angle or 0.0)), faint, angle)


def _read_box(image: Image, models: Models, box: Quad, angle: float) -> Line:
    quad = oriented(box, angle)
    return Line(recognize_line(crop(image, quad), models), quad)


def _remembering(reader: Reader) -> Reader:
    """Read each box once each way: those that voted on the way up are not read again."""
    known: dict[tuple[bytes, float], Line] = {}

    def remember(box: Quad, angle: float) -> Line:
        key = (box.tobytes(), angle)
        if key not in known:
            known[key] = reader(box, angle)
        return known[key]

    return remember


def _by_direction(boxes: Sequence[Quad]) -> list[tuple[float, list[Quad]]]:
    """Split boxes into those along the page's lines and those across them, each with its angle modulo 180.

    Some passports have text that runs up their side; it must not turn the rest.
    """
    if not boxes:
        return []
    skew = _mean_angle(boxes, 90)
    classes: dict[bool, list[Quad]] = {False: [], True: []}
    square: list[Quad] = []
    for box in boxes:
        width, height = sides(oriented(box, skew))
        if max(width, height) < ELONGATED * min(width, height):
            square.append(box)
        else:
            classes[height > width].append(box)
    across = _length(classes[True]) > _length(classes[False])
    found = []
    for is_across, extra in ((across, square), (not across, [])):
        if members := classes[is_across] + extra:
            # The mean is taken modulo 90, where near-square boxes count too, then set to the class.
            found.append((_mean_angle(members, 90, near=skew) + 90 * is_across, members))
    return found


def _length(boxes: Iterable[Quad]) -> float:
    return sum(max(sides(box)) for box in boxes)


def _mean_angle(boxes: Iterable[Quad], period: int, near: float | None = None) -> float:
    """Return the mean of the boxes' angles modulo a period, weighted by length; the representative closest to near."""
    turn = 360 / period
    vectors = [max(sides(box)) * np.exp(1j * math.radians(tilt(box) * turn)) for box in boxes]
    mean = math.degrees(np.angle(sum(vectors))) / turn
    return mean if near is None else mean + period * round((near - mean) / period)


def _way_up(boxes: Sequence[Quad], angle: float, reader: Reader) -> float:
    """Return the angle or its opposite: whichever makes lines of middling length read better."""
    by_length = sorted(boxes, key=lambda box: max(sides(box)))
    first = max(0, (len(by_length) - VOTERS) // 2)
    voters = by_length[first : first + VOTERS]
    upright = sum(_vote(reader(box, angle)) for box in voters)
    flipped = sum(_vote(reader(box, angle + 180)) for box in voters)
    return angle if upright >= flipped else angle + 180


def _vote(line: Line) -> float:
    # A machine readable zone reads well upside down, except that its fillers then point the other way.
    return 0.0 if ">>>" in line.text else line.confidence


def _read_boxes(boxes: Iterable[Quad], angle: float, reader: Reader) -> Iterable[Line]:
    for box in boxes:
        line = reader(box, angle)
        flipped = line if line.is_clear else reader(box, angle + 180)
        yield flipped if flipped.is_clear else line


def in_reading_order(lines: Iterable[Line], angle: float) -> list[Line]:
    """Order lines top to bottom, left to right, on a page whose lines run at that angle."""
    return [line for row in rows(lines, angle) for line in row]


def rows(lines: Iterable[Line], angle: float) -> list[list[Line]]:
    """Group lines that stand side by side, rows from the top, each from the left."""
    along, down = axes(angle)
    grouped: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: float(line.quad.mean(axis=0) @ down)):
        if grouped and all(_side_by_side(other, line, angle) for other in grouped[-1]):
            grouped[-1].append(line)
        else:
            grouped.append([line])
    return [sorted(row, key=lambda line: float(line.quad.mean(axis=0) @ along)) for row in grouped]


def _side_by_side(line: Line, other: Line, angle: float) -> bool:
    """Tell whether two lines have half of the smaller one's height in common."""
    _, top, _, bottom = extent(line.quad, angle)
    _, other_top, _, other_bottom = extent(other.quad, angle)
    shared = min(bottom, other_bottom) - max(top, other_top)
    return shared > 0.5 * min(bottom - top, other_bottom - other_top)
