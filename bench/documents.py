"""Documents to measure with; their content is invented."""

from __future__ import annotations

import ctypes
import io
import random

import pypdfium2
from PIL import Image, ImageDraw, ImageFont
from pypdfium2 import raw

#: A4, in points.
WIDTH, HEIGHT = 595.0, 842.0
#: The resolution of scans, and of rendered pages.
DPI = 200
_LINES, _LEFT, _LEADING = 52, 56.0, 14.0
_WORDS = [
    "the",
    "invoice",
    "of",
    "a",
    "house",
    "by",
    "river",
    "and",
    "garden",
    "was",
    "paid",
    "in",
    "full",
    "before",
    "noon",
    "under",
    "seven",
    "lamps",
    "without",
    "delay",
]
#: How many scans differ; a longer document repeats them.
_SCANS = 6


def text(pages: int) -> bytes:
    """Return a PDF of text pages: drawn letters, a rule above and below.

    Args:
        pages: How many pages.
    """
    document = pypdfium2.PdfDocument.new()
    font = raw.FPDFText_LoadStandardFont(document, b"Helvetica")
    chance = random.Random(pages)
    for number in range(1, pages + 1):
        page = document.new_page(WIDTH, HEIGHT)
        for row in range(_LINES):
            _write(document, page, font, f"{number}.{row + 1} {_sentence(chance)}", HEIGHT - 70 - row * _LEADING)
        for y in (HEIGHT - 50, 40.0):
            _rule(page, y)
        page.gen_content()
        page.close()
    target = io.BytesIO()
    document.save(target)
    document.close()
    return target.getvalue()


def scans(pages: int) -> bytes:
    """Return a PDF of scanned pages: one gray, grainy picture each.

    Args:
        pages: How many pages.
    """
    pictures = [_scan(number) for number in range(min(pages, _SCANS))]
    sheets = [pictures[number % len(pictures)] for number in range(pages)]
    target = io.BytesIO()
    sheets[0].save(target, "PDF", save_all=True, append_images=sheets[1:], resolution=DPI)
    return target.getvalue()


def blocks(count: int) -> dict[str, object]:
    """Return a result of general text: lines, each with its place.

    Args:
        count: How many text blocks.
    """
    chance = random.Random(count)
    text_blocks = [
        {
            "words": _sentence(chance),
            "confidence": round(chance.uniform(0.8, 1.0), 4),
            "location": [[90, 40 * row], [1500, 40 * row], [1500, 40 * row + 30], [90, 40 * row + 30]],
        }
        for row in range(count)
    ]
    return {"direction": 0.0, "words_block_count": count, "words_block_list": text_blocks}


def _sentence(chance: random.Random) -> str:
    return " ".join(chance.choices(_WORDS, k=12))


def _write(document: pypdfium2.PdfDocument, page: pypdfium2.PdfPage, font: object, line: str, y: float) -> None:
    thing = raw.FPDFPageObj_CreateTextObj(document, font, 10.5)
    wide = ctypes.create_string_buffer(line.encode("utf-16-le") + b"\0\0")
    raw.FPDFText_SetText(thing, ctypes.cast(wide, ctypes.POINTER(ctypes.c_ushort)))
    raw.FPDFPageObj_Transform(thing, 1, 0, 0, 1, _LEFT, y)
    raw.FPDFPage_InsertObject(page, thing)


def _rule(page: pypdfium2.PdfPage, y: float) -> None:
    thing = raw.FPDFPageObj_CreateNewPath(_LEFT, y)
    raw.FPDFPath_LineTo(thing, WIDTH - _LEFT, y)
    raw.FPDFPath_SetDrawMode(thing, raw.FPDF_FILLMODE_NONE, True)
    raw.FPDFPageObj_SetStrokeWidth(thing, 0.8)
    raw.FPDFPage_InsertObject(page, thing)


def _scan(number: int) -> Image.Image:
    size = round(WIDTH * DPI / 72), round(HEIGHT * DPI / 72)
    chance = random.Random(number)
    page = Image.new("L", size, 244)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(30)
    for row in range(_LINES):
        pen.text((150, 150 + row * 40), _sentence(chance), fill=30, font=font)
    return Image.blend(page, Image.effect_noise(size, 40), 0.08)
