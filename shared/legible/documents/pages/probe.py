"""Finds out how many pages a document has and what they are, from its header or by opening it."""

from __future__ import annotations

import io
import mmap
import re
from pathlib import Path

from PIL import ExifTags, Image
from PIL.PsdImagePlugin import PsdImageFile
from PIL.TiffImagePlugin import TiffImageFile

from legible.documents.pages import attachments, structure, tiff
from legible.documents.pages.mending import needs_mending
from legible.documents.pages.open_document import KIND_NOT_READ, frames, opened, page_places, pdf, was_locked
from legible.documents.pages.pdfium import pypdfium2
from legible.documents.pages.structure import is_lossless_jpeg
from legible.documents.pages.values import MOST_BYTES, UNREAD, Look
from legible.errors import RejectedError

#: TIFF tags (TIFF 6.0): tiles, planes; and directories inside of one (TIFF Tech Note 1), where a DNG has its picture.
_TILES, _PLANES, _INNER = 322, 284, 330
#: Packings of a TIFF that every reader of images knows, by Pillow's names.
_USUAL = frozenset({"raw", "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "tiff_ccitt", "group3", "group4"})
_BYTES = {"1": 1, "L": 1, "P": 1, "LA": 4, "PA": 4, "I;16": 2, "I;16B": 2, "I;16L": 2}
#: What may stand at the end of a PDF whose end marker is missing, in whole or in part, and what its table begins with.
_TABLE_PLACE = re.compile(rb"startxref\s+(\d{1,12})\s*%{0,2}E?O?F?[\s\0]*")
_TABLE = re.compile(rb"\bxref\s|\d+\s+\d+\s+obj\b")
_LONGEST_END = 1024
#: Writers count line ends in their own ways: a table is found so near its place, in bytes.
_NEAR = 32
#: A page whose longer side is shorter, in points, is smaller than any paper or card: its unit is another one, or its
#: scan was placed as if of 2000 dpi. So many pages are looked at.
_SMALLEST_PAGE, _MOST_LOOKED_AT = 144, 2000
#: So many files of a portfolio are named.
_MOST_NAMED = 20
#: The image resource in which a PSD says whether it has a picture of its own (Adobe's specification, 0x0421).
_PSD_VERSION = 0x0421
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
            attached = attachments.names(document)
            if attached and attachments.is_portfolio(path):
                raise _portfolio(attached)
            return Look(pages=len(document), drawn=_differs(path, document), attached=attached)
    try:
        return _look(path, format_name)
    except RejectedError as error:
        with path.open("rb") as file:
            known = structure.whole(file) if error.reason_code == KIND_NOT_READ else None
        if known is None:
            raise
        pages = len(page_places(path)) if format_name == "tiff" else 1
        return Look(pages, known.width, known.height, mode=UNREAD)


def _look(path: Path, format_name: str) -> Look:
    """Open an image at its first page and tell what it is."""
    places = page_places(path)
    with tiff.AtDirectory(path, places[0]) as file, opened(file) as image:
        behind_another = format_name == "tiff" and not _is_first(path, places[0])
        seen = look_of(image, len(places), rare=behind_another)
        tags = image.tag_v2 if isinstance(image, TiffImageFile) else {}
        if tags.get(tiff.KIND, 0) & tiff.OVERVIEW and _INNER in tags:
            raise _raw()
        if isinstance(image, PsdImageFile) and _is_without_picture(image):
            raise _layers_only()
        if format_name == "tiff" and seen.pages == 1 and decoded(image) <= MOST_BYTES:
            image.load()  # its end is nowhere marked: only its pixels tell whether it is whole
        return seen


def _is_first(path: Path, place: int) -> bool:
    """Tell whether a TIFF's directory is its first one: few readers look for a page behind a thumbnail."""
    with path.open("rb") as file:
        return place == tiff.opening(file)[2]


def whole(path: Path, format_name: str, ending: bytes) -> bool:
    """Tell whether a document whose end looks wrong is whole all the same: bytes behind the end are common.

    Args:
        path: The document; not empty.
        format_name: As intake told it.
        ending: What stands at the end of a whole document of this format.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body:
        at = body.rfind(ending)
        if format_name == "pdf" and not (_ends_with_table(body) if at < 0 else body.find(b" obj", at) < 0):
            return False  # cut, or an update that broke off
        if format_name != "pdf" and at < 0:
            return False
    try:
        if format_name == "pdf":
            return look(path, format_name).pages > 0
        with path.open("rb") as file, opened(file) as image:
            if not is_lossless(image):
                image.draft("RGB", (image.width // 8, image.height // 8))
            if decoded(image) > MOST_BYTES:
                return False
            image.load()
    except RejectedError as error:
        return error.reason_code == KIND_NOT_READ
    return True


def _ends_with_table(body: mmap.mmap) -> bool:
    """Tell whether a PDF without its end marker is whole: it ends by saying where its table is, and there it is.

    What remains of the marker may follow; ISO 32000-1, 7.5.5.
    """
    start = body.find(b"%PDF-", 0, 1024)
    at = body.rfind(b"startxref")
    found = _TABLE_PLACE.fullmatch(body[at : at + _LONGEST_END]) if at >= 0 else None
    if found is None or len(body) - at > _LONGEST_END:
        return False
    places = (max(0, start) + int(found[1]), int(found[1]))
    return any(_table_near(body, place) for place in places)


def _table_near(body: mmap.mmap, place: int) -> bool:
    found = _TABLE.search(body, max(0, place - _NEAR), place + _NEAR)
    return found is not None and (
        found[0].startswith(b"xref") or b"/XRef" in body[found.start() : found.end() + _LONGEST_END]
    )


def _differs(path: Path, document: pypdfium2.PdfDocument) -> bool:
    """Tell whether readers may differ on a PDF; see ``Look.drawn``."""
    with path.open("rb") as file:
        if file.read(5) != b"%PDF-":
            return True
    if was_locked(document) or pypdfium2.raw.FPDF_GetSecurityHandlerRevision(document) != -1:
        return True
    return any(_is_small(document, page) for page in range(min(len(document), _MOST_LOOKED_AT)))


def _is_small(document: pypdfium2.PdfDocument, page: int) -> bool:
    try:
        return bool(max(document.get_page_size(page)) < _SMALLEST_PAGE)
    except pypdfium2.PdfiumError:  # a page that is not there
        return False


def _is_without_picture(image: PsdImageFile) -> bool:
    """Tell whether a PSD says that it was saved without the picture that its layers make."""
    return any(number == _PSD_VERSION and body[4:5] == b"\0" for number, _, body in image.resources)


def is_lossless(image: Image.Image) -> bool:
    """Tell whether an image is a lossless JPEG, which cannot be decoded at a fraction of its size."""
    file = getattr(image, "fp", None)
    return image.format == "JPEG" and file is not None and is_lossless_jpeg(file)


def look_of(image: Image.Image, pages: int, *, rare: bool = False) -> Look:
    """Return sides, mode and turn of an opened image, as it is seen upright; ``rare`` is what readers may differ on."""
    orientation = orientation_of(image)
    width, height = image.size
    if orientation in _SIDEWAYS and image.format != "TIFF":  # Pillow tells a TIFF's sides as they are seen
        width, height = height, width
    mode = f"{image.mode};transparent" if transparent(image) else image.mode
    if rare or _rare(image) or needs_mending(image):
        mode += ";rare"
    return Look(pages, width, height, mode, turned=orientation > 1)


def transparent(image: Image.Image) -> bool:
    """Tell whether pixels may be transparent: without that, other colors appear, even black letters on black.

    In a BMP it is dropped by everybody: many writers leave all of them transparent.
    """
    return image.has_transparency_data and image.format != "BMP"


def _rare(image: Image.Image) -> bool:
    """Tell whether a TIFF is written in a way that few readers know: 64 bits, tiles, planes, rare packing."""
    if not isinstance(image, TiffImageFile):
        return False
    tags, packing = image.tag_v2, image.info.get("compression", "raw")
    return bool(tags._bigtiff) or _TILES in tags or tags.get(_PLANES, 1) != 1 or packing not in _USUAL


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


def _portfolio(names: tuple[str, ...]) -> RejectedError:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    listed = ", ".join(names[:_MOST_NAMED]) + more
    return RejectedError(
        f"The PDF is a portfolio: its page is only a cover, and inside are {len(names)} files: {listed}.",
        code="portfolio",
        advice="Open it in Adobe's reader, save the files in it, and upload those.",
    )


def _without_pages() -> RejectedError:
    return RejectedError(
        "The PDF is a dynamic form (XFA): whoever is not Adobe's reader sees one page that says to wait.",
        code="dynamic-form",
        advice="Open it in Adobe's reader, print it to a new PDF and upload that.",
    )


def _layers_only() -> RejectedError:
    return RejectedError(
        "The PSD has only layers: it was saved without the picture that they make together.",
        code="without-picture",
        advice="Save it with the greatest compatibility, or as PNG, and upload that.",
    )


def _raw() -> RejectedError:
    return RejectedError(
        "The TIFF is a raw photo (such as DNG): only a small copy of its picture is where readers look for it.",
        code="raw-photo",
        advice="Save it as JPEG and upload that.",
    )
