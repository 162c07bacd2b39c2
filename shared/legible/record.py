"""From a journal and what its answers say to the record of a document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from typing import IO, Any

import msgspec
from msgspec import Struct

from legible import layout
from legible.contents import Parts
from legible.journal import Line, PageLedger, State
from legible.model import Attachment, Calls, Document, Page, Reason, Record, Status
from legible.operation import Made, Operation

#: Which status a document takes when no page is done: the first of these that a page has.
_WORST: tuple[Status, ...] = ("held", "dead", "rejected")

#: So many bytes of a ``record.json`` hold its document for sure: its longest text, the key, has at most 1,024 bytes.
HEAD_BYTES = 16 * 1024
_DOCUMENT = '"document": '

#: So many values are turned into JSON at once.
_BATCH = 200


class Asked(Struct, frozen=True):
    """What was asked for: operation, options, how many pages there are to call, and what is made of the answers."""

    operation: Operation
    options: dict[str, Any]
    pages: int = 0
    made: Made = Made()


def status_of(state: State, pages: int, reason: Reason | None, status: Status | None) -> Status:
    """Say how a document stands.

    Args:
        state: Its journal.
        pages: How many pages there are.
        reason: Why the document as a whole ended early, if it did.
        status: The status that comes with the reason.
    """
    done = sum(state.page(number).answered is not None for number in range(1, pages + 1))
    if pages and done == pages:
        return "done"
    if done:
        return "partial"
    if status is not None and reason is not None:
        return status
    found = {line.state for line in (state.page(number).settled for number in range(1, pages + 1)) if line}
    return next((status for status in _WORST if status in found), "dead")


def assemble(
    document: Document,
    asked: Asked | None,
    state: State,
    notes: tuple[str, ...],
    attachments: tuple[Attachment, ...],
    *,
    status: Status,
    reason: Reason | None,
    finished_at: datetime,
) -> Record:
    """Put together what is known of one document, but for what was recognized.

    Args:
        document: What was uploaded.
        asked: What was asked for; None where no route was found.
        state: Its journal.
        notes: What was odd in its answers.
        attachments: The stored files of the answers.
        status: How it ended.
        reason: Why, unless it is done.
        finished_at: When.
    """
    count = asked.pages if asked else 0
    pages = tuple(_page(document, number, state.page(number), status, reason) for number in range(1, count + 1))
    if reason is None and status not in {"done", "running"}:
        reason = next((page.reason for page in pages if page.reason is not None), None)
    return Record(
        document=document,
        status=status,
        operation=asked.operation.slug if asked else "",
        title=asked.operation.title if asked else "",
        options=asked.options if asked else {},
        reason=reason,
        pages=pages,
        attachments=attachments,
        notes=notes,
        calls=Calls(state.answered, state.unknown, state.surplus),
        ledger=layout.journal(document),
        revision=len(state.reviews),
        finished_at=finished_at,
    )


def _page(document: Document, number: int, known: PageLedger, status: Status, reason: Reason | None) -> Page:
    line: Line | None = known.answered
    if line is not None:
        key = layout.answer(document, number)
        return Page(number, "done", line.source, key, line.request_id, line.note, line.frame)
    if known.settled is not None:
        return Page(number, known.settled.state or "dead", reason=known.settled.reason)
    missing = reason or Reason("not-called", "The page was not called for.")
    return Page(number, status if status in {"rejected", "held", "dead"} else "held", reason=missing)


def write(record: Record, parts: Parts, file: IO[bytes]) -> None:
    """Write ``record.json``: two spaces of indent, keys in the order of the schema, UTF-8.

    Args:
        record: What is known, but for what was recognized.
        parts: What was recognized; never held in memory whole.
        file: Where to.
    """
    rest = msgspec.json.format(msgspec.json.encode(record), indent=2)
    for name in ("fields", "tables", "text", "checks"):
        before, rest = rest.split(b'\n  "%s": []' % name.encode(), 1)
        file.write(b'%s\n  "%s": [' % (before, name.encode()))
        file.writelines(_items(iter(getattr(parts, name))))
        file.write(b"\n  ]" if getattr(parts, name) else b"]")
    file.write(rest + b"\n")


def _items(values: Iterator[Any]) -> Iterator[bytes]:
    comma = b""
    while batch := list(islice(values, _BATCH)):
        # A line end never stands inside a JSON text, so that all of them are the formatter's own.
        text = msgspec.json.format(msgspec.json.encode(batch), indent=2)[1:-2]
        yield comma + text.replace(b"\n", b"\n  ")
        comma = b","


def document_of(first: bytes) -> Document:
    """Return the document a ``record.json`` is about, from its first bytes; the record itself may be large.

    Args:
        first: Its first ``HEAD_BYTES`` at most.

    Raises:
        ValueError: It is no record of ours.
    """
    text = first.decode("utf-8", "ignore")
    start = text.index(_DOCUMENT) + len(_DOCUMENT)
    _, end = json.JSONDecoder().raw_decode(text, start)
    return msgspec.json.decode(text[start:end], type=Document)
