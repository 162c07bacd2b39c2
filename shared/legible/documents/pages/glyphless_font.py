"""A font without shapes for invisible text: it has characters and widths, and draws nothing.

The font file is made here, byte by byte: the six tables that PDF asks of an embedded TrueType font (ISO 32000-1, 9.9),
with glyphs that are as large as a letter and hold no ink. Which character a code stands for is told by the font's
``ToUnicode`` map, so that text of any script is found, beyond the first 65,536 characters of Unicode too: codes are
given to the characters as they are met.
"""

from __future__ import annotations

import struct
import unicodedata
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pikepdf

#: Characters are as wide as so many thousandths of their height.
NARROW, WIDE = 500, 1000
_EM = 1000
#: Codes have two bytes; 0 is no character.
_MOST_CODES = 0xFFFF
_REPLACEMENT = "\ufffd"
#: A character map has at most so many entries in one block (Adobe Technical Note 5411).
_BLOCK = 100
_NAME = "/LegibleGlyphless"


def font_file() -> bytes:
    """Return the TrueType font: the first two glyphs are narrow, the third is wide."""
    widths = (NARROW, NARROW, WIDE)
    glyphs = [_glyph(width) for width in widths]
    tables = {
        b"glyf": b"".join(glyphs),
        b"head": struct.pack(
            ">IIIIHHqqhhhhHHhhh", 0x10000, 0x10000, 0, 0x5F0F3CF5, 0, _EM, 0, 0, 0, 0, WIDE, _EM, 0, 8, 2, 0, 0
        ),
        b"hhea": struct.pack(">IhhhHhhhhhh8xhH", 0x10000, _EM, 0, 0, WIDE, 0, 0, WIDE, 1, 0, 0, 0, len(widths)),
        b"hmtx": b"".join(struct.pack(">Hh", width, 0) for width in widths),
        b"loca": struct.pack(">4H", *(sum(map(len, glyphs[:number])) // 2 for number in range(len(glyphs) + 1))),
        b"maxp": struct.pack(">I14H", 0x10000, len(widths), 2, 1, 0, 0, 1, *(0,) * 8),
    }
    return _joined(tables)


def _glyph(wide: int) -> bytes:
    """Return a line to the far corner and back: so large as a letter is marked where it is found, and no ink."""
    return struct.pack(">hhhhhHHBBhhhh", 1, 0, 0, wide, _EM, 1, 0, 1, 1, 0, wide, 0, _EM)


def _joined(tables: dict[bytes, bytes]) -> bytes:
    """Return a font of these tables, which stand in the order of their names."""
    power = len(tables).bit_length() - 1
    near = 16 << power
    head = struct.pack(">IHHHH", 0x10000, len(tables), near, power, 16 * len(tables) - near)
    body, first = b"", len(head) + 16 * len(tables)
    for name, table in tables.items():
        padded = table + bytes(-len(table) % 4)
        total = sum(struct.unpack(f">{len(padded) // 4}I", padded)) & 0xFFFFFFFF
        head += struct.pack(">4sIII", name, total, first + len(body), len(table))
        body += padded
    return head + body


class Glyphs:
    """The codes of one document's characters, and the font that maps them back."""

    def __init__(self) -> None:
        """Begin without a character."""
        self._codes: dict[str, int] = {}

    def encoded(self, text: str) -> bytes:
        """Return the codes of a text, two bytes each, in hexadecimal digits."""
        return b"".join(b"%04X" % self._code(letter) for letter in text)

    def write(self, pdf: pikepdf.Pdf, font: pikepdf.Object) -> None:
        """Fill an empty dictionary of a PDF with the font."""
        from pikepdf import Array, Dictionary, Name, String  # optional, as ``layer`` tells

        descriptor = Dictionary(
            Type=Name.FontDescriptor,
            FontName=Name(_NAME),
            Flags=4,
            FontBBox=Array([0, 0, WIDE, _EM]),
            ItalicAngle=0,
            Ascent=_EM,
            Descent=0,
            CapHeight=_EM,
            StemV=80,
            FontFile2=packed(pdf, font_file(), Length1=len(font_file())),
        )
        letters = Dictionary(
            Type=Name.Font,
            Subtype=Name.CIDFontType2,
            BaseFont=Name(_NAME),
            CIDSystemInfo=Dictionary(Registry=String("Adobe"), Ordering=String("Identity"), Supplement=0),
            FontDescriptor=pdf.make_indirect(descriptor),
            DW=NARROW,
            W=Array(self._widths()),
            CIDToGIDMap=packed(pdf, self._to_glyphs()),
        )
        font.Type, font.Subtype, font.BaseFont, font.Encoding = Name.Font, Name.Type0, Name(_NAME), Name("/Identity-H")
        font.DescendantFonts = Array([pdf.make_indirect(letters)])
        font.ToUnicode = packed(pdf, self._to_unicode())

    def _code(self, letter: str) -> int:
        code = self._codes.get(letter)
        if code is None and len(self._codes) < _MOST_CODES - 1:
            code = self._codes[letter] = len(self._codes) + 1
        return code or self._codes.setdefault(_REPLACEMENT, _MOST_CODES)

    def _widths(self) -> list[object]:
        wide = (code for letter, code in self._codes.items() if width(letter) == WIDE)
        return [item for code in wide for item in (code, [WIDE])]

    def _to_glyphs(self) -> bytes:
        chosen = bytearray(2 * (max(self._codes.values(), default=0) + 1))
        for letter, code in self._codes.items():
            chosen[2 * code + 1] = 2 if width(letter) == WIDE else 1
        return bytes(chosen)

    def _to_unicode(self) -> bytes:
        return b"\n".join(
            (
                b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
                b"/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def",
                b"/CMapName /Adobe-Identity-UCS def /CMapType 2 def",
                b"1 begincodespacerange <0000> <FFFF> endcodespacerange",
                *self._blocks(),
                b"endcmap CMapName currentdict /CMap defineresource pop end end",
            )
        )

    def _blocks(self) -> Iterator[bytes]:
        pairs = [
            b"<%04X> <%s>" % (code, letter.encode("utf-16-be").hex().upper().encode())
            for letter, code in self._codes.items()
        ]
        for first in range(0, len(pairs), _BLOCK):
            block = pairs[first : first + _BLOCK]
            yield b"%d beginbfchar\n%s\nendbfchar" % (len(block), b"\n".join(block))


def width(letter: str) -> int:
    """Return how wide a character is, in thousandths of its height: Chinese ones are square, others half as wide."""
    return WIDE if unicodedata.east_asian_width(letter) in {"W", "F"} else NARROW


def packed(pdf: pikepdf.Pdf, body: bytes, **entries: object) -> pikepdf.Stream:
    """Return a new stream of a PDF."""
    from pikepdf import Name

    return pdf.make_stream(zlib.compress(body), Filter=Name.FlateDecode, **entries)
