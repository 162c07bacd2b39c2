"""Workbooks that others wrote are unpacked within bounds before anything reads them: a zip can say less than it holds.

Python's ``zipfile`` believes the sizes that a zip names for itself, but unpacks a part as a whole before it cuts it to
that size (``ZipExtFile.read``, 3.12): 2 MB can become 2 GB of memory. So each part is copied piece by piece into
another zip, whose sizes are true, and only that is read.
"""

from __future__ import annotations

import zipfile
from typing import IO

from msgspec import Struct

_PIECE = 1 << 16
#: Parts that are read row by row or not at all, and the one that becomes a list of texts.
_STREAMED, _TEXTS = ("xl/worksheets/", "xl/media/"), "xl/sharedStrings.xml"


class Bounds(Struct, frozen=True):
    """How large a workbook may be, unpacked, in bytes and in parts.

    ``part_bytes`` is for any part that is read as a whole: it becomes objects of a hundred times its size in memory.
    The texts, which become a list, may have a third of all bytes; rows and pictures all of them.
    """

    all_bytes: int
    part_bytes: int = 3_000_000
    parts: int = 2_000


class UnpackedSizeError(Exception):
    """The workbook is larger than its bounds; the message says which, as the end of a sentence about it."""


def repack(source: IO[bytes], target: IO[bytes], bounds: Bounds) -> None:
    """Copy a workbook so that its parts are as large as it says; no more than the bounds is ever unpacked.

    Args:
        source: The workbook.
        target: Where to.
        bounds: How large it may be.

    Raises:
        UnpackedSizeError: It is larger.
        Exception: Whatever a broken zip makes of it.
    """
    with zipfile.ZipFile(source) as packed, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as copy:
        parts = {part.filename: part for part in packed.infolist()}  # of two parts with one name, the last is read
        if len(parts) > bounds.parts:
            raise UnpackedSizeError(f"has {len(parts):,} parts; at most {bounds.parts:,} are read")
        left = bounds.all_bytes
        for name, part in parts.items():
            own = bounds.all_bytes // 3 if name == _TEXTS else bounds.part_bytes
            most = left if name.startswith(_STREAMED) else min(left, own)
            with packed.open(part) as content, copy.open(zipfile.ZipInfo(name), "w", force_zip64=True) as into:
                left -= _copy(content, into, most, name)


def _copy(content: IO[bytes], into: IO[bytes], most: int, name: str) -> int:
    """Copy a part; return its size in bytes."""
    size = 0
    while piece := content.read(_PIECE):
        size += len(piece)
        if size > most:
            raise UnpackedSizeError(f"has more than {most:,} bytes in {name[:100]!r} unpacked, which are not read")
        into.write(piece)
    return size
