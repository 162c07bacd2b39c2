"""What it would take to read documents that lie in the input bucket, before anything is sent."""

from __future__ import annotations

from msgspec import Struct

from legible.model.ends import FurtherCost


class Estimate(Struct, frozen=True):
    """A number: the ``likely`` one, and between which two it lies in 95 of 100 samples; one where it was counted."""

    likely: int
    low: int
    high: int

    @classmethod
    def exact(cls, count: int) -> Estimate:
        """Return a number that was counted."""
        return cls(count, count, count)

    def __str__(self) -> str:
        """Show the number, and how sure it is."""
        if self.low == self.high:
            return f"{self.likely:,}"
        return f"{self.likely:,} ({self.low:,} to {self.high:,})"


class QuotedOperation(Struct, frozen=True):
    """The documents that one operation reads; an empty slug for those that none does.

    ``pages`` are all of theirs, ``known`` those whose answers are paid for already, here or under another key, and
    ``calls`` what is left to be called for. ``copies`` are documents whose bytes lie under another of the keys, too:
    they are paid for once. ``refused`` would end without a call. Of ``estimated`` documents the pages were not counted,
    because they are large; they are reckoned by their size.
    """

    operation: str
    documents: int
    size: int
    pages: Estimate
    known: Estimate
    calls: Estimate
    refused: Estimate
    copies: int = 0
    estimated: int = 0


class Quote(Struct, frozen=True):
    """A quote. ``looked_at`` of the ``documents`` were opened; the rest is reckoned from them.

    ``low`` and ``high`` are the costs of the fewest and of the most calls.
    """

    prefix: str
    documents: int
    size: int
    looked_at: int
    operations: tuple[QuotedOperation, ...]
    cost: FurtherCost
    low: FurtherCost
    high: FurtherCost
    reasons: dict[str, int] = {}
    notes: tuple[str, ...] = ()
