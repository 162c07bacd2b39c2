"""A ``record.json`` of any size read again: what was recognized goes to the disk a few values at a time."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from legible.extraction.contents import Contents
from legible.model.records import Check, Extract, Field, Record, Table, TextBlock

_KINDS: dict[str, type[Any]] = {"fields": Field, "tables": Table, "text": TextBlock, "checks": Check}
#: How the lists begin, and each of their values ends, as ``record.write`` writes them: no line end stands in a text.
_BEGINS = {f'  "{name}": ['.encode(): name for name in _KINDS}
_ENDS, _VALUE_ENDS = (b"  ]", b"  ],"), (b"    }", b"    },")


class ReadLimits(NamedTuple):
    """How much of a record is in memory.

    ``batch`` values are kept together. One value, and all that a record has beside values, is held whole; a file in
    which that takes more than ``largest`` bytes is not ours.
    """

    batch: int = 200
    largest: int = 16_000_000


_USUAL = ReadLimits()


def read(chunks: Iterable[bytes], contents: Contents, limits: ReadLimits = _USUAL) -> Record:
    """Return a record without what was recognized, which goes into ``contents``.

    Args:
        chunks: The bytes of a ``record.json`` as ``record.write`` writes it, in any pieces.
        contents: Takes it.
        limits: How much of it is in memory.

    Raises:
        ValueError: It was not written so, or one of its values is too large.
    """
    lines, rest = _lines(chunks, limits.largest), _Pile(limits.largest)
    for line in lines:
        rest.add(line)
        if line in _BEGINS:
            rest.add(_values(lines, _BEGINS[line], contents, limits))
    record = msgspec.json.decode(rest.text(), type=Record)
    left = {name: getattr(record, name) for name in _KINDS}
    if any(left.values()):  # another made it, all in one line
        contents.add(Extract(**left))
    return msgspec.structs.replace(record, **dict.fromkeys(_KINDS, ()))


def _values(lines: Iterator[bytes], name: str, contents: Contents, limits: ReadLimits) -> bytes:
    """Take the values of one list; return the line that ends it."""
    decoder, batch, value = msgspec.json.Decoder(_KINDS[name]), list[Any](), _Pile(limits.largest)
    for line in lines:
        if line in _ENDS:
            contents.add(Extract(**{name: tuple(batch)}))
            return line
        value.add(line)
        if line in _VALUE_ENDS:
            batch.append(decoder.decode(value.text().removesuffix(b",")))
            value = _Pile(limits.largest)
            if len(batch) == limits.batch:
                contents.add(Extract(**{name: tuple(batch)}))
                batch.clear()
    raise ValueError(f"the list {name} has no end")


class _Pile:
    """Lines that are one text, up to a size."""

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self._lines: list[bytes] = []
        self._size = 0

    def add(self, line: bytes) -> None:
        self._size += len(line)
        if self._size > self._largest:
            raise ValueError(f"more than {self._largest} bytes belong together")
        self._lines.append(line)

    def text(self) -> bytes:
        return b"\n".join(self._lines)


def _lines(chunks: Iterable[bytes], largest: int) -> Iterator[bytes]:
    """Yield the lines, without their ends."""
    begun = b""
    for chunk in chunks:
        if len(begun) > largest:
            raise ValueError(f"a line has more than {largest} bytes")
        for line in io.BytesIO(begun + chunk):
            if line.endswith(b"\n"):
                yield line[:-1]
            else:
                begun = line
                break
        else:
            begun = b""
    yield begun
