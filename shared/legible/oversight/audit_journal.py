"""A document's journal as events of the audit trail: each line tells at most one, which only lines before it decide.

So a journal that has grown tells what it told before, and more. One call is one event, whoever tells of it; where it is
known later how a call came out, an event of its own says so, because the trail is never rewritten.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model import layout
from legible.model.audit import CALL, CORRECT, FINISH, LEARN, RELEASE, REOPEN, AuditEvent, AuditStatus, audit_text
from legible.model.documents import Document, Status
from legible.oversight.origins import Origins

#: Who does what journals tell of: a journal names invocations, not functions.
FUNCTION = "function"
#: How a call came out, and what that means: ``answered`` counts; ``refused`` was not billed; ``unknown`` perhaps was;
#: ``surplus`` was, and its answer is not used.
_CALLED: dict[str, AuditStatus] = {
    "answered": "normal", "refused": "warning", "unknown": "incident", "surplus": "incident",
}  # fmt: skip
_ENDED: dict[Status, AuditStatus] = {
    "done": "normal", "partial": "warning", "rejected": "warning", "held": "warning", "dead": "incident",
}  # fmt: skip


def events_of(document: Document, lines: Iterable[Line], journal: str = "") -> Iterator[AuditEvent]:
    """Yield what a document's journal tells: calls, ends, corrections, and that it was opened again.

    Args:
        document: Whose journal it is.
        lines: Its lines, in their order, those of all parts.
        journal: The key of its first part; empty where the document's key tells it.
    """
    fold = _Fold(document, journal or layout.journal(document))
    for line in lines:
        event = fold.take(line)
        if event is not None:
            yield event


class _Change(NamedTuple):
    """What a line changed in a journal's state.

    ``surplus`` and ``unknown`` are the changes of those counts, ``called`` whether its owner had an announced call, and
    ``ended`` whether the document had ended before.
    """

    surplus: int
    unknown: int
    called: bool
    ended: bool


class _Fold:
    """A journal, read line by line."""

    def __init__(self, document: Document, journal: str) -> None:
        self._document = document
        self._journal = journal
        self._state = State()
        #: The events that told of answers, by the answer's key, and of calls without one, by page and payer.
        self._by_answer: dict[str, str] = {}
        self._by_payer: dict[tuple[int, str], str] = {}
        self._origins = Origins()

    def take(self, line: Line) -> AuditEvent | None:
        """Take the next line; return what it tells. A line that is there twice tells once."""
        state, page = self._state, self._state.page(line.page)
        tells = None
        if not state.has(line):
            tells = _TELLS.get(line.event)
            self._origins.take(line)
        surplus, unknown, called, ended = state.surplus, page.unknown, page.calls(line.owner), bool(state.finished)
        state.take(line)
        change = _Change(state.surplus - surplus, page.unknown - unknown, called, ended)
        return tells(self, line, change) if tells else None

    def _claimed(self, line: Line, change: _Change) -> AuditEvent | None:
        if not change.ended:
            return None
        return self._about(line, RELEASE if line.resumed else REOPEN, operation=line.operation)

    def _answered(self, line: Line, change: _Change) -> AuditEvent | None:
        if line.adopted:  # another document's journal tells of that call
            return None
        outcome = "answered" if self._state.page(line.page).answered is line else "surplus"
        if line.answer not in self._by_answer:
            return self._call(line, outcome)
        return self._learned(line, outcome) if change.surplus < 0 else None

    def _refused(self, line: Line, change: _Change) -> AuditEvent | None:
        return self._call(line, "refused") if change.called else None  # else nothing was sent

    def _unknown(self, line: Line, change: _Change) -> AuditEvent | None:
        return self._call(line, "unknown") if change.unknown > 0 else None

    def _surplus(self, line: Line, change: _Change) -> AuditEvent | None:
        if change.unknown < 0:
            return self._learned(line, "surplus")
        return self._call(line, "surplus") if change.surplus > 0 and line.answer not in self._by_answer else None

    def _finished(self, line: Line, change: _Change) -> AuditEvent | None:
        if self._state.finished is not line:
            return None
        status: Status = line.status or "dead"
        code = line.reason.code if line.reason else ""
        return self._about(line, FINISH, _ENDED.get(status, "warning"), outcome=status, code=code)

    def _corrected(self, line: Line, change: _Change) -> AuditEvent | None:
        return self._about(line, CORRECT, operator=audit_text(line.author))

    def _call(self, line: Line, outcome: str) -> AuditEvent:
        event = self._outcome(line, CALL, outcome)
        self._by_answer |= {line.answer: event.id} if line.answer else {}
        self._by_payer[line.page, line.of or line.owner] = event.id
        return event

    def _learned(self, line: Line, outcome: str) -> AuditEvent:
        """Return the event of how a call came out of which an earlier event told otherwise."""
        earlier = self._by_answer.get(line.answer) or self._by_payer.get((line.page, line.of or line.owner), "")
        return self._outcome(line, LEARN, outcome, call=earlier)

    def _outcome(self, line: Line, name: str, outcome: str, **more: str) -> AuditEvent:
        reason, origin = line.reason, self._origins.of(line)
        return self._about(
            line, name, _CALLED[outcome], resource_type="call", resource_id=audit_text(line.request_id),
            operation=origin.operation, project=origin.project, route=audit_text(origin.route),
            page=str(line.page), outcome=outcome,
            version=self._document.version, code=reason.code if reason else "",
            vendor_code=audit_text(reason.vendor_code) if reason else "", payer=line.of, **more,
        )  # fmt: skip

    def _about(
        self,
        line: Line,
        name: str,
        status: AuditStatus = "normal",
        *,
        operator: str = FUNCTION,
        resource_type: str = "document",
        resource_id: str | None = None,
        **details: str,
    ) -> AuditEvent:
        identity = f"{self._journal}\n{line.name}".encode("utf-8", "surrogatepass")
        return AuditEvent(
            id=hashlib.sha256(identity).hexdigest()[:32],
            at=line.at,
            name=name,
            resource_type=resource_type,
            resource_id=self._document.version if resource_id is None else resource_id,
            resource_name=audit_text(self._document.key),
            operator=operator,
            status=status,
            details={key: text for key, text in {**details, "invocation": line.owner}.items() if text},
        )


#: What each kind of line tells.
_TELLS: dict[str, Callable[[_Fold, Line, _Change], AuditEvent | None]] = {
    "claimed": _Fold._claimed,
    "answered": _Fold._answered,
    "refused": _Fold._refused,
    "unknown": _Fold._unknown,
    "surplus": _Fold._surplus,
    "finished": _Fold._finished,
    "corrected": _Fold._corrected,
}
