"""Records as Excel workbooks that are safe to open; the only user of xlsxwriter."""

from legible.workbook.writing import one

__all__ = ["one"]
