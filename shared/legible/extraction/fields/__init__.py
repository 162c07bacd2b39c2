"""Answers become fields, tables, text and files; whatever an answer holds, nothing of it is lost."""

from legible.extraction.fields.placement import placed
from legible.extraction.fields.reader import extract
from legible.extraction.fields.values import retyped, typed

__all__ = ["extract", "placed", "retyped", "typed"]
