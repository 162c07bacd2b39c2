"""Fields against recorded answers, against every operation of the catalog, and against hostile JSON."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from legible.extraction.checks import checked
from legible.extraction.fields import extract, unreadable
from legible.extraction.fields.answers import MAX_DEPTH, compact, parse
from legible.extraction.fields.gathered import MAX_NOTES
from legible.model.records import Extract
from legible.operations import catalog
from legible.operations.operation import FieldSpec, Operation
from tests.support.examples import examples
from tests.support.places import ANSWERS

GOLDENS = ANSWERS
SLUGS = sorted(path.parent.name for path in GOLDENS.glob("*/answer.json"))
BOX = [[1, 2], [9, 2], [9, 5], [1, 5]]
CORNERS = ((1.0, 2.0), (9.0, 2.0), (9.0, 5.0), (1.0, 5.0))


def read(slug: str, result: Any, **beside: Any) -> Extract:
    """Extract one page from a result."""
    body = json.dumps({"result": result, **beside}).encode()
    return extract(catalog.find(slug), [(1, body)])


def values(found: Extract) -> dict[str, str]:
    """Map names of fields to their values."""
    return {field.name: field.value for field in found.fields}


def rows(found: Extract, index: int = 0) -> list[list[str]]:
    """Return a table's texts, row by row."""
    table = found.tables[index]
    texts = [[""] * table.columns for _ in range(table.rows)]
    for cell in table.cells:
        texts[cell.row][cell.column] = cell.text
    return texts


# Recorded answers


@pytest.mark.parametrize("slug", SLUGS)
def test_a_recorded_answer_makes_its_record(slug: str, request: pytest.FixtureRequest) -> None:
    folder = GOLDENS / slug
    found = checked(catalog.find(slug), extract(catalog.find(slug), [(1, (folder / "answer.json").read_bytes())]))
    made = json.dumps(json.loads(msgspec.json.encode(found)), indent=1, ensure_ascii=False) + "\n"
    golden = folder / "record.json"
    if request.config.getoption("--update-goldens"):
        golden.write_text(made, "utf-8")
    wanted = golden.read_text("utf-8") if golden.exists() else ""
    assert made == wanted, (
        f"to accept: pytest tests/extraction/test_fields.py -k {slug} --update-goldens, then read the diff"
    )


@pytest.mark.parametrize("slug", SLUGS)
def test_nothing_of_a_recorded_answer_is_lost(slug: str) -> None:
    body = (GOLDENS / slug / "answer.json").read_bytes()
    tree = json.loads(body, parse_float=str, parse_int=str)
    absent = {spec.absent for spec in catalog.find(slug).fields} - {None}
    missing = lost(tree["result"], extract(catalog.find(slug), [(1, body)]))
    assert [text for text in missing if _number(text) not in absent] == []


@pytest.mark.parametrize(("given", "shown"), [("-1", ""), ("-1.0", ""), ("0.0", "0.0"), ("359", "359"), ("null", "")])
def test_a_number_that_stands_for_no_value_is_none(given: str, shown: str) -> None:
    body = f'{{"result": {{"direction": {given}, "words_block_count": 0, "words_block_list": []}}}}'.encode()
    found = {field.name: field.value for field in extract(catalog.find("general-text"), [(1, body)]).fields}
    assert found["direction"] == shown


def _occurs(tree: Any, steps: list[str]) -> bool:
    if not steps:
        return True
    if steps[0] == "[]":
        return isinstance(tree, list) and any(_occurs(item, steps[1:]) for item in tree)
    return isinstance(tree, dict) and steps[0] in tree and _occurs(tree[steps[0]], steps[1:])


@pytest.mark.parametrize("slug", catalog.slugs())
def test_every_operation_has_a_recorded_answer_with_every_documented_field(slug: str) -> None:
    result = json.loads((GOLDENS / slug / "answer.json").read_text("utf-8"))["result"]
    paths = [field.path for field in catalog.find(slug).fields]
    assert [path for path in paths if not _occurs(result, re.findall(r"\[\]|[^.\[\]]+", path))] == []


@pytest.mark.parametrize("slug", catalog.slugs())
def test_no_image_of_an_answer_stands_in_a_field_or_a_cell(slug: str) -> None:
    body = (GOLDENS / slug / "answer.json").read_bytes()
    found = extract(catalog.find(slug), [(1, body)])
    texts = [field.value for field in found.fields] + [cell.text for table in found.tables for cell in table.cells]
    assert not any(text.startswith(("iVBOR", "/9j/", "UEsDB")) for text in texts)
    files = [field for field in catalog.find(slug).fields if field.type in ("image", "file")]
    assert bool(found.files) == bool(files)


# Every operation


def synthesized(operation: Operation) -> Any:
    """Make an answer that has every field of the catalog, each value different."""
    root: dict[str, Any] = {}
    for number, field in enumerate(operation.fields):
        *parents, key = field.path.removeprefix("[].").split(".")
        children = root
        for parent in parents:
            inner = children[parent.removesuffix("[]")]
            children = inner[0] if isinstance(inner, list) else inner
        children[key] = _synthesized(field, number, operation)
    return [root] if operation.result == "list" else root


def _synthesized(field: FieldSpec, number: int, operation: Operation) -> Any:
    if any(other.path.startswith((f"{field.path}.", f"{field.path}[]")) for other in operation.fields):
        return [{}] if field.sdk_type.startswith("list[") else {}
    if field.type in ("image", "file"):
        return base64.b64encode(b"\x89PNG\r\n\x1a\n" + str(number).encode()).decode()
    if field.path.endswith((".rows", ".columns")):
        return [number, number + 1]
    return {
        "str": f"text {number}",
        "int": 1000 + number,
        "float": 0.5 + number / 1000,
        "bool": True,
        "object": {f"key{number}": f"inner {number}"},
        "dict(str, float)": {f"key{number}": 0.5 + number / 1000},
        "list[str]": [f"text {number} a", f"text {number} b"],
        "list[int]": [number, 7000 + number],
        "list[float]": [number + 0.25, number + 0.75],
        "list[list[int]]": [[number, 1], [number, 2], [number, 3], [number, 4]],
        "list[list[float]]": [[number + 0.5, 1.0], [0.0, 1.0]],
    }[field.sdk_type or "str"]


@pytest.mark.parametrize("slug", catalog.slugs())
def test_every_documented_value_lands_somewhere(slug: str) -> None:
    result = synthesized(catalog.find(slug))
    body = json.dumps({"result": result}).encode()
    found = extract(catalog.find(slug), [(1, body)])
    assert lost(json.loads(body, parse_float=str, parse_int=str)["result"], found) == []
    assert not any("catalog" in note or "documented" in note for note in found.notes)


@pytest.mark.parametrize("slug", catalog.slugs())
def test_an_empty_answer_is_no_exception(slug: str) -> None:
    for result in ({}, [], None, "", 0, [[]], [{}], {"": {}}):
        assert read(slug, result).tables == ()


def lost(tree: Any, found: Extract) -> list[str]:
    """Name the plain values of an answer, all as text, that are nowhere in what was found."""
    texts = [text for field in found.fields for text in (field.name, field.label, field.value)]
    texts += [text for table in found.tables for text in (cell.text for cell in table.cells)]
    texts += [block.text for block in found.text]
    texts += [base64.b64encode(data).decode() for *_, data in found.files]
    texts += [data.decode() for *_, media, data in found.files if media == "text/plain"]
    placed = [field for field in (*found.fields, *found.text)] + [c for table in found.tables for c in table.cells]
    numbers = {place.confidence for place in placed} | {n for p in placed for xy in p.location or () for n in xy}
    numbers |= {n for t in found.tables for c in t.cells for n in (c.row, c.column, c.row + c.row_span - 1)}
    numbers |= {cell.column + cell.column_span - 1 for table in found.tables for cell in table.cells}
    whole = "\n".join(texts)
    return [leaf for leaf in leaves(tree) if not (leaf in whole or _number(leaf) in numbers)]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def leaves(tree: Any) -> Iterator[str]:
    """Yield the plain values of an answer, except what by its nature repeats its siblings."""
    if isinstance(tree, dict):
        for key, value in tree.items():
            listed = tree.get(f"{key.removesuffix('_count')}_list") if key.endswith("_count") else None
            if key == "type" and value in ("table", "text", "key", "value"):
                continue
            if key == "location" and tree.get("type") == "key":
                continue
            if not (isinstance(listed, list) and _number(str(value)) == len(listed)):
                yield from leaves(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from leaves(item)
    elif isinstance(tree, str):
        yield tree


# Hostile JSON

KEYS = st.sampled_from(
    [
        "words",
        "rows",
        "columns",
        "key",
        "value",
        "location",
        "confidence",
        "text_location",
        "words_block_list",
        "type",
        "content",
        "item_list",
        "name",
        "plate_location",
        "words_confidence",
        "portrait_image",
        "excel",
        "words_block_count",
        "a",
        "_",
        "[].x",
        "''",
    ]
)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(lambda text: f"«{text}»")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS | st.just(BOX),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=25,
)


@settings(max_examples=examples(150), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(slug=st.sampled_from(["passport", "general-table", "smart-document-recognizer", "custom-template"]), result=JSON)
def test_no_json_raises_and_no_text_is_lost(slug: str, result: Any) -> None:
    found = read(slug, result, extra=result)
    msgspec.json.encode(found)
    tree = json.loads(json.dumps(result), parse_float=lambda _: None, parse_int=lambda _: None)
    assert [leaf for leaf in lost(tree, found) if leaf] == []


ANSWER_BYTES = st.binary(max_size=60) | st.binary(max_size=20).map(lambda part: b'{"result": {"surname": "' + part)


@settings(max_examples=examples(100), deadline=None)
@given(ANSWER_BYTES)
@example(b'{"result": {}}')
@example(b'{"result": {"surname": "\xff"}}')
@example('{"result": {"surname": "佐藤"}}'.encode("utf-16"))
@example(b'{"result": "a"}')
def test_no_bytes_are_read_in_silence(body: bytes) -> None:
    """Whatever comes is read, or it is said why it cannot be; and what is read can be written as a record."""
    found = extract(catalog.find("passport"), [(1, body)])
    assert msgspec.json.decode(msgspec.json.encode(found), type=Extract) == found
    try:
        answer = json.loads(body.decode(json.detect_encoding(body), "replace"), strict=False)
    except ValueError:
        answer = None
    as_documented = isinstance(answer, dict) and isinstance(answer.get("result"), dict)
    if as_documented:
        assert unreadable(body) == ""
        assert len(found.fields) >= len(answer["result"])
    elif not isinstance(answer, dict) or not isinstance(answer.get("result"), list):
        assert unreadable(body)
        assert found.notes, "what is odd is noted"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_an_answer_is_read_in_every_encoding_that_json_has_had(encoding: str) -> None:
    body = '{"result": {"surname": "佐藤"}}'.encode(encoding)
    found = extract(catalog.find("passport"), [(1, body)])
    assert (values(found), unreadable(body)) == ({"surname": "佐藤"}, "")
    assert bool(found.notes) == (not encoding.startswith("utf-8"))


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b'{"result": "PASSPORT L898902C3"}', "text"),
        (b'{"result": 7}', "a number"),
        (b'{"result": true}', "true or false"),
        (b'{"result": [1, "two", [3]]}', "a list"),
        (b'{"result": ' + b"[" * 500 + b"]" * 500 + b"}", "a list"),
        (b'{"result": null}', "no `result`"),
        (b'{"more": {}}', "no `result`"),
        (b'["result"]', "no JSON object"),
        (b'{"result": \xff{}}', "no JSON object"),
        (b'{"result": ' + b"[" * 100_000, "no JSON object"),
        (b"", "no JSON object"),
    ],
)
def test_why_an_answer_cannot_be_read_is_said(body: bytes, why: str) -> None:
    assert why in unreadable(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"result": {}}',
        b'{"result": []}',
        b'{"result": [[{"surname": "A"}]]}',
        b'{"result": {"surname": "D\xffE"}}',
        b'{"result": {"surname": ' + b"9" * 5000 + b"}}",
        b'{"result": ' + b'{"a":' * 500 + b"1" + b"}" * 501,
    ],
)
def test_an_odd_answer_that_can_be_read_is_read(body: bytes) -> None:
    assert unreadable(body) == ""


def test_what_lies_500_deep_is_kept_with_every_digit() -> None:
    body = b'{"result": {"surname": ' + b'{"a":[' * 250 + b'1.10,"x",null' + b"]}" * 250 + b"}}"
    found = extract(catalog.find("passport"), [(1, body)])
    texts = [cell.text for table in found.tables for cell in table.cells] + [field.value for field in found.fields]
    assert any('1.10,"x",null' in text for text in texts)


@settings(max_examples=examples(60), deadline=None)
@given(JSON)
def test_compact_json_says_the_same(tree: Any) -> None:
    body = json.dumps({"result": tree}).encode()
    assert json.loads(compact(parse(body)[0])) == json.loads(body)


def test_what_is_no_json_is_noted() -> None:
    assert "does not read as JSON" in extract(catalog.find("passport"), [(3, b"<html>")]).notes[0]


def test_half_a_surrogate_pair_becomes_visible() -> None:
    found = extract(
        catalog.find("passport"), [(1, rb'{"result": {"surname": "D\ud800OE", "\udc00": "1", "\udc01": "2"}}')]
    )
    assert values(found) == {"surname": "D\ufffdOE", "\ufffd": "1", "\ufffd (2)": "2"}
    assert any("surrogate" in note and "(3 times)" in note for note in found.notes)


def test_a_whole_surrogate_pair_stays() -> None:
    assert values(extract(catalog.find("passport"), [(1, rb'{"result": {"surname": "\ud83d\ude00"}}')])) == {
        "surname": "😀"
    }


def test_bytes_that_are_not_utf_8_are_noted() -> None:
    found = extract(catalog.find("passport"), [(1, b'\xef\xbb\xbf{"result": {"surname": "D\xffE"}}')])
    assert values(found) == {"surname": "D\ufffdE"}
    assert any("UTF-8" in note for note in found.notes)


def test_a_key_that_stands_twice_is_kept_twice() -> None:
    found = extract(catalog.find("passport"), [(1, b'{"result": {"sex": "F", "sex": "M", "sex": "X"}}')])
    assert values(found) == {"sex": "F", "sex (2)": "M", "sex (3)": "X"}
    assert any("more than once" in note for note in found.notes)


def test_numbers_keep_every_digit() -> None:
    found = extract(catalog.find("passport"), [(1, b'{"result": {"a": 1' + b"0" * 6000 + b', "b": 1.10, "c": 1E400}}')])
    assert values(found) == {"a": "1" + "0" * 6000, "b": "1.10", "c": "1E400"}


def test_deep_nesting_is_kept_as_text() -> None:
    depth = MAX_DEPTH + 5
    found = extract(catalog.find("passport"), [(1, b'{"result": ' + b'{"a":' * depth + b'"deep"' + b"}" * (depth + 1))])
    assert '"deep"' in found.fields[0].value
    assert any("too deeply" in note for note in found.notes)
    assert any("too deeply" in note for note in extract(catalog.find("passport"), [(1, b"[" * 200_000)]).notes)


def test_many_oddities_are_counted() -> None:
    found = read("passport", {f"key{number}": "x" for number in range(MAX_NOTES + 7)})
    assert len(found.notes) == MAX_NOTES + 1
    assert "7 more" in found.notes[-1]


# Shapes


def test_order_is_the_catalogs_then_what_is_new() -> None:
    assert list(values(read("passport", {"zzz": "1", "sex": "F", "passport_type": "P"}))) == [
        "passport_type",
        "sex",
        "zzz",
    ]


def test_a_new_key_is_kept_and_noted() -> None:
    found = read("passport", {"eye_color": "green", "vat_id": 7})
    assert [(field.label, field.value, field.type) for field in found.fields] == [
        ("Eye color", "green", "text"),
        ("VAT ID", "7", "text"),
    ]
    assert found.notes[0] == "Page 1: `eye_color` is not in the catalog; it is kept."


def test_other_shapes_than_documented_are_read_and_noted() -> None:
    found = read(
        "passport",
        {"surname": ["A", "B"], "sex": {"x": "F"}, "given_name": 5, "nationality": None, "place_of_birth": True},
    )
    assert values(found) == {
        "surname[0]": "A",
        "surname[1]": "B",
        "sex.x": "F",
        "given_name": "5",
        "nationality": "",
        "place_of_birth": "true",
    }
    assert "Page 1: `surname` is a list where text is documented." in found.notes
    assert "Page 1: `given_name` is a number where text is documented." in found.notes
    assert not any("nationality" in note for note in found.notes)


def test_an_object_where_a_list_is_documented() -> None:
    found = read("license-plate", {"plate_number": "A1"})
    assert values(found) == {"plate_number": "A1"}
    assert found.notes == ("Page 1: `result` is an object where a list is documented.",)


def test_a_list_where_an_object_is_documented() -> None:
    found = read("passport", [{"surname": "A"}, "B", [["C"]]])
    assert [(field.name, field.label) for field in found.fields] == [
        ("[0].surname", "Result 1: Surname"),
        ("[1]", "(2)"),
        ("[2][0][0]", "Result 3"),
    ]


def test_an_answer_without_result_keeps_what_it_has() -> None:
    found = extract(catalog.find("passport"), [(2, b'{"error_code": "AIS.0101", "error_msg": "bad"}')])
    assert values(found) == {"$.error_code": "AIS.0101", "$.error_msg": "bad"}
    assert found.notes[0] == "Page 2: The answer has no `result`."
    assert values(extract(catalog.find("passport"), [(1, b"7")])) == {"$": "7"}


def test_pages_come_in_the_order_given() -> None:
    found = extract(catalog.find("vin"), [(2, b'{"result": {"vin": "B"}}'), (1, b'{"result": {"vin": "A"}}')])
    assert [(field.page, field.value) for field in found.fields] == [(2, "B"), (1, "A")]


# Confidences and locations


def test_a_map_of_confidences_goes_to_its_fields() -> None:
    found = read(
        "chile-id-card", {"surname": ["A", "B"], "number": "1", "confidence": {"surname": 0.5, "number": "0.9"}}
    )
    assert [field.confidence for field in found.fields] == [0.5, 0.5, 0.9]


def test_a_confidence_nobody_takes_is_a_field() -> None:
    found = read("passport", {"sex": "F", "confidence": {"sex": 7, "eyes": 0.5, "hair": {"top": [0.1]}, "hat": None}})
    assert [(f.name, f.label, f.value, f.type) for f in found.fields[1:]] == [
        ("confidence.sex", "Confidence: Sex", "7", "confidence"),
        ("confidence.eyes", "Confidence: Eyes", "0.5", "confidence"),
        ("confidence.hair.top[0]", "Confidence: Hair.top[0]", "0.1", "confidence"),
    ]


def test_locations_reach_lists_and_items() -> None:
    found = read(
        "vat-invoice",
        {
            "seller_seal": ["A", "B"],
            "item_list": [{"name": "Tea"}],
            "text_location": {"seller_seal": [BOX, []], "item_list": [{"name": BOX}]},
        },
    )
    assert [field.location for field in found.fields] == [CORNERS, None]
    assert found.tables[0].cells[1].location == CORNERS


def test_what_stands_beside_may_be_shorter_or_of_another_kind() -> None:
    found = read(
        "business-card",
        {
            "phone": ["1", "2"],
            "email": ["a"],
            "fax": "3",
            "confidence": {"phone": [0.5], "email": {"x": 0.5}, "fax": [0.7]},
        },
    )
    assert [field.confidence for field in found.fields] == [0.5, None, None, None, None, None]
    assert list(values(found))[-2:] == ["confidence.email.x", "confidence.fax[0]"]


def test_a_location_nobody_takes_is_a_field() -> None:
    found = read("passport", {"sex": "F", "text_location": {"hat": BOX, "sex": [BOX, BOX], "none": []}})
    assert [(f.name, f.value, f.location) for f in found.fields if f.name.endswith("hat")] == [
        ("text_location.hat", "[[1,2],[9,2],[9,5],[1,5]]", CORNERS)
    ]
    assert sum(field.type == "location" for field in found.fields) == 3


def test_a_location_in_another_shape_is_kept() -> None:
    found = read("hk-id-card", {"portrait_location": [[1, 2, 3], [4]], "number": "1"})
    assert values(found) == {"portrait_location": "[[1,2,3],[4]]", "number": "1"}
    assert read("hk-id-card", {"portrait_location": [[1, "x"]]}).fields[0].value == "1"


# Text, tables, pairs


def test_blocks_are_text_and_what_else_they_hold_a_table() -> None:
    blocks = [
        {"words": "a", "type": "handwriting", "location": [[BOX]]},
        {"words": None, "confidence": "high", "x": [{"y": 1, "z": [{"w": 2}]}]},
    ]
    found = read("handwriting", {"words_block_list": blocks, "words_block_count": 3})
    assert [block.text for block in found.text] == ["a", ""]
    assert values(found) == {"words_block_count": "3"}
    assert rows(found, 0)[0][:2] == ["Block", "Type"]
    assert ["2", "1"] in rows(found, 1)
    assert ["2.1", "2"] in rows(found, 2)


def test_cells_span_and_what_is_no_cell_is_text() -> None:
    cells = [
        {"words": "A", "rows": [0], "columns": [0, 1], "cell_location": BOX, "location": BOX},
        {"words": "B", "rows": [2, 1], "columns": ["1"], "confidence": 0.5},
        {"words": "C", "rows": [], "columns": [1]},
        {"words": {"x": "D"}, "rows": [-1], "columns": [1]},
    ]
    found = read("general-table", {"words_region_list": [{"type": "table", "words_block_list": cells}]})
    table = found.tables[0]
    assert (table.label, table.rows, table.columns, table.header) == ("Table 1", 3, 2, False)
    assert [(c.text, c.row, c.column, c.row_span, c.column_span) for c in table.cells] == [
        ("A", 0, 0, 1, 2),
        ("B", 1, 1, 2, 1),
    ]
    assert [block.text for block in found.text] == ["C", '{"x":"D"}']
    assert any("no usable rows and columns" in note for note in found.notes)
    assert values(found) == {}


def test_a_table_without_cells_is_no_table() -> None:
    found = read(
        "general-table", {"words_region_list": [{"type": "stamp", "words_block_list": [{"rows": [], "columns": []}]}]}
    )
    assert (found.tables, values(found)) == ((), {"words_region_list[0].type": "stamp"})


def test_pairs_are_fields_labeled_by_their_key() -> None:
    boxes = [
        {"words": "Name", "location": BOX, "type": "key"},
        {"words": "Ann", "location": BOX, "type": "value"},
        {"words": "Ann", "type": "stamp"},
        "odd",
    ]
    pairs = [
        {"key": "Name", "value": "Ann", "words_block_list": boxes[:2]},
        {"key": "", "value": 5, "confidence": 0.5, "words_block_list": boxes},
    ]
    found = read("smart-document-recognizer", [{"kv_result": {"kv_block_list": pairs}}])
    assert [(f.label, f.value, f.location, f.confidence) for f in found.fields[:2]] == [
        ("Name", "Ann", CORNERS, None),
        ("No key", "5", None, 0.5),
    ]
    assert "odd" in values(found).values() or any("odd" in cell.text for table in found.tables for cell in table.cells)
    assert read(
        "smart-document-recognizer",
        [{"kv_result": {"kv_block_list": [{"key": "a", "value": "b", "words_block_list": "x"}]}}],
    ).tables


def test_rows_of_unequal_objects_share_columns() -> None:
    found = read("invoice-verification", {"lines": [{"a": "1", "b": {"c": "2"}}, {"d": [1, 2], "a": "3"}]})
    assert rows(found) == [["A", "B: C", "D"], ["1", "2", ""], ["3", "", "1, 2"]]
    assert found.tables[0].label == "Lines"


def test_objects_inside_rows_are_tables_that_name_their_row() -> None:
    found = read("invoice-verification", {"lines": [{"a": "1"}, {"a": "2", "parts": [{"p": "x"}]}]})
    assert (found.tables[1].label, rows(found, 1)) == ("Lines: Parts", [["Line", "P"], ["2", "x"]])


def test_a_classified_document_is_labeled_as_its_own_operation() -> None:
    found = read(
        "auto-classification",
        [{"type": "passport", "content": {"passport_number": "1"}}, {"type": "boat", "content": {"sail_id": "2"}}],
    )
    labels = [field.label for field in found.fields]
    assert labels == [
        "Result 1: Passport number",
        "Result 1: Document type",
        "Result 2: Sail ID",
        "Result 2: Document type",
    ]


# Files

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n...").decode()


@pytest.mark.parametrize(
    ("text", "name", "media"),
    [
        (PNG, "portrait_image.png", "image/png"),
        (f"data:image/png;base64,{PNG}", "portrait_image.png", "image/png"),
        (base64.b64encode(b"RIFF....WEBP").decode(), "portrait_image.webp", "image/webp"),
        (base64.b64encode(b"hello").decode(), "portrait_image.bin", "application/octet-stream"),
        ("not base64 ä", "portrait_image.txt", "text/plain"),
        ("===", "portrait_image.txt", "text/plain"),
    ],
)
def test_images_are_files(text: str, name: str, media: str) -> None:
    found = read("hk-id-card", {"portrait_image": text})
    assert found.fields == ()
    assert found.files[0][:3] == (name, 1, media)
    assert (media == "text/plain") == bool(found.notes)


def test_an_empty_image_is_nothing() -> None:
    assert read("hk-id-card", {"portrait_image": "", "number": None}).files == ()


def test_files_of_one_page_have_names_of_their_own() -> None:
    found = read(
        "seal", {"seal_list": [{"seal_image": PNG, "words_block_list": [{"words": "x"}]}] * 2, "x-": {"excel": PNG}}
    )
    assert [name for name, *_ in found.files] == ["seal_list-1-seal_image.png", "seal_list-2-seal_image.png"]
    twice = read(
        "custom-template", {"a": "A" * 2000, "b": PNG.rstrip("=") + "A" * 2001, "é": big_png(), "è": big_png()}
    )
    assert [name for name, *_ in twice.files] == ["b.png", "file.png", "file-2.png"]
    assert sorted(values(twice)) == ["a"]


def big_png() -> str:
    """Return a text nobody declared that is long and an image."""
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * 2000).decode()


# Names, which checks and reviews go by


def test_a_key_that_reads_like_a_path_is_another_one() -> None:
    found = read("passport", {"a.b": "1", "a": {"b": "2"}, "x#1": "3", "": "4", "c[0]": "5", "$": "6"})
    assert {'["a.b"]': "1", "a.b": "2", '["x#1"]': "3", '[""]': "4", '["c[0]"]': "5", '["$"]': "6"}.items() <= values(
        found
    ).items()


def test_two_keys_of_one_path_have_columns_of_their_own() -> None:
    found = read("vat-invoice", {"item_list": [{"a.b": "1", "a": {"b": "2"}}]})
    assert sorted(rows(found)[1]) == ["1", "2"]


_KEYS = st.text(st.sampled_from('ab.[]#"0$ '), max_size=4) | st.sampled_from(
    ["words_block_list", "key", "value", "words"]
)
_TREES = st.recursive(
    st.text(max_size=3) | st.integers() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(_KEYS, _TREES, max_size=5))
@settings(max_examples=examples(300), deadline=None)
def test_every_name_is_given_once(result: dict[str, Any]) -> None:
    found = read("passport", result)
    names = [field.name for field in found.fields]
    assert len(names) == len(set(names))
    places = [(table.name, cell.row, cell.column) for table in found.tables for cell in table.cells]
    assert len(places) == len(set(places))
    assert len({table.name for table in found.tables}) == len(found.tables)
