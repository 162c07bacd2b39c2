"""What became of documents that a backfill sent: whether they ended, what was called for, whether any was lost."""

from __future__ import annotations

from datetime import datetime, timedelta

from legible.documents.identity import announced_name
from legible.ledger.journal import Line
from legible.ledger.journals import Journals
from legible.ledger.lines import SKEW_SECONDS
from legible.ledger.state import State
from legible.model.backfills import SentDocument
from legible.model.documents import NEVER, Document
from legible.ports import Invocation, Site
from legible.results.publication import Published, Publisher

#: After so long the event of a document that nobody has begun is lost, and after so long one that stands still.
UNBEGUN, IDLE = timedelta(minutes=10), timedelta(minutes=30)
_PAID = ("answered", "unknown", "surplus")


class SentDocuments:
    """Looks at documents of one run.

    Args:
        site: Where documents, results and journals are.
        call: The invocation: gives the time.
        publisher: Finds results.
        journals: Tell what was called for.
        run: The run's name.
    """

    def __init__(self, site: Site, call: Invocation, publisher: Publisher, journals: Journals, run: str) -> None:
        """Look at nothing yet."""
        self._site = site
        self._call = call
        self._publisher = publisher
        self._journals = journals
        self._run = run

    def ended(self, key: str, uploaded_at: datetime | None) -> Published | None:
        """Return the results of an upload; None while it has none. One request.

        Raises:
            UnavailableError: The store has a passing fault.
            HeldError: The bucket refuses.
        """
        published = self._publisher.current(key)
        if published is None or (published.uploaded_at or uploaded_at or NEVER) < (uploaded_at or NEVER):
            return None
        return published

    def calls(self, sent: SentDocument, published: Published) -> int | None:
        """Return how many calls of the run may be billed for a document; None while that is being written.

        Its record is there before the last lines of its journal. Raises as ``ended`` does.
        """
        state = self._journals.salvaged(Document(self._site.input, sent.key, published.version))
        if state.finished is None and state.leases.held(self._call.now()):
            return None
        lines = state.lines
        since = sent.at - timedelta(seconds=SKEW_SECONDS)
        # An older version of the function does not write the run: what was claimed since then counts as its own.
        claims = (line for line in lines if line.event == "claimed" and (line.run == self._run or not line.run))
        owners = {line.owner for line in claims if line.run or line.at >= since}
        return len({_call(line) for line in lines if _is_paid(line) and (line.of or line.owner) in owners})

    def lost(self, sent: SentDocument, *, again: bool) -> bool:
        """Tell whether a document must be sent once more: nobody has begun it, or nobody goes on with it.

        Args:
            sent: What was sent.
            again: Whether it may not have been sent at all: whoever was about to was stopped.

        Raises:
            UnavailableError: The store has a passing fault.
            HeldError: The bucket refuses.
        """
        now, ref = self._call.now(), self._site.in_input(sent.key)
        name = announced_name(self._site, ref, sent.etag, "")
        state = self._journals.salvaged(Document(ref.bucket, ref.key, name))
        if not state.lines or state.lines[-1].at < sent.at - timedelta(seconds=SKEW_SECONDS):
            return again or now - sent.at >= UNBEGUN
        return not _goes_on(state, now) and now - state.lines[-1].at >= IDLE


def _goes_on(state: State, now: datetime) -> bool:
    """Tell whether somebody works on a document, or it waits for another try."""
    last = state.lines[-1]
    waits = last.event == "released" and last.reason is not None and bool(last.reason.passes)
    return waits or state.leases.held(now)


def _is_paid(line: Line) -> bool:
    return line.event in _PAID and not line.adopted


def _call(line: Line) -> tuple[int, str, str]:
    """Return what tells calls apart: one that was unknown first and is known by now is one."""
    return line.page, line.of or line.owner, line.request_id or line.answer
