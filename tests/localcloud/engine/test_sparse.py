"""A page with one short line and nothing else is read, and one with nothing stays empty."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from localcloud.engine import recognize
from localcloud.engine.models import Image as Pixels
from localcloud.engine.sparse import FEW, overlooked
from tests.localcloud.engine.samples import png, words


def a4(dpi: int = 144, *, ink: str = "black", paper: str = "white", **texts: tuple[float, float, float]) -> Image.Image:
    """A4 with texts at places, and of a size, in points."""
    page = Image.new("RGB", (595 * dpi // 72, 842 * dpi // 72), paper)
    for text, (x, y, size) in texts.items():
        place, font = (x * dpi / 72, y * dpi / 72), ImageFont.load_default(size * dpi / 72)
        ImageDraw.Draw(page).text(place, text.replace("_", " "), ink, font)
    return page


def pixels(page: Image.Image) -> Pixels:
    return np.ascontiguousarray(np.asarray(page)[:, :, ::-1])


@pytest.mark.parametrize(
    ("dpi", "texts"),
    [
        (144, {"First_page": (72, 72, 10)}),
        (200, {"Account_5512": (300, 700, 10)}),
        (144, {"Normal": (260, 400, 12), "4711": (500, 800, 9)}),
    ],
    ids=["one line", "another size", "head and foot"],
)
def test_a_short_line_on_an_empty_page_is_read(dpi: int, texts: dict[str, tuple[float, float, float]]) -> None:
    read = words(recognize("general-text", png(a4(dpi, **texts)), {}))

    assert read == [text.replace("_", " ") for text in texts]


def test_white_ink_on_a_dark_page_is_seen_as_well() -> None:
    (place,) = overlooked(pixels(a4(Word=(100, 100, 12), ink="white", paper="#202040")), [])

    left, top, right, bottom = place
    assert left < 200 < 240 < right
    assert top < 205 < 220 < bottom


def test_what_was_found_is_not_looked_for_again() -> None:
    page = pixels(a4(Word=(100, 100, 12)))
    around = np.array([[190, 195], [260, 195], [260, 235], [190, 235]], float)

    assert overlooked(page, [around]) == []
    assert overlooked(page, [around + 500] * FEW) != []
    assert overlooked(page, [around + 500] * (FEW + 1)) == []


def test_dust_holes_rules_and_shadows_are_not_taken_for_letters() -> None:
    page = a4()
    draw = ImageDraw.Draw(page)
    for number in range(40):
        x, y = (number * 331) % 1100, (number * 577) % 1600
        draw.rectangle((x, y, x + 2, y + 1), "#888888")
    for y in (600, 1000):
        draw.ellipse((30, y, 64, y + 34), "#404040")
    draw.line((100, 800, 1100, 800), "black", 3)
    draw.rectangle((0, 0, 8, 1684), "#999999")

    assert overlooked(pixels(page), []) == []


def test_a_word_in_a_frame_or_that_runs_together_is_seen() -> None:
    framed = a4(Word=(100, 100, 12))
    ImageDraw.Draw(framed).rectangle((20, 20, 1170, 1660), outline="black", width=3)
    joined = a4(Word=(100, 100, 12))
    ImageDraw.Draw(joined).line((198, 216, 262, 216), "black", 3)

    assert len(overlooked(pixels(framed), [])) == 1
    assert len(overlooked(pixels(joined), [])) == 1


def test_a_picture_is_not_looked_at_twice() -> None:
    noise = np.random.default_rng(7).integers(0, 255, (300, 400, 3), dtype=np.uint8)

    assert overlooked(noise, []) == []
