"""A sheet that writes usual cells in one step writes what xlsxwriter's own writes."""

from __future__ import annotations

import io
import zipfile
from datetime import datetime

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from xlsxwriter.worksheet import Worksheet

from legible.outputs.xlsx.lean_sheet import LeanSheet
from tests.support.examples import examples

VALUES = [
    "plain", "", " before", "after ", "two\nlines", "tab\t", "a & b", "<r>rich</r>", '"said"', "_x0041_", "_x",
    "\x01\x1f", "\x7f", "\ufffe\uffff", "=1+1", "https://example.com", "湖北", "\u2003wide blank", "e\u0301",
    "\U0001f600", "x" * 32767, 0, 1, -1, 0.1, 1e300, 12345678901234567, 2.70, 1 / 3,
]  # fmt: skip


def written(kind, values):
    """Return the sheet as XML, as a workbook over many documents has it written."""
    file = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    book = xlsxwriter.Workbook(file, options)
    page, look = book.add_worksheet("Sheet", kind), book.add_format({"num_format": "@"})
    for row, value in enumerate(values):
        for column, style in ((0, look), (30, None)):
            (page.write_string if isinstance(value, str) else page.write_number)(row, column, value, style)
        page.write_boolean(row, 3, True, look)
        page.write_datetime(row, 4, datetime(2026, 5, 6), look)
        page.write_url(row, 5, "https://example.com/a%20b", look, string="Open")
    book.close()
    with zipfile.ZipFile(file) as packed:
        return packed.read("xl/worksheets/sheet1.xml")


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_each_kind_of_cell_is_the_same(value):
    assert written(LeanSheet, [value]) == written(Worksheet, [value])


@settings(max_examples=examples(40))
@given(st.lists(st.one_of(st.text(max_size=40), st.floats(allow_nan=False, allow_infinity=False)), max_size=6))
def test_whatever_was_recognized_is_written_the_same(values):
    assert written(LeanSheet, values) == written(Worksheet, values)
