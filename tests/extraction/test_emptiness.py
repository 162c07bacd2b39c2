"""Which answers hold nothing that was recognized on their page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from legible.extraction import fields
from legible.extraction.emptiness import says_nothing
from legible.operations import catalog

ANSWERS = Path(__file__).parents[1] / "data" / "answers"

#: A frame of four cells with nothing in them.
REGION = {
    "words_region_count": 1,
    "words_region_list": [
        {
            "type": "table",
            "words_block_count": 2,
            "words_block_list": [
                {"words": "", "rows": [0], "columns": [0], "confidence": 0.0},
                {"words": "", "rows": [0], "columns": [1], "confidence": 0.0},
            ],
        }
    ],
}


def nothing(slug: str, result: object) -> bool:
    body = json.dumps({"result": result}).encode()
    return says_nothing(fields.read_page(catalog.find(slug), 1, body)[0])


@pytest.mark.parametrize(
    ("slug", "result"),
    [
        ("general-text", {"direction": 90.0, "words_block_count": 0, "words_block_list": []}),
        ("general-text", {"words_block_count": 1, "words_block_list": [{"words": "  ", "confidence": 0.3}]}),
        ("web-image", {"words_block_count": 0, "words_block_list": [], "extracted_data": {}}),
        ("handwriting", {"words_block_count": 0, "words_block_list": [], "direction": -1}),
        ("general-table", {"words_region_count": 0, "words_region_list": []}),
        ("general-table", REGION),
        (
            "smart-document-recognizer",
            [{"ocr_result": {"direction": 0, "words_block_count": 0, "words_block_list": []}}],
        ),
        ("financial-statement", {"image_size": {"height": 900, "width": 600}, "words_region_list": []}),
        ("passport", {"surname": "", "given_name": None, "confidence": {"surname": 0.0}}),
        ("id-card", {"name": "", "score_info": {"blur_score": 12}, "detect_blur_result": True}),
        ("macao-id-card", {"side": "front", "name_chinese": ""}),
        ("license-plate", []),
        ("auto-classification", []),
        ("vat-invoice", {}),
        ("bank-receipt", {"bank_receipt_count": 0, "bank_receipt_list": []}),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value)[:40],
)
def test_an_answer_without_text_field_and_table_says_nothing(slug, result):
    assert nothing(slug, result)


@pytest.mark.parametrize(
    ("slug", "result"),
    [
        ("general-text", {"words_block_count": 1, "words_block_list": [{"words": "x", "confidence": 0.3}]}),
        ("passport", {"surname": "", "sex": "F"}),
        ("license-plate", [{"plate_color": "blue", "plate_number": "\u4eacA00000"}]),
        ("passport", {"portrait_image": "iVBORw0KGgo="}),
        ("seal", {"seal_count": 1, "seal_list": [{"text": "\u7ae0"}]}),
    ],
    ids=lambda value: value if isinstance(value, str) else json.dumps(value)[:40],
)
def test_one_value_is_something(slug, result):
    assert not nothing(slug, result)


@pytest.mark.parametrize("slug", sorted(catalog.slugs()))
def test_no_recorded_answer_of_any_operation_is_taken_for_nothing(slug):
    body = (ANSWERS / slug / "answer.json").read_bytes()
    assert not says_nothing(fields.read_page(catalog.find(slug), 1, body)[0])
