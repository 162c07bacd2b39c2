"""The claims of one invocation: taken for the work, and given back or handed on if the work cannot be ended."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import structs

from legible.errors import (
    DocumentError,
    InternalError,
    LegibleError,
    OutOfTimeError,
    RetryableError,
    ThrottledError,
    UnavailableError,
)
from legible.ledger.claim import Claim, Wish
from legible.ledger.ledger import Ledger, plan_of
from legible.ledger.state import State
from legible.model.documents import Document, Outcome, Reason, Upload, Wait
from legible.model.pages import Share
from legible.operations.operation import Task
from legible.pipeline import outcomes
from legible.pipeline.decision import Decision
from legible.pipeline.holding import Holding
from legible.pipeline.obstacles import advised
from legible.pipeline.waiting import WaitingRoom, when
from legible.ports import Invocation, Relay

#: How much of its time an invocation waits for a document that another one holds; the rest is for the work itself.
#: If all functions have one timeout, the second delivery after a death outlives the dead owner's lease.
_PATIENCE = 0.75
#: How long it takes to read an answer back and write its results, in seconds per page; measured by `make bench`.
_FINISH_SECONDS = 0.05


class Claims:
    """Claims documents for an invocation.

    Args:
        ledger: Decides who may pay.
        call: The invocation.
        settings: The settings that an answer depends on; part of a claim's plan.
        relay: Calls a fresh invocation when the time of this one ends; None leaves that to the platform's retry.
        room: Where uploads wait for another try; None leaves those to the caller.
        holding: Where they are held until something outside is mended; None likewise.
    """

    def __init__(
        self,
        ledger: Ledger,
        call: Invocation,
        settings: dict[str, Any],
        relay: Relay | None = None,
        room: WaitingRoom | None = None,
        holding: Holding | None = None,
    ) -> None:
        """Claim nothing yet."""
        self._holding = holding
        self._ledger = ledger
        self._call = call
        self._settings = settings
        #: Calls a fresh invocation; None if there is no such relay.
        self.relay = relay
        self._room = room
        self._numbers = itertools.count(1)

    def take(
        self,
        document: Document,
        decision: Decision,
        *,
        reopen: bool = True,
        again: str = "",
        run: str = "",
        share: Share | None = None,
    ) -> Claim | State:
        """Claim a document for what is to be done with it; if it has ended, return its state instead.

        Args:
            document: Which document.
            decision: What is to be done.
            reopen: Whether one that was not done is tried again for a new upload of the same bytes.
            again: The name of the end after which it is tried again, even without a new upload.
            run: The run of many documents that it is part of.
            share: Which of its pages; None for all, and the right to end it.

        Raises:
            BusyError: Another invocation holds it.
            UnavailableError: The journal takes no line.
            HeldError: The journal is an object that cannot be appended to.
        """
        task = decision.task
        wish = Wish(
            owner=f"{self._call.owner}-{next(self._numbers)}",
            operation=task.operation.slug if task else "",
            options=task.options if task else {},
            plan=plan_of(task.operation.slug, task.options, self._settings) if task else "",
            pages=decision.pages,
            reopen=reopen,
            again=again,
            share=share,
            project=task.project.id if task and decision.job else "",
            route=task.route if task else "",
            note=task.note if task and decision.job else "",
            run=run,
        )
        return self._ledger.claim(document, wish, self._call.remaining() * _PATIENCE)

    def carried_on(self, document: Document, upload: Upload) -> bool:
        """Tell whether a later invocation was called to go on with the document: then it was not given up."""
        state = self._ledger.journals.load(document)
        return state.finished is None and state.hands > upload.hand

    def salvaged(self, document: Document) -> State:
        """Return the state by those lines of a journal that can be read, whatever the others are."""
        return self._ledger.journals.salvaged(document)

    def work(self, claim: Claim, work: Callable[[], None], upload: Upload | None = None) -> Outcome:
        """Do the work that ends a document; give the claim back if it must be tried again.

        Args:
            claim: The claim on the document.
            work: Ends the document.
            upload: Given to a fresh invocation when the time of this one ends; None to call none.

        Returns:
            How the document ended; ``running`` where a fresh invocation goes on.

        Raises:
            RetryableError: The document must be tried again; the next delivery need not wait.
        """
        with self.kept(claim):
            try:
                work()
            except (OutOfTimeError, ThrottledError) as late:  # a throttled page waits as long as there is time
                if upload is not None and self._handed_on(claim, upload):
                    return outcomes.running(claim.document, claim.state, reason=Reason.of(late))
                raise
        return outcomes.ended(claim.document, claim.state, claim.ended)

    def awaited(
        self, document: Document, upload: Upload | None, error: DocumentError, task: Task | None
    ) -> DocumentError:
        """Park an upload before it ends for a reason that passes by itself: it goes on when the reason is gone.

        Args:
            document: Which document.
            upload: Its event; None if there is none.
            error: What ends it.
            task: Its task.

        Returns:
            The error, with what to do about it, and when it is tried next where it is.

        Raises:
            UnavailableError: It cannot be parked now.
            HeldError: The output bucket takes nothing.
        """
        error = advised(error, task)
        obstacle = self._holding.obstacle_of(error, task) if self._holding and upload else None
        if self._holding and upload and obstacle is not None:
            self._holding.keep(obstacle, upload, document)
            return _promised(error, obstacle.promise)
        wait = self._parked(document, upload) if error.passes else None
        return error if wait is None else _promised(error, when(wait))

    def put_off(self, claim: Claim, upload: Upload | None, reason: Reason) -> tuple[bool, Reason]:
        """Park an upload that the platform gave up, and give its claim back, if what stopped it passes by itself.

        A document whose last invocation said so waits, and one that none has begun: that was not the reason.

        Args:
            claim: The claim on the document.
            upload: Its event; None if there is none.
            reason: Why the platform gave up.

        Returns:
            Whether the upload waits; and why its document was stopped: as its last invocation said, else ``reason``.

        Raises:
            UnavailableError: It cannot be parked now.
            HeldError: The output bucket takes nothing.
        """
        if self._room is None:
            return False, reason
        before = [line for line in claim.state.lines if line.owner != claim.owner]
        if before and before[-1].event == "released" and before[-1].reason is not None:
            reason = before[-1].reason
        wait = self._parked(claim.document, upload) if reason.passes or not before else None
        if wait is None:
            return False, reason
        if not reason.passes:
            reason = structs.replace(reason, passes=True, advice="No invocation has begun to read it.")
        claim.release(reason=reason, note=when(wait))
        return True, structs.replace(reason, advice=f"{reason.advice} {when(wait)}".strip())

    def _parked(self, document: Document, upload: Upload | None) -> Wait | None:
        return None if self._room is None or upload is None else self._room.park(upload, document)

    def refuse_late(self, claim: Claim, pages: int) -> None:
        """Leave the end of a long document to a fresh invocation, if this one has too little time left for it.

        Raises:
            OutOfTimeError: There is too little time left.
        """
        late = self._call.remaining() < pages * _FINISH_SECONDS
        if late and claim.progressed and self.relay is not None:
            raise OutOfTimeError(f"All pages of {claim.document.ref} are called for; no time is left to end it.")

    @contextmanager
    def kept(self, claim: Claim) -> Iterator[None]:
        """Give the claim back if an error ends its work."""
        try:
            yield
        except LegibleError as error:  # one that says nothing of the platform is tried again, too (``Delivery``)
            self._let_go(claim, error if isinstance(error, RetryableError) else UnavailableError.of(error))
            raise
        except Exception as error:
            self._let_go(claim, InternalError(f"{type(error).__name__} in Legible."))
            raise

    def _handed_on(self, claim: Claim, upload: Upload) -> bool:
        """Call a fresh invocation to go on, but only if this one made progress, so that the chain always ends.

        It is called before the claim is given back: if this invocation dies in between, its successor waits for the
        document, and the document is not left to nobody.
        """
        if self.relay is None or not claim.progressed:
            return False
        hand = max(claim.state.hands, upload.hand) + 1
        try:
            self.relay.hand_on(structs.replace(upload, hand=hand))
            claim.hand_on(hand)
        except LegibleError as error:
            self._call.log("not-handed-on", key=claim.document.key, reason=error.reason_code, message=str(error))
            return False
        return True

    def _let_go(self, claim: Claim, error: RetryableError) -> None:
        try:
            claim.release(reason=Reason.of(error))
        except LegibleError as second:
            self._call.log("not-released", key=claim.document.key, reason=second.reason_code)


def _promised(error: DocumentError, promise: str) -> DocumentError:
    """Return the error with a sentence on how the document goes on by itself."""
    told = type(error).of(error)
    told.body, told.advice = error.body, f"{error.advice} {promise}".strip()
    return told
