"""A copy of a template's sheet, for another page."""

from __future__ import annotations

import io
from copy import copy, deepcopy
from typing import Any

from legible.outputs.forms.placeholders import cells
from legible.outputs.forms.references import formula_of


def sheet_for(sheet: Any, title: str) -> Any:
    """Return a copy of a sheet with all that is on it.

    Its formulas refer to the copy where they refer to their own sheet by no name. Names of ranges stay the first
    sheet's; a table gets a name of its own.
    """
    twin = sheet.parent.copy_worksheet(sheet)
    twin.title = title
    twin.conditional_formatting = deepcopy(sheet.conditional_formatting)
    twin.data_validations = deepcopy(sheet.data_validations)
    twin.auto_filter = deepcopy(sheet.auto_filter)
    twin.protection = copy(sheet.protection)
    twin.row_breaks, twin.col_breaks = deepcopy(sheet.row_breaks), deepcopy(sheet.col_breaks)
    twin.HeaderFooter = deepcopy(sheet.HeaderFooter)
    twin.views = deepcopy(sheet.views)
    twin.sheet_view.tabSelected = False
    twin.print_area = [area.coord for area in sheet._print_area.sorted()]
    twin.print_title_rows, twin.print_title_cols = sheet.print_title_rows, sheet.print_title_cols
    for image in sheet._images:
        _copy_image(image, twin)
    for table in sheet.tables.values():
        _copy_table(table, twin)
    return twin


def _copy_image(image: Any, twin: Any) -> None:
    from openpyxl.drawing.image import Image

    again = Image(io.BytesIO(image.ref.getvalue()))
    again.anchor = deepcopy(image.anchor)
    twin.add_image(again)


def _copy_table(table: Any, twin: Any) -> None:
    again = deepcopy(table)
    again.displayName = again.name = f"{table.displayName}_{len(twin.parent.worksheets)}"
    twin.add_table(again)
    for cell in cells(twin).values():
        formula = formula_of(cell)
        if formula is not None and isinstance(cell.value, str):
            cell.value = formula.replace(f"{table.displayName}[", f"{again.displayName}[")
