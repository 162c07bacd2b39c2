"""Answers become fields, tables, text and files; whatever an answer holds, nothing of it is lost."""

from legible.fields.placing import placed
from legible.fields.reading import extract
from legible.fields.retyping import retyped
from legible.fields.values import typed

__all__ = ["extract", "placed", "retyped", "typed"]
