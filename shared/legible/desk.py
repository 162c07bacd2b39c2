"""What every paid call needs: store, recognizer and time; the picture it sends and the place its answer goes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct
from tenacity import Retrying, retry_if_exception_type, wait_random

from legible import layout, pages
from legible.errors import OutOfTimeError, UnavailableError
from legible.model import Document, ObjectRef, Picture, Source
from legible.operation import Operation
from legible.ports import ObjectStore, Recognizer, Wanted

#: Less time than this, in seconds, is not worth the start of a paid call.
SHORTEST_CALL = 1.0
#: Name of the object metadata that carries the service's request id beside a stored answer.
REQUEST_ID = "ocr-request"


class Policy(Struct, frozen=True):
    """How calls are made. All times in seconds.

    ``wait`` is the vendor's advice for throttling, 2 to 5 (ocr_03_0028). ``reserve`` is kept free at the end of the
    function's time to write what was learned. ``settle`` is how old a claim is at least when the journal is read back:
    longer than two appends can be called simultaneous.
    """

    source: Source = "url"
    attempts: int = 4
    wait: tuple[float, float] = (2.0, 5.0)
    call: float = 60.0
    reserve: float = 5.0
    settle: float = 0.2
    signed_url: int = 900


class Job(Struct, frozen=True):
    """A document that passed intake: what is called, and how its pages are made.

    ``sheets`` are its pages, open until ``Documents.put_away``. ``inline`` says why the service cannot be given a URL.
    """

    document: Document
    operation: Operation
    options: dict[str, Any]
    plan: pages.Plan
    sheets: pages.Sheets
    inline: str = ""


class Desk:
    """What every call needs.

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

    def seconds(self) -> float:
        """Return how long the next call may take.

        Raises:
            OutOfTimeError: Not long enough to begin one.
        """
        seconds = min(self.policy.call, self.remaining() - self.policy.reserve)
        if seconds < SHORTEST_CALL:
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

    def picture(self, job: Job, page: int, source: Source) -> tuple[Picture, str]:
        """Return what the call for a page is asked to read, and what was done to the page first."""
        ref, version_id, note = job.document.ref, job.document.version_id, job.plan.note
        body = b""
        if job.plan.rendered:
            made = job.sheets.render(page, pages.Want.of(job.operation.limits), self.remaining() - self.policy.reserve)
            ref, version_id, body = ObjectRef(self.output, layout.work(job.document, page, made.suffix)), "", made.body
            note = "; ".join(part for part in (note, made.note) if part)
            if source != "inline":
                self.store.write(ref, made.body, made.media_type)
        parameters = {job.plan.parameter: page} if job.plan.parameter else {}
        if source == "inline":
            wanted = Wanted(version_id, job.document.etag)
            return Picture("inline", body=body or self.store.read(ref, wanted), parameters=parameters), note
        url = self.store.url(ref) if source == "url" else self.store.signed_url(ref, self.policy.signed_url)
        return Picture(source, url=url, parameters=parameters), note
