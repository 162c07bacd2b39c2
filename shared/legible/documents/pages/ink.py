"""What is odd about the picture of a page: it has one color; or text that the PDF has is not seen in it."""

from __future__ import annotations

import ctypes
import unicodedata
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple, cast

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
#: A picture is first looked at in strips of so many pixels, between so many parts of its height.
_STRIP, _STRIPS = 16, 4
#: A point so far from a page's origin, in points, and a picture so many times as fine tell where the page lies in it.
_FAR, _FINER = 1000.0, 64
#: Left, top, right and bottom in pixels.
Box = tuple[int, int, int, int]
#: A font, and a letter of it as Unicode has it.
_Glyph = tuple["int | None", int]
#: Letters are gone through in so many rounds, each all over the page; one that was seen so often is known.
_ROUNDS, _OFTEN = 4, 3


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
    lost = _lost(sheet, text, image)
    seen = False
    if lost:
        bare = _bare(sheet, image.size, 0 if lost[0][1] > _HALF else 255)
        seen = not any(_is_lost(bare.crop(box), light) for box, light in lost)
    text.close()
    return bool(lost) and not seen


def _lost(sheet: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage, image: Image.Image) -> list[tuple[Box, int]]:
    """Return the boxes of letters that leave no ink in a page's picture, and how light they are."""
    seen: Counter[_Glyph] = Counter()
    inked, lost = _Inked(image), []
    for box, light, glyph in _letters(sheet, text, image.size, seen):
        if inked(box):
            seen[glyph] += 1
        elif _is_lost(image.crop(box).convert("L"), light):
            lost.append((box, light))
    return lost


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


class _Inked:
    """Tells whether the middle row of a letter's box has more than one color; all letters of a line share their row."""

    def __init__(self, image: Image.Image) -> None:
        self._image = image
        self._rows: dict[int, bytes] = {}

    def __call__(self, box: Box) -> bool:
        middle = (box[1] + box[3]) // 2
        row = self._rows.get(middle)
        if row is None:
            row = self._image.crop((0, middle, self._image.width, middle + 1)).convert("L").tobytes()
            self._rows[middle] = row
        part = row[box[0] : box[2]]
        return max(part) - min(part) >= _ONE_COLOR


def _is_lost(place: Image.Image, light: int) -> bool:
    """Tell whether a letter of that lightness should be seen here and is not; one on its own color never is."""
    least, most = cast("tuple[int, int]", place.getextrema())
    return most - least < _ONE_COLOR and abs(least - light) > _CONTRAST


def _one_color(image: Image.Image) -> bool:
    """Tell whether all of a picture has one color; a strip of it mostly tells that it has not."""
    return all(map(_varies_little, strips(image))) and _varies_little(image)


def strips(image: Image.Image) -> Iterator[Image.Image]:
    """Yield a few strips of a picture: what one of them has, the picture has too."""
    for place in range(1, _STRIPS):
        top = place * image.height // _STRIPS
        yield image.crop((0, top, image.width, min(top + _STRIP, image.height)))


def _varies_little(image: Image.Image) -> bool:
    bands = image.getextrema()
    extremes = bands[:3] if isinstance(bands[0], tuple) else (bands,)  # a fourth one says nothing
    return all(most - least < _ONE_COLOR for least, most in extremes)


def _borrows(sheet: pypdfium2.PdfPage) -> bool:
    """Tell whether a page has text in a font that is not in the file."""
    texts = sheet.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_TEXT])
    return any(_is_borrowed(pypdfium2.raw.FPDFTextObj_GetFont(text)) for text in texts)


def _is_borrowed(font: object) -> bool:
    return bool(font) and not pypdfium2.raw.FPDFFont_GetIsEmbedded(font)


def _letters(
    sheet: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage, size: tuple[int, int], seen: Counter[_Glyph]
) -> Iterator[tuple[Box, int, _Glyph]]:
    """Yield the middles of the boxes of letters that are meant to be seen, in pixels, how light they are, and which.

    Those of a font that is in the file are left out: they are drawn, or the document means them not to be. So are those
    that were ``seen`` often enough: a font that has a letter has it everywhere.
    """
    raw, handle, count = pypdfium2.raw, text.raw, text.count_chars()
    boxes, objects = _Boxes(sheet, text, size), dict[int | None, _Ink | None]()
    step = max(1, count // _MOST)
    for index in (index for first in range(_ROUNDS) for index in range(first * step, count, _ROUNDS * step)):
        thing = raw.FPDFText_GetTextObject(handle, index)
        name = ctypes.cast(thing, ctypes.c_void_p).value
        if name not in objects:
            objects[name] = _ink(text, index, thing)
        ink, code = objects[name], raw.FPDFText_GetUnicode(handle, index)
        if ink is None or seen[(ink.font, code)] >= _OFTEN or _is_inkless(code):
            continue
        box = None if raw.FPDFText_IsGenerated(handle, index) else boxes.middle(index)
        if box is not None:
            yield box, ink.light, (ink.font, code)


@cache
def _is_inkless(code: int) -> bool:
    return unicodedata.category(chr(code)).startswith(_WITHOUT_INK)


class _Ink(NamedTuple):
    """What the letters of one object of a page have in common: their font, and how light they are, 0 to 255."""

    font: int | None
    light: int


def _ink(text: pypdfium2.PdfTextPage, index: int, thing: Any) -> _Ink | None:
    """Return what the letters of an object have in common; None where they need not be seen, or of an own font."""
    raw = pypdfium2.raw
    font = raw.FPDFTextObj_GetFont(thing) if thing else None
    if not _is_borrowed(font) or raw.FPDFTextObj_GetTextRenderMode(thing) in _INVISIBLE or _is_optional(thing):
        return None
    red, green, blue, alpha = (ctypes.c_uint() for _ in range(4))
    raw.FPDFText_GetFillColor(text, index, red, green, blue, alpha)
    if not alpha.value:
        return None
    light = (red.value * 299 + green.value * 587 + blue.value * 114) // 1000
    return _Ink(ctypes.cast(cast(Any, font), ctypes.c_void_p).value, light)


def _is_optional(thing: object) -> bool:
    """Tell whether an object is content that can be switched off (ISO 32000-1, 14.6 and 8.11)."""
    raw = pypdfium2.raw
    name, length = (ctypes.c_ushort * 3)(), ctypes.c_ulong()
    for number in range(max(0, raw.FPDFPageObj_CountMarks(thing))):
        raw.FPDFPageObjMark_GetName(raw.FPDFPageObj_GetMark(thing, number), name, ctypes.sizeof(name), length)
        if bytes(name) == "OC\0".encode("utf-16-le"):
            return True
    return False


class _Boxes:
    """Where the letters of a page lie in its picture."""

    def __init__(self, sheet: pypdfium2.PdfPage, text: pypdfium2.PdfTextPage, size: tuple[int, int]) -> None:
        self._size = size
        self._ask, self._text, self._box = pypdfium2.raw.FPDFText_GetLooseCharBox, text.raw, pypdfium2.raw.FS_RECTF()
        at = [_on_picture(sheet, size, *point) for point in ((0, 0), (_FAR, 0), (0, _FAR))]
        #: For each side of the picture: where the page's origin lies, and what a point to the right and one up add.
        self._sides = [
            (start, (right - start) / _FAR, (up - start) / _FAR) for start, right, up in zip(*at, strict=True)
        ]

    def middle(self, index: int) -> Box | None:
        """Return the middle of a letter's box, in pixels; None where it is not on the picture or below a pixel."""
        box = self._box
        self._ask(self._text, index, box)
        left, top, right, bottom = box.left, box.top, box.right, box.bottom
        (x, x_right, x_up), (y, y_right, y_up) = self._sides
        x0, x1 = round(x + x_right * left + x_up * top), round(x + x_right * right + x_up * bottom)
        y0, y1 = round(y + y_right * left + y_up * top), round(y + y_right * right + y_up * bottom)
        x0, x1, y0, y1 = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
        inset = int((x1 - x0) * _MIDDLE)
        x0, x1 = x0 + inset, x1 - inset
        inside = x0 >= 0 and y0 >= 0 and x1 <= self._size[0] and y1 <= self._size[1]
        return (x0, y0, x1, y1) if inside and x1 - x0 > 1 and y1 - y0 > 1 else None


def _on_picture(sheet: pypdfium2.PdfPage, size: tuple[int, int], x: float, y: float) -> tuple[float, float]:
    """Return where a point of a page lies in its picture; PDFium rounds to pixels, so a finer picture is asked for."""
    across, down = ctypes.c_int(), ctypes.c_int()
    pypdfium2.raw.FPDF_PageToDevice(sheet, 0, 0, *(side * _FINER for side in size), 0, x, y, across, down)
    return across.value / _FINER, down.value / _FINER
