"""Answers become fields, tables, text and files; whatever an answer holds, nothing of it is lost."""

from legible.extraction.fields.amounts import decimal_point
from legible.extraction.fields.failures import Failure, succeeded
from legible.extraction.fields.placement import placed
from legible.extraction.fields.reader import extract, failed, read_page, unreadable
from legible.extraction.fields.values import plainly, retyped, typed

__all__ = [
    "Failure",
    "decimal_point",
    "extract",
    "failed",
    "placed",
    "plainly",
    "read_page",
    "retyped",
    "succeeded",
    "typed",
    "unreadable",
]
