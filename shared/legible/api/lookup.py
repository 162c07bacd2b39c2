"""What is known of documents: one of them, or the newest ones; nothing is changed by looking."""

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

from legible.documents import uploads
from legible.documents.intake import Documents
from legible.errors import DocumentError, ObjectGoneError, RejectedError, SkippedError
from legible.ledger.ledger import Ledger
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import NEVER, Document, ObjectRef, Reason, Selection, Status, Upload
from legible.model.layout import RECORD
from legible.operations import routing
from legible.operations.routing import Routing
from legible.outputs.record import HEAD_BYTES, document_of
from legible.ports import ObjectStore, Wanted
from legible.results.publication import Published, Publisher
from legible.workbooks.listing import Candidate, Selector

#: So many objects are asked for at once, and so many of a list at most for one part of it.
_AT_ONCE, _MOST_LOOKED = 8, 400
#: What is kept free of a request's time to look at the documents of a part, and to reply, in seconds.
_LOOK_SECONDS = 10.0


class _Newest(NamedTuple):
    """Where a part of the list by time begins: behind what was uploaded then, negative, and has that name."""

    at: float
    name: str


class _ByKey(NamedTuple):
    """Where a part of the list by keys begins: behind that key."""

    key: str


_Place = TypeVar("_Place", _Newest, _ByKey)


class Known(Struct, frozen=True):
    """A document as it stands: which version, how its pages are, what was published of it, whether it is worked on."""

    document: Document
    state: State
    published: Published | None = None
    held: bool = False

    @property
    def status(self) -> Status:
        """How it ended; ``running`` before that, and as long as its results are on their way."""
        finished = self.state.finished
        if finished is None or finished.status is None or self.published is None:
            # An event that could not be read, and an object that is gone, have a result that no journal tells of.
            return self.published.status if self.published and not self.state.lines else "running"
        return finished.status

    @property
    def reason(self) -> Reason | None:
        """Why it is not done; also where no function has begun on it yet."""
        if not self.state.lines and self.published is None:
            return Reason(
                "not-begun", "No function has begun to read it.",
                "If this stays so, check the trigger of on_upload, or have it tried again.",
            )  # fmt: skip
        return self.state.finished.reason if self.state.finished else None

    @property
    def pages(self) -> int:
        """How many pages are called for; 0 where that is not known yet."""
        claimed = self.state.committed or next((line for line in reversed(self.state.lines) if line.operation), None)
        return claimed.pages if claimed else 0


class ListedDocument(Struct, frozen=True):
    """A document in a list. ``size`` in bytes, as long as the upload is there.

    ``doubtful`` counts the values that somebody should look at.
    """

    key: str
    version: str
    status: Status
    operation: str = ""
    revision: int = 0
    size: int | None = None
    uploaded_at: datetime | None = None
    doubtful: int = 0


#: Which documents are wanted; None for all.
Fits = Callable[[ListedDocument], bool] | None


class Lookup:
    """Finds what is known.

    Args:
        store: Where documents and results lie.
        input_bucket: Where documents come from.
        output: Where results lie.
        ledger: How documents stand.
        publisher: What was published.
        documents: Tells which version an upload is.
        rules: From key to operation.
        marker: The name of an object that says that a folder is complete; it is no document.
        remaining: How many seconds are left to look.
    """

    def __init__(
        self,
        store: ObjectStore,
        input_bucket: str,
        output: str,
        *,
        ledger: Ledger,
        publisher: Publisher,
        documents: Documents,
        rules: Routing,
        marker: str,
        remaining: Callable[[], float],
    ) -> None:
        """See the class."""
        self._store = store
        self._input = input_bucket
        self._output = output
        self._ledger = ledger
        self._publisher = publisher
        self._documents = documents
        self._rules = rules
        self._selector = Selector(store, input_bucket, output, marker)
        self._remaining = remaining

    def find(self, key: str, version: str = "") -> Known:
        """Return what is known of a document.

        Args:
            key: Its decoded key.
            version: Which of its versions; the newest if none is named.

        Raises:
            ObjectGoneError: There is no such document.
            UnavailableError: The store has a passing fault.
        """
        document = self._uploaded(key)
        if version and (document is None or document.version != version):
            document = Document(self._bucket(key), key, version)
        if document is None:
            standing = self._publisher.standing(key)
            document = Document(self._bucket(key), key, standing.version if standing else "")
        return self._known(document)

    def newest(
        self, prefix: str = "", fits: Fits = None, limit: int = 50, cursor: str = ""
    ) -> tuple[list[ListedDocument], str]:
        """Return a part of the list of documents, the newest upload first, and the cursor of the part behind it.

        Args:
            prefix: What keys begin with.
            fits: Only such documents; of many others the part may have fewer than ``limit``.
            limit: How many at most.
            cursor: Where the part begins; empty for the first.

        Raises:
            RejectedError: The cursor is none of ours, or there is no time to put so many in order.
            UnavailableError: The store has a passing fault.
        """
        most = _MOST_LOOKED if fits else limit
        # One more than is looked at tells whether there is a part behind, and both buckets are listed once.
        candidates = self._candidates(prefix, _read_cursor(cursor, _Newest), most + 1)
        found, last = self._looked(candidates, fits, limit, most)
        return found, _cursor(_place(last)) if last else ""

    def by_key(
        self, prefix: str = "", fits: Fits = None, limit: int = 50, cursor: str = ""
    ) -> tuple[list[ListedDocument], str]:
        """Return a part of the list of uploads by their keys, which takes no longer however many there are.

        What has results and lies in the input bucket no more is not in it. Arguments and errors are as of ``newest``.
        """
        most, begin = _MOST_LOOKED if fits else limit, _read_cursor(cursor, _ByKey)
        candidates = list(islice(self._selector.uploads(prefix, begin.key if begin else ""), most + 1))
        found, last = self._looked(candidates, fits, limit, most)
        return found, _cursor(_ByKey(last.key)) if last else ""

    def _looked(
        self, candidates: list[Candidate], fits: Fits, limit: int, most: int
    ) -> tuple[list[ListedDocument], Candidate | None]:
        """Look at candidates until enough are found; return the last one looked at, if there are more behind it."""
        found, place = list[ListedDocument](), 0
        with ThreadPoolExecutor(_AT_ONCE) as together:
            while place < min(most, len(candidates)) and len(found) < limit:
                for one in together.map(self._listed, candidates[place : min(place + limit, most)]):
                    if len(found) == limit:
                        break
                    place += 1
                    if fits is None or fits(one):
                        found.append(one)
        return found, candidates[place - 1] if place < len(candidates) else None

    def _candidates(self, prefix: str, after: _Newest | None, count: int) -> list[Candidate]:
        """Return the newest candidates behind a place in the list; however many there are, memory holds no more."""
        with ExitStack() as opened:
            each: Iterator[Candidate] = iter(self._selector.find(Selection(prefix), opened, timely=self._timely))
            return heapq.nsmallest(count, (one for one in each if after is None or _place(one) > after), key=_place)

    def _timely(self) -> None:
        if self._remaining() < _LOOK_SECONDS:
            raise RejectedError(
                "There are too many documents to put the newest first in the time of one request.",
                code="too-many-documents",
                advice="Ask for a longer `prefix`, or for `order=key`, which takes no longer however many there are.",
            )

    def _listed(self, candidate: Candidate) -> ListedDocument:
        key = candidate.key or candidate.name
        published = self._publisher.standing(key)
        newer = (candidate.uploaded_at or NEVER) > (
            (published and published.uploaded_at) or candidate.uploaded_at or NEVER
        )
        if published is None or (newer and candidate.key):
            return self._waiting(candidate, key)
        return ListedDocument(
            key, published.version, published.status, published.operation, published.revision, candidate.length,
            published.uploaded_at or candidate.uploaded_at, published.doubtful,
        )  # fmt: skip

    def _waiting(self, candidate: Candidate, key: str) -> ListedDocument:
        """Return a document that has no result yet; what it will be read by, its route tells."""
        try:
            document = self._uploaded(key)
            operation = routing.route(key, self._rules, document.order if document else None).operation.slug
        except DocumentError:  # no route, or no access: of one among many the list tells what it can
            document, operation = None, ""
        version = document.version if document else candidate.etag
        return ListedDocument(key, version, "running", operation, 0, candidate.length, candidate.uploaded_at)

    def _uploaded(self, key: str) -> Document | None:
        """Return the newest upload of a key, as far as it lies in the input bucket."""
        try:
            document, error = self._documents.locate(Upload(ObjectRef(self._input, key)))
        except SkippedError:
            return None
        if isinstance(error, ObjectGoneError):
            return None
        if isinstance(error, DocumentError) and not document.etag:  # it could not even be looked at
            raise error
        return document

    def _bucket(self, key: str) -> str:
        """Return the bucket that journals of a key are filed under."""
        unreadable = key.startswith(f"{layout.UNREADABLE}/")
        return uploads.UNREADABLE_BUCKET if unreadable else self._input

    def _known(self, document: Document) -> Known:
        state, _ = self._ledger.load(document)
        published = self._publisher.known(document)
        if not document.etag and not state.lines and published is None:
            raise ObjectGoneError("There is no such document.", code="document-not-found")
        if published is not None and not document.etag:
            first = self._store.read(
                ObjectRef(self._output, layout.version(document, RECORD)), Wanted(first=0, last=HEAD_BYTES - 1)
            )
            document = document_of(first)
        return Known(document, state, published, state.held(self._ledger.now()))


def _place(candidate: Candidate) -> _Newest:
    """Return what puts candidates in order: the newest first."""
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
            "The cursor is none of ours.", code="bad-cursor", advice="Take the one that the part before gave."
        ) from None
