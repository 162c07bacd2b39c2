"""Documents for the tests of the embedded engine: the committed samples, and small ones drawn without system fonts."""

from __future__ import annotations

import io
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from localcloud.engine import recognize
from tests.support.places import DOCUMENTS

IMAGES = Path(__file__).parent / "images"


def document(name: str) -> bytes:
    return (DOCUMENTS / name).read_bytes()


def opened(name: str) -> Image.Image:
    return Image.open(DOCUMENTS / name).convert("RGB")


def png(image: Image.Image) -> bytes:
    return encoded(image, "PNG")


def encoded(image: Image.Image, format: str, **parameters: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **parameters)
    return buffer.getvalue()


def turned(image: Image.Image, degrees: float) -> bytes:
    """The image turned counterclockwise."""
    return png(image.rotate(degrees, expand=True, fillcolor="white", resample=Image.Resampling.BICUBIC))


def sheet(*lines: str, width: int = 560, height: int = 220, mode: str = "RGB", **fill: Any) -> Image.Image:
    """Lines of print in Pillow's own font."""
    page = Image.new(mode, (width, height), fill.get("paper", "white"))
    draw = ImageDraw.Draw(page)
    for row, line in enumerate(lines):
        draw.text((24, 20 + 60 * row), line, fill.get("ink", "black"), ImageFont.load_default(30))
    return page


@cache
def answer(slug: str, name: str, **options: Any) -> Any:
    """The engine's answer for a sample; each is recognized once in a test run."""
    return recognize(slug, document(name), options)


def words(result: dict[str, Any]) -> list[str]:
    return [block["words"] for block in result["words_block_list"]]
