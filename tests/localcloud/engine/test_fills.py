"""Dark headers, columns and totals: white letters on them are no rules, and their cells are cells."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from localcloud.engine import recognize
from localcloud.engine.grid import find_grids
from localcloud.engine.models import Image as Pixels
from tests.localcloud.engine.samples import png

TEXTS = (
    ("Item", "Count", "Price"),
    ("Kettle", "12", "31.50"),
    ("Lantern", "", "8.00"),
    ("Sum", "12", "39.50"),
)
NAVY = "#1f3864"
COLUMNS, ROWS = (60, 330, 600, 870), (60, 120, 180, 240, 300)


def table(
    *,
    header: str | None = None,
    first: str | None = None,
    total: str | None = None,
    band: str | None = None,
    rule: str | None = "black",
    rules_in_header: bool = True,
    paper: str = "white",
    ink: str = "black",
) -> Image.Image:
    """A table of four rows and three columns; fills are given by their color, text on a dark one is white."""
    page = Image.new("RGB", (940, 380), paper)
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(26)
    fills = {0: header, 2: band, 3: total}
    for row, color in fills.items():
        if color:
            draw.rectangle((COLUMNS[0], ROWS[row], COLUMNS[-1], ROWS[row + 1]), color)
    if first:
        draw.rectangle((COLUMNS[0], ROWS[0], COLUMNS[1], ROWS[-1]), first)
    if rule:
        for y in ROWS:
            draw.line((COLUMNS[0], y, COLUMNS[-1], y), rule, 2)
        for x in COLUMNS:
            draw.line((x, ROWS[0 if rules_in_header else 1], x, ROWS[-1]), rule, 2)
    for row, texts in enumerate(TEXTS):
        for column, text in enumerate(texts):
            dark = (row in (0, 3) and fills[row]) or (column == 0 and first)
            place = (COLUMNS[column] + 14, ROWS[row] + 14)
            draw.text(place, text, "white" if dark else ink, font)
    return page


def pixels(page: Image.Image) -> Pixels:
    return np.ascontiguousarray(np.asarray(page)[:, :, ::-1])


@pytest.mark.parametrize("times", [1, 1.5, 2])
@pytest.mark.parametrize(
    "look",
    [
        {"header": NAVY},
        {"header": NAVY, "rules_in_header": False},
        {"header": "black"},
        {"header": "#c05000", "band": "#e0a060"},
        {"header": NAVY, "total": "#333333"},
        {"first": NAVY},
        {"header": NAVY, "first": NAVY},
        {"header": "#dddddd", "band": "#eeeeee"},
        {"header": "#404858", "paper": "#202020", "ink": "white", "rule": "#cccccc"},
        {},
    ],
    ids=[
        "header",
        "no rules in it",
        "black",
        "bands",
        "total",
        "column",
        "header and column",
        "light",
        "dark",
        "plain",
    ],
)
def test_a_ruled_table_has_its_cells_whatever_is_filled(look: dict[str, Any], times: float) -> None:
    page = table(**look)
    page = page.resize((round(page.width * times), round(page.height * times)), Image.Resampling.LANCZOS)
    (grid,) = find_grids(pixels(page))

    assert np.abs(np.array(grid.row_edges) / times - ROWS).max() <= 4
    assert np.abs(np.array(grid.column_edges) / times - COLUMNS).max() <= 4
    assert [(cell.rows, cell.columns) for cell in grid.cells] == [((r,), (c,)) for r in range(4) for c in range(3)]


def test_a_title_over_all_columns_of_a_dark_header_is_one_cell() -> None:
    page = table(header=NAVY, rules_in_header=False)
    draw = ImageDraw.Draw(page)
    draw.rectangle((62, 62, 868, 118), NAVY)
    draw.text((200, 74), "Everything that was in store in May", "white", ImageFont.load_default(26))

    (grid,) = find_grids(pixels(page))

    assert [cell.columns for cell in grid.cells if cell.rows == (0,)] == [(0, 1, 2)]


@pytest.mark.parametrize(
    "look", [{"header": NAVY}, {"header": NAVY, "total": "#333333"}], ids=["header", "header and total"]
)
def test_rows_under_a_dark_header_are_a_table_without_any_rule(look: dict[str, Any]) -> None:
    page = table(rule=None, **look)
    ImageDraw.Draw(page).text((60, 345), "All prices in crowns, packing included", "black", ImageFont.load_default(22))

    regions = recognize("general-table", png(page), {})["words_region_list"]

    assert [region["type"] for region in regions] == ["table", "text"]
    cells = {(block["rows"][0], block["columns"][0]): block["words"] for block in regions[0]["words_block_list"]}
    assert cells == {(r, c): text for r, texts in enumerate(TEXTS) for c, text in enumerate(texts)}
