"""Fonts that a PDF does not bring: on a system that has none, each kind of them is drawn, and the right letters."""

from __future__ import annotations

import ctypes
import io

import pypdfium2
import pytest
from PIL import Image, ImageDraw, ImageFont, ImageOps
from pypdfium2 import raw

from legible.documents import pages
from legible.documents.pages import Worker, fallback_font
from legible.operations import catalog
from tests.support.bare_fonts import NoFonts, composite, document, named, simple

CYRILLIC = ["afii10031", "afii10080", "afii10078", "afii10070", "afii10082"]
GREEK = ["Omega", "mu", "epsilon", "gamma", "alpha"]
SIGNS = "€₫₩₽✓□☐☑☒№①★"


def numbers(*codes):
    return [code.to_bytes(2, "big") for code in codes]


def places(text, first=0x100):
    """Return codes that only ToUnicode gives a meaning."""
    return numbers(*range(first, first + len(text)))


def spelled(text, name, encoding, codec, kind="CIDFontType0"):
    return composite(text, name, encoding, [letter.encode(codec) for letter in text], "Identity", kind)


def told(text, name):
    return composite(text, name, "Identity-H", places(text), unicode=True)


KINDS = {
    "gb, its own encoding": spelled("收据壹仟佰元", "STSong-Light", "UniGB-UCS2-H", "utf-16-be"),
    "gb, bytes": spelled("北方花园鑫喆", "STHeiti", "GBK-EUC-H", "gbk"),
    "gb, numbers": composite("发票金额", "SimSun", "Identity-H", numbers(1599, 3024, 2241, 1581), "GB1"),
    "japan, bytes": spelled("あいう領収髙", "HeiseiMin-W3", "90ms-RKSJ-H", "cp932"),
    "japan, euc": spelled("東京都港区ケン", "Ryumin-Light", "EUC-H", "euc_jp"),
    "japan, rare": spelled("齋藤邊澤彌", "MS-Mincho", "UniJIS-UCS2-H", "utf-16-be", "CIDFontType2"),
    "japan, numbers": composite("あ領収書", "MS-Gothic", "Identity-H", numbers(843, 3990, 2345, 2427), "Japan1"),
    "taiwan, bytes": spelled("統一編號", "MSung-Light", "ETen-B5-H", "big5"),
    "taiwan, numbers": composite("統一編號", "PMingLiU", "Identity-H", numbers(2901, 595, 4572, 3822), "CNS1"),
    "korea, bytes": spelled("한국어주소", "HYSMyeongJo-Medium", "KSCms-UHC-H", "cp949"),
    "korea, numbers": composite("한국어", "Batang", "Identity-H", numbers(3296, 1204, 2479), "Korea1"),
    "glyphs of a bold Arial": told("Номер", "Arial,Bold"),
    "glyphs of Calibri": told("Ωμέγα", "Calibri"),
    "glyphs of Times": told("полиса", "TimesNewRomanPSMT"),
    "glyphs of a Chinese font": told("发票號碼堃", "SimSun"),
    "glyphs of a Korean font": told("주소", "MalgunGothic"),
    "glyphs of a Thai font": told("บตรปช", "AngsanaNew"),
    "glyphs of a Vietnamese text": told("ĐườngỆ", "Tahoma"),
    "glyphs of Arial, and nothing says which": composite(
        "Total12", "ArialMT", "Identity-H", numbers(*(ord(letter) - 29 for letter in "Total12"))
    ),
    "glyphs of a bold Arial, and nothing says which": composite(
        "Rabat34", "Arial-BoldMT", "Identity-H", numbers(*(ord(letter) - 29 for letter in "Rabat34"))
    ),
    "signs": told(SIGNS, "SegoeUISymbol"),
    "Helvetica": simple("Invoice€", "Helvetica", kind="Type1"),
    "a bold Arial": simple("Übersee", "Arial-BoldMT"),
    "a font nobody has": simple("Rechnung", "Calibri"),
    "Cyrillic by names": named("Номер", CYRILLIC),
    "Cyrillic by names, of Times": named("Номер", CYRILLIC, "TimesNewRoman", "TrueType"),
    "Cyrillic by names, of a font nobody has": named("Номер", CYRILLIC, "Calibri,Bold", "TrueType"),
    "Greek by names": named("Ωμεγα", GREEK),
    "Greek by names, of Courier": named("Ωεγα", [GREEK[0], *GREEK[2:]], "CourierNew", "TrueType"),
}
LETTERS = sorted({letter for sample in KINDS.values() for letter in sample.text})


def shape(picture):
    """Return where a letter is dark, scaled to 24 x 24 px, and width by height; None where it is blank."""
    box = picture.point(lambda light: 255 if light < 140 else 0).getbbox()
    if box is None:
        return None
    return picture.crop(box).resize((24, 24), Image.Resampling.BOX).tobytes(), (box[2] - box[0]) / (box[3] - box[1])


def distance(one, other):
    """Return how unlike two letters are, from 0 to 1."""
    unlike = sum(abs(a - b) for a, b in zip(one[0], other[0], strict=True)) / len(one[0]) / 255
    return unlike + 0.2 * min(1, abs(one[1] - other[1]))


@pytest.fixture(scope="module")
def models():
    """What each letter looks like in our font, drawn by another program."""
    font = ImageFont.truetype(str(fallback_font.FONTS), 100)
    found = {}
    for letter in LETTERS:
        picture = Image.new("L", (240, 240), 255)
        ImageDraw.Draw(picture).text((60, 60), letter, 0, font)
        found[letter] = shape(picture)
    assert all(found.values())
    return found


@pytest.fixture(scope="module")
def drawn():
    """The pages of one PDF, drawn by a worker that has our fonts and no others."""
    program = "import sys; sys.path[:] = sys.argv[1:]; from tests.support.bare_fonts import alone; alone()\n"
    body = document(KINDS.values())
    want = pages.Want.of(catalog.find("general-text").limits)
    with pages.Sheets(
        "pdf", len(body), lambda first, last: body[first : last + 1], Worker(program + Worker().program)
    ) as sheets:
        made = [sheets.render(page, want, 60) for page in range(1, len(KINDS) + 1)]
    return {kind: Image.open(io.BytesIO(page.body)).convert("L") for kind, page in zip(KINDS, made, strict=True)}


@pytest.mark.parametrize("kind", KINDS)
def test_each_letter_is_drawn_and_no_other(kind, drawn, models):
    picture, text = ImageOps.autocontrast(drawn[kind]), KINDS[kind].text
    cell = picture.width / len(text)
    read = []
    for place, letter in enumerate(text):
        seen = shape(picture.crop((round(place * cell), 0, round((place + 1) * cell), picture.height)))
        assert seen, f"{letter} is blank"
        near = {other: distance(seen, model) for other, model in models.items()}
        best = min(near, key=near.get)
        read.append(letter if near[letter] <= near[best] + 0.03 else best)
    assert "".join(read) == text


# --- what PDFium is told


class System(NoFonts):
    """A system with one font, of Japan."""

    def MapFont(self, _, weight, italic, charset, pitch, face, exact):
        return 77 if charset == raw.FXFONT_SHIFTJIS_CHARSET else None

    def GetFontData(self, _, font, table, buffer, size):
        return 1000 + font

    def GetFaceName(self, _, font, buffer, size):
        return 5

    def GetFontCharset(self, _, font):
        return raw.FXFONT_SHIFTJIS_CHARSET

    def DeleteFont(self, _, font):
        self.deleted = font


@pytest.fixture
def system():
    return System()


@pytest.fixture
def source(system):
    return fallback_font.FontSource(system)


def asked(source, charset, face):
    name = ctypes.create_string_buffer(face)
    return source.MapFont(None, 400, 0, charset, 0, ctypes.cast(name, ctypes.POINTER(ctypes.c_char)), None)


def test_a_font_of_the_system_goes_before_ours(source):
    assert asked(source, raw.FXFONT_SHIFTJIS_CHARSET, b"MS-Mincho") == 77
    assert source.GetFontData(None, 77, 0, None, 0) == 1077
    assert source.GetFaceName(None, 77, None, 0) == 5
    assert source.GetFontCharset(None, 77) == raw.FXFONT_SHIFTJIS_CHARSET


def test_what_the_system_lacks_is_ours_only_where_pdfium_lacks_it_too(source):
    regular, bold = asked(source, raw.FXFONT_GB2312_CHARSET, b"SimSun"), asked(source, 0, b"Helvetica-Bold")
    assert asked(source, 0, b"Helvetica") == asked(source, raw.FXFONT_CHINESEBIG5_CHARSET, b"") == regular
    assert len({regular, bold}) == 2
    for standard in (b"Times-Roman", b"Courier-Bold", b"Calibri", b""):
        assert not asked(source, 0, standard)


def test_a_font_of_ours_is_a_place_in_the_collection(source):
    whole = fallback_font.FONTS.read_bytes()
    regular, bold = asked(source, 0, b"Helvetica"), asked(source, 0, b"Helvetica-Bold")
    collection = int.from_bytes(b"ttcf", "big")
    for font, kind, name in ((regular, b"OTTO", b"Legible Fallback"), (bold, b"\0\1\0\0", b"Legible Fallback Bold")):
        assert source.GetFontData(None, font, collection, None, 0) == len(whole)
        place = len(whole) - source.GetFontData(None, font, 0, None, 0)
        assert whole[place : place + 4] == kind
        assert source.GetFontData(None, font, int.from_bytes(b"name", "big"), None, 0) == 0
        assert source.GetFontCharset(None, font) == raw.FXFONT_ANSI_CHARSET
        buffer = (ctypes.c_char * 40)()
        assert source.GetFaceName(None, font, buffer, 3) == len(name) + 1
        assert buffer.value == b""
        assert source.GetFaceName(None, font, buffer, 40) == len(name) + 1
        assert buffer.value == name


@pytest.mark.parametrize("size", [16, 1024])
def test_a_buffer_gets_what_it_takes_and_no_more(source, size):
    buffer = (ctypes.c_ubyte * (size + 8))()
    source.GetFontData(
        None, asked(source, 0, b"Helvetica"), int.from_bytes(b"ttcf", "big"),
        ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ubyte)), size,
    )  # fmt: skip
    assert bytes(buffer) == fallback_font.FONTS.read_bytes()[:size] + bytes(8)


def test_a_font_is_given_back_to_whom_it_belongs(source, system):
    system.deleted = None
    source.DeleteFont(None, asked(source, 0, b"Helvetica"))
    assert system.deleted is None
    source.DeleteFont(None, 77)
    assert system.deleted == 77


def test_fonts_that_were_given_before_stay():
    fallback_font.offer()
    given = pypdfium2.PdfSysfontBase.SINGLETON
    fallback_font.offer.__wrapped__()
    assert pypdfium2.PdfSysfontBase.SINGLETON is given is not None
