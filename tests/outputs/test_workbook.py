"""Workbooks read back: nothing is a formula or a link, nothing is lost, the same record makes the same bytes."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import datetime, timedelta, timezone
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.worksheet import Worksheet

from legible.model.documents import Document, Reason
from legible.model.pages import Page
from legible.model.records import Attachment, Calls, Cell, Field, Record, Table, TextBlock
from legible.outputs.xlsx import write
from legible.outputs.xlsx.about import headline
from legible.outputs.xlsx.values import MAX_UNITS, decimals, fit, line_count, pieces, sheet_name, shown, width
from tests.support.examples import examples
from tests.support.workbooks import dates_in

DOCUMENT = Document("inbox", "passport/a & b.png", "v1")
FINISHED = datetime(2026, 11, 23, 10, 1, tzinfo=timezone(timedelta(hours=1)))
CONTINUED = re.compile(r" … \(continued in sheet Continued, row (\d+)\)$")


def record(**parts: Any) -> Record:
    """Make a record that is done."""
    return Record(**({"document": DOCUMENT, "status": "done", "finished_at": FINISHED} | parts))


def workbook(made: Record, **options: Any) -> bytes:
    """Write a record that holds all of its parts itself."""
    file = io.BytesIO()
    write(made, made, file, **options)
    return file.getvalue()


def opened(made: Record, **options: Any) -> openpyxl.Workbook:
    """Write a record and read the workbook back."""
    return openpyxl.load_workbook(io.BytesIO(workbook(made, **options)))


def column(sheet: Worksheet, header: str) -> list[Any]:
    """Return the values below a header."""
    place = [cell.value for cell in sheet[1]].index(header)
    return [row[place].value for row in sheet.iter_rows(min_row=2)]


def whole(book: openpyxl.Workbook, text: str) -> str:
    """Return the whole of a text that may go on in another sheet."""
    match = CONTINUED.search(text)
    if match is None:
        return text
    rows = list(book["Continued"].iter_rows(min_row=int(match[1]), values_only=True))
    return text[: match.start()] + "".join(str(row[2]) for row in rows if row[:2] == rows[0][:2])


def written(text: str) -> str:
    """Return a text as openpyxl gives back what the workbook should hold."""
    return fit(text)[0]


# Safe to open

HOSTILE = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "{=A1:A2}",
    "http://example.com",
    "https://example.com/?a=b",
    "mailto:a@example.com",
    "ftp://example.com",
    "internal:Sheet1!A1",
    "external:c:\\a.xlsx",
    "0012",
    "1E5",
    "#REF!",
    "TRUE",
    "_x0041_",
    "_x000D_ and _xD800_",
    "\u202egnp.exe\u202c",
    "\u200fשלום 12\u200e",
    "😀👨‍👩‍👧",
    "a\x00b\x07c\x1b\x7f\x85",
    "half \ud800 pair",
    "\ufffe\uffff",
    "  spaces  ",
    "line\nbreak\r\nmore",
    "<b>&amp;</b>",
    "x" * 32_768,
    "=" + "長" * 70_000,
    "😀" * 20_000,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_survive_as_text(text: str) -> None:
    check_text_everywhere(text)


@settings(max_examples=examples(60), deadline=None)
@given(
    st.text(st.characters(), max_size=60)
    | st.builds(str.__add__, st.sampled_from(["=", "+", "-", "@", "\t", "\r", "http://"]), st.text(max_size=20))
)
def test_any_text_survives_as_text(text: str) -> None:
    check_text_everywhere(text)


def check_text_everywhere(text: str) -> None:
    cells = (Cell(0, 0, text), Cell(1, 0, text, 2, 2), Cell(0, 1, "x"))
    made = record(
        document=Document("inbox", text or "key", "v1", content_type=text),
        title=text,
        fields=(Field("a", text, text),),
        tables=(Table("t", text, 1, 3, 2, cells, header=True), Table("t", text, 1, 3, 2, cells)),
        text=(TextBlock(text),),
        notes=(text,),
        reason=Reason(text, text),
    )
    content = workbook(made)
    check_nothing_runs(content)
    book = openpyxl.load_workbook(io.BytesIO(content))
    found = [book["Fields"]["A2"], book["Fields"]["B2"], book["Text"]["C2"]]
    tables = [sheet for sheet in book.worksheets if sheet.title not in ("Fields", "Text", "About", "Continued")]
    found += [sheet[place] for sheet in tables for place in ("A1", "A2")]
    assert len(tables) == 2
    assert {whole(book, cell.value or "") for cell in found} == {written(text)}


def check_nothing_runs(content: bytes) -> None:
    """Check that no part of the file is a formula, a link, or anything else that runs."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in archive.namelist():
            part = archive.read(name).decode()
            assert not re.search(r"<f[ >]|hyperlink|externalLink|vbaProject|<ddeLink", part), name


def test_a_text_stays_text_when_its_cell_is_edited() -> None:
    book = opened(record(fields=(Field("a", "A", "=1+1"), Field("b", "B", "007"), Field("c", "C", "x" * 300))))
    cells = [book["Fields"][place] for place in ("B2", "B3", "B4")]
    assert [cell.number_format for cell in cells] == ["@", "@", "General"]
    assert [bool(cell.quotePrefix) for cell in cells] == [True, False, False]


def test_unfit_characters_are_counted() -> None:
    book = opened(record(fields=(Field("a", "A", "\x00\ud800"),)))
    assert book["Fields"]["B2"].value == "␀\ufffd"
    assert any("2 characters" in str(row[1]) for row in book["About"].iter_rows(values_only=True))


def test_a_long_text_goes_on() -> None:
    book = opened(record(text=(TextBlock("word " * 20_000), TextBlock("next " * 7_000))))
    assert [whole(book, text) for text in column(book["Text"], "Text")] == ["word " * 20_000, "next " * 7_000]
    assert column(book["Continued"], "Sheet") == ["Text"] * 4
    assert column(book["Continued"], "Cell") == ["C2", "C2", "C2", "C3"]


def test_the_same_record_makes_the_same_bytes() -> None:
    made = record(fields=(Field("a", "A", "1", "amount", "1"),), title="Passport")
    assert workbook(made) == workbook(made)
    assert dates_in(workbook(made)) == ({"2026-11-23T09:01:00Z"}, {1980})
    assert dates_in(workbook(record(finished_at=None))) == ({"2000-01-01T00:00:00Z"}, {1980})


# Values


@pytest.mark.parametrize(
    ("type_", "value", "typed", "wanted", "number_format"),
    [
        ("date", "2019年1月2日", "2019-01-02", datetime(2019, 1, 2), "yyyy-mm-dd"),
        ("date", "1900-02-28", "1900-02-28", "1900-02-28", "@"),
        ("date", "03/04/2020", None, "03/04/2020", "@"),
        ("amount", "¥1,234.50", "1234.50", 1234.5, "#,##0.00"),
        ("amount", "-5", "-5", -5, "#,##0"),
        ("amount", "12345678901234567.89", "12345678901234567.89", "12345678901234567.89", "@"),
        ("number", "0.1000", "0.1000", 0.1, "0.0000"),
        ("number", "0." + "0" * 40 + "1", "0." + "0" * 40 + "1", "0." + "0" * 40 + "1", "@"),
        ("integer", "007", "7", 7, "0"),
        ("integer", "1" * 16, "1" * 16, "1" * 16, "@"),
        ("integer", "9" * 400, "9" * 400, "9" * 400, "General"),
        ("boolean", "true", "true", True, "General"),
        ("boolean", "false", "false", False, "General"),
        ("confidence", "0.97", "0.97", 0.97, "0.00"),
        ("text", "6222000000000000001", None, "6222000000000000001", "@"),
        ("text", "0012", None, "0012", "@"),
    ],
)
def test_values_are_exact_or_text(type_: str, value: str, typed: str | None, wanted: Any, number_format: str) -> None:
    field = Field("a", "A", value, type_, typed)
    sheet = opened(record(fields=(field,), tables=(table_of(Cell(1, 0, value, type=type_, typed=typed)),)))
    for cell in (sheet["Fields"]["B2"], sheet["Items"]["A2"]):
        assert (cell.value, type(cell.value), cell.number_format) == (wanted, type(wanted), number_format)


def table_of(*cells: Cell, **parts: Any) -> Table:
    """Make a table of line items."""
    header = (Cell(0, 0, "Name"), Cell(0, 1, "Amount"))
    return Table(
        **({"name": "items", "label": "Items", "page": 1, "rows": 3, "columns": 2, "header": True} | parts),
        cells=(*header, *cells),
    )


def test_what_was_recognized_stands_beside_what_is_shown_otherwise() -> None:
    fields = (
        Field("a", "A", "¥5.00", "amount", "5.00"),
        Field("b", "B", "2020-01-02", "date", "2020-01-02"),
        Field("c", "C", "x"),
    )
    assert column(opened(record(fields=fields))["Fields"], "As recognized") == ["¥5.00", None, None]
    assert "As recognized" not in [cell.value for cell in opened(record(fields=fields[1:]))["Fields"][1]]


def test_doubt_has_a_color() -> None:
    doubts = (None, 0.95, 0.9499, 0.8, 0.79, 0.0)
    sheet = opened(record(fields=tuple(Field("a", "A", "x", confidence=doubt) for doubt in doubts)))["Fields"]
    fills = [sheet.cell(row, 2).fill.start_color.rgb[2:] for row in range(2, 8)]
    assert fills == ["000000", "000000", "FFF2CC", "FFF2CC", "F8CBAD", "F8CBAD"]
    assert column(sheet, "Confidence") == list(doubts)


def test_colors_can_be_read() -> None:
    from legible.outputs.xlsx.cells import _FAIR, _GOOD, _POOR

    for style in (_FAIR, _GOOD, _POOR):
        light, dark = sorted((luminance(style["bg_color"]), luminance(style["font_color"])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 7


def luminance(color: str) -> float:
    """Return the relative luminance of a color, as WCAG has it."""
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_locations_are_shown_where_there_are_any() -> None:
    corners = ((1.0, 2.5), (3.0, 2.0), (3.0, 4.0), (1.0, 4.0))
    sheet = opened(record(fields=(Field("a", "A", "x", location=corners), Field("b", "B", "y"))))["Fields"]
    assert column(sheet, "Location") == ["1,2.5 3,2 3,4 1,4", None]


# Sheets


def test_a_header_stays_in_sight() -> None:
    sheet = opened(record(fields=(Field("a", "A", "x"),)))["Fields"]
    assert (sheet.freeze_panes, sheet.auto_filter.ref, sheet.print_title_rows) == ("A2", "A1:E2", "$1:$1")


def test_spans_are_merged() -> None:
    cells = (Cell(0, 0, "=A", column_span=2), Cell(1, 0, "B", row_span=2), Cell(1, 1, "C"), Cell(2, 1, "D"))
    sheet = opened(record(tables=(Table("t", "Table 1", 1, 3, 2, cells),)))["Table 1"]
    assert {str(merged) for merged in sheet.merged_cells.ranges} == {"A1:B1", "A2:A3"}
    assert [sheet[place].value for place in ("A1", "A2", "B2", "B3")] == ["=A", "B", "C", "D"]
    assert sheet.freeze_panes is None


@pytest.mark.parametrize(
    "cells",
    [
        (Cell(0, 0, "A", 2, 2), Cell(1, 1, "B")),
        (Cell(1_048_576, 0, "A"), Cell(0, 0, "B")),
        (Cell(0, 16_384, "A"), Cell(0, 0, "B")),
        (Cell(0, 0, "A", 1_000_000, 16_000), Cell(0, 16_000, "B")),
    ],
)
def test_a_table_that_cannot_be_drawn_is_listed(cells: tuple[Cell, ...]) -> None:
    rows = max(cell.row + cell.row_span for cell in cells)
    columns = max(cell.column + cell.column_span for cell in cells)
    sheet = opened(record(tables=(Table("t", "Table 1", 1, rows, columns, cells),)))["Table 1"]
    assert column(sheet, "Text") == ["A", "B"]
    assert column(sheet, "Row") == [cell.row + 1 for cell in cells]


def test_a_wide_sparse_table_is_drawn_without_lines_in_empty_places() -> None:
    made = record(tables=(Table("t", "Table 1", 1, 1000, 1000, (Cell(999, 999, "A"),)),))
    assert opened(made)["Table 1"].cell(1000, 1000).value == "A"


def test_tables_of_several_pages_name_their_page() -> None:
    tables = (table_of(), table_of(), table_of(page=2), table_of(label="About"), table_of(label="History"))
    assert opened(record(tables=tables)).sheetnames == [
        "Items p1",
        "Items p1 (2)",
        "Items p2",
        "About p1",
        "History p1",
        "About",
    ]
    assert opened(record(tables=(table_of(label="about"),))).sheetnames == ["about (2)", "About"]


def test_a_list_longer_than_a_sheet_goes_on_in_another() -> None:
    book = opened(record(text=tuple(TextBlock(str(number)) for number in range(7))), rows_per_sheet=4)
    assert book.sheetnames == ["Text", "Text (2)", "Text (3)", "About"]
    assert sum((column(book[name], "Text") for name in book.sheetnames[:3]), []) == list("0123456")


def test_blocks_are_numbered_page_by_page() -> None:
    blocks = (TextBlock("a"), TextBlock("b"), TextBlock("c", page=2))
    sheet = opened(record(text=blocks))["Text"]
    assert [column(sheet, name) for name in ("Page", "Block", "Text")] == [[1, 1, 2], [1, 2, 1], ["a", "b", "c"]]


def test_it_opens_on_what_there_is_most_of() -> None:
    field, block, drawn = (
        Field("a", "A", "x"),
        TextBlock("t"),
        Table("t", "Table 1", 1, 1, 2, (Cell(0, 0, "A"), Cell(0, 1, "B"))),
    )
    assert opened(record(fields=(field,), tables=(table_of(),))).active.title == "Fields"
    assert opened(record(fields=(field,), text=(block, block))).active.title == "Text"
    assert opened(record(fields=(field,), tables=(drawn,))).active.title == "Table 1"
    assert opened(record()).active.title == "About"
    assert opened(record(tables=(table_of(),))).active.title == "About"


def test_rows_are_as_high_as_their_texts() -> None:
    sheet = opened(
        record(fields=(Field("a", "A", "one\ntwo\nthree"), Field("b", "B", "x " * 5_000), Field("c", "C", "x")))
    )["Fields"]
    assert [sheet.row_dimensions[row].height for row in (2, 3, 4)] == [45, 408.75, None]


# About


@pytest.mark.parametrize("status", ["rejected", "held", "dead", "partial", "running"])
def test_the_reason_is_the_first_thing_one_sees(status: str) -> None:
    reason = Reason("image-too-small", "The image is too small.", "Scan it again.", "AIS.0103", "req-1")
    made = record(status=status, reason=reason, fields=(Field("a", "A", "x"),) * 3)
    book = opened(made)
    assert book.active.title == "About"
    assert book.active["A1"].value == headline(made)
    assert book.active["A1"].value.endswith("The image is too small (image-too-small). Scan it again.")
    said = dict(book.active.iter_rows(min_row=2, max_col=2, values_only=True))
    assert said["Vendor code"] == "AIS.0103"
    assert said["Advice"] == "Scan it again."


def test_a_reason_may_come_without_advice() -> None:
    made = record(status="rejected", reason=Reason("no-route", "No route matches."))
    assert headline(made) == "Rejected: this document was not recognized. No route matches (no-route)."
    assert "none: no route was found" in [row[1] for row in opened(made)["About"].iter_rows(values_only=True)]


def test_everything_known_is_there() -> None:
    made = record(
        document=Document("inbox", "a.png", "v1", "etag", "v1", 1234, FINISHED, "image/png", "png", 10, 20, 3),
        operation="passport",
        title="Passport",
        options={"country_code": "CHN"},
        pages=(
            Page(1, "done", "url", "answers/1.json", "req-1", "resized"),
            Page(2, "dead", reason=Reason("c", "Broken.", "Mend it.", "AIS.0103")),
            Page(3, "rejected", reason=Reason("code-only", "Bad.")),
        ),
        attachments=(Attachment("portrait.png", 1, "results/portrait.png", "image/png", 2048),),
        notes=("first", "second"),
        calls=Calls(2, 1, 1),
        ledger="ledger/a.jsonl",
    )
    said = {row[0]: row[1] for row in opened(made)["About"].iter_rows(values_only=True)}
    assert said["Source"] == "obs://inbox/a.png"
    assert said["Operation"] == "Passport (passport)"
    assert said["Options"] == '{"country_code": "CHN"}'
    assert said["Finished"] == said["Uploaded"] == "2026-11-23 09:01:00 UTC"
    assert said["Pixels"] == "10 x 20"
    assert said["Page 1"] == "done; read by url; resized; request req-1; answers/1.json"
    assert said["Page 2"] == "dead; Broken.; Mend it.; AIS.0103"
    assert said["Page 3"] == "rejected; Bad.; code-only"
    assert said["portrait.png"] == "results/portrait.png (image/png, 2,048 bytes, page 1)"
    assert (said["1"], said["2"]) == ("first", "second")
    assert (said["Unknown (perhaps paid)"], said["Surplus (paid twice)"]) == ("1", "1")
    assert said["Schema"] == made.schema


# The small things


def test_pieces_fit_and_make_the_whole() -> None:
    for text in ("", "a" * 10, "😀" * 10, "a b c d e f g h", "aaaaaaaaa\nb", "x" * 7 + "😀x😀"):
        parts = list(pieces(text, 5))
        assert "".join(parts) == text
        assert all(len(part.encode("utf-16-le")) <= 10 for part in parts)
    spaced = list(pieces("a" * 98 + " " + "b" * 50, 100))
    assert spaced == ["a" * 98 + " ", "b" * 50]
    assert MAX_UNITS < 32_767


@given(st.text(max_size=50), st.sets(st.text(max_size=10), max_size=4))
def test_sheet_names_are_what_excel_takes(label: str, taken: set[str]) -> None:
    name = sheet_name(label, taken)
    assert 1 <= len(name.encode("utf-16-le", "surrogatepass")) / 2 <= 31
    assert not re.search(r"[\[\]:*?/\\\x00-\x1f]", name)
    assert not name.startswith("'")
    assert not name.endswith("'")
    assert name.lower() not in {other.lower() for other in taken} | {"history"}


def test_sheet_names_are_numbered() -> None:
    assert sheet_name("a/b:c", []) == "a b c"
    assert sheet_name("History", []) == "History (2)"
    assert sheet_name("''", ["table"]) == "Table (2)"
    assert sheet_name("x" * 40, ["X" * 31]) == "x" * 27 + " (2)"


def test_widths_and_lines() -> None:
    assert (width(""), width("ab\nabc"), width("漢字")) == (0, 3, 4)
    assert line_count("ab\nabc\n\n" + "x" * 25, 10) == 6
    assert line_count("\n" * 500, 10) == 100
    assert (decimals("1"), decimals("1.50")) == (0, 2)
    assert shown("text", None) is None
