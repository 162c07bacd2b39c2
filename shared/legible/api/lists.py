"""Read-only queries of many documents: a part of the list by time or by key."""

from __future__ import annotations

import base64
import heapq
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from itertools import islice
from typing import NamedTuple, TypeVar

import msgspec
from msgspec import Struct

from legible.api.lookup import Lookup
from legible.errors import DocumentError, RejectedError
from legible.model.documents import NEVER, Reason, Selection, Status
from legible.operations import routing
from legible.operations.routing import Routing
from legible.ports import Invocation
from legible.results.publication import Publisher
from legible.workbooks.listing import Candidate, Selector

#: How many objects are requested at once, and how many documents are looked at, at most, for one part of a list.
_AT_ONCE, MOST_LOOKED = 8, 400
#: How much of a request's time is kept free to look at the documents of a part, and to reply, in seconds.
_LOOK_SECONDS = 10.0


class _Newest(NamedTuple):
    """Where a part of the list by time begins: after the document with that negative upload time and that name."""

    at: float
    name: str


class _ByKey(NamedTuple):
    """Where a part of the list by keys begins: after that key."""

    key: str


_Place = TypeVar("_Place", _Newest, _ByKey)


class ListedDocument(Struct, frozen=True):
    """A document in a list. ``size`` is in bytes, and known only while the upload is there.

    ``doubtful`` counts the values that somebody should look at, ``empty`` the pages on which nothing was recognized.
    ``reason`` says why nobody works on a running one.
    """

    key: str
    version: str
    status: Status
    operation: str = ""
    revision: int = 0
    size: int | None = None
    uploaded_at: datetime | None = None
    doubtful: int = 0
    reason: Reason | None = None
    empty: int = 0


#: Tells whether a document is wanted; None for all.
Fits = Callable[[ListedDocument], bool] | None


class DocumentLists:
    """Lists documents, a part at a time.

    Args:
        call: The invocation: gives the time left.
        selector: Finds the documents of both buckets.
        lookup: Finds uploads that have no result.
        publisher: Finds published results.
        rules: Lead from a key to an operation.
        most_looked: How many documents are looked at, at most, for one part of the list.
    """

    def __init__(
        self,
        call: Invocation,
        selector: Selector,
        lookup: Lookup,
        publisher: Publisher,
        rules: Routing,
        most_looked: int = MOST_LOOKED,
    ) -> None:
        """Look at nothing yet."""
        self._call = call
        self._selector = selector
        self._lookup = lookup
        self._publisher = publisher
        self._rules = rules
        self._most_looked = most_looked

    def newest(
        self, prefix: str = "", fits: Fits = None, limit: int = 50, cursor: str = ""
    ) -> tuple[list[ListedDocument], str]:
        """Return a part of the list of documents, the newest upload first, and the cursor of the next part.

        Args:
            prefix: The beginning of the keys.
            fits: Lists only documents that fit; if these are rare, the part may have fewer than ``limit``.
            limit: How many documents at most.
            cursor: Where the part begins; empty for the first.

        Raises:
            RejectedError: The cursor is not valid, or there is no time to put so many documents in order.
            UnavailableError: The store has a passing fault.
        """
        most = self._most_looked if fits else limit
        # One more than is looked at tells whether there is a next part, so that both buckets are listed once.
        candidates = self._candidates(prefix, _read_cursor(cursor, _Newest), most + 1)
        listed, last = self._looked(candidates, fits, limit, most)
        return listed, _cursor(_place(last)) if last else ""

    def by_key(
        self, prefix: str = "", fits: Fits = None, limit: int = 50, cursor: str = ""
    ) -> tuple[list[ListedDocument], str]:
        """Return a part of the list of uploads in the order of keys; it takes the same time for any number of them.

        Documents whose upload is gone are not in it, even with results. Arguments and errors are as for ``newest``.
        """
        most, begin = self._most_looked if fits else limit, _read_cursor(cursor, _ByKey)
        candidates = list(islice(self._selector.uploads(prefix, begin.key if begin else ""), most + 1))
        listed, last = self._looked(candidates, fits, limit, most)
        return listed, _cursor(_ByKey(last.key)) if last else ""

    def _looked(
        self, candidates: list[Candidate], fits: Fits, limit: int, most: int
    ) -> tuple[list[ListedDocument], Candidate | None]:
        """Look at candidates until enough fit; return those, and the last one looked at if more follow."""
        fitting, place = list[ListedDocument](), 0
        with ThreadPoolExecutor(_AT_ONCE) as together:
            while place < min(most, len(candidates)) and len(fitting) < limit:
                for one in together.map(self._listed, candidates[place : min(place + limit, most)]):
                    if len(fitting) == limit:
                        break
                    place += 1
                    if fits is None or fits(one):
                        fitting.append(one)
        return fitting, candidates[place - 1] if place < len(candidates) else None

    def _candidates(self, prefix: str, after: _Newest | None, count: int) -> list[Candidate]:
        """Return the newest candidates after a place in the list; memory holds only as many as are returned."""
        with ExitStack() as opened:
            each: Iterator[Candidate] = iter(self._selector.find(Selection(prefix), opened, timely=self._timely))
            return heapq.nsmallest(count, (one for one in each if after is None or _place(one) > after), key=_place)

    def _timely(self) -> None:
        if self._call.remaining() < _LOOK_SECONDS:
            raise RejectedError(
                "There are too many documents to put the newest first in the time of one request.",
                code="too-many-documents",
                advice="Ask for a longer `prefix`, or for `order=key`, which takes no longer however many there are.",
            )

    def _listed(self, candidate: Candidate) -> ListedDocument:
        key = candidate.key or candidate.name
        published = self._publisher.filed(candidate.name)
        newer = (candidate.uploaded_at or NEVER) > (
            (published and published.uploaded_at) or candidate.uploaded_at or NEVER
        )
        if published is None or (newer and candidate.key):
            return self._waiting(candidate, key)
        return ListedDocument(
            key, published.version, published.status, published.operation, published.revision, candidate.length,
            published.uploaded_at or candidate.uploaded_at, published.doubtful, empty=published.empty,
        )  # fmt: skip

    def _waiting(self, candidate: Candidate, key: str) -> ListedDocument:
        """Return a document that has no result yet, with the operation that its route names."""
        reason = None
        try:
            document = self._lookup.uploaded(key)
            reason = self._lookup.unfinished(document) if document else None
            operation = routing.route(key, self._rules, document.order if document else None).operation.slug
        except DocumentError:  # no route, or no access: the list shows what it can
            document, operation = None, ""
        version = document.version if document else candidate.etag
        return ListedDocument(
            key, version, "running", operation, 0, candidate.length, candidate.uploaded_at, reason=reason
        )  # fmt: skip


def _place(candidate: Candidate) -> _Newest:
    """Return the sort key of a candidate: the newest comes first."""
    return _Newest(-(candidate.uploaded_at or NEVER).timestamp(), candidate.name)


def _cursor(place: _Newest | _ByKey) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode()


def _read_cursor(cursor: str, kind: type[_Place]) -> _Place | None:
    if not cursor:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor.encode()), type=kind)
    except (msgspec.MsgspecError, ValueError):
        raise RejectedError(
            "The cursor is not valid.", code="bad-cursor", advice="Use the one that the previous part gave."
        ) from None
