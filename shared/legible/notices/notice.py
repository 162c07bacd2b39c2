"""The notice of a document that ended: a CloudEvent that refers to the record, and quotes only fields asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from legible.model import layout
from legible.model.documents import ObjectRef
from legible.model.notices import Ending, Named, Notice
from legible.model.records import Field, Record

#: The most bytes of recognized values in a notice: EventGrid takes events of 64 KB (eg-ug-015).
MOST_BYTES = 32 * 1024


class EndLine(Struct, frozen=True):
    """The line of a journal that ended a document; ``(owner, n)`` names it. Empty where the journal cannot be used."""

    owner: str = ""
    n: int = 0


def notice(source: str, output: str, record: Record, ended: EndLine, target: str, values: Iterable[Field]) -> Notice:
    """Return the notice for a target.

    Args:
        source: The source of the event, ``/legible/<region>/<input bucket>``.
        output: The output bucket.
        record: The record of the document, which has ended.
        ended: The line that ended it.
        target: The target's name.
        values: The fields that the target asked for.
    """
    document, status = record.document, record.status
    assert record.finished_at is not None  # a document that ended has a time of its end
    fields, cut = _bounded(values)
    return Notice(
        id=identity(record, ended, target),
        source=source,
        type=f"legible.document.{status}",
        subject=document.key,
        time=record.finished_at,
        data=Ending(
            bucket=document.bucket,
            key=document.key,
            version=document.version,
            operation=record.operation,
            status=status,
            pages=sum(page.state == "done" for page in record.pages),
            reason=record.reason.code if record.reason else "",
            record=ObjectRef(output, layout.version(document, "record.json")),
            revision=record.revision,
            fields=fields,
            fields_cut=cut,
        ),
    )


def identity(record: Record, ended: EndLine, target: str) -> str:
    """Return the id of a notice: one and the same for one end of one document version and one target."""
    document = record.document
    named = [document.bucket, document.key, document.version, ended.owner, ended.n, target]
    return hashlib.sha256(msgspec.json.encode(named)).hexdigest()[:32]


def _bounded(values: Iterable[Field]) -> tuple[tuple[Named, ...], bool]:
    """Return the values as far as there is room, and whether there were more."""
    kept: list[Named] = []
    room = MOST_BYTES
    for field in values:
        named = Named(field.name, field.final, field.page)
        room -= len(msgspec.json.encode(named))
        if room < 0:
            return tuple(kept), True
        kept.append(named)
    return tuple(kept), False
