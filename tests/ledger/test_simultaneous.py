"""Appends that meet all succeed, and the last one stands (obs_faq_0165): every call is explained, and one is paid."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from legible.errors import BusyError, RetryableError
from legible.ledger import journal
from legible.ledger.claim import Claim, Wish
from legible.ledger.journal import Line
from legible.ledger.ledger import Ledger
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.ports import Site
from legible.recognition.policy import Policy
from tests.support.fakes import MemoryStore, invocation
from tests.support.rig import IN, OUT, PASSPORT, Rig
from tests.support.together import SharedClock, SlowStore

KEY = "passport/a.png"
SEEDS = range(24)


class Race:
    """Some deliveries of one upload, begun within a moment, over a store whose appends take a while."""

    def __init__(self, seed: int, *, slowest: float, settle: float, deliveries: int = 3) -> None:
        random.seed(seed)
        chance = random.Random(seed)
        self.rig = rig = Rig(PASSPORT, policy=Policy(settle=settle))
        rig.clock = clock = SharedClock()
        rig.now = clock.now
        rig.store = SlowStore(clock, seed, slowest)
        rig.ocr.during = lambda: clock.pause(chance.uniform(0.3, 1.5))
        self.upload = rig.upload(KEY)
        self.works = [self.delivery(chance.uniform(0, 0.4)) for _ in range(deliveries)]

    def delivery(self, after: float) -> Callable[[], Any]:
        def work() -> Any:
            self.rig.clock.pause(after)
            for _ in range(4):  # as the platform delivers it
                try:
                    return self.rig.run(self.upload)[0]["status"]
                except RetryableError:
                    self.rig.clock.pause(60)
            return "gave up"

        return work

    def run(self) -> list[Any]:
        return self.rig.clock.run(*self.works)

    def unexplained(self) -> int:
        """Return how many calls were paid for of which the journal says nothing."""
        lines = self.rig.journal(KEY)
        named = {line["request_id"] for line in lines if line.get("request_id")}
        return self.rig.ocr.paid - len(named)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("slowest", "settle"), [(0.15, 0.2), (2.5, 3.0)])
def test_one_pays_where_the_settling_time_is_longer_than_appends_are_apart(seed, slowest, settle):
    race = Race(seed, slowest=slowest, settle=settle)
    assert set(race.run()) == {"done"}
    assert race.rig.ocr.paid == 1
    assert race.rig.record(KEY)["calls"] == {"answered": 1, "unknown": 0, "surplus": 0}


@pytest.mark.parametrize("seed", SEEDS)
def test_no_call_is_unexplained_even_where_it_is_shorter(seed):
    race = Race(seed, slowest=2.5, settle=0.2)
    assert set(race.run()) == {"done"}
    assert race.unexplained() == 0
    state = race.rig.parts().ledger.journals.load(race.rig.rebuilder().current(KEY))
    record = race.rig.record(KEY)["calls"]
    assert record == {"answered": 1, "unknown": 0, "surplus": race.rig.ocr.paid - 1}
    assert (state.answered, state.unknown, state.surplus) == (1, 0, race.rig.ocr.paid - 1)


def test_a_store_with_slow_appends_lets_those_that_meet_succeed_and_the_last_one_stand():
    clock = SharedClock()
    store = SlowStore(clock, 1, 2.0)
    ref = ObjectRef(OUT, "a")
    ends = clock.run(lambda: store.append(ref, 0, b"one"), lambda: store.append(ref, 0, b"other"))
    assert ends == [3, 5]
    assert store.objects[ref][0] in (b"one", b"other")


class TestALostClaim:
    """What a claim that was overwritten had paid for is told all the same, and counts once."""

    DOCUMENT = Document(IN, KEY, "v1")

    def claims(self) -> tuple[MemoryStore, Claim, ObjectRef, bytes]:
        """Return a claim, and the journal as an append leaves it that began before the claim's: with another one's."""
        store = MemoryStore()
        other = Line("claimed", store.clock.now(), "other", 1, 1, pages=1)
        call = invocation(store.clock)
        claim = Ledger(Site(store, IN, OUT), call, settle=0.2).claim(self.DOCUMENT, Wish("mine", pages=1), 0)
        assert isinstance(claim, Claim)
        return store, claim, ObjectRef(OUT, layout.journal(self.DOCUMENT)), journal.encode(other)

    def lines(self, store: MemoryStore, ref: ObjectRef) -> list[tuple[str, str]]:
        return [(line["owner"], line["event"]) for line in store.lines(OUT, ref.key)]

    def test_its_answer_becomes_surplus_and_an_unknown_call_stays_unknown(self):
        store, mine, ref, other = self.claims()
        mine.write("calling", page=1)
        mine.write("unknown", page=1)
        mine.write("answered", page=2, answer="answers/a", request_id="r1")
        store.land(ref, b"", other)
        with pytest.raises(BusyError):
            mine.release()
        assert self.lines(store, ref) == [("other", "claimed"), ("mine", "unknown"), ("mine", "surplus")]

    def test_an_answer_that_the_other_one_took_is_not_told_again(self):
        store, mine, ref, other = self.claims()
        mine.write("answered", page=1, answer="answers/a", request_id="r1")
        taken = Line("answered", store.clock.now(), "other", 2, 1, answer="answers/a", request_id="r1", of="mine")
        store.land(ref, b"", other + journal.encode(taken))
        with pytest.raises(BusyError):
            mine.release()
        assert self.lines(store, ref) == [("other", "claimed"), ("other", "answered")]

    def test_it_ends_nothing_although_its_last_line_was_answered(self):
        store, mine, ref, other = self.claims()
        mine.write("answered", page=1, answer="answers/a", request_id="r1")

        def once(verb, where):
            store.after = lambda verb, where: None
            store.land(ref, b"", other)

        store.after = once
        with pytest.raises(BusyError):
            mine.finish(mine.line("finished", status="done"))
        assert mine.ended is None
        assert self.lines(store, ref) == [("other", "claimed"), ("mine", "surplus")]

    def test_of_a_claim_in_force_an_announcement_whose_call_has_its_outcome_is_not_opened_again(self):
        store, mine, ref, _ = self.claims()
        mine.write("calling", page=1)
        mine.write("answered", page=1, answer="answers/a", request_id="r1")
        claimed, calling, answered = store.objects[ref][0].splitlines(keepends=True)
        store.land(ref, claimed, answered)
        mine.finish(mine.line("finished", status="done"))
        assert b"calling" in calling
        assert [event for _, event in self.lines(store, ref)] == ["claimed", "answered", "finished"]

    def test_one_that_paid_for_nothing_hands_on_at_once(self):
        store, mine, ref, _ = self.claims()
        before = store.clock.now()
        mine.hand_on(1)
        assert (store.clock.now(), self.lines(store, ref)[-1]) == (before, ("mine", "handed"))

    def test_what_it_handed_on_is_seen_to_stand(self):
        store, mine, ref, _ = self.claims()
        mine.write("answered", page=1, answer="answers/a", request_id="r1")

        def once(verb, where):
            store.after = lambda verb, where: None
            lines = store.objects[ref][0].splitlines(keepends=True)
            store.land(ref, b"".join(lines[:-1]), b"")

        store.after = once
        mine.hand_on(1)
        assert [event for _, event in self.lines(store, ref)] == ["claimed", "answered", "handed"]


def test_an_answer_whose_payer_s_lines_are_all_gone_is_taken_and_not_paid_for_again():
    # given a payer that stored its answer, and whose journal an append overwrote that began before it
    rig = Rig(PASSPORT)
    upload = rig.upload(KEY)
    rig.run(upload)
    (name,) = [key for key in rig.store.keys(OUT, "ledger/") if "newest" not in key]
    rig.store.objects[ObjectRef(OUT, name)] = (b"", *rig.store.objects[ObjectRef(OUT, name)][1:])

    # when it is delivered again
    (outcome,) = rig.run(upload)

    # then
    assert (outcome["status"], rig.ocr.paid) == ("done", 1)
    assert [line["event"] for line in rig.journal(KEY)] == ["claimed", "answered", "finished"]
    assert rig.record(KEY)["calls"] == {"answered": 1, "unknown": 0, "surplus": 0}
