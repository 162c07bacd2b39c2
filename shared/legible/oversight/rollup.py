"""The roll-up: what journals say of each hour, in lists that any number of timers append to, and the sums over days.

A list has a line for each reading of a journal; the latest reading of a journal counts, so that it does not matter who
appends what how often and in which order. A day's sum is made of its lists and names their lengths: whoever finds other
lengths makes it again.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import islice

import msgspec
from msgspec import Struct, structs

from legible.errors import ObjectGoneError
from legible.ledger.lists import LongList, add_all
from legible.model import layout
from legible.model.sums import DocumentStanding, StandingCount
from legible.oversight.calls import JournalHour, merged
from legible.ports import Invocation, ListedObject, Site

#: How much of one hour is in memory at once, in bytes.
IN_MEMORY = 16 * 1024 * 1024
#: How many days are read at once.
_AT_ONCE = 8
_JSON = "application/json"
_DECODER = msgspec.json.Decoder(JournalHour)
_LIST = re.compile(re.escape(layout.USAGE) + r"(\d{4})/(\d\d)/(\d\d)/(\d\d)(?:\.\d+)?\.jsonl")
#: The hour (UTC) at which a day begins in the vendor's zone.
_VENDORS_MIDNIGHT = 16
#: Hour, operation, project, route, and outcome or status.
_Key = tuple[int, str, str, str, str]


class HourCount(Struct, frozen=True, array_like=True):
    """How many calls of one origin and outcome there were in one hour of a day."""

    hour: int
    operation: str
    project: str
    route: str
    outcome: str
    count: int


class EndCount(Struct, frozen=True, array_like=True):
    """How many documents of one origin ended in one hour of a day, as their last end, with one status.

    ``findings`` is how many of their checks had failed then.
    """

    hour: int
    operation: str
    project: str
    route: str
    status: str
    count: int
    findings: int = 0


class DaySum(Struct, frozen=True):
    """One day (UTC): its calls and ends, and the length of each list that they were counted from, by its key."""

    day: date
    lists: dict[str, int] = {}
    calls: tuple[HourCount, ...] = ()
    ends: tuple[EndCount, ...] = ()
    #: Lines that could not be read: something else changed a list. ``legible usage --rebuild`` writes them anew.
    unreadable: int = 0
    #: How documents stand whose journals began on this day; None in a sum that version 0.2 wrote.
    standings: tuple[StandingCount, ...] | None = None


class RollUp:
    """Takes readings of journals, and sums them up by the day.

    Args:
        site: Its output bucket holds lists and sums.
        call: The invocation: waits.
        settle: Seconds after which what was appended is read back.
        in_memory: How much of one hour is in memory at once, in bytes.
    """

    def __init__(self, site: Site, call: Invocation, settle: float, in_memory: int = IN_MEMORY) -> None:
        """Read nothing yet."""
        self._site = site
        self._call = call
        self._settle = settle
        self._in_memory = in_memory

    def keep(self, readings: Iterable[dict[datetime, JournalHour]]) -> None:
        """Append readings of journals, each by its hours; they are there when this returns.

        Raises:
            UnavailableError: The store has a passing fault.
            HeldError: The bucket refuses.
        """
        lines: dict[str, list[bytes]] = defaultdict(list)
        for reading in readings:
            for hour, said in reading.items():
                lines[layout.usage_part(hour)].append(msgspec.json.encode(said) + b"\n")
        add_all(self._site, self._call, lines, self._settle)

    def days(self, first: date, last: date) -> Iterator[DaySum]:
        """Yield the sum of each day, both included, that has any; what is out of date is counted again, not written.

        Its hours are two: 0, and 16, when a day begins in the vendor's zone. A year is read in seconds so.

        Raises:
            UnavailableError: The store has a passing fault.
        """
        yield from self._sums(first, last, lambda day, lists: self._stored(layout.usage_day(day), lists), _halved)

    def hours(self, first: date, last: date) -> Iterator[DaySum]:
        """Yield the same with all hours of each day. Raises as ``days`` does."""
        yield from self._sums(first, last, lambda day, lists: self._stored(layout.usage_hours(day), lists), _whole)

    def sum_up(self, first: date, last: date, timely: Callable[[], bool] = lambda: True) -> list[date]:
        """Write the sums of those days, both included, whose lists have grown; return these. Raises as ``keep``.

        Args:
            first: The first day.
            last: The last day.
            timely: Tells before each of them whether there is time left for it.
        """
        days, written = self._lists(first, last), list[date]()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            known = list(pool.map(lambda one: self._stored(layout.usage_day(one[0]), one[1]) is not None, days))
        for (day, lists), summed in zip(days, known, strict=True):
            if summed:
                continue
            if not timely():
                break
            hourly = self._counted(day, lists)
            for key, found in ((layout.usage_hours(day), hourly), (layout.usage_day(day), _halved(hourly))):
                self._site.store.write(self._site.in_output(key), msgspec.json.encode(found), _JSON)
            written.append(day)
        return written

    def readings(self, hour: datetime) -> Iterator[JournalHour]:
        """Yield the latest reading of each journal that has any line of that hour (UTC). Raises as ``days`` does."""
        objects = LongList(self._site, self._call, layout.usage_part(hour)).objects()
        yield from self._latest(objects, Counter())

    def began(self, day: DaySum, hour: datetime) -> dict[str, DocumentStanding]:
        """Return how the documents stand whose journals began in one hour of a day, by the journal's name.

        They are those that the day's sum counts, whatever was appended since. Raises as ``days`` does.
        """
        stem = layout.usage_part(hour)
        sizes = ((key, size) for key, size in day.lists.items() if layout.number_in_list(stem, key))
        objects = [ListedObject(key, size, "") for key, size in sizes]
        latest = self._latest(objects, Counter())
        return {said.journal: said.stands for said in latest if said.stands is not None}

    def _sums(
        self,
        first: date,
        last: date,
        stored: Callable[[date, list[ListedObject]], DaySum | None],
        made: Callable[[DaySum], DaySum],
    ) -> Iterator[DaySum]:
        """Yield the sum of each day, as it is stored or as it is made; several are read at once, and few are kept."""
        days = iter(self._lists(first, last))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while some := list(islice(days, 2 * _AT_ONCE)):
                yield from pool.map(lambda one: stored(*one) or made(self._counted(*one)), some)

    def _lists(self, first: date, last: date) -> list[tuple[date, list[ListedObject]]]:
        """Return the lists of each day that has any, the first day first."""
        lists: dict[date, list[ListedObject]] = defaultdict(list)
        for prefix in _prefixes(first, last):
            for item in self._site.store.list(self._site.output, prefix):
                day = _day_of(item.key)
                if day is not None and first <= day <= last:
                    lists[day].append(item)
        return sorted(lists.items())

    def _stored(self, key: str, lists: list[ListedObject]) -> DaySum | None:
        """Return a sum that is stored; None where there is none, or it was made of less than there is now."""
        try:
            known = msgspec.json.decode(self._site.store.read(self._site.in_output(key)), type=DaySum)
        except (ObjectGoneError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return known if known.lists == _lengths(lists) and known.standings is not None else None

    def _counted(self, day: date, lists: list[ListedObject]) -> DaySum:
        calls, ends, findings, unreadable = Counter[_Key](), Counter[_Key](), Counter[_Key](), 0
        standings = Counter[tuple[str, str, str | None]]()
        by_hour: dict[int, list[ListedObject]] = defaultdict(list)
        for item in lists:
            by_hour[_hour_in(item.key)].append(item)
        for hour, objects in sorted(by_hour.items()):
            odd = Counter[str]()
            for said in self._latest(objects, odd):
                for call in said.calls:
                    calls[hour, call.operation, call.project, call.route, call.outcome] += call.count
                if said.ended is not None:
                    end = said.ended
                    key = hour, end.operation, end.project, end.route, end.status
                    ends[key] += 1
                    findings[key] += end.findings
                standings.update(_standing(said))
            unreadable += odd.total()
        return DaySum(
            day,
            _lengths(lists),
            tuple(HourCount(*key, count) for key, count in sorted(calls.items())),
            tuple(EndCount(*key, count, findings[key]) for key, count in sorted(ends.items())),
            unreadable,
            tuple(StandingCount(*key, count) for key, count in sorted(standings.items(), key=str)),
        )

    def _latest(self, objects: list[ListedObject], odd: Counter[str]) -> Iterator[JournalHour]:
        """Yield the latest reading of each journal; of many, a share at a time, so that memory holds one share.

        Args:
            objects: The lists of one hour.
            odd: Counts the lines of each list that cannot be read.
        """
        shares = 1 + sum(item.size for item in objects) // self._in_memory
        for share in range(shares):
            odd.clear()
            lines = (line for item in objects for line in self._lines(item, odd))
            yield from merged(line for line in lines if int(line.journal[:8], 16) % shares == share).values()

    def _lines(self, item: ListedObject, odd: Counter[str]) -> Iterator[JournalHour]:
        body = self._site.store.read(self._site.in_output(item.key))
        for line in body[: item.size].splitlines():
            try:
                said = _DECODER.decode(line)
                int(said.journal[:8], 16)
            except (msgspec.MsgspecError, ValueError):
                odd[item.key] += 1
            else:
                yield said


def _standing(said: JournalHour) -> list[tuple[str, str, str | None]]:
    """Return how a document stands, if this hour tells it.

    That is the one in which its journal began, or, in lines that version 0.2 wrote, the one in which it ended.
    """
    if said.stands is not None:
        return [(said.stands.status, said.stands.operation, said.stands.folder)]
    end = said.ended
    return [] if end is None or end.told else [(end.status, end.operation, None)]


def _prefixes(first: date, last: date) -> Iterator[str]:
    """Yield the prefix of each month that has any of these days."""
    month = first.replace(day=1)
    while month <= last:
        yield f"{layout.USAGE}{month:%Y/%m}/"
        month = (month + timedelta(days=32)).replace(day=1)


def _day_of(key: str) -> date | None:
    """Return the day of a list; None for another object."""
    found = _LIST.fullmatch(key)
    try:
        return date(*map(int, found.groups()[:3])) if found else None
    except ValueError:
        return None


def _lengths(lists: Iterable[ListedObject]) -> dict[str, int]:
    return {item.key: item.size for item in lists}


def _halved(day: DaySum) -> DaySum:
    """Return a day's sum with two hours: 0, and 16, when the next day begins in UTC+8."""
    calls, ends, findings = Counter[_Key](), Counter[_Key](), Counter[_Key]()
    for call in day.calls:
        calls[_half(call.hour), call.operation, call.project, call.route, call.outcome] += call.count
    for end in day.ends:
        key = _half(end.hour), end.operation, end.project, end.route, end.status
        ends[key] += end.count
        findings[key] += end.findings
    return structs.replace(
        day,
        calls=tuple(HourCount(*key, count) for key, count in sorted(calls.items())),
        ends=tuple(EndCount(*key, count, findings[key]) for key, count in sorted(ends.items())),
    )


def _whole(day: DaySum) -> DaySum:
    """Return a day's sum with all of its hours."""
    return day


def _half(hour: int) -> int:
    return 0 if hour < _VENDORS_MIDNIGHT else _VENDORS_MIDNIGHT


def _hour_in(key: str) -> int:
    found = _LIST.fullmatch(key)
    return int(found[4]) if found else 0
