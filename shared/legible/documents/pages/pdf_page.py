"""One page of a PDF, drawn: at the resolution of paper, or of the scan that it is."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from math import sqrt
from typing import Any

from PIL import Image

from legible.documents.pages import ink
from legible.documents.pages.pdfium import pypdfium2
from legible.errors import RejectedError
from legible.model.pages import Ink

#: A4 at this resolution is 1654 x 2339 px: above the vendor's sample (1024 x 1400), below its advice of 2 MB a page.
DPI = 200
#: A page that is smaller than any paper (its unit is another one, or its scan was placed as if of 2000 dpi) is drawn
#: with so many pixels on its longer side: the vendor's sample has 1400, and 28 x 39 points at 200 dpi no letters.
_LEAST_PIXELS = 1400
#: A page is a scan when one image covers so much of it.
_COVERS = 0.9
_INVISIBLE = 3
#: Of a pixel of a canvas.
_PIXEL_BYTES = 4
#: A path of no more segments only cuts an image's edges.
_RECTANGLE = 6
#: Forms in forms are looked into so deep for a scan.
_DEEPEST = 3


class Canvas:
    """The memory that pages are drawn in, kept for the next page: what was drawn before is gone then."""

    def __init__(self) -> None:
        """Have none yet."""
        self._memory: ctypes.Array[ctypes.c_ubyte] | None = None

    def draw(self, sheet: pypdfium2.PdfPage, scale: float) -> Image.Image:
        """Draw a page; the memory is the picture's own, for a copy would take a fifth of the time of drawing.

        Pillow shares memory where a pixel has four bytes; the fourth says nothing.
        """
        bitmap = sheet.render(scale=scale, rev_byteorder=True, prefer_bgrx=True, bitmap_maker=self._bitmap)
        size = (bitmap.width, bitmap.height)
        return Image.frombuffer("RGBX", size, bitmap.buffer, "raw", "RGBX", bitmap.stride, 1)

    def _bitmap(self, width: int, height: int, **values: Any) -> pypdfium2.PdfBitmap:
        count = width * height * _PIXEL_BYTES
        if self._memory is None or len(self._memory) < count:
            self._memory = None  # not both at once
            self._memory = (ctypes.c_ubyte * count)()
        return pypdfium2.PdfBitmap.new_native(width, height, **values, buffer=self._memory)


def drawn(
    document: pypdfium2.PdfDocument,
    canvas: Canvas,
    page: int,
    max_side: int,
    most_pixels: int,
    masked: Callable[[], bool],
) -> tuple[Image.Image, tuple[float, float], float, Ink]:
    """Draw a page in gray or color.

    Args:
        document: The opened PDF.
        canvas: What is drawn on.
        page: Counted from 1.
        max_side: The longest side that the picture may have, in pixels.
        most_pixels: How many pixels it may have.
        masked: Tells whether an image of the document has a mask that is finer than it is.

    Returns:
        The picture, the page's width and height in points, the resolution in dpi, and what is odd about the picture.

    Raises:
        RejectedError: This page cannot be drawn.
    """
    try:
        sheet = document[page - 1]
        width, height = sheet.get_size()
        scale = min(_dpi(sheet, masked) / 72, max_side / max(width, height), sqrt(most_pixels / (width * height)))
        image = canvas.draw(sheet, scale)
        seen = ink.of_pdf_page(sheet, image)
        sheet.close()
    except (pypdfium2.PdfiumError, ValueError, ArithmeticError) as error:  # no such page, or one without sides
        raise RejectedError(
            f"Page {page} of the PDF cannot be rendered.",
            code="page-broken",
            advice="Open it, print it to a new PDF and upload that.",
        ) from error
    return image, (width, height), scale * 72, seen


def _dpi(sheet: pypdfium2.PdfPage, masked: Callable[[], bool]) -> float:
    """Return the resolution to draw at: a scan is never drawn larger than its own pixels."""
    best = max(float(DPI), _LEAST_PIXELS / float(max(sheet.get_size())) * 72)
    scan = _scan(sheet)
    if scan is None:
        return best
    about = scan.get_metadata()
    own = max(about.horizontal_dpi, about.vertical_dpi)
    return best if own >= best or _is_shaped(scan) or masked() else float(own)


def _scan(sheet: pypdfium2.PdfPage) -> pypdfium2.PdfImage | None:
    """Return the one image that covers the page, if nothing else is seen on it; text recognized before is unseen."""
    image = None
    if pypdfium2.raw.FPDFPage_GetAnnotCount(sheet):
        return None
    for thing in sheet.get_objects(max_depth=_DEEPEST):
        if thing.type == pypdfium2.raw.FPDF_PAGEOBJ_IMAGE and image is None:
            image = thing
        elif (thing.type == pypdfium2.raw.FPDF_PAGEOBJ_FORM and thing.level < _DEEPEST - 1) or _unseen(thing):
            continue
        else:
            return None
    if image is None:
        return None
    left, bottom, right, top = image.get_bounds()
    width, height = sheet.get_size()
    return image if (right - left) * (top - bottom) >= _COVERS * width * height else None


def _is_shaped(image: pypdfium2.PdfImage) -> bool:
    """Tell whether what is seen of an image is shaped by something finer than its own pixels: a mask, or a path.

    So a scanner's software keeps letters sharp: the image has their color, a mask of 300 dpi their shape. PDFium does
    not tell whether an image has a mask; ``masks`` does.
    """
    raw = pypdfium2.raw
    path = raw.FPDFPageObj_GetClipPath(image)
    outlines = range(max(0, raw.FPDFClipPath_CountPaths(path))) if path else ()
    if any(raw.FPDFClipPath_CountPathSegments(path, number) > _RECTANGLE for number in outlines):
        return True
    return bool(raw.FPDFPageObj_HasTransparency(image))


def _unseen(thing: pypdfium2.PdfObject) -> bool:
    is_text = thing.type == pypdfium2.raw.FPDF_PAGEOBJ_TEXT
    return is_text and int(pypdfium2.raw.FPDFTextObj_GetTextRenderMode(thing)) == _INVISIBLE
