"""The outcome that a handler returns for one upload, from how its document ended."""

from __future__ import annotations

from legible.ledger.journal import Line
from legible.ledger.state import State, counted_operation
from legible.model import layout
from legible.model.documents import Document, Outcome, Reason, Status
from legible.model.layout import RECORD


def ended(document: Document, state: State, last: Line | None, *, duplicate: bool = False) -> Outcome:
    """Return how a document ended.

    Args:
        document: Which document.
        state: Its journal.
        last: The line that it ended with; by now another invocation may have opened it again, and hidden that line.
        duplicate: Whether it had ended before this delivery: then this version's record is named, not the newest.
    """
    assert last is not None and last.status is not None  # every caller has seen the end
    record = layout.version(document, RECORD) if duplicate else layout.results(document.key, RECORD)
    return _outcome(document, last.status, state, record=record, duplicate=duplicate, reason=last.reason)


def recorded(document: Document, status: Status, reason: Reason | None = None) -> Outcome:
    """Return the outcome of a document that has a record, but a journal that cannot be used."""
    return _outcome(document, status, record=layout.results(document.key, RECORD), reason=reason)


def running(
    document: Document, state: State | None = None, *, duplicate: bool = False, reason: Reason | None = None
) -> Outcome:
    """Return the outcome of a document that has not ended yet."""
    return _outcome(document, "running", state, duplicate=duplicate, reason=reason)


def _outcome(
    document: Document,
    status: Status,
    state: State | None = None,
    *,
    record: str = "",
    duplicate: bool = False,
    reason: Reason | None = None,
) -> Outcome:
    return Outcome(
        bucket=document.bucket,
        key=document.key,
        status=status,
        operation=counted_operation(state) if state else "",
        pages=state.answered if state else 0,
        record=record,
        reason=reason,
        duplicate=duplicate,
    )
