"""The fonts for PDFs that do not bring theirs: PDFium is given them where the system has none that it would take.

A function's runtime has no fonts at all. Those of PDFium itself hold Western letters only: what Chinese, Japanese,
Korean, Greek or Cyrillic is set in a font that is not embedded would not be drawn, and nobody would notice.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import pypdfium2
from pypdfium2 import raw

#: A collection of two, made by ``make fonts``.
FONTS = Path(__file__).with_name("fonts") / "fallback.ttc"
#: What PDFium calls them by, besides their places in the collection: any number but 0, which is none.
_REGULAR, _BOLD = 1, 2
#: PDFium asks for Helvetica, too, to draw a letter that a font lacks, embedded or not (cpdf_font.cpp). Its own fonts
#: for the other standard names stay: they are as wide as documents that tell no widths expect.
_FACES = {b"Helvetica": _REGULAR, b"Helvetica-Bold": _BOLD}
_NAMES = {_REGULAR: b"Legible Fallback\0", _BOLD: b"Legible Fallback Bold\0"}
_ASIAN = frozenset(
    {
        raw.FXFONT_SHIFTJIS_CHARSET,
        raw.FXFONT_HANGEUL_CHARSET,
        raw.FXFONT_GB2312_CHARSET,
        raw.FXFONT_CHINESEBIG5_CHARSET,
    }
)
#: The name of the table that stands for a whole collection, and where its header has the places of its fonts.
_WHOLE, _PLACES = int.from_bytes(b"ttcf", "big"), 12


class FontSource(pypdfium2.PdfSysfontBase):  # type: ignore[misc]
    """What PDFium asks for fonts: the system's own, and where that has none, ours (``fpdf_sysfontinfo.h``)."""

    def MapFont(self, _: Any, weight: int, italic: int, charset: int, pitch: int, face: Any, exact: Any) -> Any:
        """Return the font for a name and a set of letters; nothing where PDFium shall take one of its own."""
        found = self.default.MapFont(self.default, weight, italic, charset, pitch, face, exact)
        if found or charset in _ASIAN:
            return found or _REGULAR
        return _FACES.get(ctypes.cast(face, ctypes.c_char_p).value or b"")

    def GetFontData(self, _: Any, font: Any, table: int, buffer: Any, size: int) -> int:
        """Write as much of a font as the buffer takes, and return how long it is.

        PDFium keeps a collection once; single fonts it would read again for each weight that it is asked for.
        """
        if font not in _NAMES:
            return int(self.default.GetFontData(self.default, font, table, buffer, size))
        whole = FONTS.stat().st_size
        if table == _WHOLE:
            if buffer and size:
                with FONTS.open("rb") as file:
                    file.readinto((ctypes.c_ubyte * min(size, whole)).from_address(ctypes.addressof(buffer.contents)))
            return whole
        # Table 0 is the font from its place on: that is how PDFium learns which of the collection it is.
        return whole - _place(font) if table == 0 else 0

    def GetFaceName(self, _: Any, font: Any, buffer: Any, size: int) -> int:
        """Write the name of a font, and return how long it is."""
        if font not in _NAMES:
            return int(self.default.GetFaceName(self.default, font, buffer, size))
        name = _NAMES[font]
        if buffer and size >= len(name):
            ctypes.memmove(buffer, name, len(name))
        return len(name)

    def GetFontCharset(self, _: Any, font: Any) -> int:
        """Return the set of letters of a font that was asked for without one."""
        if font not in _NAMES:
            return int(self.default.GetFontCharset(self.default, font))
        return int(raw.FXFONT_ANSI_CHARSET)

    def DeleteFont(self, _: Any, font: Any) -> None:
        """Give a font back."""
        if font not in _NAMES:
            self.default.DeleteFont(self.default, font)


@cache
def _place(font: int) -> int:
    with FONTS.open("rb") as file:
        file.seek(_PLACES + 4 * (font - _REGULAR))
        return int.from_bytes(file.read(4), "big")


@cache
def offer() -> None:
    """Let PDFium have our fonts from now on, in this process, unless it was given others."""
    if pypdfium2.PdfSysfontBase.SINGLETON is not None:
        return
    # Where PDFium has no way to the system's fonts, or the system forbids C to call Python, it draws with its own.
    with suppress(pypdfium2.PdfiumError, MemoryError):
        FontSource().setup()
