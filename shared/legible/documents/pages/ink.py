"""What is odd about the picture of a page: it has one color; or text that the PDF has is not seen in it."""

from __future__ import annotations

import ctypes
import unicodedata
from collections.abc import Iterator

import pypdfium2
from PIL import Image

from legible.model.pages import Ink

#: Pixels that differ by less, of 255, have one color for whoever looks: a scanner's and a JPEG's noise is larger.
_ONE_COLOR = 6
#: So many characters of a page are looked at, spread evenly over its text.
_MOST = 400
#: What a character would have to leave ink in, without what may be its neighbor's: the middle of its box.
_MIDDLE = 0.2
#: Text in so light a color is not meant to be seen on paper.
_WHITE = 235
#: Kinds of characters (Unicode) that leave no ink, or so little that it may be lost: blanks, controls, marks.
_WITHOUT_INK = frozenset({"Zs", "Zl", "Zp", "Cc", "Cf", "Mn", "Me"})
_INVISIBLE = frozenset({3, 7})


def of_image(image: Image.Image) -> Ink:
    """Tell whether a picture has one color."""
    return "one-color" if _one_color(image) else ""


def of_pdf_page(sheet: pypdfium2.PdfPage, image: Image.Image) -> Ink:
    """Compare the picture of a page with the page's text.

    The text of a font that is not in the file is drawn with another one, or not at all where there is none: then it is
    in the PDF and not in the picture. So is text that is drawn in white, or not to be seen at all; that does not count.

    Args:
        sheet: The page.
        image: How it was drawn.
    """
    blank = _one_color(image)
    if not blank and not _borrows(sheet):
        return ""
    characters = list(_boxes(sheet, image.size, borrowed=not blank))
    if blank:
        return "text-unseen" if characters else "one-color"
    return "text-unseen" if any(_one_color(image.crop(box)) for box in characters) else ""


def _one_color(image: Image.Image) -> bool:
    bands = image.getextrema()
    extremes = bands if isinstance(bands[0], tuple) else (bands,)
    return all(most - least < _ONE_COLOR for least, most in extremes)


def _borrows(sheet: pypdfium2.PdfPage) -> bool:
    """Tell whether a page has text in a font that is not in the file."""
    texts = sheet.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_TEXT])
    return any(_is_borrowed(pypdfium2.raw.FPDFTextObj_GetFont(text)) for text in texts)


def _is_borrowed(font: object) -> bool:
    return bool(font) and not pypdfium2.raw.FPDFFont_GetIsEmbedded(font)


def _boxes(sheet: pypdfium2.PdfPage, size: tuple[int, int], *, borrowed: bool) -> Iterator[tuple[int, int, int, int]]:
    """Yield the middles of the boxes of characters, in pixels; with ``borrowed``, of those whose font is elsewhere."""
    text = sheet.get_textpage()
    count = text.count_chars()
    for index in range(0, count, max(1, count // _MOST)):
        if _is_seen(text, index, borrowed=borrowed):
            box = _box(sheet, text, index, size)
            if box is not None:
                yield box
    text.close()


def _is_seen(text: pypdfium2.PdfTextPage, index: int, *, borrowed: bool) -> bool:
    """Tell whether a character is meant to be seen."""
    raw = pypdfium2.raw
    code = raw.FPDFText_GetUnicode(text, index)
    if unicodedata.category(chr(code)) in _WITHOUT_INK or raw.FPDFText_IsGenerated(text, index):
        return False
    thing = raw.FPDFText_GetTextObject(text, index)
    if not thing or raw.FPDFTextObj_GetTextRenderMode(thing) in _INVISIBLE:
        return False
    if borrowed and not _is_borrowed(raw.FPDFTextObj_GetFont(thing)):
        return False
    color = [ctypes.c_uint() for _ in range(4)]
    raw.FPDFText_GetFillColor(text, index, *color)
    return color[3].value > 0 and min(part.value for part in color[:3]) < _WHITE


def _box(
    sheet: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage, index: int, size: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """Return the middle of a character's box in pixels; None where it is not on the picture or smaller than a pixel."""
    left, bottom, right, top = text.get_charbox(index, loose=True)
    corners = []
    for x, y in ((left, top), (right, bottom)):
        at = ctypes.c_int(), ctypes.c_int()
        pypdfium2.raw.FPDF_PageToDevice(sheet, 0, 0, *size, 0, x, y, *at)
        corners.append((at[0].value, at[1].value))
    (x0, x1), (y0, y1) = (sorted(pair) for pair in zip(*corners, strict=True))
    inset = int((x1 - x0) * _MIDDLE)
    x0, x1 = x0 + inset, x1 - inset
    inside = x0 >= 0 and y0 >= 0 and x1 <= size[0] and y1 <= size[1]
    return (x0, y0, x1, y1) if inside and x1 - x0 > 1 and y1 - y0 > 1 else None
