"""Puts a text layer on the pages of a PDF; everything else in it stays as it is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pikepdf
import pypdfium2

from legible.documents.pages import packed_pdf
from legible.documents.pages.glyphless_font import Glyphs, packed
from legible.documents.pages.open_document import pdf
from legible.documents.pages.text_layer import PageAxes, lettering
from legible.documents.pages.values import PageText

_LETTER = (0.0, 0.0, 612.0, 792.0)
_Box = tuple[float, float, float, float]


def write(source: Path, target: Path, text_of: Callable[[int], PageText | None]) -> int:
    """Write a PDF with a text layer.

    Args:
        source: The PDF.
        target: Where the copy goes.
        text_of: Returns the words of a page, counted from 1; called in the order of the pages.

    Returns:
        How many pages have words.

    Raises:
        RejectedError: The PDF cannot be opened.
        ValueError: Its pages cannot be told apart. On hostile bytes pikepdf raises other errors too.
    """
    # Frames are those of pdfium, which drew the pages: what both readers see of a page must be the same
    with pdf(source) as drawn, source.open("rb") as file, packed_pdf.opened(file) as document:
        if len(drawn) != len(document.pages):
            raise ValueError("Another reader counts other pages.")
        overlay = Overlay(document)
        for index, page in enumerate(document.pages):
            text = text_of(index + 1)
            if text is not None:
                overlay.add(page, drawn, text)
        layers = overlay.finish()
        with target.open("wb") as copied:
            packed_pdf.save(document, copied)
        return layers


class Overlay:
    """The text layer of a PDF: a font, and a stream before the others of each page.

    Before them, because there the page's own state is not yet changed by anything; and unseen text hides nothing.
    """

    def __init__(self, document: pikepdf.Pdf) -> None:
        """Begin with a document without layers."""
        self._document = document
        self._glyphs = Glyphs()
        self._font = document.make_indirect(pikepdf.Dictionary())
        self._layers = 0
        #: Of resources that several pages share, those with the font, and its name there.
        self._shared: dict[tuple[int, int], tuple[pikepdf.Object, pikepdf.Name]] = {}

    def add(self, page: pikepdf.Page, drawn: pypdfium2.PdfDocument, text: PageText) -> None:
        """Put a page's words on it; on any error of the libraries the page stays as it is."""
        try:
            self._add(page, drawn.get_page_size(text.page - 1), text)
        except MemoryError:
            raise
        except Exception:
            return
        self._layers += 1

    def finish(self) -> int:
        """Make the font; return how many pages have words."""
        if self._layers:
            self._glyphs.write(self._document, self._font)
        return self._layers

    def _add(self, page: pikepdf.Page, size: tuple[float, float], text: PageText) -> None:
        place = _place(page.obj, size)
        resources, name = self._with_font(page.obj.get("/Resources"))
        body = lettering(text.words, text.frame, place, str(name).encode(), self._glyphs)
        page.contents_add(packed(self._document, body), prepend=True)
        page.obj.Resources = resources

    def _with_font(self, own: pikepdf.Object | None) -> tuple[pikepdf.Object, pikepdf.Name]:
        """Return a copy of resources with the font, and its name in them: others may use the same ones."""
        if own is not None and own.objgen in self._shared:
            return self._shared[own.objgen]
        resources = _copied(own)
        fonts = _copied(resources.get("/Font"))
        name = next(name for name in (pikepdf.Name(f"/Legible{turn}") for turn in count()) if name not in fonts)
        fonts[name] = self._font
        resources.Font = fonts
        with_font = self._document.make_indirect(resources), name
        if own is not None and own.is_indirect:
            self._shared[own.objgen] = with_font
        return with_font


def _copied(values: pikepdf.Object | None) -> pikepdf.Dictionary:
    """Return a copy of a dictionary; what stands in it is the same."""
    if values is None:
        return pikepdf.Dictionary()
    if not isinstance(values, pikepdf.Dictionary):
        raise TypeError("Resources are of another kind.")
    return copy.copy(values)


def _place(page: pikepdf.Object, size: tuple[float, float]) -> PageAxes:
    """Return where a page is; what another reader sees of it must have the same sides."""
    media = _box(page.get("/MediaBox")) or _LETTER
    crop = _box(page.get("/CropBox")) or media
    left, bottom = max(media[0], crop[0]), max(media[1], crop[1])
    right, top = min(media[2], crop[2]), min(media[3], crop[3])
    wide, high = right - left, top - bottom
    turn = int(page.get("/Rotate", 0)) // 90 % 4
    sides = (high, wide) if turn % 2 else (wide, high)
    if not all(one > 0 and abs(one - other) <= 1 for one, other in zip(sides, size, strict=True)):
        raise ValueError("Another reader sees another page.")
    return (
        PageAxes((left, top), (wide, 0), (0, -high)),
        PageAxes((left, bottom), (0, high), (wide, 0)),
        PageAxes((right, bottom), (-wide, 0), (0, high)),
        PageAxes((right, top), (0, -high), (-wide, 0)),
    )[turn]


def _box(values: pikepdf.Object | None) -> _Box | None:
    """Return left, bottom, right and top; None where there is no box, or an empty one."""
    if values is None:
        return None
    x, y, other_x, other_y = (float(value) for value in list(values)[:4])
    box = (min(x, other_x), min(y, other_y), max(x, other_x), max(y, other_y))
    return box if box[0] < box[2] and box[1] < box[3] else None
