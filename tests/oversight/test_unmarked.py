"""Each call of the journals is in the audit trail once, whatever became of marks, timers and rebuilds."""

from __future__ import annotations

import random
import re
import time
from datetime import datetime, timedelta, timezone

import pytest
from msgspec import structs

from legible.errors import HeldError, LegibleError, ObjectGoneError, UnavailableError
from legible.huawei.store_clock import StoreClock
from legible.ledger.changes import Changes, first_part, mark_of
from legible.ledger.claim import Wish
from legible.ledger.journals import Journals
from legible.model import layout
from legible.model.audit import CALL
from legible.model.documents import Document, ObjectRef
from legible.oversight.as_of import as_of
from legible.oversight.audit_journal import events_of
from legible.oversight.audit_trail import AuditConsumer
from legible.oversight.rebuild import Rebuilt, rebuilt
from legible.oversight.rollup import RollUp
from legible.oversight.unmarked import LedgerSweep, Swept
from legible.oversight.walk import ChangeWalk, UsageConsumer
from legible.ports import Invocation, Site, utc_now
from localcloud.cloud import LocalCloud
from tests.oversight.audit_rig import TrailRig
from tests.support import clouds
from tests.support.counting import EVER, counted, rollup
from tests.support.examples import examples
from tests.support.rig import IN, OUT, PASSPORT, Rig, picture
from tests.support.worlds import World


class Office:
    """A world of documents with its trail, and what a timer and an operator do."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.trail = TrailRig(rig.store, most=(50, 1 << 20))
        self.trail.site = rig.site

    def walk(self) -> None:
        call = self.trail.call()
        consumers = [UsageConsumer(rollup(self.rig)), AuditConsumer(self.trail.trail())]
        journals = Journals(self.rig.site, self.rig.part_lines)
        ChangeWalk(Changes(self.rig.site, call), journals, consumers, call, at_once=1).walk()
        self.trail.trail().walk()

    def sweep(self, seconds: float = 60.0, **most: int) -> Swept:
        return LedgerSweep(self.rig.site, self.trail.call(seconds), **most).sweep()

    def rebuild(self, prefix: str = "") -> Rebuilt:
        return rebuilt(self.rig.site, self.rig.call("rebuild"), rollup(self.rig), prefix)

    def lose_marks(self) -> None:
        for key in self.rig.store.keys(self.rig.output, layout.CHANGES):
            self.rig.store.remove(ObjectRef(self.rig.output, key))

    def calls(self) -> list[str]:
        return sorted(line.id for line in self.trail.lines() if line.name == CALL)

    def paid(self) -> list[str]:
        """Return the ids of all calls that journals tell of."""
        found = []
        for item in self.rig.store.list(self.rig.output, f"{layout.LEDGER}{IN}/"):
            if first_part(item.key) == item.key:
                lines = Journals(self.rig.site).stored(item.key.removesuffix(".jsonl")).lines
                found += [one.id for one in events_of(mark_of(item.key), lines, item.key) if one.name == CALL]
        return sorted(found)


@pytest.fixture
def office() -> Office:
    """Return a world in which two documents were read an hour and more ago, and nobody has looked."""
    rig = Rig(*[PASSPORT] * 9)
    rig.run(rig.upload("passport/a.png"), rig.upload("passport/b.png", picture(70)))
    rig.clock.pause(90 * 60)
    return Office(rig)


class TestRebuild:
    def test_what_it_finds_reaches_the_trail_with_the_next_walk(self, office):
        office.lose_marks()
        assert office.rebuild()[:2] == (2, 2)
        office.walk()
        assert office.calls() == office.paid() and len(office.paid()) == 2

    def test_what_the_trail_has_is_not_marked_again(self, office):
        office.walk()
        assert office.rebuild()[:2] == (2, 0)
        office.walk()
        assert office.calls() == office.paid()

    def test_of_a_part_of_the_documents_the_others_are_left(self, office):
        office.lose_marks()
        assert office.rebuild("passport/b")[:2] == (1, 1)
        office.walk()
        assert len(office.calls()) == 1

    def test_beside_marks_that_are_there_each_call_is_told_once(self, office):
        office.rebuild()
        office.walk()
        assert office.calls() == office.paid()

    def test_a_very_long_key_is_the_same_journal(self):
        """Given a key that the journal's name does not tell whole, and whose call the trail has or has not."""
        for lost in (True, False):
            rig = Rig()
            office = Office(rig)
            rig.run(rig.upload("passport/" + "x" * 900 + ".png"))
            rig.clock.pause(90)
            if lost:
                office.lose_marks()
            else:
                office.walk()
            assert office.rebuild()[:2] == (1, int(lost))
            office.walk()
            assert office.calls() == office.paid() and len(office.paid()) == 1
            assert counted(rig) == {"answered": 1, "done": 1}

    def test_of_many_journals_each_is_read(self):
        rig = Rig()
        for number in range(300):
            rig.store.put(OUT, f"{layout.LEDGER}{IN}/passport/{number:03}.png/v.jsonl", b"")
        assert Office(rig).rebuild() == Rebuilt(300, 0)

    def test_a_journal_that_tells_nothing_yet_needs_no_mark(self):
        rig = Rig()
        rig.parts().ledger.claim(Document(IN, "passport/a.png", "v"), Wish("a"), 0)
        office = Office(rig)
        office.lose_marks()
        assert office.rebuild()[:2] == (1, 0)

    def test_a_journal_whose_own_list_takes_no_line_is_told_once_all_the_same(self, office):
        (journal, _) = [key for key in office.rig.store.keys(OUT, f"{layout.LEDGER}{IN}/") if first_part(key) == key]
        office.rig.store.put(OUT, layout.audit_told(journal), b"something else")
        office.walk()
        assert office.rebuild()[:2] == (2, 0)
        assert office.calls() == office.paid()


class TestSweep:
    def test_a_journal_whose_mark_was_lost_is_found_by_itself(self, office):
        office.lose_marks()
        assert office.sweep() == Swept(listed=2, read=2, marked=2)
        office.walk()
        assert office.calls() == office.paid() and len(office.paid()) == 2
        assert counted(office.rig) == {"answered": 2, "done": 2}

    def test_so_is_one_whose_mark_the_bucket_refused(self):
        rig = Rig()
        office = Office(rig)

        def refuse(verb, ref):
            if verb == "write" and ref.key.startswith(layout.CHANGES):
                raise HeldError("403", code="obs-denied")

        rig.store.fail = refuse
        rig.run(rig.upload("passport/a.png"))
        rig.store.fail = lambda verb, ref: None
        assert "not-marked" in rig.log.text() and rig.store.keys(OUT, layout.CHANGES) == []
        rig.clock.pause(2 * 3600)
        office.sweep()
        office.walk()
        assert office.calls() == office.paid() and len(office.paid()) == 1

    def test_what_it_has_seen_it_reads_no_more_until_that_changes(self, office):
        office.walk()
        office.sweep()
        office.rig.clock.pause(3 * 3600)
        assert office.sweep() == Swept(listed=2, read=2)  # they changed shortly before the first sweep began
        assert office.sweep() == Swept(listed=2)
        office.rig.run(office.rig.upload("passport/c.png", picture(80)))
        office.lose_marks()
        office.rig.clock.pause(2 * 3600)
        assert office.sweep() == Swept(listed=3, read=1, marked=1)

    def test_one_that_changed_just_now_has_a_mark_that_is_not_due(self, office):
        office.rig.run(office.rig.upload("passport/c.png", picture(80)))
        found = office.sweep()
        assert (found.listed, found.read) == (3, 2)

    @pytest.mark.parametrize("most", [{"listed": 1}, {"read": 1}, {"listed": 3, "read": 1}])
    def test_a_large_ledger_is_looked_through_share_by_share(self, office, most):
        office.lose_marks()
        shares = [office.sweep(**most) for _ in range(5)]
        assert sum(share.marked for share in shares[:4]) >= 2 and max(share.read for share in shares) <= 2
        office.walk()
        assert office.calls() == office.paid()

    def test_without_time_nothing_is_passed_over(self, office):
        office.lose_marks()
        assert office.sweep(seconds=10) == Swept()
        assert office.sweep().marked == 2

    @pytest.mark.parametrize("body", [
        b"no json", b"\xff", b'{"after": 1}', b'{"after":"ledger/z"}', b'{"prefix":"ledger/other/","after":"ledger/z"}',
        b'{"prefix":"ledger/legible-in/","seen":"2099-01-01T00:00:00"}',
    ])  # fmt: skip
    def test_a_note_of_its_place_that_was_spoilt_has_it_begin_anew(self, office, body):
        office.lose_marks()
        office.rig.store.put(OUT, f"{layout.SWEEPS}{IN}.json", body)
        assert office.sweep().marked == 2

    def test_each_ledger_of_a_bucket_has_its_own_place(self, office):
        """Given two deployments with one output bucket, of which the other has looked through its own ledger."""
        office.lose_marks()
        other = Site(office.rig.store, "z-other-in", OUT)
        LedgerSweep(other, office.trail.call()).sweep()
        assert office.sweep().marked == 2
        assert len(office.rig.store.keys(OUT, layout.SWEEPS)) == 2

    def test_time_ends_it_also_among_what_changed_just_now(self, office):
        """Given objects that are all fresh, and time that ends while they are listed."""
        for number in range(20):
            office.rig.store.put(OUT, f"{layout.LEDGER}{IN}/passport/{number:02}.png/v.jsonl", b"")
        left = iter([60.0] * 5)
        call = structs.replace(office.trail.call(), remaining=lambda: next(left, 0.0))
        assert LedgerSweep(office.rig.site, call).sweep() == Swept(listed=5)

    def test_it_reads_as_many_as_there_is_time_for(self):
        """Given more journals than one group holds."""
        rig = Rig()
        office = Office(rig)
        for number in range(600):
            rig.store.put(OUT, f"{layout.LEDGER}{IN}/passport/{number:03}.png/v.jsonl", b"")
        rig.clock.pause(3 * 3600)
        assert office.sweep() == Swept(listed=600, read=600)

    def test_a_call_that_nobody_counted_is_not_said_to_be(self, office):
        """Given a journal without a mark, whose calls are days old."""
        called = office.rig.clock.now() - timedelta(minutes=90)
        office.lose_marks()
        office.rig.clock.pause(3 * 24 * 3600)
        changes, now = Changes(office.rig.site, office.trail.call()), office.rig.clock.now()
        assert as_of(changes, now).at == now  # nobody knows of it yet
        office.sweep()
        assert as_of(changes, now).waiting == 2
        assert called - timedelta(minutes=1) < as_of(changes, now).at <= called
        office.walk()
        assert as_of(changes, now) == (now, 0)

    def test_what_a_rebuild_finds_is_counted_and_waits_for_the_trail_alone(self, office):
        office.lose_marks()
        office.rig.clock.pause(3 * 24 * 3600)
        office.rebuild()
        now = office.rig.clock.now()
        found = as_of(Changes(office.rig.site, office.trail.call()), now)
        assert found.waiting == 2 and now - found.at < timedelta(minutes=1)

    def test_a_later_part_tells_that_a_journal_changed(self):
        """Given a journal of many parts, of which the first is as it was when it was seen."""
        rig = Rig()
        office, rig.part_lines = Office(rig), 2
        rig.run(rig.upload("passport/a.png"))
        rig.clock.pause(2 * 3600)
        office.walk()
        keys = [key for key in rig.store.keys(OUT, f"{layout.LEDGER}{IN}/") if first_part(key)]
        assert len(keys) > 1 and {first_part(key) for key in keys} == {keys[-1]}
        assert office.sweep().read == 1


def cold(office, *names):
    """Have the bucket refuse to read some journals, as it does what was moved to a cold class."""

    def refuse(verb, ref):
        if verb == "read" and ref.key.startswith(layout.LEDGER) and any(name in ref.key for name in names):
            raise HeldError("403 InvalidObjectState", code="obs-denied")

    office.rig.store.fail = refuse


def line_without(office, name):
    """Spoil the time of a journal's lines, as somebody does who mends it by hand: they lose their zone."""
    (key,) = [
        key for key in office.rig.store.keys(OUT, f"{layout.LEDGER}{IN}/passport/{name}") if first_part(key) == key
    ]
    body = office.rig.store.objects[ObjectRef(OUT, key)][0]
    office.rig.store.put(OUT, key, re.sub(rb'(:"[0-9]{4}-[^"]*?)Z"', rb'\1"', body))


class TestOneJournal:
    def test_that_the_bucket_refuses_is_named_and_the_walk_goes_on(self, office):
        cold(office, "passport/a.png")
        office.walk()
        assert len(office.calls()) == 1 and counted(office.rig) == {"answered": 1, "done": 1}
        assert len(office.rig.store.keys(OUT, layout.CHANGES)) == 1
        assert [line["key"] for line in office.trail.log.lines if line["event"] == "journal-refused"] == [
            "passport/a.png"
        ]
        cold(office)
        office.walk()
        assert office.calls() == office.paid() and office.rig.store.keys(OUT, layout.CHANGES) == []

    def test_whose_mark_is_refused_is_named_too(self, office):
        mark = office.rig.store.keys(OUT, layout.CHANGES)[0]

        def refuse(verb, ref):
            if verb == "read" and ref.key == mark:
                raise HeldError("403", code="obs-denied")

        office.rig.store.fail = refuse
        office.walk()
        assert len(office.calls()) == 1 and office.rig.store.keys(OUT, layout.CHANGES) == [mark]
        assert [line["key"] for line in office.trail.log.lines if line["event"] == "journal-refused"] == [mark]

    def test_that_has_a_passing_fault_is_raised_after_the_others_were_counted(self, office):
        def fail(verb, ref):
            if verb == "read" and ref.key.startswith(f"{layout.LEDGER}{IN}/passport/a.png"):
                raise UnavailableError("503")

        office.rig.store.fail = fail
        with pytest.raises(UnavailableError):
            office.walk()
        assert counted(office.rig) == {"answered": 1, "done": 1}

    def test_whose_mark_cannot_be_removed_is_counted_once_and_said(self, office):
        def keep(verb, ref):
            if verb == "write" and ref.key.startswith(layout.CHANGES):
                raise HeldError("403", code="obs-denied")

        office.rig.store.fail = keep
        for _ in range(2):
            with pytest.raises(HeldError):
                office.walk()
        assert counted(office.rig) == {"answered": 2, "done": 2}

    def test_does_not_stop_the_sweep_which_reads_it_again(self, office):
        office.lose_marks()
        cold(office, "passport/a.png")
        assert office.sweep() == Swept(listed=2, read=2, marked=1, refused=1)
        assert office.sweep() == Swept(listed=2, read=2, marked=1, refused=1)
        events = [line for line in office.trail.log.lines if line["event"] == "journal-refused"]
        assert len(events) == 1 and "passport/a.png" in events[0]["key"]
        cold(office)
        assert office.sweep().refused == 0
        office.walk()
        assert office.calls() == office.paid()

    def test_that_nobody_understands_does_not_stop_the_sweep(self, office):
        office.lose_marks()
        (key, _) = [key for key in office.rig.store.keys(OUT, f"{layout.LEDGER}{IN}/") if first_part(key) == key]

        def confuse(verb, ref):
            if verb == "read" and ref.key == key:
                raise StopIteration

        office.rig.store.fail = confuse
        assert office.sweep() == Swept(listed=2, read=2, marked=1, refused=1)
        assert [line["key"] for line in office.trail.log.lines if line["event"] == "defect"] == [key]
        assert office.rebuild() == Rebuilt(1, 1, 1, (key,))
        assert [line["key"] for line in office.rig.log.lines if line["event"] == "defect"] == [key]

    def test_with_a_passing_fault_the_sweep_keeps_how_far_it_came(self, office):
        office.lose_marks()
        office.sweep(read=1)

        def fail(verb, ref):
            if verb == "read" and ref.key.startswith(f"{layout.LEDGER}{IN}/passport/b.png"):
                raise UnavailableError("503")

        office.rig.store.fail = fail
        with pytest.raises(UnavailableError):
            office.sweep()
        office.rig.store.fail = lambda verb, ref: None
        assert office.sweep() == Swept(listed=1, read=1, marked=1)

    def test_that_the_bucket_refuses_is_named_by_a_rebuild(self, office):
        cold(office, "passport/a.png")
        found = office.rebuild()
        assert (found.journals, found.refused) == (1, 1) and "passport/a.png" in found.named[0]
        assert counted(office.rig) == {"answered": 1, "done": 1}

    def test_with_a_passing_fault_ends_a_rebuild(self, office):
        def fail(verb, ref):
            if verb == "read" and ref.key.startswith(layout.LEDGER):
                raise UnavailableError("503")

        office.rig.store.fail = fail
        with pytest.raises(UnavailableError):
            office.rebuild()

    def test_whose_times_lost_their_zone_is_read_as_utc_and_nothing_stops(self, office):
        """Given a journal that somebody mended by hand, and one that nobody did, found by a walk and a sweep."""
        for find in (lambda: None, lambda: (office.lose_marks(), office.sweep()), office.rebuild):
            line_without(office, "a.png")
            find()
            office.walk()
            assert counted(office.rig) == {"answered": 2, "done": 2}
            assert office.calls() == office.paid() and len(office.paid()) == 2
            assert not [line for line in office.trail.log.lines if line["event"] == "defect"]

    def test_of_the_lists_a_line_whose_time_lost_its_zone_counts_as_spoilt(self, office):
        office.walk()
        (key,) = [key for key in office.rig.store.keys(OUT, layout.USAGE) if key.endswith(".jsonl")]
        body = office.rig.store.objects[ObjectRef(OUT, key)][0]
        office.rig.store.put(OUT, key, body + re.sub(rb'("at":"[^"]*?)Z"', rb'\1"', body))
        (day,) = rollup(office.rig).days(*EVER)
        assert day.unreadable == 2 and sum(call.count for call in day.calls) == 2

    def test_an_event_that_the_bucket_refuses_is_not_in_the_way_of_the_others(self):
        rig = TrailRig()
        rig.keep("a", "b")
        shut = rig.store.keys(OUT, layout.AUDIT_PENDING)[0]

        def refuse(verb, ref):
            if verb == "read" and ref.key == shut:
                raise HeldError("403", code="obs-denied")

        rig.store.fail = refuse
        assert (rig.trail().walk().told, rig.events()) == (1, ["b"])
        assert rig.store.keys(OUT, layout.AUDIT_PENDING) == [shut]
        rig.store.fail = lambda verb, ref: None
        rig.trail().walk()
        assert sorted(rig.events()) == ["a", "b"]


class TestClocks:
    @pytest.mark.parametrize("minutes", [10, -10])
    def test_a_rebuild_by_a_clock_that_is_wrong_is_refused(self, office, minutes):
        office.rig.now = lambda: office.rig.clock.now() + timedelta(minutes=minutes)
        with pytest.raises(HeldError, match="clock differs from the store's by (600|599) s"):
            office.rebuild()
        assert office.rig.store.keys(OUT, layout.USAGE) == []

    def test_so_is_one_where_nothing_tells_the_time(self, office):
        office.rig.store.ageless = True
        with pytest.raises(HeldError, match="does not say what time it is"):
            office.rebuild()

    def test_a_journal_that_is_gone_meanwhile_has_it_begin_again(self, office):
        def gone(verb, ref):
            if verb == "head":
                raise ObjectGoneError("404")

        office.rig.store.fail = gone
        with pytest.raises(UnavailableError):
            office.rebuild()

    @pytest.mark.parametrize("minutes", [10, -10])
    def test_a_computer_whose_clock_is_wrong_counts_by_the_stores(self, minutes):
        """Given a rebuild by such a computer, and a call that was made and counted after it."""
        with LocalCloud(functions={}, recognizer=lambda slug, image, options: PASSPORT) as cloud:
            store = clouds.store(cloud, StoreClock(lambda: utc_now() + timedelta(minutes=minutes)))
            site = Site(store, "legible-in", OUT)
            key = f"{layout.LEDGER}legible-in/passport/a.png/v.jsonl"
            store.write(ObjectRef(OUT, key), b'{"event":"claimed","at":"2026-11-23T09:00:00Z","owner":"a","n":1}\n', "")
            call = Invocation("desk", lambda: 300.0, store.now, time.sleep, lambda event, **values: None)
            rebuilt(site, call, RollUp(site, call, 0.0))
            (reading,) = RollUp(site, call, 0.0).readings(datetime(2026, 11, 23, 9, tzinfo=timezone.utc))
            assert abs(reading.at - utc_now()) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("key", "part"),
    [
        ("ledger/in/a.png/v.jsonl", "ledger/in/a.png/v.jsonl"),
        ("ledger/in/a/b.png/v.12.jsonl", "ledger/in/a/b.png/v.jsonl"),
        ("ledger/in/a.1.jsonl/v.jsonl", "ledger/in/a.1.jsonl/v.jsonl"),
        ("ledger/in/a.png/newest-2026-11-23.jsonl", ""),
        ("ledger/.tickets/0f.jsonl", ""),
        ("ledger/in/a.png/v.json", ""),
        ("results/in/a.png/v.jsonl", ""),
    ],
)
def test_which_objects_are_parts_of_a_journal(key, part):
    assert first_part(key) == part
    if part:
        assert mark_of(part).first_part == part
        assert layout.journal(Document(IN, mark_of(part).key, mark_of(part).version)).startswith(layout.LEDGER)


class Died(BaseException):
    """The instance is gone."""


KINDS = [{}, {"flows": True}, {"races": True}, {"copies": True}, {"waits": True}]


@pytest.mark.no_cover
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_calls_of_journals_and_of_the_trail_are_the_same_whatever_was_lost(kind):
    """Given worlds in which marks are lost, timers die at any step or are not run, and somebody rebuilds meanwhile."""
    for seed in range(examples(8)):
        world = World(seed, **kind)
        office, dice = Office(world.rig), random.Random(seed)

        def hurt(work, office=office, dice=dice):
            steps = iter(range(dice.randrange(60)))

            def die(verb, ref):
                if next(steps, None) is None:
                    raise dice.choice([Died(), UnavailableError("503"), HeldError("403")])

            before, office.rig.store.fail = office.rig.store.fail, die
            try:
                work()
            except (Died, LegibleError):
                pass
            finally:
                office.rig.store.fail = before
                office.rig.clock.pause(dice.choice([1, 600, 4000]))

        world.run()
        for _ in range(dice.randrange(6)):
            dice.choice([office.lose_marks, *(lambda work=work: hurt(work) for work in
                                              (office.walk, office.sweep, office.rebuild))])()  # fmt: skip
        office.rig.clock.pause(timedelta(days=2).total_seconds())
        office.lose_marks()
        dice.choice([office.sweep, office.rebuild])()
        office.rig.clock.pause(60)
        office.walk()
        assert office.calls() == office.paid(), seed
        assert office.trail.verify().fault is None, seed
