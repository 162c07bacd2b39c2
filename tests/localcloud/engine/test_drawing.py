"""A page of a PDF: drawn large enough to be read, small enough to be held, or refused as the document's own fault."""

from __future__ import annotations

import pytest

from localcloud.engine import EngineError, recognize
from localcloud.engine.decoding import decode_page
from localcloud.engine.drawing import MAX_PAGE_PIXELS, MAX_PAGE_SIDE, scale_of
from tests.documents import make


def pdf_of(*pages: str) -> bytes:
    """A PDF with a black dot on each page; pages are given by what their dictionary says. Empty: there is no object."""
    kids = " ".join(f"{number} 0 R" for number in range(4, 4 + len(pages)))
    objects = {
        1: "<< /Type /Catalog /Pages 2 0 R >>",
        2: f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>",
        3: "<< /Length 12 >>\nstream\n0 0 5 5 re f\nendstream",
    }
    for number, page in enumerate(pages, 4):
        if page:
            objects[number] = f"<< /Type /Page /Parent 2 0 R /Contents 3 0 R {page} >>"
    body, table = b"%PDF-1.7\n", ""
    for number in range(4 + len(pages)):
        if number not in objects:
            table += "0000000000 00000 f \n"
            continue
        table += f"{len(body):010} 00000 n \n"
        body += f"{number} 0 obj\n{objects[number]}\nendobj\n".encode()
    size = 4 + len(pages)
    trailer = f"xref\n0 {size}\n{table}trailer << /Root 1 0 R /Size {size} >>\nstartxref\n{len(body)}\n%%EOF"
    return body + trailer.encode()


PAPER = "/MediaBox [0 0 595 842]"


@pytest.mark.parametrize(
    "broken",
    ["", f"{PAPER} /CropBox [700 900 1200 1600]", "/MediaBox [0 0 0 0] /CropBox [5 5 5 5]"],
    ids=["not there", "cropped to nothing", "no sides"],
)
def test_a_page_that_cannot_be_drawn_is_the_documents_fault_and_no_other_pages(broken: str) -> None:
    document = pdf_of(PAPER, broken, PAPER)

    try:
        recognize("general-text", document, {"pdf_page_number": 2})
    except EngineError as refused:
        assert refused.code == "AIS.0104"
        assert "page 2 of the PDF" in refused.message
    else:
        # PDFium takes letter paper for a page without sides: what can be drawn is read
        assert decode_page(document, 2).shape == (1584, 1224, 3)
    assert decode_page(document, 1).shape == decode_page(document, 3).shape == (1684, 1190, 3)


@pytest.mark.parametrize("sides", ["595 2147483647", "2147483647 595", "1 1000000000", "600 60001"])
def test_an_endless_page_is_refused_as_too_large(sides: str) -> None:
    with pytest.raises(EngineError, match=r"AIS\.0103 .*too long"):
        recognize("general-text", pdf_of(f"/MediaBox [0 0 {sides}]"), {})


@pytest.mark.parametrize(("width", "height"), [(1, 14400), (14400, 1), (14400, 14400), (595, 14400), (3, 40000)])
def test_a_page_that_is_long_is_drawn_within_bounds(width: int, height: int) -> None:
    scale = scale_of(width, height)

    assert max(width, height) * scale <= MAX_PAGE_SIDE * 1.001
    assert width * height * scale**2 <= MAX_PAGE_PIXELS * 1.001


@pytest.mark.parametrize("narrow", ["/MediaBox [0 0 1 14400]", "/MediaBox [0 0 14400 1]"])
def test_a_page_one_point_wide_is_read_as_what_it_is(narrow: str) -> None:
    assert recognize("general-text", pdf_of(narrow), {})["words_block_count"] == 0


@pytest.mark.parametrize(
    ("sides", "drawn"),
    [("595 842", (1684, 1190)), ("298 420", (840, 596)), ("59.5 84.2", (1400, 990)), ("243 153", (882, 1400))],
    ids=["A4", "A6", "another unit", "a card"],
)
def test_a_page_smaller_than_paper_is_drawn_large_enough_for_letters(sides: str, drawn: tuple[int, int]) -> None:
    height, width = decode_page(pdf_of(f"/MediaBox [0 0 {sides}] /UserUnit 10"), 1).shape[:2]

    assert abs(height - drawn[0]) <= 1
    assert abs(width - drawn[1]) <= 1


def test_a_font_that_is_not_in_the_file_is_replaced() -> None:
    font = (
        b"<</Type/Font/Subtype/Type0/BaseFont/STSong-Light/Encoding/UniGB-UCS2-H/DescendantFonts[<</Type/Font"
        b"/Subtype/CIDFontType0/BaseFont/STSong-Light/CIDSystemInfo<</Registry(Adobe)/Ordering(GB1)/Supplement 4>>>>]>>"
    )
    page = make.text_pdf(make.line(b"<65366536>"), font=font)
    assert decode_page(page, 1).min() < 128
