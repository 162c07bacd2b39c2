"""Uploads that wait for another try, because what stopped them passes by itself: parked in the output bucket.

An upload is parked before its invocation lets it go, and stays parked until its document has ended: each walk hands
what is due to a fresh invocation, and moves it to its next try only then. So after a death at any step an upload is
tried once too often, and never lost.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct, structs

from legible.errors import LegibleError
from legible.ledger.due import DueQueue, Slot
from legible.ledger.journals import Journals
from legible.ledger.ledger import resumes
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document, Upload, Wait
from legible.ports import Invocation, Site

#: How long an upload waits between one try and the next, in seconds; the last wait is repeated.
LADDER = (60, 2 * 60, 5 * 60, 10 * 60, 30 * 60)
#: How long after its first event an upload is tried: as long as the platform keeps an event (serverless.yml).
AGE = timedelta(days=1)
#: How many uploads are handed on in one event, so that a service that is not well is not called by all at once.
UPLOADS_TOGETHER = 10
#: How long a walk lasts, in seconds: the timer begins the next one after a minute, and notices want some of it too.
_WALK_SECONDS = 25.0
#: How much time an invocation keeps for its own end.
_SPARE_SECONDS = 2.0


class ParkedUpload(Struct, frozen=True):
    """An upload that waits: its event, the version of its document, and until when it is tried.

    ``released`` is when it was let go, if it was held up by something outside before.
    """

    upload: Upload
    version: str
    until: datetime
    released: datetime | None = None

    @property
    def document(self) -> Document:
        """The document that the upload is."""
        return Document(self.upload.ref.bucket, self.upload.ref.key, self.version)


class WaitingRoom(DueQueue[ParkedUpload]):
    """Keeps uploads until their documents have ended.

    Args:
        site: Its output bucket holds them.
        call: The invocation: gives the time.
    """

    def __init__(self, site: Site, call: Invocation) -> None:
        """Keep nothing yet."""
        super().__init__(site, call, layout.WAITING, ParkedUpload, LADDER)

    def park(self, upload: Upload, document: Document) -> Wait | None:
        """Keep an upload for another try, unless it is parked already.

        Returns:
            When it is tried next, and until when; None where its time is over.

        Raises:
            HeldError: The bucket refuses the object.
            UnavailableError: The store has a passing fault.
        """
        now = self._call.now()
        if upload.wait is not None:
            return upload.wait if now < upload.wait.until else None
        wait = Wait(self.after(1), min(upload.at or now, now) + AGE)
        if now >= wait.until:
            return None
        self.keep(ParkedUpload(upload, document.version, wait.until), upload_name(upload, document), due=wait.next)
        return wait


class RedeliveryReport(Struct):
    """The result of a walk: how many uploads were handed on, how many had ended, and how many due ones are left."""

    handed_on: int = 0
    ended: int = 0
    left: int = 0


class _Ready(Struct, frozen=True):
    """A parked upload that is due, and when it is tried next."""

    slot: Slot
    parked: ParkedUpload
    next: Wait

    @property
    def upload(self) -> Upload:
        return structs.replace(self.parked.upload, wait=self.next)


class Redelivery:
    """Has uploads tried again that are parked and due.

    Args:
        room: Where they wait.
        journals: Tell which documents have ended.
        call: The invocation: gives the time, the time left, and the log.
        hand_on: Has uploads tried: by a fresh invocation, or here.
        together: How many uploads are handed on at once.
        elsewhere: Tells of an upload, and its document's journal, whether it is held elsewhere and need not wait here.
    """

    def __init__(
        self,
        room: WaitingRoom,
        journals: Journals,
        call: Invocation,
        hand_on: Callable[[Sequence[Upload]], None],
        together: int = UPLOADS_TOGETHER,
        elsewhere: Callable[[ParkedUpload, State], bool] = lambda parked, state: False,
    ) -> None:
        """Walk nowhere yet."""
        self._elsewhere = elsewhere
        self._room = room
        self._journals = journals
        self._call = call
        self._hand_on = hand_on
        self._together = together

    def walk(self) -> RedeliveryReport:
        """Hand on what is due, as far as there is time; what has ended is no longer parked.

        Raises:
            LegibleError: Parked uploads cannot be listed.
        """
        report, seen, ready = RedeliveryReport(), set[str](), list[_Ready]()
        end = max(self._call.remaining() - _WALK_SECONDS, _SPARE_SECONDS)
        refused = False
        for slot in self._room.due():
            if refused or self._call.remaining() < end:
                report.left += 1
                continue
            one = self._visit(slot, seen, report)
            ready += [one] if one is not None else []
            if len(ready) == self._together:
                refused = not self._tried_again(ready, report)
                ready = []
        if ready:
            self._tried_again(ready, report)
        return report

    def _visit(self, slot: Slot, seen: set[str], report: RedeliveryReport) -> _Ready | None:
        """Return what waits at a place, if it is to be tried now; remove it if it has ended, or waits twice."""
        try:
            parked = self._room.read(slot)
            if parked is None:
                return None
            state = self._journals.readable(parked.document)  # of one that is spoilt, the next try says so
            if slot.name in seen or self._ended(parked, state) or self._elsewhere(parked, state):
                self._room.remove(slot)
                report.ended += slot.name not in seen
                return None
            seen.add(slot.name)
            if state.leases.held(self._call.now()):  # somebody works on it: whether that ends it is seen then
                self._room.keep(parked, slot.name, slot.rung)
                self._room.remove(slot)
                report.left += 1
                return None
        except (ValueError, LegibleError) as error:
            self._call.log("parked-unreadable", key=slot.key, kind=type(error).__name__)
            report.left += 1
            return None
        return _Ready(slot, parked, Wait(self._room.after(slot.rung + 1), parked.until))

    def _tried_again(self, ready: list[_Ready], report: RedeliveryReport) -> bool:
        """Hand uploads on, and move them to their next try; tell whether they were taken."""
        try:
            self._hand_on([one.upload for one in ready])
        except LegibleError as error:
            self._call.log("not-handed-on", documents=len(ready), reason=error.reason_code, message=str(error))
            report.left += len(ready)
            return False
        for one in ready:
            report.handed_on += 1
            try:
                self._room.later(one.slot, one.parked, one.next.next)
            except LegibleError as error:  # it stays due, and is handed on once more
                self._call.log("not-moved", key=one.slot.key, reason=error.reason_code)
        return True

    def _ended(self, parked: ParkedUpload, state: State) -> bool:
        """Tell whether a document has ended for good; one whose reason passes by itself has not before its deadline."""
        now = self._call.now()
        if now >= parked.until + AGE:  # its end can be recorded nowhere; the log of each try says why
            self._call.log("wait-expired", key=parked.upload.ref.key)
            return True
        if state.finished is not None and state.finished.name == parked.upload.again:
            return False  # it is to be tried once more after this very end
        return state.finished is not None and (now >= parked.until or not resumes(state))


def when(wait: Wait) -> str:
    """Return the sentence that tells when an upload that waits is tried again."""
    if wait.next >= wait.until:
        return f"It was tried again by itself until {wait.until:%Y-%m-%d %H:%M} UTC; now somebody must ask for it."
    times = f"next at {wait.next:%Y-%m-%d %H:%M} UTC, and until {wait.until:%Y-%m-%d %H:%M} UTC"
    return f"It is tried again by itself, {times}."


def upload_name(upload: Upload, document: Document) -> str:
    """Return the name of a parked upload: one and the same for all events of one upload and what they ask for."""
    named = [upload.ref, document.version, upload.etag, upload.version_id, upload.order, upload.again]
    return hashlib.sha256(msgspec.json.encode(named)).hexdigest()[:32]
