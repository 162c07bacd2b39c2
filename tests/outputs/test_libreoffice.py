"""Our workbooks opened by another program: every text is the text it was, and none is a formula."""

from __future__ import annotations

import io
import subprocess
from datetime import datetime, timezone
from pathlib import Path

import openpyxl
import pytest

from legible.model.documents import Document
from legible.model.records import Cell, Check, Field, Record, Table, TextBlock
from legible.model.usage import Totals, UsageReport, UsageRow
from legible.outputs import forms
from legible.outputs.forms.mapping import MappedColumn, Mapping
from legible.outputs.xlsx import write, write_review, write_usage
from legible.outputs.xlsx.many import Many
from tests.support import tools

DAY = datetime(2026, 11, 1, tzinfo=timezone.utc)
OFFICE = tools.program("soffice", "libreoffice")
HOSTILE = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "{=A1:A2}",
    '=HYPERLINK("http://example.com","x")',
    "http://example.com",
    "0012",
    "1E5",
    "#REF!",
    "TRUE",
    "_x0041_",
    "שלום",
    "line\nbreak",
    "<b>&amp;</b>",
    "12345678901234567890",
]


def record(number: int, text: str) -> Record:
    merged = Table("t", "Table 1", 1, 2, 2, (Cell(0, 0, text, 1, 2), Cell(1, 0, text), Cell(1, 1, "x")))
    items = Table("item_list", "Items", 1, 2, 1, (Cell(0, 0, "Name"), Cell(1, 0, text)), header=True)
    return Record(
        document=Document("in", f"{number}/{text}", "v"),
        status="done",
        operation="passport",
        fields=(Field("surname", "Surname", text, confidence=0.1), Field("new", text, text)),
        tables=(merged, items),
        text=(TextBlock(text, confidence=0.2),),
        checks=(Check("rule", False, 1, ("surname",), text),),
    )


RECORDS = [record(number, text) for number, text in enumerate(HOSTILE)]


def of_one() -> bytes:
    file, hostile = io.BytesIO(), record(0, "\n".join(HOSTILE))
    write(hostile, hostile, file)
    return file.getvalue()


def of_many() -> bytes:
    file = io.BytesIO()
    many = Many(file, "=1+1")
    for found in RECORDS:
        many.add(found)
    many.close()
    return file.getvalue()


def of_review() -> bytes:
    file = io.BytesIO()
    write_review(lambda: RECORDS, file, all_values=True, at=None)
    return file.getvalue()


def of_a_form() -> bytes:
    file = io.BytesIO()
    mapping = Mapping(tuple(MappedColumn(text, "surname") for text in HOSTILE))
    forms.Form("own.toml", mapping).write(record(0, "=1+1"), record(0, "=1+1"), file)
    return file.getvalue()


def of_usage() -> bytes:
    file = io.BytesIO()
    rows = tuple(UsageRow(text, Totals(answered=1)) for text in HOSTILE)
    days = tuple(UsageRow(f"2026-11-0{day}", Totals(answered=day)) for day in (1,))
    named = UsageReport(DAY.date(), DAY.date(), DAY, 1, "USD", rows, days, rows, rows, warnings=tuple(HOSTILE))
    write_usage(named, file)
    return file.getvalue()


@pytest.mark.skipif(OFFICE is None, reason=tools.missing("LibreOffice"))
@pytest.mark.parametrize("made", [of_one, of_many, of_review, of_a_form, of_usage])
def test_another_program_reads_the_same_texts_and_no_formula(made, tmp_path: Path) -> None:
    # given
    (tmp_path / "ours.xlsx").write_bytes(made())
    ours = openpyxl.load_workbook(tmp_path / "ours.xlsx")

    # when it is opened and saved again, all that it takes for formulas calculated
    command = [
        str(OFFICE),
        "--headless",
        f"-env:UserInstallation=file://{tmp_path}/profile",
        "--convert-to",
        "xlsx:Calc MS Excel 2007 XML",
    ]
    subprocess.run(
        [*command, "--outdir", str(tmp_path / "out"), str(tmp_path / "ours.xlsx")],
        check=True,
        capture_output=True,
        timeout=120,
    )

    # then
    theirs = openpyxl.load_workbook(tmp_path / "out" / "ours.xlsx")
    assert theirs.sheetnames == ours.sheetnames
    for sheet in ours:
        for row in sheet.iter_rows():
            for cell in row:
                found = theirs[sheet.title][cell.coordinate]
                assert found.data_type != "f"
                if cell.data_type == "s":
                    # xlsx escapes what looks like an escape; openpyxl shows it so, the other program reads it.
                    assert (found.value, found.data_type) == (cell.value.replace("_x005F_", "_"), "s")
