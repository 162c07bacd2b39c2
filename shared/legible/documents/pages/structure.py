"""Tells whether an image is whole by the structure of its file, without decoding it.

Where the library that decodes images fails, this is the difference between a file that is cut and one of a kind that
the library does not know: other readers, the OCR service's among them, may well know it.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from typing import IO, NamedTuple

from legible.documents import formats
from legible.documents.pages import tiff

#: TIFF tags (TIFF 6.0; BigTIFF): sides, and where strips or tiles lie and how long they are; rows of a strip.
_WIDTH, _HEIGHT, _PLACES, _LENGTHS = 256, 257, (273, 324), (279, 325)
_STRIPS, _ROWS = 273, 278
_LOOKED_AT = frozenset({_WIDTH, _HEIGHT, _ROWS, *_PLACES, *_LENGTHS})
#: TIFF's types of whole numbers, as `struct` names them.
_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
#: More strips or directories than this are not looked at.
_MOST_STRIPS, _MOST_PAGES = 200_000, 10_000
#: Bits of a pixel of a BMP; none where a JPEG or PNG is inside.
_BMP_BITS = frozenset({0, 1, 2, 4, 8, 16, 24, 32, 64})
#: JPEG markers (T.81, B.1.1.3): those without a length, those that begin a frame, and the scan.
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})
_FRAMES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_LOSSLESS = frozenset({0xC3, 0xC7, 0xCB, 0xCF})
_SCAN = 0xDA


class Whole(NamedTuple):
    """A file that is whole: the sides of its first image in pixels, and how many images it holds."""

    width: int
    height: int
    pages: int = 1


def whole(file: IO[bytes]) -> Whole | None:
    """Return what a file holds if its structure is whole; None where it is not, or for a format not looked at here.

    Looked at are BMP (its length, as its header says), PNG (each chunk's checksum), JPEG (its segments up to its end)
    and TIFF (that all strips and tiles lie within the file).
    """
    file.seek(0)
    first = file.read(8)
    try:
        if first[:2] == b"BM":
            return _bmp(file)
        if first == b"\x89PNG\r\n\x1a\n":
            return _png(file)
        if first[:3] == b"\xff\xd8\xff":
            return _jpeg(file)
        if tiff.is_tiff(first):
            return _tiff(file)
    except (struct.error, IndexError, KeyError, OverflowError):
        return None
    return None


def is_lossless_jpeg(file: IO[bytes]) -> bool:
    """Tell whether a file is a lossless JPEG: that cannot be decoded at a fraction of its size."""
    file.seek(0)
    try:
        return file.read(2) == b"\xff\xd8" and any(marker in _LOSSLESS for marker, _, _ in _segments(file))
    except (struct.error, IndexError):
        return False
    finally:
        file.seek(0)


def _length(file: IO[bytes]) -> int:
    return file.seek(0, io.SEEK_END)


def _bmp(file: IO[bytes]) -> Whole | None:
    file.seek(0)
    head = file.read(54)
    form = "<HH2xH" if struct.unpack_from("<I", head, 14)[0] == 12 else "<ii2xH"
    width, height, bits = struct.unpack_from(form, head, 18)
    fits = formats.bmp_end(head) <= _length(file) and bits in _BMP_BITS
    return Whole(abs(width), abs(height)) if fits and width and height else None


def _png(file: IO[bytes]) -> Whole | None:
    sides, drawn = None, False
    while True:
        head = file.read(8)
        length, kind = struct.unpack(">I4s", head)
        body = file.read(length)
        (sum_,) = struct.unpack(">I", file.read(4))
        if len(body) != length or zlib.crc32(head[4:] + body) != sum_:
            return None
        if kind == b"IHDR":
            sides = struct.unpack_from(">II", body)
        drawn = drawn or kind == b"IDAT"
        if kind == b"IEND":
            return Whole(*sides) if sides and drawn and all(sides) else None


def _jpeg(file: IO[bytes]) -> Whole | None:
    file.seek(2)
    sides = None
    for marker, place, _ in _segments(file):
        if marker in _FRAMES:
            file.seek(place + 3)
            height, width = struct.unpack(">HH", file.read(4))
            sides = width, height
    file.seek(max(0, _length(file) - 64))
    ends = b"\xff\xd9" in file.read()
    return Whole(*sides) if sides and all(sides) and ends else None


def _segments(file: IO[bytes]) -> Iterator[tuple[int, int, int]]:
    """Yield marker, place and length of each segment of a JPEG, up to its first scan."""
    while True:
        code = file.read(2)
        while code == b"\xff\xff":
            code = b"\xff" + file.read(1)
        if code[0] != 0xFF:
            raise struct.error("no marker")
        if code[1] in _BARE:
            continue
        place = file.tell()
        (length,) = struct.unpack(">H", file.read(2))
        yield code[1], place, length
        if code[1] == _SCAN:
            return
        file.seek(place + length)


def _tiff(file: IO[bytes]) -> Whole | None:
    end = _length(file)
    order, big, place = tiff.opening(file)
    sides, seen = None, set[int]()
    while place and len(seen) < _MOST_PAGES:
        if place in seen or place + 2 > end:
            return None
        seen.add(place)
        each, place = tiff.entries(file, order, big, place)
        tags = {
            tag: _numbers(file, order, value, kind, length)
            for tag, kind, length, value in each
            if tag in _LOOKED_AT and kind in _NUMBERS and length <= _MOST_STRIPS
        }
        if not _within(tags, end):
            return None
        sides = sides or (tags[_WIDTH][0], tags[_HEIGHT][0])
    return Whole(*sides, len(seen)) if sides and all(sides) else None


def _numbers(file: IO[bytes], order: str, value: bytes, kind: int, many: int) -> tuple[int, ...]:
    length = struct.calcsize(_NUMBERS[kind]) * many
    if length > len(value):
        file.seek(struct.unpack(order + ("Q" if len(value) == 8 else "I"), value)[0])
        value = file.read(length)
    return struct.unpack_from(f"{order}{many}{_NUMBERS[kind]}", value)


def _within(tags: dict[int, tuple[int, ...]], end: int) -> bool:
    """Tell whether all strips or tiles of a directory lie within the file."""
    for places, lengths in zip(_PLACES, _LENGTHS, strict=True):
        if places in tags:
            if places == _STRIPS and len(tags[places]) * tags.get(_ROWS, tags[_HEIGHT])[0] < tags[_HEIGHT][0]:
                return False
            each = zip(tags[places], tags.get(lengths, (0,) * len(tags[places])), strict=False)
            return all(place + length <= end for place, length in each)
    return False
