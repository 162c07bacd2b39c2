"""Examines a document's first bytes, and plans what is to be called for; nothing here is paid for."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct, structs

from legible.documents import formats, pages
from legible.errors import HeldError
from legible.model.documents import Document
from legible.operations.operation import Task
from legible.ports import Invocation, Site, Wanted


class Job(Struct, frozen=True):
    """A document that passed intake: its task, and the plan of its pages.

    ``sheets`` are its pages, open until ``Intake.put_away``. ``inline`` says why the service cannot be given a URL.
    """

    document: Document
    task: Task
    plan: pages.PagePlan
    sheets: pages.Sheets
    inline: str = ""


class Intake:
    """Judges documents by their first bytes, and opens their pages.

    Args:
        site: Where documents are stored.
        call: The invocation: gives the time left.
        max_pages: A document with more pages is held, not called for.
        sheets: Opens a document's pages.
    """

    def __init__(self, site: Site, call: Invocation, max_pages: int, sheets: type[pages.Sheets] = pages.Sheets) -> None:
        """Open nothing yet."""
        self._site = site
        self._call = call
        self._max_pages = max_pages
        self._sheets = sheets
        self._opened: list[pages.Sheets] = []

    def examine(self, document: Document, task: Task) -> tuple[Document, Job]:
        """Judge a document by its first bytes, and plan its pages; nothing is paid yet.

        Returns:
            The document with format, sides and page count, and what is to be called.

        Raises:
            RejectedError: The service would refuse it, and it cannot be mended.
            ReplacedError: A newer upload took its place while it was looked at.
            HeldError: It has more pages than the settings allow.
            UnavailableError: The store has a passing fault.
        """
        operation = task.operation
        if document.size == 0:
            formats.format_of(b"")
        first = self._read(document, 0, min(document.size, formats.FIRST_BYTES) - 1)
        last = self._last(document, first)
        document = structs.replace(document, format=formats.format_of(first, last))
        if document.format == "ofd":
            formats.judge_size(operation, document.size)
        sheets = self._sheets(document.format, document.size, self._parts(document, first))
        self._opened.append(sheets)
        self._refuse_cut(document, first, last, sheets)
        look = self._look(document, first, sheets)
        plan = pages.page_plan(
            operation, document.format, document.size, look, placed=bool({"pdf", "crops"} & set(task.extras.outputs))
        )
        self._hold_many(plan, task)
        document = structs.replace(document, width=look.width, height=look.height, page_count=plan.pages)
        return document, Job(document, task, plan, sheets, _no_url(document.key))

    def _hold_many(self, plan: pages.PagePlan, task: Task) -> None:
        """Hold a document with more pages than the settings allow; no page is ever left out."""
        most = min(self._max_pages, task.max_pages or self._max_pages)
        if plan.pages > most:
            where = "limits.max_pages" if most == self._max_pages else "max_pages of its route or operation"
            raise HeldError(
                f"The document has {plan.pages} pages; at most {most} are called for.",
                code="too-many-pages",
                advice=f"Split it, or raise {where} in legible.toml and upload it again.",
            )

    def opened(self, document: Document) -> pages.Sheets:
        """Open the pages of a document to look at them; the caller closes them.

        Raises:
            RejectedError: It is empty, or its format has no pages.
            UnavailableError: The store has a passing fault.
        """
        first = self._read(document, 0, min(document.size, formats.FIRST_BYTES) - 1) if document.size else b""
        format_name = document.format or formats.format_of(first, self._last(document, first))
        return self._sheets(format_name, document.size, self._parts(document, first))

    def put_away(self) -> None:
        """Close the documents that were examined: their processes end, their copies are removed."""
        while self._opened:
            self._opened.pop().close()

    def _last(self, document: Document, first: bytes) -> bytes:
        if len(first) == document.size:
            return first[-formats.LAST_BYTES :]
        return self._read(document, document.size - formats.LAST_BYTES, document.size - 1)

    def _refuse_cut(self, document: Document, first: bytes, last: bytes, sheets: pages.Sheets) -> None:
        """Refuse a document whose end is missing; one with bytes after its end is opened to find out."""
        if formats.ends(document.format, document.size, first, last):
            return
        ending = formats.ENDINGS.get(document.format)
        if ending is None or not sheets.whole(ending, self._call.remaining()):
            raise formats.cut(document.format, document.size)

    def _look(self, document: Document, first: bytes, sheets: pages.Sheets) -> pages.Look:
        """Return the number and size of the pages: from the header if that is enough, else by opening the document."""
        if document.format == "ofd":
            return pages.Look()
        look = None if document.format in pages.COUNTED else pages.header(first)
        return look or sheets.look(self._call.remaining())

    def _parts(self, document: Document, first: bytes) -> Callable[[int, int], bytes]:
        """Return what reads a part of the document; one that was read whole is not read again."""
        if len(first) == document.size:
            return lambda start, end: first[start : end + 1]
        return lambda start, end: self._read(document, start, end)

    def _read(self, document: Document, first: int | None = None, last: int | None = None) -> bytes:
        return self._site.store.read(document.ref, Wanted(document.version_id, document.etag, first, last))


def _no_url(key: str) -> str:
    """Say why the service cannot be given a URL of this key: it would open another object.

    Whoever opens a URL may resolve ``..`` in it first (RFC 3986, 5.2.4; curl and requests do): ``a/../b/x.png`` is
    an object of its own, and its URL that of somebody else's ``b/x.png``.
    """
    if {".", ".."} & set(key.split("/")):
        return "sent inline: a URL of a key with '.' or '..' in it can be taken for that of another key"
    return ""
