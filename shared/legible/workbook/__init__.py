"""Records as Excel workbooks that are safe to open; the only user of xlsxwriter."""

from legible.workbook.keys import CORRECTED, KEY, Key, read_key
from legible.workbook.review import write as write_review
from legible.workbook.values import fit
from legible.workbook.writing import one, write

__all__ = ["CORRECTED", "KEY", "Key", "fit", "one", "read_key", "write", "write_review"]
