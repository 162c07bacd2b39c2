"""The workbook of what needs eyes: every kind of value has its row, its key, and what disagrees."""

from __future__ import annotations

import io
from datetime import datetime, timezone

import openpyxl

from legible.model.documents import Document
from legible.model.records import Cell, Check, Correction, Field, Record, Table, TextBlock
from legible.outputs.xlsx import read_key, write_review

AT = datetime(2026, 11, 23, 9, tzinfo=timezone.utc)
ITEMS = Table(
    "item_list",
    "Items",
    1,
    3,
    2,
    (
        Cell(0, 0, "Name"),
        Cell(0, 1, "Amount"),
        Cell(1, 0, "Tea"),
        Cell(1, 1, "60.00", type="amount", typed="60.00", currency="CNY", findings=("quantity-times-price",)),
        Cell(2, 0, "Cups", confidence=0.4),
        Cell(2, 1, "1.00", corrected=Correction("2.00", "Li Na", AT), findings=("total",)),
    ),
    header=True,
)
RECORD = Record(
    document=Document("in", "vat-invoice/a.png", "v1"),
    status="done",
    operation="vat-invoice",
    fields=(
        Field("total", "Total", "61.00", findings=("total", "amount-in-words"), label_zh="价税合计"),
        Field("number", "Number", "123", confidence=0.99),
        Field("buyer", "Buyer", "=A", confidence=0.1),
    ),
    tables=(ITEMS, Table("t", "Table 1", 1, 1, 1, (Cell(0, 0, "x", confidence=0.2),))),
    text=(TextBlock("sure", confidence=0.9), TextBlock("unsure", confidence=0.3)),
    checks=(
        Check("total", False, 1, ("total",), "The parts make 60."),
        Check("amount-in-words", False, 1, ("total",), "In words it is 60."),
        Check("china-plate", True, 1, ("number",)),
    ),
)


def rows(*, all_values: bool = False):
    file = io.BytesIO()
    count = write_review(lambda: [RECORD], file, all_values=all_values, at=AT)
    header, *found = openpyxl.load_workbook(file)["Review"].iter_rows(values_only=True)
    assert count == len(found)
    return [dict(zip(header, row, strict=True)) for row in found]


def test_only_what_needs_eyes_is_there_and_what_was_corrected_does_not():
    found = rows()
    assert [row["Field"] for row in found] == [
        "Total",
        "Buyer",
        "Items, row 1: Amount",
        "Items, row 2: Name",
        "Table 1, row 1: column 1",
        "Text block 2",
    ]
    assert found[0]["What disagrees"] == "The parts make 60. In words it is 60."
    assert found[0]["字段"] == "价税合计"


def test_every_row_has_a_key_of_its_own():
    keys = [read_key(row["Key"]) for row in rows(all_values=True)]
    assert len({(key.page, key.name) for key in keys}) == len(keys) == 10
    assert {key.name for key in keys} >= {"total", "item_list#1,1", "t#0,0", "#2"}


def test_a_value_that_was_corrected_is_shown_with_both():
    row = next(row for row in rows(all_values=True) if row["Field"] == "Items, row 2: Amount")
    assert (row["Value"], row["As recognized"], row["Corrected"]) == ("2.00", "1.00", "2.00")
