"""Results in the user's own form: its columns, its workbook; and nothing recognized that is more than text in it."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl.styles import Font, PatternFill

from legible.errors import SettingsError
from legible.extraction.fields import extract
from legible.model.documents import Document
from legible.model.records import Field, Record
from legible.operations import catalog
from legible.operations.routing import Route, Routing
from legible.outputs import forms
from legible.outputs.forms.filled import USUAL, FormLimits
from tests.support.examples import examples, sampled
from tests.support.places import ANSWERS
from tests.support.rig import OUT, PASSPORT, Rig, tiff
from tests.support.workbooks import dates_in

GOLDENS = ANSWERS
AT = datetime(2026, 11, 23, 9, tzinfo=timezone.utc)
INVOICE = {
    "number": "00000042",
    "issue_date": "2025年03月01日",
    "buyer_name": "=cmd|' /C calc'!A0",
    "subtotal_amount": "100.00",
    "total": "¥113.00",
    "item_list": [
        {"name": "Tea", "quantity": "3", "amount": "60.00"},
        {"name": "+Cups", "quantity": "1", "amount": "40.00"},
        {"name": "Milk", "quantity": "x", "amount": "0.00"},
    ],
}
MAPPING = b"""
[[column]]
label = "Rechnungsnr."
from = "number"

[[column]]
label = "Datum"
from = "issue_date"

[[column]]
label = "Kunde"
from = ["no_such", "buyer_name"]

[[column]]
label = "Beides"
from = ["number", "total"]
join = " / "

[[column]]
label = "Leer"
from = "remarks"
default = "-"

[[column]]
label = "Datei"
from = "document.key"

[[column]]
label = "Eingang"
from = "document.uploaded_at"

[[column]]
label = "Seite"
from = "page"
"""


def recorded(slug: str = "vat-invoice", result: Any = None, **changes: Any) -> Record:
    """Make a record of a result, or of the recorded answer."""
    body = json.dumps({"result": result}).encode() if result else (GOLDENS / slug / "answer.json").read_bytes()
    found = extract(catalog.find(slug), [(1, body)])
    values = {
        "document": Document("in", f"{slug}/a.png", "v", uploaded_at=AT),
        "status": "done",
        "operation": slug,
        "fields": found.fields,
        "tables": found.tables,
        "finished_at": AT,
    }
    return Record(**(values | changes))


def template(tmp_path: Path) -> Path:
    """Make a form as a back office has it: a merged title, a styled row of items, totals with formulas below."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Claim"
    sheet.merge_cells("A1:C1")
    sheet["A1"] = "Claim {{number}} of {{buyer_name}}"
    sheet["A2"], sheet["B2"] = "Date", "{{issue_date}}"
    sheet["B2"].number_format = "dd.mm.yyyy"
    sheet["C2"], sheet["D2"] = "=B2", "{{document.uploaded_at}}"
    for column, text in enumerate(("{{item_list[].name}}", "{{ item_list[].amount }}", "{{row}}"), 1):
        cell = sheet.cell(5, column, text)
        cell.fill, cell.font = PatternFill("solid", "FFFF00"), Font(bold=True)
    sheet["D5"] = '=B5*2&"B5"'
    sheet["B6"], sheet["B7"], sheet["C6"] = "=SUM(B5:B5)", "=B6*1.19", "{{total}}"
    sheet.merge_cells("A8:C8")
    sheet["A8"] = "{{status}} {{document.key}}"
    sheet.row_dimensions[5].height, sheet.row_dimensions[8].height = 30, 44
    book.create_sheet("Notes")["A1"] = "no placeholder"
    path = tmp_path / "claim.xlsx"
    book.save(path)
    return path


def written(form: forms.Form, record: Record, limits: FormLimits = USUAL) -> tuple[openpyxl.Workbook, list[str]]:
    file = io.BytesIO()
    notes = form.write(record, record, file, limits)
    return openpyxl.load_workbook(file), notes


class TestColumns:
    @pytest.mark.parametrize(
        ("beside", "wanted"),
        [("1.234,50 €", 1234), ("1,234.50 €", 1.234), ("12 €", "1.234 €"), ("12,5 and 1.5", "1.234 €")],
    )
    def test_of_amounts_are_read_as_the_other_amounts_of_their_page_show(self, beside, wanted):
        """Given a letter of which two text blocks are mapped as amounts; ``1.234`` alone may be either."""
        columns = [("A", "words_block_list[0].words"), ("B", "words_block_list[1].words")]
        text = "".join(f'[[column]]\nlabel="{label}"\nfrom="{name}"\ntype="amount"\n' for label, name in columns)
        fields = tuple(
            Field(name, label, value) for (label, name), value in zip(columns, (beside, "1.234 €"), strict=True)
        )
        record = recorded("general-text", {"words_block_list": []}, fields=fields)
        book, _ = written(forms.Form("c.toml", forms.load(text.encode(), "c.toml")), record)
        _, row = book["Form"].iter_rows(values_only=True)
        assert row[1] == wanted

    def test_stand_in_the_users_order_under_the_users_names(self):
        book, notes = written(forms.Form("c.toml", forms.load(MAPPING, "c.toml")), recorded(result=INVOICE))
        header, row = book["Form"].iter_rows(values_only=True)
        assert header == ("Rechnungsnr.", "Datum", "Kunde", "Beides", "Leer", "Datei", "Eingang", "Seite")
        assert row == (
            "00000042",
            datetime(2025, 3, 1),
            "=cmd|' /C calc'!A0",
            "00000042 / ¥113.00",
            "-",
            "vat-invoice/a.png",
            "2026-11-23 09:00:00",
            1,
        )
        assert book["Form"]["C2"].data_type == "s"
        assert notes == []

    def test_of_line_items_make_a_row_for_each(self):
        mapping = forms.load(
            b'[[column]]\nlabel="N"\nfrom="number"\n[[column]]\nlabel="A"\nfrom="item_list[].amount"\n'
            b'[[column]]\nlabel="#"\nfrom="row"',
            "c.toml",
        )
        book, _ = written(forms.Form("c.toml", mapping), recorded(result=INVOICE))
        assert [row for row in book["Form"].iter_rows(min_row=2, values_only=True)] == [
            ("00000042", 60, 1),
            ("00000042", 40, 2),
            ("00000042", 0, 3),
        ]

    def test_of_a_document_without_fields_have_what_is_known_of_it(self):
        mapping = forms.load(b'[[column]]\nlabel="S"\nfrom="status"\n[[column]]\nlabel="I"\nfrom="a[].b"', "c.toml")
        book, _ = written(
            forms.Form("c.toml", mapping), recorded(fields=(), tables=(), status="rejected", operation="")
        )
        assert next(book["Form"].iter_rows(min_row=2, values_only=True)) == ("rejected", None)

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            (b"no toml [", "c.toml: "),
            (b"", "column"),
            (b'[[column]]\nlabel = ""\nfrom = "a"', "column"),
            (b'[[column]]\nlabel = "a"', "from"),
            (b'[[column]]\nlabel = "a"\nfrom = "b"\nother = 1', "other"),
            (b"\xff\xfe", "c.toml"),
        ],
    )
    def test_that_are_none_are_told_with_what_is_allowed(self, body, said):
        with pytest.raises(SettingsError, match="c.toml") as caught:
            forms.load(body, "c.toml")
        assert said in str(caught.value)
        assert "[[column]]" in caught.value.advice

    def test_a_name_that_is_almost_one_is_told_with_the_nearest(self):
        mapping = forms.load(b'[[column]]\nlabel="N"\nfrom="pasport_number"', "c.toml")
        with pytest.raises(SettingsError, match=r"'pasport_number', which passport does not have.* passport_number"):
            mapping.check("passport")


class TestTemplate:
    def test_is_filled_and_keeps_what_it_is(self, tmp_path):
        form = forms.opened(tmp_path, template(tmp_path).name)
        book, notes = written(form, recorded(result=INVOICE))
        sheet = book["Claim"]

        # values as what they are, texts as texts
        assert sheet["D2"].value == datetime(2026, 11, 23, 9)
        assert sheet["A1"].value == "Claim 00000042 of =cmd|' /C calc'!A0"
        assert (sheet["B2"].value, sheet["B2"].number_format) == (datetime(2025, 3, 1), "dd.mm.yyyy")
        assert [sheet.cell(row, 1).value for row in (5, 6, 7)] == ["Tea", "+Cups", "Milk"]
        assert [sheet.cell(row, 2).value for row in (5, 6, 7)] == [60, 40, 0]
        assert [sheet.cell(row, 3).value for row in (5, 6, 7)] == [1, 2, 3]
        assert (sheet["A6"].data_type, sheet["A6"].quotePrefix) == ("s", True)

        # the row's look, and what is below it
        assert all(sheet.cell(row, 1).fill.fgColor.rgb == "00FFFF00" for row in (5, 6, 7))
        assert [sheet.row_dimensions[row].height for row in (5, 6, 7, 10)] == [30, 30, 30, 44]
        assert {str(merged) for merged in sheet.merged_cells.ranges} == {"A1:C1", "A10:C10"}
        assert sheet["C8"].value == 113

        # its own formulas move and grow
        assert [sheet[f"D{row}"].value for row in (5, 6, 7)] == [f'=B{row}*2&"B5"' for row in (5, 6, 7)]
        assert (sheet["B8"].value, sheet["B9"].value, sheet["C2"].value) == ("=SUM(B5:B7)", "=B8*1.19", "=B2")
        assert book["Notes"]["A1"].value == "no placeholder"

        assert sheet["A10"].value == "done vat-invoice/a.png"
        assert notes == []

    @pytest.mark.parametrize(("count", "rows"), [(0, [None]), (1, ["Tea"])])
    def test_with_one_line_item_or_none_has_one_row(self, tmp_path, count, rows):
        form = forms.opened(tmp_path, template(tmp_path).name)
        book, _ = written(form, recorded(result={**INVOICE, "item_list": INVOICE["item_list"][:count]}))
        assert [book["Claim"].cell(5 + n, 1).value for n in range(len(rows))] == rows
        assert book["Claim"]["B6"].value == "=SUM(B5:B5)"

    def test_has_a_copy_for_each_page(self, tmp_path):
        fields = tuple(Field("number", "Number", f"n{page}", page=page) for page in range(1, 4))
        book, notes = written(forms.opened(tmp_path, template(tmp_path).name), recorded(fields=fields, tables=()))
        assert book.sheetnames == ["Claim", "Notes", "Claim p2", "Claim p3"]
        assert [book[name]["A1"].value for name in ("Claim", "Claim p2", "Claim p3")] == [
            f"Claim n{n} of " for n in (1, 2, 3)
        ]
        assert notes == []

    def test_of_very_many_pages_says_where_it_ends(self, tmp_path):
        fields = tuple(Field("number", "Number", "n", page=page) for page in range(1, 5))
        form, two = forms.opened(tmp_path, template(tmp_path).name), FormLimits(pages=2)
        book, notes = written(form, recorded(fields=fields, tables=()), two)
        assert len(book.sheetnames) == 3
        assert notes == ["form.xlsx ends before page 3; record.xlsx has all pages."]

    def test_the_same_record_makes_the_same_bytes(self, tmp_path):
        form = forms.opened(tmp_path, template(tmp_path).name)

        def made():
            file = io.BytesIO()
            form.write(recorded(result=INVOICE), recorded(result=INVOICE), file)
            return file.getvalue()

        assert made() == made()
        assert dates_in(made()) == ({"2026-11-23T09:00:00Z"}, {1980})

    @pytest.mark.parametrize("slug", sampled(catalog.slugs(), 4))
    def test_takes_every_field_of_every_operation(self, tmp_path, slug):
        """Given a template with every path of the catalog that has a value: all of them are known."""
        book = openpyxl.Workbook()
        unseen = ("object", "image", "file", "location", "confidence")
        paths = [spec.path for spec in catalog.find(slug).fields if spec.type not in unseen]
        for row, path in enumerate([*paths, "status"], 1):
            book.active.cell(row, 1, f"{{{{{path}}}}}")
        book.save(tmp_path / "all.xlsx")
        _, notes = written(forms.opened(tmp_path, "all.xlsx", slug), recorded(slug))
        assert notes == []

    def with_part(self, tmp_path, part):
        path = template(tmp_path)
        with zipfile.ZipFile(path, "a") as packed:
            packed.writestr(part, b"x")
        return path.name

    @pytest.mark.parametrize(
        ("part", "what"),
        [("xl/charts/chart1.xml", "a chart"), ("xl/vbaProject.bin", "a macro"), ("xl/media/logo.emf", "a picture")],
    )
    def test_that_would_lose_something_is_refused(self, tmp_path, part, what):
        with pytest.raises(SettingsError, match=f"holds {what}"):
            forms.opened(tmp_path, self.with_part(tmp_path, part))

    def test_that_is_a_bomb_is_refused(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "b.xlsx", "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr("xl/a.xml", b"\0" * 60_000_000)
        with pytest.raises(SettingsError, match="unpacked"):
            forms.opened(tmp_path, "b.xlsx")

    @pytest.mark.parametrize("name", ["../a.xlsx", "/etc/passwd", "a.xlsm", "missing.xlsx", "missing.toml"])
    def test_that_lies_elsewhere_or_is_none_is_refused(self, tmp_path, name):
        with pytest.raises(SettingsError, match="form = "):
            forms.opened(tmp_path, name)

    def test_that_is_no_workbook_is_refused(self, tmp_path):
        (tmp_path / "a.xlsx").write_bytes(b"no zip")
        with pytest.raises(SettingsError, match="no Excel workbook"):
            forms.opened(tmp_path, "a.xlsx")


@given(st.text(max_size=40) | st.sampled_from(["=1+1", "{{number}}", "+1", "@x", "\t=1", "http://example.com"]))
@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_text_is_a_formula_or_a_placeholder_in_a_form(tmp_path: Path, text: str) -> None:
    items = [{"name": text, "amount": text}, {"name": text, "amount": text}]
    record = recorded(result={**INVOICE, "number": text, "buyer_name": text, "total": text, "item_list": items})
    book, _ = written(forms.opened(tmp_path, template(tmp_path).name), record)
    formulas = {cell.value for row in book["Claim"].iter_rows() for cell in row if cell.data_type == "f"}
    assert formulas == {'=B5*2&"B5"', '=B6*2&"B5"', "=SUM(B5:B6)", "=B7*1.19", "=B2"}
    assert not any(cell.hyperlink for row in book["Claim"].iter_rows() for cell in row)


class TestInThePipeline:
    def rig(self, tmp_path, *script, form="claim.xlsx"):
        rig = Rig(*script)
        rig.forms = tmp_path
        rig.rules = Routing(region="cn-north-4", routes=(Route("claims/*", "passport", form=form),))
        return rig

    def test_a_form_stands_beside_the_workbook(self, tmp_path):
        (tmp_path / "own.toml").write_bytes(b'[[column]]\nlabel = "Nr."\nfrom = "passport_number"')
        rig = self.rig(tmp_path, PASSPORT, form="own.toml")
        rig.run(rig.upload("claims/a.png"))
        (key,) = [key for key in rig.store.keys(OUT, "results/") if key.endswith("form.xlsx")]
        body = next(value[0] for ref, value in rig.store.objects.items() if ref.key == key)
        assert openpyxl.load_workbook(io.BytesIO(body))["Form"]["A2"].value == "L898902C3"
        assert rig.record("claims/a.png")["notes"] == []

    def test_one_that_cannot_be_made_is_noted_and_the_rest_is_there(self, tmp_path):
        rig = self.rig(tmp_path, PASSPORT)
        rig.run(rig.upload("claims/a.png"))
        record = rig.record("claims/a.png")
        assert record["status"] == "done"
        assert record["notes"][0].startswith("form.xlsx was not made: form = 'claim.xlsx' cannot be read")

    def test_of_several_pages(self, tmp_path):
        template(tmp_path)
        rig = self.rig(tmp_path, PASSPORT, PASSPORT)
        rig.run(rig.upload("claims/a.tif", tiff(2)))
        assert any(key.endswith("form.xlsx") for key in rig.store.keys(OUT, "results/"))
