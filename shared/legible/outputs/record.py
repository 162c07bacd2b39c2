"""Writes ``record.json``, and reads from its beginning which document it is about."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import IO, Any

import msgspec

from legible.model.documents import Document
from legible.model.records import Recognized, Record

#: So many bytes of a ``record.json`` hold its document for sure: its longest text, the key, has at most 1,024 bytes.
HEAD_BYTES = 16 * 1024
_DOCUMENT = '"document": '

#: So many values are turned into JSON at once.
_BATCH = 200


def write(record: Record, parts: Recognized, file: IO[bytes]) -> None:
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
