"""Who pays for what: calls draw packages down, and what no package covers is on the bill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import NamedTuple

from localcloud.ocr.journal import Call

#: Days and months of a bill are those of this zone (texts of the SDKs' models, 3.1.219).
BEIJING = timezone(timedelta(hours=8))


@dataclass
class Bought:
    """A package of calls: ``operations`` are the slugs it is for, all of them where none is named.

    Times are seconds since the epoch. The vendor says what a package is for in ``product`` and ``item`` alone.
    """

    id: str
    size: int
    product: str = "OCR calls"
    item: str = "Calls"
    operations: frozenset[str] = frozenset()
    starts: float = 0.0
    ends: float = 1e11
    project: str = "0"
    region: str = ""
    unsubscribed: bool = False

    def covers(self, call: Call) -> bool:
        """Tell whether a call may be taken out of it, as long as something is left."""
        fits = not self.operations or call.slug in self.operations
        return fits and not self.unsubscribed and self.starts <= call.time < self.ends

    def state(self, left: int, now: float) -> int:
        """Return its status as the API numbers it: not yet, in force, used up, expired, unsubscribed."""
        if self.unsubscribed:
            return 4
        if now < self.starts:
            return 0
        return 3 if now >= self.ends else 1 if left else 2


class Drawn(NamedTuple):
    """What one hour's calls took out of a package, and what was left then."""

    hour: float
    package: Bought
    used: int
    left: int


class Charged(NamedTuple):
    """Whose calls are on the bill of a day in UTC+8: ``project`` as OCR was told, ``0`` for the default one."""

    day: date
    slug: str
    project: str


def billing_day(seconds: float) -> date:
    """Return the day of a bill on which something happened."""
    return datetime.fromtimestamp(seconds, BEIJING).date()


@dataclass
class Settlement:
    """The result: what was drawn by the hour, what is left of each package, units to pay for."""

    drawn: list[Drawn] = field(default_factory=list)
    left: dict[str, int] = field(default_factory=dict)
    charged: Counter[Charged] = field(default_factory=Counter)


def settle(calls: Iterable[Call], packages: Iterable[Bought]) -> Settlement:
    """Settle all calls in order of time: the package that was bought first pays first; only 2xx calls are billed."""
    bought = list(packages)
    made = Settlement(left={one.id: one.size for one in bought})
    used: Counter[tuple[float, str]] = Counter()
    for call in sorted(calls, key=lambda one: one.time):
        units = call.units
        for package in bought:
            taken = min(units, made.left[package.id]) if package.covers(call) else 0
            if taken:
                hour = call.time // 3600 * 3600
                made.left[package.id] -= taken
                used[hour, package.id] += taken
                units -= taken
        if units:
            project = "0" if call.project == "default" else call.project
            made.charged[Charged(billing_day(call.time), call.slug, project)] += units
    made.drawn = _drawn(used, {one.id: one for one in bought})
    return made


def _drawn(used: Mapping[tuple[float, str], int], packages: Mapping[str, Bought]) -> list[Drawn]:
    left = {name: one.size for name, one in packages.items()}
    drawn = []
    for (hour, name), count in sorted(used.items()):
        left[name] -= count
        drawn.append(Drawn(hour, packages[name], count, left[name]))
    return drawn


def utc(seconds: float) -> str:
    """Return a time as the API says it."""
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
