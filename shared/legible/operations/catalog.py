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


#: What auto-classification calls a document that another operation reads, where the name alone does not lead there.
_KINDS = {"vat-roll-invoice": "vat-invoice"}


#: APIs that the vendor publishes and its SDK does not have (3.1.219), by the slugs that somebody may look for. The card
#: of the Emirates: ae-ad-1-api-ocr ocr_03_0125, 2022-10.
_NOT_IN_SDK = dict.fromkeys(
    ("emirates-id-card", "uae-id-card"),
    "The ID card of the United Arab Emirates (emirates-id-card, published for the region ae-ad-1) is not in the "
    "vendor's SDK and not in the catalog.",
)


def why_missing(slug: str) -> str:
    """Return a sentence on why there is no such operation, where that is known; empty where it is not."""
    return _NOT_IN_SDK.get(slug.strip().lower().replace("_", "-"), "")


def slug_of_kind(kind: str) -> str:
    """Return the slug of the operation that reads documents of a kind, as auto-classification names it; empty for none.

    The kind is the slug, or begins with it: ``id_card_emblem_side``, ``driver_license_back`` (ocr_03_0113).
    """
    words = kind.strip().lower().replace("_", "-").split("-")
    names = ("-".join(words[:count]) for count in range(len(words), 0, -1))
    return next((_KINDS.get(name, name) for name in names if name in _KINDS or name in slugs()), "")


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
