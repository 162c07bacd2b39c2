"""Answers become fields, tables, text and files; whatever an answer holds, nothing of it is lost."""

from legible.extraction.fields.failures import Failure, succeeded
from legible.extraction.fields.placement import placed
from legible.extraction.fields.reader import extract, failed, read_page, unreadable
from legible.extraction.fields.values import retyped, typed

__all__ = ["Failure", "extract", "failed", "placed", "read_page", "retyped", "succeeded", "typed", "unreadable"]
