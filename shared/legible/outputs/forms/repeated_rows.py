"""Rows of a sheet are repeated for each line item; what is below moves down with its formats and formulas."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

from legible.outputs.forms.placeholders import cells
from legible.outputs.forms.references import FormulaPlace, RowPlan, formula_of, moved


def repeat(sheet: Any, plan: RowPlan) -> None:
    """Repeat rows of a sheet as often as a plan says.

    Looks, heights, merged cells, links and formulas of such a row are repeated. What is below moves down: cells,
    heights, merged cells, pictures, tables, conditional formats, validations, filter, print area, page breaks, names.
    Formulas anywhere in the workbook follow, see ``references.moved``.
    """
    _repeat_cells(sheet, plan)
    _repeat_heights(sheet, plan)
    _repeat_merged(sheet, plan)
    _move_rules(sheet, plan)
    _move_ranges(sheet, plan)
    _move_elsewhere(sheet, plan)


def _repeat_cells(sheet: Any, plan: RowPlan) -> None:
    there = cells(sheet)
    before = sorted(there.items())
    there.clear()
    for (row, column), cell in before:
        for number in reversed(range(plan.counts.get(row, 1))):  # the first last: the others are made of it
            twin = _twin(sheet, cell) if number else cell
            twin.row = plan.first(row) + number
            formula = formula_of(cell)
            if formula is not None:
                place = FormulaPlace(sheet.title, row, number)
                _put_formula(twin, moved(formula, place, sheet.title, plan), twin.row - row)
            if getattr(cell, "hyperlink", None) is not None:
                twin._hyperlink = copy(cell.hyperlink)
                twin._hyperlink.ref = twin.coordinate
            there[twin.row, column] = twin


def _twin(sheet: Any, cell: Any) -> Any:
    """Return a copy of a cell with its look and its value; a comment is not repeated."""
    from openpyxl.cell.cell import Cell, MergedCell

    twin: Any = (MergedCell if isinstance(cell, MergedCell) else Cell)(sheet, cell.row, cell.column)
    twin._style = copy(cell._style)
    if not isinstance(cell, MergedCell):
        twin._value, twin.data_type = copy(cell._value), cell.data_type
    return twin


def _put_formula(cell: Any, formula: str, down: int = 0) -> None:
    """Put a formula into a cell that has one; an array formula keeps its size and moves ``down`` rows."""
    from openpyxl.worksheet.cell_range import CellRange

    if isinstance(cell.value, str):
        cell.value = formula
    else:
        area = CellRange(cell.value.ref)
        area.shift(row_shift=down)
        cell.value.text, cell.value.ref = formula, area.coord


def _repeat_heights(sheet: Any, plan: RowPlan) -> None:
    before = sorted(sheet.row_dimensions.items())
    sheet.row_dimensions.clear()
    for row, dimension in before:
        for number in range(plan.counts.get(row, 1)):
            twin = copy(dimension)
            twin.index = plan.first(row) + number
            sheet.row_dimensions[twin.index] = twin


def _repeat_merged(sheet: Any, plan: RowPlan) -> None:
    from openpyxl.worksheet.cell_range import MultiCellRange

    sheet.merged_cells = MultiCellRange(
        twin for merged in list(sheet.merged_cells.ranges) for twin in _merged_twins(merged, plan)
    )


def _merged_twins(merged: Any, plan: RowPlan) -> Iterator[Any]:
    from openpyxl.worksheet.cell_range import CellRange

    left, top, right, bottom = merged.bounds
    if top == bottom:
        for number in range(plan.counts.get(top, 1)):
            row = plan.first(top) + number
            yield CellRange(min_col=left, min_row=row, max_col=right, max_row=row)
    else:
        yield _grown(merged, plan)


def _grown(area: Any, plan: RowPlan) -> Any:
    """Return where a range is now, with all repetitions of its rows in it."""
    from openpyxl.worksheet.cell_range import CellRange

    left, top, right, bottom = area.bounds
    return CellRange(min_col=left, min_row=plan.first(top), max_col=right, max_row=plan.last(bottom))


def _grown_all(areas: Any, plan: RowPlan) -> Any:
    from openpyxl.worksheet.cell_range import MultiCellRange

    return MultiCellRange(_grown(area, plan) for area in areas)


def _move_rules(sheet: Any, plan: RowPlan) -> None:
    """Move conditional formats and data validations, with the formulas in them."""
    from openpyxl.formatting.formatting import ConditionalFormatting, ConditionalFormattingList

    formats = ConditionalFormattingList()
    for before in sheet.conditional_formatting:
        place = _place(sheet, before.sqref)
        area = ConditionalFormatting(_grown_all(before.sqref, plan))
        for rule in before.rules:
            rule.formula = [_moved_part(formula, place, sheet.title, plan) for formula in rule.formula]
            formats.add(area, rule)
    sheet.conditional_formatting = formats
    for validation in sheet.data_validations.dataValidation:
        place = _place(sheet, validation.sqref)
        for name in ("formula1", "formula2"):
            formula = getattr(validation, name)
            if formula:
                setattr(validation, name, _moved_part(formula, place, sheet.title, plan))
        validation.sqref = _grown_all(validation.sqref, plan)


def _place(sheet: Any, areas: Any) -> FormulaPlace:
    """Return the cell that the formulas of a range are relative to: its first one."""
    return FormulaPlace(sheet.title, min(area.min_row for area in areas))


def _moved_part(formula: str, place: FormulaPlace, title: str, plan: RowPlan) -> str:
    return moved(f"={formula}", place, title, plan)[1:]


def _move_ranges(sheet: Any, plan: RowPlan) -> None:
    from openpyxl.worksheet.cell_range import CellRange

    for table in sheet.tables.values():
        table.ref = _grown(CellRange(table.ref), plan).coord
        if table.autoFilter is not None:
            table.autoFilter.ref = _grown(CellRange(table.autoFilter.ref), plan).coord
    if sheet.auto_filter.ref:
        sheet.auto_filter.ref = _grown(CellRange(sheet.auto_filter.ref), plan).coord
    if sheet.print_area:
        sheet.print_area = [_grown(area, plan).coord for area in sheet._print_area.sorted()]
    for stop in sheet.row_breaks.brk:
        stop.id = plan.last(stop.id)
    for image in sheet._images:
        for corner in (getattr(image.anchor, "_from", None), getattr(image.anchor, "to", None)):
            if corner is not None:
                corner.row = plan.first(corner.row + 1) - 1


def _move_elsewhere(sheet: Any, plan: RowPlan) -> None:
    """Move references to this sheet in formulas of other sheets and in defined names."""
    book = sheet.parent
    for other in book.worksheets:
        if other is not sheet:
            for cell in cells(other).values():
                formula = formula_of(cell)
                if formula is not None:
                    _put_formula(cell, moved(formula, FormulaPlace(other.title, cell.row), sheet.title, plan))
    for names in (book.defined_names, *(each.defined_names for each in book.worksheets)):
        for name in names.values():
            name.attr_text = _moved_part(name.attr_text, FormulaPlace("", 0), sheet.title, plan)
