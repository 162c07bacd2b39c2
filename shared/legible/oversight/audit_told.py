"""What the audit trail has of one source, a journal or a single event, so that nothing is told twice.

The trail is too long to look through it. So each source has a small list of its own. A chainer first notes where the
trail ended before it looked at the list, then appends to the trail, then notes what the trail has now. One that finds a
note without its outcome, of a chainer that died or is at work, looks through the trail from that place on; of one that
is older than a day, only if nobody has looked since.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from msgspec import Struct

from legible.ledger.lines import Lines, read
from legible.model import layout
from legible.model.audit import AuditEvent
from legible.model.times import Moment
from legible.oversight.audit_chain import ChainPlace
from legible.ports import Invocation, Site

#: So many digits of an event's id tell the events of one source apart.
_DIGITS = 16
#: No chainer is at work for so long: the timeout of the timer's function is a matter of minutes.
_AT_WORK = timedelta(days=1)


class ToldLine(Struct, frozen=True, omit_defaults=True):
    """A line of such a list: chainer ``by`` looks from ``since`` on; or it has seen that the trail has ``done``."""

    by: str
    at: Moment
    since: ChainPlace | None = None
    done: tuple[str, ...] = ()


class ToldList:
    """The list of one source.

    Args:
        site: Its output bucket holds the list.
        call: The invocation: gives a way to wait.
        source: The key of a journal, or the id of an event.
        by: The name of the chainer, which no other one has.
    """

    def __init__(self, site: Site, call: Invocation, source: str, by: str) -> None:
        """Read nothing yet."""
        self._by = by
        self._call = call
        self._lines = Lines(site.store, site.in_output(layout.audit_told(source)), call.pause, name="A list of events")
        #: From where on the trail must be looked through.
        self.since = ChainPlace()

    def begin(self, events: Sequence[AuditEvent], end: ChainPlace) -> list[AuditEvent]:
        """Return those events that the trail may not have yet, and note that they are about to be told.

        Args:
            events: All events of the source.
            end: Where the trail ended, as read before this.

        Raises:
            HeldError: The list takes no line.
            UnavailableError: The store has a passing fault.
        """
        new = list[AuditEvent]()

        def note(body: bytes) -> bytes | None:
            nonlocal new
            done, places = _read(body, self._call.now())
            new = [event for event in events if event.id[:_DIGITS] not in done]
            self.since = min([end, *places], key=lambda place: place.order)
            return _line(ToldLine(self._by, self._call.now(), since=end)) if new else None

        self._lines.add(note)
        return new

    def done(self, events: Sequence[AuditEvent]) -> None:
        """Note that the trail has these events. Raises as ``begin`` does."""
        ids = tuple(event.id[:_DIGITS] for event in events)
        self._lines.put(_line(ToldLine(self._by, self._call.now(), done=ids)))


def was_told(site: Site, call: Invocation, source: str) -> bool:
    """Tell whether the trail has an event of a source. Raises as ``ToldList.begin`` does."""
    done, _ = _read(read(site.store, site.in_output(layout.audit_told(source))), call.now())
    return bool(done)


def first_untold(site: Site, call: Invocation, source: str, events: Sequence[AuditEvent]) -> AuditEvent | None:
    """Return the earliest of these events of a source that the trail has not; None if it has all of them.

    Where the list of the source takes no line, each of its events has a list of its own; see ``AuditTrail.put``.

    Raises as ``ToldList.begin`` does.
    """
    if not events:
        return None
    done, _ = _read(read(site.store, site.in_output(layout.audit_told(source))), call.now())
    new = (event for event in sorted(events, key=lambda one: one.at) if event.id[:_DIGITS] not in done)
    return next((event for event in new if not was_told(site, call, event.id)), None)


def _read(body: bytes, now: datetime) -> tuple[set[str], list[ChainPlace]]:
    """Return which events were told, and from where on others look or looked; spoilt lines say nothing."""
    done, open_notes, looked = set[str](), dict[str, ToldLine](), set[str]()
    for text in body.splitlines():
        try:
            line = msgspec.json.decode(text, type=ToldLine)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue
        done.update(line.done)
        if line.since is not None:
            open_notes[line.by] = line
        else:
            open_notes.pop(line.by, None)
            looked = set(open_notes)
    counting = (line for by, line in open_notes.items() if by not in looked or now - line.at <= _AT_WORK)
    return done, [line.since for line in counting if line.since is not None]


def _line(line: ToldLine) -> bytes:
    return msgspec.json.encode(line) + b"\n"
