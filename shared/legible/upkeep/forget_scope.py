"""Which documents there are below a prefix, by whatever is left of them: uploads, journals, results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from legible.errors import ObjectGoneError
from legible.ledger.changes import first_part
from legible.ledger.tombstones import Tombstones
from legible.model import layout
from legible.model.layout import RECORD
from legible.outputs.record import HEAD_BYTES, document_of
from legible.ports import Site, Wanted
from legible.ports.versions import ObjectVersions


class ForgetScope:
    """Names the documents of a prefix, each once, from lists of any length.

    Args:
        site: The buckets.
        versions: Lists uploads, older versions and removed ones too.
        tombstones: Tell what is being forgotten already.
    """

    def __init__(self, site: Site, versions: ObjectVersions, tombstones: Tombstones) -> None:
        """List nothing yet."""
        self._site = site
        self._versions = versions
        self._tombstones = tombstones

    def keys(self, wanted: str) -> Iterator[str]:
        """Yield the keys of documents: all below a folder, or that begin with what stands before ``*``; else one.

        What is forgotten while it is listed comes only once.

        Args:
            wanted: A key, a folder with its slash, or the beginning of keys with ``*`` behind it; ``*`` is all.

        Raises:
            HeldError: A bucket refuses.
            UnavailableError: The store has a passing fault.
        """
        if not wanted.endswith(("/", "*")):
            yield wanted
            return
        prefix = wanted.removesuffix("*")
        yield from self._uploaded(prefix)
        yield from self._others(self._journalled(prefix), self._has_upload)
        yield from self._others(self._published(prefix), lambda key: self._has_upload(key) or self._has_journal(key))

    def _uploaded(self, prefix: str) -> Iterator[str]:
        own = layout.OWN if self._site.input == self._site.output else ()
        keys = (one.key for one in self._versions.each(self._site.input, prefix))
        return (key for key in _once(keys) if not key.startswith(own or ("\0",)))

    def _others(self, names: Iterator[str], known: Callable[[str], bool]) -> Iterator[str]:
        """Yield the keys of documents by the names of their folders, those that did not come before."""
        for name in _once(names):
            key = self._key(name)
            if key and not known(key) and self._tombstones.pending(key) is None:
                yield key

    def _journalled(self, prefix: str) -> Iterator[str]:
        below = f"{layout.LEDGER}{self._site.input}/"
        for item in self._site.store.list(self._site.output, f"{below}{prefix}"):
            if first_part(item.key) == item.key:
                yield item.key[len(below) :].rpartition("/")[0]

    def _published(self, prefix: str) -> Iterator[str]:
        for item in self._site.store.list(self._site.output, layout.results_below(prefix)):
            name = layout.result_of(item.key, RECORD)
            if name is not None:
                yield name

    def _key(self, name: str) -> str:
        """Return the key of a document by the name of its folder, which differs where the key is very long."""
        if layout.shortened(name) == name:
            return name
        with suppress(ObjectGoneError, ValueError):
            head = Wanted(first=0, last=HEAD_BYTES - 1)
            return document_of(self._site.store.read(self._site.in_output(layout.filed(name, RECORD)), head)).key
        return ""

    def _has_upload(self, key: str) -> bool:
        return any(one.key == key for one in self._versions.each(self._site.input, key))

    def _has_journal(self, key: str) -> bool:
        below = layout.journals(self._site.input, key)
        return any(first_part(one.key) for one in self._site.store.list(self._site.output, below))


def _once(names: Iterator[str]) -> Iterator[str]:
    last = None
    for name in names:
        if name != last:
            yield name
        last = name
