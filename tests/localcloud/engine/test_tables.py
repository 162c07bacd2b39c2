"""Tables: cells where they are, merged cells as one, text around them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from localcloud.engine import EngineError, recognize
from localcloud.engine.grid import gaps
from tests.data.documents.make import TABLE
from tests.localcloud.engine.samples import answer, document, opened, png, sheet, turned

Cells = list[tuple[list[int], list[int], str]]


def drawn_cells() -> Cells:
    """The cells of the sample, as the script that drew it has them."""
    return [
        (list(range(row, row + height)), list(range(column, column + width)), text)
        for row, column, height, width, text in TABLE
    ]


def regions(result: dict[str, Any]) -> list[str]:
    return [region["type"] for region in result["words_region_list"]]


def cells(region: dict[str, Any]) -> Cells:
    return [(block["rows"], block["columns"], block["words"]) for block in region["words_block_list"]]


def are_near(corners: list[list[int]], expected: list[list[int]]) -> bool:
    return bool(np.abs(np.array(corners) - np.array(expected)).max() <= 4)


def page(*rows: Sequence[str], rules: Sequence[int], columns: Sequence[int], verticals: bool) -> Image.Image:
    """Text above a table of 60-pixel rows, and text under it."""
    image = Image.new("RGB", (760, 420), "white")
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(24)
    draw.text((columns[0], 20), "Parts we ordered in May", "black", font)
    bottom = 80 + 60 * len(rows)
    for rule in rules:
        draw.line((columns[0], 80 + 60 * rule, columns[-1], 80 + 60 * rule), "black", 2)
    for column in columns if verticals else ():
        draw.line((column, 80, column, bottom), "black", 2)
    for row, texts in enumerate(rows):
        for column, text in zip(columns, texts, strict=False):
            draw.text((column + 12, 94 + 60 * row), text, "black", font)
    draw.text((columns[0], bottom + 30), "Delivered without delay", "black", font)
    return image


def test_reads_a_ruled_table_with_merged_cells() -> None:
    result = answer("general-table", "general-table/table.png")

    assert regions(result) == ["table"]
    assert cells(result["words_region_list"][0]) == drawn_cells()


@pytest.mark.parametrize("degrees", [3, pytest.param(90, marks=pytest.mark.slow)])
def test_reads_a_table_that_lies_at_an_angle(degrees: int) -> None:
    result = recognize("general-table", turned(opened("general-table/table.png"), degrees), {})

    assert cells(result["words_region_list"][0]) == drawn_cells()


def test_confidence_and_location_are_given_only_when_asked_for() -> None:
    plain = answer("general-table", "general-table/table.png")
    asked = recognize(
        "general-table",
        document("general-table/table.png"),
        {"return_confidence": True, "return_text_location": True, "return_char_location": True},
    )

    assert all(
        set(block) == {"words", "rows", "columns"} for block in plain["words_region_list"][0]["words_block_list"]
    )
    block = next(block for block in asked["words_region_list"][0]["words_block_list"] if block["words"] == "=1+1")
    assert are_near(block["cell_location"], [[230, 354], [490, 354], [490, 430], [230, 430]])
    assert 0.75 <= block["confidence"] <= 1
    assert "".join(item["char"] for item in block["words_list"][0]["char_list"]) == "=1+1"
    (left, top), _, (right, bottom), _ = block["location"]
    assert 230 < left < 250 < 300 < right < 330
    assert 354 < top < 385 < 400 < bottom < 430


def test_text_around_a_table_is_a_region_of_its_own() -> None:
    image = page(("Bolt", "12"), ("Nut", ""), rules=(0, 1, 2), columns=(60, 400, 700), verticals=True)

    result = recognize("general-table", png(image), {"with_borders": True, "return_confidence": True})

    assert regions(result) == ["text", "table", "text"]
    before, table, after = result["words_region_list"]
    assert [block["words"] for block in before["words_block_list"]] == ["Parts we ordered in May"]
    assert cells(table) == [([0], [0], "Bolt"), ([0], [1], "12"), ([1], [0], "Nut"), ([1], [1], "")]
    # An empty cell has no text to be sure of.
    assert "confidence" not in table["words_block_list"][-1]
    assert [block["words"] for block in after["words_block_list"]] == ["Delivered without delay"]


def test_white_gaps_are_columns_between_horizontal_rules() -> None:
    image = page(("Bolt, steel", "12"), ("Nut", "80"), rules=(0, 1, 2), columns=(60, 500, 700), verticals=False)

    found = recognize("general-table", png(image), {})
    left_alone = recognize("general-table", png(image), {"with_borders": True})

    assert regions(found) == ["text", "table", "text"]
    assert cells(found["words_region_list"][1]) == [
        ([0], [0], "Bolt, steel"),
        ([0], [1], "12"),
        ([1], [0], "Nut"),
        ([1], [1], "80"),
    ]
    assert regions(left_alone) == ["text"]


def test_text_that_runs_over_a_rule_is_cut_there() -> None:
    # GIVEN two cells so close that the model sees one line
    image = page(("Wardens", "Crates"), ("A", "B"), rules=(0, 1, 2), columns=(60, 186, 400), verticals=True)

    result = recognize("general-table", png(image), {})

    assert cells(result["words_region_list"][1])[:2] == [([0], [0], "Wardens"), ([0], [1], "Crates")]


def test_a_page_without_rules_is_text() -> None:
    result = recognize("general-table", png(sheet("Bolt 12", "Nut 80")), {})

    assert regions(result) == ["text"]


def test_a_workbook_is_not_promised() -> None:
    with pytest.raises(EngineError, match=r"AIS\.0101 .*return_excel"):
        recognize("general-table", document("general-table/table.png"), {"return_excel": True})


def test_smart_documents_hold_text_and_the_tables_asked_for() -> None:
    (plain,) = answer("smart-document-recognizer", "general-table/table.png")
    (with_tables,) = recognize("smart-document-recognizer", document("general-table/table.png"), {"table": True})

    assert set(plain) == {"ocr_result"}
    assert plain["ocr_result"]["words_block_count"] == len(drawn_cells())
    (table,) = with_tables["table_result"]["table_list"]
    assert cells(table) == drawn_cells()
    assert are_near(table["location"], [[50, 50], [1050, 50], [1050, 582], [50, 582]])


def test_gaps_are_what_no_stretch_covers() -> None:
    assert gaps([(0, 10), (5, 20), (40, 50), (52, 60)], narrowest=5) == [30]
    assert gaps([], narrowest=5) == []
