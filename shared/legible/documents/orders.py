"""What an uploader orders in an object's metadata, instead of the routes: an operation, options, a size, a project."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from legible.errors import RejectedError
from legible.model.documents import Order

#: Names of metadata (``x-obs-meta-legible-operation``), in lower case, as a store gives them.
OPERATION, OPTIONS, SIZE = "legible-operation", "legible-options", "legible-size"
#: The id of the enterprise project that is billed.
PROJECT = "legible-project"
#: Of what is no id, only so many letters are kept to say so.
_SHOWN = 100
#: OBS: all metadata of an object have at most 2 KB (api-obs obs_04_0080).
_MOST = 2048


def metadata_of(order: Order | None, size: int | None = None) -> dict[str, str]:
    """Return an order as metadata; an object that has not ``size`` bytes is not paid for.

    Raises:
        RejectedError: The options are too long for metadata.
    """
    metadata = {}
    if order is not None and order.operation:
        metadata[OPERATION] = order.operation
    if order is not None and order.options:
        metadata[OPTIONS] = json.dumps(order.options, separators=(",", ":"), sort_keys=True)
    if size is not None:
        metadata[SIZE] = str(size)
    if sum(len(name) + len(value) for name, value in metadata.items()) > _MOST:
        raise RejectedError(
            f"The options have more than {_MOST:,} characters of JSON together.",
            code="bad-order",
            advice="Set long options for a route or an operation in legible.toml.",
        )
    return metadata


def read(metadata: Mapping[str, str], size: int) -> Order | None:
    """Read the order in an object's metadata.

    Args:
        metadata: Text by lower-case name.
        size: How many bytes the object has.

    Returns:
        The order; None if there is none.

    Raises:
        RejectedError: The order cannot be read, or the object's size is not the promised one.
    """
    promised = metadata.get(SIZE, "")
    if promised and promised != str(size):
        raise RejectedError(
            f"The object has {size} bytes; its metadata {SIZE} promise {promised[:20]!r}.",
            code="size-differs",
            advice="Upload the whole file again, with the size that was asked for.",
        )
    operation, options = metadata.get(OPERATION, ""), _options(metadata.get(OPTIONS, ""))
    return Order(operation, options) if operation or options else None


def project(metadata: Mapping[str, str]) -> str:
    """Return the enterprise project that an object's metadata name, whatever that is; empty for none."""
    text = metadata.get(PROJECT, "").strip()[:_SHOWN]
    return text.encode("utf-8", "replace").decode("utf-8")


def _options(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        raise RejectedError(
            f"The object's metadata {OPTIONS} are not a JSON object.",
            code="bad-order",
            advice='Write them as {"detect_direction": true}.',
        ) from None
