"""What it means for a page that its picture was refused, its answer lost, or that it was sent as often as it may be."""

from __future__ import annotations

from collections.abc import Sequence

from legible.errors import DeadError, DocumentError, HeldError, LegibleError, RejectedError, UnavailableError
from legible.ledger.journal import Line
from legible.model.documents import Reason
from legible.model.pages import Answer
from legible.recognition.retries import UNKNOWN_TRIES


def broken(error: RejectedError) -> RejectedError:
    """Return what the refusal of a picture means where the service itself draws the page of a document that it took."""
    return RejectedError(
        error.message,
        code="page-broken",
        advice="Open it and print it to a new PDF, or scan it again sharp and whole; upload that.",
        vendor_code=error.vendor_code,
        request_id=error.request_id,
    )


def sent_often(page: int, lines: Sequence[Line]) -> DocumentError:
    """Return the error of a page that may have been paid as often as it may be, by how its last call ended."""
    last = next((line for line in reversed(lines) if line.page == page and line.event == "unknown"), None)
    reason = last.reason if last is not None and last.reason is not None else Reason("", "")
    came = f"the service answered with errors, at last {reason.vendor_code}" if reason.vendor_code else ""
    held = last is not None and last.state == "held"
    return (HeldError if held else DeadError)(
        f"Page {page} was sent {UNKNOWN_TRIES} times and {came or 'no answer came back'}; both may have been paid.",
        code=reason.code if held else "answer-unknown",
        advice="Compare with the service's own count of calls before you upload it again.",
        vendor_code=reason.vendor_code,
        request_id=reason.request_id if reason.vendor_code else "",
    )


def lost_answer(error: LegibleError, answer: Answer) -> UnavailableError:
    """Return the error of a paid answer that could not be stored."""
    return UnavailableError(
        f"An answer was paid for and could not be stored. {error.message}",
        code="answer-not-stored",
        advice=error.advice,
        vendor_code=error.vendor_code,
        request_id=answer.request_id,
    )
