"""Where the sweep stands: the input bucket in segments, when each was looked at, and whose turn it is to sweep."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec
from msgspec import Struct, structs

from legible.errors import ObjectGoneError
from legible.ledger.lines import SKEW_SECONDS, Lines
from legible.ledger.lists import SHORTEST
from legible.ports import Invocation, Site
from legible.upkeep import keys

_JSON = "application/json"
#: About how many objects a segment has: what one look at it takes is lost if it is cut short.
SIZE = 50_000
#: How often a segment is looked at: one that uploads came to lately, or that has something undecided, at every run of
#: the timer. The others take longer by as much for each so many objects of the bucket, so that a run lists a thousand
#: times or so for them, whatever its size; no longer than ``COLD``. And all of one, however old, once in ``WHOLE``.
HOT, EACH, COLD, WHOLE = timedelta(minutes=5), 500_000, timedelta(hours=6), timedelta(days=7)
#: A segment with an upload of this age is one that uploads come to.
LATELY = timedelta(days=2)


class Segment(Struct, frozen=True, omit_defaults=True):
    """A part of the input bucket: the keys behind ``after``, up to the ``after`` of the next segment.

    ``visited`` is when it was looked at last, ``whole`` when all of it was and not only recent uploads; ``newest`` the
    time of its latest upload; ``pending``: something in it was too young to be judged. Of ``objects`` so many are
    ``skipped``, no documents; ``unbegun`` are uploads that nobody has begun to read, and ``unread`` older ones that
    nobody ever read, by their first folder.
    """

    after: str = ""
    visited: datetime | None = None
    whole: datetime | None = None
    newest: datetime | None = None
    pending: bool = False
    objects: int = 0
    skipped: int = 0
    unbegun: int = 0
    unread: dict[str, int] = {}

    @property
    def name(self) -> str:
        """Its name, fit for a key."""
        return hashlib.sha256(self.after.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    def urgency(self, now: datetime, total: int) -> float:
        """Return how much it is due: 1 when its time has come; endless for one that was never looked at.

        Args:
            now: The time.
            total: How many objects the bucket has.
        """
        if self.visited is None:
            return float("inf")
        hot = self.pending or self.unbegun or (self.newest is not None and now - self.newest < LATELY)
        return (now - self.visited) / (HOT if hot else min(HOT * (1 + total // EACH), COLD))

    def whole_due(self, now: datetime) -> bool:
        """Tell whether all of it is to be looked at: recent uploads come first, so not at the first look."""
        return self.visited is not None and (self.whole is None or now - self.whole > WHOLE)


class Standpoint(Struct, frozen=True):
    """What is stored of a sweep's progress.

    ``segments`` are in the order of their keys, the first from the beginning; ``in_vain`` is how many documents the
    last sweep found that had been repaired before.
    """

    segments: tuple[Segment, ...] = (Segment(),)
    in_vain: int = 0


class Progress:
    """The segments, as they are stored and as they change while several are looked at. Safe for several threads.

    Args:
        site: Its output bucket holds them.
        store: Whether what changes is stored.
    """

    def __init__(self, site: Site, *, store: bool = True) -> None:
        """Read nothing yet."""
        self._site = site
        self._store = store
        self._lock = threading.Lock()
        self._segments: list[Segment] = []
        self._in_vain = 0

    def load(self) -> bool:
        """Read the segments; tell whether there are any. What cannot be read is begun anew."""
        point = stored_point(self._site)
        self._segments, self._in_vain = list(point.segments), point.in_vain
        return len(self._segments) > 1 or self._segments[0].visited is not None

    def cut(self, boundaries: Iterable[str]) -> None:
        """Cut a bucket that was never looked at into segments that begin behind these keys."""
        self._segments = [Segment(), *(Segment(after) for after in sorted(set(boundaries) - {""}))]

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The segments now."""
        return tuple(self._segments)

    @property
    def total(self) -> int:
        """How many objects the bucket had when its segments were looked at."""
        return sum(one.objects for one in self._segments)

    def until(self, segment: Segment) -> str:
        """Return the key up to which a segment goes; empty for the end."""
        with self._lock:
            place = self._place(segment)
            return self._segments[place + 1].after if place + 1 < len(self._segments) else ""

    def put(self, piece: Segment, rest: Segment | None) -> None:
        """Keep what was seen of a segment, or of its beginning; ``rest`` is what is left of it, to be looked at later.

        Raises:
            LegibleError: It cannot be stored.
        """
        with self._lock:
            place = self._place(piece)
            self._segments[place : place + 1] = [piece, *([rest] if rest is not None else [])]
            self._write()

    def end(self, in_vain: int, least: int = SIZE // 2) -> None:
        """End a sweep: make one of neighbors that are small together. Raises as ``put`` does.

        Args:
            in_vain: How many documents it found that had been repaired before.
            least: How many objects a segment has at least.
        """
        with self._lock:
            merged = list[Segment]()
            for segment in self._segments:
                last = merged[-1] if merged else None
                if last is not None and _alike(last, segment) and last.objects + segment.objects < least:
                    merged[-1] = _joined(last, segment)
                else:
                    merged.append(segment)
            if len(merged) < len(self._segments) or in_vain != self._in_vain:
                self._segments, self._in_vain = merged, in_vain
                self._write()

    def _place(self, segment: Segment) -> int:
        return next(place for place, one in enumerate(self._segments) if one.after == segment.after)

    def _write(self) -> None:
        if self._store:
            body = msgspec.json.encode(Standpoint(tuple(self._segments), self._in_vain))
            self._site.store.write(self._site.in_output(keys.STATE), body, _JSON)


def stored(site: Site) -> tuple[Segment, ...]:
    """Return the segments as they are stored. Raises as ``stored_point`` does."""
    return stored_point(site).segments


def stored_point(site: Site) -> Standpoint:
    """Return what is stored of progress; one segment, never looked at, where nothing is that can be read.

    Raises:
        LegibleError: The store does not let us look.
    """
    try:
        point = msgspec.json.decode(site.store.read(site.in_output(keys.STATE)), type=Standpoint)
    except (ObjectGoneError, msgspec.MsgspecError, UnicodeDecodeError):
        return Standpoint()
    found = point.segments
    sound = bool(found) and not found[0].after and all(one.after < other.after for one, other in pairwise(found))
    return point if sound else Standpoint()


def _alike(one: Segment, other: Segment) -> bool:
    """Tell whether two segments can be one: both were looked at, and neither has a list of unread uploads."""
    return bool(one.visited and other.visited) and not one.unbegun and not other.unbegun


def _joined(one: Segment, other: Segment) -> Segment:
    """Return the segment that both are together."""
    assert one.visited is not None
    assert other.visited is not None
    unread = {name: one.unread.get(name, 0) + other.unread.get(name, 0) for name in {*one.unread, *other.unread}}
    return structs.replace(
        one, visited=min(one.visited, other.visited),
        whole=min(one.whole, other.whole) if one.whole and other.whole else None,
        newest=max((at for at in (one.newest, other.newest) if at is not None), default=None),
        pending=one.pending or other.pending, objects=one.objects + other.objects,
        skipped=one.skipped + other.skipped, unread=unread,
    )  # fmt: skip


class Taken(Struct, frozen=True):
    """A line of the list of turns: who sweeps, and until when nobody else does."""

    owner: str
    until: datetime


class Turn:
    """The right to sweep, for one at a time: two would do the same work twice.

    Args:
        site: Its output bucket holds the list of turns.
        call: The invocation that wants to sweep.
        settle: Seconds after which its line is read back.
    """

    def __init__(self, site: Site, call: Invocation, settle: float) -> None:
        """Want nothing yet."""
        self._site = site
        self._call = call
        self._settle = settle

    def take(self, seconds: float) -> datetime | None:
        """Take the turn for so many seconds; None if that was done, else until when somebody else has it.

        Raises:
            LegibleError: The list takes no line.
        """
        now = self._call.now()
        other = self._held(self._lines(now - timedelta(days=1)).read(), now)
        if other is None:
            mine = self._line(now + timedelta(seconds=seconds))
            lines, taken = self._lines(now).add(lambda so_far: None if self._held(so_far, now) else mine, self._settle)
            other = None if taken else self._held(lines, now)
        return other

    def give_back(self) -> None:
        """Give the turn back. Raises as ``take`` does."""
        now = self._call.now()
        self._lines(now).put(self._line(now - timedelta(seconds=SKEW_SECONDS)))

    def _lines(self, at: datetime) -> Lines:
        ref = self._site.in_output(keys.turns(at.date()))
        return Lines(self._site.store, ref, self._call.pause, name="The list of sweeps")

    def _line(self, until: datetime) -> bytes:
        line = msgspec.json.encode(Taken(self._call.owner, until))
        return line.ljust(SHORTEST) + b"\n"

    def _held(self, lines: bytes, now: datetime) -> datetime | None:
        """Return until when somebody else has the turn, by the last line; None where nobody has it."""
        try:
            last = msgspec.json.decode(lines.splitlines()[-1], type=Taken)
        except (IndexError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        held = last.owner != self._call.owner and now < last.until + timedelta(seconds=SKEW_SECONDS)
        return last.until if held else None
