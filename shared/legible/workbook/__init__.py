"""Records as Excel workbooks that are safe to open; the only user of xlsxwriter."""

from legible.workbook.columns import write as write_columns
from legible.workbook.keys import CORRECTED, KEY, Key, read_key
from legible.workbook.review import needs_eyes
from legible.workbook.review import write as write_review
from legible.workbook.values import fit, pieces, shown
from legible.workbook.writing import Pictures, one, write

__all__ = [
    "CORRECTED",
    "KEY",
    "Key",
    "Pictures",
    "fit",
    "needs_eyes",
    "one",
    "pieces",
    "read_key",
    "shown",
    "write",
    "write_columns",
    "write_review",
]
