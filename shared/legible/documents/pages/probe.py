"""Finds out how many pages a document has and what they are, from its header or by opening it."""

from __future__ import annotations

import io
import mmap
from pathlib import Path

import msgspec
import pypdfium2
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import TiffImageFile

from legible.documents.pages.open_document import KIND_OF_FRAME, OVERVIEW, frames, opened, pdf
from legible.documents.pages.values import MOST_BYTES, Look
from legible.errors import RejectedError

#: TIFF tags (TIFF 6.0): tiles, planes; and directories inside of one (TIFF Tech Note 1), where a DNG has its picture.
_TILES, _PLANES, _INNER = 322, 284, 330
#: Packings of a TIFF that every reader of images knows, by Pillow's names.
_USUAL = frozenset({"raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "tiff_ccitt", "group3", "group4"})
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
        seen = look_of(image, len(frames(image)))
        if (
            isinstance(image, TiffImageFile)
            and image.tag_v2.get(KIND_OF_FRAME, 0) & OVERVIEW
            and _INNER in image.tag_v2
        ):
            raise _raw()
        if _rare(image):
            seen = msgspec.structs.replace(seen, mode=f"{seen.mode};rare")
        if format_name == "tiff" and seen.pages == 1 and decoded(image) <= MOST_BYTES:
            image.load()  # its end is nowhere marked: only its pixels tell whether it is whole
        return seen


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
    """Return sides, mode and turn of an opened image, as it is seen upright."""
    orientation = orientation_of(image)
    width, height = image.size
    if orientation in _SIDEWAYS and image.format != "TIFF":  # Pillow tells a TIFF's sides as they are seen
        width, height = height, width
    mode = f"{image.mode};transparent" if transparent(image) else image.mode
    return Look(pages, width, height, mode, turned=orientation > 1)


def transparent(image: Image.Image) -> bool:
    """Tell whether pixels may be transparent: without that, other colors appear, even black letters on black.

    In a BMP it is dropped by everybody: many writers leave all of them transparent.
    """
    return image.has_transparency_data and image.format != "BMP"


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
