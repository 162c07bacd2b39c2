"""The records of many documents, one after the other: small ones read ahead, large ones a few values at a time."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from typing import NamedTuple

import msgspec

from legible.errors import ObjectGoneError, ReplacedError, UnavailableError
from legible.extraction.contents import Contents
from legible.model import layout
from legible.model.documents import Document, ObjectRef, Reason
from legible.model.layout import RECORD
from legible.model.records import Recognized, Record
from legible.outputs import record_reader
from legible.outputs.record import HEAD_BYTES, document_of
from legible.outputs.record_reader import ReadLimits
from legible.ports import PART, Site, Wanted, ranges
from legible.workbooks.listing import Candidate, Candidates

#: So many records are read ahead.
_AHEAD = 16
_TRIES = 3


class RecordLimits(NamedTuple):
    """How records are read.

    One of at most ``small`` bytes is read ahead and whole; others are read one at a time, in parts of at most ``part``
    bytes, as far as ``reading`` lets memory hold them.
    """

    small: int = 1_000_000
    part: int = PART
    reading: ReadLimits = ReadLimits()


USUAL = RecordLimits()


class Fetched(NamedTuple):
    """One document and its record; ``parts`` is what was recognized, where the record itself does not hold it."""

    candidate: Candidate
    record: Record | None
    parts: Recognized | None = None


class Records:
    """Reads the records of many documents.

    Args:
        site: Where they lie.
        limits: How large ones are read.
    """

    def __init__(self, site: Site, limits: RecordLimits = USUAL) -> None:
        """Read the records of its two buckets."""
        self._limits = limits
        self._site = site

    def each(self, candidates: Candidates) -> Iterator[Fetched]:
        """Yield the documents in their order; ``record`` is None where there is none. Each counts until the next.

        Raises:
            UnavailableError: The store has a passing fault, or a record is rewritten again and again.
        """
        waiting: deque[tuple[Candidate, Future[bytes | int | None]]] = deque()
        with ThreadPoolExecutor(_AHEAD) as pool:
            for candidate in candidates:
                waiting.append((candidate, pool.submit(self._body, candidate, asked=candidates.asked)))
                if len(waiting) >= _AHEAD:
                    yield from self._next(waiting)
            while waiting:
                yield from self._next(waiting)

    def _body(self, candidate: Candidate, *, asked: bool) -> bytes | int | None:
        """Return the bytes of a record, or its size where it is not small; None where there is none."""
        ref = self._ref(candidate)
        try:
            size = self._site.store.head(ref).size if asked else candidate.size
            if size is None or size > self._limits.small:
                return size
            return self._site.store.read(ref)
        except ObjectGoneError:
            return None

    def _next(self, waiting: deque[tuple[Candidate, Future[bytes | int | None]]]) -> Iterator[Fetched]:
        candidate, done = waiting.popleft()
        with ExitStack() as opened:
            yield self._fetched(candidate, done.result(), opened)

    def _fetched(self, candidate: Candidate, body: bytes | int | None, opened: ExitStack) -> Fetched:
        try:
            if isinstance(body, int):
                return self._large(candidate, opened)
            return Fetched(candidate, None if body is None else msgspec.json.decode(body, type=Record))
        except ObjectGoneError:
            return Fetched(candidate, None)
        except ValueError:
            return Fetched(candidate, self._unread(candidate, body))

    def _large(self, candidate: Candidate, opened: ExitStack) -> Fetched:
        """Read a record a few values at a time."""
        ref = self._ref(candidate)
        for _ in range(_TRIES):
            contents, head = opened.enter_context(Contents()), self._site.store.head(ref)
            wanted = (
                Wanted(etag=head.etag, first=first, last=last) for first, last in ranges(head.size, self._limits.part)
            )
            with suppress(ReplacedError):
                parts = (self._site.store.read(ref, part) for part in wanted)
                return Fetched(candidate, record_reader.read(parts, contents, self._limits.reading), contents)
        raise UnavailableError(f"{ref} is rewritten again and again.", advice="Build the file again later.")

    def _unread(self, candidate: Candidate, body: bytes | int | None) -> Record:
        """Return what the index says of a record that cannot be read here; nothing of its content is listed."""
        with suppress(ObjectGoneError, ValueError):
            if isinstance(body, int):
                return self._indexed(self._ref(candidate), body)
        reason = Reason(
            "record-unreadable", "Its record was changed by something else.", "Run `legible rebuild` for it."
        )
        return Record(
            document=Document(self._site.input, candidate.key or candidate.name, ""), status="dead", reason=reason
        )

    def _indexed(self, ref: ObjectRef, size: int) -> Record:
        """Return who a large record is about, and how that ended."""
        head = self._site.store.head(ref)
        status = json.loads(head.metadata.get("legible", "{}")).get("status", "done")
        document = document_of(self._site.store.read(ref, Wanted(first=0, last=HEAD_BYTES - 1)))
        message = f"Its record of {size / 1e6:.0f} MB is not as Legible writes it; what is in it is not listed here."
        reason = Reason("too-large-to-collect", message, "Open its own record.xlsx, or run `legible rebuild` for it.")
        return Record(document=document, status=status, reason=reason, finished_at=head.modified_at)

    def _ref(self, candidate: Candidate) -> ObjectRef:
        return self._site.in_output(layout.filed(candidate.name, RECORD))
