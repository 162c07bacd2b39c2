"""Records as Excel workbooks that are safe to open; the only user of xlsxwriter."""

from legible.workbook.writing import one, write

__all__ = ["one", "write"]
