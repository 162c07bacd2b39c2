"""What is counted for a quote, by what makes documents alike before they are opened. Values only."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from legible.model.quotes import Estimate, Quote, QuotedOperation
from legible.upkeep.expected import PAGE_BYTES, PAGED
from legible.upkeep.limits import Price
from legible.upkeep.look import Looked
from legible.upkeep.sampling import Moments, SampledStratum, estimate
from legible.workbooks.listing import Candidate

#: Among so many contents copies are found.
MOST_CONTENTS = 1_000_000
#: By how much the pages of a document that was not opened may be more or fewer, as a part of them.
_UNSURE = 0.5
#: How much less documents without pages differ from one another than those with some.
_ONE_PAGE = 0.1


class Likeness(NamedTuple):
    """What makes documents alike before they are opened; each ``magnitude`` is of four times the size of the last."""

    operation: str
    paged: bool
    magnitude: int

    @property
    def weight(self) -> float:
        """How much such documents are expected to differ in their pages."""
        return max(1.0, 4.0**self.magnitude / PAGE_BYTES) if self.paged else _ONE_PAGE


class ListedUpload(NamedTuple):
    """A document as the list of the bucket tells of it; ``copy``: its bytes lie under an earlier key, too."""

    candidate: Candidate
    like: Likeness
    copy: bool


class Sorter:
    """Sorts documents by what makes them alike, and finds copies.

    Args:
        most: Among how many contents.
    """

    def __init__(self, most: int = MOST_CONTENTS) -> None:
        """Know no content yet."""
        self._most = most
        self._contents: set[int] = set()

    def sort(self, one: Candidate, operation: str) -> ListedUpload:
        """Return a document with what makes it like others."""
        size = one.length or 0
        like = Likeness(operation, one.key.lower().endswith(PAGED), size.bit_length() // 2)
        digest = hashlib.blake2b(f"{one.etag}-{size}-{operation}".encode(), digest_size=8).digest()
        content = int.from_bytes(digest, "big")
        copy = content in self._contents
        if len(self._contents) < self._most:
            self._contents.add(content)
        return ListedUpload(one, like, copy)


class _Stratum:
    """The documents of one like: how many, and what was found in those that were looked at."""

    def __init__(self) -> None:
        self.documents = self.size = self.copies = 0
        self.pages, self.known, self.calls, self.refused = Moments(), Moments(), Moments(), Moments()
        #: The sizes of documents that were too large to be opened, and of those of them that are no copies.
        self.large, self.large_once = Moments(), Moments()

    def measured(self, what: str, each: float) -> SampledStratum:
        """Return the numbers of one kind; a large document has a page for ``each`` so many bytes."""
        found, opened = Moments(), getattr(self, what)
        found.many(opened.count, opened.total, opened.squares)
        large = {"pages": self.large, "calls": self.large_once}.get(what)
        reckoned = 0.0
        if large is not None:
            reckoned = large.total / each
            found.many(large.count, reckoned, large.squares / each**2)
        missing = self.large.count - (large.count if large is not None else 0)
        found.many(missing, 0.0, 0.0)
        return SampledStratum(self.documents, found, _UNSURE * reckoned)


class Tallies:
    """Counts what is found."""

    def __init__(self) -> None:
        """Have counted nothing."""
        self.documents = 0
        self._strata: dict[Likeness, _Stratum] = {}
        self._reasons = Counter[str]()
        self._looked_at = self._elsewhere = 0
        self._opened_bytes = self._opened_pages = 0

    def count(self, listed: ListedUpload) -> None:
        """Count a document that is there."""
        stratum = self._strata.setdefault(listed.like, _Stratum())
        stratum.documents += 1
        stratum.copies += listed.copy
        stratum.size += listed.candidate.length or 0
        self.documents += 1

    def take(self, listed: ListedUpload, looked: Looked) -> None:
        """Take in what was found of a document that was counted; a copy is not called for."""
        stratum, size = self._strata[listed.like], listed.candidate.length or 0
        self._looked_at += 1
        self._elsewhere += looked.operation not in ("", listed.like.operation)
        if looked.reason:
            self._reasons[looked.reason] += 1
        if looked.large:
            stratum.large.add(size)
            if not listed.copy:
                stratum.large_once.add(size)
            return
        stratum.pages.add(looked.pages)
        stratum.known.add(looked.known)
        stratum.calls.add(0 if listed.copy else looked.calls)
        stratum.refused.add(bool(looked.reason))
        if listed.like.paged and looked.pages:
            self._opened_bytes += size
            self._opened_pages += looked.pages

    def quote(self, prefix: str, price: Price) -> Quote:
        """Return what it would take to read all documents that were counted."""
        rows = tuple(self._operation(slug) for slug in sorted({like.operation for like in self._strata}))
        likely, low, high = (
            {row.operation: getattr(row.calls, which) for row in rows} for which in ("likely", "low", "high")
        )
        return Quote(
            prefix, self.documents, sum(row.size for row in rows), self._looked_at, rows,
            price(likely), price(low), price(high), dict(self._reasons.most_common()), tuple(self._notes(rows)),
        )  # fmt: skip

    def _operation(self, slug: str) -> QuotedOperation:
        strata = [stratum for like, stratum in self._strata.items() if like.operation == slug]
        each = self._opened_bytes / self._opened_pages if self._opened_pages else PAGE_BYTES

        def total(what: str) -> Estimate:
            return estimate(stratum.measured(what, each) for stratum in strata)

        return QuotedOperation(
            slug, sum(stratum.documents for stratum in strata), sum(stratum.size for stratum in strata),
            total("pages"), total("known"), total("calls"), total("refused"),
            sum(stratum.copies for stratum in strata), sum(stratum.large.count for stratum in strata),
        )  # fmt: skip

    def _notes(self, rows: Iterable[QuotedOperation]) -> Iterable[str]:
        large = sum(row.estimated for row in rows)
        if self._looked_at < self.documents:
            yield (
                f"{self._looked_at:,} of {self.documents:,} documents were looked at, drawn by chance by operation, "
                "kind and size; in 95 of 100 samples the true numbers lie in the intervals. --exact looks at all."
            )
        if large:
            yield (
                f"{large:,} of those looked at are too large to be opened here: their pages are reckoned by size, "
                "and may be half as many, or half as many again."
            )
        if self._elsewhere:
            yield f"{self._elsewhere:,} of those looked at are ordered for another operation by their metadata."
