"""The directories of a TIFF, one for each image in it (TIFF 6.0, section 2; BigTIFF), and one of them as the first."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

#: NewSubfileType, with its bits for an overview and a mask.
KIND, OVERVIEW, _MASK = 254, 1, 4
#: How a file begins: order of bytes, and whether its places have 64 bits.
HEADS = {b"II*\0": ("<", False), b"MM\0*": (">", False), b"II+\0": ("<", True), b"MM\0+": (">", True)}
#: So many directories are looked at, and so much of each one, in bytes.
_MOST, _MOST_BYTES = 100_000, 1 << 24
#: How many bytes the types of numbers take, and which of them have 64 bits in a BigTIFF only.
_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WIDE, _LONG = frozenset({16, 18}), 4


class Directory(NamedTuple):
    """Where a directory stands in the file, in bytes, and what kind of image it says it is of (``KIND``)."""

    place: int
    kind: int


def is_tiff(first: bytes) -> bool:
    """Tell whether a file that begins so is a TIFF."""
    return first[:4] in HEADS


def directories(file: IO[bytes]) -> list[Directory]:
    """Return the directories of a TIFF in their order. Nothing of what they tell is looked at but ``KIND``.

    Raises:
        ValueError: There is none, or one of them is not in the file.
    """
    found: dict[int, Directory] = {}
    try:
        order, big, place = opening(file)
        while place not in found and (place or not found):  # one that leads back to another is the last one
            if len(found) == _MOST:
                raise ValueError("the directories of the TIFF have no end")
            each, following = entries(file, order, big, place)
            kinds = (value[:4] for tag, kind, _, value in each if tag == KIND and kind == _LONG)
            found[place] = Directory(place, struct.unpack(order + "I", next(kinds, bytes(4)))[0])
            place = following
    except struct.error:
        raise ValueError("a directory of the TIFF is not in the file") from None
    return list(found.values())


def pages(file: IO[bytes]) -> list[int]:
    """Return the places of the directories that are pages: thumbnails, overviews and masks are none, unless all are.

    Raises:
        ValueError: As ``directories``.
    """
    every = directories(file)
    return [one.place for one in every if not one.kind & (OVERVIEW | _MASK)] or [one.place for one in every]


def opening(file: IO[bytes]) -> tuple[str, bool, int]:
    """Return the order of a TIFF's bytes (for `struct`), whether it is a BigTIFF, and where its first directory is.

    Raises:
        struct.error: It ends before it says so.
    """
    file.seek(0)
    head = file.read(16)
    order, big = HEADS[head[:4]]
    return order, big, struct.unpack_from(order + ("8xQ" if big else "4xI"), head)[0]


def entries(file: IO[bytes], order: str, big: bool, place: int) -> tuple[Iterator[tuple[int, int, int, bytes]], int]:
    """Return the entries of a directory, and where the next one is; 0 where there is none.

    An entry is its tag, the type and the number of its values, and 4 or 8 bytes: the values, or their place.

    Raises:
        struct.error: It is not in the file.
    """
    count, entry, link = ("Q", "HHQ8s", "Q") if big else ("H", "HHI4s", "I")
    file.seek(place)
    (many,) = struct.unpack(order + count, file.read(struct.calcsize(order + count)))
    length = many * struct.calcsize(order + entry)
    body = file.read(min(length, _MOST_BYTES))
    following = file.read(struct.calcsize(order + link))
    # Behind the end of the file is nothing: a directory whose link some writer has left out is the last one.
    (after,) = struct.unpack(order + link, following) if following or len(body) < length else (0,)
    return struct.iter_unpack(order + entry, body), after


def narrowed(file: IO[bytes]) -> IO[bytes]:
    """Return a BigTIFF as a TIFF of 32 bits that has its first directory only, and all else where it was.

    Raises:
        struct.error: It is larger than 32 bits can tell, or the directory is not in it.
    """
    order, big, place = opening(file)
    each = list(entries(file, order, big, place)[0])
    file.seek(0)
    body = file.read()
    begin = len(body) + len(body) % 2
    behind = begin + 2 + 12 * len(each) + 4
    directory, values = struct.pack(order + "H", len(each)), b""
    for tag, kind, count, value in each:
        kind, value = _narrow(body, order, kind, count, value)
        if len(value) > 4:
            values, value = values + value + bytes(len(value) % 2), struct.pack(order + "I", behind + len(values))
        directory += struct.pack(order + "HHI4s", tag, kind, count, value)
    head = body[:2] + struct.pack(order + "HI", 42, begin)
    return io.BytesIO(head + body[8:] + bytes(len(body) % 2) + directory + bytes(4) + values)


def _narrow(body: bytes, order: str, kind: int, count: int, value: bytes) -> tuple[int, bytes]:
    """Return the type and the bytes of a directory's entry in 32 bits."""
    length = _BYTES.get(kind, 1) * count
    if length > len(value):
        (place,) = struct.unpack(order + "Q", value)
        value = body[place : place + length]
    if kind in _WIDE:
        numbers = struct.unpack_from(f"{order}{count}Q", value)
        return _LONG, struct.pack(f"{order}{count}I", *numbers)
    return kind, value[:length]


class AtDirectory(io.BufferedReader):
    """A TIFF that shows the directory at a given place as its first; any other file as it is.

    A directory only tells where the next one is: to come to the last page of many, all of them are read.
    """

    def __init__(self, path: Path, place: int) -> None:
        """Open the file."""
        super().__init__(io.FileIO(path))
        head = super().read(8)
        self._head = b""
        if is_tiff(head):
            order, big = HEADS[head[:4]]
            self._head = head + struct.pack(order + "Q", place) if big else head[:4] + struct.pack(order + "I", place)
        self.seek(0)

    def read(self, size: int | None = -1, /) -> bytes:
        """Return what stands there, with the directory's place in the head."""
        at = self.tell()
        body = super().read(size)
        return self._head[at : at + len(body)] + body[max(0, len(self._head) - at) :]
