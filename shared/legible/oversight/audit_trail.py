"""Events of the audit trail: kept at once where something is done, and put into the trail by a timer's walk."""

from __future__ import annotations

import hashlib
import itertools
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import Struct

from legible.errors import DocumentError
from legible.ledger.due import DueQueue, Slot
from legible.model import layout
from legible.model.audit import AuditEvent, AuditStatus, audit_text
from legible.oversight.audit_chain import AuditChain, ChainPlace
from legible.oversight.audit_journal import events_of
from legible.oversight.audit_told import ToldList, was_told
from legible.oversight.walk import Reading
from legible.ports import Invocation, Site

#: How many events that wait are put into the trail at once.
_TOGETHER = 500
#: A walk begins nothing new with less time left than this, in seconds.
_RESERVE = 20.0
#: How long an event waits that this version cannot read, in seconds: a newer one may have kept it.
_LADDER = (60, 3600, 24 * 3600)
_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


class PendingEvent(AuditEvent, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """An event that is not in the trail yet. One of a newer version is left to that version."""


class AuditWalk(Struct, frozen=True):
    """What a walk did: how many events it put into the trail, and how many it had to leave.

    ``n`` and ``sha256`` are those of the last line. They are logged: whoever can write the bucket cannot write the log.
    """

    told: int = 0
    left: int = 0
    n: int = 0
    sha256: str = ""


class AuditDesk:
    """Keeps events until the walk puts them into the trail.

    Args:
        site: Its output bucket holds them.
        call: The invocation, or the command: gives the time.
        operator: Who acts, if an event does not say so.
    """

    def __init__(self, site: Site, call: Invocation, operator: str) -> None:
        """Keep nothing yet."""
        self._site = site
        self._call = call
        self._operator = operator
        self._queue = pending(site, call)

    def keep(self, event: AuditEvent) -> None:
        """Keep an event.

        Raises:
            HeldError: The bucket refuses it.
            UnavailableError: The store has a passing fault.
        """
        keep(self._queue, event, self._call.now())

    def knows(self, identity: str) -> bool:
        """Tell whether the trail has the event of that id. Raises as ``keep`` does."""
        return was_told(self._site, self._call, identity)

    def record(
        self,
        name: str,
        resource_type: str,
        resource_name: str,
        *,
        operator: str = "",
        status: AuditStatus = "normal",
        details: Mapping[str, str] | None = None,
        cause: str = "",
    ) -> str:
        """Keep the event of something that is done now, of which nothing else tells; return its id.

        What is tried again for the same ``cause``, a timer's event for example, is one event. Raises as ``keep`` does.
        """
        identity = hashlib.sha256(f"{name}\n{cause}".encode("utf-8", "surrogatepass")).hexdigest()[:32]
        event = AuditEvent(
            id=identity if cause else uuid.uuid4().hex,
            at=self._call.now(),
            name=name,
            resource_type=resource_type,
            resource_name=audit_text(resource_name),
            operator=audit_text(operator or self._operator),
            status=status,
            details={key: audit_text(text) for key, text in (details or {}).items() if text},
        )
        self.keep(event)
        return event.id


class AuditTrail:
    """Puts events into the trail, each of them once.

    Args:
        site: Its output bucket holds the trail.
        call: The invocation: gives the time and a name no other one has.
        chain: The trail.
        at_once: How many small objects are read or written at the same time.
    """

    def __init__(self, site: Site, call: Invocation, chain: AuditChain, at_once: int = 8) -> None:
        """Begin with nothing collected."""
        self._at_once = at_once
        self._site = site
        self._call = call
        self._chain = chain
        self._queue = pending(site, call)
        self._numbers = itertools.count(1)

    def put(self, sources: Mapping[str, Sequence[AuditEvent]]) -> None:
        """Put events into the trail, those that it has not.

        Args:
            sources: All events of each source so far; a source may come any number of times.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The trail takes no line; all of the sources must come again.
        """
        for source in self._tell(sources):  # its list takes no line: each event has one of its own
            for event in sources[source]:
                keep(self._queue, event, self._call.now())

    def walk(self) -> AuditWalk:
        """Put what waits into the trail.

        Raises:
            LegibleError: What waits cannot be listed, or the trail takes no line; nothing is lost.
        """
        told, spoilt, left = 0, list[Slot](), 0
        slots = self._queue.due()
        while self._call.remaining() > _RESERVE and (some := list(itertools.islice(slots, _TOGETHER))):
            read = zip(some, self._together(lambda slot: self._pending(slot, spoilt), some), strict=True)
            events = {slot: event for slot, event in read if event is not None}
            failed = self._tell({event.id: [event] for event in events.values()})
            chained = [slot for slot, event in events.items() if event.id not in failed]
            self._together(self._queue.remove, chained)
            told, left = told + len(chained), left + len(events) - len(chained)
        end = self._chain.end()
        self._chain.note_end(end)
        return AuditWalk(told, left + len(spoilt), end.n, end.sha256)

    def _pending(self, slot: Slot, spoilt: list[Slot]) -> AuditEvent | None:
        """Return the event that waits in a slot; None if another walk was faster, or if it cannot be read here."""
        try:
            return self._queue.read(slot)
        except (msgspec.MsgspecError, UnicodeDecodeError, DocumentError) as error:
            self._call.log("audit-unreadable", key=slot.key, error=type(error).__name__)
            with suppress(DocumentError):  # what is refused stays where it is
                self._queue.later(slot)
            spoilt.append(slot)
            return None

    def _tell(self, sources: Mapping[str, Sequence[AuditEvent]]) -> list[str]:
        """Put events into the trail, by their sources; return the sources that must come again."""
        if not sources:
            return []
        end = self._chain.end()  # read before the lists are: what others add from now on is looked for
        by = f"{self._call.owner}-{next(self._numbers)}"
        lists = {source: ToldList(self._site, self._call, source, by) for source in sources}
        begun = self._together(lambda source: self._begin(lists[source], sources[source], end), sources)
        new = dict(zip(sources, begun, strict=True))
        telling = {source: events for source, events in new.items() if events}
        if telling:
            since = min((lists[source].since for source in telling), key=lambda place: place.order)
            events = sorted((one for some in telling.values() for one in some), key=lambda one: one.at)
            self._chain.note_end(self._chain.add(events, since))
            self._together(lambda source: lists[source].done(telling[source]), telling)
        return [source for source, events in new.items() if events is None]

    def _begin(self, told: ToldList, events: Sequence[AuditEvent], end: ChainPlace) -> list[AuditEvent] | None:
        """Return which events of a source are to be told; None where its list takes no line."""
        try:
            return told.begin(events, end)
        except DocumentError as error:
            self._call.log("audit-not-told", reason=error.reason_code, message=str(error))
            return None

    def _together(self, work: Callable[[_Given], _Made], values: Iterable[_Given]) -> list[_Made]:
        """Do something with each value, several at the same time; return what came of each, in their order."""
        if self._at_once == 1:
            return [work(value) for value in values]
        with ThreadPoolExecutor(self._at_once) as pool:
            return list(pool.map(work, values))


class AuditConsumer:
    """Has what journals tell put into the trail. See ``walk.Consumer``.

    Args:
        trail: Takes it.
    """

    def __init__(self, trail: AuditTrail) -> None:
        """Take nothing yet."""
        self._trail = trail

    def digest(self, reading: Reading) -> tuple[str, list[AuditEvent]]:
        """Return the events of a journal, and its key."""
        document, journal = reading.document, reading.document.first_part
        return journal, list(events_of(document, reading.state.lines, journal))

    def keep(self, digests: list[tuple[str, list[AuditEvent]]]) -> None:
        """Put them into the trail. Raises as ``AuditTrail.put`` does."""
        self._trail.put(dict(digests))


def pending(site: Site, call: Invocation) -> DueQueue[PendingEvent]:
    """Return the queue of events that are not in the trail yet."""
    return DueQueue(site, call, layout.AUDIT_PENDING, PendingEvent, _LADDER)


def keep(queue: DueQueue[PendingEvent], event: AuditEvent, now: datetime) -> None:
    """Keep an event until the next walk. Raises as ``DueQueue.keep`` does."""
    queue.keep(PendingEvent(**msgspec.structs.asdict(event)), event.id, due=now)
