"""A sheet of details is left out of a workbook where all that it says stands on another sheet."""

from __future__ import annotations

import io
import json
from typing import Any

import openpyxl
import pytest

from legible.extraction.fields import extract
from legible.model.documents import Document
from legible.model.records import Field, Record
from legible.operations import catalog
from legible.outputs.xlsx import write

BOX = [[1, 2], [9, 2], [9, 5], [1, 5]]


def book_of(slug: str, result: Any) -> openpyxl.Workbook:
    """Return the workbook of an answer."""
    found = extract(catalog.find(slug), [(1, json.dumps({"result": result}).encode())])
    record = Record(
        document=Document("in", "a.png", "v"), status="done", fields=found.fields, tables=found.tables, text=found.text
    )
    file = io.BytesIO()
    write(record, record, file)
    return openpyxl.load_workbook(file)


def details(book: openpyxl.Workbook) -> list[str]:
    """Return the sheets that hold neither a table of the document nor what every workbook has."""
    return [name for name in book.sheetnames if name not in ("Fields", "Table 1", "Text", "Findings", "About")]


def cell(**more: Any) -> dict[str, Any]:
    """Return a table's answer that has one cell."""
    return {"words_region_list": [{"words_block_list": [{"rows": [0], "columns": [0], **more}]}]}


LINES = [{"words": "Net", "confidence": 0.9, "location": BOX}, {"words": "weight", "confidence": 0.6}]


def test_the_texts_of_a_cell_stand_in_the_cell() -> None:
    book = book_of("general-table", cell(words_list=LINES, cell_location=BOX))
    assert (details(book), book["Table 1"]["A1"].value) == ([], "Net\nweight")


@pytest.mark.parametrize(
    "more",
    [
        {"words": "Net", "cell_location": BOX, "location": BOX},
        {"words": "Net", "words_list": [{"words": "Net", "confidence": 0.99}], "words_block_count": 7},
        {"words": "Net", "confidence": 0.5, "words_list": [{"words": "Net", "confidence": 0.5}]},
        {"words": "Net", "words_list": [{"words": "Net", "char_list": [{"char": "N"}, {"char": "e"}, {"char": "t"}]}]},
        {"words": "Net", "words_list": [{"words": " Net "}, {"words": ""}]},
    ],
)
def test_places_counts_characters_and_blanks_are_nothing_new(more: Any) -> None:
    assert details(book_of("general-table", cell(**more))) == []


@pytest.mark.parametrize(
    "more",
    [
        {"words": "Net", "words_list": [{"words": "Gross"}]},
        {"words": "Net", "words_list": [{"words": "Net", "confidence": 0.5}]},
        {"words": "Net", "confidence": 0.6, "words_list": [{"words": "Net", "confidence": 0.5}]},
        {"words": "Net", "font": "Sans"},
    ],
)
def test_another_text_a_greater_doubt_and_a_font_are_new(more: Any) -> None:
    assert len(details(book_of("general-table", cell(**more)))) == 1


def test_characters_of_text_are_left_out_unless_one_is_in_doubt() -> None:
    block = {"words": "Hi", "confidence": 0.95, "char_list": [{"char": "H", "char_confidence": 0.99}, {"char": "i"}]}
    assert details(book_of("general-text", {"direction": 90, "words_block_list": [block]})) == []
    block["char_list"][0]["char_confidence"] = 0.2
    assert details(book_of("general-text", {"words_block_list": [block]})) == ["Text block Characters"]


def test_boxes_of_a_pair_are_left_out_where_the_pair_says_the_same() -> None:
    boxes = [{"words": "1 Way,", "type": "value", "location": BOX}, {"words": "Town", "type": "value"}]
    pair = {"key": "Address", "value": "1 Way,\nTown", "words_block_count": 1, "words_block_list": boxes}
    result = [{"kv_result": {"kv_block_list": [pair]}}]
    assert details(book_of("smart-document-recognizer", result)) == []
    boxes[1]["words"] = "City"
    assert details(book_of("smart-document-recognizer", result)) == ["Key-value pair Text blocks"]


def test_line_items_and_what_is_inside_them_always_have_their_sheets() -> None:
    lines = [{"a": "1", "parts": [{"p": "1"}]}]
    assert details(book_of("invoice-verification", {"lines": lines})) == ["Lines", "Lines Parts"]


def test_details_of_what_is_not_there_stay() -> None:
    blocks = [{"words": "a", "font": "Sans"}]
    found = extract(catalog.find("handwriting"), [(1, json.dumps({"result": {"words_block_list": blocks}}).encode())])
    record = Record(document=Document("in", "a.png", "v"), status="done", tables=found.tables)
    file = io.BytesIO()
    write(record, record, file)
    assert details(openpyxl.load_workbook(file)) == ["Text block details"]


@pytest.mark.parametrize(
    ("text", "typed", "shown", "beside"),
    [
        ("quota_invoice", "Quota invoice (China)", "Quota invoice (China)", "quota_invoice"),
        ("bankcard", "Bank card", "Bank card", "bankcard"),
        ("female", "female", "female", None),
        ("\u5973", "female", "\u5973", None),
        ("other_thing", None, "other_thing", None),
    ],
)
def test_a_word_of_the_services_own_is_shown_as_what_it_means(text: str, typed: str, shown: str, beside: str) -> None:
    field = Field("type", "Type", text, "enum", typed)
    record = Record(document=Document("in", "a.png", "v"), status="done", fields=(field,))
    file = io.BytesIO()
    write(record, record, file)
    header, row = list(openpyxl.load_workbook(file)["Fields"].iter_rows(values_only=True))[:2]
    values = dict(zip(header, row, strict=True))
    assert (values["Value"], values.get("As recognized")) == (shown, beside)
