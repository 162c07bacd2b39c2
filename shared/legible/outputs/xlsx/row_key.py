"""The hidden key of a row that may be corrected: which value it shows, and which text counted when it was written."""

from __future__ import annotations

import json

import msgspec
from msgspec import Struct

from legible.extraction.corrections import digest
from legible.model import layout
from legible.model.documents import Document
from legible.outputs.xlsx.values import fit


class Key(Struct, frozen=True, array_like=True):
    """Which value a row shows.

    ``document`` is the document's key, as its results are filed; ``name`` as in ``corrections.Change``. ``was`` is the
    digest of the text that counted, ``written`` that of what stood in the column for corrections, empty for nothing.
    """

    document: str
    version: str
    page: int
    name: str
    was: str
    written: str = ""


def key_of(document: Document, page: int, name: str, text: str, written: str = "") -> str:
    """Return the key of a row as text.

    Args:
        document: Whose row it is.
        page: From 1.
        name: What the row is about.
        text: The text that counts by now.
        written: What the column for corrections holds.
    """
    filed = layout.result_of(layout.results(document.key, "x"), "x")
    assert filed is not None
    key = Key(filed, document.version, page, name, digest(text), digest(fit(written)[0]) if written else "")
    return json.dumps(msgspec.structs.astuple(key), separators=(",", ":"))


def read_key(text: str) -> Key | None:
    """Return the key a cell holds; None where it holds none of ours."""
    try:
        return msgspec.json.decode(text, type=Key)
    except msgspec.MsgspecError:
        return None
