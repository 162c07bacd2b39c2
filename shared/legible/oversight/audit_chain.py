"""The audit trail in the output bucket: one chain of lines over all days, in objects that are appended to.

Each line names the digest of the line before it, also over the border of two objects. An append is optimistic, as in
the ledger (``ledger.lines``): where two chainers meet, one of them loses and makes its lines anew for the end as it is
then. A part ends with a line that names the object in which the trail goes on; behind it nobody appends, and the first
line of the next object can be written only once. So the chain never forks.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, datetime, timezone

import msgspec
from msgspec import Struct

from legible.errors import AppendConflictError, HeldError, ObjectGoneError, RejectedError, UnavailableError
from legible.ledger.lines import TRIES
from legible.model import layout
from legible.model.audit import CONTINUE, AuditEvent
from legible.oversight import audit_line
from legible.oversight.audit_line import NOTHING
from legible.ports import Invocation, Site, Wanted

#: After so many lines, or bytes, the trail goes on in another object. An object takes 10,000 appends (api-obs
#: obs_04_0088); an append brings one line or more, and a tenth is kept for lines that others overwrote.
PART_LINES, PART_BYTES = 9_000, 8 * 1024 * 1024
#: How many lines, and about how many bytes, one append has at most.
_BATCH_LINES, _BATCH_BYTES = 1_000, 1024 * 1024
#: More than any part has.
_ALL = 1 << 40


class ChainPlace(Struct, frozen=True, omit_defaults=True):
    """A place in the trail, behind its ``n``-th line: behind the first ``size`` bytes of the part ``key``.

    ``sha256`` is the digest of that line, ``length`` how many bytes of it stand in this part, ``lines`` how many lines
    the part has so far. Without a key it is the beginning of the trail.
    """

    key: str = ""
    size: int = 0
    n: int = 0
    sha256: str = NOTHING
    length: int = 0
    lines: int = 0

    @property
    def order(self) -> tuple[str, int]:
        """What sorts places in the order of the trail."""
        return self.key, self.size


class AuditChain:
    """Appends events to the trail.

    Args:
        site: Its output bucket holds the trail.
        call: The invocation: gives the time and a way to wait.
        settle: How long, in seconds, an append that began earlier may take to overwrite one that was answered.
        key: Seals the lines; None for no seals.
        most: After how many lines, and bytes, a part ends.
    """

    def __init__(
        self,
        site: Site,
        call: Invocation,
        settle: float,
        key: bytes | None = None,
        most: tuple[int, int] = (PART_LINES, PART_BYTES),
    ) -> None:
        """Read nothing yet."""
        self._site = site
        self._call = call
        self._settle = settle
        self._key = key
        self._most_lines, self._most_bytes = most
        #: Parts that take no further line, although their last line does not say so.
        self._shut: set[str] = set()
        #: What was written down of the trail's end leads nowhere.
        self._misled = False
        self._begun: set[str] = set()
        self._noted: set[str] = set()

    def end(self) -> ChainPlace:
        """Return where the trail ends.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault.
        """
        return self._read_on(self._start(), frozenset()).place

    def add(self, events: Sequence[AuditEvent], since: ChainPlace) -> ChainPlace:
        """Append those events that no line behind ``since`` has, and see that their lines stand.

        Returns:
            Where the trail ends then.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The trail takes no line.
        """
        wanted, left, fewest = frozenset(event.id for event in events), TRIES, len(events) + 1
        while left:
            end = self._read_on(since, wanted)
            missing = [event for event in events if event.id not in end.found]
            if not missing:
                return end.place
            left, fewest = (TRIES if len(missing) < fewest else left - 1), min(fewest, len(missing))
            if self._is_new(end.place) or self._put(end, missing):
                self._call.pause(self._settle)
            else:
                self._call.pause(random.uniform(0.01, 0.1))
        raise UnavailableError(f"The audit trail took no line in {TRIES} tries.", advice="They are kept meanwhile.")

    def _is_new(self, place: ChainPlace) -> bool:
        """Tell, once, that a part is to be begun: first the line that led to it must be seen to stand."""
        new = bool(place.n) and not place.size and place.key not in self._begun
        self._begun |= {place.key} if new else set()
        return new

    def note_end(self, place: ChainPlace) -> None:
        """Write down where the trail ends, for whoever goes on with it, and for whoever looks whether it was cut."""
        known = None if self._misled else read_head(self._site)
        if place.key and (known is None or known.order < place.order):
            body = audit_line.sealed(msgspec.json.encode(place), self._key)
            self._site.store.write(self._site.in_output(layout.AUDIT_HEAD), body, "application/json")

    def _start(self) -> ChainPlace:
        """Return a place from which the trail can be read to its end: what was noted, or the beginning of a part."""
        place = read_head(self._site)
        if place is not None and layout.place_in_audit(place.key) and self._part(place.key, 0, 0):
            return place
        last, self._misled = "", place is not None
        for item in self._site.store.list(self._site.output, layout.AUDIT_PARTS):
            last = item.key if layout.place_in_audit(item.key) else last
        return ChainPlace(last)

    def _read_on(self, place: ChainPlace, wanted: frozenset[str]) -> _TrailEnd:
        """Read the trail from a place to its end, and which of the wanted events are on the way."""
        end = _TrailEnd(place if place.key else ChainPlace(self._following("")))
        following = end.place.key
        while following:
            if following != end.place.key:
                end.place = ChainPlace(following, n=end.place.n, sha256=end.place.sha256)
            following = self._read_part(end, wanted)
        return end

    def _read_part(self, end: _TrailEnd, wanted: frozenset[str]) -> str:
        """Read a part from a place to its end; return in which part the trail goes on, empty if it does not."""
        place = end.place
        body = self._part(place.key, place.size - place.length)
        if place.length and audit_line.digest(body[: place.length]) != place.sha256:
            place = ChainPlace(place.key)  # something else stands there now: the whole part is read
            body = self._part(place.key, 0)
        n, sha256, following, length = place.n, place.sha256, "", place.length
        lines = audit_line.lines_of(body[place.length :])
        for text in lines:
            line = audit_line.decode(text)
            n, length = line.n if line else n + 1, len(text)
            end.whole = text.endswith(b"\n")
            sha256 = audit_line.digest(text if end.whole else text + b"\n")
            end.found |= {line.id} & wanted if line else set()
            following = line.resource_name if line and line.name == CONTINUE else ""
        if following <= place.key or layout.place_in_audit(following) is None:
            following = self._beyond(place.key) if place.key in self._shut else ""
        size = place.size + len(body) - place.length
        end.place = ChainPlace(place.key, size, n, sha256, length, place.lines + len(lines))
        return following

    def _put(self, end: _TrailEnd, events: Sequence[AuditEvent]) -> bool:
        """Append what fits at the end; tell whether something was appended."""
        now, place = self._call.now().astimezone(timezone.utc), end.place
        key = place.key or layout.audit_part(now.date())
        following = self._next(key, place, now.date())
        events = [_continued(place.n, following, now)] if following else events
        n, sha256, body, lines = place.n, place.sha256, b"" if end.whole else b"\n", list[AuditEvent]()
        for event in events[: min(_BATCH_LINES, max(1, self._most_lines - place.lines))]:
            n += 1
            text = audit_line.encode(audit_line.of_event(event, n, sha256, now), self._key)
            if lines and len(body) + len(text) > _BATCH_BYTES:
                break
            sha256 = audit_line.digest(text)
            body += text
            lines.append(event)
        self._note_late([] if following else lines, key)
        return self._append(key, place.size, body)

    def _append(self, key: str, size: int, body: bytes) -> bool:
        try:
            self._site.store.append(self._site.in_output(key), size, body)
        except AppendConflictError:
            return False
        except HeldError as error:
            if error.reason_code != "not-appendable":
                raise
            self._call.log("audit-part-shut", part=key, reason=error.reason_code)
            self._shut.add(key)
            return False
        return True

    def _next(self, key: str, place: ChainPlace, today: date) -> str:
        """Return in which object the trail must go on before anything is added; empty to go on in this one."""
        day, number = layout.place_in_audit(key) or (today, 1)
        if day < today:
            return layout.audit_part(today)
        full = place.lines >= self._most_lines or place.size >= self._most_bytes
        return layout.audit_part(day, number + 1) if full else ""

    def _note_late(self, events: Sequence[AuditEvent], key: str) -> None:
        """Note that events of other days come into this part, so that a search for those days finds them."""
        day, _ = layout.place_in_audit(key) or (date.min, 0)
        for happened in {event.at.astimezone(timezone.utc).date() for event in events} - {day}:
            note = layout.audit_late(happened, day)
            if note not in self._noted:
                self._site.store.write(self._site.in_output(note), b"", "text/plain")
                self._noted.add(note)

    def _beyond(self, key: str) -> str:
        """Return the part behind one that takes no further line: the one that is there, else the one to begin."""
        day, number = layout.place_in_audit(key) or (date.min, 0)
        return self._following(key) or layout.audit_part(day, number + 1)

    def _following(self, key: str) -> str:
        """Return the first part behind a key; empty where there is none."""
        for item in self._site.store.list(self._site.output, layout.AUDIT_PARTS, key):
            if layout.place_in_audit(item.key):
                return item.key
        return ""

    def _part(self, key: str, first: int, last: int = _ALL) -> bytes:
        """Return a part's bytes from the first on; none where there is no such part, or it is shorter."""
        try:
            return self._site.store.read(self._site.in_output(key), Wanted(first=first, last=last))
        except RejectedError:
            return b""


class _TrailEnd(Struct):
    """How far the trail was read, which wanted events it has, and whether its last line is whole."""

    place: ChainPlace
    found: set[str] = set()
    whole: bool = True


def read_head(site: Site) -> ChainPlace | None:
    """Return where the trail ended when it was last written to; None where nobody has written that down."""
    try:
        body = site.store.read(site.in_output(layout.AUDIT_HEAD))
        return msgspec.json.decode(body, type=ChainPlace)
    except (ObjectGoneError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _continued(n: int, following: str, now: datetime) -> AuditEvent:
    return AuditEvent(
        id=f"continued-{n + 1}",
        at=now,
        name=CONTINUE,
        resource_type="audit",
        resource_name=following,
        operator="function",
    )
