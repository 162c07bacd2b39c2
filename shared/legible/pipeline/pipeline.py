"""The use cases, top to bottom: an upload becomes a record; an event that was given up becomes visible."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
from msgspec import Struct

from legible.documents.intake import Documents, Job
from legible.documents.uploads import announced, replaced
from legible.errors import (
    DeadError,
    DocumentError,
    HeldError,
    InternalError,
    LegibleError,
    OutOfTimeError,
    ReplacedError,
    RetryableError,
    ThrottledError,
)
from legible.ledger.claim import Claim, Wish
from legible.ledger.journal import Line
from legible.ledger.ledger import Ledger, later_upload, plan_of
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Arrival, Document, Outcome, Reason, Upload
from legible.model.pages import Share
from legible.operations import catalog, routing
from legible.operations.operation import Task
from legible.operations.routing import Routed, Routing
from legible.pipeline.delivery import Delivery
from legible.pipeline.finish import End, Finisher
from legible.ports import Log, Relay
from legible.recognition.document import DocumentCalls
from legible.results.publication import Publisher
from legible.workbooks.folders import Folders

#: How much of its time an invocation waits for a document that another one holds; the rest is for the work itself.
#: With one timeout for all, the second delivery after a death outlives the dead owner's lease.
_PATIENCE = 0.75
#: A journal that cannot be used; a record is written all the same.
_UNUSABLE = frozenset({"journal-unreadable", "not-appendable"})
#: What it takes to read an answer back and to write what it says, in seconds a page; measured, `make bench`.
_FINISH_SECONDS = 0.05


class Invocation(Struct, frozen=True):
    """What the pipeline knows of the call it runs in.

    ``owner`` is a name no other invocation has; ``remaining`` tells how many seconds are left.
    """

    owner: str
    remaining: Callable[[], float]


class Decision(Struct, frozen=True):
    """What is to be done with a document: where it was routed, what is to be called, or why nothing is."""

    routed: Routed | None = None
    job: Job | None = None
    error: DocumentError | None = None

    @property
    def pages(self) -> int:
        """How many pages are to be called for."""
        return self.job.plan.count if self.job else 0


class Pipeline:
    """Everything that happens to a document. Made by ``legible.wiring``.

    Args:
        documents: Finds documents and looks at them.
        ledger: Who may pay.
        caller: Makes the paid calls.
        finisher: Ends documents.
        publisher: Writes results.
        rules: From key to operation.
        settings: What else decides an answer; part of a claim's plan.
        invocation: The call this runs in.
        log: Where events are told.
        relay: Has a fresh invocation go on where the time of this one ends; without one, the platform's retry does.
        folders: Builds the workbooks of folders that are said to be complete; without it, no name says so.
    """

    def __init__(
        self,
        *,
        documents: Documents,
        ledger: Ledger,
        caller: DocumentCalls,
        finisher: Finisher,
        publisher: Publisher,
        rules: Routing,
        settings: dict[str, Any],
        invocation: Invocation,
        log: Log,
        relay: Relay | None = None,
        folders: Folders | None = None,
    ) -> None:
        """See the class."""
        self._documents = documents
        self._ledger = ledger
        self._caller = caller
        self._finisher = finisher
        self._publisher = publisher
        self._rules = rules
        self._settings = settings
        self._invocation = invocation
        self._log = log
        self._relay = relay
        self._folders = folders
        self._claims = itertools.count(1)

    def uploads(self, arrivals: Iterable[Arrival]) -> dict[str, Any]:
        """Turn every upload of an event into a record.

        Args:
            arrivals: What the event named, in its order.

        Returns:
            ``{"documents": [outcome, ...]}``, ready for JSON: one outcome an upload, in order.

        Raises:
            RetryableError: After all were tried, if any must be tried again.
        """
        return Delivery(self._log).each(arrivals, self.process)

    def bury(self, arrivals: Iterable[Arrival], reason: Reason) -> dict[str, Any]:
        """Record what the platform gave up on, unless it ended otherwise meanwhile.

        Args:
            arrivals: What the event named.
            reason: Why the platform gave up.

        Returns:
            As ``uploads`` does.

        Raises:
            RetryableError: After all were tried, if any must be tried again.
        """
        error = DeadError(
            reason.message, code=reason.code, advice=reason.advice,
            vendor_code=reason.vendor_code, request_id=reason.request_id,
        )  # fmt: skip
        return Delivery(self._log).each(arrivals, lambda arrival: self.bury_one(arrival, error))

    def process(self, arrival: Arrival) -> Outcome:
        """Turn one upload into a record, or return the one it has.

        Raises:
            SkippedError: It is no document.
            RetryableError: It must be tried again.
        """
        folder = self._folders.complete(arrival) if self._folders else None
        if self._folders and folder is not None and isinstance(arrival, Upload):
            return self._folders.collect(arrival, folder)
        try:
            return self._process(arrival)
        finally:
            self._documents.put_away()

    def look(self, arrival: Arrival) -> tuple[Document, Decision]:
        """Find and examine an upload, unpaid: which document it is, and what is to be called for it, or why nothing is.

        Raises:
            SkippedError: It is no document.
            RetryableError: It must be tried again.
        """
        try:
            document, error = self._documents.locate(arrival)
            return (document, Decision(error=error)) if error else self._plan(document, None)
        finally:
            self._documents.put_away()

    def part(self, arrival: Arrival, share: Share) -> Outcome:
        """Call for a share of an upload's pages, beside others that call for theirs; its end is for ``process``.

        What has its end, or will have one without a call, is left as it is.

        Raises:
            SkippedError: It is no document.
            RetryableError: It must be tried again.
        """
        try:
            document, error = self._documents.locate(arrival)
            if error or (isinstance(arrival, Upload) and replaced(arrival, document)):
                return self._outcome(document, "running")
            document, plan = self._plan(document, None)
            if plan.job is None:
                return self._outcome(document, "running")
            claim = self._claim(document, plan, again=getattr(arrival, "again", ""), share=share)
            if isinstance(claim, State):
                return self._ended(document, claim, claim.finished, duplicate=True)
            with self._kept(claim):
                self._call_share(claim, plan)
            claim.release()
            return self._outcome(document, "running", claim.state)
        finally:
            self._documents.put_away()

    def _call_share(self, claim: Claim, plan: Decision) -> None:
        self._caller.adopt(claim)
        committed = claim.state.committed
        job = (self._committed(claim.document, plan, committed) if committed else plan).job
        if job is not None:
            with suppress(DocumentError):  # whoever ends the document meets it again, unpaid, and says so
                self._caller.recognize(claim, job)

    def _process(self, arrival: Arrival) -> Outcome:
        document, error = self._documents.locate(arrival)
        if error is None and isinstance(arrival, Upload) and replaced(arrival, document):
            ended = self._close_replaced(arrival, document)
            if arrival.order is not None:  # it was for what lay there before; nobody ordered the newer upload so
                return ended
        document, plan = (document, Decision(error=error)) if error else self._plan(document, None)
        claim = self._claim(document, plan, again=arrival.again if isinstance(arrival, Upload) else "")
        if isinstance(claim, State):
            return self._known(document, claim)
        return self._holding(claim, lambda: self._work(claim, plan), arrival)

    def _plan(self, document: Document, committed: Line | None) -> tuple[Document, Decision]:
        """Route and examine a document; one that has answers keeps the operation and options they belong to."""
        routed = None
        try:
            if committed is not None:
                made = routing.made_of(document, committed.operation, self._rules)
                routed = Routed(catalog.find(committed.operation), committed.options, made=made)
            else:
                routed = routing.route(document.key, self._rules, document.order)
                routing.check(routed.operation, self._rules, self._ledger.now().date())
            document, job = self._documents.examine(document, routed)
        except DocumentError as error:
            return document, Decision(routed, error=error)
        return document, Decision(routed, job)

    def _work(self, claim: Claim, plan: Decision) -> None:
        self._caller.adopt(claim)
        committed = claim.state.committed
        if committed is not None:
            plan = self._committed(claim.document, plan, committed)
        received: dict[int, bytes] = {}
        error = plan.error
        if plan.job is not None:
            try:
                received = self._caller.recognize(claim, plan.job)
            except DocumentError as found:
                error = found
        pages = committed.pages if committed else plan.pages
        self._refuse_late(claim, pages)
        asked = None
        if plan.routed is not None:
            made = routing.made_of(claim.document, plan.routed.operation.slug, self._rules)
            asked = Task(plan.routed.operation, plan.routed.options, pages, made)
        self._finisher.finish(claim, End(asked, received, error, sheets=plan.job.sheets if plan.job else None))

    def _refuse_late(self, claim: Claim, pages: int) -> None:
        """Leave the end of a long document to a fresh invocation, if this one has no time for it any more."""
        late = self._invocation.remaining() < pages * _FINISH_SECONDS
        if late and claim.progressed and self._relay is not None:
            raise OutOfTimeError(f"All pages of {claim.document.ref} are called for; there is no time to end it.")

    def _committed(self, document: Document, plan: Decision, committed: Line) -> Decision:
        known = Routed(catalog.find(committed.operation), committed.options)
        routed = plan.routed
        if plan.job is not None and routed and (routed.operation, routed.options) == (known.operation, known.options):
            return plan
        if plan.job is not None:  # the routes changed since: go on as it was begun
            return self._plan(document, committed)[1]
        return Decision(known, error=plan.error)

    def bury_one(self, arrival: Arrival, given_up: DeadError) -> Outcome:
        """End one upload that was given up as its pages say, unless it ended otherwise meanwhile.

        Raises:
            SkippedError: It is no document.
            RetryableError: It must be tried again.
        """
        folder = self._folders.complete(arrival) if self._folders else None
        if self._folders and folder is not None and isinstance(arrival, Upload):
            return self._folders.collect(arrival, folder, last=True)
        document, error = self._documents.locate(arrival)
        yields = False
        if isinstance(arrival, Upload) and replaced(arrival, document):
            document, yields = announced(arrival), True
        try:
            if self._carried_on(document, arrival):
                return self._outcome(document, "running", duplicate=True)
            claim = self._claim(document, Decision(error=error or given_up), reopen=False)
        except (InternalError, HeldError) as broken:
            if broken.reason_code not in _UNUSABLE:
                raise
            status = self._finisher.record_only(document, given_up)
            return self._outcome(document, status, reason=Reason.of(given_up) if status == "dead" else None)
        if isinstance(claim, State):
            return self._known(document, claim)
        return self._holding(claim, lambda: self._dig(claim, given_up, yields=yields))

    def _carried_on(self, document: Document, arrival: Arrival) -> bool:
        """Tell whether a later invocation was called to go on with the document: then nobody gave it up."""
        state, _ = self._ledger.load(document)
        return isinstance(arrival, Upload) and state.finished is None and state.hands > arrival.hand

    def _dig(self, claim: Claim, given_up: DocumentError, *, yields: bool) -> None:
        self._caller.adopt(claim)
        claimed = claim.state.committed or next((line for line in reversed(claim.state.lines) if line.operation), None)
        asked = None
        if claimed is not None:
            made = routing.made_of(claim.document, claimed.operation, self._rules)
            asked = Task(catalog.find(claimed.operation), claimed.options, claimed.pages, made)
        self._finisher.finish_anyway(claim, End(asked, {}, given_up, yields))

    def _close_replaced(self, upload: Upload, found: Document) -> Outcome:
        """Give an upload that was overwritten before it was read its own end; the newer one goes its own way."""
        document = announced(upload)
        self._log("replaced", bucket=document.bucket, key=document.key, announced=document.etag, found=found.etag)
        error = ReplacedError(
            f"{document.ref} was replaced before it was read.", advice="The newer upload has its own record."
        )
        claim = self._claim(document, Decision(error=error), reopen=False)
        if isinstance(claim, State):
            return self._ended(document, claim, claim.finished, duplicate=True)
        return self._holding(claim, lambda: self._dig(claim, error, yields=True))

    def _claim(
        self, document: Document, plan: Decision, *, reopen: bool = True, again: str = "", share: Share | None = None
    ) -> Claim | State:
        routed, job = plan.routed, plan.job
        wish = Wish(
            owner=f"{self._invocation.owner}-{next(self._claims)}",
            operation=routed.operation.slug if routed else "",
            options=routed.options if routed else {},
            plan=plan_of(routed.operation.slug, routed.options, self._settings) if routed else "",
            pages=plan.pages,
            page=1 if job is not None and not job.plan.rendered else 0,
            reopen=reopen,
            again=again,
            share=share,
        )
        remaining = self._invocation.remaining
        return self._ledger.claim(document, wish, remaining, remaining() * _PATIENCE)

    def _holding(self, claim: Claim, work: Callable[[], None], arrival: Arrival | None = None) -> Outcome:
        """Do the work; give the claim back if it must be tried again, so that the next delivery need not wait."""
        with self._kept(claim):
            try:
                work()
            except (OutOfTimeError, ThrottledError) as late:  # a throttled page waits as long as there is time
                if isinstance(arrival, Upload) and self._handed_on(claim, arrival):
                    return self._outcome(claim.document, "running", claim.state, reason=Reason.of(late))
                raise
        return self._ended(claim.document, claim.state, claim.ended)

    @contextmanager
    def _kept(self, claim: Claim) -> Iterator[None]:
        """Give the claim back where an error ends its work."""
        try:
            yield
        except RetryableError as error:
            self._let_go(claim, error)
            raise
        except Exception as error:
            self._let_go(claim, InternalError(f"{type(error).__name__} in Legible."))
            raise

    def _handed_on(self, claim: Claim, upload: Upload) -> bool:
        """Have a fresh invocation go on, if this one got further: so that the chain of them always ends.

        It is called before the claim is given back: who dies in between leaves a successor that waits, not a document
        that nobody has.
        """
        if self._relay is None or not claim.progressed:
            return False
        hand = max(claim.state.hands, upload.hand) + 1
        try:
            self._relay.hand_on(msgspec.structs.replace(upload, hand=hand))
            claim.hand_on(hand)
        except LegibleError as error:
            self._log("not-handed-on", key=claim.document.key, reason=error.reason_code, message=str(error))
            return False
        return True

    def _let_go(self, claim: Claim, error: RetryableError) -> None:
        try:
            claim.release(reason=Reason.of(error))
        except LegibleError as second:
            self._log("not-released", key=claim.document.key, reason=second.reason_code)

    def _known(self, document: Document, state: State) -> Outcome:
        """Return what a finished document ended as; bytes that were uploaded again are the newest once more."""
        if later_upload(document, state):
            self._publisher.publish_again(document)
        return self._ended(document, state, state.finished, duplicate=True)

    def _ended(self, document: Document, state: State, last: Line | None, *, duplicate: bool = False) -> Outcome:
        assert last is not None and last.status is not None  # whoever asks has seen the end
        return self._outcome(document, last.status, state, duplicate=duplicate, reason=last.reason)

    def _outcome(self, document: Document, status: Any, state: State | None = None, **values: Any) -> Outcome:
        duplicate = values.get("duplicate", False)
        record = layout.version(document, "record.json") if duplicate else layout.results(document.key, "record.json")
        return Outcome(
            bucket=document.bucket,
            key=document.key,
            status=status,
            operation=state.operation if state else "",
            pages=state.answered if state else 0,
            record="" if status == "running" else record,
            **values,
        )
