"""Files inside a PDF: their names, and whether the PDF is only their cover."""

from __future__ import annotations

import mmap
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from legible.documents.pages.pdfium import pypdfium2

#: A catalog's entry of a portfolio (ISO 32000-1, 12.3.5), and a stream that holds other objects (7.5.7).
_COLLECTION = re.compile(rb"/Collection\s*(<<|\d+\s+\d+\s+R)")
_OBJECTS = re.compile(rb"/Type\s*/ObjStm\b")
_STREAM = re.compile(rb"stream\r?\n")
#: So much of a stream's beginning is unpacked, in bytes, and so many streams are.
_MOST_UNPACKED, _MOST_STREAMS = 1 << 20, 2_000
#: How far behind its type a stream's bytes may begin.
_DICTIONARY = 4096
#: So many names are given.
_MOST_NAMES = 1_000


def names(document: pypdfium2.PdfDocument) -> tuple[str, ...]:
    """Return the names of the files that are attached to a PDF as a whole, not those at a place on a page."""
    count = min(document.count_attachments(), _MOST_NAMES)
    return tuple(" ".join(document.get_attachment(index).get_name().split()) for index in range(count))


def is_portfolio(path: Path) -> bool:
    """Tell whether a PDF is a portfolio: its pages are a cover, and what it is about are the files inside.

    PDFium does not tell, so the entry of the catalog is looked for: as it stands, and in streams that hold objects.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body:
        return _COLLECTION.search(body) is not None or any(map(_COLLECTION.search, _unpacked(body)))


def _unpacked(body: mmap.mmap) -> Iterator[bytes]:
    for number, found in enumerate(_OBJECTS.finditer(body)):
        if number == _MOST_STREAMS:
            return
        begin = _STREAM.search(body, found.end(), found.end() + _DICTIONARY)
        if begin is not None:
            try:
                yield zlib.decompressobj().decompress(body[begin.end() : begin.end() + _MOST_UNPACKED], _MOST_UNPACKED)
            except zlib.error:  # packed in another way, or encrypted
                continue
