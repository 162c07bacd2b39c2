"""One paid call for one page: announced before, stored as it came, recorded after."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from legible.documents.intake import Job
from legible.errors import (
    AnswerUnknownError,
    BusyError,
    DocumentError,
    HeldError,
    LegibleError,
    OutOfTimeError,
    RejectedError,
    ReplacedError,
    RetryableError,
    SourceUnreadableError,
    ThrottledError,
    UnavailableError,
)
from legible.extraction import fields
from legible.ledger.answers import UNUSABLE, digest
from legible.ledger.claim import Claim
from legible.ledger.orphans import RENDERED
from legible.model.documents import PageState, Reason, unreadable_answer
from legible.model.pages import Answer, Picture, Source
from legible.operations.projects import DEFAULT
from legible.recognition.context import CallContext, Placed
from legible.recognition.page_errors import broken, lost_answer, sent_often
from legible.recognition.retries import UNKNOWN_TRIES, AgainError


def judged(body: bytes, request_id: str) -> dict[str, Any]:
    """Return what the journal says beside a stored answer: nothing, or that it cannot be read and its page is dead."""
    why = fields.unreadable(body)
    return {"state": "dead", "reason": unreadable_answer(why, request_id)} if why else {}


class PageCall:
    """The call for one page, and what changes from one try to the next."""

    def __init__(
        self,
        context: CallContext,
        claim: Claim,
        job: Job,
        page: int,
        halted: Callable[[], bool] = lambda: False,
        before: Callable[[], None] = lambda: None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin with the configured source, or inline where a URL cannot be used."""
        self._context = context
        self._claim = claim
        self._job = job
        self._page = page
        self._halted = halted
        self._before = before
        self._meanwhile = meanwhile
        self._source: Source = "inline" if job.inline else context.policy.source
        self._why_inline = job.inline
        self._placed: Placed | None = None
        self._payer = claim.owner  # the name that answers are kept under

    def once(self) -> bytes:
        """Announce one call, make it, record its outcome; return its answer.

        Raises:
            AgainError: The call may be made again.
            DocumentError: This page, or the document, failed for good; this is recorded.
            RetryableError: Something other than the call failed; the next delivery continues.
        """
        try:
            self._refuse_third()
            self._context.seconds()
            self._trust_url()
            self._placed = placed = self._placed or self._context.place(self._job, self._page, self._source)
            picture = self._context.picture(self._job, self._page, placed, self._source)
        except LegibleError as error:
            self._refused(error)
            raise
        answer = self._in_turn(picture)
        if isinstance(answer, LegibleError):
            return self._troubled(answer, picture)
        if answer is not None and self._record(answer, picture, placed):
            return answer.body
        return self.once()  # the URL may have opened, or would open, another upload: now the page goes inline

    def _trust_url(self) -> None:
        """Send the page inline if the document's own URL would open, or may have opened, another upload."""
        if self._opens_document(self._source):
            refusal = self._context.proof(self._job.document).refusal()
            if refusal:
                self._source, self._why_inline = "inline", refusal

    def _opens_document(self, source: Source) -> bool:
        """Tell whether the service is given the document's own URL, which opens whatever lies there at that moment.

        Other bytes were read as this very document. A signed URL names the version, in a bucket that keeps versions.
        """
        named = source == "signed-url" and bool(self._job.document.version_id)
        return source != "inline" and not self._job.plan.rendered and not named

    def _in_turn(self, picture: Picture) -> Answer | LegibleError | None:
        """Announce and make the call when it is its turn; return the answer, or the error.

        Nothing is sent, and None returned, if the document's URL cannot be trusted any more.
        """
        with self._context.turns:
            try:
                if self._halted():
                    raise OutOfTimeError("The document cannot go on; no more of its pages are called for.")
                self._before()
                self._context.seconds()
                if self._opens_document(picture.source) and self._context.proof(self._job.document).refusal():
                    return None
            except LegibleError as error:
                self._refused(error)
                raise
            self._announce(picture)
            self._meanwhile()
            try:
                return self._ask(picture)
            except LegibleError as error:
                return error

    def _troubled(self, error: LegibleError, picture: Picture) -> bytes:
        """Record a call without a usable answer; only if a URL could not be read, call again at once, inline."""
        if isinstance(error, AnswerUnknownError) or error.body:  # it may have been paid
            self._unknown(error)
        elif isinstance(error, ThrottledError):
            self._throttled(picture)
        if isinstance(error, (AnswerUnknownError, ThrottledError)):
            raise AgainError(error) from error
        if isinstance(error, SourceUnreadableError):
            return self._inline(error)
        self._refused(error)
        if isinstance(error, UnavailableError):
            raise AgainError(error) from error
        raise error

    def gave_up(self, again: AgainError) -> None:
        """Record, by one line, that a call which was only ever turned away is not tried again by this invocation."""
        if again.throttled:
            self._refused(again.error)

    def _ask(self, picture: Picture) -> Answer:
        options = {**self._job.task.options, **picture.parameters}
        seconds, before = self._context.seconds(), self._context.invocation.remaining()
        try:
            return self._context.recognizer.recognize(self._job.task.operation, options, picture, seconds)
        except RejectedError as error:
            if picture.parameters and error.reason_code == "image-refused":
                raise broken(error) from error
            raise
        finally:
            self._context.took(before - self._context.invocation.remaining())

    def _refuse_third(self) -> None:
        if self._claim.state.page(self._page).spent >= UNKNOWN_TRIES:
            raise sent_often(self._page, self._claim.state.lines)

    def _announce(self, picture: Picture) -> None:
        known = self._claim.state.page(self._page).open
        if known is None or known.owner != self._claim.owner:
            self._claim.write("calling", **self._announcement(picture))
            if self._claim.share is not None:  # others write too: the line must not have been overwritten
                self._claim.require_in_force()

    def _announcement(self, picture: Picture) -> dict[str, Any]:
        note = RENDERED if self._job.plan.rendered else ""
        kept = ""
        if self._payer != self._claim.owner:
            kept = self._context.answers.key(self._claim.document, self._page, self._payer)
        otherwise = "" if picture.project == self._claim.project else picture.project or DEFAULT
        return {"page": self._page, "source": picture.source, "note": note, "answer": kept, "project": otherwise}

    def _throttled(self, picture: Picture) -> None:
        """Mark the announced call as one that waits for its turn; it stays announced, so that a try writes nothing."""
        known = self._claim.state.page(self._page).open
        if known is None or not known.throttled:
            self._claim.write("calling", throttled=True, **self._announcement(picture))

    def _refused(self, error: LegibleError) -> None:
        """Record a call that was not paid, or not even sent, and whether its error ends the page."""
        ends = isinstance(error, DocumentError) and not isinstance(error, HeldError)
        open_call = self._claim.state.page(self._page).open
        if ends or (open_call is not None and open_call.owner == self._claim.owner):
            state = error.status if ends else None
            self._claim.write("refused", page=self._page, state=state, reason=Reason.of(error))

    def _inline(self, error: SourceUnreadableError) -> bytes:
        if self._source == "inline":
            refusal = RejectedError.of(error)
            self._refused(refusal)
            raise refusal from error
        self._refused(error)
        if not self._context.policy.fallback:
            raise HeldError.of(error) from error
        self._source = "inline"
        self._why_inline = f"sent inline: the service could not read the URL ({error.vendor_code})"
        return self.once()

    def _unknown(self, error: LegibleError, key: str = "") -> None:
        if error.body:
            key = self._keep(error.body, error.request_id, f"{self._claim.owner}{UNUSABLE}")
        held: PageState | None = "held" if isinstance(error, HeldError) else None
        self._claim.write(
            "unknown", always=True, state=held, page=self._page, answer=key, request_id=error.request_id,
            reason=Reason.of(error),
        )  # fmt: skip

    def _record(self, answer: Answer, picture: Picture, placed: Placed) -> bool:
        """Store the answer under its payer's name, then see whether it is the one that counts.

        Whether another upload may have been read, and whether this claim is still in force, is looked at while the
        answer is stored; neither is said before it is. Where other pages are called for, the journal is read back only
        after that: their announcements, which calls wait for, go first.

        Returns:
            False if it may be of another upload, but the page can be sent inline.
        """
        self._meanwhile()
        with ThreadPoolExecutor(2) as beside:
            kept = beside.submit(self._keep, answer.body, answer.request_id, self._payer)
            doubt = beside.submit(self._doubt, picture)
            if self._context.policy.window > 1 and self._job.plan.count > 1:
                wait([kept])
            lost = self._not_in_force()
        try:
            key = kept.result()
        except LegibleError as error:
            self._unstored(error, answer)
        values: dict[str, Any] = {
            "page": self._page, "request_id": answer.request_id, "answer": key, "sha256": digest(answer.body),
            "source": picture.source, "frame": placed.frame,
            "ink": self._context.ink(self._job, self._page, placed, answer.body),
            **judged(answer.body, answer.request_id),
            "note": "; ".join(part for part in (placed.note, self._why_inline) if part),
        }  # fmt: skip
        try:
            return self._count(doubt.result(), lost, values)
        except DocumentError as error:
            if isinstance(error, ReplacedError):
                raise
            raise UnavailableError.of(error) from error  # the store failed after the call: no end; the answer is kept

    def _doubt(self, picture: Picture) -> str:
        """Say why the answer may be of another upload; empty where it is of this document."""
        return self._context.proof(self._job.document).doubt() if self._opens_document(picture.source) else ""

    def _not_in_force(self) -> RetryableError | None:
        """Read the journal back, and return why this claim may say nothing of its answer; None if it may."""
        try:
            self._claim.require_in_force(self._context.policy.settle)
        except RetryableError as error:
            return error
        return None

    def _count(self, doubt: str, lost: RetryableError | None, values: dict[str, Any]) -> bool:
        """Record a stored answer as the one that counts, or as surplus; see ``_record``."""
        if doubt:
            note = "; ".join(part for part in (values["note"], f"{doubt} while the URL was read") if part)
            self._claim.surplus(**{**values, "note": note})
            self._context.proof(self._job.document).require_own_bytes(doubt)
            self._payer = f"{self._claim.owner}-inline"
            self._placed = None
            return False
        try:
            if lost is not None:
                raise lost
            line = self._claim.write("answered", with_next=_ends_at_once(self._claim, self._job), **values)
        except BusyError:
            self._claim.surplus(**values, plan=self._claim.plan)  # who holds the document by now lets it count
            raise
        if self._claim.state.page(self._page).answered != line:
            self._claim.surplus(**values)
        return True

    def _keep(self, body: bytes, request_id: str, owner: str) -> str:
        """Store what a call returned, under its payer's name; return its key."""
        return self._context.answers.keep(self._claim.document, self._page, owner, body, request_id)

    def _unstored(self, error: LegibleError, answer: Answer) -> None:
        """Record a paid answer that could not be stored, and raise the error after which it is asked for once more."""
        lost = lost_answer(error, answer)
        self._unknown(lost)
        raise lost from error


def _ends_at_once(claim: Claim, job: Job) -> bool:
    """Tell whether an answer is the document's only one, and nobody else writes before the journal's last line."""
    return job.plan.count == 1 and claim.standing.undisputed
