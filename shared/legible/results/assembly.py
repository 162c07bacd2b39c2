"""A record, put together from what the journal and the answers say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from msgspec import UNSET

from legible.ledger.journal import Line
from legible.ledger.state import PageLedger, State
from legible.model import layout
from legible.model.documents import Document, Reason, Status, unreadable_answer
from legible.model.pages import Empty, Page
from legible.model.records import Attachment, Calls, Record
from legible.operations.operation import Task
from legible.operations.routing import Routing, resumed

#: Which status a document takes when no page is done: the first of these that a page has.
_WORST: tuple[Status, ...] = ("held", "dead", "rejected")


def status_of(
    state: State, pages: int, reason: Reason | None, status: Status | None, unreadable: Mapping[int, str]
) -> Status:
    """Return the status of a document.

    Args:
        state: Its journal.
        pages: How many pages there are.
        reason: Why the document as a whole ended early, if it did.
        status: The status that comes with the reason.
        unreadable: Why answers cannot be read, by page.
    """
    numbers = range(1, pages + 1)
    done = sum(state.page(number).answered is not None and number not in unreadable for number in numbers)
    if pages and done == pages:
        return "done"
    if done:
        return "partial"
    if status is not None and reason is not None:
        return status
    states = {line.state for line in (state.page(number).settled for number in numbers) if line}
    return next((status for status in _WORST if status in states), "dead")


def task_of(document: Document, state: State, rules: Routing) -> Task | None:
    """Return the task of a document, by its journal; None if no route was found."""
    claim = state.counted_claim
    return None if claim is None else resumed(document, claim.operation, claim.options, claim.pages, rules)


def assemble(
    document: Document,
    task: Task | None,
    state: State,
    notes: tuple[str, ...],
    attachments: tuple[Attachment, ...],
    unreadable: Mapping[int, str],
    *,
    empty: Mapping[int, Empty],
    status: Status,
    reason: Reason | None,
    finished_at: datetime,
) -> Record:
    """Return the record of one document, without what was recognized.

    Args:
        document: What was uploaded.
        task: Its task; None if no route was found.
        state: Its journal.
        notes: Remarks on its answers.
        attachments: The stored files of the answers.
        unreadable: Why answers cannot be read, by page.
        empty: Why answers hold nothing, by page.
        status: How it ended.
        reason: Why, unless it is done.
        finished_at: When.
    """
    count = task.pages if task else 0
    pages = tuple(
        _page(document, number, state.page(number), status, reason, unreadable.get(number, ""), empty.get(number))
        for number in range(1, count + 1)
    )
    if reason is None and status != "running":
        reason = next((page.reason for page in pages if page.reason is not None), None)
    return Record(
        document=document,
        status=status,
        operation=task.operation.slug if task else "",
        title=task.operation.title if task else "",
        options=task.options if task else {},
        reason=reason,
        pages=pages,
        attachments=attachments,
        notes=notes + _claimed(state) + _passed_over(state),
        calls=calls_of(state),
        ledger=layout.journal(document),
        revision=len(state.reviews),
        finished_at=finished_at,
    )


def calls_of(state: State) -> Calls:
    """Return what a document cost by now, by its journal: an answer that was adopted cost nothing here."""
    adopted = sum(page.answered is not None and bool(page.answered.adopted) for page in state.pages.values())
    return Calls(state.answered - adopted, state.unknown, state.surplus)


def _claimed(state: State) -> tuple[str, ...]:
    """Return what was odd about the claims, each said once."""
    return tuple(dict.fromkeys(line.note for line in state.lines if line.event == "claimed" and line.note))


def _passed_over(state: State) -> tuple[str, ...]:
    """Name the lines of a newer version, so that nobody takes the record for all that is known."""
    names = ", ".join(f"{event:.40}" for event in state.unfamiliar)
    return (f"A newer version of Legible wrote lines that this one passed over: {names}.",) if names else ()


def _page(
    document: Document, number: int, known: PageLedger, status: Status, reason: Reason | None, unreadable: str,
    empty: Empty | None,
) -> Page:  # fmt: skip
    line: Line | None = known.answered
    if line is not None and unreadable:
        why = unreadable_answer(unreadable, line.request_id)
        return Page(number, "dead", line.source, line.answer, line.request_id, line.note, line.frame, why)
    if line is not None:
        key = layout.answer(document, number)
        place = line.adopted if "/" in line.adopted else f"the journal of name {line.adopted}"
        adopted = f"adopted: the same bytes were read before, see {place}" if line.adopted else ""
        note = "; ".join(part for part in (line.note, adopted) if part)
        return Page(number, "done", line.source, key, line.request_id, note, line.frame, empty=empty or UNSET)
    if known.settled is not None:
        return Page(number, known.settled.state or "dead", reason=known.settled.reason)
    missing = reason or Reason("not-called", "The page was not called for.")
    return Page(number, status if status in {"rejected", "dead"} else "held", reason=missing)
