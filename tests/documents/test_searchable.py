"""The searchable PDF: every page as it was, and what was recognized can be found where it is seen."""

from __future__ import annotations

import ctypes
import io
import re
import subprocess
import sys
import tracemalloc
import zlib

import msgspec
import pikepdf
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont, TiffImagePlugin

from legible.documents import pages
from legible.documents.pages import (
    PageText,
    Worker,
    glyphless_font,
    overlay,
    packed_pdf,
    render,
    searchable,
    text_layer,
)
from legible.errors import OutOfTimeError, RejectedError
from legible.model.pages import Frame
from tests.documents.make import saved
from tests.support.examples import examples
from tests.support.fakes import SheetsHere
from tests.support.places import DOCUMENTS
from tests.support.rig import pdf, picture, tiff

LOCKED = DOCUMENTS / "hostile" / "locked.pdf"
#: One page of 200 x 280 points, whose objects a test may change: catalog, tree, page, content, resources. The content
#: leaves its page scaled, as sloppy ones do.
PLAIN = {
    1: b"<</Type/Catalog/Pages 2 0 R>>",
    2: b"<</Type/Pages/Kids[3 0 R]/Count 1/MediaBox[0 0 200 280]>>",
    3: b"<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources 5 0 R>>",
    4: b"<</Length 36>>stream\n5 0 0 5 0 0 cm 1 0 0 rg 2 3 9 7 re f\nendstream",
    5: b"<</ProcSet[/PDF]>>",
}
WORD = ("Eriksson", (20, 30, 100, 50))


def corners(left, top, right, bottom):
    """Return the corners of an upright text."""
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def spool(*pages, width=200.0, height=280.0, unit="pt"):
    """Return the texts of pages: numbers, each with words and their boxes or corners."""
    lines = []
    for page, *words in pages:
        placed = tuple((text, corners(*box) if box and isinstance(box[0], int) else box) for text, box in words)
        lines.append(msgspec.json.encode(PageText(page, Frame(width, height, unit, 1.0), placed)) + b"\n")
    return b"".join(lines)


def built(objects, *, as_stream=False, trailer=b""):
    """Return a PDF of these objects, whose table is text or a stream."""
    file, places = b"%PDF-1.5\n", {}
    for number, body in objects.items():
        places[number] = len(file)
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start, size = len(file), max(objects) + 2
    trailer = b"/Root 1 0 R/Size %d" % size + trailer
    if as_stream:
        places[size - 1] = start
        rows = b"".join(b"\1" + at.to_bytes(8, "big") + b"\0\0" for at in places.values())
        index = b" ".join(b"%d 1" % number for number in places)
        packed = zlib.compress(rows)
        file += b"%d 0 obj\n<</Type/XRef/W[1 8 2]/Index[%s]%s/Filter/FlateDecode/Length %d>>stream\n%s\nendstream\n" % (
            *(size - 1, index, trailer, len(packed), packed),
        )
        file += b"endobj\n"
    else:
        file += b"xref\n1 %d\n" % max(objects)
        places = [places.get(number, 0) for number in range(1, max(objects) + 1)]
        file += b"".join(b"%010d 00000 %s \n" % (at, b"n" if at else b"f") for at in places)
        file += b"trailer\n<<%s>>\n" % trailer
    return file + b"startxref\n%d\n%%%%EOF\n" % start


def packed(objects, *, predictor=False, widths=(1, 4, 2), stream=b"/Filter/FlateDecode", parms=b"", row=b"\2", shift=0):
    """Return a PDF whose objects, but for streams, are packed in one, as writers have done since PDF 1.5.

    The table's lines have numbers of these widths; with ``predictor`` each tells how it differs from the one before,
    in PNG's way for this ``row``. With ``shift`` the table names another object as the one that holds the others.
    """
    inside = {number: body for number, body in objects.items() if b"stream" not in body}
    outside = {number: body for number, body in objects.items() if b"stream" in body}
    holder = max(objects) + 1
    heads, bodies = b"", b""
    for number, body in inside.items():
        heads += b"%d %d " % (number, len(bodies))
        bodies += body + b" "
    whole = heads + bodies
    outside[holder] = b"<</Type/ObjStm/N %d/First %d/Length %d>>stream\n%s\nendstream" % (
        *(len(inside), len(heads), len(whole)),
        whole,
    )
    file, places = b"%PDF-1.5\n", {0: (0, 0, 65535)}
    for number, body in outside.items():
        places[number] = (1, len(file), 0)
        file += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    places |= {number: (2, holder + shift, index) for index, number in enumerate(inside)}
    places[holder + 1] = (1, len(file), 0)
    rows = [
        b"".join(value.to_bytes(width, "big") for value, width in zip(places[number], widths, strict=True))
        for number in sorted(places)
    ]
    if predictor:
        rows = [row + predicted(row, line, before) for line, before in zip(rows, [bytes(7), *rows], strict=False)]
        parms = parms or b"/DecodeParms<</Predictor 12/Columns %d>>" % sum(widths)
    body = b"".join(rows)
    body = zlib.compress(body) if b"Flate" in stream else body.hex().encode() if b"Hex" in stream else body
    start = len(file)
    file += b"%d 0 obj\n<</Type/XRef/Root 1 0 R/Size %d/W[%d %d %d]%s%s/Length %d>>stream\n%s\nendstream\nendobj\n" % (
        *(holder + 1, holder + 2),
        *widths,
        *(stream, parms, len(body), body),
    )
    return file + b"startxref\n%d\n%%%%EOF\n" % start


def predicted(row, line, before):
    """Return a line of a table as it differs from the one before it, or from itself."""
    base = {b"\0": bytes(len(line)), b"\1": b"\0" + line, b"\2": before}[row]
    return bytes((new - old) & 255 for new, old in zip(line, base, strict=False))


def chained(tables):
    """Return a PDF that was changed so often, though nothing in it was."""
    body = bytearray(built(PLAIN))
    before = int(re.search(rb"startxref\n(\d+)", body)[1])
    for _ in range(tables):
        start = len(body)
        body += b"xref\n0 0\ntrailer\n<</Root 1 0 R/Size 6/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (before, start)
        before = start
    return bytes(body)


def hybrid():
    """Return a PDF with a table as text that names one as stream, and both name the same one before them."""
    body = built(PLAIN)
    first = int(re.search(rb"startxref\n(\d+)", body)[1])
    start = len(body)
    body += b"9 0 obj\n<</Type/XRef/W[1 4 2]/Index[7 1]/Size 10/Prev %d/Length 7>>stream\n%s\nendstream\nendobj\n" % (
        *(first, b"\0" * 7),
    )
    again = len(body)
    body += b"xref\n8 1\n0000000000 00000 f \ntrailer\n<</Root 1 0 R/Size 10/Prev %d/XRefStm %d>>\n" % (first, start)
    return body + b"startxref\n%d\n%%%%EOF\n" % again


class Made:
    """The searchable PDF of a document."""

    def __init__(self, folder, body, words, name="pdf", **limits):
        source, texts, target = folder / "document", folder / "words", folder / "searchable"
        source.write_bytes(body)
        texts.write_bytes(words)
        try:
            self.layers = searchable.write(source, name, target, texts, **limits)
        finally:
            self.files = sorted(path.name for path in folder.iterdir())
        self.body = target.read_bytes()
        self.pdf = pypdfium2.PdfDocument(self.body)

    def text(self, page=1):
        return self.pdf[page - 1].get_textpage().get_text_range()

    def where(self, text, page=1):
        """Return where a text is found on the page as it is seen: left, top, right and bottom, from its top left."""
        sheet = self.pdf[page - 1]
        found = sheet.get_textpage()
        match = found.search(text).get_next()
        if match is None:
            return None
        found.count_rects(*match)
        left, bottom, right, top = found.get_rect(0)
        points = [as_seen(sheet, x, y) for x, y in ((left, bottom), (right, top))]
        (left, right), (top, bottom) = (sorted(values) for values in zip(*points, strict=True))
        return left, top, right, bottom


def as_seen(sheet, x, y, fine=100):
    """Return where pdfium shows a point of a page."""
    across, down = ctypes.c_int(), ctypes.c_int()
    width, height = (int(side * fine) for side in sheet.get_size())
    pypdfium2.raw.FPDF_PageToDevice(sheet, 0, 0, width, height, 0, x, y, across, down)
    return across.value / fine, down.value / fine


def drawn(document, page=1):
    return document[page - 1].render(scale=1).to_pil()


def rearranged(angle):
    """Return a PDF whose page is turned, and cut out of a sheet that does not begin at 0, 0."""
    document = pypdfium2.PdfDocument(pdf(1))
    page = document[0]
    page.set_mediabox(-20, 30, 300, 400)
    page.set_cropbox(10, 50, 250, 380)
    page.set_rotation(angle)
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


def encrypted(revision):
    """Return the plain PDF encrypted with an owner's password only, as one of PDF's revisions does it."""
    target = io.BytesIO()
    with pikepdf.open(io.BytesIO(built(PLAIN))) as document:
        how = pikepdf.Encryption(owner="owner", R=revision, aes=revision > 3, metadata=revision > 3)
        document.save(target, encryption=how)
    return target.getvalue()


class TestPdf:
    def test_every_page_is_found_and_looks_as_before(self, tmp_path):
        body = pdf(3)
        made = Made(tmp_path, body, spool((1, WORD), (3, ("Lindqvist", (50, 200, 120, 220)))))
        assert made.layers == 2
        assert [made.text(page) for page in (1, 2, 3)] == ["Eriksson", "", "Lindqvist"]
        before = pypdfium2.PdfDocument(body)
        assert all(drawn(before, page) == drawn(made.pdf, page) for page in (1, 2, 3))
        pictures = re.findall(rb"\xff\xd8\xff.*?(?=\nendstream)", body, re.DOTALL)
        assert len(pictures) == 3
        assert all(picture in made.body for picture in pictures), "no picture is packed anew"
        assert made.files == ["document", "searchable", "words"]

    @pytest.mark.parametrize("angle", [0, 90, 180, 270])
    def test_words_lie_where_they_are_seen_on_pages_turned_and_cut(self, tmp_path, angle):
        body = rearranged(angle)
        width, height = pypdfium2.PdfDocument(body)[0].get_size()
        made = Made(tmp_path, body, spool((1, WORD), width=width, height=height))
        assert made.where("Eriksson") == pytest.approx(WORD[1], abs=0.6)
        assert drawn(pypdfium2.PdfDocument(body)) == drawn(made.pdf)

    @pytest.mark.parametrize(
        "text",
        [
            "Straße 7, Zürich",
            "天地玄黄 invoice",
            "Договор №5",
            "สวัสดีครับผู้ใหญ่",
            "مرحبا بالعالم",
            "رقم 12.50",
            "שלום, עולם",
            "abc שלום",
            "emoji 😀 and 𠀀",
            "~\\()<>%",
        ],
    )
    def test_text_of_any_script_is_read_back(self, tmp_path, text):
        made = Made(tmp_path, pdf(1), spool((1, (text, (10, 10, 190, 30)))))
        assert made.text() == text

    @pytest.mark.parametrize(
        ("place", "box"),
        [
            (((60, 60), (130, 130), (116, 144), (46, 74)), (46, 60, 130, 144)),
            (((120, 90), (20, 90), (20, 70), (120, 70)), (20, 70, 120, 90)),
            (corners(30, 30, 45, 120), (30, 30, 45, 120)),
            (((20, 30), (100, 50)), (20, 30, 100, 50)),
            (corners(150, 30, 900, 50), (150, 30, 200, 50)),
        ],
        ids=["slanted", "upside down", "a column", "two corners", "beyond the page"],
    )
    def test_words_follow_their_corners(self, tmp_path, place, box):
        made = Made(tmp_path, pdf(1), spool((1, ("第一行", place))))
        assert made.where("第一行") == pytest.approx(box, abs=0.6)

    def test_a_place_of_no_size_holds_its_word_all_the_same(self, tmp_path):
        made = Made(tmp_path, pdf(1), spool((1, ("Eriksson", ((9, 9),)), ("nowhere", ()), (" \n", (1, 1, 9, 9)))))
        assert made.text() == "Eriksson"

    def test_a_page_of_words_without_places_or_without_words_stays_as_it_is(self, tmp_path):
        body = pdf(2)
        made = Made(tmp_path, body, spool((2,)) + b"\n")
        assert (made.layers, len(made.pdf)) == (0, 2)
        assert b"Legible" not in made.body
        assert drawn(pypdfium2.PdfDocument(body)) == drawn(made.pdf)

    def test_controls_and_halves_of_characters_do_no_harm(self, tmp_path):
        words = spool((1, ("a\tb\0c", (10, 10, 100, 20)), ("x", (10, 40, 100, 50)))).replace(b'"x"', b'"\\u2029x"')
        assert Made(tmp_path, pdf(1), words).text().split() == ["a", "b", "c", "x"]
        assert b"<0001>" in text_layer.lettering(
            [("\ud800", corners(1, 1, 9, 9))],
            Frame(10, 10, "px", 1),
            text_layer.PageAxes((0, 10), (10, 0), (0, -10)),
            b"/F",
            glyphless_font.Glyphs(),
        )

    def test_a_layer_on_a_layer_has_its_own_font(self, tmp_path):
        once = Made(tmp_path, built(PLAIN), spool((1, WORD))).body
        twice = Made(tmp_path, once, spool((1, ("Lindqvist", (20, 90, 100, 110)))))
        assert sorted(twice.text().split()) == ["Eriksson", "Lindqvist"]
        assert twice.where("Lindqvist") == pytest.approx((20, 90, 100, 110), abs=0.6)

    @pytest.mark.parametrize("revision", [2, 3, 4, 6])
    def test_an_encrypted_pdf_without_a_password_opens_and_is_searchable(self, tmp_path, revision):
        body = encrypted(revision)
        assert b"/Encrypt" in body
        made = Made(tmp_path, body, spool((1, WORD)))
        assert made.where("Eriksson") == pytest.approx(WORD[1], abs=0.6)
        assert drawn(pypdfium2.PdfDocument(body)) == drawn(made.pdf)
        assert b"/Encrypt" not in made.body

    def test_what_cannot_be_opened_is_rejected(self, tmp_path):
        with pytest.raises(RejectedError, match="password"):
            Made(tmp_path, LOCKED.read_bytes(), spool((1, WORD)))
        with pytest.raises(RejectedError, match="broken"):
            Made(tmp_path, b"%PDF-1.4 nothing", spool((1, WORD)))

    @pytest.mark.parametrize("kids", [b"[3 0 R 3 0 R]/Count 1", b"[99 0 R 3 0 R]/Count 2"], ids=["more", "missing"])
    def test_pages_that_two_readers_count_differently_get_no_layer(self, tmp_path, kids):
        tree = {2: b"<</Type/Pages/Kids%s/MediaBox[0 0 200 280]>>" % kids}
        with pytest.raises(RejectedError, match="takes no text layer"):
            Made(tmp_path, built(PLAIN | tree), spool((1, WORD)))

    def test_what_is_no_text_of_pages_makes_none(self, tmp_path):
        with pytest.raises(RejectedError, match="takes no text layer"):
            Made(tmp_path, pdf(1), b"[]\n")

    def test_a_copy_that_cannot_be_written_is_rejected(self, tmp_path):
        (tmp_path / "document").write_bytes(pdf(1))
        (tmp_path / "words").write_bytes(spool((1, WORD)))
        with pytest.raises(RejectedError, match="cannot be written") as caught:
            searchable.write(tmp_path / "document", "pdf", tmp_path / "nowhere" / "copy", tmp_path / "words")
        assert caught.value.reason_code == "disk-full"

    def test_memory_that_ends_on_a_page_ends_the_copy(self):
        class Starved:
            def get_page_size(self, index):
                raise MemoryError

        with pikepdf.open(io.BytesIO(pdf(1))) as document, pytest.raises(MemoryError):
            overlay.Overlay(document).add(
                document.pages[0], Starved(), msgspec.json.decode(spool((1, WORD)), type=PageText)
            )

    def test_without_its_library_it_is_said(self, tmp_path):
        def missing():
            raise ImportError

        with pytest.raises(RejectedError, match="group searchable") as caught:
            Made(tmp_path, pdf(1), spool((1, WORD)), load=missing)
        assert caught.value.reason_code == "searchable-not-installed"

    def test_memory_does_not_grow_with_the_document(self, tmp_path):
        image = b"<</Type/XObject/Length %d>>stream\n%s\nendstream" % (20_000_000, b"\0" * 20_000_000)
        body = built(PLAIN | {5: b"<</XObject<</Picture 6 0 R>>>>", 6: image})
        (tmp_path / "document").write_bytes(body)
        (tmp_path / "words").write_bytes(spool((1, WORD)))
        tracemalloc.start()
        try:
            searchable.write(tmp_path / "document", "pdf", tmp_path / "searchable", tmp_path / "words")
            assert tracemalloc.get_traced_memory()[1] < 5_000_000
        finally:
            tracemalloc.stop()


#: The plain PDF, written in the ways that writers have.
WAYS = {
    "with a table as text": built(PLAIN),
    "with a table as stream": built(PLAIN, as_stream=True),
    "with packed objects": packed(PLAIN),
    "with packed objects and a predicted table": packed(PLAIN, predictor=True),
    "with a predicted table that predicts nothing": packed(PLAIN, predictor=True, row=b"\0"),
    "with a table predicted in a rare way": packed(PLAIN, predictor=True, row=b"\1"),
    "with a table packed in a rare way": packed(PLAIN, stream=b"/Filter/ASCIIHexDecode"),
    "with two tables, one for old readers": hybrid(),
    "with an unpacked table": packed(PLAIN, stream=b""),
    "behind junk": b"junk\n" + built(PLAIN),
    "with a wrong start": re.sub(rb"startxref\n\d+", b"startxref\n7", built(PLAIN)),
    "without an end": built(PLAIN).replace(b"startxref", b"startxxxx"),
    "with a wrong table": built(PLAIN).replace(b"1 5\n0000000009", b"1 5\n0000000013"),
    "with a table of other objects": built(PLAIN).replace(b"1 5\n0000000009", b"1 5\n0000000054"),
    "with a table of unknown kinds": built(PLAIN).replace(b"00000 n", b"00000 %"),
    "with a table of no trailer": built(PLAIN).replace(b"\ntrailer", b"\nx\ntrailer"),
    "with a content in parts": built(PLAIN | {3: PLAIN[3].replace(b"4 0 R", b"[ 4 0 R ]")}),
    "with a content in parts elsewhere": built(PLAIN | {3: PLAIN[3].replace(b"4 0 R", b"7 0 R"), 7: b"[4 0 R]"}),
    "with a font": built(PLAIN | {5: b"<</Font 7 0 R>>", 7: b"<</Legible0 null /F<</Type/Font>>>>"}),
    "with resources of its own": built(PLAIN | {3: PLAIN[3].replace(b"5 0 R", b"<</ProcSet[/PDF]>>")}),
    "without resources": built(PLAIN | {3: PLAIN[3].replace(b"/Resources 5 0 R", b"")}),
    "with resources that are missing": built(PLAIN | {3: PLAIN[3].replace(b"5 0 R", b"99 0 R")}),
    "with sides elsewhere": built(
        PLAIN | {2: PLAIN[2].replace(b"[0 0 200 280]", b" 7 0 R"), 7: b"[0 8 0 R 200 0]", 8: b"280"}
    ),
    "with an empty cut": built(PLAIN | {3: PLAIN[3].replace(b"/Contents", b"/CropBox[9 9 9 9]/Contents")}),
    "with comments and texts": built(
        PLAIN | {3: PLAIN[3].replace(b"<<", b"<< % a > comment\n/Label(a \\) (b) c)/Hex<41 42>", 1)}
    ),
    "with a long page": built(PLAIN | {3: PLAIN[3].replace(b"<<", b"<</Long(%s)" % (b"x" * 9000), 1)}),
    "with a long name of a tree": built(PLAIN | {2: PLAIN[2].replace(b"<<", b"<</Long %s" % (b"1 " * 5000), 1)}),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_however_a_pdf_is_written_the_words_are_on_it(tmp_path, way):
    made = Made(tmp_path, WAYS[way], spool((1, WORD)))
    assert made.layers == 1
    assert made.where("Eriksson") == pytest.approx(WORD[1], abs=0.6)
    assert drawn(pypdfium2.PdfDocument(WAYS[way])) == drawn(made.pdf)


def two(first=b"", **objects):
    """Return a PDF of two pages, the second plain."""
    tree = b"<</Type/Pages/Kids[%s 3 0 R]/Count 2/MediaBox[0 0 200 280]>>" % (first or b"6 0 R")
    return built(PLAIN | {2: tree} | {int(name[1:]): body for name, body in objects.items()})


class TestPagesApart:
    @pytest.mark.parametrize(
        "body",
        [
            two(o6=b"<<>>"),
            two(o6=b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 (a) 9]>>"),
            two(o6=b"<</Type/Page/Parent 2 0 R/MediaBox[1 2 3]>>"),
            two(o6=b"<</Type/Page/Parent 2 0 R/Resources<</Font[1]>>>>"),
            two(o6=b"<</Type/Page/Parent 2 0 R/Rotate/Left>>"),
        ],
        ids=["empty", "sides of text", "three sides", "fonts of another kind", "turned by a word"],
    )
    def test_a_page_that_is_odd_is_passed_over_and_the_rest_has_its_layer(self, tmp_path, body):
        made = Made(tmp_path, body, spool((1, ("lost", (1, 1, 9, 9))), (2, WORD)))
        assert (made.layers, len(made.pdf)) == (1, 2)
        assert made.where("Eriksson", 2) == pytest.approx(WORD[1], abs=0.6)

    @pytest.mark.parametrize(
        "body",
        [
            two(b"3 0 R"),
            two(b"<</Type/Page/Parent 2 0 R>>"),
            two(o6=b"<</Type/Page/Parent 2 0 R/Resources[1]>>"),
            two(o6=b"<</Type/Page/Parent 2 0 R/Contents 9>>"),
        ],
        ids=["the same twice", "no object", "resources of another kind", "no content"],
    )
    def test_a_page_that_can_be_mended_has_its_own_layer(self, tmp_path, body):
        made = Made(tmp_path, body, spool((1, ("first", (20, 30, 100, 50))), (2, WORD)))
        assert (made.layers, made.text(1), made.text(2)) == (2, "first", "Eriksson")

    def test_pages_that_share_resources_share_the_font(self, tmp_path):
        made = Made(tmp_path, two(o6=PLAIN[3]), spool((1, WORD), (2, ("Lindqvist", (20, 30, 100, 50)))))
        assert (made.layers, made.text(1), made.text(2)) == (2, "Eriksson", "Lindqvist")
        assert made.body.count(b"/Font <<") == 1

    def test_words_of_pages_there_are_not_are_passed_over(self, tmp_path):
        made = Made(tmp_path, built(PLAIN), spool((0, WORD), (1, WORD), (7, WORD)))
        assert (made.layers, made.text()) == (1, "Eriksson")


HOSTILE = {
    "pages go round": built(PLAIN | {2: b"<</Type/Pages/Kids[2 0 R 3 0 R]/Count 2>>"}),
    "values stand too deep": built(PLAIN | {3: PLAIN[3].replace(b"<<", b"<</Deep " + b"[" * 600 + b"]" * 600, 1)}),
    "a value closes twice": built(PLAIN | {3: PLAIN[3].replace(b"<<", b"<</A ) ", 1)}),
    "a dictionary has no names": built(PLAIN | {3: b"<<1 2 3>>"}),
    "a word is no word": built(PLAIN | {3: b"<</A }" + b" " * 600 + b">>"}),
    "a text does not end": built(PLAIN | {3: b"<</A(" + b"(" * 9000}),
    "a page does not end": built(PLAIN | {3: b"<</A" + b"[" * 40}),
    "tables name one another": built(PLAIN, trailer=b"/Prev 0"),
    "the table is one of millions": built(PLAIN).replace(b"xref\n1 5\n", b"xref\n9999999 5\n"),
    "the table is too long": built(PLAIN).replace(b"xref\n1 5\n", b"xref\n1 9999999\n"),
    "what is packed is in nothing": packed(PLAIN, shift=-1),
    "there are a thousand tables": chained(2000),
    "the stream of tables is none": built(PLAIN, as_stream=True).replace(b"stream\nx", b"xtream\nx"),
    "the table is predicted as a picture": packed(
        PLAIN, predictor=True, parms=b"/DecodeParms[<</Predictor 2/Columns 7>>]"
    ),
    "packed objects measure themselves": packed(PLAIN | {7: b"99"}).replace(b"/Length 1", b"/Length 7 0 R%"),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_pdf_is_made_searchable_or_rejected(tmp_path, what):
    try:
        made = Made(tmp_path, HOSTILE[what], spool((1, WORD)))
    except RejectedError as error:
        assert error.reason_code == "document-broken"
    else:
        assert len(made.pdf) == len(pypdfium2.PdfDocument(HOSTILE[what]))


class TestImages:
    def test_each_frame_is_a_page_with_its_words(self, tmp_path):
        words = spool((1, WORD), (3, ("Lindqvist", (5, 5, 50, 20))), width=60, height=60, unit="px")
        made = Made(tmp_path, tiff(3), words, "tiff")
        assert (made.layers, len(made.pdf)) == (2, 3)
        assert [made.text(page) for page in (1, 2, 3)] == ["Eriksson", "", "Lindqvist"]
        assert [drawn(made.pdf, page).getpixel((30, 20))[0] for page in (1, 2, 3)] == [255, 245, 235]

    @pytest.mark.parametrize("name", ["JPEG", "TIFF"])
    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_a_photo_stands_upright_and_its_words_lie_on_it(self, tmp_path, orientation, name):
        image = Image.new("RGB", (300, 200), "white")
        ImageDraw.Draw(image).rectangle((0, 0, 99, 99), fill="red")
        exif = Image.Exif()
        exif[0x0112] = orientation
        width, height = (200, 300) if orientation > 4 else (300, 200)
        words = spool((1, ("Eriksson", (20, 30, 120, 50))), width=width, height=height, unit="px")
        made = Made(tmp_path, saved(image, name, exif=exif), words, name.lower())
        assert made.pdf[0].get_size() == (width, height), "at 72 dpi a pixel is a point"
        assert made.where("Eriksson") == pytest.approx((20, 30, 120, 50), abs=0.6)
        red = {1: "nw", 2: "ne", 3: "se", 4: "sw", 5: "nw", 6: "ne", 7: "se", 8: "sw"}[orientation]
        spot = (20 if "w" in red else width - 20, 20 if "n" in red else height - 20)
        assert drawn(made.pdf).convert("RGB").getpixel(spot)[1] < 60

    def test_a_turned_tiff_has_the_paper_that_its_two_resolutions_tell(self, tmp_path):
        turned = saved(Image.new("L", (400, 100), 255), "TIFF", dpi=(200, 100), tiffinfo={0x0112: 6})
        assert Made(tmp_path, turned, b"", "tiff").pdf[0].get_size() == pytest.approx((72, 144))

    def test_a_jpeg_that_is_as_it_should_be_is_kept_byte_for_byte(self, tmp_path):
        body = saved(Image.effect_noise((300, 200), 90), "JPEG", dpi=(200, 200))
        made = Made(tmp_path, body, b"", "jpeg")
        assert body in made.body
        assert made.pdf[0].get_size() == pytest.approx((108, 72))

    @pytest.mark.parametrize(
        ("image", "name"),
        [
            (Image.new("CMYK", (300, 200), (0, 255, 255, 0)), "JPEG"),
            (Image.linear_gradient("L").convert("RGBA"), "WEBP"),
            (Image.new("P", (300, 200), 3), "GIF"),
            (Image.new("1", (300, 200), 1), "TIFF"),
            (Image.new("I;16", (300, 200), 65535), "PNG"),
        ],
    )
    def test_any_kind_of_pixels_is_shown(self, tmp_path, image, name):
        made = Made(tmp_path, saved(image, name), spool((1, WORD)), name.lower())
        shown = drawn(made.pdf).convert("RGB").getpixel((100, 90))
        expected = image.convert("RGB").getpixel((100, 90)) if image.mode != "I;16" else (255, 255, 255)
        assert shown == pytest.approx(expected, abs=6)
        assert made.text() == "Eriksson"

    def test_few_colors_are_kept_exactly(self, tmp_path):
        image = Image.new("RGB", (300, 200), "white")
        ImageDraw.Draw(image).rectangle((20, 20, 90, 60), fill=(10, 20, 200))
        made = Made(tmp_path, saved(image, "PNG"), b"", "png")
        assert drawn(made.pdf).convert("RGB").tobytes() == image.tobytes()

    @pytest.mark.parametrize(
        ("sides", "dpi", "points"),
        [
            ((1654, 2339), 200, (595, 842)),
            ((1654, 2339), 72, (595, 842)),
            ((1654, 2339), None, (595, 842)),
            ((1240, 1754), 1, (595, 842)),
            ((60, 40), None, (60, 40)),
            ((4000, 3000), None, (1440, 1080)),
            ((60000, 4), 150, (14400, 1)),
        ],
    )
    def test_pages_have_the_size_of_paper(self, tmp_path, sides, dpi, points):
        body = saved(Image.new("L", sides, 255), "PNG", **({"dpi": (dpi, dpi)} if dpi else {}))
        made = Made(tmp_path, body, b"", "png")
        assert made.pdf[0].get_size() == pytest.approx(points, abs=1)

    def test_a_huge_picture_is_scaled_down(self, tmp_path):
        made = Made(tmp_path, saved(Image.new("1", (8000, 5000), 1), "PNG"), b"", "png")
        (thing,) = made.pdf[0].get_objects()
        width, height = thing.get_px_size()
        assert 0.97 * render.MOST_PIXELS < width * height <= render.MOST_PIXELS

    def test_a_frame_that_cannot_be_read_is_a_blank_page(self, tmp_path):
        frames = [Image.effect_noise((300, 300), 90) for _ in range(3)]
        body = bytearray(saved(frames[0], "TIFF", save_all=True, append_images=frames[1:], compression="tiff_lzw"))
        with Image.open(io.BytesIO(body)) as image:
            image.seek(1)
            start = image.tag_v2[273][0]
        body[start : start + 4000] = b"\xff" * 4000
        words = spool(*((page, WORD) for page in (1, 2, 3)), width=300, height=300, unit="px")
        made = Made(tmp_path, bytes(body), words, "tiff")
        assert (made.layers, len(made.pdf)) == (2, 3)
        assert [made.text(page) for page in (1, 2, 3)] == ["Eriksson", "", "Eriksson"]

    def test_many_pictures_are_put_on_the_disk_meanwhile(self, tmp_path):
        words = spool((1, WORD), (3, ("Lindqvist", (5, 5, 50, 20))), width=60, height=60, unit="px")
        made = Made(tmp_path, tiff(3), words, "tiff", most_held=1)
        assert [made.text(page) for page in (1, 2, 3)] == ["Eriksson", "", "Lindqvist"]
        assert [drawn(made.pdf, page).getpixel((30, 20))[0] for page in (1, 2, 3)] == [255, 245, 235]
        assert made.files == ["document", "searchable", "words"]

    def test_an_overview_in_a_tiff_is_no_page(self, tmp_path):
        frames = [Image.new("L", (60, 40), shade) for shade in (255, 200, 100)]
        overview = TiffImagePlugin.ImageFileDirectory_v2()
        overview[254] = 1
        frames[1].encoderinfo = {"tiffinfo": overview}
        body = saved(frames[0], "TIFF", save_all=True, append_images=frames[1:])
        made = Made(tmp_path, body, b"", "tiff")
        assert [drawn(made.pdf, page).getpixel((30, 20))[0] for page in range(1, len(made.pdf) + 1)] == [255, 100]

    def test_an_only_image_that_cannot_be_read_is_rejected(self, tmp_path):
        with pytest.raises(RejectedError):
            Made(tmp_path, picture()[:60], b"", "png")


class TestApart:
    @pytest.mark.parametrize("kind", [pages.Sheets, SheetsHere])
    def test_the_process_writes_it_where_it_is_told_to(self, tmp_path, kind):
        body = pdf(2)
        (tmp_path / "words").write_bytes(spool((2, WORD)))
        with kind("pdf", len(body), lambda first, last: body[first : last + 1]) as document:
            assert document.layer(tmp_path / "words", tmp_path / "searchable", 60) == 1
            assert document.look(60).pages == 2, "it goes on answering"
        made = pypdfium2.PdfDocument(tmp_path / "searchable")
        assert made[1].get_textpage().get_text_range() == "Eriksson"

    def test_it_may_take_longer_than_a_page_but_not_than_there_is_time(self, tmp_path):
        hanging = Worker("import time; time.sleep(60)", seconds=0.1)
        slow = msgspec.structs.replace(hanging, layer_seconds=0.2)
        body = pdf(1)
        document = pages.Sheets("pdf", len(body), lambda first, last: body[first : last + 1], hanging)
        with document, pytest.raises(OutOfTimeError):
            document.layer(tmp_path / "words", tmp_path / "searchable", 0.2)
        document = pages.Sheets("pdf", len(body), lambda first, last: body[first : last + 1], slow)
        with document, pytest.raises(RejectedError, match=r"longer than 0\.2 s"):
            document.layer(tmp_path / "words", tmp_path / "searchable", 60)

    def test_what_memory_does_not_hold_is_not_left_out_in_silence(self, tmp_path):
        start = "import sys; sys.path[:] = sys.argv[1:]; from legible.documents.pages import worker; "
        narrow = Worker(start + "worker.MEMORY = 10**8; worker.main()")
        content = PLAIN[4].removesuffix(b"\nendstream").replace(b"36", b"80000036") + b" " * 80_000_000 + b"\nendstream"
        body = built(PLAIN | {4: content})
        (tmp_path / "words").write_bytes(spool((1, WORD)))
        with (
            pages.Sheets("pdf", len(body), lambda first, last: body[first : last + 1], narrow) as document,
            pytest.raises(RejectedError, match="MB of memory") as caught,
        ):
            document.layer(tmp_path / "words", tmp_path / "searchable", 60)
        assert caught.value.reason_code == "too-heavy"

    def test_the_same_is_seen_where_the_coverage_is(self):
        class Forgetful:
            def save(self, *values, **options):
                pass

            def get_warnings(self):
                return ["error decoding stream data for object 5 0: std::bad_alloc"]

        with pytest.raises(MemoryError):
            packed_pdf.save(Forgetful(), io.BytesIO())

    def test_the_library_is_loaded_nowhere_else(self):
        code = (
            "import sys; sys.path[:] = sys.argv[1:]; import legible.documents.pages; sys.exit('pikepdf' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code, *sys.path], check=False).returncode == 0


class TestGlyphless:
    def test_the_font_is_one_that_readers_of_fonts_take_and_has_no_ink(self):
        font = ImageFont.truetype(io.BytesIO(glyphless_font.font_file()), 40, layout_engine=ImageFont.Layout.BASIC)
        assert font.getmetrics() == (40, 0)
        assert font.getlength("a") == 20
        assert font.getmask("abc").getbbox() is None

    def test_every_character_has_a_code_while_there_are_codes(self):
        glyphs = glyphless_font.Glyphs()
        letters = [chr(code) for code in range(0x20, 0x20000) if not 0xD800 <= code < 0xE000]
        codes = {glyphs.encoded(letter) for letter in letters}
        assert len(codes) == 0xFFFE
        assert glyphs.encoded(letters[-1]) == glyphs.encoded(letters[-2]), "what is left has the one of U+FFFD"


def test_a_mark_that_stands_alone_goes_the_way_of_its_text():
    assert text_layer.visual("\u0301\u05d0") == "\u05d0\u0301"
    assert text_layer.visual("\u05d0\u05b0\u05d1") == "\u05d1\u05b0\u05d0"


@settings(max_examples=examples(200), deadline=None)
@given(
    st.sampled_from(sorted(WAYS)),
    st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=6)), max_size=5),
    st.integers(0, 300),
)
def test_no_bytes_break_the_making_of_a_layer(tmp_path_factory, way, changes, cut):
    body = bytearray(WAYS[way])
    for place, what in changes:
        place %= len(body)
        body[place : place + len(what)] = what
    body = bytes(body[: len(body) - cut % 7])
    try:
        made = Made(tmp_path_factory.mktemp("pdf"), body, spool((1, WORD)))
    except RejectedError:
        return
    assert len(made.pdf) == len(pypdfium2.PdfDocument(body))
