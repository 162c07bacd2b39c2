"""``make fonts``: the fonts that PDFs are drawn with where theirs are not embedded, made of others' under the OFL.

What it writes is committed; nobody but whoever changes it needs the 30 MB of sources. The same sources give the same
bytes. All letters are in one font, because PDFium knows one last resort, a font for Arial. So Latin, Greek and Cyrillic
have the widths of Arial and Helvetica, and all else comes from Noto Sans CJK. A bold one has the former alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

from fontTools import subset
from fontTools.misc.transform import Offset, Scale
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.pens.transformPen import TransformPen
from fontTools.ttLib import TTCollection, TTFont, newTable
from fontTools.ttLib.tables._c_m_a_p import cmap_format_4
from fontTools.varLib import instancer

TARGET = Path(__file__).resolve().parents[2] / "shared" / "legible" / "documents" / "pages" / "fonts"
#: Where the packages of requirements/fonts.txt hold their fonts; variable ones are taken as they are unless varied.
_CJK = "rinoh_typeface_notosanscjk/notosanscjkjp-regular.otf"
_ARIMO = "fontpkg_arimo/files/Arimo[wght].ttf"
_THAI = "fontpkg_noto_sans_thai/files/NotoSansThai[wdth,wght].ttf"
_LICENSE = "fontpkg_arimo/LICENSE"
#: None of the sources' names, which are trademarks, and may be reserved for the unaltered fonts.
_NAME = "Legible Fallback"

_TRAILS = range(0x40, 0xFF)
#: The national sets, and the first bytes of their letters: both levels of China's, Taiwan's and Japan's, with what
#: vendors added to the latter; Korea's Hangul.
_SETS: dict[str, Iterable[int]] = {
    "gb2312": range(0xA1, 0xF8),
    "big5": range(0xA1, 0xFA),
    "cp932": (*range(0x81, 0xA0), *range(0xE0, 0xFD)),
    "euc_kr": range(0xA1, 0xC9),
}
#: Rarer signs, mostly of names, are taken where both of these have them: 600 of 21,000.
_RARE = ("big5hkscs", "euc_jis_2004")
#: What is taken of Arimo, in blocks of Unicode: Latin with that of Vietnam, Greek, Cyrillic, Hebrew, signs, ligatures.
_ARIMO_LETTERS = ((0x20, 0x52F), (0x590, 0x5FF), (0x1E00, 0x1FFF), (0x2000, 0x23FF), (0x2500, 0x25FF), (0xFB00, 0xFB06))
_THAI_LETTERS = ((0xE00, 0xE7F),)
#: Signs of Noto Sans CJK that are in no national set: circled numbers, ticks, units, wide and upright forms.
_SIGNS = ((0x2460, 0x24FF), (0x2600, 0x27BF), (0x3000, 0x33FF), (0xFE30, 0xFE4F), (0xFF00, 0xFFEF))
#: Boxes that are ticked are in none of the sources: a square, and the sign in it.
_BOXES = {0x2610: "□", 0x2611: "□✓", 0x2612: "□×"}
#: So many glyphs stand in the order of Arimo, which is Arial's: some PDFs name letters by their place in that font.
_IN_ORDER = 260


class _Letters:
    """A font of Noto Sans CJK's kind that glyphs are added to, and which of its glyphs stands for which letter."""

    def __init__(self, font: TTFont) -> None:
        self.font = font
        self.map = dict(font.getBestCmap())
        self._top = font["CFF "].cff.topDictIndex[0]
        there = set(self._top.charset)
        self._free = (name for number in range(1, self._top.CIDCount) if (name := f"cid{number:05d}") not in there)

    def glyph(self, parts: list[tuple[Any, Any]], glyphs: Any, width: float) -> str:
        """Add a glyph that is made of these, each moved as its transformation says; return its name."""
        private = self._top.FDArray[0].Private
        pen = T2CharStringPen(round(width) - private.nominalWidthX, glyphs)
        for part, moved in parts:
            part.draw(TransformPen(pen, moved))
        charstring = pen.getCharString(private, self._top.GlobalSubrs)
        name = next(self._free)
        self._top.CharStrings.charStrings[name] = len(self._top.charset)
        self._top.CharStrings.charStringsIndex.append(charstring)
        self._top.charset.append(name)
        self._top.FDSelect.gidArray.append(0)
        bounds = charstring.calcBounds(None)
        self.font["hmtx"][name] = (round(width), round(bounds[0]) if bounds else 0)
        return name

    def take(self, donor: TTFont, codes: set[int]) -> dict[str, str]:
        """Add a donor's glyphs for these letters; return what became of which."""
        glyphs, there = donor.getGlyphSet(), donor.getBestCmap()
        scale = self.font["head"].unitsPerEm / donor["head"].unitsPerEm
        wanted = {code: there[code] for code in sorted(codes & set(there))}
        first = donor.getGlyphOrder()[1:_IN_ORDER] if len(codes) > _IN_ORDER else []
        names = {
            name: self.glyph([(glyphs[name], Scale(scale))], glyphs, glyphs[name].width * scale)
            for name in dict.fromkeys([*first, *wanted.values()])
        }
        self.map.update({code: names[name] for code, name in wanted.items()})
        return names

    def order(self, first: list[str]) -> None:
        """Put these glyphs first."""
        names = [".notdef", *first, *(name for name in self._top.charset[1:] if name not in set(first))]
        old = {name: number for number, name in enumerate(self._top.charset)}
        outlines, chosen = self._top.CharStrings.charStringsIndex, self._top.FDSelect.gidArray
        outlines.items = [outlines[old[name]] for name in names]
        self._top.FDSelect.gidArray = [chosen[old[name]] for name in names]
        self._top.CharStrings.charStrings = {name: number for number, name in enumerate(names)}
        self._top.charset = names
        self.font.setGlyphOrder(names)


def build(sources: Path) -> bytes:
    """Return the fonts, regular and bold: a collection, which PDFium keeps once, however often it asks for one."""
    arimo, thai = TTFont(sources / _ARIMO), TTFont(sources / _THAI)
    latin = _within(_ARIMO_LETTERS)
    font = _chinese_japanese_korean(sources / _CJK, latin & set(arimo.getBestCmap()))
    letters = _Letters(font)
    first = letters.take(arimo, latin)
    letters.take(thai, _within(_THAI_LETTERS))
    _boxes(letters)
    letters.order(list(first.values())[: _IN_ORDER - 1])
    _map(font, letters.map)
    bold = _bold(sources / _ARIMO, latin)
    _name(font, "Regular", [font, arimo, thai])
    _name(bold, "Bold", [bold])
    _name_outlines(font)
    written, collection = BytesIO(), TTCollection()
    collection.fonts = [font, bold]
    collection.save(written)
    return written.getvalue()


def _codes(codec: str) -> set[int]:
    """Return what a national set has."""
    pairs = (bytes((lead, trail)) for lead in _SETS[codec] for trail in _TRAILS)
    return {ord(letter) for pair in pairs for letter in pair.decode(codec, "ignore")}


def _rare() -> set[int]:
    return {code for code in range(0x4E00, 0xA000) if all(chr(code).encode(codec, "ignore") for codec in _RARE)}


def _within(blocks: Iterable[tuple[int, int]]) -> set[int]:
    return {code for first, last in blocks for code in range(first, last + 1)}


def _chinese_japanese_korean(source: Path, others: set[int]) -> TTFont:
    """Return the font of which the rest is a part: no letters that others give, nothing for the layout of text."""
    font = TTFont(source, recalcTimestamp=False)
    letters = font.getBestCmap()
    for language, codec in (("ZHT ", "big5"), ("ZHS ", "gb2312")):
        forms = _forms(font, language)
        letters.update({code: forms.get(letters[code], letters[code]) for code in _codes(codec) & set(letters)})
    _map(font, letters)
    return _part(font, (set().union(*map(_codes, _SETS)) | _rare() | _within(_SIGNS)) - others)


def _bold(source: Path, letters: set[int]) -> TTFont:
    font = TTFont(source, recalcTimestamp=False)
    first = font.getGlyphOrder()[:_IN_ORDER]
    return _part(instancer.instantiateVariableFont(font, {"wght": 700}), letters, first)


def _part(font: TTFont, letters: set[int], glyphs: Iterable[str] = ()) -> TTFont:
    """Return what draws these letters, and these glyphs, and nothing that sets text."""
    options = subset.Options(
        hinting=False, layout_features=["vert"], glyph_names=False, notdef_outline=True, name_IDs=["*"],
        drop_tables=["BASE", "GDEF", "GPOS", "DSIG", "STAT", "VORG", "vhea", "vmtx"],
    )  # fmt: skip
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=letters, glyphs=glyphs)
    cutter.subset(font)
    written = BytesIO()
    font.save(written)
    return TTFont(written, recalcTimestamp=False)


def _forms(font: TTFont, language: str) -> dict[str, str]:
    """Return which glyph stands for which where text is of a language; without one they are those of Japan."""
    table = font["GSUB"].table
    script = next(one.Script for one in table.ScriptList.ScriptRecord if one.ScriptTag == "hani")
    chosen = next(one.LangSys for one in script.LangSysRecord if one.LangSysTag == language)
    features = [table.FeatureList.FeatureRecord[index] for index in chosen.FeatureIndex]
    lookups = [number for one in features if one.FeatureTag == "locl" for number in one.Feature.LookupListIndex]
    forms: dict[str, str] = {}
    for part in (part for number in lookups for part in table.LookupList.Lookup[number].SubTable):
        forms.update(getattr(part, "ExtSubTable", part).mapping)
    return forms


def _map(font: TTFont, letters: dict[int, str]) -> None:
    table = cmap_format_4(4)
    table.platformID, table.platEncID, table.language = 3, 1, 0
    table.cmap = {code: name for code, name in letters.items() if code <= 0xFFFF}
    font["cmap"] = newTable("cmap")
    font["cmap"].tableVersion, font["cmap"].tables = 0, [table]


def _boxes(letters: _Letters) -> None:
    glyphs = letters.font.getGlyphSet()
    for code, signs in _BOXES.items():
        box, *inside = (glyphs[letters.map[ord(sign)]] for sign in signs)
        within = [(glyph, Offset((box.width - glyph.width) / 2, 0)) for glyph in inside]
        letters.map[code] = letters.glyph([(box, Scale(1)), *within], glyphs, box.width)


def _name(font: TTFont, style: str, sources: list[TTFont]) -> None:
    """Give a font its own names; who made its sources, and under which license, stays in it."""
    whole = f"{_NAME.replace(' ', '')}-{style}"
    rights = " ".join(str(one["name"].getDebugName(0)) for one in sources)
    licensed = {number: str(font["name"].getDebugName(number)) for number in (13, 14)}
    named = {0: rights, 1: _NAME, 2: style, 3: whole, 4: f"{_NAME} {style}", 5: "Version 1.0", 6: whole, **licensed}
    font["name"].names = []
    for number, text in named.items():
        font["name"].setName(text, number, 3, 1, 0x409)


def _name_outlines(font: TTFont) -> None:
    whole, rights = (str(font["name"].getDebugName(number)) for number in (6, 0))
    cff = font["CFF "].cff
    cff.fontNames = [whole]
    top = cff.topDictIndex[0]
    top.FullName, top.FamilyName, top.Notice = whole, _NAME, rights
    for number, part in enumerate(top.FDArray):
        part.FontName = f"{whole}-{number}"


def license_of(sources: Path, font: bytes) -> str:
    """Return the license with the copyrights of all sources above it."""
    copyrights = str(TTCollection(BytesIO(font)).fonts[0]["name"].getDebugName(0))
    text = (sources / _LICENSE).read_text("utf-8")
    begins = text.index("This Font Software is licensed")
    return f"{copyrights}\nAltered and merged as {_NAME} by Legible.\n\n{text[begins:]}"


def main(sources: Path, target: Path = TARGET) -> None:
    """Write the font and its license."""
    font = build(sources)
    target.mkdir(exist_ok=True)
    (target / "fallback.ttc").write_bytes(font)
    (target / "OFL.txt").write_text(license_of(sources, font), "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
