"""The interface to everything that a bucket holds: each version of each object, and what marks one as removed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from legible.model.documents import ObjectRef


class ListedVersion(Struct, frozen=True):
    """One version of an object, as a list of versions names it.

    ``version_id`` is ``null`` where the bucket keeps no versions, or kept none when it was written. ``marker`` says
    that it holds nothing: it only says that the object was removed. ``size`` in bytes.
    """

    key: str
    version_id: str
    marker: bool = False
    modified_at: datetime | None = None
    size: int = 0


class ObjectVersions(Protocol):
    """All versions of objects; who has the right to remove them can lose anything.

    Every method raises ``UnavailableError`` for faults that pass and ``HeldError`` for refused access.
    """

    def each(self, bucket: str, prefix: str) -> Iterator[ListedVersion]:
        """Yield each version of each object whose key begins with ``prefix``, key by key in their order."""
        ...

    def remove(self, bucket: str, version: ListedVersion) -> None:
        """Remove one version for good; it is no error if it is not there."""
        ...

    def read(self, ref: ObjectRef, version_id: str) -> bytes:
        """Return the content of one version.

        Raises:
            ObjectGoneError: There is no such version.
        """
        ...
