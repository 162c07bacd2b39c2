"""Days that are long past and grew are summed up again by the timer, a bounded number at a time."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest
from msgspec import structs

from legible.model import layout
from legible.model.documents import ObjectRef
from legible.oversight.calls import CallCount, JournalHour
from legible.oversight.summing import DaySums
from tests.support.counting import EVER, rollup
from tests.support.rig import OUT, Rig

YEAR = [date(2026, 11, 23) + timedelta(days=number) for number in range(365)]


@pytest.fixture
def rig() -> Rig:
    """Return a world a year on, in which each day has a call, and all days are summed up."""
    rig = Rig()
    grow(rig, YEAR, "0" * 32)
    rig.clock.pause(timedelta(days=365).total_seconds())
    rollup(rig).sum_up(*EVER)
    return rig


def grow(rig: Rig, days: list[date], journal: str) -> None:
    """Have the lists of days grow, as after a redrive of old documents."""
    for day in days:
        at = datetime(day.year, day.month, day.day, 9, tzinfo=timezone.utc)
        said = JournalHour(journal, at, 1, (CallCount(5, "passport", "", "", "answered", 1),))
        rollup(rig).keep([{at: said}])


def sums(rig: Rig, days: int = 40, seconds: float = 300.0) -> list[date]:
    call = structs.replace(rig.call("report"), remaining=lambda: seconds)
    return DaySums(rig.site, call, rollup(rig), days).write()


def lists_read(rig: Rig) -> tuple[int, int]:
    """Return how many calls usage tells of, and how many lists are read for that."""
    rig.store.reads.clear()
    calls = sum(call.count for day in rollup(rig).days(*EVER) for call in day.calls)
    return calls, sum(ref.key.endswith(".jsonl") for ref, _ in rig.store.reads)


def test_after_a_redrive_over_a_year_usage_reads_no_list_again_and_again(rig):
    """Given a year of days that grew; when the timer has run as often as it needs, a bounded number of days a run."""
    assert lists_read(rig) == (365, 0)
    grow(rig, YEAR, "f" * 32)
    assert lists_read(rig) == (730, 365)
    runs = []
    while written := sums(rig):
        runs.append(len(written))
    assert sum(runs) == 365 and len(runs) == 8 and max(runs[1:]) <= 40
    assert lists_read(rig) == (730, 0)


def test_where_nothing_grew_nothing_is_written_but_how_far_it_is(rig):
    assert sums(rig) == []
    assert rig.store.keys(OUT, layout.SUMMING) == [layout.SUMMING]


def test_it_goes_on_where_it_ended(rig):
    """Given two days of months far apart, and time for one day at each run."""
    grow(rig, [YEAR[3], YEAR[200]], "f" * 32)
    assert [sums(rig, days=1) for _ in range(3)] == [[YEAR[200]], [YEAR[3]], []]


def test_without_time_the_days_are_left_for_the_next_run(rig):
    grow(rig, [YEAR[3], YEAR[-3]], "f" * 32)
    left = iter([100.0] * 2)
    call = structs.replace(rig.call("report"), remaining=lambda: next(left, 10.0))
    assert DaySums(rig.site, call, rollup(rig)).write() == [YEAR[-3]]
    assert sums(rig) == [YEAR[3]]


@pytest.mark.parametrize("body", [b"no json", b"\xff", b"{}", b'{"month":"1999-01-01"}', b'{"month":"2099-01-01"}'])
def test_a_note_that_was_spoilt_stops_nothing(rig, body):
    grow(rig, [YEAR[3]], "f" * 32)
    rig.store.put(OUT, layout.SUMMING, body)
    assert sums(rig) == [YEAR[3]]
    assert b"2026" in rig.store.objects[ObjectRef(OUT, layout.SUMMING)][0] or sums(rig) == []


def test_in_the_first_months_there_are_no_earlier_ones():
    rig = Rig()
    rig.clock.at = datetime(2026, 2, 3, tzinfo=timezone.utc)
    grow(rig, [date(2026, 1, 31)], "0" * 32)
    assert sums(rig) == [date(2026, 1, 31)]
    assert rig.store.keys(OUT, layout.SUMMING) == []
