"""The operations this engine serves: options and image in, the value of ``result`` out, as the service writes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np

from localcloud.engine import cards, travel
from localcloud.engine.errors import refused_option
from localcloud.engine.models import load
from localcloud.engine.options import Options, check_language, flag, page_number, refuse
from localcloud.engine.quads import Quad, hull, part, pixels
from localcloud.engine.reading import Line, Reading, read_image, read_page, rows
from localcloud.engine.recognition import recognize_line
from localcloud.engine.tables import CellText, Region, find_regions

Result = dict[str, Any]


def general_text(image: bytes, options: Options) -> Result:
    """Read all text of a page."""
    check_language(options)
    with_characters = flag(options, "character_mode")
    with_direction = flag(options, "detect_direction")
    with_markdown = flag(options, "return_markdown_result")
    # Hints that change no result here: the page is always read at any angle, and a single line is quick anyway.
    flag(options, "quick_mode")
    flag(options, "single_orientation_mode")
    reading = read_page(image, page_number(options))
    result = _text_result(reading, reading.direction if with_direction else -1.0, with_characters)
    if with_markdown:
        lines = rows(reading.lines, reading.angle or 0.0)
        result["markdown_result"] = "\n".join("\t".join(line.text for line in row) for row in lines)
    return result


def _text_result(reading: Reading, direction: float, with_characters: bool) -> Result:
    blocks = [_block(line, reading, with_characters) for line in reading.lines]
    return {"direction": direction, "words_block_count": len(blocks), "words_block_list": blocks}


def _block(line: Line, reading: Reading, with_characters: bool = False) -> Result:
    block = {
        "words": line.text,
        "location": _location(line.quad, reading),
        "confidence": round(line.confidence, 4),
    }
    if with_characters:
        block["char_list"] = _characters(line, reading)
    return block


def _characters(line: Line, reading: Reading) -> list[Result]:
    """Return the characters of a line; each reaches halfway to its neighbors, as CTC tells middles only."""
    glyphs = line.recognized.characters
    edges = [0.0, *((a.position + b.position) / 2 for a, b in pairwise(glyphs)), 1.0]
    return [
        {
            "char": glyph.character,
            "char_location": _location(part(line.quad, start, end), reading),
            "char_confidence": round(glyph.probability, 4),
        }
        for glyph, (start, end) in zip(glyphs, pairwise(edges), strict=True)
    ]


def _location(quad: Quad, reading: Reading) -> list[list[int]]:
    return pixels(quad, reading.width, reading.height)


def web_image(image: bytes, options: Options) -> Result:
    """Read all text of a screenshot or picture."""
    refuse(options, "detect_font")
    extracted = options.get("extract_type") or []
    if not isinstance(extracted, list) or not set(extracted) <= {"image_size"}:
        raise refused_option("extract_type", f"only image_size is supported here, found {extracted!r}")
    # Both change no result here: the page is always read at any angle, and the answer has no field for it.
    flag(options, "detect_direction")
    flag(options, "detect_text_direction")
    reading = read_image(image)
    blocks = [_block(line, reading) for line in reading.lines]
    result: Result = {"words_block_count": len(blocks), "words_block_list": blocks}
    if extracted:
        result["extracted_data"] = {"image_size": {"height": reading.height, "width": reading.width}}
    return result


def general_table(image: bytes, options: Options) -> Result:
    """Read the tables of a page, and the text around them."""
    if flag(options, "return_excel"):
        raise refused_option("return_excel", "the embedded engine builds no workbooks; the cells are in the answer")
    refuse(options, "return_rectification_matrix")
    with_location = flag(options, "return_text_location")
    with_characters = flag(options, "return_char_location") and with_location
    with_confidence = flag(options, "return_confidence")
    ruled_only = flag(options, "with_borders")
    reading = read_image(image)
    shown = partial(_shown, reading=reading, with_location=with_location, with_confidence=with_confidence)
    regions = [_region(region, shown, with_characters) for region in _regions(reading, ruled_only)]
    return {"words_region_count": len(regions), "words_region_list": regions}


def _regions(reading: Reading, ruled_only: bool = False) -> list[Region]:
    return find_regions(reading, partial(recognize_line, models=load()), ruled_only=ruled_only)


def _region(region: Region, shown: Callable[..., Result], with_characters: bool) -> Result:
    if region.kind == "text":
        blocks = [shown({"words": line.text}, [line], with_characters=with_characters) for line in region.lines]
    else:
        blocks = [_cell(cell, shown, with_characters) for cell in region.cells]
    return {"type": region.kind, "words_block_count": len(blocks), "words_block_list": blocks}


def _cell(cell: CellText, shown: Callable[..., Result], with_characters: bool) -> Result:
    block = {"words": cell.text, "rows": list(cell.rows), "columns": list(cell.columns)}
    return shown(block, cell.lines, cell=cell, with_characters=with_characters)


def _shown(
    block: Result,
    lines: Sequence[Line],
    *,
    reading: Reading,
    with_location: bool,
    with_confidence: bool,
    with_characters: bool,
    cell: CellText | None = None,
) -> Result:
    """Add to a block the details that were asked for. An empty cell has neither confidence nor text location."""
    if with_confidence and lines:
        block["confidence"] = round(float(np.mean([line.confidence for line in lines])), 4)
    if with_location:
        if lines:
            block["location"] = _location(hull([line.quad for line in lines], reading.angle or 0.0), reading)
        if cell is not None:
            block["cell_location"] = _location(cell.quad, reading)
        block["words_list"] = [_block(line, reading, with_characters) for line in lines]
        if not with_confidence:
            for words in block["words_list"]:
                del words["confidence"]
    return block


def smart_document(image: bytes, options: Options) -> list[Result]:
    """Read the text of a page and, where asked for, its tables."""
    check_language(options)
    refuse(options, "kv", "layout", "form", "formula", "image_layout", "kv_map", "erase_seal", "return_excel")
    with_tables = flag(options, "table")
    with_characters = flag(options, "character_mode")
    # A promise of the caller that is not needed: text that runs across the page is told apart anyway.
    flag(options, "single_orientation_mode")
    reading = read_page(image, page_number(options))
    result: Result = {"ocr_result": _text_result(reading, reading.direction, with_characters)}
    if with_tables:
        tables = [_smart_table(region, reading) for region in _regions(reading) if region.kind == "table"]
        result["table_result"] = {"table_count": len(tables), "table_list": tables}
    return [result]


def _smart_table(region: Region, reading: Reading) -> Result:
    cells = [{"words": cell.text, "rows": list(cell.rows), "columns": list(cell.columns)} for cell in region.cells]
    corners = hull([cell.quad for cell in region.cells], reading.angle or 0.0)
    return {"location": _location(corners, reading), "words_block_count": len(cells), "words_block_list": cells}


OPERATIONS: dict[str, Callable[[bytes, Options], Any]] = {
    "general-text": general_text,
    "web-image": web_image,
    "general-table": general_table,
    "smart-document-recognizer": smart_document,
    "passport": travel.passport,
    "id-card": cards.id_card,
    "hk-id-card": cards.hk_id_card,
    "macao-id-card": travel.macao_id_card,
    "cambodian-idcard": travel.cambodian_id_card,
}
