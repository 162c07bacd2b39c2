"""What is kept of backfills, and what one session knows of documents to come and under way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec

from legible.errors import ObjectGoneError, RejectedError
from legible.model import layout_upkeep
from legible.model.backfills import Backfill, SentDocument
from legible.ports import Site
from legible.results.publication import Published
from legible.workbooks.listing import Candidate

#: Seconds until a document is looked at first, and at most until it is looked at again.
FIRST_LOOK, _LAST_LOOK = 1.0, 20.0
_JSON = "application/json"
MANIFEST = "manifest.json"


class Manifests:
    """Keeps what is known of backfills.

    Args:
        site: Its output bucket holds it.
    """

    def __init__(self, site: Site) -> None:
        """Keep nothing yet."""
        self._site = site

    def load(self, name: str) -> Backfill | None:
        """Return a backfill by its name; None where there was none.

        Raises:
            RejectedError: What is there cannot be read.
            UnavailableError: The store has a passing fault.
        """
        key = layout_upkeep.backfill(name, MANIFEST)
        try:
            return msgspec.json.decode(self._site.store.read(self._site.in_output(key)), type=Backfill)
        except ObjectGoneError:
            return None
        except ValueError:
            raise RejectedError(
                f"{key} is no manifest of a backfill.", advice="Remove it, or give the backfill another name."
            ) from None

    def save(self, backfill: Backfill) -> None:
        """Keep it. Raises as ``ObjectStore.write`` does."""
        key = layout_upkeep.backfill(backfill.name, MANIFEST)
        self._site.store.write(self._site.in_output(key), msgspec.json.encode(backfill), _JSON)


class UnderWay:
    """A document that was sent: when it is looked at next, and whether it may not have been sent at all."""

    def __init__(self, sent: SentDocument, *, again: bool = False) -> None:
        """Look at it at once."""
        self.sent = sent
        self.again = again
        self.due: datetime | None = None
        self._wait = FIRST_LOOK

    def later(self, now: datetime) -> None:
        """Look at it after a while, ever less often."""
        self.due = now + timedelta(seconds=self._wait)
        self._wait = min(self._wait * 1.5, _LAST_LOOK)


class Ahead:
    """Documents to come, of which the first is looked at before it is taken."""

    def __init__(self, rest: Iterator[tuple[Candidate, Published | None]]) -> None:
        """Look at none yet."""
        self._rest = rest
        self._first: tuple[Candidate, Published | None] | None = None

    def first(self) -> tuple[Candidate, Published | None] | None:
        """Return the first document; None where there is none left."""
        if self._first is None:
            with suppress(StopIteration):
                self._first = next(self._rest)
        return self._first

    def take(self) -> None:
        """Go on to the next."""
        self._first = None
