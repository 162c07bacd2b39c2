"""The pages of a document: planned, opened and drawn. The only user of the PDF and image libraries."""

from legible.documents.formats import COUNTED
from legible.documents.pages.plan import PagePlan, page_plan
from legible.documents.pages.probe import header
from legible.documents.pages.sheets import Sheets, Worker
from legible.documents.pages.values import Box, Look, PageText, Rendered, Want

__all__ = [
    "COUNTED",
    "Box",
    "Look",
    "PageText",
    "PagePlan",
    "Rendered",
    "Sheets",
    "Want",
    "Worker",
    "header",
    "page_plan",
]
