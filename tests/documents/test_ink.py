"""What is odd about the picture of a page: it has one color, or lacks text that the document has."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw

from tests.documents import make
from tests.support.rig import drawn

HEADING = make.line(b"(Statement of account)", at=(72, 760))


def ink(name: str, body: bytes, page: int = 1) -> str:
    return drawn(name, body, page).ink


class TestOneColor:
    @pytest.mark.parametrize("color", [0, 90, 255])
    def test_a_picture_of_one_color_is_told(self, color):
        assert ink("png", make.saved(Image.new("L", (300, 200), color), "PNG")) == "one-color"

    def test_what_a_jpeg_adds_is_no_ink(self):
        body = make.saved(Image.new("RGB", (300, 200), (236, 240, 243)), "JPEG", quality=30)
        assert ink("jpeg", body) == "one-color"

    def test_one_pale_letter_is_ink(self):
        image = Image.new("L", (300, 200), 255)
        ImageDraw.Draw(image).text((10, 10), "1", fill=240)
        assert ink("png", make.saved(image, "PNG")) == ""

    def test_a_page_without_anything(self):
        assert ink("pdf", make.text_pdf(b"")) == "one-color"

    def test_each_page_for_itself(self):
        body = make.text_pdf(HEADING, b"", HEADING)
        assert [ink("pdf", body, page) for page in (1, 2, 3)] == ["", "one-color", ""]


class TestTextUnseen:
    def test_a_page_all_of_whose_text_cannot_be_drawn(self):
        content = make.line(make.UNKNOWN_TEXT)
        assert ink("pdf", make.text_pdf(content, font=make.UNKNOWN_FONT)) == "text-unseen"

    def test_a_line_that_cannot_be_drawn_among_others_that_can(self):
        content = b"0 0 0 rg 72 690 400 4 re f 72 750 200 20 re f\n" + make.line(make.UNKNOWN_TEXT)
        assert ink("pdf", make.text_pdf(content, font=make.UNKNOWN_FONT)) == "text-unseen"

    @pytest.mark.parametrize("turn", [0, 90, 180, 270])
    def test_whichever_way_the_page_is_turned(self, turn):
        media = b"[0 0 595 842]/CropBox[20 30 500 800]/Rotate %d" % turn
        assert ink("pdf", make.text_pdf(HEADING, media=media)) == ""

    @pytest.mark.parametrize(
        "hidden",
        [
            pytest.param(b"3 Tr", id="as text recognized before is"),
            pytest.param(b"7 Tr", id="as a border of what is drawn"),
            pytest.param(b"1 1 1 rg", id="white on white"),
        ],
    )
    def test_text_that_is_not_to_be_seen_does_not_count(self, hidden):
        assert ink("pdf", make.text_pdf(HEADING + make.line(b"(hidden words)", before=hidden))) == ""
        assert ink("pdf", make.text_pdf(make.line(b"(hidden words)", before=hidden))) == "one-color"

    @pytest.mark.parametrize("color", [b"0 g", b"1 g", b"0.5 g", b"1 0 0 rg"])
    def test_text_below_a_box_of_any_color_does_not_count(self, color):
        content = HEADING + make.line(b"(blacked out)") + color + b" 60 690 300 40 re f"
        assert ink("pdf", make.text_pdf(content)) == ""

    def test_text_that_is_wholly_transparent_does_not_count(self):
        font = make.UNKNOWN_FONT + b">>/ExtGState<</G1<</ca 0>>"
        content = b"0 0 0 rg 72 750 200 20 re f\n/G1 gs " + make.line(make.UNKNOWN_TEXT)
        assert ink("pdf", make.text_pdf(content, font=font)) == ""

    def test_three_letters_that_are_lost_among_a_thousand_that_are_seen_are_lost(self):
        seen = b"".join(
            make.line(b"(Seven lamps and a garden by the river)", 8, (72, 740 - 10 * row)) for row in range(30)
        )
        lost = seen + b"BT /F2 24 Tf 72 100 Td %s Tj ET\n" % make.UNKNOWN_TEXT
        fonts = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>/F2 " + make.UNKNOWN_FONT
        assert [ink("pdf", make.text_pdf(content, font=fonts)) for content in (seen, lost)] == ["", "text-unseen"]

    def test_text_below_the_paper_of_a_scan_does_not_count(self):
        assert ink("pdf", make.text_pdf(make.line(b"(recognized before)") + b"1 g 0 0 595 842 re f")) == "one-color"

    def test_text_that_can_be_switched_off_does_not_count(self):
        hidden = b"/OC <</Type/OCG>> BDC " + make.line(make.UNKNOWN_TEXT) + b" EMC\n72 750 200 20 re f"
        assert ink("pdf", make.text_pdf(hidden, font=make.UNKNOWN_FONT)) == ""
        marked = hidden.replace(b"/OC ", b"/P ")
        assert ink("pdf", make.text_pdf(marked, font=make.UNKNOWN_FONT)) == "text-unseen"

    def test_text_that_is_lost_and_covered_by_a_box_is_lost(self):
        content = make.line(make.UNKNOWN_TEXT) + b"1 g 60 690 300 40 re f 0 g 72 750 200 20 re f"
        assert ink("pdf", make.text_pdf(content, font=make.UNKNOWN_FONT)) == "text-unseen"

    def test_white_text_on_a_dark_band_is_lost_too(self):
        content = b"0 g 60 690 300 40 re f\n" + make.line(make.UNKNOWN_TEXT, before=b"1 g")
        assert ink("pdf", make.text_pdf(content, font=make.UNKNOWN_FONT)) == "text-unseen"

    def test_commas_may_lie_beside_the_middle_of_their_box(self):
        assert ink("pdf", make.text_pdf(HEADING + make.line(b"(. , : ;)", size=6))) == ""

    @pytest.mark.parametrize("color", [b"0 0 0.6 rg", b"0.5 g", b"0.8 0 0 rg"])
    def test_text_of_any_color_does(self, color):
        content = b"72 750 200 20 re f\n" + make.line(make.UNKNOWN_TEXT, before=color)
        assert ink("pdf", make.text_pdf(content, font=make.UNKNOWN_FONT)) == "text-unseen"

    def test_blanks_leave_no_ink_and_need_none(self):
        assert ink("pdf", make.text_pdf(HEADING + make.line(b"(       )"))) == ""

    def test_text_beside_the_page_does_not_count(self):
        content = HEADING + make.line(b"(beside)", at=(3000, 3000)) + make.line(b"(beside)", at=(-900, 300))
        assert ink("pdf", make.text_pdf(content)) == ""
