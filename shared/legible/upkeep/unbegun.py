"""Uploads that nobody has begun to read, as the sweep saw them: what the sum knows of them beside the journals.

They are named by their journals to come, so that each is counted once: here, or by its journal as soon as there is one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import Struct

from legible.documents.identity import content_name
from legible.errors import ObjectGoneError, RejectedError
from legible.ledger.changes import name_of
from legible.model import layout
from legible.model.documents import Document
from legible.model.sums import first_folder
from legible.operations.routing import Routing, route
from legible.ports import ListedObject, Site
from legible.upkeep import keys

_JSON = "application/json"


class UnbegunUpload(NamedTuple):
    """An upload that nobody has begun: the name of its journal to come, its first folder, and its operation, if any."""

    journal: str
    folder: str
    operation: str


class _Stored(Struct, frozen=True):
    """What is stored of one segment: names by folder and operation, as of ``at``."""

    at: datetime
    uploads: tuple[tuple[str, str, tuple[str, ...]], ...]


def unbegun(bucket: str, item: ListedObject, rules: Routing) -> UnbegunUpload:
    """Return what is known of an upload without a journal; its metadata may order another operation than its route."""
    journal = layout.journal(Document(bucket, item.key, content_name(item.etag)))
    try:
        operation = route(item.key, rules).operation.slug
    except RejectedError:
        operation = ""
    return UnbegunUpload(name_of(journal), first_folder(item.key), operation)


def keep(site: Site, segment: str, uploads: Iterable[UnbegunUpload], at: datetime) -> None:
    """Store the uploads of one segment in place of those that were stored. Raises LegibleError where it cannot."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in uploads:
        groups[one.folder, one.operation].append(one.journal)
    stored = _Stored(at, tuple((*key, tuple(names)) for key, names in sorted(groups.items())))
    site.store.write(site.in_output(keys.unbegun(segment)), msgspec.json.encode(stored), _JSON)


def stored(site: Site, segments: Iterable[str]) -> Iterator[tuple[datetime, UnbegunUpload]]:
    """Yield the uploads of some segments, each with when it was seen; what cannot be read is passed over.

    Raises:
        LegibleError: The store does not let us look.
    """
    for segment in segments:
        try:
            found = msgspec.json.decode(site.store.read(site.in_output(keys.unbegun(segment))), type=_Stored)
        except (ObjectGoneError, msgspec.MsgspecError, UnicodeDecodeError):
            continue
        for folder, operation, names in found.uploads:
            for name in names:
                yield found.at, UnbegunUpload(name, folder, operation)
