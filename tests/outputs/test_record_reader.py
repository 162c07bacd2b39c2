"""A record that is too large for memory: what was written comes back, in whatever pieces it is read."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legible.extraction.contents import Contents
from legible.model.documents import Document
from legible.model.pages import Page
from legible.model.records import Cell, Check, Field, Record, Table, TextBlock
from legible.outputs import record, record_reader
from legible.outputs.record_reader import ReadLimits
from tests.support.examples import examples

ODD = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(
    ["    }", "    },", "  ]", '  "fields": [', "a\nb", "\u2028", '"', "\\"]
)
FIELDS = st.lists(st.builds(Field, name=ODD, label=ODD, value=ODD), max_size=5).map(tuple)
TABLES = st.lists(
    st.builds(
        Table, st.just("t"), ODD, st.just(1), st.just(1), st.just(1), st.builds(lambda text: (Cell(0, 0, text),), ODD)
    ),
    max_size=3,
).map(tuple)
TEXT = st.lists(st.builds(TextBlock, ODD), max_size=5).map(tuple)
CHECKS = st.lists(st.builds(Check, ODD, st.booleans()), max_size=3).map(tuple)


def written(fields=(), tables=(), text=(), checks=(), **rest) -> bytes:
    """Return a ``record.json`` as Legible writes it."""
    file = io.BytesIO()
    whole = Record(
        document=Document("in", "a", "v"), status="done", fields=fields, tables=tables, text=text, checks=checks
    )
    record.write(Record(document=whole.document, status="done", **rest), whole, file)
    return file.getvalue()


def pieces(body: bytes, size: int) -> list[bytes]:
    return [body[place : place + size] for place in range(0, len(body), size)]


@given(FIELDS, TABLES, TEXT, CHECKS, st.dictionaries(ODD, ODD, max_size=2), st.integers(1, 60))
@settings(max_examples=examples(150), deadline=None)
def test_what_was_written_comes_back_in_whatever_pieces(fields, tables, text, checks, options, size) -> None:
    body = written(fields, tables, text, checks, options=options, pages=(Page(1, "done"),))
    with Contents() as contents:
        found = record_reader.read(pieces(body, size), contents)
        assert tuple(contents.fields) == fields
        assert tuple(contents.tables) == tables
        assert tuple(contents.text) == text
        assert tuple(contents.checks) == checks
    assert (found.options, found.pages, found.fields) == (options, (Page(1, "done"),), ())


def test_values_are_kept_a_few_together() -> None:
    fields = tuple(Field(str(number), "", "") for number in range(7))
    with Contents() as contents:
        record_reader.read([written(fields)], contents, ReadLimits(batch=3))
        assert [len(page.fields) for page in contents.pages()] == [3, 3, 1]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        written((Field("a", "b", "c"),)).partition(b'"label"')[0],
        written()[:-100],
        written((Field("a", "b", "c"),)).replace(b'"name"', b'"gone"'),
    ],
    ids=["nothing", "no record", "cut in a list", "cut behind", "another field"],
)
def test_what_is_no_record_is_said_so(body) -> None:
    with Contents() as contents, pytest.raises(ValueError, match="."):
        record_reader.read([body], contents)


def test_a_record_that_another_wrote_in_one_line_loses_nothing() -> None:
    body = written((Field("a", "b", "c"),), text=(TextBlock("d"),)).replace(b"\n", b"")
    with Contents() as contents:
        assert record_reader.read([body], contents).fields == ()
        assert (tuple(contents.fields), tuple(contents.text)) == ((Field("a", "b", "c"),), (TextBlock("d"),))


@pytest.mark.parametrize("size", [50, 1_000_000])
def test_a_value_that_memory_would_not_hold_is_refused(size) -> None:
    """Given a text of many lines' worth in one value, and a file without any line end."""
    limits = ReadLimits(largest=2_000)
    with Contents() as contents:
        with pytest.raises(ValueError, match="belong together"):
            record_reader.read(pieces(written((Field("a", "b", "c" * 3_000),)), 1_000_000), contents, limits)
        with pytest.raises(ValueError, match="belong together|a line has more"):
            record_reader.read(pieces(b"x" * 9_000, size), contents, limits)
