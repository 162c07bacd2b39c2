"""A worksheet that writes usual cells in one step: a workbook over many documents has millions of them."""

from __future__ import annotations

import re
from typing import Any

from xlsxwriter.utility import xl_rowcol_to_cell_fast
from xlsxwriter.worksheet import CellNumberTuple, CellStringTuple, Worksheet

#: What xlsxwriter writes otherwise than it stands: marks of XML, controls and what looks like an escaped one, what XML
#: cannot hold, and blanks at an end, which need an attribute (xmlwriter.py, 3.2.9).
_UNUSUAL = re.compile('["&<>\x00-\x1f\x7f\ufffe\uffff]|_x|^\\s|\\s$')


class LeanSheet(Worksheet):  # type: ignore[misc]
    """The same bytes as xlsxwriter's own; for each cell, that one escapes each attribute and asks for eight types."""

    def _write_cell(self, row: int, col: int, cell: Any) -> None:
        kind, look = cell.__class__, cell.format
        if look is None:
            super()._write_cell(row, col, cell)
        elif kind is CellNumberTuple:
            place, style = xl_rowcol_to_cell_fast(row, col), look._get_xf_index()
            self.fh.write(f'<c r="{place}" s="{style}"><v>{cell.number:.16G}</v></c>')
        elif kind is CellStringTuple and not _UNUSUAL.search(cell.string):
            place, style = xl_rowcol_to_cell_fast(row, col), look._get_xf_index()
            self.fh.write(f'<c r="{place}" s="{style}" t="inlineStr"><is><t>{cell.string}</t></is></c>')
        else:
            super()._write_cell(row, col, cell)
