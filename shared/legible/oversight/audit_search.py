"""Search of the audit trail by the filters of the vendor's console, the newest first, a day at a time."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timezone

from msgspec import Struct

from legible.errors import ObjectGoneError
from legible.model import layout
from legible.model.audit import AuditEvent, AuditStatus, audit_text
from legible.oversight import audit_line
from legible.oversight.audit_line import AuditLine
from legible.ports import Site

#: No more events than this are counted that wait to be put into the trail.
MOST_WAITING = 1_000


class AuditFilters(Struct, frozen=True, kw_only=True):
    """Which events are wanted; empty texts ask for any. A text is sought as an event holds it (``audit_text``).

    ``service`` is the trace source. Events happened at ``since`` or later, and before ``until``. ``prefix`` limits them
    to what Legible did with documents and workbooks whose names begin so.
    """

    since: datetime
    until: datetime
    service: str = ""
    resource_type: str = ""
    name: str = ""
    resource_id: str = ""
    resource_name: str = ""
    operator: str = ""
    status: AuditStatus | None = None
    prefix: str = ""

    def fits(self, event: AuditEvent) -> bool:
        """Tell whether an event is wanted."""
        return self.since <= event.at < self.until and self._is_like(event) and self._is_below(event)

    def _is_like(self, event: AuditEvent) -> bool:
        texts = (
            (self.service, event.service),
            (self.resource_type, event.resource_type),
            (self.name, event.name),
            (self.resource_id, event.resource_id),
            (self.resource_name, event.resource_name),
            (self.operator, event.operator),
            (self.status, event.status),
        )
        return all(not wanted or audit_text(wanted) == text for wanted, text in texts)

    def _is_below(self, event: AuditEvent) -> bool:
        own = event.source == "legible" and event.resource_type not in ("settings", "audit")
        return not self.prefix or (own and event.resource_name.startswith(self.prefix))


class AuditCursor(Struct, frozen=True, order=True):
    """The place of an event among those found: when it happened, and its number in the trail."""

    at: datetime
    n: int


class FoundEvents(Struct, frozen=True):
    """A part of what was found, the newest first, and the place of the last of them; None where there are no more."""

    lines: tuple[AuditLine, ...]
    cursor: AuditCursor | None = None


class AuditSearch:
    """Searches the trail. Memory holds one part of it, and as many events as are asked for.

    Args:
        site: Its output bucket holds the trail.
        timely: Called before a part is read; may raise where there is no time left.
    """

    def __init__(self, site: Site, timely: Callable[[], None] = lambda: None) -> None:
        """Read nothing yet."""
        self._site = site
        self._timely = timely

    def find(self, filters: AuditFilters, limit: int, after: AuditCursor | None = None) -> FoundEvents:
        """Return wanted events, the newest first.

        Args:
            filters: Which are wanted.
            limit: How many at most.
            after: Only those behind this place.

        Raises:
            HeldError: The bucket refuses.
            UnavailableError: The store has a passing fault.
        """
        found = list[AuditLine]()
        for day, keys in sorted(self._days(filters).items(), reverse=True):
            if after is not None and day > _day(after.at):
                continue
            wanted = (line for line in self._lines(sorted(keys), day) if filters.fits(line))
            behind = (line for line in wanted if after is None or _cursor(line) < after)
            found += heapq.nlargest(limit + 1 - len(found), behind, key=_cursor)
            if len(found) > limit:
                return FoundEvents(tuple(found[:limit]), _cursor(found[limit - 1]))
        return FoundEvents(tuple(found))

    def waiting(self) -> int:
        """Return how many events wait to be put into the trail, ``MOST_WAITING`` at most."""
        waiting = 0
        for waiting, _ in enumerate(self._site.store.list(self._site.output, layout.AUDIT_PENDING), 1):
            if waiting == MOST_WAITING:
                break
        return waiting

    def _days(self, filters: AuditFilters) -> dict[date, set[str]]:
        """Return the days on which wanted events may have happened, each with the parts that have its events."""
        first, last = _day(filters.since), _day(filters.until)
        late = [(happened, told) for happened, told in self._late(first) if happened <= last]
        parts: dict[date, set[str]] = {}
        earliest = min([first, *(told for _, told in late)])
        for item in self._site.store.list(self._site.output, layout.AUDIT_PARTS, _before(earliest)):
            place = layout.place_in_audit(item.key)
            if place is not None:
                parts.setdefault(place[0], set()).add(item.key)
        days = {day: set(keys) for day, keys in parts.items() if first <= day <= last}
        for happened, told in late:
            days.setdefault(happened, set()).update(parts.get(told, ()))
        return days

    def _late(self, first: date) -> Iterator[tuple[date, date]]:
        """Yield which days' events, from the first on, are in parts of which other days."""
        prefix = layout.AUDIT_LATE
        for item in self._site.store.list(self._site.output, prefix, f"{prefix}{first}"):
            days = item.key.removeprefix(prefix).split("/")
            try:
                happened, told = (date.fromisoformat(day) for day in days)
            except ValueError:  # something else lies there
                continue
            yield happened, told

    def _lines(self, keys: Iterable[str], day: date) -> Iterator[AuditLine]:
        """Yield the events of a day in these parts."""
        for key in keys:
            self._timely()
            try:
                body = self._site.store.read(self._site.in_output(key))
            except ObjectGoneError:
                continue
            for text in audit_line.lines_of(body):
                line = audit_line.decode(text)
                if line is not None and _day(line.at) == day:
                    yield line


def _day(at: datetime) -> date:
    return at.astimezone(timezone.utc).date()


def _cursor(line: AuditLine) -> AuditCursor:
    return AuditCursor(line.at, line.n)


def _before(day: date) -> str:
    """Return a key behind which the parts of that day and of all later ones lie."""
    return layout.audit_part(day)[: -len(".jsonl")]
