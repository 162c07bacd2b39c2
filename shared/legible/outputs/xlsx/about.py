"""What a record says of itself, line by line, as people read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from typing import NamedTuple

from legible.model.documents import Document, Reason
from legible.model.pages import Page
from legible.model.records import Attachment, Record

_STATUS = {
    "running": "Running: this document is being recognized",
    "done": "Done",
    "partial": "Partial: some pages have no result",
    "rejected": "Rejected: this document was not recognized",
    "held": "Held: this document waits",
    "dead": "Dead: this document could not be recognized",
}


class Line(NamedTuple):
    """A label and what it says; a line without a text is a heading."""

    label: str
    text: str = ""


def headline(record: Record) -> str:
    """Return status and reason in one sentence, for the first thing a reader sees."""
    status = _STATUS[record.status]
    if record.reason is None:
        return f"{status}."
    advice = f" {record.reason.advice}" if record.reason.advice else ""
    return f"{status}. {record.reason.message.rstrip('.')} ({record.reason.code}).{advice}"


def lines(record: Record) -> Iterator[Line]:
    """Yield everything that is known of a record beside what was recognized, without empty lines."""
    for heading, body in (
        ("Result", _result(record)),
        ("Document", _document(record.document)),
        ("Calls", _calls(record)),
        ("Pages", _pages(record.pages)),
        ("Attachments", map(_attachment, record.attachments)),
        ("Notes", (Line(str(number), note) for number, note in enumerate(record.notes, 1))),
    ):
        known = [line for line in body if line.text]
        if known:
            yield Line(heading)
            yield from known


def _result(record: Record) -> Iterator[Line]:
    yield Line("Status", record.status)
    if record.reason is not None:
        yield from _reason(record.reason)
    operation = f"{record.title} ({record.operation})" if record.title else record.operation
    yield Line("Operation", operation or ("none: no route was found" if record.status == "rejected" else ""))
    if record.options:
        yield Line("Options", json.dumps(record.options, ensure_ascii=False, sort_keys=True, default=str))
    yield Line("Finished", _time(record.finished_at))
    yield Line("Ledger", record.ledger)
    yield Line("Schema", record.schema)


def _reason(reason: Reason) -> Iterator[Line]:
    yield Line("Reason", reason.message)
    yield Line("Advice", reason.advice)
    yield Line("Reason code", reason.code)
    yield Line("Vendor code", reason.vendor_code)
    yield Line("Request ID", reason.request_id)


def _document(document: Document) -> Iterator[Line]:
    yield Line("Source", str(document.ref))
    yield Line("Version", document.version)
    yield Line("ETag", document.etag)
    yield Line("Size", f"{document.size:,} bytes")
    yield Line("Uploaded", _time(document.uploaded_at))
    yield Line("Content type", document.content_type)
    yield Line("Format", document.format)
    if document.width is not None and document.height is not None:
        yield Line("Pixels", f"{document.width:,} x {document.height:,}")
    yield Line("Page count", "" if document.page_count is None else str(document.page_count))


def _calls(record: Record) -> Iterator[Line]:
    yield Line("Answered (paid)", str(record.calls.answered))
    yield Line("Unknown (perhaps paid)", str(record.calls.unknown) if record.calls.unknown else "")
    yield Line("Surplus (paid twice)", str(record.calls.surplus) if record.calls.surplus else "")


def _pages(pages: tuple[Page, ...]) -> Iterator[Line]:
    for page in pages:
        parts = [page.state, f"read by {page.source}" if page.source else "", page.note]
        parts += [f"request {page.request_id}" if page.request_id else "", page.answer]
        if page.reason is not None:
            parts += [page.reason.message, page.reason.advice, page.reason.vendor_code or page.reason.code]
        yield Line(f"Page {page.page}", "; ".join(part for part in parts if part))


def _attachment(attachment: Attachment) -> Line:
    text = f"{attachment.key} ({attachment.media_type}, {attachment.size:,} bytes, page {attachment.page})"
    return Line(attachment.name, text)


def _time(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
