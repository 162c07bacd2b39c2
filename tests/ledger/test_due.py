"""What waits is found when it is due, in the order of its time, and never lost on the way to its next try."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec import Struct

from legible.ledger.due import Backlog, DueQueue
from legible.model.documents import ObjectRef
from legible.ports import Site
from tests.support.fakes import START, MemoryStore, invocation
from tests.support.rig import IN, OUT


class Parcel(Struct):
    """Something that waits."""

    text: str


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def queue(store) -> DueQueue[Parcel]:
    return DueQueue(Site(store, IN, OUT), invocation(store.clock), "waiting/", Parcel, (60, 300, 1800))


class TestLadder:
    @pytest.mark.parametrize(("rung", "seconds"), [(1, 60), (2, 300), (3, 1800), (4, 1800), (50, 1800)])
    def test_each_try_waits_as_long_as_its_rung_and_the_last_wait_is_repeated(self, queue, rung, seconds):
        slot = queue.keep(Parcel("a"), "name", rung)
        assert (slot.due, slot.rung) == (START + timedelta(seconds=seconds), rung)
        assert queue.after(rung) == slot.due

    def test_a_time_that_is_named_is_kept(self, queue):
        due = START + timedelta(seconds=7)
        assert queue.keep(Parcel("a"), "name", due=due).due == due

    def test_it_is_kept_as_json(self, store, queue):
        slot = queue.keep(Parcel("a"), "name")
        assert store.objects[ObjectRef(OUT, slot.key)][:2] == (b'{"text":"a"}', "application/json")

    def test_without_a_rung_it_is_the_first_try(self, queue):
        assert queue.keep(Parcel("a"), "name").rung == 1


class TestDue:
    def test_nothing_is_due_before_its_time_and_it_is_at_it(self, store, queue):
        slot = queue.keep(Parcel("a"), "name")
        store.clock.pause(59)
        assert list(queue.due()) == []
        store.clock.pause(1)
        assert list(queue.due()) == [slot]
        assert queue.read(slot) == Parcel("a")

    def test_the_longest_due_comes_first_and_what_is_not_due_ends_the_walk(self, store, queue):
        later, first, never = (queue.keep(Parcel("a"), "name", rung) for rung in (2, 1, 3))
        store.clock.pause(400)
        assert list(queue.due()) == [first, later]
        assert never.due > store.clock.now()

    def test_other_objects_are_passed_over(self, store, queue):
        store.put(OUT, "waiting/0-readme.txt", b"not mine")
        slot = queue.keep(Parcel("a"), "name")
        store.clock.pause(60)
        assert list(queue.due()) == [slot]

    def test_of_what_another_walk_removed_nothing_is_read(self, queue):
        slot = queue.keep(Parcel("a"), "name")
        queue.remove(slot)
        assert queue.read(slot) is None

    def test_something_else_under_its_name_is_said(self, store, queue):
        slot = queue.keep(Parcel("a"), "name")
        store.put(OUT, slot.key, b"[]")
        with pytest.raises(ValueError, match="Expected"):
            queue.read(slot)


class TestLater:
    """Moved to its next try, it waits under the same name, one rung on; at no step is there none of it."""

    @pytest.mark.parametrize("item", [None, Parcel("new")])
    @pytest.mark.parametrize("due", [None, START + timedelta(seconds=999)])
    def test_it_waits_for_its_next_try_and_no_more_for_this_one(self, store, queue, item, due):
        # given something whose object also holds what this version does not know
        slot = queue.keep(Parcel("old"), "name")
        body = b'{"text":"old","newer":1}'
        store.put(OUT, slot.key, body, "application/json")

        # when
        queue.later(slot, item, due)

        # then
        (key,) = store.keys(OUT, "waiting/")
        store.clock.pause(5000)
        (moved,) = queue.due()
        assert (moved.key, moved.name, moved.rung) == (key, "name", 2)
        assert moved.due == (due or START + timedelta(seconds=300))
        assert store.objects[ObjectRef(OUT, key)][0] == (body if item is None else b'{"text":"new"}')

    @pytest.mark.parametrize("item", [None, Parcel("new")])
    def test_killed_at_any_step_it_waits_at_least_once(self, store, queue, item):
        slot = queue.keep(Parcel("old"), "name")
        left = []
        store.after = lambda verb, ref: left.append(len(store.keys(OUT, "waiting/")))
        queue.later(slot, item)
        assert left
        assert min(left) == 2


class TestWaiting:
    """How much waits, and since when: asked without taking anything."""

    @staticmethod
    def since(parcel: Parcel) -> datetime:
        return datetime.fromisoformat(parcel.text)

    def test_an_empty_queue_has_no_oldest(self, queue):
        assert queue.waiting(self.since) == Backlog(0, None)

    def test_the_oldest_is_among_those_that_were_tried_most_often(self, store, queue):
        for number in range(60):
            queue.keep(Parcel((START - timedelta(minutes=number)).isoformat()), f"parcel-{number}", 1 + number // 10)
        assert queue.waiting(self.since) == Backlog(60, START - timedelta(minutes=59))

    def test_what_is_not_due_yet_waits_too(self, queue):
        queue.keep(Parcel(START.isoformat()), "late", due=START + timedelta(days=1))
        assert queue.waiting(self.since) == Backlog(1, START)

    def test_what_something_else_put_there_is_passed_over(self, store, queue):
        store.put(OUT, "waiting/readme.txt", b"hello")
        slot = queue.keep(Parcel(START.isoformat()), "good")
        store.put(OUT, slot.key.replace("good", "bad"), b"no parcel")
        assert queue.waiting(self.since) == Backlog(2, START)
