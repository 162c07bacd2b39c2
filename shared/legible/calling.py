"""One document's paid calls: announced before, recorded after, each page at most once without a trace of why."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from msgspec import Struct
from tenacity import Retrying, retry_if_exception_type, wait_random

from legible import layout, pages
from legible.errors import (
    AnswerUnknownError,
    BusyError,
    DeadError,
    DocumentError,
    HeldError,
    LegibleError,
    ObjectGoneError,
    OutOfTimeError,
    RejectedError,
    RetryableError,
    SourceUnreadableError,
    ThrottledError,
    UnavailableError,
)
from legible.ledger import Claim
from legible.model import Answer, Document, ObjectRef, Picture, Reason, Source
from legible.operation import Operation
from legible.ports import ObjectStore, Recognizer

#: A call that may have been paid is tried again so often at the most.
_UNKNOWN_TRIES = 2
#: Less time than this, in seconds, is not worth the start of a paid call.
_SHORTEST_CALL = 1.0
#: Name of the object metadata that carries the service's request id beside a stored answer.
REQUEST_ID = "ocr-request"


class Policy(Struct, frozen=True):
    """How calls are made. All times in seconds.

    ``wait`` is the vendor's advice for throttling, 2 to 5 (ocr_03_0028). ``reserve`` is kept free at the end of the
    function's time to write what was learned. ``settle`` is how long after a claim the journal is read back: longer
    than two appends can be called simultaneous.
    """

    source: Source = "url"
    attempts: int = 4
    wait: tuple[float, float] = (2.0, 5.0)
    call: float = 60.0
    reserve: float = 5.0
    settle: float = 0.2
    signed_url: int = 900


class Job(Struct, frozen=True):
    """A document that passed intake: what is called, and how its pages are made. ``body`` only where pages need it."""

    document: Document
    operation: Operation
    options: dict[str, Any]
    plan: pages.Plan
    body: bytes | None = None


class Caller:
    """Makes the calls of one document after another.

    Args:
        store: Where documents, answers and rendered pages lie.
        recognizer: What performs operations.
        output: The output bucket.
        policy: How calls are made.
        remaining: How many seconds the function has left.
        pause: Waits for so many seconds.
    """

    def __init__(
        self,
        store: ObjectStore,
        recognizer: Recognizer,
        output: str,
        policy: Policy,
        remaining: Callable[[], float],
        pause: Callable[[float], None],
    ) -> None:
        """See the class."""
        self._store = store
        self._recognizer = recognizer
        self._output = output
        self._policy = policy
        self._remaining = remaining
        self._pause = pause

    def recognize(self, claim: Claim, job: Job) -> dict[int, bytes]:
        """Call for every page that has no outcome yet; what is known is in ``claim.state`` afterwards.

        Returns:
            The answers received just now, by page.

        Raises:
            RetryableError: A page must be tried again later; outcomes so far are in the ledger.
            HeldError: Nothing more can be called until something is mended.
        """
        received: dict[int, bytes] = {}
        self.adopt(claim)
        for page in range(1, job.plan.count + 1):
            known = claim.state.page(page)
            if known.answered is None and known.settled is None:
                self._page(claim, job, page, received)
        return received

    def adopt(self, claim: Claim) -> None:
        """Settle the calls of an owner that died: its stored answer counts, else the call may have been paid."""
        for page, line in claim.state.orphans(claim.owner):
            found = self._stored(claim.document, page, line.owner)
            if found is None:
                claim.write("unknown", page=page, of=line.owner, note="Its invocation ended before it could say more.")
            else:
                key, body, request_id = found
                claim.write(
                    "answered",
                    page=page,
                    of=line.owner,
                    answer=key,
                    sha256=_digest(body),
                    request_id=request_id,
                    source=line.source,
                    note="Stored by an invocation that ended before it could say so.",
                )

    def _stored(self, document: Document, page: int, owner: str) -> tuple[str, bytes, str] | None:
        for key in (layout.answer(document, page), layout.answer(document, page, owner)):
            ref = ObjectRef(self._output, key)
            try:
                return key, self._store.read(ref), self._store.head(ref).metadata.get(REQUEST_ID, "")
            except ObjectGoneError:
                continue
        return None

    def _page(self, claim: Claim, job: Job, page: int, received: dict[int, bytes]) -> None:
        call = _PageCall(self, claim, job, page)
        try:
            received[page] = Retrying(
                retry=retry_if_exception_type(_AgainError),
                wait=wait_random(*self._policy.wait),
                stop=lambda state: state.attempt_number >= self._policy.attempts or self._too_late(),
                sleep=self._pause,
                reraise=True,
            )(call.once)
        except HeldError:
            raise
        except DocumentError as error:
            claim.write("refused", page=page, state=error.status, reason=Reason.of(error))
        except _AgainError as again:
            raise again.later() from again

    def _too_late(self) -> bool:
        return self._remaining() < self._policy.wait[1] + self._policy.reserve + _SHORTEST_CALL

    def seconds(self) -> float:
        """Return how long the next call may take.

        Raises:
            OutOfTimeError: Not long enough to begin one.
        """
        seconds = min(self._policy.call, self._remaining() - self._policy.reserve)
        if seconds < _SHORTEST_CALL:
            raise OutOfTimeError(
                "The function's time ends before another paid call could.",
                advice="The event is delivered again and goes on from here; give the function more time.",
            )
        return seconds

    def keep(self, key: str, answer: bytes, request_id: str) -> None:
        """Store a paid answer before anything reads it; the store's passing faults are outlasted while time is left."""
        Retrying(
            retry=retry_if_exception_type(UnavailableError),
            wait=wait_random(0.2, 1.0),
            stop=lambda state: self._remaining() < 2.0,
            sleep=self._pause,
            reraise=True,
        )(self._store.write, ObjectRef(self._output, key), answer, "application/json", {REQUEST_ID: request_id})

    def picture(self, job: Job, page: int, source: Source) -> tuple[Picture, str]:
        """Return what the call for a page is asked to read, and what was done to the page first."""
        ref, version_id, note = job.document.ref, job.document.version_id, job.plan.note
        body = job.body
        if job.plan.rendered:
            made = pages.render(job.operation, job.document.format, job.body or b"", page)
            ref, version_id, body = ObjectRef(self._output, layout.work(job.document, page, made.suffix)), "", made.body
            note = "; ".join(part for part in (note, made.note) if part)
            if source != "inline":
                self._store.write(ref, made.body, made.media_type)
        parameters = {job.plan.parameter: page} if job.plan.parameter else {}
        if source == "inline":
            return Picture("inline", body=body or self._store.read(ref, version_id), parameters=parameters), note
        url = self._store.url(ref) if source == "url" else self._store.signed_url(ref, self._policy.signed_url)
        return Picture(source, url=url, parameters=parameters), note

    def ask(self, claim: Claim, job: Job, picture: Picture) -> tuple[Answer, bool | None]:
        """Make one call with the journal read back beside it.

        Returns:
            The answer, and whether the claim stands; None where the journal could not be read back.
        """
        seconds = self.seconds()
        with ThreadPoolExecutor(1) as beside:
            standing = beside.submit(self._read_back, claim)
            answer = self._recognizer.recognize(job.operation, {**job.options, **picture.parameters}, picture, seconds)
            return answer, _told(standing)

    def _read_back(self, claim: Claim) -> bool:
        self._pause(self._policy.settle)
        return claim.standing()

    @property
    def source(self) -> Source:
        """How pages are handed over, unless the service cannot read them so."""
        return self._policy.source


class _AgainError(Exception):
    """The call itself may be made again; nothing that happened after an answer came is ever retried this way."""

    def __init__(self, error: LegibleError) -> None:
        super().__init__(error.message)
        self.error = error

    def later(self) -> RetryableError:
        """Return the error for the platform: the next delivery goes on."""
        if isinstance(self.error, RetryableError):
            return self.error
        return UnavailableError(
            self.error.message,
            code=self.error.reason_code,
            advice=self.error.advice,
            request_id=self.error.request_id,
        )


class _PageCall:
    """The call for one page, with what changes from try to try."""

    def __init__(self, caller: Caller, claim: Claim, job: Job, page: int) -> None:
        self._caller = caller
        self._claim = claim
        self._job = job
        self._page = page
        self._source = caller.source
        self._why_inline = ""

    def once(self) -> bytes:
        """Announce one call, make it, record what came of it."""
        self._refuse_third()
        picture, note = self._caller.picture(self._job, self._page, self._source)
        note = "; ".join(part for part in (note, self._why_inline) if part)
        self._caller.seconds()
        self._announce(picture)
        try:
            answer, stands = self._caller.ask(self._claim, self._job, picture)
        except SourceUnreadableError as error:
            return self._inline(error)
        except (ThrottledError, UnavailableError) as error:
            self._claim.write("refused", page=self._page, reason=Reason.of(error))
            raise _AgainError(error) from error
        except AnswerUnknownError as error:
            self._unknown(error)
            raise _AgainError(error) from error
        self._record(answer, picture, note, stands)
        return answer.body

    def _refuse_third(self) -> None:
        if self._claim.state.page(self._page).spent >= _UNKNOWN_TRIES:
            raise DeadError(
                f"Page {self._page} was sent {_UNKNOWN_TRIES} times and no answer came back; both may have been paid.",
                code="answer-unknown",
                advice="Compare with the service's own count of calls before you upload it again.",
            )

    def _announce(self, picture: Picture) -> None:
        known = self._claim.state.page(self._page).open
        if known is None or known.owner != self._claim.owner:
            self._claim.write("calling", page=self._page, source=picture.source)

    def _inline(self, error: SourceUnreadableError) -> bytes:
        self._claim.write("refused", page=self._page, reason=Reason.of(error))
        if self._source == "inline" or self._why_inline:
            raise RejectedError(
                error.message,
                code=error.reason_code,
                advice=error.advice,
                vendor_code=error.vendor_code,
                request_id=error.request_id,
            ) from error
        self._source = "inline"
        self._why_inline = f"sent inline: the service could not read the URL ({error.vendor_code})"
        return self.once()

    def _unknown(self, error: AnswerUnknownError) -> None:
        key = ""
        if error.body:
            key = layout.answer(self._claim.document, self._page, f"{self._claim.owner}-unusable")
            self._caller.keep(key, error.body, error.request_id)
        self._claim.write(
            "unknown", always=True, page=self._page, answer=key, request_id=error.request_id, reason=Reason.of(error)
        )

    def _record(self, answer: Answer, picture: Picture, note: str, stands: bool | None) -> None:
        document, owner = self._claim.document, self._claim.owner
        key = layout.answer(document, self._page, "" if stands else owner)
        self._caller.keep(key, answer.body, answer.request_id)
        if stands is None:
            stands = self._claim.standing()
        values: dict[str, Any] = {
            "page": self._page, "request_id": answer.request_id, "answer": key, "sha256": _digest(answer.body),
            "source": picture.source, "note": note,
        }  # fmt: skip
        try:
            if not stands:
                raise BusyError(
                    f"Another invocation claimed {document.ref} at the same time.", advice="This one yields to it."
                )
            self._claim.write("answered", **values)
        except BusyError:
            self._claim.surplus(**values)
            raise
        if self._claim.state.page(self._page).answered != self._claim.state.lines[-1]:
            self._claim.surplus(**values)


def _told(standing: Future[bool]) -> bool | None:
    try:
        return standing.result()
    except LegibleError:
        return None


def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
