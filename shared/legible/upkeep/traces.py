"""Where a document lies in both buckets: its own places, and the shared ones that name it."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from typing import NamedTuple

import msgspec
from msgspec import Struct

from legible.documents.identity import etag_of
from legible.errors import ObjectGoneError
from legible.ledger.changes import first_part
from legible.ledger.content import Holder, md5_of
from legible.ledger.tombstones import Erasure
from legible.model import layout
from legible.model.documents import Document, Upload
from legible.model.notices import Notice
from legible.ports import Site
from legible.ports.versions import ListedVersion
from legible.results.publication import Publisher
from legible.upkeep.eraser import Eraser

#: What is read to see whether it names a document, and removed if it does: an upload that waits, a notice.
_QUEUES = (layout.WAITING, f"{layout.HELD}uploads/")
#: Where lists lie whose lines name documents: those that ended and are not done.
_LISTS = (layout.ENDS,)
#: What is begun anew where it is not there is removed where it names a document: how far a sweep or a backfill stood.
_REMOVABLE = (layout.SWEEP, layout.BACKFILLS)
_MD5 = re.compile(r"[0-9a-f]{32}")
#: The part of a key by which a request with a key of its own is known (``Submitter.key_of``).
_REQUEST = re.compile(r"(?:^|/)[0-9]{4}-[0-9]{2}-[0-9]{2}-([0-9a-f]{32})/")


class FoundTraces(NamedTuple):
    """What is there of a document: the names of its versions, how many versions its upload has, whether any result."""

    versions: tuple[str, ...]
    uploads: int
    results: bool

    @property
    def nothing(self) -> bool:
        """Whether there is nothing of it."""
        return not (self.versions or self.uploads or self.results)


class _Waiting(Struct, frozen=True):
    upload: Upload


class _QueuedTold(Struct, frozen=True):
    notice: Notice


class DocumentTraces:
    """Finds and removes what is there of documents.

    Args:
        site: The buckets.
        eraser: Removes objects for good.
        publisher: Tells whose results are published under a key.
    """

    def __init__(self, site: Site, eraser: Eraser, publisher: Publisher) -> None:
        """Look at nothing yet."""
        self._site = site
        self._eraser = eraser
        self._publisher = publisher

    def find(self, key: str, at: datetime) -> FoundTraces:
        """Return what is there of a document that was uploaded until then. Raises as ``Eraser.remove`` does."""
        uploads = sum(1 for _ in self._eraser.look(self._site.input, key, _uploaded(key, at)))
        names = dict.fromkeys(self._journals(key))
        for folder in ("answers", "work"):
            below = f"{folder}/{layout.shortened(key)}/"
            for one in self._look(below, lambda rest: rest.count("/") == 1):
                names[one.key[len(below) :].partition("/")[0]] = None
        results = any(True for _ in self._look(layout.results(key, ""), _flat))
        return FoundTraces(tuple(names), uploads, results)

    def contents(self, key: str, at: datetime) -> tuple[str, ...]:
        """Return below which prefixes documents are listed that have the contents of what was uploaded until then.

        What was encrypted, or uploaded in parts, is read to learn its digest. Raises as ``Eraser.remove`` does.
        """
        ref, found = self._site.in_input(key), dict[str, None]()
        for one in self._eraser.look(self._site.input, key, _uploaded(key, at)):
            version_id = "" if one.version_id == "null" else one.version_id
            with suppress(ObjectGoneError):
                head = None if one.marker else self._site.store.head(ref, version_id)
                if head is not None:
                    document = Document(ref.bucket, key, "", head.etag, version_id, head.size)
                    found[layout.content(md5_of(self._site.store, document), head.size, "").removesuffix(".jsonl")] = (
                        None
                    )
        return tuple(found)

    def remove_upload(self, erasure: Erasure) -> int:
        """Remove what was uploaded, all versions until then; return how many. Raises as ``Eraser.remove`` does."""
        return self._eraser.remove(self._site.input, erasure.key, _uploaded(erasure.key, erasure.at))

    def remove_own(self, erasure: Erasure) -> int:
        """Remove answers, corrections, pages and results; return how many objects. Raises as ``Eraser.remove`` does."""
        name, count, output = layout.shortened(erasure.key), 0, self._site.output
        for version in erasure.versions:
            for folder in ("answers", "work"):
                below = f"{folder}/{name}/{version}/"
                count += self._eraser.remove(output, below, _below(below, _flat))
        published = self._publisher.filed(name)
        if "results" not in erasure.keep and (published is None or published.version in erasure.versions):
            below = layout.results(erasure.key, "")
            count += self._eraser.remove(output, below, _below(below, _flat))
        return count

    def remove_shared(self, erasures: Collection[Erasure]) -> int:
        """Remove documents from what many share; return from how many objects. Raises as ``Eraser.remove`` does."""
        by_key = {one.key: one for one in erasures}
        count = sum(self._eraser.each(prefix, lambda body: _waits(body, by_key)) for prefix in _QUEUES)
        count += self._eraser.each(layout.OUTBOX, lambda body: _tells(body, by_key))
        quoted = [msgspec.json.encode(key) for key in by_key]
        for prefix in _LISTS:
            listed = [one.key for one in self._site.store.list(self._site.output, prefix)]
            count += sum(self._eraser.strike(key, _unnamed(quoted)) for key in listed if key.endswith(".jsonl"))
        for prefix in _REMOVABLE:
            count += self._eraser.each(prefix, lambda body: not _unnamed(quoted)(body))
        return count + self._strike_contents(by_key) + sum(map(self._remove_singles, erasures))

    def remove_journals(self, erasure: Erasure, closed: Callable[[Document], bool]) -> int:
        """Remove the journals of a document's versions, and the lists of its versions; return how many objects.

        Args:
            erasure: Which document.
            closed: Tells whether a journal is that of what is forgotten, and not of a new upload of the same bytes.
        """
        below, output, count = layout.journals(self._site.input, erasure.key), self._site.output, 0
        for version in erasure.versions:
            if closed(Document(self._site.input, erasure.key, version)):
                stem = f"{below}{version}"
                count += self._eraser.remove(output, stem, _part_of(stem))
        others = set(self._journals(erasure.key)) - set(erasure.versions)
        for item in list(self._look(f"{below}{layout.NEWEST}", _flat)):
            if others:
                self._eraser.strike(item.key, lambda line: not any(one.encode() in line for one in erasure.versions))
            else:
                count += self._eraser.one(item.key)
        return count

    def _journals(self, key: str) -> Iterator[str]:
        """Yield the names of the versions that have a journal."""
        below = layout.journals(self._site.input, key)
        for one in self._look(below, _flat):
            if journal := first_part(one.key):
                yield journal[len(below) :].removesuffix(".jsonl")

    def _look(self, below: str, which: Callable[[str], bool]) -> Iterator[ListedVersion]:
        return self._eraser.look(self._site.output, below, _below(below, which))

    def _strike_contents(self, by_key: dict[str, Erasure]) -> int:
        """Remove documents from the lists of documents of one content; copies under other keys stay in them."""
        count, unknown = 0, dict(by_key)
        for key, erasure in by_key.items():
            named = {etag_of(version) for version in erasure.versions}
            struck = sum(
                self._strike(prefix, {key: erasure})
                for prefix in {*erasure.contents, *(f"contents/{md5}-" for md5 in named if _MD5.fullmatch(md5))}
            )
            count += struck
            if struck or erasure.contents:
                unknown.pop(key, None)
        # An upload that is gone, and was encrypted or came in parts, is not named by its content: its list is looked
        # for among all.
        unknown = {key: one for key, one in unknown.items() if one.emptied is None and one.since is not None}
        return count + (self._strike("contents/", unknown) if unknown else 0)

    def _strike(self, prefix: str, by_key: dict[str, Erasure]) -> int:
        listed = [one.key for one in self._site.store.list(self._site.output, prefix)]
        return sum(self._eraser.strike(key, _not_held(by_key)) for key in listed)

    def _remove_singles(self, erasure: Erasure) -> int:
        """Remove the journals of the requests and of the ticket by which a document came."""
        names = [layout.request(found) for found in _REQUEST.findall(erasure.key)]
        names.append(layout.ticket(Document(self._site.input, erasure.key, "")))
        return sum(map(self._eraser.one, names))


def _uploaded(key: str, at: datetime) -> Callable[[ListedVersion], bool]:
    """Return what tells whether a version is one of a document that was uploaded until then, in whole seconds."""
    return lambda one: (
        one.key == key and (one.modified_at is None or int(one.modified_at.timestamp()) <= at.timestamp())
    )


def _below(below: str, which: Callable[[str], bool]) -> Callable[[ListedVersion], bool]:
    return lambda one: which(one.key[len(below) :])


def _part_of(stem: str) -> Callable[[ListedVersion], bool]:
    return lambda one: layout.number_in_list(stem, one.key) > 0


def _flat(rest: str) -> bool:
    return "/" not in rest


def _waits(body: bytes, by_key: dict[str, Erasure]) -> bool:
    """Tell whether an upload that waits is one of these documents; one that came later is another document."""
    try:
        upload = msgspec.json.decode(body, type=_Waiting).upload
    except (ValueError, UnicodeDecodeError):
        return False
    erasure = by_key.get(upload.ref.key) or by_key.get(upload.raw_key)
    return erasure is not None and (upload.at is None or upload.at <= erasure.at)


def _tells(body: bytes, by_key: dict[str, Erasure]) -> bool:
    try:
        told = msgspec.json.decode(body, type=_QueuedTold).notice.data
    except (ValueError, UnicodeDecodeError):
        return False
    return told.key in by_key and told.version in by_key[told.key].versions


def _unnamed(quoted: Iterable[bytes]) -> Callable[[bytes], bool]:
    names = tuple(quoted)
    return lambda text: not any(name in text for name in names)


def _not_held(by_key: dict[str, Erasure]) -> Callable[[bytes], bool]:
    def stays(line: bytes) -> bool:
        try:
            holder = msgspec.json.decode(line, type=Holder)
        except (ValueError, UnicodeDecodeError):
            return True
        return holder.key not in by_key or holder.version not in by_key[holder.key].versions

    return stays
