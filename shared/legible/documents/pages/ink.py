"""What is odd about the picture of a page: it has one color; or text that the PDF has is not seen in it."""

from __future__ import annotations

import ctypes
import unicodedata
from collections.abc import Iterator
from typing import cast

from PIL import Image

from legible.documents.pages.pdfium import pypdfium2
from legible.model.pages import Ink

#: Pixels that differ by less, of 255, have one color for whoever looks: a scanner's and a JPEG's noise is larger.
_ONE_COLOR = 6
#: So many characters of a page are looked at, spread evenly over its text.
_MOST = 400
#: What a character would have to leave ink in, without what may be its neighbor's: the middle of its box.
_MIDDLE = 0.2
#: By so much a letter differs from its ground to be seen, of 255.
_CONTRAST = 40
#: A letter that is lighter stands out from black better than from white.
_HALF = 127
#: Kinds of characters (Unicode) that leave no ink, or so little that it may be lost or lie beside the middle of its
#: box: blanks, controls, marks, commas.
_WITHOUT_INK = ("Z", "Cc", "Cf", "M", "P")
_INVISIBLE = frozenset({3, 7})


def of_image(image: Image.Image) -> Ink:
    """Tell whether a picture has one color."""
    return "one-color" if _one_color(image) else ""


def of_pdf_page(sheet: pypdfium2.PdfPage, image: Image.Image) -> Ink:
    """Compare the picture of a page with the page's text.

    The text of a font that is not in the file is drawn with another one, or not at all where there is none: then it is
    in the PDF and not in the picture. That does not count where it is the color of its ground, is hidden by what is
    drawn over it, or is not to be seen at all.

    Args:
        sheet: The page; nothing may be asked of it any more, for what hides its text is taken off.
        image: How it was drawn.
    """
    if _borrows(sheet) and _lacks_text(sheet, image):
        return "text-unseen"
    return "one-color" if _one_color(image) else ""


def _lacks_text(sheet: pypdfium2.PdfPage, image: Image.Image) -> bool:
    """Tell whether letters of a page leave no ink in its picture, nor where it is drawn without what may hide them."""
    text = sheet.get_textpage()
    gray = image.convert("L")
    lost = [(box, light) for box, light in _letters(sheet, text, image.size) if _is_lost(gray.crop(box), light)]
    seen = False
    if lost:
        bare = _bare(sheet, image.size, 0 if lost[0][1] > _HALF else 255)
        seen = not any(_is_lost(bare.crop(box), light) for box, light in lost)
    text.close()
    return bool(lost) and not seen


def _bare(sheet: pypdfium2.PdfPage, size: tuple[int, int], ground: int) -> Image.Image:
    """Take everything but text off a page, and draw it so on paper so light, of 255."""
    raw = pypdfium2.raw
    covers = [raw.FPDF_PAGEOBJ_PATH, raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_SHADING]
    for thing in list(sheet.get_objects(filter=covers)):
        sheet.remove_obj(thing)
    scale = max(side / points for side, points in zip(size, sheet.get_size(), strict=True))
    bare = sheet.render(
        scale=scale, grayscale=True, fill_color=(ground, ground, ground, 255), draw_annots=False, may_draw_forms=False
    )
    return cast("Image.Image", bare.to_pil())


def _is_lost(place: Image.Image, light: int) -> bool:
    """Tell whether a letter of that lightness should be seen here and is not; one on its own color never is."""
    least, most = cast("tuple[int, int]", place.getextrema())
    return most - least < _ONE_COLOR and abs(least - light) > _CONTRAST


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


def _letters(
    sheet: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage, size: tuple[int, int]
) -> Iterator[tuple[tuple[int, int, int, int], int]]:
    """Yield the middles of the boxes of letters that are meant to be seen, in pixels, and how light they are.

    Those of a font that is in the file are left out: they are drawn, or the document means them not to be.
    """
    count = text.count_chars()
    for index in range(0, count, max(1, count // _MOST)):
        light = _lightness(text, index)
        box = None if light is None else _box(sheet, text, index, size)
        if box is not None and light is not None:
            yield box, light


def _lightness(text: pypdfium2.PdfTextPage, index: int) -> int | None:
    """Return how light a letter is, 0 to 255; None for what is none, or not meant to be seen, or of an own font."""
    raw = pypdfium2.raw
    kind = unicodedata.category(chr(raw.FPDFText_GetUnicode(text, index)))
    if kind.startswith(_WITHOUT_INK) or raw.FPDFText_IsGenerated(text, index):
        return None
    thing = raw.FPDFText_GetTextObject(text, index)
    own = not thing or not _is_borrowed(raw.FPDFTextObj_GetFont(thing))
    if own or raw.FPDFTextObj_GetTextRenderMode(thing) in _INVISIBLE or _is_optional(thing):
        return None
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    raw.FPDFText_GetFillColor(text, index, red, green, blue, alpha)
    return (red.value * 299 + green.value * 587 + blue.value * 114) // 1000 if alpha.value else None


def _is_optional(thing: object) -> bool:
    """Tell whether an object is content that can be switched off (ISO 32000-1, 14.6 and 8.11)."""
    raw = pypdfium2.raw
    name, length = (ctypes.c_ushort * 3)(), ctypes.c_ulong()
    for number in range(max(0, raw.FPDFPageObj_CountMarks(thing))):
        raw.FPDFPageObjMark_GetName(raw.FPDFPageObj_GetMark(thing, number), name, ctypes.sizeof(name), length)
        if bytes(name) == "OC\0".encode("utf-16-le"):
            return True
    return False


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
