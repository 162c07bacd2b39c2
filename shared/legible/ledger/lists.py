"""Lists with many writers that never end: each goes on in a next object before one has taken all appends it may."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from legible.ledger.lines import Lines
from legible.model import layout
from legible.ports import Invocation, ListedObject, Site

#: A list goes on in its next object from this size on, in bytes. An object takes 10,000 appends (api-obs obs_04_0088),
#: and what is appended has at least ``SHORTEST`` bytes.
FULL, SHORTEST = 512 * 1024, 56
#: What is appended at once, in bytes.
_APPENDED = 256 * 1024


class LongList:
    """A list of lines.

    Args:
        site: Its output bucket holds the list.
        call: The invocation: waits.
        stem: The keys of its objects without their endings (``layout.listed``).
        full: From which size on, in bytes, it goes on in its next object.
    """

    def __init__(self, site: Site, call: Invocation, stem: str, full: int = FULL) -> None:
        """Look at nothing yet."""
        self._site = site
        self._call = call
        self._stem = stem
        self._full = full

    def objects(self) -> list[ListedObject]:
        """Return the objects of the list, in the order in which they were begun."""
        found = self._site.store.list(self._site.output, f"{self._stem}.")
        mine = [item for item in found if layout.number_in_list(self._stem, item.key)]
        return sorted(mine, key=lambda item: layout.number_in_list(self._stem, item.key))

    def add(self, body: bytes, settle: float | None) -> None:
        """Append lines, each with its end, by one append.

        Args:
            body: The lines; at least ``SHORTEST`` bytes together.
            settle: Seconds after which they are read back; None to trust the store's reply.

        Raises:
            UnavailableError: The store takes no line.
            HeldError: The object cannot be appended to, or the bucket refuses.
        """
        objects = self.objects()
        number, size = 1, 0
        if objects:
            number, size = layout.number_in_list(self._stem, objects[-1].key), objects[-1].size
        key = layout.listed(self._stem, number + (size >= self._full))
        lines = Lines(self._site.store, self._site.in_output(key), self._call.pause, name=f"The list {self._stem}")
        lines.put(body, settle)


def add_all(site: Site, call: Invocation, lines: Mapping[str, Sequence[bytes]], settle: float) -> None:
    """Append lines to many lists, each with its end, by few appends; they are there when this returns.

    Args:
        site: Its output bucket holds the lists.
        call: The invocation: waits.
        lines: What each list gets, by the list's stem (``LongList``).
        settle: Seconds after which what was appended is read back.

    Raises:
        UnavailableError: The store has a passing fault.
        HeldError: The bucket refuses.
    """
    for stem, of_list in sorted(lines.items()):
        for body in _together(of_list):
            LongList(site, call, stem).add(body, settle)


def _together(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield lines put together, so that few appends carry them."""
    body = b""
    for line in lines:
        if body and len(body) + len(line) > _APPENDED:
            yield body
            body = b""
        body += line
    yield body
