"""The words of the searchable copy, ``record.pdf``: what was recognized at a known place of each page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from legible.model.documents import Document
from legible.model.pages import Frame, Location, Page
from legible.model.records import Extract, Record

#: A page's number, what its places are measured in, and its texts with their corners.
PageWords = tuple[int, Frame, tuple[tuple[str, Location], ...]]


def page_words(record: Record, extracts: Iterable[Extract]) -> Iterator[PageWords]:
    """Yield the words of each page that is done, one page at a time.

    Args:
        record: What is known of the document and its pages.
        extracts: What each answered page says, in order: one for each page of the record that is ``done``.
    """
    done = (page for page in record.pages if page.state == "done")
    for page, extract in zip(done, extracts, strict=False):
        yield page.page, _frame(record.document, page), tuple(_words(extract))


def _words(extract: Extract) -> Iterator[tuple[str, Location]]:
    """Yield everything that was recognized at a known place."""
    for block in extract.text:
        if block.location is not None:
            yield block.final, block.location
    for field in extract.fields:
        if field.location is not None and field.type != "location":  # a place that belongs to no text is none itself
            yield field.final, field.location
    for table in extract.tables:
        yield from ((cell.final, cell.location) for cell in table.cells if cell.location is not None)


def _frame(document: Document, page: Page) -> Frame:
    """Return what a page's locations are measured in; a document that was sent itself is its own picture."""
    return page.frame or Frame(document.width or 1, document.height or 1, "px", 1.0)
