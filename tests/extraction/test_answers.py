"""Raw JSON read so that nothing is lost, and the small values inside it."""

from __future__ import annotations

import pytest

from legible.extraction.fields.answers import (
    as_confidence,
    as_indexes,
    as_location,
    compact,
    decoded,
    looks_like_file,
    parse,
)


def test_what_is_read_is_written_again_as_it_was() -> None:
    body = b'{"a":[1.10,-0,1E400,true,null,"\xc3\xa9\\n"],"b":{}}'
    tree, notes = parse(body)
    assert (compact(tree).encode(), notes) == (body, [])


def test_a_doubled_broken_key_is_kept_twice() -> None:
    tree, notes = parse(rb'{"\ud800": 1, "\ud800": 2}')
    assert tree == {"\ufffd": "1", "\ufffd (2)": "2"}
    assert notes[0] == "`\ufffd` stands more than once in one object; every value is kept."


@pytest.mark.parametrize("tree", [None, True, "x", "1.01", "-0.1", "nan", "1E999", {}, []])
def test_no_confidence(tree: object) -> None:
    assert as_confidence(tree) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("tree", [None, "1", [], ["1", "2"], [["1"]], [["1", "x"]], [["1", "2"], []], [["1", "1E999"]]])
def test_no_location(tree: object) -> None:
    assert as_location(tree) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("tree", [None, "1", [], ["-1"], ["1.5"], ["9" * 10], [None], [["1"]]])
def test_no_indexes(tree: object) -> None:
    assert as_indexes(tree) is None  # type: ignore[arg-type]


def test_indexes_may_be_texts() -> None:
    assert as_indexes(["0", "12"]) == [0, 12]


@pytest.mark.parametrize(
    ("text", "media"),
    [
        ("/9j/", "image/jpeg"),
        ("R0lGODlh", "image/gif"),
        ("JVBERi0=", "application/pdf"),
        ("Qk0=", "image/bmp"),
        ("SUkqAA==", "image/tiff"),
        ("TU0AKg==", "image/tiff"),
        ("aGk=\n", "application/octet-stream"),
        ("data:x", None),
        ("data:image/png;base64,", None),
        ("", None),
        ("a", None),
        ("ä", None),
    ],
)
def test_files_are_known_by_their_first_bytes(text: str, media: str | None) -> None:
    found = decoded(text)
    assert (found and found[0]) == media


def test_a_long_text_is_a_file_only_if_it_begins_like_one() -> None:
    assert looks_like_file("/9j/" + "A" * 1020)
    assert not looks_like_file("A" * 1024)
    assert not looks_like_file("word " * 300)
    assert not looks_like_file("/9j/")
