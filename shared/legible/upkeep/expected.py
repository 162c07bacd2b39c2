"""How many calls a document will take, before anybody has opened it: by its kind, its size, and what its like took."""

from __future__ import annotations

from math import ceil

from legible.model.backfills import SentDocument

#: What has pages, by the endings of keys; anything else is one picture.
PAGED = (".pdf", ".tif", ".tiff", ".ofd")
#: A scanned page has about so many bytes; and so much more than their like took is reckoned with.
PAGE_BYTES, _MARGIN = 100_000, 1.5
#: So many documents are learned from before that is believed.
_ENOUGH = 20
#: No document is reckoned with more pages: more are not read unless settings say so (limits.max_pages).
MOST_PAGES = 2_000


class Expected:
    """Reckons with what documents will take, and learns from what they took."""

    def __init__(self) -> None:
        """Know only what pages have on the average."""
        self._documents = 0
        self._bytes = 0
        self._calls = 0

    def calls(self, sent: SentDocument) -> int:
        """Return how many calls a document is reckoned to take; none where no operation reads it."""
        if not sent.operation:
            return 0
        if not sent.key.lower().endswith(PAGED):
            return 1
        each = PAGE_BYTES
        if self._documents >= _ENOUGH and self._calls:
            each = max(1, int(self._bytes / self._calls / _MARGIN))
        return max(1, min(MOST_PAGES, ceil(sent.size / each)))

    def learn(self, sent: SentDocument, calls: int) -> None:
        """Take in how many calls a document took."""
        if sent.key.lower().endswith(PAGED) and calls:
            self._documents += 1
            self._bytes += sent.size
            self._calls += calls
