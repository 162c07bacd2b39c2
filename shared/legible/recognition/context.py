"""What every paid call needs: store, recognizer and time; the picture it sends and the place its answer goes."""

from __future__ import annotations

import threading
from collections.abc import Callable

from msgspec import Struct
from tenacity import Retrying, retry_if_exception_type, wait_random

from legible.documents import pages
from legible.documents.intake import Job
from legible.errors import OutOfTimeError, UnavailableError
from legible.model import layout
from legible.model.documents import ObjectRef
from legible.model.pages import Frame, Picture, Source
from legible.ports import WHOLE, ObjectStore, Recognizer, Wanted
from legible.recognition.policy import Policy

#: Less time than this, in seconds, is not worth the start of a paid call.
SHORTEST_CALL = 1.0
#: Nor is less than so many times the longest call so far: one that is cut off may be paid and tells nothing.
_MARGIN = 1.5
#: Name of the object metadata that carries the service's request id beside a stored answer.
REQUEST_ID = "ocr-request"


class Placed(Struct, frozen=True):
    """Where the bytes lie that the service reads for one page: the document's own, or those of a rendered picture.

    ``body`` is a picture that is sent inline, and kept nowhere else. ``note`` says what was done to the page.
    """

    ref: ObjectRef
    wanted: Wanted
    note: str = ""
    frame: Frame | None = None
    body: bytes = b""


class CallContext:
    """What every call needs. Safe for several threads.

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
        self.store = store
        self.recognizer = recognizer
        self.output = output
        self.policy = policy
        self.remaining = remaining
        self.pause = pause
        self._longest = 0.0
        #: So many calls are on their way at once; what comes before and after a call waits for none of them.
        self.turns = threading.BoundedSemaphore(policy.window)

    def took(self, seconds: float) -> None:
        """Learn how long a call took; the next ones are begun only with time for that."""
        self._longest = max(self._longest, seconds)

    def seconds(self) -> float:
        """Return how long the next call may take.

        Raises:
            OutOfTimeError: Not long enough to begin one.
        """
        seconds = min(self.policy.call, self.remaining() - self.policy.reserve)
        if seconds < min(self.policy.call, max(SHORTEST_CALL, _MARGIN * self._longest)):
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
            stop=lambda state: self.remaining() < 2.0,
            sleep=self.pause,
            reraise=True,
        )(self.store.write, ObjectRef(self.output, key), answer, "application/json", {REQUEST_ID: request_id})

    def place(self, job: Job, page: int, source: Source) -> Placed:
        """Put what the call for a page reads where the service finds it; a page that must be drawn first is drawn.

        Raises:
            RejectedError: The page cannot be drawn.
            RetryableError: There is no time to draw it, or the store has a passing fault.
        """
        document, note = job.document, job.plan.note
        if not job.plan.rendered:
            return Placed(document.ref, Wanted(document.version_id, document.etag), note)
        made = job.sheets.render(page, pages.Want.of(job.operation.limits), self.remaining() - self.policy.reserve)
        ref = ObjectRef(self.output, layout.work(document, page, made.suffix))
        note = "; ".join(part for part in (note, made.note) if part)
        if source == "inline":
            return Placed(ref, WHOLE, note, made.frame, made.body)
        self.store.write(ref, made.body, made.media_type)
        return Placed(ref, WHOLE, note, made.frame)

    def picture(self, job: Job, page: int, placed: Placed, source: Source) -> Picture:
        """Return what the call for a page is asked to read."""
        parameters = {job.plan.parameter: page} if job.plan.parameter else {}
        if source == "inline":
            body = placed.body or self.store.read(placed.ref, placed.wanted)
            return Picture("inline", body=body, parameters=parameters)
        url = self.store.url(placed.ref)
        if source == "signed-url":
            url = self.store.signed_url(placed.ref, self.policy.signed_url)
        return Picture(source, url=url, parameters=parameters)
