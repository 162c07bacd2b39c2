"""Masks of the images in a PDF: whether any is finer than the image that it shapes, which PDFium does not tell.

The dictionary of an image is never packed and its numbers are never encrypted (ISO 32000-1, 7.5.7 and 7.6.1), so that
it can be looked for in the file.
"""

from __future__ import annotations

import mmap
import re
from pathlib import Path

#: An image's mask, by its object's number (ISO 32000-1, 8.9.5).
_ENTRY = re.compile(rb"/S?Mask\s*(\d+)\s+(\d+)\s+R")
_SIDES = re.compile(rb"/(Width|Height)\s+(\d+)\b(?!\s+\d+\s+R)")
#: A dictionary is looked for in so many bytes, and so many masks are looked at.
_DICTIONARY, _MOST = 4096, 1_000


def any_is_finer(path: Path) -> bool:
    """Tell whether a PDF has an image whose mask has more pixels than it has; also where that cannot be told."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body:
        for number, entry in enumerate(_ENTRY.finditer(body)):
            if number == _MOST or _is_finer(body, entry):
                return True
    return False


def _is_finer(body: mmap.mmap, entry: re.Match[bytes]) -> bool:
    begin = body.rfind(b" obj", max(0, entry.start() - _DICTIONARY), entry.start())
    image = _pixels(body, begin, entry.end()) if begin >= 0 else None
    mask = re.compile(rb"(?<!\d)%s\s+%s\s+obj\b" % entry.groups()).search(body)
    pixels = _pixels(body, mask.end(), mask.end()) if mask is not None else None
    return image is None or pixels is None or pixels > image


def _pixels(body: mmap.mmap, begin: int, end: int) -> int | None:
    """Return how many pixels the image has whose dictionary begins there and is not closed before ``end``."""
    close = body.find(b"stream", end, end + _DICTIONARY)
    sides = {key: int(value) for key, value in _SIDES.findall(body[begin : close if close >= 0 else end])}
    return sides[b"Width"] * sides[b"Height"] if len(sides) == 2 else None
