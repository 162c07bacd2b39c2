"""Answers shaped as they are published: nothing of them is lost, and each confidence stands at its field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legible.extraction.checks import checked
from legible.extraction.doubts import needs_eyes
from legible.extraction.fields import extract
from legible.model.records import Extract
from legible.operations import catalog
from tests.extraction.test_fields import BOX, CORNERS, lost, read, rows, values
from tests.support.examples import examples
from tests.support.places import ANSWERS

PUBLISHED = sorted((ANSWERS.parent / "published").glob("*.json"))
OURS = sorted(ANSWERS.glob("*/answer.json"))


def slug_of(path: Path) -> str:
    """Return the operation whose answer lies there."""
    return path.parent.name if path.name == "answer.json" else path.name.partition(".")[0]


def found_in(path: Path) -> Extract:
    """Return what the answer that lies there says, checked."""
    operation = catalog.find(slug_of(path))
    return checked(operation, extract(operation, [(1, path.read_bytes())]))


def name_of(path: Path) -> str:
    """Return a test's name for an answer."""
    return path.stem if path in PUBLISHED else f"{slug_of(path)}-ours"


every_answer = pytest.mark.parametrize("path", [*PUBLISHED, *OURS], ids=name_of)


@every_answer
def test_every_leaf_stands_in_the_record(path: Path) -> None:
    tree = json.loads(path.read_bytes(), parse_float=str, parse_int=str)
    missing = lost(tree["result"], found_in(path))
    # a direction of -1 stands for none; it is the only value that is left out
    assert [text for text in missing if text not in ("-1", "-1.0")] == []


@every_answer
def test_every_confidence_stands_at_what_it_is_about(path: Path) -> None:
    result = json.loads(path.read_bytes())["result"]
    found = found_in(path)
    placed = {item.confidence for item in (*found.fields, *found.text)}
    placed |= {cell.confidence for table in found.tables for cell in table.cells}
    # how sure the service is of the place of a seal or document is a value of its own
    placed |= {float(field.value) for field in found.fields if field.label.endswith("Location confidence")}
    given = [number for number in confidences(result) if 0 <= number <= 1]
    assert [number for number in given if number not in placed] == []
    alone = [field.name for field in found.fields if field.type == "confidence"]
    assert len(alone) == sum(number > 1 for number in confidences(result))


def confidences(tree: Any, *, inside: bool = False) -> Iterator[float]:
    """Yield every number that is a confidence, by the keys around it."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            named = inside or key.endswith("confidence")
            yield from confidences(value, inside=named and key not in ("alarm_confidence",))
    elif isinstance(tree, list):
        for item in tree:
            yield from confidences(item, inside=inside)
    elif inside and isinstance(tree, (int, float)):
        yield float(tree)


@every_answer
def test_no_table_has_two_columns_of_one_name(path: Path) -> None:
    for table in found_in(path).tables:
        header = [cell.text for cell in table.cells if table.header and cell.row == 0]
        assert len(header) == len(set(header)), table.name


class TestConfidencesUnderAnotherName:
    """What a map says of a field reaches it, whatever the map calls it."""

    @pytest.mark.parametrize(
        ("slug", "field", "name"),
        [
            ("train-ticket", "departure_station", "starting_station"),
            ("train-ticket", "departure_station_en", "starting_station_en"),
            ("train-ticket", "departure_time", "starting_time"),
            ("train-ticket", "ticket_price", "ticket_rates"),
            ("train-ticket", "sale_location", "ticket_office"),
            ("transportation-license", "maximum_capacity", "vehicle_weight"),
            ("transportation-license", "issue_date", "date_of_issue"),
            ("bankcard", "card_number", " card_number"),
            ("bankcard", "expiry_date", " expiry_date "),
            ("id-card", "number", "Number"),
            ("vat-invoice", "buyer_name", "buyerName"),
            ("passport", "date_of_birth", "date-of-birth"),
        ],
    )
    def test_a_doubt_finds_its_field(self, slug: str, field: str, name: str) -> None:
        found = read(slug, {field: "a", "another": "b", "confidence": {name: 0.31, "another": 0.99}})
        assert {item.name for item in found.fields if needs_eyes(item)} == {field}
        assert not any(item.type == "confidence" for item in found.fields)
        assert not any("in the same place" in note for note in found.notes)

    def test_a_name_nobody_knows_is_that_of_the_field_in_its_place_and_noted(self) -> None:
        found = read(
            "mvs-invoice",
            {
                "code": "1",
                "buyer_name": "A",
                "total": "7",
                "confidence": {"code": 0.9, "purchaser": 0.4, "total": 0.8},
            },
        )
        assert {field.name: field.confidence for field in found.fields} == {
            "code": 0.9,
            "buyer_name": 0.4,
            "total": 0.8,
        }
        assert any("no `buyer_name`; what it says of `purchaser`, in the same place" in note for note in found.notes)

    def test_a_name_of_signs_alone_is_spelled_like_nothing(self) -> None:
        found = read(
            "passport", {"surname": "A", "given_name": "B", "confidence": {"surname": 0.9, " - ": 0.3, "_": 0.4}}
        )
        assert {field.name: field.confidence for field in found.fields if field.name in ("surname", "given_name")} == {
            "surname": 0.9,
            "given_name": None,
        }

    def test_it_reaches_the_rows_of_a_list_and_the_parts_of_a_picture(self) -> None:
        items = read(
            "vat-invoice",
            {
                "item_list": [{"name": "Tea", "unit": "kg", "amount": "5"}],
                "confidence": {"item_list": [{"name": 0.9, "measure": 0.2, "amount": 0.8}]},
            },
        )
        assert [cell.confidence for cell in items.tables[0].cells[3:]] == [0.9, 0.2, 0.8]
        ticket = {"departure_time": "07:05", "confidence": {"starting_time": 0.3}}
        parts = read("auto-classification", [{"type": "train_ticket", "content": ticket}])
        assert next(f for f in parts.fields if f.name.endswith("departure_time")).confidence == 0.3

    def test_a_list_under_another_name_is_that_of_the_list_in_its_place(self) -> None:
        result = {"code": "1", "item_list": [{"name": "Tea"}], "confidence": {"code": 0.9, "lines": [{"name": 0.2}]}}
        assert read("vat-invoice", result).tables[0].cells[1].confidence == 0.2

    def test_locations_go_the_same_way(self) -> None:
        found = read("train-ticket", {"departure_time": "07:05", "text_location": {"starting_time": BOX}})
        assert [(field.name, field.location) for field in found.fields] == [("departure_time", CORNERS)]

    @pytest.mark.parametrize(
        "confidence",
        [
            {"number": 0.9, "eyes": 0.4, "hair": 0.5},  # two names, one field
            {"eyes": 0.4},  # nothing says where this is
            {"number": 0.9, "eyes": {"left": 0.4}},  # not about a plain value
            {"number": 0.9, "eyes": "brown"},
        ],
    )
    def test_what_may_be_about_something_else_stays_a_row_of_its_own(self, confidence: Any) -> None:
        found = read("id-card", {"number": "1", "sex": "M", "confidence": confidence})
        assert next(field for field in found.fields if field.name == "sex").confidence is None
        assert any(field.name.startswith("confidence.eyes") for field in found.fields)

    def test_a_key_of_its_own_says_whose_it_is(self) -> None:
        found = read("id-card", {"number": "1", "number_confidence": 0.4, "sex": "M", "field_confidence": {"sex": 0.5}})
        assert {field.name: field.confidence for field in found.fields} == {"number": 0.4, "sex": 0.5}
        plate = read("license-plate", [{"plate_number": "1", "plate_color": "blue", "plate_confidence": 0.4}])
        assert [field.confidence for field in plate.fields] == [0.4, 0.4]
        alone = read("id-card", {"number": "1", "eye_confidence": 0.4})
        assert values(alone) == {"number": "1", "eye_confidence": "0.4"}

    NAMES = st.text(st.sampled_from("ab_ -"), max_size=3)

    @settings(max_examples=examples(200), deadline=None)
    @given(
        tree=st.dictionaries(NAMES, st.none() | st.text("xy", max_size=2), max_size=6),
        names=st.lists(NAMES, max_size=6, unique=True),
    )
    def test_whatever_the_names_each_is_placed_once(self, tree: Any, names: list[str]) -> None:
        said = {name: (number + 1) / 10 for number, name in enumerate(names)}
        found = read("id-card", {**tree, "confidence": said})
        alone = [float(field.value) for field in found.fields if field.type == "confidence"]
        placed = [field.confidence for field in found.fields if field.confidence is not None]
        assert sorted([*alone, *placed]) == sorted(said.values())
        assert {field.name: field.value for field in read("id-card", tree).fields}.items() <= values(found).items()


class TestWordsOneLevelDeeper:
    """Cells and blocks whose text stands in the blocks inside them have it, its least confidence, and its doubt."""

    @pytest.mark.parametrize("slug", ["general-table", "financial-statement", "smart-document-recognizer", "web-image"])
    @pytest.mark.parametrize("inner", ["words_list", "words_block_list", "lines"])
    def test_a_cell_has_the_words_inside_it(self, slug: str, inner: str) -> None:
        words = [{"words": "Net", "confidence": 0.9, "location": BOX}, {"words": "weight", "confidence": 0.6}]
        cell = {"rows": [0], "columns": [0], "cell_location": BOX, inner: words}
        found = read(slug, {"words_region_list": [{"type": "table", "words_block_list": [cell]}]})
        (only,) = found.tables[0].cells
        assert (only.text, only.confidence, only.location) == ("Net\nweight", 0.6, CORNERS)
        assert needs_eyes(only)
        assert lost(json.loads(json.dumps(cell), parse_float=str, parse_int=str), found) == []

    def test_words_of_its_own_come_first_and_deeper_ones_are_found(self) -> None:
        cells = [
            {"rows": [0], "columns": [0], "words": "own", "words_list": [{"words": "inner", "confidence": 0.1}]},
            {"rows": [0], "columns": [1], "words": "", "confidence": 0.7, "words_list": [{"words": "blank above"}]},
            {"rows": [0], "columns": [2], "a": [{"words": "", "b": [{"words": "two down", "words_confidence": 0.3}]}]},
            {"rows": [0], "columns": [3], "words_list": [{"words": ""}]},
        ]
        found = read("general-table", {"words_region_list": [{"words_block_list": cells}]})
        assert [(cell.text, cell.confidence) for cell in found.tables[0].cells] == [
            ("own", None),
            ("blank above", 0.7),
            ("two down", 0.3),
            ("", None),
        ]

    def test_a_block_has_the_words_inside_it(self) -> None:
        blocks = [{"words": "", "words_list": [{"words": "a", "confidence": 0.5}, {"words": "b"}]}, {"words": "c"}]
        found = read("general-text", {"words_block_list": blocks})
        assert [(block.text, block.confidence) for block in found.text] == [("a\nb", 0.5), ("c", None)]


class TestParts:
    """A document among others that the service did not recognize is a finding; its kind has a name."""

    def part(self, status: Any, content: Any = None) -> dict[str, Any]:
        """Return one document of a picture."""
        return {"status": status, "type": "quota_invoice", "location": BOX, "content": content or {}}

    def findings(self, slug: str, result: Any, **beside: Any) -> list[str]:
        """Return what the findings of an answer say."""
        body = json.dumps({"result": result, **beside}).encode()
        found = checked(catalog.find(slug), extract(catalog.find(slug), [(1, body)]))
        marked = [field for field in found.fields if field.findings]
        marked_cells = [cell for table in found.tables for cell in table.cells if cell.findings]
        failed = [check for check in found.checks if not check.passed]
        assert bool(failed) == bool(marked or marked_cells)
        return [check.message for check in failed if check.rule == "part-recognized"]

    GOOD = {"error_code": "AIS.0000", "error_msg": "Succeeded."}

    @pytest.mark.parametrize(
        ("status", "said"),
        [
            ({"error_code": "AIS.0104", "error_msg": "Poor."}, "AIS.0104 Poor."),
            ({"error_code": "AIS.0105"}, "AIS.0105"),
            ({"error_code": 104, "error_msg": None}, "104"),
            ({"error_code": "", "error_msg": "Poor."}, "Poor."),
            ({"error_msg": "Poor."}, "Poor."),
        ],
    )
    def test_a_failed_part_is_a_finding(self, status: Any, said: str) -> None:
        parts = [self.part(self.GOOD, {"code": "1"}), self.part(status)]
        assert self.findings("auto-classification", parts) == [f"Result 2 was not recognized: {said}"]

    def test_parts_that_were_recognized_pass(self) -> None:
        for status in (self.GOOD, {"error_code": 0}, {"error_msg": "Succeeded"}, {"error_code": "200"}, {}, None):
            assert self.findings("auto-classification", [self.part(status, {"code": "1"})]) == []

    def test_so_it_is_in_every_operation_and_in_rows(self) -> None:
        bad = {"error_code": "AIS.0105", "error_msg": "No."}
        assert self.findings("household-register", [{"content": {"name": "A"}}, {"status": bad}]) == [
            "Result 2 was not recognized: AIS.0105 No."
        ]
        assert self.findings("passport", {"surname": "A"}, **bad) == ["The answer was not recognized: AIS.0105 No."]
        lines = [{"a": "1", "status": self.GOOD}, {"a": "", "status": bad}]
        assert self.findings("custom-template", {"lines": lines}) == ["Row 2 of Lines was not recognized: AIS.0105 No."]

    @pytest.mark.parametrize(
        ("kind", "name"),
        [
            ("quota_invoice", "Quota invoice (China)"),
            ("id_card_emblem_side", "ID card (China), emblem side"),
            ("vat_roll_invoice", "VAT invoice (China), roll"),
            ("business_license", "Business license (China)"),
            ("used_car_invoice", "Used car invoice"),
        ],
    )
    def test_the_kind_of_a_part_has_a_name(self, kind: str, name: str) -> None:
        found = read("auto-classification", [{"type": kind, "content": {}}])
        assert [(field.value, field.typed) for field in found.fields] == [(kind, name)]

    @pytest.mark.parametrize("kind", ["id_card", "id_card_portrait_side", "ID_CARD_EMBLEM_SIDE"])
    def test_a_side_is_read_and_checked_as_its_document(self, kind: str) -> None:
        operation = catalog.find("auto-classification")
        body = json.dumps({"result": [{"type": kind, "content": {"number": "110105194912310021"}}]}).encode()
        found = checked(operation, extract(operation, [(1, body)]))
        assert found.fields[0].label == "ID number"
        assert "china-id-number" in found.fields[0].findings


class TestListsOfOne:
    """A list of one number stands where a list of several does."""

    def test_they_share_a_column(self) -> None:
        blocks = [{"type": "title", "text": "a", "words_ids": [0]}, {"type": "form", "text": "b", "words_ids": [2, 3]}]
        found = read("smart-document-recognizer", [{"layout_result": {"layout_block_list": blocks}}])
        assert rows(found) == [["Region type", "Text", "Blocks (from 0)"], ["title", "a", "0"], ["form", "b", "2, 3"]]

    @pytest.mark.parametrize(
        ("ids", "text"),
        [([7], "7"), (["7"], "7"), ([7, "8"], "7, 8"), ([True], "true"), ([None], ""), ([1, None], "1, ")],
    )
    def test_numbers_as_text_and_none_stand_there_too(self, ids: Any, text: str) -> None:
        blocks = [{"text": "a", "words_ids": ids}, {"text": "b", "words_ids": [2, 3]}]
        found = read("smart-document-recognizer", [{"layout_result": {"layout_block_list": blocks}}])
        assert rows(found) == [["Text", "Blocks (from 0)"], ["a", text], ["b", "2, 3"]]

    def test_a_list_of_one_is_a_field_under_its_own_name(self) -> None:
        assert values(read("custom-template", {"ids": [7], "more": [7, 8]})) == {"ids": "7", "more": "7, 8"}

    def test_texts_of_which_another_row_has_several_are_numbered(self) -> None:
        found = read(
            "web-image",
            {"words_block_list": [{"words": "a", "font_list": ["X", "Y"]}, {"words": "b", "font_list": ["Z"]}]},
        )
        assert rows(found) == [["Block", "Fonts (1)", "Fonts (2)"], ["1", "X", "Y"], ["2", "Z", ""]]

    def test_the_confidence_of_one_number_is_its_own(self) -> None:
        found = read(
            "custom-template", {"ids": [7], "more": [7, 8], "confidence": {"ids": [0.5], "more": [0.25, 0.75]}}
        )
        assert [(f.name, f.confidence) for f in found.fields] == [("ids", 0.5), ("more[0]", 0.25), ("more[1]", 0.75)]


@pytest.mark.parametrize("slug", ["handwriting", "general-text", "general-table", "web-image", "vin"])
@pytest.mark.parametrize(("given", "shown"), [(-1, ""), (-1.0, ""), ("-1", ""), (0, "0"), (271.5, "271.5"), (None, "")])
def test_a_direction_of_minus_one_is_no_angle(slug: str, given: Any, shown: str) -> None:
    found = read(slug, {"direction": given})
    assert [(field.label, field.value) for field in found.fields] == [("Rotation in degrees", shown)]
