"""One document's paid calls: a page is called for again only with the reason on record."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from legible.documents.intake import Job
from legible.errors import DocumentError, HeldError, LegibleError, ReplacedError, UnavailableError
from legible.ledger.answers import digest
from legible.ledger.claim import Claim
from legible.ledger.journal import Line
from legible.model.documents import Document
from legible.recognition.context import CallContext
from legible.recognition.page import RENDERED, PageCall, judged
from legible.recognition.retries import AgainError, retrying
from legible.recognition.window import Window


class DocumentCalls:
    """Makes the paid calls of documents, one document at a time.

    Args:
        context: What every call needs.
    """

    def __init__(self, context: CallContext) -> None:
        """Make no call yet."""
        self._context = context

    def recognize(self, claim: Claim, job: Job) -> dict[int, bytes]:
        """Call for every page of the claim that has no outcome yet; the outcomes are in ``claim.state`` afterwards.

        Up to ``policy.window`` calls run at the same time, and one page's failure does not delay another page.

        Returns:
            Answers received just now, by page, up to ``window.KEPT_BYTES``; all of them are stored.

        Raises:
            RetryableError: A page must be tried again later; outcomes so far are in the ledger.
            HeldError: Nothing more can be called until something is mended.
            ReplacedError: A newer upload has replaced this one, which cannot be read any more.
        """
        pages = [page for page in range(1, job.plan.count + 1) if claim.covers(page)]
        missing = [page for page in pages if not claim.state.page(page).known]
        if min(self._context.policy.window, len(missing)) < 2 and claim.share is None:
            return Window(missing, lambda page, halted: self._page(claim, job, page, halted)).run(1)
        settled = _Settled(self._context.policy.settle, claim)
        together = Window(missing, lambda page, halted: self._filed(claim, job, page, halted, settled))
        return together.run(self._context.policy.window)

    def _filed(self, claim: Claim, job: Job, page: int, halted: Callable[[], bool], settled: _Settled) -> bytes | None:
        """Do what ``_page`` does, and file the answer while other pages are called for; if that fails, at the end."""
        answer = self._page(claim, job, page, halted, settled)
        line = claim.state.page(page).answered
        if line is not None:
            with suppress(LegibleError):
                self._context.answers.file(claim.document, line)
        return answer

    def adopt(self, claim: Claim) -> None:
        """Settle the calls of an owner that died.

        A stored answer counts if the service can only have read this upload. Otherwise, and if there is none, the call
        is recorded as possibly paid.
        """
        for page, line in filter(lambda orphan: claim.covers(orphan[0]), claim.state.orphans(claim.owner)):
            stored = self._context.answers.find(claim.document, page, line.owner)
            values: dict[str, Any] = {"page": page, "of": line.owner}
            if stored is None:
                claim.write("unknown", **values, note="Its invocation ended before it could say more.")
                continue
            values |= {"answer": stored.key, "sha256": digest(stored.body), "request_id": stored.request_id}
            if self._doubtful(claim.document, line):
                claim.write("unknown", **values, note="The upload was replaced; the answer may be of the newer one.")
            else:
                note = "Stored by an invocation that ended before it could say so."
                values |= judged(stored.body, stored.request_id)
                claim.write("answered", **values, source=line.source, note=note)

    def _doubtful(self, document: Document, line: Line) -> bool:
        """Tell whether the service, given a URL, may have read another upload than this one."""
        if line.note == RENDERED or (line.source or self._context.policy.source) == "inline":
            return False
        try:
            return self._context.replaced(document)
        except DocumentError as error:
            raise UnavailableError.of(error) from error

    def _page(
        self,
        claim: Claim,
        job: Job,
        page: int,
        halted: Callable[[], bool],
        before: Callable[[], None] = lambda: None,
    ) -> bytes | None:
        """Return the page's answer; None if the page failed for good, which is recorded and stops no other page."""
        try:
            return retrying(self._context, halted)(PageCall(self._context, claim, job, page, halted, before).once)
        except (AgainError, HeldError, ReplacedError):
            raise
        except DocumentError:
            return None


class _Settled:
    """Confirms the claim before the first of several calls, so that an invocation that lost it pays for none of them.

    Pages are drawn and placed meanwhile; this costs nothing, and any invocation would do the same.
    """

    def __init__(self, settle: float, claim: Claim) -> None:
        self._settle = settle
        self._claim = claim
        self._lock = threading.Lock()
        self._seen = False

    def __call__(self) -> None:
        with self._lock:
            if not self._seen:
                self._claim.require_in_force(self._settle)
                self._seen = True
