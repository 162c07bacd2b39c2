"""PDFs that are opened and written with each stream as it is packed."""

from __future__ import annotations

from typing import BinaryIO

import pikepdf


def opened(file: BinaryIO) -> pikepdf.Pdf:
    """Open a PDF; it is read piece by piece, and what pages inherit is put on each of them."""
    return pikepdf.open(file, access_mode=pikepdf.AccessMode.stream)


def save(document: pikepdf.Pdf, file: BinaryIO) -> None:
    """Write a PDF, without encryption; each stream as it is packed."""
    as_packed = pikepdf.StreamDecodeLevel.none
    document.save(file, compress_streams=False, stream_decode_level=as_packed, fix_metadata_version=False)
    # qpdf leaves out what there was no memory to copy, and goes on
    if any(word in warning for warning in document.get_warnings() for word in ("bad_alloc", "MemoryError")):
        raise MemoryError
