"""What a published record says of itself in its metadata, so that nobody has to read it."""

from __future__ import annotations

import json
from datetime import datetime

import msgspec
from msgspec import Struct

from legible.model.documents import Status
from legible.model.layout import RECORD
from legible.model.records import SCHEMA_NUMBER


class Published(Struct, frozen=True):
    """What the metadata of a published record say: its version, how it ended, which results lie beside it.

    ``operation`` is a slug, empty where there was none; ``revision`` counts the reviews it has, ``doubtful`` the values
    that somebody should look at, ``empty`` the pages that gave nothing, left out where there is none. ``schema`` is the
    number of the record's schema, left out where it is 1.
    """

    version: str
    uploaded_at: datetime | None
    status: Status
    names: tuple[str, ...] = (RECORD,)
    revision: int = 0
    operation: str = ""
    doubtful: int = 0
    schema: int = 1
    empty: int = 0

    @property
    def newer(self) -> bool:
        """Whether a newer version of Legible wrote the record: then this one never writes another over it."""
        return self.schema > SCHEMA_NUMBER

    def metadata(self) -> dict[str, str]:
        """Return this as metadata of an object: as JSON, because a version may have letters that no header allows."""
        values = msgspec.to_builtins(self)
        if self.schema == 1:
            del values["schema"]
        if not self.empty:
            del values["empty"]
        return {"legible": json.dumps(values)}


class NewerPublished(Struct, frozen=True):
    """What every version can read of the metadata of a record, whatever a newer one may say besides."""

    version: str
    schema: int
    uploaded_at: datetime | None = None
    names: tuple[str, ...] = (RECORD,)


def read_published(text: str) -> Published | None:
    """Return what the metadata of a record say, of a newer version what all can read; None if nothing."""
    try:
        try:
            return msgspec.json.decode(text, type=Published)
        except msgspec.ValidationError:
            newer = msgspec.json.decode(text, type=NewerPublished)
    except msgspec.MsgspecError:
        return None
    known = Published(newer.version, newer.uploaded_at, "held", newer.names, schema=newer.schema)
    return known if known.newer else None
