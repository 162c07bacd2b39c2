"""One document's paid calls: a page is called for again only with the reason on record."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from legible.documents.identity import foresee_published, published
from legible.documents.intake import Job
from legible.errors import BusyError, DocumentError, HeldError, LegibleError, ReplacedError
from legible.ledger.answers import digest
from legible.ledger.claim import Claim
from legible.ledger.flags import FlagsSeen
from legible.ledger.journal import Event, Line
from legible.recognition.context import CallContext
from legible.recognition.page import PageCall, judged
from legible.recognition.retries import AgainError, retrying
from legible.recognition.window import Window

#: Notes on calls without an outcome, of invocations that died.
_ENDED = "Its invocation ended before it could say more."
_ENDED_WAITING = "Its invocation ended while the service was turning its calls away; hardly one of them was sent."
#: How much of the time that is left is spent waiting for who may be paying; seconds between two looks, first and later.
_PATIENCE, _PAUSES = 0.5, (0.05, 1.0)


class DocumentCalls:
    """Makes the paid calls of documents, one document at a time.

    Args:
        context: What every call needs.
    """

    def __init__(self, context: CallContext) -> None:
        """Make no call yet."""
        self._context = context

    def recognize(self, claim: Claim, job: Job, ahead: Sequence[Callable[[], None]] = ()) -> dict[int, bytes]:
        """Call for every page of the claim that has no outcome yet; the outcomes are in ``claim.state`` afterwards.

        Up to ``policy.window`` calls run at the same time, and one page's failure does not delay another page.

        Args:
            claim: The claim on the document.
            job: What is called for.
            ahead: What is done in a thread of its own: the first step while the first call runs, the second while its
                answer is stored and the journal is read back.

        Returns:
            Answers received just now, by page, up to ``window.KEPT_BYTES``; all of them are stored.

        Raises:
            RetryableError: A page must be tried again later; outcomes so far are in the ledger.
            HeldError: Nothing more can be called until something is mended.
            ReplacedError: A newer upload has replaced this one, which cannot be read any more.
        """
        pages = [page for page in range(1, job.plan.count + 1) if claim.covers(page)]
        find = partial(published, self._context.site)
        foresee_published(self._context.site, claim.document.key)
        with ThreadPoolExecutor(1) as beside:
            flags = beside.submit(self._flags, claim)
            self._context.content.adopt(claim, job.task, pages, find)
        alone = claim.standing.first and flags.result().alone
        if claim.standing.first and not alone:  # an append that met theirs has overwritten their lines
            claim.standing.first = False
            self.adopt(claim)
        missing = [page for page in pages if not claim.state.page(page).known]
        at_once = alone and claim.flag is not None and job.plan.count == 1
        work = _Work(_Settled(self._context.policy.settle, claim, at_once=at_once), _Beside(ahead))
        with work.beside:
            if min(self._context.policy.window, len(missing)) < 2 and claim.share is None:
                return Window(missing, lambda page, halted: self._page(claim, job, page, halted, work)).run(1)
            window = self._context.policy.window
            late = frozenset(missing[-window:] if claim.share is None else ())

            def call(page: int, halted: Callable[[], bool]) -> bytes | None:
                return (self._page if page in late else self._filed)(claim, job, page, halted, work)

            return Window(missing, call).run(window)

    def _filed(self, claim: Claim, job: Job, page: int, halted: Callable[[], bool], work: _Work) -> bytes | None:
        """Do what ``_page`` does, and file the answer while other pages are called for; if that fails, at the end.

        So are the answers of the last pages: results, which are made meanwhile, need not wait for them.
        """
        answer = self._page(claim, job, page, halted, work)
        line = claim.state.page(page).answered
        if line is not None:
            with suppress(LegibleError):
                self._context.answers.file(claim.document, line)
        return answer

    def adopt(self, claim: Claim) -> None:
        """Settle the calls of an owner that died.

        A stored answer counts if the service can only have read this upload. Otherwise, and if there is none, the call
        is recorded as possibly paid. So is it where an append that met the owner's lines has overwritten all of them:
        its stored answer is not paid for once more.
        """
        if claim.standing.first:
            return
        if (
            claim.flag is not None
        ):  # it was not up in time, or the claim was slow: others may have looked for it in vain
            claim.require_in_force(self._context.policy.settle)
        orphans = self._orphans(claim)
        if orphans:
            claim.require_in_force()  # so that of two claims made at the same time only one writes for the dead
            orphans = self._orphans(claim)
        for page, line in orphans:
            self._settle_orphan(claim, page, line)
        self._take_over(claim)

    def _orphans(self, claim: Claim) -> list[tuple[int, Line]]:
        """Return page and call of each owner that left one without an outcome, and of each that no line tells of.

        Raises:
            BusyError: Somebody whose claim an append has overwritten may still be paying.
        """
        give_up = self._context.invocation.now() + timedelta(seconds=self._context.invocation.remaining() * _PATIENCE)
        flags, wait = self._flags(claim), _PAUSES[0]
        while flags.raised:
            if self._context.invocation.now() >= give_up:
                raise BusyError(
                    f"Another invocation claimed {claim.document.ref} at the same time, and may be paying for it.",
                    advice="The event is delivered again; by then its answer is there.",
                )
            self._context.invocation.pause(wait)
            wait = min(2 * wait, _PAUSES[1])
            flags = self._flags(claim, claim.require_in_force)
        unnamed = self._context.answers.unnamed(claim.document, claim.state)
        left = [*claim.state.orphans(claim.owner), *unnamed, *((line.page, line) for line in flags.over)]
        return [one for one in left if claim.covers(one[0])]

    def _flags(self, claim: Claim, meanwhile: Callable[[], None] | None = None) -> FlagsSeen:
        """Return what others left beside the answers, without the flags of whom the journal tells."""
        if meanwhile is None:
            return self._context.flags.seen(claim.document, claim.owner).untold(claim.state.lines)
        with ThreadPoolExecutor(1) as beside:
            looked = beside.submit(self._context.flags.seen, claim.document, claim.owner)
            meanwhile()
        return looked.result().untold(claim.state.lines)

    def _settle_orphan(self, claim: Claim, page: int, line: Line) -> None:
        """Record the call of an owner that died: by the answer that it stored, or as possibly paid."""
        orphan = self._context.orphans.examine(claim.document, claim.state, page, line)
        values: dict[str, Any] = {"page": page, "of": line.owner}
        if orphan.answer is None:
            note = _ENDED_WAITING if line.throttled else _ENDED
            claim.write("unknown", **values, throttled=line.throttled, note=note)
            return
        stored = orphan.answer
        values |= {"answer": stored.key, "sha256": digest(stored.body), "request_id": stored.request_id}
        if orphan.doubtful:
            note = "Another upload may have lain there while the URL was read; the answer may be of that."
            claim.write("unknown", **values, note=note)
        else:
            note = "Stored by an invocation that ended before it could say so."
            event: Event = "surplus" if claim.state.has_answer(page) else "answered"
            values |= judged(stored.body, stored.request_id)
            claim.write(event, **values, source=line.source, note=note)

    def _take_over(self, claim: Claim) -> None:
        """Let an answer count that somebody paid for who only lost its claim: nobody pays for its page once more."""
        for line in [
            one for one in claim.state.lines if one.event == "surplus" and one.plan and one.plan == claim.plan
        ]:
            if claim.covers(line.page) and not claim.state.page(line.page).known:
                claim.write(
                    "answered", page=line.page, of=line.owner, request_id=line.request_id, answer=line.answer,
                    sha256=line.sha256, source=line.source, frame=line.frame, ink=line.ink, note=line.note,
                    state=line.state, reason=line.reason,
                )  # fmt: skip

    def _page(
        self,
        claim: Claim,
        job: Job,
        page: int,
        halted: Callable[[], bool],
        work: _Work,
    ) -> bytes | None:
        """Return the page's answer; None if the page failed for good, which is recorded and stops no other page."""
        call = PageCall(self._context, claim, job, page, halted, work.settled, work.beside.step)
        try:
            return retrying(self._context, halted)(call.once)
        except AgainError as again:
            call.gave_up(again)
            raise
        except (HeldError, ReplacedError):
            raise
        except DocumentError:
            return None


class _Settled:
    """Confirms the claim before the first paid call, so that an invocation that lost it pays for none.

    Pages are drawn and placed meanwhile; this costs nothing, and any invocation would do the same. The first call of
    one that saw no flag but its own is made ``at_once``: its claim settles meanwhile.
    """

    def __init__(self, settle: float, claim: Claim, *, at_once: bool) -> None:
        self._settle = settle
        self._claim = claim
        self._at_once = at_once
        self._lock = threading.Lock()
        self._seen = False

    def __call__(self) -> None:
        with self._lock:
            if self._at_once:
                self._at_once = False
            elif not self._seen:
                self._claim.require_in_force(self._settle)
                self._seen = True


class _Beside:
    """Steps that are done in a thread of their own, one after the other; the block waits for their end."""

    def __init__(self, steps: Sequence[Callable[[], None]]) -> None:
        self._steps = list(steps)
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(1)
        self._begun: list[Future[None]] = []

    def step(self) -> None:
        """Begin the next step, if there is one, when the one before has ended."""
        with self._lock:
            if self._steps:
                self._begun.append(self._pool.submit(self._steps.pop(0)))

    def __enter__(self) -> _Beside:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._pool.shutdown()
        for begun in self._begun if kind is None else ():
            begun.result()


class _Work(NamedTuple):
    """What the calls for one document share."""

    settled: _Settled
    beside: _Beside
