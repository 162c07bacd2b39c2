"""One paid call for one page: announced before, stored as it came, recorded after."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from legible.documents.intake import Job
from legible.errors import (
    AnswerUnknownError,
    BusyError,
    DeadError,
    DocumentError,
    HeldError,
    LegibleError,
    OutOfTimeError,
    RejectedError,
    ReplacedError,
    SourceUnreadableError,
    ThrottledError,
    UnavailableError,
)
from legible.extraction import fields
from legible.ledger.answers import digest
from legible.ledger.claim import Claim
from legible.model.documents import Reason, unreadable_answer
from legible.model.pages import Answer, Picture, Source
from legible.recognition.context import CallContext, Placed
from legible.recognition.retries import UNKNOWN_TRIES, AgainError

#: The note of a call whose picture was made from bytes that were read before.
RENDERED = "rendered"


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
    ) -> None:
        """Begin with the configured source, or inline where a URL cannot be used."""
        self._context = context
        self._claim = claim
        self._job = job
        self._page = page
        self._halted = halted
        self._before = before
        self._source: Source = "inline" if job.inline else context.policy.source
        self._why_inline = job.inline
        self._placed: Placed | None = None

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
            self._placed = placed = self._placed or self._context.place(self._job, self._page, self._source)
            picture = self._context.picture(self._job, self._page, placed, self._source)
        except LegibleError as error:
            self._refused(error)
            raise
        answer = self._in_turn(picture)
        if isinstance(answer, LegibleError):
            return self._troubled(answer)
        self._record(answer, picture, placed)
        return answer.body

    def _in_turn(self, picture: Picture) -> Answer | LegibleError:
        """Announce and make the call when it is its turn; return the answer, or the error."""
        with self._context.turns:
            try:
                if self._halted():
                    raise OutOfTimeError("The document cannot go on; no more of its pages are called for.")
                self._before()
                self._context.seconds()
            except LegibleError as error:
                self._refused(error)
                raise
            self._announce(picture)
            try:
                return self._ask(picture)
            except LegibleError as error:
                return error

    def _troubled(self, error: LegibleError) -> bytes:
        """Record a call without a usable answer; only if a URL could not be read, call again at once, inline."""
        if isinstance(error, SourceUnreadableError):
            return self._inline(error)
        if isinstance(error, AnswerUnknownError):
            self._unknown(error)
            raise AgainError(error) from error
        self._refused(error)
        if isinstance(error, (ThrottledError, UnavailableError)):
            raise AgainError(error) from error
        raise error

    def _ask(self, picture: Picture) -> Answer:
        options = {**self._job.task.options, **picture.parameters}
        seconds, before = self._context.seconds(), self._context.invocation.remaining()
        try:
            return self._context.recognizer.recognize(self._job.task.operation, options, picture, seconds)
        finally:
            self._context.took(before - self._context.invocation.remaining())

    def _refuse_third(self) -> None:
        if self._claim.state.page(self._page).spent >= UNKNOWN_TRIES:
            raise DeadError(
                f"Page {self._page} was sent {UNKNOWN_TRIES} times and no answer came back; both may have been paid.",
                code="answer-unknown",
                advice="Compare with the service's own count of calls before you upload it again.",
            )

    def _announce(self, picture: Picture) -> None:
        known = self._claim.state.page(self._page).open
        if known is None or known.owner != self._claim.owner:
            note = RENDERED if self._job.plan.rendered else ""
            self._claim.write("calling", page=self._page, source=picture.source, note=note)
            if self._claim.share is not None:  # others write too: the line must not have been overwritten
                self._claim.require_in_force()

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
        self._source = "inline"
        self._why_inline = f"sent inline: the service could not read the URL ({error.vendor_code})"
        return self.once()

    def _unknown(self, error: LegibleError, key: str = "") -> None:
        body = getattr(error, "body", b"")
        if body:
            key = self._keep(body, error.request_id, f"{self._claim.owner}-unusable")
        reason = Reason.of(error)
        self._claim.write(
            "unknown", always=True, page=self._page, answer=key, request_id=error.request_id, reason=reason
        )

    def _record(self, answer: Answer, picture: Picture, placed: Placed) -> None:
        """Store the answer under its payer's name, then see whether it is the one that counts."""
        try:
            key = self._keep(answer.body, answer.request_id, self._claim.owner)
        except LegibleError as error:
            self._unstored(error, answer)
        values: dict[str, Any] = {
            "page": self._page, "request_id": answer.request_id, "answer": key, "sha256": digest(answer.body),
            "source": picture.source, "frame": placed.frame, **judged(answer.body, answer.request_id),
            "note": "; ".join(part for part in (placed.note, self._why_inline) if part),
        }  # fmt: skip
        try:
            self._count(picture, values)
        except ReplacedError:
            raise
        except DocumentError as error:  # the store failed after the call: no end of the document; the answer is kept
            raise UnavailableError.of(error) from error

    def _count(self, picture: Picture, values: dict[str, Any]) -> None:
        """Record a stored answer as the one that counts, or as surplus."""
        if self._replaced(picture):
            self._claim.surplus(**values)
            raise ReplacedError(
                f"{self._claim.document.ref} was replaced while it was read; the answer may be of the newer upload.",
                advice="The newer upload has its own record. The answer is stored, and counted as surplus.",
            )
        try:
            self._claim.require_in_force(self._context.policy.settle)
            line = self._claim.write("answered", **values)
        except BusyError:
            self._claim.surplus(**values)
            raise
        if self._claim.state.page(self._page).answered != line:
            self._claim.surplus(**values)

    def _replaced(self, picture: Picture) -> bool:
        """Tell whether the service may have read another upload than this one."""
        if self._job.plan.rendered or picture.source == "inline":
            return False  # those bytes were read as this very version
        return self._context.replaced(self._job.document)

    def _keep(self, body: bytes, request_id: str, owner: str) -> str:
        """Store what a call returned, under its payer's name; return its key."""
        return self._context.answers.keep(self._claim.document, self._page, owner, body, request_id)

    def _unstored(self, error: LegibleError, answer: Answer) -> None:
        """Record a paid answer that could not be stored, and raise the error after which it is asked for once more."""
        lost = UnavailableError(
            f"An answer was paid for and could not be stored. {error.message}",
            code="answer-not-stored",
            advice=error.advice,
            vendor_code=error.vendor_code,
            request_id=answer.request_id,
        )
        self._unknown(lost)
        raise lost from error
