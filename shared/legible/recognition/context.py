"""What the paid calls of a document share: storage, recognizer, policy, and the time left."""

from __future__ import annotations

import threading

from msgspec import Struct

from legible.documents import pages
from legible.documents.intake import Job
from legible.errors import LegibleError, OutOfTimeError
from legible.extraction import fields
from legible.extraction.emptiness import says_nothing
from legible.ledger.answers import Answers
from legible.ledger.content import SharedContent
from legible.ledger.flags import Flags
from legible.ledger.orphans import Orphans
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.model.pages import Frame, Ink, Picture, Source
from legible.ports import WHOLE, Invocation, Recognizer, Shown, Site, Wanted
from legible.recognition.opened import UrlProof
from legible.recognition.policy import Policy

#: Less time than this, in seconds, is not worth the start of a paid call.
SHORTEST_CALL = 1.0
#: Nor is less than this many times the longest call so far: a call cut off may be paid and brings no answer.
_MARGIN = 1.5
#: A page that gave nothing is looked at for so many seconds at most.
_LOOK_SECONDS = 10.0
#: What it is looked at with: letters of 6 points on A4 are 7 pixels high.
_GLANCE = pages.Want(min_side=1, max_side=1_000, max_pixels=None, largest=1 << 30)


class Placed(Struct, frozen=True):
    """Where the service finds the bytes of one page: in the document itself, or in a rendered picture.

    ``body`` is a picture that is sent inline and stored nowhere else. ``note`` says what was done to the page, ``ink``
    what is odd about its picture.
    """

    ref: ObjectRef
    wanted: Wanted
    note: str
    frame: Frame | None = None
    body: bytes = b""
    ink: Ink = ""


class CallContext:
    """What every call needs. Safe for several threads.

    Args:
        site: Where documents, answers and rendered pages are stored.
        recognizer: Performs operations.
        answers: Stores paid answers.
        policy: How calls are made.
        invocation: The invocation: gives the time left and a way to wait.
        content: Knows which documents have one content, and which of them may pay.
    """

    def __init__(
        self,
        site: Site,
        recognizer: Recognizer,
        answers: Answers,
        policy: Policy,
        invocation: Invocation,
        content: SharedContent,
    ) -> None:
        """Make no call yet."""
        self.content = content
        self.orphans = Orphans(site, answers)
        self.flags = Flags(site, invocation)
        self.site = site
        self.recognizer = recognizer
        self.answers = answers
        self.policy = policy
        self.invocation = invocation
        self._longest = 0.0
        self._lock = threading.Lock()
        self._proof: tuple[Document, UrlProof] | None = None
        #: Limits how many calls run at once; the work before and after a call does not wait for a turn.
        self.turns = threading.BoundedSemaphore(policy.window)

    def took(self, seconds: float) -> None:
        """Note how long a call took; later calls are begun only if there is time for as long a one."""
        self._longest = max(self._longest, seconds)

    def seconds(self) -> float:
        """Return how long the next call may take.

        Raises:
            OutOfTimeError: Too little time is left to begin one.
        """
        seconds = min(self.policy.call, self.invocation.remaining() - self.policy.reserve)
        if seconds < min(self.policy.call, max(SHORTEST_CALL, _MARGIN * self._longest)):
            raise OutOfTimeError(
                "The function's time ends before another paid call could.",
                advice="The event is delivered again and goes on from here; give the function more time.",
            )
        return seconds

    def place(self, job: Job, page: int, source: Source) -> Placed:
        """Put the bytes of a page where the service finds them; a page that must be drawn first is drawn.

        Raises:
            RejectedError: The page cannot be drawn.
            RetryableError: There is no time to draw it, or the store has a passing fault.
        """
        document, note = job.document, job.plan.note
        if not job.plan.rendered:
            return Placed(document.ref, Wanted(document.version_id, document.etag), note)
        rendered = job.sheets.render(
            page, pages.Want.of(job.task.operation.limits), self.invocation.remaining() - self.policy.reserve
        )
        ref = self.site.in_output(layout.work(document, page, rendered.suffix))
        note = "; ".join(part for part in (note, rendered.note) if part)
        if source == "inline":
            return Placed(ref, WHOLE, note, rendered.frame, rendered.body, rendered.ink)
        self.site.store.write(ref, rendered.body, rendered.media_type)
        return Placed(ref, WHOLE, note, rendered.frame, ink=rendered.ink)

    def ink(self, job: Job, page: int, placed: Placed, body: bytes) -> Ink:
        """Return what is odd about the picture of a page.

        Where the service was given the document as it is, the page is looked at if its answer, ``body``, says nothing.

        Returns:
            Nothing too where it cannot be looked at, or not in the time that is left.
        """
        if placed.frame is not None or not says_nothing(fields.read_page(job.task.operation, page, body)[0]):
            return placed.ink
        left = min(_LOOK_SECONDS, self.invocation.remaining() - self.policy.reserve)
        if left <= 0 or job.document.format == "ofd":
            return ""
        try:
            return job.sheets.render(page, _GLANCE, left).ink
        except LegibleError:
            return ""

    def proof(self, document: Document) -> UrlProof:
        """Return what tells, for all calls of a document, whether its URL opened it."""
        with self._lock:
            if self._proof is None or self._proof[0] != document:
                self._proof = document, UrlProof(self.site, self.invocation, document)
            return self._proof[1]

    def picture(self, job: Job, page: int, placed: Placed, source: Source) -> Picture:
        """Return the picture to send in the call for a page."""
        parameters = {job.plan.parameter: page} if job.plan.parameter else {}
        project = job.task.project.id
        if source == "inline":
            body = placed.body or self.site.store.read(placed.ref, placed.wanted)
            return Picture("inline", body=body, parameters=parameters, project=project)
        url = self.site.store.url(placed.ref)
        if source == "signed-url":
            shown = Shown(version_id=placed.wanted.version_id)
            url = self.site.store.signed_url(placed.ref, self.policy.signed_url, shown)
        return Picture(source, url=url, parameters=parameters, project=project)
