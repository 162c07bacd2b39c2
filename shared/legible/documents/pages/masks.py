"""Masks of the images in a PDF: whether any is finer than the image that it shapes, which PDFium does not tell.

The dictionary of an image is never packed and its numbers are never encrypted (ISO 32000-1, 7.5.7 and 7.6.1), so that
it can be looked for in the file.
"""

from __future__ import annotations

import mmap
import re
from itertools import islice
from pathlib import Path

#: An image's mask, by its object's number (ISO 32000-1, 8.9.5).
_ENTRY = re.compile(rb"/S?Mask\s*(\d+)\s+(\d+)\s+R")
_SIDES = re.compile(rb"/(Width|Height)\s+(\d+)\b(?!\s+\d+\s+R)")
#: How an object begins, and how far before this word its numbers may stand.
_BEGIN, _NUMBER, _BEFORE = b" obj", re.compile(rb"(?:.*\D)?(\d{1,10})\s+(\d{1,5})", re.DOTALL), 24
#: A dictionary is looked for in so many bytes, and so many masks are looked at.
_DICTIONARY, _MOST = 4096, 1_000


def any_is_finer(path: Path) -> bool:
    """Tell whether a PDF has an image whose mask has more pixels than it has; also where that cannot be told."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body:
        entries = list(islice(_ENTRY.finditer(body), _MOST + 1))
        if len(entries) > _MOST:
            return True
        places = _places(body, {(int(entry[1]), int(entry[2])) for entry in entries})
        return any(_is_finer(body, entry, places.get((int(entry[1]), int(entry[2])))) for entry in entries)


def _places(body: mmap.mmap, wanted: set[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Return where objects begin, behind their numbers; of those that stand there twice, the last ones.

    The file is gone through once: to look for each object by itself takes minutes in a scan of some hundred pages.
    """
    found: dict[tuple[int, int], int] = {}
    at = body.find(_BEGIN) if wanted else -1
    while at >= 0:
        end = at + len(_BEGIN)
        number = _NUMBER.fullmatch(body[max(0, at - _BEFORE) : at].rstrip())
        if number is not None and (key := (int(number[1]), int(number[2]))) in wanted:
            found[key] = end
        at = body.find(_BEGIN, end)
    return found


def _is_finer(body: mmap.mmap, entry: re.Match[bytes], place: int | None) -> bool:
    begin = body.rfind(_BEGIN, max(0, entry.start() - _DICTIONARY), entry.start())
    image = _pixels(body, begin, entry.end()) if begin >= 0 else None
    mask = _pixels(body, place, place) if place is not None else None
    return image is None or mask is None or mask > image


def _pixels(body: mmap.mmap, begin: int, end: int) -> int | None:
    """Return how many pixels the image has whose dictionary begins there and is not closed before ``end``."""
    close = body.find(b"stream", end, end + _DICTIONARY)
    sides = {key: int(value) for key, value in _SIDES.findall(body[begin : close if close >= 0 else end])}
    return sides[b"Width"] * sides[b"Height"] if len(sides) == 2 else None
