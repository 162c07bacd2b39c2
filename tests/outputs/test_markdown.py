"""Markdown: a record that reads like its document, in which recognized text is text and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from legible.model.documents import Document, Reason
from legible.model.pages import Page
from legible.model.records import Cell, Extract, Field, Record, Table, TextBlock
from legible.outputs import markdown
from tests.support.examples import examples

#: CommonMark with GitHub's tables and strikethrough, and with HTML let through: whatever can come alive, does.
GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
#: What GitHub would make a link of, though nothing marks it as one.
BARE_LINK = re.compile(r"(?i)\b(https?|ftp)://|www\.")


def record(*pages, key="scans/letter.pdf", **values):
    known = {"status": "done", "operation": "general-text", "title": "General text"} | values
    return Record(document=Document("legible-in", key, "1"), pages=pages or (Page(1, "done"),), **known)


def written(extract, **values):
    return "\n".join(markdown.lines(record(**values), [extract]))


def body(extract):
    """Return what stands below the head."""
    return written(extract).split("\n\n", 2)[2].strip()


def block(text, left, top, right, bottom):
    return TextBlock(text, location=((left, top), (right, top), (right, bottom), (left, bottom)))


def flat(tokens):
    for token in tokens:
        yield token
        yield from flat(token.children or [])


def shown(text):
    """Return the words that a reader of the Markdown sees."""
    parts = []
    for token in flat(GITHUB.parse(text)):
        if token.type in {"text", "text_special", "code_inline", "code_block", "fence", "html_block"}:
            parts.append(token.content)
        elif token.type == "html_inline":
            parts.append(" " if token.content == "<br>" else token.content)
        elif token.type in {"softbreak", "hardbreak"} or token.block:
            parts.append(" ")
    return "".join(parts).split()


class TestHead:
    def test_it_says_what_was_read_how_and_from_where(self):
        first = written(Extract(), key="a/b/letter_1.pdf").split("\n")[:3]
        assert first == [
            r"# letter\_1.pdf",
            "",
            r"Done. Read by General text (general-text). Source: obs\://legible-in/a/b/letter\_1.pdf",
        ]

    def test_what_is_not_done_gives_reason_and_advice(self):
        reason = Reason("no-route", "No route takes it.", "Put it into the folder of an operation.")
        told = record(status="rejected", operation="", title="", reason=reason)
        text = "\n".join(markdown.lines(told, []))
        assert "Rejected: this document was not recognized. No operation was found for it." in text
        assert "No route takes it (no-route). Put it into the folder of an operation." in text

    def test_an_operation_without_a_title_has_its_slug(self):
        assert "Read by passport. Source" in written(Extract(), operation="passport", title="")


class TestPages:
    def test_each_page_has_its_heading_and_its_own_text(self):
        pages = [Extract(text=(TextBlock("first"),)), Extract(text=(TextBlock("second", page=2),))]
        text = "\n".join(markdown.lines(record(Page(1, "done"), Page(2, "done")), pages))
        assert text.endswith("## Page 1\n\nfirst\n\n## Page 2\n\nsecond\n")

    def test_a_page_without_an_answer_says_why_at_its_place(self):
        reason = Reason("api-error", "The service refused it.", "Scan it again.", vendor_code="AIS.0104")
        pages = (Page(1, "dead", reason=reason), Page(2, "done"), Page(3, "held"))
        text = "\n".join(markdown.lines(record(*pages, status="partial"), [Extract(text=(TextBlock("second"),))]))
        assert "## Page 1\n\nThis page has no result (dead): The service refused it (AIS.0104). Scan it again." in text
        assert "## Page 2\n\nsecond" in text
        assert "## Page 3\n\nThis page has no result (held)." in text

    def test_a_page_on_which_nothing_was_recognized_says_so(self):
        assert body(Extract()) == "Nothing was recognized on this page."
        assert "Nothing was recognized" in "\n".join(markdown.lines(record(), []))

    def test_one_page_is_held_at_a_time(self):
        taken = []

        def pages():
            for number in (1, 2):
                taken.append(number)
                yield Extract(text=(TextBlock(f"text {number}"),))

        found = markdown.lines(record(Page(1, "done"), Page(2, "done")), pages())
        assert next(line for line in found if line == "text 1")
        assert taken == [1]

    def test_an_answer_of_no_page_is_not_lost(self):
        text = "\n".join(markdown.lines(record(Page(1, "held")), [Extract(text=(TextBlock("late"),))]))
        assert text.endswith("\nlate\n")


class TestFields:
    def test_they_are_labels_and_values(self):
        fields = (Field("surname", "Surname", "ERIKSSON"), Field("address", "", "Main Street 1\r\nSpringfield"))
        assert body(Extract(fields=fields)).split("\n") == [
            "| Field | Value |",
            "| --- | --- |",
            "| Surname | ERIKSSON |",
            "| address | Main Street 1<br>Springfield |",
        ]


class TestTables:
    def test_a_header_is_the_first_row_only_where_it_is_one(self):
        cells = (Cell(0, 0, "Item"), Cell(0, 1, "Price"), Cell(1, 0, "Tea"), Cell(1, 1, "3|4"))
        table = Table("items", "Line items", 1, 2, 2, cells, header=True)
        assert body(Extract(tables=(table,))) == ("**Line items**\n\n| Item | Price |\n| --- | --- |\n| Tea | 3\\|4 |")
        plain = Table("", "", 1, 2, 2, cells)
        assert body(Extract(tables=(plain,))) == (
            "**Table**\n\n|  |  |\n| --- | --- |\n| Item | Price |\n| Tea | 3\\|4 |"
        )

    def test_a_cell_that_spans_has_its_text_in_the_first(self):
        cells = (Cell(0, 0, "both", column_span=2), Cell(2, 1, "last"), Cell(2, 1, "again"))
        assert body(Extract(tables=(Table("t", "", 1, 3, 2, cells),))).split("\n")[4:] == [
            "| both |  |",
            "|  |  |",
            "|  | last<br>again |",
        ]

    def test_a_table_too_large_to_draw_is_listed_cell_by_cell(self):
        cells = (Cell(0, 0, "first"), Cell(999_999, 999_999, "last"))
        assert body(Extract(tables=(Table("t", "", 1, 1_000_000, 1_000_000, cells),))).endswith(
            "| Row | Column | Text |\n| --- | --- | --- |\n| 1 | 1 | first |\n| 1000000 | 1000000 | last |"
        )


class TestText:
    def test_lines_close_below_one_another_are_a_paragraph(self):
        blocks = (
            block("The quick brown fox", 50, 100, 400, 120),
            block("jumps over the lazy", 50, 125, 402, 145),
            block("dog.", 50, 150, 100, 170),
            block("Another one.", 50, 175, 300, 195),
            block("Far below.", 50, 400, 300, 420),
        )
        assert body(Extract(text=blocks)).split("\n\n") == [
            "The quick brown fox jumps over the lazy dog.",
            "Another one.",
            "Far below.",
        ]

    def test_what_stands_side_by_side_is_one_line(self):
        blocks = (block("Name:", 50, 100, 120, 120), block("Eriksson", 140, 102, 300, 121))
        assert body(Extract(text=blocks)) == "Name: Eriksson"

    def test_chinese_lines_are_joined_without_a_space(self):
        blocks = (block("天地玄黄宇宙", 50, 100, 400, 120), block("洪荒日月", 50, 125, 300, 145))
        assert body(Extract(text=blocks)) == "天地玄黄宇宙洪荒日月"

    @pytest.mark.parametrize("other", [(50, 125, 400, 127), (50, 300, 400, 320), (380, 125, 480, 145)])
    def test_lines_of_another_kind_or_place_stand_apart(self, other):
        blocks = (block("one", 50, 100, 400, 120), block("two", *other))
        assert body(Extract(text=blocks)).split("\n\n") == ["one", "two"]

    def test_a_line_much_higher_than_the_others_is_a_heading(self):
        blocks = (
            block("Annual report", 50, 20, 400, 60),
            block("first", 50, 100, 200, 120),
            block("second", 50, 200, 200, 220),
        )
        assert body(Extract(text=blocks)).startswith("### Annual report\n\nfirst")

    def test_a_column_of_letters_is_no_heading(self):
        blocks = (block("竖排", 5, 20, 15, 90), block("first", 50, 100, 200, 120), block("second", 50, 200, 200, 220))
        assert "###" not in body(Extract(text=blocks))

    def test_two_lines_alone_make_no_heading(self):
        blocks = (block("large", 50, 20, 400, 60), block("small", 50, 100, 200, 110))
        assert "###" not in body(Extract(text=blocks))

    def test_without_places_each_block_is_a_line(self):
        blocks = (TextBlock("one"), TextBlock(" "), TextBlock("two\nthree\n\n"))
        assert body(Extract(text=blocks)) == "one\n\ntwo\\\nthree"


class TestInert:
    @pytest.mark.parametrize(
        ("text", "safe"),
        [
            ("# no heading", r"\# no heading"),
            ("- no list", r"\- no list"),
            ("12. no list", r"12\. no list"),
            ("3) no list", r"3\) no list"),
            ("---", r"\---"),
            (":-", r"\:-"),
            ("> no quote", "&gt; no quote"),
            ("![x](http://a.b)", r"!\[x\](http\://a.b)"),
            ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
            ("&amp;", "&amp;amp;"),
            ("WWW.example.org", r"WWW\.example.org"),
            ("anna@example.org", "anna@example.org"),
            ("    indented", "indented"),
            ("nul\0del\x7f half\ud800", "nul␀del␡ half�"),
            ("1.5 - 2 = 3 (4)!", r"1\.5 - 2 = 3 (4)!"),
            ("plain text: it stays", "plain text: it stays"),
        ],
    )
    def test_special_characters_are_shown(self, text, safe):
        assert markdown.escaped(text) == safe


MARKS = [
    "<script>alert(1)</script>", "<!-- ", "-->", "<br>", "&lt;", "&#60;", "[a](b)", "![a](b)", "[a]: b", "[^1]:", "é",
    "https://a.b/c", "<https://a.b>", "www.a.b", "me@a.b", "# ", "## a #", "- ", "+ a", "* a", "1. a", "2) ", "> q",
    "```", "~~~", "---", "***", "___", "===", "|", "| - | - |", ":-:", "    code", "\t", "\\", "\\|", "\n", "\r",
    "\n\n", "\u2028", "\x85", "$x$", "{{x}}", "`", "~~s~~", "*e*", "_e_", " ", "\\\n", "&", "<", ">",
]  # fmt: skip
HOSTILE = st.lists(st.one_of(st.text(max_size=12), st.sampled_from(MARKS)), max_size=8).map("".join)


def seen(text):
    """Return the words of a text as it is to be seen."""
    told = re.sub("[\ud800-\udfff]", "\ufffd", text).replace("\x7f", "\u2421")
    return re.sub("[\0-\x08\x0e-\x1b]", lambda match: chr(0x2400 + ord(match[0])), told).split()


@settings(max_examples=examples(400), deadline=None)
@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE, st.booleans())
def test_recognized_text_is_all_there_and_never_alive(field, cell, label, text, header):
    """Given hostile texts in every place a text can have, and a renderer that lets everything come alive."""
    table = Table("t", "T" + label, 1, 2, 2, (Cell(0, 0, cell), Cell(1, 1, cell)), header=header)
    extract = Extract((Field("f", "F" + label, field),), (table,), (TextBlock(text), TextBlock(text)))
    made = written(extract, key="f" + text.replace("/", ""), title=label)
    tokens = list(flat(GITHUB.parse(made)))
    kinds = {token.type for token in tokens} - {"text", "text_special", "inline", "softbreak", "hardbreak"}
    ours = {"paragraph", "heading", "table", "thead", "tbody", "tr", "th", "td", "strong"}
    assert kinds <= {f"{kind}_{side}" for kind in ours for side in ("open", "close")} | {"html_inline"}
    assert {token.content for token in tokens if token.type == "html_inline"} <= {"<br>"}
    assert [token.tag for token in tokens if token.type == "heading_open"] == ["h1"]
    assert sum(token.type == "table_open" for token in tokens) == 2
    assert sum(token.type == "tr_open" for token in tokens) == 2 + (2 if header else 3)
    assert BARE_LINK.search(made) is None
    head = [*seen("f" + text.replace("/", ""))]
    words = shown(made)
    assert words[: len(head)] == head
    empty = ["Field", "Value", *seen("F" + label), *seen(field), *seen("T" + label), *seen(cell), *seen(cell)]
    assert words[-len(empty + 2 * seen(text)) :] == [*empty, *seen(text), *seen(text)]
