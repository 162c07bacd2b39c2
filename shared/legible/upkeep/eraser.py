"""Removes objects for good, all versions of them; and lines from lists that others go on with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import islice

import msgspec
from msgspec import Struct

from legible.errors import AppendConflictError, ObjectGoneError, UnavailableError
from legible.ledger.lines import TRIES
from legible.ledger.lines import read as read_all
from legible.model.documents import ObjectRef
from legible.model.layout import TOMBSTONES
from legible.ports import Invocation, Site
from legible.ports.versions import ListedVersion, ObjectVersions

#: How many objects are removed or read at the same time, and how many are looked at together.
_AT_ONCE, _TOGETHER = 8, 256
#: Where the rest of a list is kept while it is written anew.
LISTS = f"{TOMBSTONES}.lists/"


class _Rest(Struct, frozen=True):
    """The lines of a list that stay, kept while the list is written anew."""

    list: str
    lines: tuple[str, ...]


class Eraser:
    """Removes objects for good.

    Args:
        site: The buckets.
        versions: Lists and removes versions.
        call: The invocation: gives a way to wait.
    """

    def __init__(self, site: Site, versions: ObjectVersions, call: Invocation) -> None:
        """Remove nothing yet."""
        self._site = site
        self._versions = versions
        self._call = call

    def look(self, bucket: str, prefix: str, which: Callable[[ListedVersion], bool]) -> Iterator[ListedVersion]:
        """Yield the versions below a prefix that are wanted. Raises as ``remove`` does."""
        return (one for one in self._versions.each(bucket, prefix) if which(one))

    def remove(self, bucket: str, prefix: str, which: Callable[[ListedVersion], bool] = lambda version: True) -> int:
        """Remove the versions below a prefix that are wanted, what holds nothing last; return how many there were.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault; what was not removed yet is there.
        """
        count, found, markers = 0, self.look(bucket, prefix, which), list[ListedVersion]()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while some := list(islice(found, _TOGETHER)):
                list(pool.map(lambda one: self._versions.remove(bucket, one), _of_kind(some, markers=False)))
                markers += _of_kind(some, markers=True)
                count += len(some)
            # Without its marker an older version would be the object again.
            list(pool.map(lambda one: self._versions.remove(bucket, one), markers))
        return count

    def one(self, key: str) -> int:
        """Remove all versions of one object of the output bucket; return how many there were. Raises as ``remove``."""
        return self.remove(self._site.output, key, lambda version: version.key == key)

    def each(
        self, prefix: str, judge: Callable[[bytes], bool], which: Callable[[ListedVersion], bool] = lambda one: True
    ) -> int:
        """Read all versions of small objects below a prefix of the output bucket, and remove those that are judged so.

        Args:
            prefix: Where they lie.
            judge: Tells of a content whether its version is removed.
            which: Tells which of them are read at all.

        Returns:
            How many were removed. Raises as ``remove`` does.
        """
        output, count = self._site.output, 0

        def visit(version: ListedVersion) -> bool:
            with suppress(ObjectGoneError):
                if judge(self._versions.read(self._site.in_output(version.key), version.version_id)):
                    self._versions.remove(output, version)
                    return True
            return False

        found = self.look(output, prefix, lambda one: not one.marker and which(one))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while some := list(islice(found, _TOGETHER)):
                count += sum(pool.map(visit, some))
        return count

    def strike(self, key: str, stays: Callable[[bytes], bool]) -> bool:
        """Write a list anew without some of its lines; tell whether it had any of them.

        OBS changes no byte of an object that is appended to. So what stays is kept elsewhere, all versions are removed,
        and what stays is appended again: death in between loses no line, see ``restore``. Who appends to the list in
        that very instant goes on behind or before what stays.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault, or the list takes no line.
        """
        lines = read_all(self._site.store, self._site.in_output(key)).splitlines(keepends=True)
        kept = [line for line in lines if stays(line)]
        if len(kept) == len(lines):
            return False
        if kept:
            rest = _Rest(key, tuple(line.decode("utf-8", "surrogateescape") for line in kept))
            self._site.store.write(self._rest(key), msgspec.json.encode(rest), "application/json")
        self.one(key)
        if kept:
            self._put_back(key, kept)
        return True

    def restore(self) -> None:
        """Put back what a run that died kept of lists that it was writing anew. Raises as ``strike`` does."""
        for item in list(self._site.store.list(self._site.output, LISTS)):
            with suppress(ObjectGoneError, msgspec.MsgspecError):
                rest = msgspec.json.decode(self._site.store.read(self._site.in_output(item.key)), type=_Rest)
                self._put_back(rest.list, [line.encode("utf-8", "surrogateescape") for line in rest.lines])

    def _put_back(self, key: str, kept: list[bytes]) -> None:
        """Append those of the lines that are not there; if others came first, their last line stays the last one."""
        ref = self._site.in_output(key)
        for number in range(TRIES):
            if number:
                self._call.pause(0.05)
            there = read_all(self._site.store, ref)
            known = there.splitlines(keepends=True)
            missing = [line for line in kept if line not in known]
            if not missing:
                self.one(self._rest(key).key)
                return
            with suppress(AppendConflictError):
                self._site.store.append(ref, len(there), b"".join([*missing, *known[-1:]]))
        raise UnavailableError(f"The list {key} took no line in {TRIES} tries.")

    def _rest(self, key: str) -> ObjectRef:
        return self._site.in_output(f"{LISTS}{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}.json")


def _of_kind(versions: list[ListedVersion], *, markers: bool) -> list[ListedVersion]:
    return [one for one in versions if one.marker == markers]
