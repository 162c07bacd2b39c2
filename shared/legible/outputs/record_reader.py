"""A ``record.json`` of any size read again: what was recognized goes to the disk a few values at a time."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from legible.extraction.contents import Contents
from legible.model.records import Check, Extract, Field, Record, Table, TextBlock

#: One value, and all that a record has beside values, is held in memory; a file with more of it is not ours.
LARGEST = 16_000_000
#: So many values are kept together.
_BATCH = 200
_KINDS: dict[str, type[Any]] = {"fields": Field, "tables": Table, "text": TextBlock, "checks": Check}
#: How the lists begin, and each of their values ends, as ``record.write`` writes them: no line end stands in a text.
_BEGINS = {f'  "{name}": ['.encode(): name for name in _KINDS}
_ENDS, _VALUE_ENDS = (b"  ]", b"  ],"), (b"    }", b"    },")


def read(chunks: Iterable[bytes], contents: Contents) -> Record:
    """Return a record without what was recognized, which goes into ``contents``.

    Args:
        chunks: The bytes of a ``record.json`` as ``record.write`` writes it, in any pieces.
        contents: Takes it.

    Raises:
        ValueError: It was not written so, or one of its values is too large.
    """
    lines, rest = _lines(chunks), _Pile()
    for line in lines:
        rest.add(line)
        if line in _BEGINS:
            rest.add(_values(lines, _BEGINS[line], contents))
    record = msgspec.json.decode(rest.text(), type=Record)
    left = {name: getattr(record, name) for name in _KINDS}
    if any(left.values()):  # another made it, all in one line
        contents.add(Extract(**left))
    return msgspec.structs.replace(record, **dict.fromkeys(_KINDS, ()))


def _values(lines: Iterator[bytes], name: str, contents: Contents) -> bytes:
    """Take the values of one list; return the line that ends it."""
    decoder, batch, value = msgspec.json.Decoder(_KINDS[name]), list[Any](), _Pile()
    for line in lines:
        if line in _ENDS:
            contents.add(Extract(**{name: tuple(batch)}))
            return line
        value.add(line)
        if line in _VALUE_ENDS:
            batch.append(decoder.decode(value.text().removesuffix(b",")))
            value = _Pile()
            if len(batch) == _BATCH:
                contents.add(Extract(**{name: tuple(batch)}))
                batch.clear()
    raise ValueError(f"the list {name} has no end")


class _Pile:
    """Lines that are one text, up to a size."""

    def __init__(self) -> None:
        self._lines: list[bytes] = []
        self._size = 0

    def add(self, line: bytes) -> None:
        self._size += len(line)
        if self._size > LARGEST:
            raise ValueError(f"more than {LARGEST} bytes belong together")
        self._lines.append(line)

    def text(self) -> bytes:
        return b"\n".join(self._lines)


def _lines(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines, without their ends."""
    begun = b""
    for chunk in chunks:
        if len(begun) > LARGEST:
            raise ValueError(f"a line has more than {LARGEST} bytes")
        for line in io.BytesIO(begun + chunk):
            if line.endswith(b"\n"):
                yield line[:-1]
            else:
                begun = line
                break
        else:
            begun = b""
    yield begun
