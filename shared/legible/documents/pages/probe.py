"""What a document's pages are, by its header or by opening it."""

from __future__ import annotations

import io
import mmap
import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import msgspec
import pypdfium2
from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from legible.documents.pages.values import Look
from legible.errors import RejectedError

#: Optional: its libraries are under the LGPL, so whoever packages Legible decides (docs/deploy.md).
READS_HEIC = find_spec("pi_heif") is not None
#: The most memory that the decoded pixels of one image may take, in bytes.
MOST_BYTES = 160_000_000
#: TIFF tags and their values (TIFF 6.0): NewSubfileType with its bits for an overview and a mask, tiles, planes; and
#: directories inside of one (TIFF Tech Note 1), where a DNG has its picture.
_KIND_OF_FRAME, _OVERVIEW, _MASK, _TILES, _PLANES, _INNER = 254, 1, 4, 322, 284, 330
#: Packings of a TIFF that every reader of images knows, by Pillow's names.
_USUAL = frozenset({"raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "tiff_ccitt", "group3", "group4"})
#: Formats whose frames are something else than pictures one after another, by Pillow's names.
_ONE_PICTURE = frozenset({"MPO", "PSD"})
_BYTES = {"1": 1, "L": 1, "P": 1, "LA": 4, "PA": 4, "I;16": 2, "I;16B": 2, "I;16L": 2}
#: EXIF orientations that lay an image on its side.
_SIDEWAYS = frozenset({5, 6, 7, 8})


def header(first: bytes) -> Look | None:
    """Read what an image is from its header; no pixel is decoded.

    Args:
        first: The beginning of the image, or all of it.

    Returns:
        Sides, mode and turn; None where the header stands further behind, or cannot be read.

    Raises:
        RejectedError: So many pixels that no operation takes it.
    """
    try:
        with opened(io.BytesIO(first)) as image:
            return look_of(image, len(frames(image)) if image.format == "PNG" else 1)
    except RejectedError as error:
        if error.reason_code == "too-many-pixels":
            raise
        return None


def look(path: Path, format_name: str) -> Look:
    """Open a document and tell what its pages are. Runs apart; see ``legible.documents.pages.worker``.

    Raises:
        RejectedError: Broken, locked with a password, without pages, a form whose pages Adobe's reader alone makes, or
            a raw photo.
    """
    if format_name == "pdf":
        with pdf(path) as document:
            if pypdfium2.raw.FPDF_GetFormType(document) == pypdfium2.raw.FORMTYPE_XFA_FULL:
                raise _without_pages()
            return Look(pages=len(document), locked=pypdfium2.raw.FPDF_GetSecurityHandlerRevision(document) != -1)
    with path.open("rb") as file, opened(file) as image:
        found = look_of(image, len(frames(image)))
        if (
            isinstance(image, TiffImageFile)
            and image.tag_v2.get(_KIND_OF_FRAME, 0) & _OVERVIEW
            and _INNER in image.tag_v2
        ):
            raise _raw()
        if _rare(image):
            found = msgspec.structs.replace(found, mode=f"{found.mode};rare")
        if format_name == "tiff" and found.pages == 1 and decoded(image) <= MOST_BYTES:
            image.load()  # its end is nowhere marked: only its pixels tell whether it is whole
        return found


def whole(path: Path, format_name: str, ending: bytes) -> bool:
    """Tell whether a document whose end looks wrong is whole all the same: bytes behind the end are common.

    Args:
        path: The document; not empty.
        format_name: As intake told it.
        ending: What stands at the end of a whole document of this format.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body:
        at = body.rfind(ending)
        if at < 0 or (format_name == "pdf" and body.find(b" obj", at) >= 0):  # an update that broke off
            return False
    try:
        if format_name == "pdf":
            return look(path, format_name).pages > 0
        with path.open("rb") as file, opened(file) as image:
            image.draft("RGB", (image.width // 8, image.height // 8))
            if decoded(image) > MOST_BYTES:
                return False
            image.load()
    except RejectedError:
        return False
    return True


def look_of(image: Image.Image, pages: int = 1) -> Look:
    """Return what an opened image is, upright."""
    orientation = orientation_of(image)
    width, height = image.size
    if orientation in _SIDEWAYS and image.format != "TIFF":  # Pillow tells a TIFF's sides as they are seen
        width, height = height, width
    mode = f"{image.mode};transparent" if transparent(image) else image.mode
    return Look(pages, width, height, mode, turned=orientation > 1)


def transparent(image: Image.Image) -> bool:
    """Tell whether pixels may be transparent: who drops that sees other colors, black letters on black among them.

    In a BMP it is dropped by everybody: many writers leave all of them transparent.
    """
    return image.has_transparency_data and image.format != "BMP"


def frames(image: Image.Image) -> list[int]:
    """Return which frames of an image are pages: thumbnails, overviews and masks in a TIFF are none.

    Layers of a PSD are no frames, nor is what a camera puts behind its photo (MPO). A TIFF is left at its first page,
    and its pages are told by the places of their directories in the file; other formats have numbers.
    """
    if not isinstance(image, TiffImageFile):
        return [0] if image.format in _ONE_PICTURE else list(range(int(getattr(image, "n_frames", 1))))
    every: dict[int, int] = {}
    found: dict[int, int] = {}
    for frame in range(image.n_frames):
        image.seek(frame)
        place = image.tag_v2._offset or 0
        every[place] = frame
        if not image.tag_v2.get(_KIND_OF_FRAME, 0) & (_OVERVIEW | _MASK):
            found[place] = frame
    found = found or every
    image.seek(next(iter(found.values())))
    return list(found)


def _rare(image: Image.Image) -> bool:
    """Tell whether a TIFF is written in a way that few readers know: 64 bits, tiles, planes, rare packing.

    Few look for a page behind a thumbnail, too.
    """
    if not isinstance(image, TiffImageFile):
        return False
    tags, packing = image.tag_v2, image.info.get("compression", "raw")
    return (
        image.tell() > 0 or bool(tags._bigtiff) or _TILES in tags or tags.get(_PLANES, 1) != 1 or packing not in _USUAL
    )


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where nothing readable is said. No pixel is decoded for it."""
    try:
        # Of a PNG, Pillow's own class decodes all pixels to look for EXIF behind them: in the function, 170 MB of 20 KB
        value = int(Image.Image.getexif(image).get(ExifTags.Base.Orientation, 1))
    except Exception:  # Pillow lets errors of every kind escape from broken EXIF; the image itself may be fine
        return 1
    return value if 1 <= value <= 8 else 1


def decoded(image: Image.Image) -> int:
    """Return how many bytes an image's pixels take once they are decoded."""
    return image.width * image.height * _BYTES.get(image.mode, 4)


class OpenDocument:
    """What is known of the document opened last, for pages are asked for one by one.

    Each opening of a PDF reads fonts and pictures anew; to find the pages of a TIFF, all of it is walked through.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._path: Path | None = None
        self._document: pypdfium2.PdfDocument | None = None
        self._frames: tuple[Path, list[int]] | None = None

    @contextmanager
    def image(self, path: Path, page: int) -> Iterator[Image.Image]:
        """Open an image at a page, counted from 1. Raises as ``opened`` does."""
        if self._frames is None or self._frames[0] != path:
            with path.open("rb") as file, opened(file) as image:
                self._frames = path, frames(image)
        found = self._frames[1]
        if page > len(found):
            raise broken("There is no such page.")
        with _Directory(path, found[page - 1]) as file, opened(file) as image:
            yield image

    def pdf(self, path: Path) -> pypdfium2.PdfDocument:
        """Return the opened PDF, its forms too. Raises as ``pdf`` does."""
        if self._document is None or self._path != path:
            self.close()
            self._document, self._path = _opened_pdf(path), path
            self._document.init_forms()  # else what was filled into a form is not drawn
        return self._document

    def close(self) -> None:
        """Let go of it."""
        if self._document is not None:
            self._document.close()
        self._document = self._path = None


class _Directory(io.BufferedReader):
    """A TIFF as if the directory at a place in it were its first; any other file as it is.

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
    """Open an image; whatever Pillow raises on hostile bytes, and it raises many things, means that it is broken."""
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
    """Have Pillow read HEIC where the file may be one: to load what reads it takes as long as to draw half a page."""
    first = file.read(12)
    file.seek(0)
    if first[4:8] == b"ftyp" and READS_HEIC:
        _register_heic()


@cache
def _register_heic() -> None:
    from pi_heif import register_heif_opener

    register_heif_opener()


def _without_pages() -> RejectedError:
    return RejectedError(
        "The PDF is a dynamic form (XFA): whoever is not Adobe's reader sees one page that says to wait.",
        code="dynamic-form",
        advice="Open it in Adobe's reader, print it to a new PDF and upload that.",
    )


def _raw() -> RejectedError:
    return RejectedError(
        "The TIFF is a raw photo (such as DNG): only a small copy of its picture is where readers look for it.",
        code="raw-photo",
        advice="Save it as JPEG and upload that.",
    )


def broken(message: str) -> RejectedError:
    """Return the error for a document that cannot be opened."""
    return RejectedError(message, code="document-broken", advice="Scan or save it again and upload that.")
