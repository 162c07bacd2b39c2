"""Answers become fields, tables, text and files; whatever an answer holds, nothing of it is lost."""

from legible.extraction.fields.placement import placed
from legible.extraction.fields.reader import extract, read_page, unreadable
from legible.extraction.fields.values import retyped, typed

__all__ = ["extract", "placed", "read_page", "retyped", "typed", "unreadable"]
