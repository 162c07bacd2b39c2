"""From a document to the pages that are called for; the only user of the PDF and image libraries."""

from legible.pages.looking import COUNTED, header
from legible.pages.planning import Plan, plan
from legible.pages.sheets import Sheets
from legible.pages.values import Box, Look, PageText, Rendered, Want

__all__ = ["COUNTED", "Box", "Look", "PageText", "Plan", "Rendered", "Sheets", "Want", "header", "plan"]
