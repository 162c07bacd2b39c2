"""Every OCR API as data: one TOML file per operation, read when it is asked for.

How a file spells an answer, in ``fields``:

- A path leads from ``result`` to a key of the answer: ``passport_number``, ``verification_result.valid_number``.
- ``[]`` stands for every element of a list of objects: ``item_list[].amount``. Where ``result`` itself is a list, each
  path starts with it: ``[].plate_number``.
- Every key has its own entry, in the order of the document, containers too (``item_list``, type ``object``); a list of
  plain values is one entry whose ``sdk_type`` says so (``list[str]``).
- ``type`` says how a value is shown, ``sdk_type`` what the SDK declares. Labels are ours, not the vendor's; an empty
  label belongs to a container whose name would tell a reader nothing.

Formats are spelled ``jpeg png bmp tiff gif webp pcx ico psd pdf ofd``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import msgspec

from legible.operations.operation import Operation

_FOLDER = Path(__file__).parent


@cache
def slugs() -> tuple[str, ...]:
    """Return the slug of every operation, sorted."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@cache
def find(slug: str) -> Operation:
    """Return the operation of that slug; only its own file is read, once.

    Raises:
        KeyError: There is no such operation. Use ``OPERATIONS.get`` where that is no mistake.
    """
    if slug not in slugs():
        raise KeyError(slug)
    return msgspec.toml.decode((_FOLDER / f"{slug}.toml").read_bytes(), type=Operation)


class _Operations(Mapping[str, Operation]):
    """The catalog as a mapping that reads a file only for a value."""

    def __getitem__(self, slug: str) -> Operation:
        return find(slug)

    def __iter__(self) -> Iterator[str]:
        return iter(slugs())

    def __len__(self) -> int:
        return len(slugs())

    def __contains__(self, slug: object) -> bool:
        return slug in slugs()


#: Slug to operation, for all operations, in the order of their slugs.
OPERATIONS: Mapping[str, Operation] = _Operations()
