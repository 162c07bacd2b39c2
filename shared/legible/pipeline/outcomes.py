"""What a handler says of one upload, from how its document ended."""

from __future__ import annotations

from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document, Outcome, Reason, Status
from legible.model.layout import RECORD


def ended(document: Document, state: State, last: Line | None, *, duplicate: bool = False) -> Outcome:
    """Return how a document ended.

    Args:
        document: Which document.
        state: Its journal.
        last: The line that it ended with. Whoever ended it knows its own: by now another one may have opened it again.
        duplicate: Whether it had ended before this delivery: then its own record is named, not what people open.
    """
    assert last is not None and last.status is not None  # whoever asks has seen the end
    record = layout.version(document, RECORD) if duplicate else layout.results(document.key, RECORD)
    return _outcome(document, last.status, state, record=record, duplicate=duplicate, reason=last.reason)


def recorded(document: Document, status: Status, reason: Reason | None = None) -> Outcome:
    """Return how a document ended that has a record, and a journal that cannot be used."""
    return _outcome(document, status, record=layout.results(document.key, RECORD), reason=reason)


def running(
    document: Document, state: State | None = None, *, duplicate: bool = False, reason: Reason | None = None
) -> Outcome:
    """Return that a document has no end yet."""
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
        operation=state.operation if state else "",
        pages=state.answered if state else 0,
        record=record,
        reason=reason,
        duplicate=duplicate,
    )
