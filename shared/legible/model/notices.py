"""Notices: what a target is told about a document that ended."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from legible.model.documents import ObjectRef, Status


class Named(Struct, frozen=True):
    """A recognized value in a notice, for a target that asked for it by name."""

    name: str
    value: str
    page: int


class Ending(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a document ended, told by reference: where its record is, and nothing of what was recognized.

    ``reason`` is the code of the reason alone: its text may quote the document. ``pages`` counts those with an answer.
    ``fields`` has what the target asked for by name; ``fields_cut`` means that there were more than a notice holds.
    """

    bucket: str
    key: str
    version: str
    operation: str
    status: Status
    pages: int
    record: ObjectRef
    revision: int
    reason: str = ""
    fields: tuple[Named, ...] = ()
    fields_cut: bool = False


class Notice(Struct, frozen=True, kw_only=True):
    """What a target is told: its JSON is a CloudEvent (https://github.com/cloudevents/spec, version 1.0).

    ``id`` is the same for every try, so that a receiver can tell what it had already.
    """

    id: str
    source: str
    type: str
    subject: str
    time: datetime
    data: Ending
    specversion: str = "1.0"
    datacontenttype: str = "application/json"
