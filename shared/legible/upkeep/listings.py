"""Lists of both buckets, brought into one order, so that they can be held against each other while they are read.

OBS lists keys in the order of their bytes (api-obs obs_04_0022), and so the files of the folder ``a`` lie behind those
of ``a.b``, although the key ``a`` comes before ``a.b``. The order in which folders *end* is one and the same for both:
that of the name with the letter behind the slash (``a0``). Memory holds names that begin with one another, no more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from legible.model import layout
from legible.ports import ListedObject, Site

#: The letter behind the slash: with it a folder's name sorts behind everything in the folder, and before all else.
_END = chr(ord("/") + 1)
#: The last letter of all: a list that begins behind a folder and this one has nothing of the folder.
LAST = "\U0010ffff"
#: So many keys a name waits for those that begin with it; then it is looked up by itself.
PATIENCE = 1000
#: So many folders are read past to find one; then the list is begun anew at that folder.
JUMP = 1000


class Listed(NamedTuple):
    """An object of the input bucket.

    ``alone``: it is looked up by itself, because it is a folder of other keys too, or too many keys begin with it.
    ``cut`` is where lists can be cut behind it: all keys up to there came, and none behind; empty where they cannot.
    """

    item: ListedObject
    alone: bool = False
    cut: str = ""


def uploads(site: Site, after: str, until: str) -> Iterator[ListedObject]:
    """Yield the objects of the input bucket behind a key, up to another one (empty: all), without Legible's own.

    In a bucket with versions these are the current ones; what was deleted is not among them.

    Raises:
        LegibleError: The store does not list.
    """
    own = layout.OWN if site.input == site.output else ()
    while True:
        folder = ""
        for item in site.store.list(site.input, "", after):
            if until and item.key > until:
                return
            folder = next((one for one in own if item.key.startswith(one)), "")
            if folder:  # most of one bucket is our own: it is jumped over
                break
            yield item
        if not folder:
            return
        after = folder + LAST


def in_order(items: Iterator[ListedObject], patience: int = PATIENCE) -> Iterator[Listed]:
    """Yield objects in the order in which folders of their names end.

    Args:
        items: The objects, in the order of their keys.
        patience: How many keys a name waits for those that begin with it.
    """
    pending, last, since = list[ListedObject](), "", 0
    for item in items:
        while pending and pending[-1].key + _END <= item.key:
            done = pending.pop()
            yield Listed(done, cut="" if pending else last)
        if pending and item.key.startswith(f"{pending[-1].key}/"):  # its files lie among those of others
            done = pending.pop()
            yield Listed(done, alone=True, cut="" if pending else last)
        since = since + 1 if pending else 0
        if since > patience:
            for done in pending[:-1]:
                yield Listed(done, alone=True)
            yield Listed(pending[-1], alone=True, cut=last)
            pending, since = [], 0
        pending.append(item)
        last = item.key
    while pending:
        yield Listed(pending.pop())


class FolderList:
    """The folders below a prefix, each with its files, found one after the other while the list is read.

    Args:
        listing: Lists what begins with a prefix and sorts behind a key.
        prefix: Where the folders lie.
        wanted: Tells whether a file matters, by its name.
        jump: How many folders are read past before the list is begun anew.
    """

    def __init__(
        self,
        listing: Callable[[str, str], Iterator[ListedObject]],
        prefix: str,
        wanted: Callable[[str], bool],
        jump: int = JUMP,
    ) -> None:
        """Read nothing yet."""
        self._listing = listing
        self._prefix = prefix
        self._wanted = wanted
        self._jump = jump
        self._begun = False
        self._folders: Iterator[tuple[str, dict[str, ListedObject]]] = iter(())
        self._next: tuple[str, dict[str, ListedObject]] | None = None

    def find(self, name: str) -> Mapping[str, ListedObject] | None:
        """Return the files of a folder that matter, by their names; None where so much lies in it that nobody can tell.

        Names must be asked for in the order in which folders end, and none that is a folder of an earlier one.

        Raises:
            LegibleError: The store does not list.
        """
        files = self._reach(name) if self._begun else None
        if files is None:
            self._begun = True
            self._folders = self._grouped(self._listing(self._prefix, self._prefix + name))
            self._next = next(self._folders, None)
            files = self._reach(name)
        return files

    def _reach(self, name: str) -> Mapping[str, ListedObject] | None:
        """Read on up to a folder; None where it is not reached within a jump."""
        for _ in range(self._jump):
            if self._next is None or self._next[0] + _END > name + _END:
                return {}
            folder, files = self._next
            if folder == name:
                return files
            self._next = next(self._folders, None)
        return None

    def _grouped(self, items: Iterator[ListedObject]) -> Iterator[tuple[str, dict[str, ListedObject]]]:
        """Yield each folder with its files, in the order in which they end.

        Folders without a file that matters come empty, one for each object, so that nobody reads past a million of
        them unnoticed.
        """
        opened = list[tuple[str, dict[str, ListedObject]]]()
        for item in items:
            place = item.key[len(self._prefix) :]
            folder, _, file = place.rpartition("/")
            while opened and opened[-1][0] + _END <= place:
                yield opened.pop()
            if not opened or opened[-1][0] != folder:
                opened.append((folder, {}))
            if self._wanted(file):
                opened[-1][1][file] = item
        while opened:
            yield opened.pop()
