"""Each call of the journals is in the audit trail once, whatever became of marks, timers and rebuilds."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from legible.errors import HeldError, LegibleError, UnavailableError
from legible.ledger.changes import Changes, first_part, mark_of
from legible.ledger.claim import Wish
from legible.ledger.journals import Journals
from legible.model import layout
from legible.model.audit import CALL
from legible.model.documents import Document, ObjectRef
from legible.oversight.audit_journal import events_of
from legible.oversight.audit_trail import AuditConsumer
from legible.oversight.rebuild import Rebuilt, rebuilt
from legible.oversight.unmarked import LedgerSweep, Swept
from legible.oversight.walk import ChangeWalk, UsageConsumer
from tests.oversight.audit_rig import TrailRig
from tests.support.counting import counted, rollup
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
        assert office.rebuild() == (2, 2)
        office.walk()
        assert office.calls() == office.paid() and len(office.paid()) == 2

    def test_what_the_trail_has_is_not_marked_again(self, office):
        office.walk()
        assert office.rebuild() == (2, 0)
        office.walk()
        assert office.calls() == office.paid()

    def test_of_a_part_of_the_documents_the_others_are_left(self, office):
        office.lose_marks()
        assert office.rebuild("passport/b") == (1, 1)
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
            assert office.rebuild() == (1, int(lost))
            office.walk()
            assert office.calls() == office.paid() and len(office.paid()) == 1
            assert counted(rig) == {"answered": 1, "done": 1}

    def test_a_journal_that_tells_nothing_yet_needs_no_mark(self):
        rig = Rig()
        rig.parts().ledger.claim(Document(IN, "passport/a.png", "v"), Wish("a"), 0)
        office = Office(rig)
        office.lose_marks()
        assert office.rebuild() == (1, 0)

    def test_a_journal_whose_own_list_takes_no_line_is_told_once_all_the_same(self, office):
        (journal, _) = [key for key in office.rig.store.keys(OUT, f"{layout.LEDGER}{IN}/") if first_part(key) == key]
        office.rig.store.put(OUT, layout.audit_told(journal), b"something else")
        office.walk()
        assert office.rebuild() == (2, 0)
        assert office.calls() == office.paid()


class TestSweep:
    def test_a_journal_whose_mark_was_lost_is_found_by_itself(self, office):
        office.lose_marks()
        assert office.sweep() == Swept(listed=4, read=2, marked=2)
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
        assert office.sweep() == Swept(listed=4, read=2)  # they changed shortly before the first sweep began
        assert office.sweep() == Swept(listed=4)
        office.rig.run(office.rig.upload("passport/c.png", picture(80)))
        office.lose_marks()
        office.rig.clock.pause(2 * 3600)
        assert office.sweep() == Swept(listed=6, read=1, marked=1)

    def test_one_that_changed_just_now_has_a_mark_that_is_not_due(self, office):
        office.rig.run(office.rig.upload("passport/c.png", picture(80)))
        assert office.sweep().read == 2

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

    @pytest.mark.parametrize("body", [b"no json", b"\xff", b'{"after": 1}'])
    def test_a_note_of_its_place_that_was_spoilt_has_it_begin_anew(self, office, body):
        office.lose_marks()
        office.rig.store.put(OUT, layout.SWEEP, body)
        assert office.sweep().marked == 2

    def test_a_later_part_tells_that_a_journal_changed(self):
        """Given a journal of many parts, of which the first is as it was when it was seen."""
        rig = Rig()
        office, rig.part_lines = Office(rig), 3
        rig.run(rig.upload("passport/a.png"))
        rig.clock.pause(2 * 3600)
        office.walk()
        keys = [key for key in rig.store.keys(OUT, f"{layout.LEDGER}{IN}/") if first_part(key)]
        assert len(keys) > 1 and {first_part(key) for key in keys} == {keys[-1]}
        assert office.sweep().read == 1


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
