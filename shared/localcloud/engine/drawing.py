"""One page of a PDF is drawn, as the service says that it does: at 144 dpi."""

from __future__ import annotations

import math

import PIL.Image
import pypdfium2

from legible.documents.pages import fallback_font
from localcloud.engine.errors import EngineError, refused_option

#: The service says that it renders PDF pages at 144 dpi (smart document recognizer).
PDF_DPI = 144
#: The most pixels of a larger page's drawing; at 144 dpi the largest page a PDF can have would take gigabytes.
MAX_PAGE_PIXELS = 40_000_000
#: The longest side of a drawing: that of the images the service takes.
MAX_PAGE_SIDE = 30_000
#: A page so long that this side leaves it less than a quarter of 144 dpi has no letters left: it is refused.
LEAST_DPI = 36
#: A page that would have less than the first on its longer side is a card, or has another unit than points (UserUnit,
#: which PDFium does not tell): it is drawn with the second, as A4 at 120 dpi has. 84 points at 144 dpi hold no letters.
TINY_PAGE, TINY_PAGE_DRAWN = 700, 1400


def draw(data: bytes, page_number: int) -> PIL.Image.Image:
    """Draw one page in color; ``page_number`` counts from 1.

    Raises:
        EngineError: AIS.0102 if this PDF cannot be opened, AIS.0101 if it has no such page, AIS.0103 if the page is too
            long, AIS.0104 if it cannot be drawn.
    """
    fallback_font.offer()
    try:
        pdf = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise EngineError("AIS.0102", "the PDF is damaged or protected") from error
    try:
        if not 1 <= page_number <= len(pdf):
            raise refused_option("pdf_page_number", f"the PDF has {len(pdf)} page(s), page {page_number} was asked for")
        return _drawn(pdf, page_number)
    finally:
        pdf.close()


def _drawn(pdf: pypdfium2.PdfDocument, page_number: int) -> PIL.Image.Image:
    try:
        page = pdf[page_number - 1]
        picture: PIL.Image.Image = page.render(scale=scale_of(*page.get_size())).to_pil()
        return picture.convert("RGB")
    except EngineError:
        raise
    # A page that the tree of pages names and the file does not hold, one that is cropped to nothing, one without sides:
    # PDFium and its binding raise an error of another class for each. The document is at fault, never the service.
    except Exception as error:
        raise EngineError("AIS.0104", f"page {page_number} of the PDF cannot be drawn") from error


def scale_of(width: float, height: float) -> float:
    """Return how many pixels a point is drawn with, for a page of these sides (points).

    Raises:
        EngineError: The page is too long (AIS.0103).
    """
    longest = max(width, height)
    wanted = PDF_DPI / 72
    if longest * wanted < TINY_PAGE:
        wanted = TINY_PAGE_DRAWN / longest
    scale = min(wanted, math.sqrt(MAX_PAGE_PIXELS / max(1.0, width * height)))
    if MAX_PAGE_SIDE / longest < min(scale, LEAST_DPI / 72):
        raise EngineError("AIS.0103", f"the page of {width:.0f} x {height:.0f} points is too long to be drawn")
    return min(scale, MAX_PAGE_SIDE / longest)
