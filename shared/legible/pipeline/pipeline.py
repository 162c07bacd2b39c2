"""The use cases, top to bottom: an upload becomes a record; an event that was given up becomes visible."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import Literal

from msgspec import structs

from legible.documents.uploads import replaced
from legible.errors import (
    DeadError,
    DocumentError,
    HeldError,
    InternalError,
    OutlastedError,
    ReplacedError,
    RetryableError,
    SettingsError,
)
from legible.ledger.claim import Claim
from legible.ledger.ledger import later_upload
from legible.ledger.state import State
from legible.model.documents import Arrival, Document, Outcome, Reason, Upload
from legible.model.pages import Share
from legible.pipeline import outcomes
from legible.pipeline.claims import Claims
from legible.pipeline.decision import Decider, Decision
from legible.pipeline.delivery import Delivery
from legible.pipeline.finish import End, Finisher
from legible.ports import Invocation
from legible.recognition.document import DocumentCalls
from legible.results.files import preload
from legible.workbooks.folders import Folders

#: Codes of errors that say a journal cannot be used; a record is written all the same.
_UNUSABLE = frozenset({"journal-unreadable", "not-appendable"})


class Pipeline:
    """Everything that happens to a document. Made by ``legible.wiring``.

    Args:
        decider: Finds documents, and says what is to be done with each.
        claims: Claims documents for this invocation.
        calls: Makes the paid calls.
        finisher: Ends documents.
        folders: Builds the workbooks of folders that a marker says are complete.
        call: The invocation: gives the log.
    """

    def __init__(
        self,
        decider: Decider,
        claims: Claims,
        calls: DocumentCalls,
        finisher: Finisher,
        folders: Folders,
        call: Invocation,
    ) -> None:
        """Do nothing yet."""
        self._decider = decider
        self._claims = claims
        self._calls = calls
        self._finisher = finisher
        self._folders = folders
        self._call = call

    def uploads(self, arrivals: Iterable[Arrival]) -> tuple[Outcome, ...]:
        """Turn every upload of an event into a record.

        Args:
            arrivals: What the event named, in its order.

        Returns:
            One outcome for each upload, in order.

        Raises:
            RetryableError: After all were tried, if any must be tried again.
        """
        return self._delivery().each(arrivals, self.process)

    def bury(self, arrivals: Iterable[Arrival], reason: Reason) -> tuple[Outcome, ...]:
        """Record what the platform gave up on, unless it ended otherwise meanwhile; what passes by itself waits.

        Args:
            arrivals: What the event named.
            reason: Why the platform gave up.

        Returns:
            As ``uploads`` does.

        Raises:
            RetryableError: After all were tried, if any must be tried again.
        """
        return self._delivery(reason).each(arrivals, lambda arrival: self.bury_one(arrival, reason))

    def try_again(self, uploads: Iterable[Arrival]) -> None:
        """Process uploads, one after the other, as if each had an event of its own that is delivered once.

        Raises:
            RetryableError: After all were tried, if the trouble of any could not be recorded.
        """
        Delivery(self._call.log).each(uploads, self._tried)

    def process(self, arrival: Arrival) -> Outcome:
        """Turn one upload into a record, unless it has one already; return the outcome.

        Raises:
            SkippedError: It is no document.
            RetryableError: It must be tried again.
        """
        collected = self._collected(arrival)
        if collected is not None:
            return collected
        with self._decider.located(arrival) as (document, error):
            newer = False
            if error is None and isinstance(arrival, Upload) and replaced(arrival, document):
                newer = True
                ended = self._close_replaced(arrival, document)
                if arrival.order is not None:  # the order was for the replaced upload, not for the newer one
                    return ended
                # What waits or is handed on from here on is the newer upload: a third one may take its place.
                arrival = structs.replace(arrival, etag=document.etag, version_id=document.version_id, wait=None)
            document, decision = self._decider.admitted(document, error)
            # One that has ended is opened again by its own event, which waits for that if its reason passes by itself.
            again, run = _named(arrival, "again"), _named(arrival, "run")
            claim = self._claims.take(document, decision, reopen=not newer, again=again, run=run)
            if isinstance(claim, State):
                return self._known(document, claim)
            upload = arrival if isinstance(arrival, Upload) else None
            with self._finisher.counted(claim):
                return self._claims.work(claim, lambda: self._work(claim, decision, upload), upload)

    def look(self, arrival: Arrival) -> tuple[Document, Decision]:
        """Find and examine an upload, unpaid; return its document, and what is to be called for or why nothing is.

        Raises:
            SkippedError: It is no document.
            RetryableError: It must be tried again.
        """
        with self._decider.located(arrival) as (document, error):
            return self._decider.decide(document, error)

    def part(self, arrival: Arrival, share: Share) -> Outcome:
        """Call for a share of an upload's pages while others call for theirs; ``process`` ends the document.

        A document that has ended, or will end without a call, is left as it is.

        Raises:
            SkippedError: It is no document.
            RetryableError: It must be tried again.
        """
        with self._decider.located(arrival) as (document, error):
            if error or (isinstance(arrival, Upload) and replaced(arrival, document)):
                return outcomes.running(document)
            document, decision = self._decider.admitted(document)
            if decision.job is None:
                return outcomes.running(document)
            claim = self._claims.take(
                document, decision, again=_named(arrival, "again"), run=_named(arrival, "run"), share=share
            )
            if isinstance(claim, State):
                return outcomes.ended(document, claim, claim.finished, duplicate=True)
            with self._finisher.counted(claim), self._claims.kept(claim):
                self._call_share(claim, decision)
            claim.release()
            return outcomes.running(document, claim.state)

    def bury_one(self, arrival: Arrival, reason: Reason) -> Outcome:
        """End one upload that was given up, with the status its pages give it, unless it ended meanwhile, or waits.

        Raises:
            SkippedError: It is no document.
            RetryableError: It must be tried again.
        """
        collected = self._collected(arrival, last=True)
        if collected is not None:
            return collected
        with self._decider.located(arrival) as (document, error):
            yields = False
            if isinstance(arrival, Upload) and replaced(arrival, document):
                document, yields = self._decider.announced(arrival), True
            try:
                if isinstance(arrival, Upload) and self._claims.carried_on(document, arrival):
                    return outcomes.running(document, duplicate=True)
                claim = self._claims.take(document, Decision(), reopen=False)
            except (InternalError, HeldError) as broken:
                if broken.reason_code not in _UNUSABLE:
                    raise
                return self._record_only(document, _given_up(reason), yields=yields)
            if isinstance(claim, State):
                return self._known(document, claim)
            readable = not yields and (error is None or error.passes)
            return self._buried(
                claim, arrival if readable and isinstance(arrival, Upload) else None, reason, yields=yields
            )

    def _tried(self, arrival: Arrival) -> Outcome:
        try:
            return self.process(arrival)
        except RetryableError as error:
            return self.bury_one(arrival, Reason.of(error))

    def _delivery(self, given_up: Reason | None = None) -> Delivery:
        relay = self._claims.relay
        hand_on = None if relay is None else lambda arrivals: relay.hand_on(*arrivals, given_up=given_up)
        return Delivery(self._call.log, self._call, hand_on)

    def _collected(self, arrival: Arrival, *, last: bool = False) -> Outcome | None:
        """Build a folder's workbook where the upload says that the folder is complete; None for any other upload."""
        folder = self._folders.complete(arrival)
        if folder is None or not isinstance(arrival, Upload):
            return None
        return self._folders.collect(arrival, folder, last=last)

    def _buried(self, claim: Claim, upload: Upload | None, reason: Reason, *, yields: bool) -> Outcome:
        """End a document that was given up; an ``upload`` given waits instead if its reason passes.

        One whose settings were wrong ends, so that this is seen, and goes on by itself once they are mended.
        """
        if reason.code == SettingsError.code:
            error = _given_up(structs.replace(reason, passes=True))
            return self._claims.work(
                claim,
                lambda: self._dig(claim, self._claims.awaited(claim.document, upload, error, None), yields=yields),
            )
        with self._claims.kept(claim):
            waits, reason = self._claims.put_off(claim, upload, reason)
        if waits:
            return outcomes.running(claim.document, claim.state, reason=reason)
        return self._claims.work(claim, lambda: self._dig(claim, _given_up(reason), yields=yields))

    def _call_share(self, claim: Claim, decision: Decision) -> None:
        self._calls.adopt(claim)
        job = self._decider.continued(claim.document, decision, claim.state.committed).job
        if job is not None:
            with suppress(DocumentError):  # ``process`` meets this error again, unpaid, and records it
                self._calls.recognize(claim, job)

    def _work(self, claim: Claim, decision: Decision, upload: Upload | None) -> None:
        self._calls.adopt(claim)
        committed = claim.state.committed
        decision = self._decider.continued(claim.document, decision, committed)
        received: dict[int, bytes] = {}
        error, job = decision.error, decision.job
        if job is not None:
            preload()
            try:
                received = self._calls.recognize(claim, job, self._finisher.ahead(claim.document))
            except DocumentError as refusal:
                error = refusal
        pages = committed.pages if committed else decision.pages
        self._claims.refuse_late(claim, pages)
        whole = bool(pages) and claim.state.answered >= pages  # then it ends as done, and waits for nothing
        if error is not None and not whole:
            error = self._claims.awaited(claim.document, upload, error, decision.task)
        task = structs.replace(decision.task, pages=pages) if decision.task else None
        self._finisher.finish(claim, End(task, received, error, sheets=job.sheets if job else None))

    def _dig(self, claim: Claim, given_up: DocumentError, *, yields: bool) -> None:
        self._calls.adopt(claim)
        task = self._decider.task_of(claim.document, claim.state)
        self._finisher.finish_given_up(claim, End(task, {}, given_up, yields))

    def _record_only(self, document: Document, given_up: DocumentError, *, yields: bool) -> Outcome:
        """End a document whose journal cannot be used: its record tells of all that was paid for."""
        state = self._claims.salvaged(document)
        end = End(self._decider.task_of(document, state), {}, given_up, yields)
        status = self._finisher.record_only(document, end, state)
        return outcomes.recorded(document, status, Reason.of(given_up) if status == "dead" else None)

    def _close_replaced(self, upload: Upload, newer: Document) -> Outcome:
        """End an upload that was overwritten before it was read; the newer upload is handled separately."""
        document = self._decider.announced(upload)
        self._call.log("replaced", bucket=document.bucket, key=document.key, announced=document.etag, found=newer.etag)
        error = ReplacedError(
            f"{document.ref} was replaced before it was read.", advice="The newer upload has its own record."
        )
        claim = self._claims.take(document, Decision(), reopen=False)
        if isinstance(claim, State):
            return outcomes.ended(document, claim, claim.finished, duplicate=True)
        return self._claims.work(claim, lambda: self._dig(claim, error, yields=True))

    def _known(self, document: Document, state: State) -> Outcome:
        """Return the outcome of a finished document; if its bytes were uploaded again, its results are the newest."""
        if later_upload(document, state):
            self._finisher.publish_again(document)
        return outcomes.ended(document, state, state.finished, duplicate=True)


def _given_up(reason: Reason) -> DeadError:
    """Return the error that ends a document that was given up; one whose reason passes goes on at a later delivery."""
    kind = OutlastedError if reason.passes else DeadError
    return kind(
        reason.message, code=reason.code, advice=reason.advice,
        vendor_code=reason.vendor_code, request_id=reason.request_id,
    )  # fmt: skip


def _named(arrival: Arrival, what: Literal["again", "run"]) -> str:
    """Return the end after which an upload is to be tried again, or the run that it is part of; empty for none."""
    return getattr(arrival, what) if isinstance(arrival, Upload) else ""
