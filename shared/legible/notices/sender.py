"""Tells targets that a document ended: at least once, without holding up the document, and without paying again.

A notice is kept before the line that ends its document is written, and names that line: after a kill in between, the
notice is sent only if the line is in the journal. It is removed once it is delivered; a notice that is sent twice has
one id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import msgspec
from msgspec import Struct

from legible.errors import InternalError, LegibleError, RejectedError
from legible.ledger.due import Slot
from legible.ledger.journals import Journals
from legible.model.documents import Document
from legible.model.records import Field, Recognized, Record
from legible.notices import notice as notices
from legible.notices.notice import EndLine
from legible.notices.outbox import LADDER, Delivered, Outbox, OutboxEntry
from legible.notices.targets import Target
from legible.ports import Invocation, Notifier

#: How long, in seconds, a document's end waits for its targets at most; all are told at the same time.
_AT_ONCE_SECONDS = 3.0
#: How many seconds an invocation keeps for its own end.
_SPARE_SECONDS = 2.0
#: How long a walk tries each notice, and how long it lasts, in seconds: the timer begins the next one after a minute.
_TRY_SECONDS = 10.0
_WALK_SECONDS = 40.0
#: No function works longer on a document's last line; a line that is not in the journal by then never will be.
_UNWRITTEN = timedelta(hours=1)
#: Why a notice is dropped whose line never came into the journal.
_VOID = RejectedError("The document did not end with this line.", code="void", advice="It has another end.")


class QueuedNotice(Struct, frozen=True):
    """A notice, and its place in the outbox; None if the outbox could not take it."""

    entry: OutboxEntry
    place: Slot | None


class WalkReport(Struct):
    """The result of a walk: how many notices were sent, failed, given up or void, and how many due ones are left."""

    sent: int = 0
    failed: int = 0
    given_up: int = 0
    void: int = 0
    left: int = 0


class Recipients(Struct, frozen=True):
    """Who is told, and how: ``source`` is the source of the events, ``output`` the bucket of the records."""

    targets: Mapping[str, Target]
    notifiers: Mapping[str, Notifier]
    source: str
    output: str


def _asked(parts: Recognized, names: tuple[str, ...]) -> Iterator[Field]:
    """Yield the fields of these names; without names, no field is looked at."""
    for field in parts.fields if names else ():
        if field.name in names:
            yield field


class NoticeSender:
    """Sends notices to targets.

    Args:
        recipients: Who is told, and how; a target without a notifier is not told.
        outbox: Keeps notices until they are delivered.
        journals: Tell how documents really ended.
        call: The invocation: gives the time, the time left, and the log.
    """

    def __init__(self, recipients: Recipients, outbox: Outbox, journals: Journals, call: Invocation) -> None:
        """Send nothing yet."""
        self._recipients = recipients
        self._outbox = outbox
        self._journals = journals
        self._call = call

    def keep(self, record: Record, parts: Recognized, ended: EndLine) -> list[QueuedNotice]:
        """Keep a notice for each target that wants one, before the document ends. A fault is logged, and stops nothing.

        Args:
            record: The record of the document.
            parts: What was recognized; looked through only if a target asks for fields.
            ended: The line that is to end it; see ``EndLine``.
        """
        kept = []
        for name, target in self._recipients.targets.items():
            if name in self._recipients.notifiers and target.wants(record.document.key, record.status):
                kept += self._kept(name, record, _asked(parts, target.fields), ended)
        return kept

    def send(self, kept: list[QueuedNotice]) -> None:
        """Try each notice once, at once, now that the document ended. What fails waits in the outbox."""
        seconds = min(_AT_ONCE_SECONDS, self._call.remaining() - _SPARE_SECONDS)
        if seconds <= 0 or not kept:
            return
        try:
            with ThreadPoolExecutor(len(kept)) as together:
                errors = list(together.map(lambda one: self._tried(one.entry, seconds), kept))
            for one, error in zip(kept, errors, strict=True):
                self._sent(one, error)
        except Exception as defect:  # the document ended well, whatever becomes of its notices
            self._call.log("notice-failed", reason=type(defect).__name__)

    def walk(self) -> WalkReport:
        """Send the notices that are due. A target that fails is not tried again in this walk: it must delay no other.

        Raises:
            UnavailableError: The outbox cannot be listed.
        """
        report, failed = WalkReport(), set[str]()
        end = max(self._call.remaining() - _WALK_SECONDS, _TRY_SECONDS + _SPARE_SECONDS)
        for place in self._outbox.due():
            target = place.name.partition(".")[0]
            if target in failed or self._call.remaining() < end:
                report.left += 1
                continue
            outcome = self._visit(place)
            setattr(report, outcome, getattr(report, outcome) + 1)
            if outcome == "failed":
                failed.add(target)
        return report

    def _kept(self, name: str, record: Record, values: Iterable[Field], ended: EndLine) -> list[QueuedNotice]:
        """Keep a notice for one target; return it, if there is one to send."""
        try:
            notice = notices.notice(self._recipients.source, self._recipients.output, record, ended, name, values)
            entry = OutboxEntry(name, notice, ended, self._call.now())
        except Exception as defect:  # a defect of ours: the document ends all the same
            self._call.log("notice-not-kept", target=name, reason=type(defect).__name__)
            return []
        try:
            return [QueuedNotice(entry, self._outbox.put(entry))]
        except LegibleError as error:
            self._call.log("notice-not-kept", target=name, id=entry.notice.id, reason=error.reason_code)
            return [QueuedNotice(entry, None)]

    def _visit(self, place: Slot) -> str:
        """Try the notice at a place; return its outcome, as ``WalkReport`` names it."""
        try:
            entry = self._outbox.read(place)
        except (ValueError, LegibleError) as error:
            self._call.log("notice-unreadable", key=place.key, kind=type(error).__name__)
            return "left"
        if entry is None:
            return "void"
        try:
            in_force = self._in_force(entry)
        except LegibleError as error:
            return self._walked(entry, place, error)
        if in_force is None:
            return "left"
        return self._walked(entry, place, self._tried(entry, _TRY_SECONDS) if in_force else _VOID)

    def _in_force(self, entry: OutboxEntry) -> bool | None:
        """Tell whether the document really ended with the notice's line; None while it still may."""
        if not entry.ended.owner:
            return True
        data = entry.notice.data
        state = self._journals.load(Document(data.bucket, data.key, data.version))
        if state.named(entry.ended.owner, entry.ended.n):
            return True
        return None if self._call.now() - entry.since < _UNWRITTEN else False

    def _tried(self, entry: OutboxEntry, seconds: float) -> LegibleError | None:
        """Send a notice; return what went wrong, if anything."""
        notifier = self._recipients.notifiers.get(entry.target)
        if notifier is None:
            return RejectedError(f"No setting names the target {entry.target} any more.", code="target-gone")
        try:
            notifier.send(entry.notice, seconds)
        except LegibleError as error:
            return error
        except Exception as error:  # a defect must neither end the document's invocation nor the walk
            return InternalError(f"{type(error).__name__} while a notice was sent.")
        return None

    def _sent(self, one: QueuedNotice, error: LegibleError | None) -> None:
        """Remove a notice that was tried at once; one that failed waits already."""
        lost = one.place is None or isinstance(error, RejectedError)
        outcome = "sent" if error is None else "given_up" if lost else "failed"
        if one.place is not None and outcome != "failed":
            self._moved(one.entry, partial(self._outbox.remove, one.place))
        self._tell(one.entry, 1, outcome, error)

    def _walked(self, entry: OutboxEntry, place: Slot, error: LegibleError | None) -> str:
        """Remove a notice that was tried from the outbox, or keep it for its next try; return its outcome."""
        outcome = "sent" if error is None else "void" if error is _VOID else "failed"
        if outcome == "failed" and (place.rung >= len(LADDER) or isinstance(error, RejectedError)):
            outcome = "given_up"
        move = partial(self._outbox.later, place) if outcome == "failed" else partial(self._outbox.remove, place)
        self._moved(entry, move)
        self._tell(entry, place.rung + 1, outcome, error)
        return outcome

    def _moved(self, entry: OutboxEntry, move: Callable[[], None]) -> None:
        """Change the outbox; if that fails, the notice is tried again, under its own id."""
        try:
            move()
        except LegibleError as error:
            self._call.log("notice-not-kept", target=entry.target, id=entry.notice.id, reason=error.reason_code)

    def _tell(self, entry: OutboxEntry, attempt: int, outcome: str, error: LegibleError | None) -> None:
        """Write the outcome of a try to the log and to the list of deliveries."""
        line = Delivered(
            self._call.now(), entry.target, entry.notice.id, attempt, outcome.replace("_", "-"),
            entry.notice.data.status, error.reason_code if error else "",
        )  # fmt: skip
        message = {"message": str(error)} if error else {}
        self._call.log(f"notice-{line.outcome}", key=entry.notice.subject, **msgspec.to_builtins(line), **message)
        try:
            self._outbox.log(line)
        except LegibleError as fault:
            self._call.log("notice-not-logged", target=entry.target, id=entry.notice.id, reason=fault.reason_code)
