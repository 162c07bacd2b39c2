"""Running text: every word, whichever way the page lies, and nothing where there is nothing."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from localcloud.engine import EngineError, recognize
from localcloud.engine.decoding import decode_page
from localcloud.engine.detection import windows
from localcloud.engine.drawing import MAX_PAGE_PIXELS
from tests.data.documents.make import LETTER
from tests.localcloud.engine.samples import IMAGES, answer, document, encoded, opened, png, sheet, turned, words
from tests.support.places import DOCUMENTS

LINES = ("Delivery note 20731", "Received 14 crates, 2 damaged", "Signed: Ada Brooks")


def test_reads_every_word_of_a_letter() -> None:
    assert words(answer("general-text", "general-text/letter.png")) == [line for line in LETTER.split("\n") if line]


def test_reads_a_screenshot_from_top_to_bottom_and_left_to_right() -> None:
    assert words(answer("web-image", "web-image/screenshot.png")) == [
        "Fernhill Outdoor",
        "Basket (2)",
        "Your order is on its way",
        "Order 58-30417, placed on 6 April 2026",
        "Trail tent, two persons",
        "EUR 189.00",
        "Quantity 1",
        "Camping stove with case",
        "EUR 74.50",
        "Quantity 2",
        "Total including shipping",
        "EUR 263.50",
        "Track my parcel",
        "Questions? Write to help@fernhill.example or call 0555 016 3380.",
    ]


@pytest.mark.parametrize(
    "degrees", [90, 180, 8, *(pytest.param(more, marks=pytest.mark.slow) for more in (0, 270, 350))]
)
def test_reads_a_page_that_lies_at_any_angle(degrees: int) -> None:
    result = recognize("general-text", turned(sheet(*LINES), degrees), {"detect_direction": True})

    assert words(result) == list(LINES)
    assert abs((result["direction"] - degrees + 180) % 360 - 180) <= 1


def test_direction_is_not_told_unless_asked_for() -> None:
    assert answer("general-text", "general-text/letter.png")["direction"] == -1


def test_locations_are_in_the_image_as_it_was_sent() -> None:
    # GIVEN a page lying on its left side: its first line runs up the left edge
    result = recognize("general-text", turned(sheet("First line"), 90), {})

    (block,) = result["words_block_list"]
    top_left, top_right, bottom_right, bottom_left = block["location"]

    assert top_left[1] > 510 > top_right[1]
    assert abs(top_left[0] - top_right[0]) <= 3
    assert top_left[0] < 30 < 50 < bottom_left[0]
    assert bottom_right[1] < bottom_left[1]


def test_exif_orientation_is_applied_before_anything_else() -> None:
    # GIVEN the photo of a phone: pixels on their side, and a note which way is up
    photo = sheet(*LINES).rotate(90, expand=True)
    exif = Image.Exif()
    exif[0x0112] = 6

    result = recognize("general-text", encoded(photo, "JPEG", exif=exif), {"detect_direction": True})

    assert result["direction"] == 0
    assert words(result) == list(LINES)


@pytest.mark.parametrize(
    "image",
    [
        sheet("Black on nothing", mode="RGBA", paper=(0, 0, 0, 0)),
        sheet("Black on nothing").quantize(8),
        sheet("Black on nothing").convert("1"),
        sheet("Black on nothing", mode="I;16", paper=60000, ink=0),
        sheet("Black on nothing").convert("CMYK"),
    ],
    ids=["transparent", "palette", "one bit", "sixteen bits", "CMYK"],
)
def test_reads_every_kind_of_pixel(image: Image.Image) -> None:
    format = "TIFF" if image.mode == "CMYK" else "PNG"

    assert words(recognize("web-image", encoded(image, format), {})) == ["Black on nothing"]


def test_reads_a_strip_that_holds_nothing_but_one_line() -> None:
    strip = sheet("One tight line, 4711").crop((20, 24, 340, 56))

    assert words(recognize("general-text", png(strip), {"quick_mode": True})) == ["One tight line, 4711"]


def test_reads_the_asked_page_of_a_pdf() -> None:
    first, second = sheet("Page one"), sheet("Page two")
    pdf = encoded(first, "PDF", save_all=True, append_images=[second], resolution=96)

    assert words(recognize("general-text", pdf, {"pdf_page_number": 2})) == ["Page two"]


def test_a_page_of_three_meters_is_drawn_as_large_as_a_laptop_holds() -> None:
    drawn = decode_page((DOCUMENTS / "real" / "huge-page.pdf").read_bytes(), 1)
    assert 0.99 * MAX_PAGE_PIXELS < drawn.shape[0] * drawn.shape[1] < 1.01 * MAX_PAGE_PIXELS


def test_a_tall_word_beside_small_lines_does_not_mix_them_up() -> None:
    page = sheet("Small first", "Small second", "Small third")
    ImageDraw.Draw(page).text((330, 50), "TALL", "black", ImageFont.load_default(90))

    read = words(recognize("general-text", png(page), {}))

    assert [word for word in read if word != "TALL"] == ["Small first", "Small second", "Small third"]


def test_markdown_joins_what_stands_side_by_side() -> None:
    page = sheet("Left one", "Left two")
    page.paste(sheet("Right one", "Right two", width=300), (340, 0))

    result = recognize("general-text", png(page), {"return_markdown_result": True})

    assert result["markdown_result"] == "Left one\tRight one\nLeft two\tRight two"


def test_characters_stand_where_their_line_stands() -> None:
    result = recognize("general-text", png(sheet("Total 42")), {"character_mode": True})

    (block,) = result["words_block_list"]
    lefts = [character["char_location"][0][0] for character in block["char_list"]]
    assert "".join(character["char"] for character in block["char_list"]) == block["words"] == "Total 42"
    assert lefts == sorted(lefts)
    assert lefts[0] == block["location"][0][0]


def test_a_blank_page_has_no_text() -> None:
    result = recognize("general-text", png(Image.new("RGB", (640, 480), "white")), {"detect_direction": True})

    assert result == {"direction": -1, "words_block_count": 0, "words_block_list": []}


def test_noise_is_no_text() -> None:
    noise = np.random.default_rng(7).integers(0, 255, (300, 400, 3), dtype=np.uint8)

    assert words(recognize("web-image", png(Image.fromarray(noise)), {})) == []


def test_a_script_the_model_does_not_know_gives_nothing_rather_than_garbage() -> None:
    assert words(recognize("general-text", (IMAGES / "thai.png").read_bytes(), {})) == []


@pytest.mark.parametrize(
    "data",
    [b"", b"not an image", document("web-image/screenshot.png")[:40], document("passport/rotated-90.jpg")[:9000]],
    ids=["empty", "text", "header only", "cut short"],
)
def test_a_damaged_image_is_refused(data: bytes) -> None:
    with pytest.raises(EngineError) as refused:
        recognize("general-text", data, {})

    assert refused.value.code in {"AIS.0102", "AIS.0104"}
    assert refused.value.message.startswith("embedded engine: ")


def test_a_damaged_pdf_is_refused() -> None:
    with pytest.raises(EngineError, match=r"AIS\.0102"):
        recognize("general-text", b"%PDF-1.7 and no more", {})


@pytest.mark.parametrize(("width", "height"), [(400, 600), (700, 9000), (20000, 800), (1280, 1280), (30000, 15)])
def test_every_spot_of_an_image_is_seen_by_exactly_one_window(width: int, height: int) -> None:
    spots = np.random.default_rng(3).uniform((0, 0), (width, height), (200, 2))

    for spot in spots:
        owners = [window for window in windows(width, height) if window.owns(np.array([spot] * 4))]
        assert len(owners) == 1
        assert owners[0].left <= spot[0] <= owners[0].right
        assert owners[0].top <= spot[1] <= owners[0].bottom


@pytest.mark.slow
def test_reads_a_long_screenshot_to_its_end() -> None:
    lines = [f"Message number {number}" for number in range(1, 101)]

    assert words(recognize("web-image", png(sheet(*lines, width=500, height=6040)), {})) == lines


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [90, 180, 270, 7])
def test_reads_a_whole_letter_at_any_angle(degrees: int) -> None:
    result = recognize("general-text", turned(opened("general-text/letter.png"), degrees), {})

    assert words(result) == words(answer("general-text", "general-text/letter.png"))
