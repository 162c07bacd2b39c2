"""Selects the documents of a file over many, from listings of both buckets, whatever their number."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from functools import reduce
from heapq import merge
from itertools import groupby, islice
from operator import attrgetter
from pathlib import Path
from typing import IO, Any

from msgspec import Struct

from legible.model import layout, messages
from legible.model.documents import ObjectRef, Selection
from legible.model.layout import RECORD
from legible.ports import ListedObject, Site

#: So many are put in order in memory; lists come in order but for a few names.
TOGETHER = 10_000


class Candidate(Struct, frozen=True, array_like=True):
    """What the listings tell of one document.

    ``name`` is what its results are filed under. ``key`` and ``etag`` are those of what lies in the input bucket, empty
    where nothing does or nobody asked, and ``length`` its size; ``uploaded_at`` is that object's time, else the
    record's. ``size`` is that of its ``record.json``; None where lists have none. Sizes in bytes.
    """

    name: str
    key: str = ""
    etag: str = ""
    size: int | None = None
    uploaded_at: datetime | None = None
    length: int | None = None

    def joined(self, other: Candidate) -> Candidate:
        """Return what this and another list tell together."""
        first, second = (self, other) if self.key else (other, self)
        size = first.size if second.size is None else second.size
        return Candidate(self.name, first.key, first.etag, size, first.uploaded_at or second.uploaded_at, first.length)


class Candidates:
    """The documents of a selection, in the order of their names, or in that of a list of keys; kept on the disk.

    Args:
        count: How many there are.
        each: Yields them, once.
        asked: Whether they were named one by one: then a record may be there though no list tells of it.
    """

    def __init__(self, count: int, each: Iterator[Candidate], *, asked: bool = False) -> None:
        """Begin before the first document."""
        self.count = count
        self.asked = asked
        self._each = each

    def __iter__(self) -> Iterator[Candidate]:
        """Yield them."""
        return self._each


class Selector:
    """Finds the documents of selections.

    Args:
        site: Where documents and results lie.
        marker: The name of an object that says that a folder is complete; it is no document.
        together: How many documents are put in order in memory.
    """

    def __init__(self, site: Site, marker: str, together: int = TOGETHER) -> None:
        """Find documents in its two buckets."""
        self._together = together
        self._site = site
        self._marker = marker

    def folder_of(self, ref: ObjectRef) -> str | None:
        """Return the folder that a marker says is complete, with its slash; None for anything else."""
        folder, _, name = ref.key.rpartition("/")
        is_marker = bool(self._marker) and name == self._marker and ref.bucket == self._site.input
        return (f"{folder}/" if folder else "") if is_marker else None

    def find(
        self,
        selection: Selection,
        opened: ExitStack,
        folder: Path | None = None,
        timely: Callable[[], None] = lambda: None,
    ) -> Candidates:
        """Return the documents of a selection.

        What was uploaded is listed first: what ends meanwhile has its record by then.

        Args:
            selection: Which.
            opened: Holds what lies on the disk as long as it is needed.
            folder: Where on the disk; else where temporary files go.
            timely: Called for each object that a list names; raises where that takes too long.
        """
        if selection.keys is not None:
            named = (Candidate(layout.shortened(key), key) for key in selection.keys)
            return Candidates(len(selection.keys), named, asked=True)
        with ExitStack() as closing:
            begin = lambda: closing.enter_context(tempfile.TemporaryFile(dir=folder))  # noqa: E731
            listed = (self._uploads(selection), self._results(selection))
            runs = [run for items in listed for run in _runs(_timed(items, timely), begin, self._together)]
            count = sum(1 for _ in _joined(runs))
            opened.push(closing.pop_all())
        return Candidates(count, _joined(runs))

    def _results(self, selection: Selection) -> Iterator[Candidate]:
        """Yield documents that have results, as far as a listing tells; their records tell the rest."""
        for item in self._site.store.list(self._site.output, layout.results_below(selection.prefix)):
            name = layout.result_of(item.key, RECORD)
            if name is not None and _may_be_of(selection.day, item.modified_at):
                yield Candidate(name, size=item.size, uploaded_at=item.modified_at)

    def _uploads(self, selection: Selection) -> Iterator[Candidate]:
        """Yield the documents in the input bucket; none for a day, which selects by when documents ended."""
        if selection.day is None:
            yield from self.uploads(selection.prefix)

    def uploads(self, prefix: str, after: str = "") -> Iterator[Candidate]:
        """Yield what lies in the input bucket below a prefix and behind a key, in the order of keys."""
        for item in self._documents(prefix, after):
            yield Candidate(layout.shortened(item.key), item.key, item.etag, None, item.modified_at, item.size)

    def _documents(self, prefix: str, after: str) -> Iterator[ListedObject]:
        for item in self._site.store.list(self._site.input, prefix, after):
            own = self._site.input == self._site.output and item.key.startswith(layout.OWN)
            marker = self.folder_of(ObjectRef(self._site.input, item.key)) is not None
            if not own and not marker and (item.size or not item.key.endswith("/")):
                yield item


def _may_be_of(day: date | None, modified_at: datetime | None) -> bool:
    """Tell whether a record that was last written then may be one that ended on a day; it may be rebuilt later."""
    return day is None or modified_at is None or modified_at.date() >= day - timedelta(days=1)


def _timed(items: Iterable[Candidate], timely: Callable[[], None]) -> Iterator[Candidate]:
    for item in items:
        timely()
        yield item


_NAME: Callable[[Any], str] = attrgetter("name")


def _runs(items: Iterable[Candidate], begin: Callable[[], IO[bytes]], together: int) -> list[IO[bytes]]:
    """Write items into files, each in the order of their names: one file where they come nearly so."""
    runs, last, rest = list[IO[bytes]](), "", iter(items)
    while batch := sorted(islice(rest, together), key=_NAME):
        if not runs or batch[0].name < last:
            runs.append(begin())
        for item in batch:
            messages.send(runs[-1], item)
        last = batch[-1].name
    return runs


def _joined(runs: list[IO[bytes]]) -> Iterator[Candidate]:
    """Yield one item a name, with what every list tells of it."""
    for _, same in groupby(merge(*map(_read, runs), key=_NAME), key=_NAME):
        yield reduce(Candidate.joined, same)


def _read(run: IO[bytes]) -> Iterator[Candidate]:
    run.seek(0)
    while (item := messages.receive(run, Candidate)) is not None:
        yield item
