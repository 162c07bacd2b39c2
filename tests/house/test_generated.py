"""The generated documents: blocks between markers, and a schema that records obey."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path

import jsonschema
import msgspec
import pytest

from docs import generate
from legible.extraction.fields import extract
from legible.model.documents import Document
from legible.model.pages import Page
from legible.model.records import Record
from legible.operations import catalog
from tests.support.places import ANSWERS

ANSWERS = sorted(ANSWERS.glob("*/answer.json"))


def test_a_block_is_replaced_and_the_rest_stays() -> None:
    document = "a\n<!-- x:begin -->\nold\n<!-- x:end -->\nb\n"
    assert generate.with_block(document, "x", "new") == "a\n<!-- x:begin -->\nnew\n<!-- x:end -->\nb\n"


@pytest.mark.parametrize(
    "document",
    ["", "<!-- x:begin -->", "<!-- x:end --><!-- x:begin -->", "<!-- x:begin --><!-- x:begin --><!-- x:end -->"],
)
def test_missing_markers_are_named(document: str) -> None:
    with pytest.raises(generate.MissingMarkersError, match="<!-- x:begin -->"):
        generate.with_block(document, "x", "new")


def test_every_operation_is_in_the_table() -> None:
    table = generate.operations_table()
    assert len(table.splitlines()) == len(catalog.slugs()) + 2
    assert "removed 2025-12-31, use `smart-document-recognizer`" in table
    assert "PDF (any page)" in table


@pytest.fixture(scope="module")
def schema() -> jsonschema.Draft202012Validator:
    found = json.loads(generate.record_schema())
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda path: path.parent.name)
def test_records_obey_the_schema(answer: Path, schema: jsonschema.Draft202012Validator) -> None:
    operation = catalog.find(answer.parent.name)
    found = extract(operation, [(1, answer.read_bytes())])
    record = Record(
        document=Document("inbox", "a.png", "v1"),
        status="done",
        operation=operation.slug,
        pages=(Page(1, "done", "url"),),
        fields=found.fields,
        tables=found.tables,
        text=found.text,
        notes=found.notes,
        finished_at=datetime(2026, 11, 23, tzinfo=timezone.utc),
    )
    schema.validate(json.loads(msgspec.json.encode(record)))
