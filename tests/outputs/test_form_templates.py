"""A template keeps what it is when it is filled, or is refused with a reason; and every value finds its place."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont
from openpyxl.comments import Comment
from openpyxl.drawing.image import Image
from openpyxl.formatting.rule import FormulaRule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.formula import ArrayFormula
from openpyxl.worksheet.pagebreak import Break
from openpyxl.worksheet.table import Table as ExcelTable
from PIL import Image as Picture

from legible.errors import SettingsError
from legible.extraction.contents import Contents
from legible.extraction.fields import extract
from legible.model import records
from legible.model.documents import Document
from legible.model.records import Check, Correction, Field, Record
from legible.operations import catalog
from legible.outputs import forms
from legible.outputs.forms import template
from legible.outputs.forms.filled import USUAL, FormLimits
from legible.outputs.forms.references import FormulaPlace, RowPlan, moved
from legible.outputs.forms.sources import FACTS, known, nearest, pages
from legible.outputs.xlsx import fit
from legible.settings import load
from tests.support.examples import examples
from tests.support.places import ANSWERS, ROOT

CATALOG = ANSWERS
AT = datetime(2026, 11, 23, 9, tzinfo=timezone.utc)
#: What a header says in front of the first line item of the form.
VALUES = (records.Field, records.Cell, records.TextBlock)
ITEM = 7


def recorded(slug: str = "vat-invoice", result: Any = None, pages: int = 1, **changes: Any) -> Record:
    """Make a record of a result, or of the recorded answer, on each of some pages."""
    body = json.dumps({"result": result}).encode() if result else (CATALOG / slug / "answer.json").read_bytes()
    found = extract(catalog.find(slug), [(page, body) for page in range(1, pages + 1)])
    values = {
        "document": Document("in", f"{slug}/a.png", "v", uploaded_at=AT),
        "status": "done",
        "operation": slug,
        "fields": found.fields,
        "tables": found.tables,
        "text": found.text,
        "finished_at": AT,
    }
    return Record(**(values | changes))


def invoice_form(book: openpyxl.Workbook) -> None:
    """Make a form as a back office has it: logo, merged title, styled table with line items, totals, a second sheet."""
    sheet = book.active
    sheet.title = "Claim form"
    sheet.merge_cells("A1:F1")
    sheet["A1"] = "Invoice {{number}} of {{seller_name}}"
    sheet["A1"].font, sheet["A1"].alignment = Font(bold=True, size=16), Alignment(horizontal="center")
    sheet["A3"], sheet["B3"], sheet["D3"], sheet["E3"] = "Date", "{{issue_date}}", "Tax rate", 0.13
    sheet["B3"].number_format = "dd.mm.yyyy"
    sheet["A4"], sheet["B4"] = "Buyer", "{{buyer_name}}"
    sheet["A4"].comment = Comment("As on the invoice", "Office")
    line = Side(style="thin")
    for column, label in enumerate(("Pos.", "Item", "Specification", "Quantity", "Amount", "Tax"), 1):
        head = sheet.cell(ITEM - 1, column, label)
        head.font, head.fill = Font(bold=True, color="FFFFFF"), PatternFill("solid", "1F3864")
    items = ("{{row}}", "{{item_list[].name}}", None, "{{item_list[].quantity}}", "{{item_list[].amount}}", "=E7*$E$3")
    for column, text in enumerate(items, 1):
        cell = sheet.cell(ITEM, column, text)
        cell.border = Border(line, line, line, line)
    sheet.merge_cells("B7:C7")
    sheet["E7"].number_format = sheet["F7"].number_format = "#,##0.00"
    sheet.row_dimensions[ITEM].height, sheet.row_dimensions[9].height = 24, 33
    sheet["D8"], sheet["E8"], sheet["F8"] = "Total", "=SUM(E7:E7)", "=SUM(F7)"
    sheet["D9"], sheet["E9"], sheet["F9"] = "With tax", "=E8+F8", '=IF(E9>Rates!B2,"E7: high",Rates!B7)'
    sheet["D10"], sheet["E10"] = "As printed", "{{total}}"
    sheet.merge_cells("A12:F12")
    sheet["A12"], sheet["A13"] = "Read by Legible from {{document.key}}: {{status}}", "{{remarks}}"
    sheet["A14"].hyperlink, sheet["A14"].value = "https://example.com/terms", "Terms"
    rates = book.create_sheet("Rates")
    rates["A1"], rates["B1"], rates["B2"], rates["B7"] = "Sum", "='Claim form'!E8", 1000, "=SUM('Claim form'!E7:E7)"


def saved(tmp_path: Path, make: Callable[[openpyxl.Workbook], None] = invoice_form, name: str = "claim.xlsx") -> Path:
    book = openpyxl.Workbook()
    make(book)
    path = tmp_path / name
    book.save(path)
    return path


def bytes_of(
    form: forms.Form, record: Record, parts: Any = None, limits: FormLimits = USUAL
) -> tuple[bytes, list[str]]:
    file = io.BytesIO()
    notes = form.write(record, record if parts is None else parts, file, limits)
    return file.getvalue(), notes


def filled(
    tmp_path: Path, make: Callable[[openpyxl.Workbook], None], record: Record, rich: bool = False, **limits: FormLimits
) -> tuple[openpyxl.Workbook, list[str]]:
    """Fill a template with a record and open what came of it."""
    body, notes = bytes_of(forms.opened(tmp_path, saved(tmp_path, make).name, record.operation), record, **limits)
    return openpyxl.load_workbook(io.BytesIO(body), rich_text=rich), notes


def one_row(**more: Callable[[Any], None]) -> Callable[[openpyxl.Workbook], None]:
    """Make a template that has a repeated row, the fifth, and whatever is done to its sheet."""

    def make(book: openpyxl.Workbook) -> None:
        book.active["A5"], book.active["B5"] = "{{item_list[].name}}", "{{item_list[].amount}}"
        for change in more.values():
            change(book.active)

    return make


class TestARealForm:
    def test_is_filled_from_the_recorded_answer(self, tmp_path):
        """Given a back office's form and the invoice of the catalog, which has two line items."""
        book, notes = filled(tmp_path, invoice_form, recorded())
        sheet = book["Claim form"]
        assert notes == []
        assert sheet["A1"].value == "Invoice 00012345 of 示例制造有限公司"
        assert (sheet["B3"].value, sheet["B3"].number_format) == (datetime(2026, 9, 7), "dd.mm.yyyy")
        assert sheet["E11"].value == 12356
        assert [[sheet.cell(row, column).value for column in (1, 2, 4, 5)] for row in (7, 8)] == [
            [1, "*文具*铅笔", 1000, 1934.51],
            [2, "*家具*书桌", 10, 9000],
        ]
        assert sheet["A13"].value == "Read by Legible from vat-invoice/a.png: done"
        assert sheet["A14"].value is None

    def test_keeps_its_look_and_what_is_below_moves_down(self, tmp_path):
        book, _ = filled(tmp_path, invoice_form, recorded())
        sheet = book["Claim form"]
        assert {str(area) for area in sheet.merged_cells.ranges} == {"A1:F1", "B7:C7", "B8:C8", "A13:F13"}
        assert [sheet.row_dimensions[row].height for row in (7, 8, 9, 10)] == [24, 24, None, 33]
        assert all(sheet.cell(row, 1).border.top.style == "thin" for row in (7, 8))
        assert sheet["E8"].number_format == "#,##0.00"
        assert (sheet["A1"].font.size, sheet["A1"].alignment.horizontal) == (16, "center")
        assert (sheet["A15"].hyperlink.target, sheet["A15"].hyperlink.ref) == ("https://example.com/terms", "A15")
        assert sheet["A4"].comment.text == "As on the invoice"

    def test_its_formulas_still_mean_the_same(self, tmp_path):
        book, _ = filled(tmp_path, invoice_form, recorded())
        sheet = book["Claim form"]
        assert [sheet[f"F{row}"].value for row in (7, 8)] == ["=E7*$E$3", "=E8*$E$3"]
        assert (sheet["E9"].value, sheet["F9"].value) == ("=SUM(E7:E8)", "=SUM(F7:F8)")
        assert (sheet["E10"].value, sheet["F10"].value) == ("=E9+F9", '=IF(E10>Rates!B2,"E7: high",Rates!B7)')
        assert book["Rates"]["B1"].value == "='Claim form'!E9"
        assert book["Rates"]["B7"].value == "=SUM('Claim form'!E7:E8)"
        assert book.calculation.fullCalcOnLoad

    def test_has_a_sheet_for_each_page(self, tmp_path):
        book, notes = filled(tmp_path, invoice_form, recorded(pages=3))
        assert notes == []
        assert book.sheetnames == ["Claim form", "Rates", "Claim form p2", "Claim form p3"]
        for name in ("Claim form", "Claim form p2", "Claim form p3"):
            assert (book[name]["B8"].value, book[name]["E9"].value) == ("*家具*书桌", "=SUM(E7:E8)")
            assert "A13:F13" in {str(area) for area in book[name].merged_cells.ranges}

    def test_the_same_bytes_come_of_another_process(self, tmp_path):
        """Given processes in which sets have their elements in other orders."""
        saved(tmp_path)
        code = (
            "import sys, hashlib; sys.path[:0] = sys.argv[2:]; from pathlib import Path;"
            "from tests.outputs.test_form_templates import bytes_of, recorded, forms;"
            "form = forms.opened(Path(sys.argv[1]), 'claim.xlsx');"
            "print(hashlib.sha256(bytes_of(form, recorded(pages=2))[0]).hexdigest())"
        )
        roots = [str(ROOT / part) for part in ("shared", "")]
        made = {
            subprocess.run(
                [sys.executable, "-c", code, str(tmp_path), *roots],
                env={"PYTHONHASHSEED": seed},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for seed in ("1", "2")
        }
        assert len(made) == 1

    def test_is_filled_from_what_lies_on_the_disk(self, tmp_path):
        """Given contents that are read page by page, and a record without them: findings are there all the same."""
        record = recorded()
        saved(
            tmp_path, lambda book: book.active.append(["{{findings}}", "{{number}}", "{{item_list[].name}}"]), "f.xlsx"
        )
        with Contents() as contents:
            check = Check("invoice-sum", passed=False)
            contents.add(records.Extract(record.fields, record.tables, checks=(check, Check("x", passed=True))))
            bare = recorded(fields=(), tables=(), text=())
            body, _ = bytes_of(forms.opened(tmp_path, "f.xlsx", "vat-invoice"), bare, contents)
        sheet = openpyxl.load_workbook(io.BytesIO(body)).active
        assert [cell.value for cell in sheet[1]] == ["invoice-sum", "00012345", "*文具*铅笔"]

    def test_has_what_a_reviewer_wrote(self, tmp_path):
        corrected = Field("total", "Total", "12", "amount", "99.50", corrected=Correction("99.50", "me", AT))
        book, _ = filled(
            tmp_path, lambda book: book.active.append(["{{total}}", "{{total}}!"]), recorded(fields=(corrected,))
        )
        assert [cell.value for cell in book.active[1]] == [99.5, "99.50!"]


class TestWhatBelongsToRows:
    def test_formats_validations_filter_print_area_and_breaks_move_with_them(self, tmp_path):
        def change(sheet):
            red = PatternFill(bgColor="FF0000")
            sheet.conditional_formatting.add("B5:B5", FormulaRule(formula=["B5>$B$9"], fill=red))
            sheet.conditional_formatting.add("B9", FormulaRule(formula=["B9>1"], fill=red))
            for area, formula in (("C5", "$E$8:$E$9"), ("C9", '"a,b"')):
                check = DataValidation("list", formula1=formula)
                check.add(area)
                sheet.add_data_validation(check)
            sheet.auto_filter.ref = "A4:B5"
            sheet.print_area = "A1:C9"
            sheet.row_breaks.append(Break(id=8))

        sheet = filled(tmp_path, one_row(change=change), recorded())[0].active
        rules = {str(found.sqref): found.rules[0].formula for found in sheet.conditional_formatting}
        assert rules == {"B5:B6": ["B5>$B$10"], "B10": ["B10>1"]}
        lists = {str(found.sqref): found.formula1 for found in sheet.data_validations.dataValidation}
        assert lists == {"C5:C6": "$E$9:$E$10", "C10": '"a,b"'}
        assert (sheet.auto_filter.ref, sheet.print_area) == ("A4:B6", "'Sheet'!$A$1:$C$10")
        assert [stop.id for stop in sheet.row_breaks.brk] == [9]

    def test_names_move_with_them(self, tmp_path):
        def make(book):
            one_row()(book)
            book.defined_names["Amounts"] = DefinedName("Amounts", attr_text="Sheet!$B$5:$B$5")
            book.defined_names["Rate"] = DefinedName("Rate", attr_text="Sheet!$E$9")
            book.active.defined_names["Own"] = DefinedName("Own", attr_text="Sheet!$E$8")
            book.active["B8"] = "=SUM(Amounts)*Rate"

        book, _ = filled(tmp_path, make, recorded())
        assert book.defined_names["Amounts"].attr_text == "Sheet!$B$5:$B$6"
        assert book.defined_names["Rate"].attr_text == "Sheet!$E$10"
        assert book.active.defined_names["Own"].attr_text == "Sheet!$E$9"
        assert book.active["B9"].value == "=SUM(Amounts)*Rate"

    def test_tables_grow_and_each_page_has_its_own(self, tmp_path):
        def change(sheet):
            sheet["A4"], sheet["B4"], sheet["B7"] = "Item", "Amount", "=SUM(Items[Amount])"
            sheet.add_table(ExcelTable(displayName="Items", ref="A4:B5"))
            sheet["E4"], sheet["E5"] = "Bare", "x"
            bare = ExcelTable(displayName="Bare", ref="E4:E5")
            bare._initialise_columns()
            bare.autoFilter = None
            sheet.add_table(bare)

        book, _ = filled(tmp_path, one_row(change=change), recorded(pages=2))
        first, second = book.worksheets
        assert [table.ref for table in first.tables.values()] == ["A4:B6", "E4:E6"]
        assert [table.ref for table in second.tables.values()] == ["A4:B6", "E4:E6"]
        assert [table.autoFilter and table.autoFilter.ref for table in first.tables.values()] == ["A4:B6", None]
        assert (first["B8"].value, second["B8"].value) == ("=SUM(Items[Amount])", "=SUM(Items_2[Amount])")

    def test_a_logo_stays_and_a_picture_below_moves_down(self, tmp_path):
        logo = io.BytesIO()
        Picture.new("RGB", (40, 20), "navy").save(logo, "png")

        def change(sheet):
            for place in ("C1", "C9"):
                sheet.add_image(Image(io.BytesIO(logo.getvalue())), place)

        book, _ = filled(tmp_path, one_row(change=change), recorded(pages=2))
        for sheet in book.worksheets:
            assert [image.anchor._from.row for image in sheet._images] == [0, 9]
            assert all(image._data() == logo.getvalue() for image in sheet._images)

    def test_links_and_formulas_of_arrays_are_repeated(self, tmp_path):
        def change(sheet):
            sheet["C5"].hyperlink, sheet["C5"].value = "https://example.com", "link"
            sheet["D5"] = ArrayFormula("D5", "=SUM(B5*2)")
            sheet["D9"] = ArrayFormula("D9:D10", "=B5:B5*2")

        sheet = filled(tmp_path, one_row(change=change), recorded())[0].active
        assert [sheet[place].hyperlink.ref for place in ("C5", "C6")] == ["C5", "C6"]
        arrays = [(sheet[place].value.ref, sheet[place].value.text) for place in ("D5", "D6", "D10")]
        assert arrays == [("D5", "=SUM(B5*2)"), ("D6", "=SUM(B6*2)"), ("D10:D11", "=B5:B6*2")]

    def test_a_merge_beside_the_row_grows(self, tmp_path):
        sheet = filled(tmp_path, one_row(change=lambda sheet: sheet.merge_cells("D4:D6")), recorded())[0].active
        assert [str(area) for area in sheet.merged_cells.ranges] == ["D4:D7"]

    def test_two_rows_of_line_items_grow_apart(self, tmp_path):
        def change(sheet):
            sheet["A8"], sheet["B9"] = "{{item_list[].tax}}", "=B5+A8+A10"

        sheet = filled(tmp_path, one_row(change=change), recorded())[0].active
        assert [sheet.cell(row, 1).value for row in (5, 6, 9, 10)] == ["*文具*铅笔", "*家具*书桌", 251.49, 1170]
        assert sheet["B11"].value == "=B5+A9+A12"

    def test_fonts_within_a_text_stay(self, tmp_path):
        def change(sheet):
            sheet["A1"] = CellRichText("Sign ", TextBlock(InlineFont(b=True), "here"), " please")
            sheet["C5"] = CellRichText("No. ", TextBlock(InlineFont(b=True), "{{number}}"))

        sheet = filled(tmp_path, one_row(change=change), recorded(), rich=True)[0].active
        assert [getattr(part, "text", part) for part in sheet["A1"].value] == ["Sign ", "here", " please"]
        assert sheet["A1"].value[1].font.b
        assert sheet["C5"].value == "No. 00012345"

    def test_an_area_of_a_million_empty_rows_costs_nothing(self, tmp_path):
        """Given a cell at the very end of the sheet, as editing leaves one: only cells that are there are looked at."""
        sheet = filled(tmp_path, lambda book: self.far(book), recorded())[0].active
        assert sheet["XFD1000001"].value == "end"

    def far(self, book):
        one_row()(book)
        book.active["XFD1000000"] = "end"


class TestReferences:
    PLAN = RowPlan({6: 3, 9: 2})

    @pytest.mark.parametrize(
        ("formula", "row", "number", "becomes"),
        [
            ("=A5+A6+A7", 20, 0, "=A5+A6+A9"),  # of a repeated row the first is meant
            ("=SUM(A6)+SUM(A5:A6)", 20, 0, "=SUM(A6:A8)+SUM(A5:A8)"),
            ("=SUM(A6:C9)", 20, 0, "=SUM(A6:C12)"),
            ("=SUM((A6))", 20, 0, "=SUM((A6))"),
            ("=SUM(A7:A8,$B$10)", 20, 0, "=SUM(A9:A10,$B$13)"),
            ("=SUM(A:A)+SUM($6:$6)+NAME_A7+Table1[A7]", 20, 0, "=SUM(A:A)+SUM($6:$8)+NAME_A7+Table1[A7]"),
            ("=LOG10(A7)&\"A7\"&'A7 B'!A7&Other!A7", 20, 0, "=LOG10(A9)&\"A7\"&'A7 B'!A7&Other!A7"),
            ("=Form!A7&'Form'!A7:B9", 20, 0, "=Form!A9&'Form'!A9:B12"),
            ("=B6*C6*$D$6+G5", 6, 2, "=B8*C8*$D$6+G7"),  # as filled down: a running sum takes the row before
            ("=SUM(E$5:E6)", 6, 2, "=SUM(E$5:E8)"),
            ("=B6*$B$10+Rates!A6", 6, 1, "=B7*$B$13+Rates!A7"),
            ("=SUM(B6:D6)", 6, 1, "=SUM(B7:D7)"),
            ("=B9+SUM(B$6:B$8)", 9, 1, "=B12+SUM(B$6:B$10)"),
            ("=1+TRUE+#REF!+{1,2}", 20, 0, "=1+TRUE+#REF!+{1,2}"),
        ],
    )
    def test_follow_what_they_refer_to(self, formula, row, number, becomes):
        assert moved(formula, FormulaPlace("Form", row, number), "Form", self.PLAN) == becomes

    def test_of_another_sheet_follow_too(self):
        assert moved("=A7+Form!A7", FormulaPlace("Other", 6), "Form", self.PLAN) == "=A7+Form!A9"
        assert moved("='It''s'!A7", FormulaPlace("Other", 6), "It's", self.PLAN) == "='It''s'!A9"


class TestValues:
    def test_a_cell_for_text_holds_text_and_a_plain_one_looks_as_in_the_workbook(self, tmp_path):
        def make(book):
            book.active.append(
                ["{{total}}", "{{total}}", "{{issue_date}}", "{{document.uploaded_at}}", "{{page}}", "{{total}}"]
            )
            book.active["A1"].number_format, book.active["F1"].number_format = "@", '0.0" EUR"'

        row = filled(tmp_path, make, recorded())[0].active[1]
        assert [cell.value for cell in row] == [
            "¥12,356.00",
            12356,
            datetime(2026, 9, 7),
            datetime(2026, 11, 23, 9),
            1,
            12356,
        ]
        assert [cell.number_format for cell in row[1:3]] == ['"CNY" #,##0.00', "yyyy-mm-dd"]
        assert row[5].number_format == '0.0" EUR"'

    def test_lists_of_plain_values_stand_in_one_cell_or_in_rows(self, tmp_path):
        record = recorded("business-card", {"name": ["Lin"], "phone": ["1", "2"], "fax": []})

        def make(book):
            book.active.append(["{{name}}", "{{phone}}", "{{fax}}", "{{phone[1]}}"])
            book.active.append(["{{phone[]}}"])

        sheet = filled(tmp_path, make, record)[0].active
        assert [cell.value for cell in sheet[1]] == ["Lin", "1, 2", None, "2"]
        assert [sheet.cell(row, 1).value for row in (2, 3)] == ["1", "2"]

    def test_elements_of_an_answer_that_is_a_list_make_rows(self, tmp_path):
        plates = [{"plate_number": "A1", "plate_color": "blue"}, {"plate_color": "green"}, {"plate_number": "C3"}]
        make = lambda book: book.active.append(["{{[].plate_number}}", "{{[].plate_color}}", "{{row}}"])  # noqa: E731
        sheet = filled(tmp_path, make, recorded("license-plate", plates))[0].active
        assert list(sheet.values) == [("A1", "blue", 1), (None, "green", 2), ("C3", None, 3)]

    def test_lines_of_text_make_rows_or_one_text(self, tmp_path):
        blocks = {"words_block_list": [{"words": "One"}, {"words": "=Two"}]}

        def make(book):
            book.active.append(["{{text}}"])
            book.active.append(["{{words_block_list[].words}}"])

        sheet = filled(tmp_path, make, recorded("general-text", blocks))[0].active
        assert [sheet.cell(row, 1).value for row in (1, 2, 3)] == ["One\n=Two", "One", "=Two"]
        assert sheet["A3"].data_type == "s"

    @pytest.mark.parametrize("slug", catalog.slugs())
    def test_of_every_operation_find_their_place(self, slug):
        """Given the recorded answer of an operation: by the names of the catalog every one of its values is found."""
        record = recorded(slug)
        found = set()
        for page in pages(record, record):
            for spec in catalog.find(slug).fields:
                for row in range(page.count([spec.path]) + 1):
                    value = page.value(spec.path, row)
                    found |= {value.final} if isinstance(value, VALUES) else set()
        wanted = {
            field.final
            for field in record.fields
            if known(field.name, slug) and field.type not in ("location", "confidence") and "key" not in field.name
        }
        several = {final for final in wanted if any(final in text for text in map(str, found))}
        assert wanted - found - several <= self.open_values(slug, record)

    def open_values(self, slug, record):
        """Return the values of which the catalog does not declare a path: they are asked for by their own."""
        declared = {spec.path for spec in catalog.find(slug).fields}
        return {field.final for field in record.fields if re.sub(r"\[\d+\]", "[]", field.name) not in declared}

    def test_where_nothing_is_declared_anything_may_be_asked_for(self):
        assert known("whatever", "custom-template")
        assert known("[].content.anything", "auto-classification")
        assert not known("whatever", "passport")
        assert all(known(name, "passport") for name in FACTS)

    def test_a_list_is_told_by_what_is_in_it(self):
        assert nearest("item_list", "vat-invoice").startswith("The nearest are: item_list[].name, ")
        assert nearest("zzzzzzzzzz", "passport") == ""

    def test_pages_that_have_only_tables_or_text_are_pages_too(self):
        record = recorded(pages=2)
        only_tables = recorded(fields=tuple(field for field in record.fields if field.page == 1), tables=record.tables)
        assert [page.number for page in pages(only_tables, only_tables)] == [1, 2]
        nothing = recorded(fields=(), tables=(), text=())
        assert [page.value("status") for page in pages(nothing, nothing)] == ["done"]


class TestTextsStayTexts:
    def test_one_too_long_goes_on_in_a_sheet_of_its_own(self, tmp_path):
        text = "=" + "word " * 15_000
        record = recorded(fields=(Field("remarks", "Remarks", text),), tables=())

        def make(book):
            book.active["B2"] = "{{remarks}}"
            book.create_sheet("Continued")["A1"] = "the user's own"

        book, _ = filled(tmp_path, make, record)
        first = book["Sheet"]["B2"].value
        rest = list(book["Continued (2)"].values)
        assert first.endswith(" … (continued in sheet Continued (2), row 2)")
        assert rest[0] == ("Sheet", "Cell", "Text goes on")
        assert all(line[:2] == ("Sheet", "B2") for line in rest[1:])
        assert (
            first.removesuffix(" … (continued in sheet Continued (2), row 2)") + "".join(x[2] for x in rest[1:]) == text
        )
        assert {cell.data_type for row in book["Continued (2)"].iter_rows() for cell in row} == {"s"}

    @given(
        st.text(max_size=60)
        | st.sampled_from(
            ["=1+1", "{{number}}", "+1", "-1", "@x", "\t=1", "#N/A", "_x0041_", "\r\n", " a ", "TRUE", "https://a.b"]
        )
    )
    @settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_whatever_they_are_nothing_of_them_is_lost(self, tmp_path: Path, text: str) -> None:
        """Given any text in every place that a form has: it is there, as a text, and nothing else happened."""
        items = [{"name": text, "quantity": "x", "amount": text}] * 2
        values = dict.fromkeys(("number", "seller_name", "issue_date", "buyer_name", "total", "remarks"), text)
        record = recorded(result=values | {"item_list": items})
        book, _ = filled(tmp_path, invoice_form, record)
        sheet = book["Claim form"]
        shown = {"B4", "B7", "B8", "A14"}
        for place in shown:
            assert unescaped(sheet[place].value or "") == fit(text)[0]
            assert sheet[place].data_type in ("s", "n")
        formulas = {cell.coordinate for row in sheet.iter_rows() for cell in row if cell.data_type == "f"}
        assert formulas == {"F7", "F8", "E9", "F9", "E10", "F10"}
        assert {cell.coordinate for row in sheet.iter_rows() for cell in row if cell.hyperlink} == {"A15"}


def unescaped(text: str) -> str:
    """Return what Excel reads where a file says ``_x0041_``; openpyxl leaves it to its user."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), text)


class TestLimits:
    def test_line_items_without_room_are_told(self, tmp_path):
        """Given room for three more cells, and a row of two: one of its repetitions fits."""
        items = [{"name": str(number), "amount": "1"} for number in range(9)]
        book, notes = filled(tmp_path, one_row(), recorded(result={"item_list": items}), limits=FormLimits(cells=5))
        assert [row[0] for row in book.active.iter_rows(min_row=5, values_only=True)] == ["0", "1"]
        assert notes == ["form.xlsx has the first 2 of 9 line items of page 1; record.xlsx has all."]

    def test_a_form_of_thousands_of_pages_ends_and_says_so(self, tmp_path):
        fields = tuple(Field("number", "Number", f"n{page}", page=page) for page in range(1, 2001))
        make = lambda book: book.active.append(["{{number}}"])  # noqa: E731
        book, notes = filled(tmp_path, make, recorded(fields=fields, tables=()))
        assert len(book.sheetnames) == USUAL.pages
        assert notes == ["form.xlsx ends before page 51; record.xlsx has all pages."]


class TestWhatIsRefused:
    def refused(self, tmp_path, make, slug="vat-invoice"):
        with pytest.raises(SettingsError) as caught:
            forms.opened(tmp_path, saved(tmp_path, make).name, slug)
        return str(caught.value)

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            (
                "{{buyer_nam}}",
                "claim.xlsx: Sheet!C3 has {{buyer_nam}}, which names nothing of vat-invoice. The nearest",
            ),
            ("{{zzzzzzzzzz}}", "See the operation's fields"),
            ("{{number}} {{total", "Sheet!C3 has braces that are no placeholder"),
            ('="{{number}}"', "Sheet!C3 has a placeholder in a formula"),
            ('="a', "has a formula that cannot be read"),
        ],
    )
    def test_a_placeholder_or_formula_that_cannot_be(self, tmp_path, text, says):
        def make(book):
            book.active["A1"], book.active["C3"] = "{{number}}", text

        assert says in self.refused(tmp_path, make)

    def test_one_without_placeholders(self, tmp_path):
        assert "has no placeholder" in self.refused(tmp_path, lambda book: book.active.append(["nothing"]))

    def test_a_merge_beyond_a_repeated_row(self, tmp_path):
        make = one_row(change=lambda sheet: sheet.merge_cells("C5:C6"))
        assert "Sheet!C5:C6 is merged beyond row 5" in self.refused(tmp_path, make)

    def test_one_of_too_many_cells(self, tmp_path):
        body = saved(tmp_path, one_row(change=lambda sheet: sheet.append(["one more"]))).read_bytes()
        with pytest.raises(SettingsError, match="more than 1 cells"):
            template.check(body, "claim.xlsx", "vat-invoice", most_cells=1)

    @pytest.mark.parametrize(
        ("part", "content", "what"),
        [
            ("xl/drawings/drawing1.xml", "<xdr:sp >", "a shape or a text box"),
            ("xl/drawings/drawing1.xml", "<xdr:graphicFrame >", "a chart"),
            ("xl/drawings/drawing1.xml", '<a:srcRect l="5"/>', "a picture that is cut"),
            ("xl/worksheets/sheet9.xml", "<legacyDrawingHF />", "a picture in a header or footer"),
            ("xl/worksheets/sheet9.xml", "<x14:sparklineGroups >", "a sparkline"),
            ("xl/media/image1.emf", "x", "a picture that is no PNG, JPEG or GIF"),
            ("xl/pivotTables/pivotTable1.xml", "x", "a pivot table"),
            ("xl/vbaProject.bin", "x", "a macro"),
            ("xl/externalLinks/externalLink1.xml", "x", "a link to another workbook"),
            ("xl/metadata.xml", "x", "spills"),
            ("xl/worksheets/sheet9.xml", '<!DOCTYPE a [<!ENTITY b "c">]>', "a document type"),
        ],
    )
    def test_what_would_be_lost_or_is_hostile(self, tmp_path, part, content, what):
        path = saved(tmp_path)
        with zipfile.ZipFile(path, "a") as packed:
            packed.writestr(part, content)
        with pytest.raises(SettingsError, match=what):
            forms.opened(tmp_path, path.name)

    def test_a_bomb(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.xlsx", "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("xl/worksheets/sheet1.xml", b"\0" * 30_000_000)
        with pytest.raises(SettingsError, match="unpacked"):
            forms.opened(tmp_path, "a.xlsx")

    def test_a_zip_that_is_no_workbook(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "a.xlsx", "w") as packed:
            packed.writestr("a.txt", b"x")
        with pytest.raises(SettingsError, match="cannot be read as a workbook"):
            forms.opened(tmp_path, "a.xlsx")

    @given(st.integers(0, 10_000), st.integers(1, 255))
    @settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_a_damaged_one_in_words_or_it_can_be_filled(self, tmp_path, place, change):
        path = tmp_path / "claim.xlsx"
        if not path.exists():
            saved(tmp_path)
        body = bytearray(path.read_bytes())
        body[place % len(body)] ^= change
        (tmp_path / "damaged.xlsx").write_bytes(bytes(body))
        try:
            bytes_of(forms.opened(tmp_path, "damaged.xlsx"), recorded())
        except SettingsError as error:
            assert error.advice

    def test_one_that_fails_when_it_is_filled(self):
        """Given a template that nobody has checked."""
        with pytest.raises(SettingsError, match="a.xlsx cannot be read as a workbook"):
            bytes_of(forms.Form("a.xlsx", template=b"x"), recorded())

    def test_one_that_nobody_checked_costs_the_form_and_not_the_record(self, tmp_path):
        """Given a formula that cannot be read, which has to move."""
        path = saved(tmp_path, one_row(change=lambda sheet: sheet.append(['="a'])))
        with pytest.raises(SettingsError, match=r"a.xlsx could not be filled \(TokenizerError\)"):
            bytes_of(forms.Form("a.xlsx", template=path.read_bytes()), recorded())


class TestMapping:
    def rows(self, text: str, record: Record) -> list[list[Any]]:
        body, _ = bytes_of(forms.Form("m.toml", forms.load(text.encode(), "m.toml")), record)
        return [list(row) for row in openpyxl.load_workbook(io.BytesIO(body)).active.iter_rows(values_only=True)]

    def test_line_items_make_rows_beside_the_fields_of_their_page(self):
        text = """
            column = [
                { label = "Nr.", from = "number", type = "integer" },
                { label = "Artikel", from = "item_list[].name" },
                { label = "Betrag", from = "item_list[].amount", type = "text" },
                { label = "Datum", from = ["number", "issue_date"], join = " ", type = "text" },
                { label = "Key", from = "item_list[].no", default = "0", type = "amount" },
            ]"""
        header, *rows = self.rows(text, recorded())
        assert header == ["Nr.", "Artikel", "Betrag", "Datum", "Key"]
        assert rows == [
            [12345, "*文具*铅笔", "1934.51", "00012345 2026年09月07日", "0"],
            [12345, "*家具*书桌", "9000.00", "00012345 2026年09月07日", "0"],
        ]

    def test_the_last_column_may_be_called_as_one_that_is_hidden_elsewhere(self):
        body, _ = bytes_of(forms.Form("m", forms.load(b'column=[{label="Key",from="number"}]', "m")), recorded())
        sheet = openpyxl.load_workbook(io.BytesIO(body)).active
        assert not sheet.column_dimensions["A"].hidden

    @pytest.mark.parametrize(
        ("text", "says"),
        [
            (
                'column=[{label="A",from="numbr"}]',
                "m.toml: column 1 (A) is from 'numbr', which vat-invoice does not have",
            ),
            ('column=[{label="A",from="zzzzzzzzz"}]', "See the operation's fields"),
            ('column=[{label="A",from="number",typ="x"}]', "unknown field `typ`"),
            ('column=[{label="A",from=[]}]', "length >= 1"),
            ("column=[]", "length >= 1"),
            ("\xff".encode("latin-1").decode("latin-1") + "=", "m.toml: "),
        ],
    )
    def test_what_it_cannot_be_is_said(self, tmp_path, text, says):
        (tmp_path / "m.toml").write_text(text, encoding="utf-8")
        with pytest.raises(SettingsError) as caught:
            forms.opened(tmp_path, "m.toml", "vat-invoice")
        assert says in str(caught.value)

    def test_one_whose_names_are_all_known_is_taken(self, tmp_path):
        (tmp_path / "m.toml").write_text('column=[{label="A",from=["number","status"]}, {label="B",from="total"}]')
        assert forms.opened(tmp_path, "m.toml", "vat-invoice").mapping.header == ("A", "B")

    def test_an_amount_fits_into_its_column(self):
        """Given amounts that are shown with their currency: the column is as wide as that."""
        text = 'column=[{label="A",from="total"},{label="B",from="page"}]'
        body, _ = bytes_of(forms.Form("m", forms.load(text.encode(), "m")), recorded())
        assert openpyxl.load_workbook(io.BytesIO(body)).active.column_dimensions["A"].width > len("CNY 12,356.00")


class TestInTheSettings:
    VARIABLES = {"LEGIBLE_REGION": "cn-north-4", "LEGIBLE_INPUT_BUCKET": "in-put", "LEGIBLE_OUTPUT_BUCKET": "out-put"}

    def settings(self, tmp_path, text):
        file = tmp_path / "legible.toml"
        file.write_text(text, encoding="utf-8")
        return load(file, self.VARIABLES.get)

    def test_a_form_that_is_there_is_taken(self, tmp_path):
        (tmp_path / "forms").mkdir()
        saved(tmp_path / "forms")
        said = self.settings(tmp_path, '[operations.vat-invoice]\nform = "forms/claim.xlsx"')
        assert said.operations["vat-invoice"].form == "forms/claim.xlsx"

    @pytest.mark.parametrize(
        "name", ["../claim.xlsx", "/claim.xlsx", "forms/../../claim.xlsx", "missing.toml", "claim.xlsm", "."]
    )
    def test_one_that_lies_elsewhere_or_is_none_is_refused(self, tmp_path, name):
        (tmp_path / "here").mkdir()
        saved(tmp_path)
        with pytest.raises(SettingsError, match="legible.toml: route 1: form = "):
            self.settings(tmp_path / "here", f'[[routes]]\nmatch = "*"\noperation = "vat-invoice"\nform = "{name}"')

    def test_a_link_that_leads_out_is_refused(self, tmp_path):
        (tmp_path / "here").mkdir()
        (tmp_path / "here" / "claim.xlsx").symlink_to(saved(tmp_path))
        with pytest.raises(SettingsError, match="leads out"):
            self.settings(tmp_path / "here", '[operations.vat-invoice]\nform = "claim.xlsx"')

    def test_one_that_asks_for_another_operations_fields_is_refused(self, tmp_path):
        saved(tmp_path)
        with pytest.raises(SettingsError, match=r"operations.passport: claim.xlsx: Claim form!A1 has \{\{number\}\}"):
            self.settings(tmp_path, '[operations.passport]\nform = "claim.xlsx"')

    def test_without_one_nothing_is_loaded_for_it(self):
        code = "import sys; sys.path.insert(0, sys.argv[1]); import legible.wiring; print('openpyxl' in sys.modules)"
        root = str(ROOT / "shared")
        done = subprocess.run([sys.executable, "-c", code, root], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "False"
