"""The use cases, top to bottom: an upload becomes a record; an event that was given up becomes visible."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from legible import fields, intake, layout, pages, routing
from legible.calling import Caller, Job
from legible.errors import (
    DeadError,
    DocumentError,
    InternalError,
    LegibleError,
    ObjectGoneError,
    RejectedError,
    RetryableError,
    SkippedError,
    UnavailableError,
)
from legible.journal import State
from legible.ledger import Claim, Ledger, plan_of
from legible.model import Document, Extract, ObjectRef, Outcome, Reason, Status, Unreadable, Upload
from legible.ports import Head, ObjectStore
from legible.publishing import Publisher
from legible.record import Asked, assemble, status_of
from legible.routing import Routed, Routing

#: Left of the function's time when waiting for another invocation's document ends, in seconds.
_WAIT_RESERVE = 10.0


class Log(Protocol):
    """Writes one line about one thing that happened; ``values`` hold no secret and nothing recognized."""

    def __call__(self, event: str, **values: Any) -> None:
        """Write the line."""
        ...


class Invocation(Struct, frozen=True):
    """What the pipeline knows of the call it runs in.

    ``owner`` is a name no other invocation has; ``remaining`` tells how many seconds are left.
    """

    owner: str
    remaining: Callable[[], float]


class Pipeline:
    """Everything that happens to a document. Made by ``legible.wiring``.

    Args:
        store: Where documents and results lie.
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
        ledger: Ledger,
        caller: Caller,
        publisher: Publisher,
        rules: Routing,
        output: str,
        input_bucket: str,
        settings: dict[str, Any],
        invocation: Invocation,
        log: Log,
    ) -> None:
        """See the class."""
        self._store = store
        self._ledger = ledger
        self._caller = caller
        self._publisher = publisher
        self._rules = rules
        self._output = output
        self._input = input_bucket
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
        document, error = self._locate(upload)
        routed, job = None, None
        if error is None:
            try:
                routed = self._route(document)
                document, job = self._examine(document, routed)
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
        document, error = self._locate(upload)
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

    def _locate(self, upload: Upload | Unreadable) -> tuple[Document, DocumentError | None]:
        """Find out which version of which object an upload is."""
        if isinstance(upload, Unreadable):
            document = Document("unreadable", f"{layout.UNREADABLE}/{upload.digest}", upload.digest)
            reason = upload.reason
            return document, RejectedError(reason.message, code=reason.code, advice=reason.advice)
        self._refuse_own(upload.ref)
        try:
            ref, head = self._find(upload)
        except DocumentError as error:
            version = _plain(upload.version_id or upload.etag or "gone")
            return Document(upload.ref.bucket, upload.ref.key, version, upload.etag), error
        if upload.etag and head.etag != upload.etag:
            self._log("replaced", bucket=ref.bucket, key=ref.key, announced=upload.etag, found=head.etag)
        return Document(
            bucket=ref.bucket,
            key=ref.key,
            version=_plain(head.version_id or head.etag),
            etag=head.etag,
            version_id=head.version_id,
            size=head.size,
            uploaded_at=head.modified_at,
            content_type=head.content_type,
        ), None

    def _refuse_own(self, ref: ObjectRef) -> None:
        if ref.bucket == self._output and (self._output != self._input or ref.key.startswith(layout.OWN)):
            raise SkippedError(
                f"{ref} is an output of Legible.",
                code="own-output",
                advice="Let the trigger watch the input bucket, or a prefix of its own.",
            )
        if ref.key.endswith("/"):
            raise SkippedError(f"{ref} is a folder.", code="folder")

    def _find(self, upload: Upload) -> tuple[ObjectRef, Head]:
        """Look for the object under its decoded key, then under the key as the event spelt it.

        No page says whether classic events encode keys, so both are tried where they differ; the one whose etag the
        event names is right.
        """
        found = None
        for key in dict.fromkeys((upload.ref.key, upload.raw_key or upload.ref.key)):
            ref = ObjectRef(upload.ref.bucket, key)
            head = self._head(ref, upload.version_id)
            if head is not None and (found is None or head.etag == upload.etag):
                found = ref, head
            if head is not None and head.etag == upload.etag:
                break
        if found is None:
            raise ObjectGoneError(
                f"The object {upload.ref} is gone.",
                advice="It was removed or renamed before it was read; upload it again.",
            )
        return found

    def _head(self, ref: ObjectRef, version_id: str) -> Head | None:
        for version in dict.fromkeys((version_id, "")):
            try:
                return self._store.head(ref, version)
            except ObjectGoneError:
                continue
        return None

    def _route(self, document: Document) -> Routed:
        routed = routing.route(document.key, self._rules)
        routing.check(routed.operation, self._rules, self._ledger.now().date())
        return routed

    def _examine(self, document: Document, routed: Routed) -> tuple[Document, Job]:
        """Judge the document by its first bytes, and plan its pages; nothing is paid yet."""
        ref, version_id, operation = document.ref, document.version_id, routed.operation
        if document.size == 0:
            intake.format_of(b"")
        last_byte = min(document.size, intake.FIRST_BYTES) - 1
        first = self._store.read(ref, version_id, 0, last_byte)
        document = msgspec.structs.replace(document, format=intake.format_of(first))
        whole = document.size <= intake.FIRST_BYTES
        tail = first if whole else self._store.read(
            ref, version_id, document.size - intake.LAST_BYTES, document.size - 1
        )  # fmt: skip
        intake.judge_end(document.format, document.size, first, tail[-intake.LAST_BYTES :])
        intake.judge_size(operation, document.size)
        body = first if whole else None
        if body is None and (document.format in pages.COUNTED or document.format not in operation.limits.formats):
            body = self._store.read(ref, version_id)
        plan = pages.plan(operation, document.format, body if document.format in pages.COUNTED else None)
        document = self._measure(document, routed, first if body is None else body, plan)
        return document, Job(document, operation, routed.options, plan, body if plan.rendered else None)

    def _measure(self, document: Document, routed: Routed, known: bytes, plan: pages.Plan) -> Document:
        width = height = None
        if document.format not in {"pdf", "ofd"}:
            sides = pages.measure(known)
            if sides is None and len(known) < document.size:
                sides = pages.measure(self._store.read(document.ref, document.version_id))
            if sides is None:
                raise RejectedError(
                    "The image cannot be opened: it is cut or broken.",
                    code="document-broken",
                    advice="Scan or save it again and upload that.",
                )
            width, height = sides
            if not plan.rendered:
                intake.judge_sides(routed.operation, width, height)
        return msgspec.structs.replace(document, width=width, height=height, page_count=plan.count)

    def _claim(self, document: Document, routed: Routed | None, page: int) -> Claim | State:
        remaining = self._invocation.remaining()
        return self._ledger.claim(
            document,
            owner=self._invocation.owner,
            seconds=remaining,
            patience=max(0.0, remaining - _WAIT_RESERVE),
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
            except DocumentError as error:  # no record could be written: the output bucket refuses us
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


def _plain(version: str) -> str:
    """Return a version fit for one step of a key."""
    return "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in version)[:120]


def _status(error: DocumentError | None) -> Status | None:
    return msgspec.convert(error.status, Status) if error is not None else None


def _unwritable(error: DocumentError) -> UnavailableError:
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
