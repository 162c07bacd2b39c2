"""A bucket of any size takes bounded memory, and few requests: lists are made while they are read."""

from __future__ import annotations

import re
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest

from legible.model.documents import ObjectRef
from legible.ports import Head, ListedObject
from legible.upkeep.sweep import SweepReport
from legible.wiring import upkeep
from tests.support.fakes import START, MemoryStore
from tests.support.rig import IN, OUT
from tests.upkeep.upkeep_rig import UpkeepRig

#: To trace lines as well takes ten times as long; all of them are met by other tests.
pytestmark = pytest.mark.no_cover
PAGE = 1000
OLD, NEW = START - timedelta(days=300), START - timedelta(hours=3)


class EndlessStore(MemoryStore):
    """A store with so many uploads that its lists cannot be kept, beside the few objects that are.

    Every upload has a journal, a list of versions, a record and a workbook, but one of ``lost``, which has none. Those
    from number ``recent`` on were uploaded three hours ago, the others long before.
    """

    def __init__(self, clock, total: int, lost: int, recent: int) -> None:
        super().__init__(clock)
        self.total, self.lost, self.recent = total, lost, recent
        self.requests = Counter[str]()

    def list(self, bucket: str, prefix: str, after: str = "") -> Iterator[ListedObject]:
        made = {(IN, ""): self._uploads, (OUT, f"ledger/{IN}/"): self._journals, (OUT, "results/"): self._results}
        if (bucket, prefix) not in made:
            self.requests[f"{bucket} {prefix.partition('/')[0]}"] += 1
            yield from super().list(bucket, prefix, after)
            return
        begin = int(found[1]) if (found := re.search(r"(\d{7})\.png", after)) else 0
        for given, item in enumerate(
            one for number in range(begin, self.total) for one in made[bucket, prefix](number)
        ):
            self.requests[f"{bucket} {prefix.partition('/')[0]}"] += not given % PAGE
            if item.key > after:
                yield item

    def head(self, ref: ObjectRef, version_id: str = ""):
        found = re.fullmatch(r"passport/(\d{7})\.png", ref.key)
        if ref.bucket != IN or found is None:
            return super().head(ref, version_id)
        self.requests["head"] += 1
        return Head(1, f"{int(found[1]):032x}", modified_at=self._at(int(found[1])), seen_at=self.clock.now())

    def _at(self, number: int):
        return NEW if number >= self.recent else OLD

    def _uploads(self, number: int) -> Iterator[ListedObject]:
        yield ListedObject(f"passport/{number:07d}.png", 1, f"{number:032x}", self._at(number))

    def _journals(self, number: int) -> Iterator[ListedObject]:
        if not number % self.lost:
            return
        at = self._at(number) + timedelta(minutes=1)
        for file in (f"{number:032x}.jsonl", "newest-2026-11-23.jsonl"):
            yield ListedObject(f"ledger/{IN}/passport/{number:07d}.png/{file}", 1, "e", at)

    def _results(self, number: int) -> Iterator[ListedObject]:
        for file in ("record.json", "record.xlsx") if number % self.lost else ():
            yield ListedObject(f"results/passport/{number:07d}.png/{file}", 1, "e", self._at(number))


def rig_of(total: int, lost: int, recent: int = 0) -> UpkeepRig:
    rig = UpkeepRig()
    rig.store = EndlessStore(rig.clock, total, lost, recent)
    return rig


def looked_at(rig: UpkeepRig, size: int, *, traced: bool = False, **options) -> tuple[SweepReport, float]:
    """Sweep with segments of a size; return the report, and the most memory that it took, in MB, if that is traced."""
    rig.sweeps += 1
    made = upkeep.sweep(rig.of_wiring(f"sweep-{rig.sweeps}"), size=size, **options)
    if not traced:
        return made.run(), 0.0
    tracemalloc.start()
    report = made.run()
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    return report, peak


def check(total: int, size: int, most_mb: float) -> None:
    """Look at a bucket as a whole: then at what is due of it, where a few uploads are recent."""
    rig = rig_of(total, lost=total // 10, recent=total - total // 100)
    report, peak = looked_at(rig, size, traced=True, all_of_it=True)
    assert report.objects == total
    assert sum(one.objects for one in rig.segments()) == total
    assert sum(sum(one.unread.values()) for one in rig.segments()) == 10
    assert peak < most_mb, f"{peak} MB"
    # Input, journals with their lists of versions, and results: 1, 2 and 2 objects for each upload, 1,000 a list.
    assert rig.store.requests.total() < total / PAGE * 5.2 + 60 + 4 * total / size
    rig.minutes(60)
    rig.store.requests.clear()
    again, _ = looked_at(rig, size)
    assert again.objects == total
    # Of old uploads only the input bucket is listed.
    assert rig.store.requests.total() < total / PAGE * 1.2 + 60 + 6 * total / size, rig.store.requests


def test_a_sweep_takes_bounded_memory_and_a_request_for_a_thousand_objects():
    check(5_000, 500, 3)


@pytest.mark.slow
def test_a_sweep_over_a_million_keys_takes_bounded_memory():
    check(1_000_000, 50_000, 60)


def test_lost_uploads_among_many_are_found_and_parked_up_to_what_may_wait():
    rig = rig_of(10_000, lost=500)
    report, _ = looked_at(rig, 2_000)
    assert report.repaired == {"lost": 20}
    assert len(rig.waiting()) == 20
    rig.minutes(10)
    assert looked_at(rig, 2_000)[0].found == {}
    assert len({one.after for one in rig.segments()}) == len(rig.segments()) > 2
    assert sum(one.unbegun for one in rig.segments()) == rig.sum().total.running == 20


def test_where_time_ends_the_next_run_goes_on():
    """Given runs that have time for a little of the bucket each."""
    rig = rig_of(5_000, lost=1_000)
    rig.seconds, found, runs = 40.0, 0, 0

    def slow(verb: str, ref: ObjectRef) -> None:
        rig.clock.pause(1 if verb == "append" else 0)

    counted = rig.store.list

    def listing(bucket: str, prefix: str, after: str = "") -> Iterator[ListedObject]:
        for given, item in enumerate(counted(bucket, prefix, after)):
            if bucket == IN and not given % 500:
                rig.clock.pause(4)
            yield item

    rig.store.list, rig.store.fail = listing, slow
    while True:
        report = rig.sweep()
        found, runs = found + sum(report.repaired.values()), runs + 1
        if not report.left:
            break
        assert runs < 20
    assert (found, runs > 2) == (5, True)
