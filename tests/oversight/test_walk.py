"""The timer's walk: whatever dies, repeats or overlaps, each call is counted once, and no mark goes before it is."""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta, timezone

import pytest

from legible.errors import HeldError, UnavailableError
from legible.ledger.changes import Changes
from legible.ledger.journals import Journals
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.oversight.calls import CallCount, JournalHour
from legible.oversight.rebuild import rebuilt
from legible.oversight.rollup import DaySum, HourCount, RollUp
from legible.oversight.walk import ChangeWalk, UsageConsumer, Walked
from tests.support.counting import EVER, counted, rollup, walk
from tests.support.rig import IN, OUT, PASSPORT, Rig, picture

TODAY = date(2026, 11, 23)


class Died(BaseException):
    """The instance is gone."""


@pytest.fixture
def rig() -> Rig:
    """Return a world in which two documents were read, and whose invocations have ended."""
    rig = Rig(*[PASSPORT] * 9)
    rig.run(rig.upload("passport/a.png"), rig.upload("passport/b.png", picture(70)))
    rig.clock.pause(90)
    return rig


def marks(rig: Rig) -> list[str]:
    return rig.store.keys(OUT, layout.CHANGES)


class TestWalk:
    def test_what_was_called_is_counted_and_no_mark_is_left(self, rig):
        assert walk(rig, at_once=4).walk() == Walked(2, 0)
        assert counted(rig) == {"answered": 2, "done": 2}
        assert marks(rig) == []
        assert walk(rig).walk() == Walked(0, 0)

    def test_a_journal_whose_invocation_may_still_write_waits(self, rig):
        rig.run(rig.upload("passport/c.png", picture(80)))
        assert walk(rig).walk() == Walked(2, 0)
        assert len(marks(rig)) == 1
        assert counted(rig) == {"answered": 2, "done": 2}

    def test_several_marks_of_one_journal_are_one_reading(self, rig):
        changes = Changes(rig.site, rig.call())
        for seconds in (0, 5, 10):
            changes.mark(Document(IN, "passport/a.png", rig.store.head(ObjectRef(IN, "passport/a.png")).etag),
                         changes.after(seconds))  # fmt: skip
        rig.clock.pause(30)
        assert walk(rig, batch=100).walk() == Walked(2, 0)
        assert marks(rig) == []

    def test_walked_again_and_again_it_says_the_same(self, rig):
        kept = {ref: body for ref, body in rig.store.objects.items() if ref.key.startswith(layout.CHANGES)}
        for _ in range(3):
            rig.store.objects |= kept
            walk(rig).walk()
        assert counted(rig) == {"answered": 2, "done": 2}

    def test_of_timers_that_overlap_each_counts_everything_and_nothing_is_twice(self, rig):
        walks = [walk(rig, at_once=2) for _ in range(4)]
        threads = [threading.Thread(target=one.walk) for one in walks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert counted(rig) == {"answered": 2, "done": 2}
        assert marks(rig) == []

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_death_at_any_step_loses_nothing_and_counts_nothing_twice(self, when):
        step = 0
        while True:
            rig = Rig(*[PASSPORT] * 9)
            rig.run(rig.upload("passport/a.png"), rig.upload("passport/b.png", picture(70)))
            rig.clock.pause(90)
            steps = iter(range(step + 1))

            def die(verb, ref, steps=steps):
                if next(steps, None) is None:
                    raise Died

            if when == "before":
                rig.store.fail = die
            else:
                rig.store.after = die
            try:
                walk(rig).walk()
                rollup(rig).sum_up(*EVER)
            except Died:
                ended = False
            else:
                ended = True
            rig.store.fail = rig.store.after = lambda verb, ref: None
            rig.clock.pause(1)
            walk(rig).walk()
            assert counted(rig) == {"answered": 2, "done": 2}, f"died {when} step {step}"
            assert marks(rig) == []
            if ended:
                break
            step += 1
        assert step > 5

    def test_a_mark_that_another_walk_took_meanwhile_is_passed_over(self, rig):
        taken = marks(rig)[0]

        def take(verb, ref):
            if verb == "read" and ref.key == taken:
                rig.store.objects.pop(ref, None)

        rig.store.fail = take
        assert walk(rig, batch=100).walk() == Walked(1, 0)
        assert marks(rig) == []

    def test_what_it_has_no_time_for_is_left_for_the_next_one(self, rig):
        rig.seconds = 40
        assert walk(rig, batch=1).walk() == Walked(0, 2)
        assert len(marks(rig)) == 2

    def test_a_passing_fault_leaves_the_marks(self, rig):
        rig.store.fail = lambda verb, ref: (_ for _ in ()).throw(UnavailableError("503")) if verb == "append" else None
        with pytest.raises(UnavailableError):
            walk(rig).walk()
        assert len(marks(rig)) == 2

    def test_a_refusal_leaves_the_marks(self, rig):
        def refuse(verb, ref):
            if verb == "read" and ref.key.startswith(layout.LEDGER):
                raise HeldError("403", code="obs-denied")

        rig.store.fail = refuse
        with pytest.raises(HeldError):
            walk(rig).walk()
        assert len(marks(rig)) == 2

    def test_of_a_journal_that_was_spoilt_the_rest_is_counted_and_it_is_logged(self, rig):
        (name,) = [key for key in rig.store.keys(OUT, f"ledger/{IN}/passport/a.png/") if "newest" not in key]
        body = rig.store.objects[ObjectRef(OUT, name)][0]
        rig.store.put(OUT, name, body + b"spoilt\n")
        walk(rig).walk()
        assert counted(rig) == {"answered": 2, "done": 2}
        assert [line["event"] for line in rig.log.lines if "journal" in line["event"]] == ["journal-unreadable"]

    def test_what_is_no_mark_is_removed_and_logged(self, rig):
        rig.store.put(OUT, layout.queued(layout.CHANGES, rig.clock.now(), 1, "x"), b"[]")
        assert walk(rig).walk() == Walked(2, 0)
        assert marks(rig) == []
        assert "not-a-mark" in rig.log.text()

    def test_each_consumer_gets_its_own_digests(self, rig):
        class Keys:
            kept: list[str] = []

            def digest(self, reading):
                return reading.document.key

            def keep(self, digests):
                self.kept += digests

        keys, call = Keys(), rig.call()
        ChangeWalk(Changes(rig.site, call), Journals(rig.site), [UsageConsumer(rollup(rig)), keys], call).walk()
        assert sorted(keys.kept) == ["passport/a.png", "passport/b.png"]
        assert counted(rig)["answered"] == 2

    def test_a_consumer_that_takes_nothing_is_not_in_the_way_of_the_other_nor_of_the_next_batch(self, rig):
        class Shut:
            def digest(self, reading):
                return reading.document.key

            def keep(self, digests):
                raise HeldError("the bucket refuses", code="obs-denied")

        call = rig.call()
        journals, consumers = Journals(rig.site), [Shut(), UsageConsumer(rollup(rig))]
        with pytest.raises(HeldError):
            ChangeWalk(Changes(rig.site, call), journals, consumers, call, batch=1).walk()
        assert counted(rig) == {"answered": 2, "done": 2}
        assert len(marks(rig)) == 2
        # when it takes them again, nothing is counted twice
        assert walk(rig).walk() == Walked(2, 0)
        assert counted(rig) == {"answered": 2, "done": 2}
        assert marks(rig) == []

    def test_a_journal_that_nobody_understands_keeps_its_mark_and_the_others_are_counted(self, rig):
        class Confused(UsageConsumer):
            def digest(self, reading):
                if reading.document.key == "passport/a.png":
                    raise StopIteration
                return super().digest(reading)

        call = rig.call()
        ChangeWalk(Changes(rig.site, call), Journals(rig.site), [Confused(rollup(rig))], call).walk()
        assert counted(rig) == {"answered": 1, "done": 1}
        assert len(marks(rig)) == 1
        assert [(line["event"], line["error"]) for line in rig.log.lines if line["event"] == "defect"] == [
            ("defect", "StopIteration")
        ]


class TestSums:
    def test_a_sum_is_written_once_and_read_as_it_is(self, rig):
        walk(rig).walk()
        assert rollup(rig).sum_up(*EVER) == [TODAY]
        assert rollup(rig).sum_up(*EVER) == []
        rig.store.reads.clear()
        assert counted(rig) == {"answered": 2, "done": 2}
        assert [ref.key for ref, _ in rig.store.reads] == [layout.usage_day(TODAY)]

    def test_hours_are_summed_up_beside_and_halves_begin_with_the_vendors_day(self, rig):
        one = (CallCount(5, "passport", "", "", "answered", 1),)
        for hour in (9, 15, 16, 23):
            at = datetime(2026, 11, 23, hour, tzinfo=timezone.utc)
            rollup(rig).keep([{at: JournalHour(f"{hour:032x}", at, 1, one)}])
        for _ in range(2):  # counted, and as they were written
            assert [(call.hour, call.count) for day in rollup(rig).days(*EVER) for call in day.calls] == [
                (0, 2),
                (16, 2),
            ]
            assert [call.hour for day in rollup(rig).hours(*EVER) for call in day.calls] == [9, 15, 16, 23]
            rollup(rig).sum_up(*EVER)

    def test_a_list_that_has_grown_is_counted_again(self, rig):
        walk(rig).walk()
        rollup(rig).sum_up(*EVER)
        rig.run(rig.upload("passport/c.png", picture(80)))
        rig.clock.pause(90)
        walk(rig).walk()
        assert counted(rig)["answered"] == 3
        assert rollup(rig).sum_up(*EVER) == [TODAY]

    @pytest.mark.parametrize("body", [b"no json", b'{"day": 1}', b"\xff"])
    def test_a_sum_that_was_spoilt_is_made_again(self, rig, body):
        walk(rig).walk()
        rig.store.put(OUT, layout.usage_day(TODAY), body)
        assert counted(rig)["answered"] == 2
        assert rollup(rig).sum_up(*EVER) == [TODAY]

    def test_lines_that_were_spoilt_are_counted_as_such(self, rig):
        walk(rig).walk()
        (key,) = rig.store.keys(OUT, f"{layout.USAGE}2026/11/23/")
        body = rig.store.objects[ObjectRef(OUT, key)][0]
        rig.store.put(OUT, key, body + b"spoilt\n" + b'{"journal":"x","at":"2026-11-23T09:00:00Z","n":1}\n')
        (day,) = rollup(rig).days(*EVER)
        assert day.unreadable == 2
        assert sum(call.count for call in day.calls) == 2

    def test_other_objects_and_other_days_are_passed_over(self, rig):
        walk(rig).walk()
        for key in ("2026/11/99/09.jsonl", "2026/11/23/notes.txt", "2026/11/22.json"):
            rig.store.put(OUT, layout.USAGE + key, b"{}")
        assert [day.day for day in rollup(rig).days(TODAY - timedelta(days=1), TODAY)] == [TODAY]
        assert list(rollup(rig).days(date(2026, 12, 1), date(2027, 3, 1))) == []

    def test_an_hour_with_many_documents_is_counted_a_share_at_a_time(self, rig):
        nine = datetime(2026, 11, 23, 9, tzinfo=timezone.utc)
        one = [CallCount(5, "passport", "", "", "answered", 1)]
        readings = [
            {nine: JournalHour(f"{number:032x}"[::-1], nine, number % 3, tuple(one))} for number in range(900)
        ] * 2
        small = RollUp(rig.site, rig.call(), 0.1, in_memory=20_000)
        small.keep(readings)
        (day,) = small.hours(*EVER)
        assert day == DaySum(TODAY, day.lists, (HourCount(9, "passport", "", "", "answered", 900),), standings=())
        assert sum(day.lists.values()) > 100_000

    def test_many_lines_are_few_appends(self, rig):
        nine = datetime(2026, 11, 23, 9, tzinfo=timezone.utc)
        rollup(rig).keep({nine: JournalHour(f"{number:032x}", nine, 1)} for number in range(5000))
        keys = rig.store.keys(OUT, layout.USAGE)
        assert sum(rig.store.appendable[ObjectRef(OUT, key)] for key in keys) <= 3

    def test_the_readings_of_an_hour_can_be_asked_for(self, rig):
        walk(rig).walk()
        nine = datetime(2026, 11, 23, 9, tzinfo=timezone.utc)
        assert sum(call.count for said in rollup(rig).readings(nine) for call in said.calls) == 2


class TestRebuild:
    def test_what_was_never_marked_is_counted_from_the_journals(self, rig):
        for key in marks(rig):
            rig.store.remove(ObjectRef(OUT, key))
        told: list[int] = []
        assert rebuilt(rig.site, rig.call(), rollup(rig), tell=told.append).journals == 2
        assert told == [2]
        assert counted(rig) == {"answered": 2, "done": 2}

    def test_a_part_of_the_documents_may_be_asked_for(self, rig):
        assert rebuilt(rig.site, rig.call(), rollup(rig), "passport/b").journals == 1
        assert counted(rig) == {"answered": 1, "done": 1}

    def test_beside_a_walk_it_changes_nothing(self, rig):
        walk(rig).walk()
        rebuilt(rig.site, rig.call(), rollup(rig))
        assert counted(rig) == {"answered": 2, "done": 2}

    def test_a_journal_of_many_parts_is_one(self):
        rig = Rig()
        rig.part_lines = 3
        rig.run(rig.upload("passport/a.png"))
        rig.clock.pause(90)
        walk(rig).walk()
        before = counted(rig)
        assert rebuilt(rig.site, rig.call(), rollup(rig)).journals == 1
        assert counted(rig) == before == {"answered": 1, "done": 1}

    def test_a_very_long_key_is_the_same_journal(self):
        rig = Rig()
        rig.run(rig.upload("passport/" + "x" * 900 + ".png"))
        rig.clock.pause(90)
        walk(rig).walk()
        assert rebuilt(rig.site, rig.call(), rollup(rig)).journals == 1
        assert counted(rig) == {"answered": 1, "done": 1}
