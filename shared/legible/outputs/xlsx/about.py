"""The lines of the sheet ``About``: what is known of a document, as people read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import NamedTuple

from legible.model.documents import Document, Reason
from legible.model.pages import EMPTY_WORDS, Page
from legible.model.records import Attachment, Record

_STATUS = {
    "running": "Running: this document is being recognized",
    "done": "Done",
    "partial": "Partial: some pages have no result",
    "rejected": "Rejected: this document was not recognized",
    "held": "Held: this document waits",
    "dead": "Dead: this document could not be recognized",
}


#: So many pages on which nothing was recognized are named in the first line.
_MOST_NAMED = 10


class Fact(NamedTuple):
    """One line: a label and its text; without a text it is a heading."""

    label: str
    text: str = ""


def headline(record: Record) -> str:
    """Return status and reason in one sentence, the first thing that a reader sees."""
    status = _STATUS[record.status]
    nothing = _nothing(record.pages)
    if record.reason is None:
        return f"{status}.{nothing}"
    advice = f" {record.reason.advice}" if record.reason.advice else ""
    return f"{status}. {record.reason.message.rstrip('.')} ({record.reason.code}).{advice}{nothing}"


def _nothing(pages: tuple[Page, ...]) -> str:
    """Say on which pages nothing was recognized, as far as there is room; empty where there is none."""
    empty = [str(page.page) for page in pages if page.empty]
    if not empty:
        return ""
    if len(pages) == 1:
        return " Nothing was recognized on it."
    more = f" and {len(empty) - _MOST_NAMED} more" if len(empty) > _MOST_NAMED else ""
    noun = "page" if len(empty) == 1 else "pages"
    return f" Nothing was recognized on {noun} {', '.join(empty[:_MOST_NAMED])}{more} of {len(pages)}."


def lines(record: Record) -> Iterator[Fact]:
    """Yield all that a record says except what was recognized; lines without content are left out."""
    for heading, body in (
        ("Result", _result(record)),
        ("Document", _document(record.document)),
        ("Calls", _calls(record)),
        ("Pages", _pages(record.pages)),
        ("Attachments", map(_attachment, record.attachments)),
        ("Notes", (Fact(str(number), note) for number, note in enumerate(record.notes, 1))),
    ):
        known = [line for line in body if line.text]
        if known:
            yield Fact(heading)
            yield from known


def _result(record: Record) -> Iterator[Fact]:
    yield Fact("Status", record.status)
    if record.reason is not None:
        yield from _reason(record.reason)
    operation = f"{record.title} ({record.operation})" if record.title else record.operation
    yield Fact("Operation", operation or ("none: no route was found" if record.status == "rejected" else ""))
    if record.options:
        yield Fact("Options", json.dumps(record.options, ensure_ascii=False, sort_keys=True, default=str))
    yield Fact("Finished", _time(record.finished_at))
    yield Fact("Ledger", record.ledger)
    yield Fact("Schema", record.schema)


def _reason(reason: Reason) -> Iterator[Fact]:
    yield Fact("Reason", reason.message)
    yield Fact("Advice", reason.advice)
    yield Fact("Reason code", reason.code)
    yield Fact("Vendor code", reason.vendor_code)
    yield Fact("Request ID", reason.request_id)


def _document(document: Document) -> Iterator[Fact]:
    yield Fact("Source", str(document.ref))
    yield Fact("Version", document.version)
    yield Fact("ETag", document.etag)
    yield Fact("Size", f"{document.size:,} bytes")
    yield Fact("Uploaded", _time(document.uploaded_at))
    yield Fact("Content type", document.content_type)
    yield Fact("Format", document.format)
    if document.width is not None and document.height is not None:
        yield Fact("Pixels", f"{document.width:,} x {document.height:,}")
    yield Fact("Page count", "" if document.page_count is None else str(document.page_count))


def _calls(record: Record) -> Iterator[Fact]:
    yield Fact("Answered (paid)", str(record.calls.answered))
    yield Fact("Unknown (perhaps paid)", str(record.calls.unknown) if record.calls.unknown else "")
    yield Fact("Surplus (paid twice)", str(record.calls.surplus) if record.calls.surplus else "")


def _pages(pages: tuple[Page, ...]) -> Iterator[Fact]:
    for page in pages:
        nothing = f"nothing was recognized: {EMPTY_WORDS[page.empty]}" if page.empty else ""
        parts = [page.state, nothing, f"read by {page.source}" if page.source else "", page.note]
        parts += [f"request {page.request_id}" if page.request_id else "", page.answer]
        if page.reason is not None:
            parts += [page.reason.message, page.reason.advice, page.reason.vendor_code or page.reason.code]
        yield Fact(f"Page {page.page}", "; ".join(part for part in parts if part))


def _attachment(attachment: Attachment) -> Fact:
    text = f"{attachment.key} ({attachment.media_type}, {attachment.size:,} bytes, page {attachment.page})"
    return Fact(attachment.name, text)


def _time(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
