"""Many documents in one workbook, CSV and JSON Lines: nothing lost, nothing a formula, the same bytes each time."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyarrow import parquet as pyarrow_parquet

from legible.errors import SettingsError
from legible.extraction.checks import checked
from legible.extraction.fields import extract
from legible.model.documents import Document, Reason
from legible.model.pages import Page
from legible.model.records import Cell, Check, Correction, Field, Record, Table, TextBlock
from legible.operations import catalog
from legible.outputs import columns, parquet, rows
from legible.outputs.csv_jsonl import Csv, JsonLines, plain
from legible.outputs.xlsx.many import Many
from legible.outputs.xlsx.values import fit
from tests.support.examples import examples
from tests.support.places import ANSWERS
from tests.support.workbooks import dates_in

GOLDENS = ANSWERS
AT = datetime(2026, 11, 23, 9, tzinfo=timezone.utc)


def recorded(slug: str, number: int = 0, **changes: Any) -> Record:
    """Make a record from a recorded answer."""
    operation = catalog.find(slug)
    found = checked(operation, extract(operation, [(1, (GOLDENS / slug / "answer.json").read_bytes())]))
    values: dict[str, Any] = {
        "document": Document("in", f"{slug}/{number:05d}.png", "v1", uploaded_at=AT),
        "status": "done",
        "operation": slug,
        "title": operation.title,
        "pages": (Page(1, "done"),),
        "fields": found.fields,
        "tables": found.tables,
        "text": found.text,
        "checks": found.checks,
        "finished_at": AT + timedelta(seconds=number),
    }
    return Record(**(values | changes))


def book(*records: Record, source: str = "", **options: Any) -> openpyxl.Workbook:
    file = io.BytesIO()
    sink = Many(file, "Test", **options)
    for record in records:
        sink.add(record, source)
    sink.close()
    return openpyxl.load_workbook(file)


def texts(found: openpyxl.Workbook) -> list[Any]:
    return [cell.value for sheet in found for row in sheet.iter_rows() for cell in row if cell.value is not None]


def column(sheet: Any, label: str) -> list[Any]:
    header = [cell.value for cell in sheet[1]]
    chinese = [number for number, text in enumerate(header) if re.fullmatch(f"{label} [^ -~]+", str(text))]
    place = header.index(label) if label in header else chinese[0]
    return [row[place].value for row in sheet.iter_rows(min_row=2)]


class TestWorkbook:
    def test_one_row_a_document_in_the_sheet_of_its_operation(self):
        found = book(recorded("passport", 1), recorded("passport", 2), recorded("taxi-invoice", 3))
        assert column(found["Passport"], "Passport number") == ["L898902C3", "L898902C3"]
        assert column(found["Passport"], "Date of birth") == [datetime(1974, 8, 12)] * 2
        assert column(found["Taxi invoice (China)"], "Amount paid") == [47]
        assert column(found["Documents"], "Document") == [
            "passport/00001.png",
            "passport/00002.png",
            "taxi-invoice/00003.png",
        ]

    def test_line_items_have_a_sheet_with_the_document_they_belong_to(self):
        found = book(recorded("vat-invoice", 7))
        sheet = found["Items, vat-invoice"]
        assert set(column(sheet, "Document")) == {"vat-invoice/00007.png"}
        assert column(sheet, "Row") == list(range(1, sheet.max_row))
        assert all(isinstance(value, (int, float)) for value in column(sheet, "Amount"))

    @pytest.mark.parametrize("slug", catalog.slugs())
    def test_no_text_of_any_operation_is_lost(self, slug):
        record = recorded(slug)
        shown = "\n".join(str(text) for text in texts(book(record)))
        words = [block.final for block in record.text]
        words += [field.final for field in record.fields if field.typed is None]
        words += [cell.final for table in record.tables for cell in table.cells if cell.typed is None]
        assert [word for word in words if fit(word)[0].replace("\r", "") not in shown] == []

    def test_pages_and_elements_have_rows_of_their_own(self):
        two = (Field("surname", "Surname", "A", page=1), Field("surname", "Surname", "B", page=2))
        assert column(book(recorded("passport", fields=two))["Passport"], "Page") == [1, 2]
        plates = book(recorded("license-plate"))["License plate (China)"]
        assert column(plates, "Element") == [1, 2]

    def test_what_has_no_column_and_what_has_two_values_is_kept(self):
        values = (
            Field("surname", "Surname", "A"),
            Field("surname", "Surname", "B"),
            Field("new_field", "New field", "x"),
            Field("other_field", "Other field", "y"),
            Field("surname", "Surname", ""),
            Field("no_value", "No value", ""),
        )
        sheet = book(recorded("passport", fields=values))["Passport"]
        assert column(sheet, "Surname") == ["A; B"]
        assert column(sheet, "Other") == ["New field: x; Other field: y"]
        empty_first = (Field("surname", "Surname", ""), Field("surname", "Surname", "B"))
        assert column(book(recorded("passport", fields=empty_first))["Passport"], "Surname") == ["B"]

    def test_an_operation_that_the_catalog_does_not_have_is_shown_too(self):
        table = Table("list", "Things", 1, 2, 1, (Cell(0, 0, "A"), Cell(1, 0, "b")), header=True)
        found = book(recorded("passport", operation="future", fields=(Field("a", "A", "b"),), tables=(table,)))
        assert column(found["future"], "Other") == ["A: b"]
        assert column(found["Other lists, future"], "List") == ["Things"]
        assert column(found["Other lists, future"], "Other") == ["A: b"]

    def test_failed_pages_and_findings_have_their_reasons(self):
        reason = Reason("image-blurred", "The page is blurred.", "Scan it again.")
        record = recorded(
            "passport",
            status="partial",
            reason=reason,
            pages=(Page(1, "done"), Page(2, "rejected", reason=reason)),
            checks=(Check("dates-in-order", False, 1, ("a", "b"), "One is before the other."), Check("total", True)),
        )
        found = book(record)
        assert column(found["Failed pages"], "Reason") == ["The page is blurred."]
        assert column(found["Findings"], "What disagrees") == ["One is before the other."]
        assert column(found["Documents"], "Findings") == [1]
        assert column(found["Documents"], "Reason code") == ["image-blurred"]

    def test_the_summary_counts_every_document_once(self):
        found = book(recorded("passport", 1), recorded("passport", 2, status="dead"), recorded("vin", 3, operation=""))
        sheet = found["Summary"]
        rows_found = {row[0].value: [cell.value for cell in row[1:8]] for row in sheet.iter_rows(min_row=5, max_row=7)}
        assert rows_found["passport"] == [1, 0, 0, 0, 1, 0, 2]
        assert rows_found["none (no route, or no result yet)"] == [1, 0, 0, 0, 0, 0, 1]
        assert rows_found["All"] == [2, 0, 0, 0, 1, 0, 3]
        assert len(sheet._charts) == 1

    def test_nothing_at_all_is_a_workbook_too(self):
        found = book()
        assert found["Documents"].max_row == 1
        assert found["Summary"]["H5"].value == 0

    def test_corrections_and_doubts_are_seen(self):
        corrected = Correction("RIGHT", "Wang Fang", AT)
        values = (
            Field("surname", "Surname", "WRONG", corrected=corrected, confidence=0.2),
            Field("given_name", "Given name", "x", confidence=0.5),
            Field("sex", "Sex", "M", "enum", "male", findings=("china-id-sex",)),
        )
        block = TextBlock("wrong", corrected=Correction("right", "Wang Fang", AT))
        found = book(recorded("passport", fields=values, text=(block,)))
        sheet = found["Passport"]
        header = [cell.value for cell in sheet[1]]
        colors = [
            sheet.cell(2, n + 1).fill.fgColor.rgb
            for n, text in enumerate(header)
            if str(text).split()[0] in ("Surname", "Given", "Sex")
        ]
        assert column(sheet, "Surname") == ["RIGHT"]
        assert len(set(colors)) == 3
        assert column(found["Text"], "Text") == ["right"]
        assert column(found["Documents"], "Corrected") == [2]
        assert column(found["Documents"], "Lowest confidence") == [0.5]

    def test_the_link_is_that_of_the_document_and_nothing_recognized_is_one(self):
        record = recorded("passport", fields=(Field("surname", "Surname", "https://example.com/evil"),))
        found = book(record, source="https://in.obs.example.com/passport/00000.png")
        links = [
            cell.hyperlink.target for sheet in found for row in sheet.iter_rows() for cell in row if cell.hyperlink
        ]
        assert links == ["https://in.obs.example.com/passport/00000.png"]
        assert not any(cell.hyperlink for sheet in book(record, source="javascript:x") for row in sheet for cell in row)

    def test_where_there_can_be_no_more_links_the_target_is_a_text(self):
        source = "https://in.obs.example.com/a.png"
        sheet = book(recorded("vin", 1), recorded("vin", 2), source=source, most_links=1)["Documents"]
        assert column(sheet, "Source") == ["Open", "https://in.obs.example.com/a.png"]
        assert sheet.cell(3, sheet.max_column).hyperlink is None

    def test_the_index_has_its_colors_and_room_for_reasons_that_come_late(self):
        reason = Reason("image-blurred", "The page is blurred.", "Scan it again.")
        late = recorded("vin", 999, status="rejected", reason=reason)
        sheet = book(*(recorded("vin", n) for n in range(120)), late)["Documents"]
        place = [cell.value for cell in sheet[1]].index("Reason")
        assert sheet.column_dimensions[sheet[1][place].column_letter].width > 40
        assert sheet["B2"].fill.fgColor.rgb != sheet["B122"].fill.fgColor.rgb

    def test_sheets_that_tell_of_something_wrong_are_seen(self):
        found = book(recorded("vin"))
        wrong = book(recorded("vin", checks=(Check("vin-form", False, 1, ("vin",), "Too short."),)))
        assert found["Findings"].sheet_properties.tabColor is None
        assert wrong["Findings"].sheet_properties.tabColor is not None

    def test_a_wide_sheet_is_not_printed_on_one_page(self):
        found = book(recorded("vehicle-certificate"), recorded("vin"))
        assert found["Vehicle identification number"].sheet_properties.pageSetUpPr.fitToPage
        wide = found["Vehicle conformity certificate"]
        assert not (wide.sheet_properties.pageSetUpPr and wide.sheet_properties.pageSetUpPr.fitToPage)

    def test_a_row_is_as_high_as_its_lines_need_within_reason(self):
        blocks = [TextBlock(text) for text in ("a\nb", "a", "a\nb\nc", "a\n" * 50, "a\n\nb", "a\nb")]
        two = Cell(0, 0, "a\nb\nc"), Cell(1, 0, "a")
        items = Table("item_list", "Items", 1, 2, 2, (*two[1:], Cell(1, 1, "a\nb\nc"), Cell(1, 0, "a\nb")), header=True)
        record = recorded("general-text", text=tuple(blocks), fields=(), tables=(items,))
        sheet = book(record, most_tall=4)["Text"]
        heights = [sheet.row_dimensions[row].height for row in range(2, 8)]
        assert heights[0] == 30
        assert heights[1] is None
        assert heights[2] == 45
        assert heights[3] is None or heights[3] <= 120
        assert sheet["D2"].alignment.wrap_text

    def test_dates_and_times_are_what_excel_takes_for_them(self):
        at = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=8)))
        record = recorded("passport", finished_at=at, fields=(Field("date_of_birth", "B", "x", "date", "1900-03-01"),))
        found = book(record)
        assert column(found["Documents"], "Finished") == [datetime(2026, 3, 3, 21, 6, 7)]
        assert column(found["Passport"], "Date of birth") == [datetime(1900, 3, 1)]

    def test_of_two_lists_of_one_kind_each_row_says_which(self):
        lists = tuple(
            Table(f"words_region_list[{n}].words_block_list[]", f"Table {n + 1} details", 1, 2, 1,
                  (Cell(0, 0, "Rows"), Cell(1, 0, "1")), header=True)
            for n in range(2)
        )  # fmt: skip
        sheet = book(recorded("general-table", tables=lists))["Table details, general-table"]
        assert column(sheet, "List") == ["Table 1 details", "Table 2 details"]
        assert column(sheet, "Rows") == ["1", "1"]

    def test_what_is_beyond_a_sheet_goes_on_in_another_one(self):
        found = book(*(recorded("vin", n) for n in range(25)), rows_per_sheet=11)
        names = [name for name in found.sheetnames if name.startswith("Documents")]
        assert names == ["Documents", "Documents (2)", "Documents (3)"]
        assert sum(found[name].max_row - 1 for name in names) == 25

    def test_a_file_that_cannot_be_written_is_an_error_of_the_system(self):
        class Full(io.BytesIO):
            def write(self, body):
                raise OSError(28, "No space left on device")

        many = Many(Full(), "Test")
        with pytest.raises(OSError, match="No space"):
            many.close()

    def test_columns_are_as_wide_as_the_first_rows_need(self):
        found = book(*(recorded("vin", n) for n in range(505)))
        assert found["Documents"].column_dimensions["A"].width > 12
        assert found["Documents"].max_row == 506

    def test_a_text_too_long_for_a_cell_goes_on(self):
        text = "word " * 20_000
        found = book(recorded("general-text", text=(TextBlock(text), TextBlock("y" * 16_500))), rows_per_sheet=5)
        first = column(found["Text"], "Text")
        rest = column(found["Continued"], "Text goes on")
        assert (first[0].split(" \u2026 (continued in sheet Continued, row 2)")[0] + "".join(rest)) == text
        assert first[1] == "y" * 16_500

    def test_what_goes_on_goes_on_again_where_a_sheet_is_full(self):
        texts_ = tuple(TextBlock("word " * 14_000) for _ in range(4))
        found = book(recorded("general-text", text=texts_), rows_per_sheet=5)
        assert [name for name in found.sheetnames if name.startswith("Continued")] == [
            "Continued",
            "Continued (2)",
        ]

    def test_the_same_records_make_the_same_bytes(self):
        def made():
            file = io.BytesIO()
            many = Many(file, "Test")
            for number, slug in enumerate(("passport", "vat-invoice", "general-table")):
                many.add(recorded(slug, number))
            many.close()
            return file.getvalue()

        assert made() == made()
        assert dates_in(made()) == ({"2026-11-23T09:00:02Z"}, {1980})

    def test_characters_no_worksheet_can_hold_are_shown_and_counted(self):
        found = book(recorded("passport", fields=(Field("surname", "Surname", "a\x00b\x07"),)))
        assert column(found["Passport"], "Surname") == ["a\u2400b\u2407"]
        summary = [cell.value for row in found["Summary"].iter_rows() for cell in row]
        assert summary[summary.index("shown as \u2400 to \u2421 or as \ufffd") + 1] == 2


HOSTILE = st.sampled_from(
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "http://example.com", "007", "1E5", "TRUE", "'x"]
)


def everywhere(text: str) -> Record:
    """Return a record with a text in every kind of cell, merged ones too, and in what the index tells."""
    cells = (Cell(0, 0, text, 1, 2), Cell(1, 0, text))
    items = Table("item_list", "Items", 1, 2, 1, (Cell(0, 0, text), Cell(1, 0, text)), header=True)
    return Record(
        document=Document("in", text or "key", "v"),
        status="partial",
        operation="passport",
        reason=Reason("code", text, text),
        pages=(Page(1, "rejected", reason=Reason("code", text, text)),),
        fields=(Field("surname", "Surname", text), Field("unknown", text or "label", text)),
        tables=(Table("t", text, 1, 2, 2, cells), items),
        text=(TextBlock(text),),
        checks=(Check("rule", False, 1, (text,), text),),
    )


@given(st.lists(HOSTILE | st.text(max_size=40), min_size=1, max_size=8, unique=True))
@settings(max_examples=examples(45), deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_text_is_a_formula_or_lost_wherever_it_stands(hostile: list[str]) -> None:
    """Given documents with one such text each."""
    records = list(map(everywhere, hostile))
    found = book(*records)
    assert not any(
        cell.data_type == "f" or cell.hyperlink for sheet in found for row in sheet.iter_rows() for cell in row
    )
    values = {str(value).replace("\r\n", "\n") for value in texts(found)}
    assert {fit(text)[0].replace("\r\n", "\n") for text in hostile if text.strip()} <= values

    file = io.BytesIO()
    sink = Csv(file)
    for record in records:
        sink.add(record)
    sink.close()
    with zipfile.ZipFile(file) as packed:
        for name in packed.namelist():
            for row in csv.reader(io.StringIO(packed.read(name).decode("utf-8-sig"), newline="")):
                assert not any(value.startswith(("=", "+", "-", "@", "\t", "\r")) for value in row)


#: How a spreadsheet reads a CSV: its locale's separator, and whether a quote at the beginning of a cell means anything.
BEGINS = r"=+\-@\uff1d\uff0b\uff0d\uff20"
READERS = [
    (",", csv.QUOTE_MINIMAL),
    *((mark, quotes) for mark in ";\t|" for quotes in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE)),
]
PARTS = st.sampled_from(
    ["=1+1", "+A1", "-2+3", "@SUM(1)", "\uff1d1", "\uff0b1", "\uff0d1", "\uff201", "a", " ", "\u3000", "\u00a0"]
)
MARKS = st.sampled_from([";", "\t", "|", "\n", "\r", "\r\n", '"', "'", ",", " ", "\x0b", "\u2028", "\ufeff", ""])
TRICKS = st.lists(st.tuples(MARKS, PARTS), max_size=8).map(lambda pairs: "".join(mark + part for mark, part in pairs))


def cells_read(text: str, mark: str, quotes: int) -> list[str]:
    """Return every cell that a spreadsheet makes of a CSV."""
    lines = io.StringIO(text, newline="")
    options: dict[str, Any] = {"delimiter": mark, "quoting": quotes, "quotechar": '"'}
    return [cell for row in csv.reader(lines, **options) for cell in row]


def read_back(text: str) -> str:
    """Take off again what ``Csv`` puts in: see there."""
    text = text[1:] if text.startswith("'") else text
    run = rf"([\s\ufeff\"';|]*[;|\t\r\n\x0b\x0c\x1c-\x1e\x85\u2028\u2029])'([ \u00a0\u3000\ufeff\"']*[{BEGINS}])"
    return re.sub(run, r"\1\2", text)


@settings(max_examples=examples(300), deadline=None)
@given(TRICKS)
@example(";=1+1")
@example('x;"=1+1')
@example("x\n=1+1")
@example(" =1+1")
def test_no_locale_makes_a_formula_of_a_part_of_a_text(text: str) -> None:
    for where in (Field("surname", "Surname", text), Field("no_such_field", text, "x")):
        file = io.BytesIO()
        sink = Csv(file)
        sink.add(recorded("passport", fields=(where,), tables=(), text=(), checks=()))
        sink.close()
        with zipfile.ZipFile(file) as packed:
            written = [packed.read(name).decode("utf-8-sig") for name in packed.namelist()]
        for mark, quotes in READERS:
            cells = [cell for one in written for cell in cells_read(one, mark, quotes)]
            begins = [cell.lstrip(' \t\r\n\x0b\u2028\u3000\u00a0\ufeff"') for cell in cells]
            assert [cell for cell in begins if re.match(f"[{BEGINS}]", cell)] == []
    assert read_back(plain(text)) == text


def test_a_long_run_of_separators_takes_no_time() -> None:
    """Given a text that would make a search from every separator look at all that follow."""
    assert plain(";\n" * 200_000).count("'") == 0


class TestExports:
    def packed(self, *records: Record) -> dict[str, list[list[str]]]:
        file = io.BytesIO()
        sink = Csv(file)
        for record in records:
            sink.add(record)
        sink.close()
        with zipfile.ZipFile(file) as packed:
            return {
                name: list(csv.reader(io.StringIO(packed.read(name).decode("utf-8-sig"), newline="")))
                for name in packed.namelist()
            }

    def test_csv_has_a_file_for_each_sheet(self):
        found = self.packed(recorded("passport"), recorded("taxi-invoice"))
        assert {"Documents.csv", "Passport.csv", "Taxi invoice -China-.csv"} <= set(found)
        header, row = found["Taxi invoice -China-.csv"]
        values = dict(zip(header, row, strict=True))
        assert (values["Amount paid"], values["Issue date"], values["Document"]) == (
            "47.00",
            "2025-05-06",
            "taxi-invoice/00000.png",
        )

    def test_a_negative_amount_is_a_number_and_a_text_with_an_apostrophe_can_be_read_back(self):
        values = (Field("total", "Amount paid", "-5.00", "amount", "-5.00"), Field("company", "Company", "'=x"))
        header, row = self.packed(recorded("taxi-invoice", fields=values))["Taxi invoice -China-.csv"]
        assert row[header.index("Amount paid")] == "-5.00"
        assert row[header.index("Company")] == "''=x"

    def test_files_of_one_name_are_apart(self):
        record = recorded("passport", operation="a/b", fields=(Field("x", "X", "1"),))
        other = recorded("passport", operation="a?b", fields=(Field("x", "X", "2"),))
        assert {"a-b.csv", "a-b (2).csv"} <= set(self.packed(record, other))

    def test_json_lines_keep_every_digit(self):
        file = io.BytesIO()
        sink = JsonLines(file)
        values = (
            Field("fare", "Fare", "1,234.50", "amount", "1234.50"),
            Field("date", "Issue date", "2025/05/06", "date", "2025-05-06"),
            Field("company", "Company", "A"),
            Field("location", "Place", "\u7537", "enum", "male"),
        )
        sink.add(recorded("taxi-invoice", fields=values, text=(TextBlock("words", confidence=0.5),)))
        sink.close()
        lines = [json.loads(line, parse_float=str) for line in file.getvalue().splitlines()]
        assert [line["sheet"] for line in lines] == ["Documents", "Taxi invoice (China)", "Text"]
        assert (lines[1]["Fare"], lines[1]["Issue date"], lines[1]["Company"]) == ("1234.50", "2025-05-06", "A")
        assert lines[0]["Finished"].startswith("2026-11-23T09:00:00")


def test_a_sheet_of_documents_names_each_column_once() -> None:
    for slug in catalog.slugs():
        sheet, places = rows.documents(slug)
        assert len(set(places.values())) <= len(sheet.columns)
        assert max(places.values(), default=0) < len(sheet.columns)


class TestParquet:
    def tables(self, *records: Record, **options: int) -> dict[str, Any]:
        file = io.BytesIO()
        sink = parquet.Parquet(file, **options)
        for record in records:
            sink.add(record)
        sink.close()
        with zipfile.ZipFile(file) as packed:
            return {name: pyarrow_parquet.read_table(io.BytesIO(packed.read(name))) for name in packed.namelist()}

    def test_numbers_and_dates_are_what_they_are_and_the_text_stands_beside(self):
        values = (
            Field("fare", "Fare", "1,234.50", "amount", "1234.50"),
            Field("total", "Amount paid", "about 5", "amount"),
            Field("date", "Issue date", "2025/05/06", "date", "2025-05-06"),
            Field("company", "Company", "half \ud800"),
        )
        found = self.tables(recorded("taxi-invoice", fields=values, text=(TextBlock("words"),)))
        row = found["Taxi invoice -China-.parquet"].to_pylist()[0]
        assert (row["Fare"], row["Fare (text)"]) == (Decimal("1234.50"), "1,234.50")
        assert (row["Amount paid"], row["Amount paid (text)"]) == (None, "about 5")
        assert (row["Issue date"], row["Company"]) == (date(2025, 5, 6), "half ?")
        index = found["Documents.parquet"].to_pylist()[0]
        assert (index["Pages"], index["Finished"]) == (1, "2026-11-23T09:00:00+00:00")

    @pytest.mark.parametrize("slug", catalog.slugs())
    def test_every_operation_has_its_tables(self, slug):
        found = self.tables(recorded(slug))
        assert all(table.num_rows for table in found.values())

    @pytest.mark.parametrize(
        ("kind", "text", "typed", "wanted"),
        [
            ("integer", "12", "12", 12),
            ("integer", "9" * 30, "9" * 30, None),
            ("number", "0." + "1" * 20, "0." + "1" * 20, None),
            ("number", "9" * 30, "9" * 30, None),
            ("boolean", "true", "true", True),
            ("text", "x", None, None),
        ],
    )
    def test_a_value_that_does_not_fit_stands_as_text_only(self, kind, text, typed, wanted):
        column = columns.Column("A", "", kind if kind != "text" else "number")
        assert parquet._exact(Field("a", "A", text, kind, typed), column) == wanted

    def test_many_rows_are_written_in_groups(self):
        tables = self.tables(*(recorded("vin", n) for n in range(5)), group=2)
        assert tables["Documents.parquet"].num_rows == 5

    def test_columns_of_one_name_are_apart(self):
        sheet = columns.Sheet("x", "X", (columns.Column("A"), columns.Column("A")))
        file = io.BytesIO()
        sink = parquet.Parquet(file)
        sink.write(rows.Row(sheet, ["1", "2"]))
        sink.close()
        with zipfile.ZipFile(file) as packed:
            (name,) = packed.namelist()
            table = pyarrow_parquet.read_table(io.BytesIO(packed.read(name)))
        assert table.to_pylist() == [{"A": "1", "A (2)": "2"}]

    def test_without_pyarrow_it_says_what_to_do(self):
        def missing():
            raise ImportError

        with pytest.raises(SettingsError, match="needs pyarrow"):
            parquet.Parquet(io.BytesIO(), load=missing)
