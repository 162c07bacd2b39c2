"""The use cases, top to bottom: an upload becomes a record; an event that was given up becomes visible."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec import Struct

from legible import fields, layout, routing
from legible.calling import Caller, Job
from legible.documents import Documents
from legible.errors import (
    DeadError,
    DocumentError,
    InternalError,
    LegibleError,
    RetryableError,
    SkippedError,
    UnavailableError,
)
from legible.journal import State
from legible.ledger import Claim, Ledger, plan_of
from legible.model import Document, Extract, ObjectRef, Outcome, Reason, Status, Unreadable, Upload
from legible.ports import Log, ObjectStore
from legible.publishing import Publisher
from legible.record import Asked, assemble, status_of
from legible.routing import Routed, Routing

#: How much of its time an invocation waits for a document that another one holds; the rest is for the work itself.
#: With one timeout for all, the second delivery after a death outlives the dead owner's lease.
_PATIENCE = 0.75


class Invocation(Struct, frozen=True):
    """What the pipeline knows of the call it runs in.

    ``owner`` is a name no other invocation has; ``remaining`` tells how many seconds are left.
    """

    owner: str
    remaining: Callable[[], float]


class Pipeline:
    """Everything that happens to a document. Made by ``legible.wiring``.

    Args:
        store: Where results lie.
        documents: Finds documents and looks at them.
        ledger: Who may pay.
        caller: Makes the paid calls.
        publisher: Writes results.
        rules: From key to operation.
        output: The output bucket.
        settings: What else decides an answer; part of a claim's plan.
        invocation: The call this runs in.
        log: Where events are told.
    """

    def __init__(
        self,
        *,
        store: ObjectStore,
        documents: Documents,
        ledger: Ledger,
        caller: Caller,
        publisher: Publisher,
        rules: Routing,
        output: str,
        settings: dict[str, Any],
        invocation: Invocation,
        log: Log,
    ) -> None:
        """See the class."""
        self._store = store
        self._documents = documents
        self._ledger = ledger
        self._caller = caller
        self._publisher = publisher
        self._rules = rules
        self._output = output
        self._settings = settings
        self._invocation = invocation
        self._log = log

    def uploads(self, uploads: Iterable[Upload | Unreadable]) -> dict[str, Any]:
        """Turn every upload of an event into a record.

        Args:
            uploads: What the event named, in its order.

        Returns:
            ``{"documents": [outcome, ...]}``, ready for JSON: one outcome an upload, in order.

        Raises:
            RetryableError: After all were tried, if any must be tried again.
        """
        return self._each(uploads, self.process)

    def bury(self, uploads: Iterable[Upload | Unreadable], reason: Reason) -> dict[str, Any]:
        """Record as ``dead`` what the platform gave up on, unless it ended otherwise meanwhile.

        Args:
            uploads: What the event named.
            reason: Why the platform gave up.

        Returns:
            As ``uploads`` does.

        Raises:
            RetryableError: After all were tried, if any must be tried again.
        """
        return self._each(uploads, lambda upload: self._bury(upload, reason))

    def process(self, upload: Upload | Unreadable) -> Outcome:
        """Turn one upload into a record, or return the one it has.

        Raises:
            SkippedError: It is no document.
            RetryableError: It must be tried again.
        """
        document, error = self._documents.locate(upload)
        routed, job = None, None
        if error is None:
            try:
                routed = self._route(document)
                document, job = self._documents.examine(document, routed)
            except DocumentError as found:
                error = found
        claim = self._claim(document, routed, page=1 if job else 0)
        if isinstance(claim, State):
            return self._known(document, claim)
        return self._holding(claim, lambda: self._work(claim, routed, job, error))

    def _work(self, claim: Claim, routed: Routed | None, job: Job | None, error: DocumentError | None) -> Outcome:
        received: dict[int, bytes] = {}
        if job is not None:
            try:
                received = self._caller.recognize(claim, job)
            except DocumentError as found:
                error = found
        asked = Asked(routed.operation, routed.options, job.plan.count if job else 0) if routed else None
        return self._finish(claim, asked, received, error)

    def _bury(self, upload: Upload | Unreadable, reason: Reason) -> Outcome:
        document, error = self._documents.locate(upload)
        try:
            routed: Routed | None = self._route(document) if error is None else None
        except DocumentError:
            routed = None
        claim = self._claim(document, routed, page=0)
        if isinstance(claim, State):
            return self._known(document, claim)
        given_up = DeadError(
            reason.message, code=reason.code, advice=reason.advice,
            vendor_code=reason.vendor_code, request_id=reason.request_id,
        )  # fmt: skip
        return self._holding(claim, lambda: self._dig(claim, routed, given_up))

    def _dig(self, claim: Claim, routed: Routed | None, error: DeadError) -> Outcome:
        self._caller.adopt(claim)
        known = [number for number, page in claim.state.pages.items() if page.answered or page.settled or page.spent]
        asked = Asked(routed.operation, routed.options, max(known, default=0)) if routed else None
        return self._finish(claim, asked, {}, error, status="dead")

    def _route(self, document: Document) -> Routed:
        routed = routing.route(document.key, self._rules)
        routing.check(routed.operation, self._rules, self._ledger.now().date())
        return routed

    def _claim(self, document: Document, routed: Routed | None, page: int) -> Claim | State:
        remaining = self._invocation.remaining()
        return self._ledger.claim(
            document,
            owner=self._invocation.owner,
            seconds=remaining,
            patience=remaining * _PATIENCE,
            operation=routed.operation.slug if routed else "",
            plan=plan_of(routed.operation.slug, routed.options, self._settings) if routed else "",
            page=page,
        )

    def _holding(self, claim: Claim, work: Callable[[], Outcome]) -> Outcome:
        """Do the work; give the claim back if it must be tried again, so that the next delivery need not wait."""
        try:
            return work()
        except RetryableError as error:
            self._let_go(claim, error)
            raise
        except Exception as error:
            self._let_go(claim, InternalError(f"{type(error).__name__} in Legible."))
            raise

    def _let_go(self, claim: Claim, error: RetryableError) -> None:
        try:
            claim.release(reason=Reason.of(error))
        except LegibleError as second:
            self._log("not-released", key=claim.document.key, reason=second.reason_code)

    def _finish(
        self,
        claim: Claim,
        asked: Asked | None,
        received: dict[int, bytes],
        error: DocumentError | None,
        status: Status | None = None,
    ) -> Outcome:
        document, now = claim.document, self._ledger.now()
        reason = Reason.of(error) if error else None
        status = status or status_of(claim.state, asked.pages if asked else 0, reason, _status(error))
        extract = self._extract(claim, asked, received)
        attachments = self._publisher.attach(document, extract)
        record = assemble(
            document, asked, claim.state, extract, attachments, status=status, reason=reason, finished_at=now
        )
        newest = self._publisher.publish(record)
        note = "" if newest else "A newer upload of this key has its own result."
        claim.finish(status=status, reason=record.reason, note=note)
        return self._outcome(document, claim.state, duplicate=False)

    def _extract(self, claim: Claim, asked: Asked | None, received: dict[int, bytes]) -> Extract:
        if asked is None:
            return Extract()
        answers = []
        for number in range(1, asked.pages + 1):
            line = claim.state.page(number).answered
            if line is not None:
                mine = received.get(number) if line.owner == claim.owner and not line.of else None
                answers.append((number, mine or self._store.read(ObjectRef(self._output, line.answer))))
        return fields.extract(asked.operation, answers)

    def _known(self, document: Document, state: State) -> Outcome:
        return self._outcome(document, state, duplicate=True)

    def _outcome(self, document: Document, state: State, *, duplicate: bool) -> Outcome:
        assert state.finished is not None and state.finished.status is not None
        outcome = Outcome(
            bucket=document.bucket,
            key=document.key,
            status=state.finished.status,
            operation=state.operation,
            pages=state.answered,
            record=layout.results(document.key, "record.json"),
            reason=state.finished.reason,
            duplicate=duplicate,
        )
        self._log("document", **msgspec.to_builtins(outcome))
        return outcome

    def _each(
        self, uploads: Iterable[Upload | Unreadable], treat: Callable[[Upload | Unreadable], Outcome]
    ) -> dict[str, Any]:
        outcomes: list[Outcome] = []
        again: list[LegibleError] = []
        for upload in uploads:
            try:
                outcomes.append(treat(upload))
            except SkippedError as error:
                outcomes.append(self._skipped(upload, error))
            except RetryableError as error:
                again.append(self._later(upload, error))
            except LegibleError as error:  # no record could be written: the output bucket or the settings refuse us
                again.append(self._later(upload, _unwritable(error)))
            except Exception as error:  # a defect of ours must not lose the event's other documents
                again.append(self._later(upload, _internal(error)))
        if again:
            raise _once(again, len(outcomes) + len(again))
        return {"documents": [msgspec.to_builtins(outcome) for outcome in outcomes]}

    def _skipped(self, upload: Upload | Unreadable, error: SkippedError) -> Outcome:
        ref = upload.ref if isinstance(upload, Upload) else ObjectRef("", "")
        self._log("skipped", bucket=ref.bucket, key=ref.key, reason=error.reason_code, message=error.message)
        return Outcome(ref.bucket, ref.key, "skipped", reason=Reason.of(error))

    def _later(self, upload: Upload | Unreadable, error: RetryableError) -> RetryableError:
        key = upload.ref.key if isinstance(upload, Upload) else upload.digest
        self._log("retry", key=key, reason=error.reason_code, message=error.message, vendor_code=error.vendor_code)
        return error


def _status(error: DocumentError | None) -> Status | None:
    return msgspec.convert(error.status, Status) if error is not None else None


def _unwritable(error: LegibleError) -> UnavailableError:
    return UnavailableError(
        error.message, code=error.reason_code, advice=error.advice,
        vendor_code=error.vendor_code, request_id=error.request_id,
    )  # fmt: skip


def _internal(error: Exception) -> InternalError:
    """Tell where a defect struck, without the values an exception's own text may quote."""
    places = " < ".join(f"{frame.name} ({frame.filename.rsplit('/', 1)[-1]}:{frame.lineno})" for frame in reversed(
        traceback.extract_tb(error.__traceback__)
    ))  # fmt: skip
    return InternalError(
        f"{type(error).__name__} in {places}.", advice="This is a defect of Legible; please report it with this line."
    )


def _once(errors: list[LegibleError], total: int) -> RetryableError:
    first = errors[0]
    return type(first)(  # type: ignore[return-value]
        f"{len(errors)} of {total} documents must be tried again. First: {first.message}",
        code=first.reason_code,
        advice=first.advice,
        vendor_code=first.vendor_code,
        request_id=first.request_id,
    )
