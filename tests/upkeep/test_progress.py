"""Where the sweep stands is kept by the segment, and nobody sweeps beside somebody else."""

from __future__ import annotations

from datetime import timedelta

from msgspec import structs

from legible.upkeep import keys
from legible.upkeep.progress import HOT, Progress, Segment, Turn, stored, stored_point
from tests.support.fakes import START
from tests.support.rig import OUT, Rig

SEEN = Segment("", START, START, START, objects=10, skipped=1, unread={"a": 2})


class TestSegments:
    def test_a_piece_takes_the_place_of_its_segment_and_the_rest_stays(self):
        rig = Rig()
        progress = Progress(rig.site)
        assert not progress.load()
        progress.cut(["m/"])
        progress.put(SEEN, Segment("c"))
        assert [one.after for one in stored(rig.site)] == ["", "c", "m/"]
        assert (progress.until(SEEN), progress.until(Segment("m/"))) == ("c", "")
        assert Progress(rig.site).load()

    def test_small_neighbors_become_one(self):
        rig = Rig()
        progress = Progress(rig.site)
        progress.cut(["m", "p", "r", "t"])
        for number, after in enumerate(["", "m", "p", "r"]):
            progress.put(structs.replace(SEEN, after=after, unbegun=int(number == 2)), None)
        progress.end(0, 25)
        assert [(one.after, one.objects, one.skipped, one.unread) for one in progress.segments] == [
            ("", 20, 2, {"a": 4}), ("p", 10, 1, {"a": 2}), ("r", 10, 1, {"a": 2}), ("t", 0, 0, {}),
        ]  # fmt: skip
        assert progress.segments == stored(rig.site)
        progress.end(2, 25)
        assert stored_point(rig.site).in_vain == 2

    def test_what_cannot_be_read_is_begun_anew(self):
        rig = Rig()
        for body in (b"{", b'{"segments":[]}', b'{"segments":[{"after":"b"}]}', b"\xff"):
            rig.store.put(OUT, keys.STATE, body)
            assert stored(rig.site) == (Segment(),)

    def test_one_is_due_sooner_where_uploads_came_lately_or_something_is_undecided(self):
        now = START + HOT
        old = structs.replace(SEEN, newest=START - timedelta(days=30))
        many = 10_000_000
        assert Segment().urgency(now, many) > SEEN.urgency(now, many) == 1 > old.urgency(now, many)
        for hot in (structs.replace(old, pending=True), structs.replace(old, unbegun=1)):
            assert hot.urgency(now, many) == 1

    def test_of_a_small_bucket_all_is_looked_at_each_time_and_of_none_less_than_four_times_a_day(self):
        old = structs.replace(SEEN, newest=START - timedelta(days=30))
        assert old.urgency(START + HOT, 400_000) == 1
        assert old.urgency(START + timedelta(minutes=105), 10_000_000) == 1
        assert old.urgency(START + timedelta(hours=6), 10**9) == 1

    def test_old_uploads_are_compared_at_the_second_look_and_then_once_a_week(self):
        assert not Segment().whole_due(START)
        assert structs.replace(SEEN, whole=None).whole_due(START)
        assert not SEEN.whole_due(START)
        assert SEEN.whole_due(START + timedelta(days=8))


class TestTurns:
    def turn(self, rig: Rig, owner: str) -> Turn:
        return Turn(rig.site, rig.call(owner), 0.2)

    def test_one_has_it_until_it_gives_it_back(self):
        rig = Rig()
        one, other = self.turn(rig, "one"), self.turn(rig, "other")
        assert one.take(300) is None
        assert other.take(300) == START + timedelta(seconds=300)
        assert one.take(300) is None
        one.give_back()
        assert other.take(300) is None

    def test_of_two_at_once_one_has_it(self):
        rig = Rig()
        found = []

        def meanwhile(verb, ref):
            rig.store.fail = lambda verb, ref: None
            found.append(self.turn(rig, "other").take(300))

        one = self.turn(rig, "one")
        rig.store.fail = lambda verb, ref: meanwhile(verb, ref) if verb == "append" else None
        found.append(one.take(300))
        assert [turn is None for turn in found] == [True, False]

    def test_it_ends_with_its_time_and_at_midnight_too(self):
        rig = Rig()
        rig.clock.pause(15 * 3600 - 60)
        assert self.turn(rig, "one").take(300) is None
        rig.clock.pause(120)
        assert self.turn(rig, "other").take(300) is not None
        rig.clock.pause(300)
        assert self.turn(rig, "other").take(300) is None

    def test_a_list_that_something_else_wrote_keeps_nobody(self):
        rig = Rig()
        rig.store.put(OUT, keys.turns(START.date()), b"?\n")
        rig.store.appendable[next(iter(rig.store.objects))] = 1
        assert self.turn(rig, "one").take(300) is None
