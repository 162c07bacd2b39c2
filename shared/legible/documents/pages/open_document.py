"""Opens PDFs and images, page by page; any error of the libraries means that the document is broken."""

from __future__ import annotations

import io
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import pypdfium2
from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from legible.documents.pages import fallback_font
from legible.errors import RejectedError

#: Optional: its libraries are under the LGPL, so whoever packages Legible decides (CONTRIBUTING, licenses).
READS_HEIC = find_spec("pi_heif") is not None
#: A TIFF's NewSubfileType, with its bits for an overview and a mask (TIFF 6.0).
KIND_OF_FRAME, OVERVIEW, _MASK = 254, 1, 4
#: Formats whose frames are something else than pictures one after another, by Pillow's names.
_ONE_PICTURE = frozenset({"MPO", "PSD"})


def frames(image: Image.Image) -> list[int]:
    """Return which frames of an image are pages: thumbnails, overviews and masks in a TIFF are none.

    Layers of a PSD are no frames, nor is what a camera puts behind its photo (MPO). A TIFF is left at its first page,
    and its pages are told by the places of their directories in the file; other formats have numbers.
    """
    if not isinstance(image, TiffImageFile):
        return [0] if image.format in _ONE_PICTURE else list(range(int(getattr(image, "n_frames", 1))))
    every: dict[int, int] = {}
    pages: dict[int, int] = {}
    for frame in range(image.n_frames):
        image.seek(frame)
        place = image.tag_v2._offset or 0
        every[place] = frame
        if not image.tag_v2.get(KIND_OF_FRAME, 0) & (OVERVIEW | _MASK):
            pages[place] = frame
    pages = pages or every
    image.seek(next(iter(pages.values())))
    return list(pages)


class OpenDocument:
    """Remembers the document that was opened last, because pages are asked for one by one.

    Each opening of a PDF reads fonts and pictures anew; to find the pages of a TIFF, all of it is walked through.
    """

    def __init__(self, find: Callable[[Image.Image], list[int]] = frames) -> None:
        """Remember none yet; ``find`` returns which frames of an image are pages, as ``frames`` does."""
        self._path: Path | None = None
        self._document: pypdfium2.PdfDocument | None = None
        self._find = find
        self._frames: tuple[Path, list[int]] | None = None

    @contextmanager
    def image(self, path: Path, page: int) -> Iterator[Image.Image]:
        """Open an image at a page, counted from 1. Raises as ``opened`` does."""
        if self._frames is None or self._frames[0] != path:
            with path.open("rb") as file, opened(file) as image:
                self._frames = path, self._find(image)
        places = self._frames[1]
        if page > len(places):
            raise broken("There is no such page.")
        with _Directory(path, places[page - 1]) as file, opened(file) as image:
            yield image

    def pdf(self, path: Path) -> pypdfium2.PdfDocument:
        """Return the opened PDF, its forms too. Raises as ``pdf`` does."""
        if self._document is None or self._path != path:
            self.close()
            self._document, self._path = _opened_pdf(path), path
            self._document.init_forms()  # else what was filled into a form is not drawn
        return self._document

    def close(self) -> None:
        """Close the PDF, if one is open."""
        if self._document is not None:
            self._document.close()
        self._document = self._path = None


class _Directory(io.BufferedReader):
    """A TIFF that shows the directory at a given place as its first; any other file as it is.

    A directory only tells where the next one is: to come to the last page of many, all of them are read.
    """

    def __init__(self, path: Path, place: int) -> None:
        super().__init__(io.FileIO(path))
        head = super().read(8)
        order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
        self._head = b""
        if order and head[2:4] in {b"*\0", b"\0*"}:
            self._head = head[:4] + struct.pack(order + "I", place)
        elif order and head[2:4] in {b"+\0", b"\0+"}:
            self._head = head + struct.pack(order + "Q", place)
        self.seek(0)

    def read(self, size: int | None = -1, /) -> bytes:
        at = self.tell()
        body = super().read(size)
        return self._head[at : at + len(body)] + body[max(0, len(self._head) - at) :]


@contextmanager
def pdf(path: Path) -> Iterator[pypdfium2.PdfDocument]:
    """Open a PDF; it is read piece by piece, never whole."""
    document = _opened_pdf(path)
    try:
        yield document
    finally:
        document.close()


def _opened_pdf(path: Path) -> pypdfium2.PdfDocument:
    fallback_font.offer()
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise RejectedError(
                "The PDF is locked with a password.",
                code="encrypted",
                advice="Save it without a password and upload that.",
            ) from None
        raise broken("The PDF is broken.") from None


@contextmanager
def opened(file: IO[bytes]) -> Iterator[Image.Image]:
    """Open an image; any error that Pillow raises, and there are many, means that it is broken."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _read_heic(file)
            with Image.open(file) as image:
                yield image
    except (RejectedError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise RejectedError(
            "The image has more than 178 million pixels.",
            code="too-many-pixels",
            advice="Scan at 150 to 200 dpi, or scale it down.",
        ) from None
    except UnidentifiedImageError as error:
        raise broken("The image cannot be read: it is cut, broken, or of a kind that cannot be converted.") from error
    except Exception as error:
        raise broken("The image cannot be read: it is cut or broken.") from error


def _read_heic(file: IO[bytes]) -> None:
    """Let Pillow read HEIC, only where the file may be one: loading it takes as long as drawing half a page."""
    first = file.read(12)
    file.seek(0)
    if first[4:8] == b"ftyp" and READS_HEIC:
        _register_heic()


@cache
def _register_heic() -> None:
    from pi_heif import register_heif_opener

    register_heif_opener()


def broken(message: str) -> RejectedError:
    """Return the error for a document that cannot be opened."""
    return RejectedError(message, code="document-broken", advice="Scan or save it again and upload that.")
