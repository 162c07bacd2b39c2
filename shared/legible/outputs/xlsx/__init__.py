"""Records as Excel workbooks that are safe to open; the only user of xlsxwriter."""

from legible.extraction.doubts import needs_eyes
from legible.outputs.columns import CORRECTED, KEY
from legible.outputs.xlsx.accounting import write_accounting
from legible.outputs.xlsx.one import Pictures, write
from legible.outputs.xlsx.review import write as write_review
from legible.outputs.xlsx.row_key import Key, read_key
from legible.outputs.xlsx.usage import write_usage
from legible.outputs.xlsx.values import fit, pieces, shown

__all__ = [
    "CORRECTED",
    "KEY",
    "Key",
    "Pictures",
    "fit",
    "needs_eyes",
    "pieces",
    "read_key",
    "shown",
    "write",
    "write_accounting",
    "write_review",
    "write_usage",
]
