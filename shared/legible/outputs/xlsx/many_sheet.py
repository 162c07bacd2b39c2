"""One sheet of a workbook over many documents, while it is written row by row."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from legible.model.records import Cell, Field, TextBlock
from legible.outputs.columns import FINDINGS, PAGES, Sheet
from legible.outputs.rows import Value
from legible.outputs.xlsx.cells import HEADER, looks, of
from legible.outputs.xlsx.formats import Formats
from legible.outputs.xlsx.values import width

_WIDEST, _NARROWEST = 60, 9
#: What is rarely there, and would be cut where no row at the beginning has it.
_ROOMY = {"Broken rules": 24, "Reason code": 18, "Reason": 48, "Advice": 40, "What disagrees": 48, "Values": 24}
#: What stands at the right of its column.
_RIGHT = frozenset({"amount", "number", "share"})
#: What is wider, in columns of a fixed font, is not printed on one page's width, but at a scale in percent.
_PRINTABLE, _SCALE = 340, 55
_TABS = {PAGES.name: "#C00000", FINDINGS.name: "#7030A0"}


class ManySheet:
    """One sheet while it is written: the next row, and how wide its columns are so far."""

    def __init__(self, sheet: Sheet, page: Any, name: str) -> None:
        """Begin a list of rows on a sheet of xlsxwriter's, under the name that people see."""
        self.of = sheet
        self.page = page
        self.name = name
        self.row = 0
        self.widths = [_NARROWEST] * len(sheet.columns)
        #: The last row that is higher than others, and how many lines it has.
        self.grown = (0, 1)
        #: Columns in which something stands.
        self.used = [False] * len(sheet.columns)

    def measure(self, values: list[Value]) -> None:
        """Measure a row that is about to be written."""
        for column, value in enumerate(values):
            if value is not None:
                self.widths[column] = max(self.widths[column], min(_width(value), _WIDEST))

    def head(self, formats: Formats) -> None:
        """Write the labels of the columns."""
        for number, column in enumerate(self.of.columns):
            style = formats.styled(HEADER | ({"align": "right"} if column.type in _RIGHT else {}))
            label = f"{column.label} {column.label_zh}".strip()
            self.widths[number] = max(_NARROWEST, min(width(label) + 3, _WIDEST), _ROOMY.get(column.label, 0))
            self.page.write_string(0, number, label, style)
        self.row = 1

    def end(self) -> None:
        """Set what is only known at the end: widths, the filter, how it is printed, which columns are empty."""
        page, columns = self.page, self.of.columns
        for number in range(len(columns)):
            hidden = {"hidden": True} if not self.used[number] and self.row > 1 else {}
            page.set_column(number, number, self.widths[number], None, hidden)
        page.freeze_panes(1, 1)
        page.repeat_rows(0)
        page.autofilter(0, 0, max(self.row - 1, 1), len(columns) - 1)
        wide = sum(width for width, used in zip(self.widths, self.used, strict=True) if used)
        if wide <= _PRINTABLE:
            page.fit_to_pages(1, 0)
        else:
            page.set_print_scale(_SCALE)
            page.repeat_columns(0)
        if self.row > 1 and self.of.name in _TABS:
            page.set_tab_color(_TABS[self.of.name])


def _width(value: Value) -> int:
    if isinstance(value, (Field, Cell, TextBlock)):
        return width(looks(of(value))) + 3
    if isinstance(value, datetime):
        return 20
    return width(str(value)) + 3
