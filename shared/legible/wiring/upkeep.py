"""What keeps the promises over time, made of the objects of a request: the sweep, and the sum of all documents."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from itertools import chain, islice
from typing import Any

from msgspec import structs

from legible.huawei.context import Context
from legible.ledger.changes import Changes, Mark
from legible.ledger.state import State
from legible.model.documents import Document, Upload
from legible.model.sums import DocumentStanding, StandingCount
from legible.oversight.calls import hours
from legible.oversight.rollup import DaySum, RollUp
from legible.oversight.walk import whose
from legible.pipeline.obstacles import blocks
from legible.pipeline.waiting import AGE, ParkedUpload, WaitingRoom, upload_name
from legible.ports import Invocation
from legible.upkeep.findings import SweepBounds
from legible.upkeep.progress import SIZE, Progress, Turn
from legible.upkeep.repairs import Means, Repairs
from legible.upkeep.status import Began, StatusReader, SumSources
from legible.upkeep.sweep import Sweep, SweepReport, Work, frontier
from legible.upkeep.unsettled import UnsettledNotes
from legible.upkeep.visit import View
from legible.wiring.functions import FunctionParts, as_json
from legible.wiring.parts import Parts, holding

#: No document is older: the first version of Legible is of that year.
_FIRST = date(2026, 1, 1)
_AT_ONCE = 8


def sweep(
    parts: Parts,
    *,
    all_of_it: bool = False,
    dry: bool = False,
    tell: Callable[[int], None] = lambda count: None,
    size: int = SIZE,
) -> Sweep:
    """Return the sweep.

    Args:
        parts: The objects of the request.
        all_of_it: Whether every segment is looked at once, due or not, and as a whole.
        dry: Whether nothing is stored or repaired.
        tell: Is told how many objects were looked at so far.
        size: About how many objects a segment has.
    """
    site, call, settings = parts.site, parts.call, parts.settings
    bounds = bounds_of(parts)
    repairs = Repairs(site, call, means(parts), bounds, dry=dry)
    work = Work(
        View(site, parts.rules, settings.workbooks.marker, bounds, repairs.listed, size),
        repairs,
        UnsettledNotes(site, parts.ledger.journals, bounds, repairs.noted, call, dry=dry),
        Progress(site, store=not dry),
        Turn(site, call, settings.ledger.settle_seconds),
    )
    return Sweep(site, call, work, all_of_it=all_of_it, dry=dry, tell=tell)


def bounds_of(parts: Parts) -> SweepBounds:
    """Return which uploads are repaired, by the settings and by what is begun at this moment.

    Raises:
        LegibleError: The store does not let us look.
    """
    now, rules = parts.call.now(), parts.settings.sweep
    since = datetime.combine(rules.since or date.min, time(), timezone.utc)
    return SweepBounds(
        now,
        timedelta(minutes=rules.young_minutes),
        max(now - timedelta(days=rules.days), since),
        frontier(parts.site, Changes(parts.site, parts.call), now),
    )


def means(parts: Parts) -> Means:
    """Return what repairs are done with: the waiting room, what holds documents up, and the results."""
    held = holding(parts)
    known = cache(held.obstacles)

    def obstructed(state: State) -> bool:
        reason = state.finished.reason if state.finished else None
        kind = blocks(reason.code, reason.vendor_code) if reason else None
        there = (one.obstacle for one in (known() if kind else ()) if not one.gone)
        return any(one.kind == kind and (kind != "operation" or one.subject == state.operation) for one in there)

    def shown(document: Document) -> bool:
        current = parts.publisher.current(document.key)
        return current is not None and (current.version, current.uploaded_at) == (
            document.version, document.uploaded_at,
        )  # fmt: skip

    def publish(document: Document) -> None:
        if not parts.publisher.publish_again(document):
            parts.rebuilder.rebuild(document)

    return Means(
        parts.ledger.journals,
        parts.uploads.locate,
        lambda most: _parked(parts.room, most),
        lambda upload, document: _hand_on(parts.room, parts.call, upload, document),
        obstructed,
        shown,
        publish,
    )


def _parked(room: WaitingRoom, most: int) -> set[tuple[str, str]] | None:
    slots = list(islice(room.all(), most + 1))
    if len(slots) > most:
        return None
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = [one for one in pool.map(room.readable, slots) if one is not None]
    return {(one.document.key, one.version) for one in found}


def _hand_on(room: WaitingRoom, call: Invocation, upload: Upload, document: Document) -> None:
    now = call.now()
    parked = ParkedUpload(upload, document.version, now + AGE, now)
    room.keep(parked, upload_name(upload, document), due=now)


def swept(context: Any) -> dict[str, Any]:
    """Do what the timer of the sweep does, in one call of its function; return what came of it.

    Args:
        context: What FunctionGraph passes to the handler.

    Raises:
        SettingsError: A setting is missing or wrong.
        LegibleError: Something could not be looked at or repaired; the rest was done all the same.
    """
    parts = FunctionParts(Context(context))
    report: SweepReport = sweep(parts).run()
    found = as_json(report)
    parts.call.log("sweep", **found)
    return dict(found)


class _CountedNow:
    """The roll-up as it is at one moment: see ``upkeep.status.SumBase``."""

    def __init__(self, rollup: RollUp, today: date) -> None:
        days = rollup.days(_FIRST, today + timedelta(days=1))
        self._days = {day.day: structs.replace(day, calls=(), ends=()) for day in days}
        self._rollup = rollup

    def standings(self) -> Iterator[StandingCount]:
        return chain.from_iterable(day.standings or () for day in self._days.values())

    def began(self, hour: datetime) -> Mapping[str, DocumentStanding]:
        day: DaySum | None = self._days.get(hour.date())
        return {} if day is None else self._rollup.began(day, hour)


def status(parts: Parts) -> StatusReader:
    """Return what puts the sum of all documents together."""
    call = parts.call
    rollup = RollUp(parts.site, call, parts.settings.ledger.settle_seconds)

    def place(mark: Mark, state: State) -> Began | None:
        found = hours(whose(mark), state, call.now()).items()
        return next((Began(said.journal, hour, said.stands) for hour, said in found if said.stands is not None), None)

    sources = SumSources(
        lambda: _CountedNow(rollup, call.now().date()), Changes(parts.site, call), parts.ledger.journals, place
    )
    return StatusReader(parts.site, call, sources)
