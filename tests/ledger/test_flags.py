"""Flags: of two who pay at the same instant one sees the other's; what was overwritten is paid for once."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest

from legible.errors import BusyError, HeldError, UnavailableError
from legible.ledger import journal
from legible.ledger.claim import Claim, Wish
from legible.ledger.flags import Flags
from legible.ledger.journal import Line
from legible.ledger.ledger import Ledger
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.model.pages import Share
from legible.ports import Site
from tests.ledger.test_simultaneous import SEEDS, Race
from tests.support.fakes import MemoryStore, invocation
from tests.support.rig import IN, OUT, PASSPORT, Rig

KEY = "passport/a.png"
DOCUMENT = Document(IN, KEY, "v1")


class Killed(BaseException):
    """The instance is gone."""


def flags(store: MemoryStore) -> Flags:
    return Flags(Site(store, IN, OUT), invocation(store.clock))


def shown(store: MemoryStore) -> list[str]:
    """Return the keys of the flags that are up."""
    empty = [(ref.key, kept) for ref, (body, _, _, kept) in store.objects.items() if not body]
    return [key for key, kept in empty if key.startswith("answers/") and kept["claimed-until"] != "lowered"]


class TestWhatIsSeen:
    def test_nothing_of_one_s_own(self):
        store = MemoryStore()
        flags(store).raise_one(DOCUMENT, 1, "mine", store.clock.now())
        assert flags(store).seen(DOCUMENT, "mine").alone

    @pytest.mark.parametrize(("late", "over"), [(1.9, False), (2.0, True)])
    def test_a_flag_counts_until_its_claim_has_ended_by_every_clock(self, late, over):
        store = MemoryStore()
        flags(store).raise_one(DOCUMENT, 1, "other", store.clock.now())
        store.clock.pause(late)
        seen = flags(store).seen(DOCUMENT, "mine")
        assert ([one.owner for one in seen.over], [one.owner for one in seen.raised]) == (
            (["other"], []) if over else ([], ["other"])
        )
        assert not seen.alone

    def test_a_stored_answer_and_nothing_else_that_lies_there(self):
        store = MemoryStore()
        for name in ("0001.other.json", "0001.json", "record.json", "0001.stamp.png"):
            store.put(OUT, layout.version(DOCUMENT, name), b"{}")
        (line,) = flags(store).seen(DOCUMENT, "mine").stored
        assert (line.owner, line.page, line.event) == ("other", 1, "calling")

    def test_one_without_a_time_is_over(self):
        store = MemoryStore()
        store.put(OUT, layout.answer(DOCUMENT, 1, "other"), b"")
        assert len(flags(store).seen(DOCUMENT, "mine").over) == 1

    def test_one_that_somebody_removes_meanwhile_says_nothing(self):
        store = MemoryStore()
        flags(store).raise_one(DOCUMENT, 1, "other", store.clock.now() + timedelta(60))
        store.fail = lambda verb, ref: store.objects.pop(ref, None) if verb == "head" else None
        assert flags(store).seen(DOCUMENT, "mine").alone

    def test_one_that_was_lowered_says_nothing(self):
        store = MemoryStore()
        flags(store).raise_one(DOCUMENT, 1, "other", store.clock.now() + timedelta(60))
        flags(store).lower(DOCUMENT, 1, "other")
        assert flags(store).seen(DOCUMENT, "mine").alone

    def test_a_store_that_refuses_to_tell_has_it_tried_again(self):
        store = MemoryStore()

        def refuse(verb: str, ref: ObjectRef) -> None:
            raise HeldError("403")

        store.fail = refuse
        with pytest.raises(UnavailableError):
            flags(store).seen(DOCUMENT, "mine")


class TestAClaim:
    def claim(self, store: MemoryStore, owner: str = "mine", **wish: Any) -> Claim:
        call = invocation(store.clock)
        claim = Ledger(Site(store, IN, OUT), call, settle=0.2).claim(DOCUMENT, Wish(owner, pages=1, **wish), 0)
        assert isinstance(claim, Claim)
        return claim

    def test_of_a_new_document_has_a_flag_where_its_answer_will_lie(self):
        store = MemoryStore()
        self.claim(store)
        assert shown(store) == [layout.answer(DOCUMENT, 1, "mine")]

    def test_of_a_share_has_it_at_the_first_page_of_that(self):
        store = MemoryStore()
        call = invocation(store.clock)
        Ledger(Site(store, IN, OUT), call).claim(DOCUMENT, Wish("mine", pages=6, share=Share(3, 4)), 0)
        assert shown(store) == [layout.answer(DOCUMENT, 3, "mine")]

    @pytest.mark.parametrize("wish", [Wish("mine"), Wish("mine", pages=2, share=Share(3, 3))])
    def test_that_pays_for_nothing_has_none(self, wish):
        store = MemoryStore()
        Ledger(Site(store, IN, OUT), invocation(store.clock)).claim(DOCUMENT, wish, 0)
        assert shown(store) == []

    def test_of_a_document_that_was_begun_before_has_none(self):
        store = MemoryStore()
        self.claim(store, "first").release()
        self.claim(store, "second")
        assert shown(store) == []

    @pytest.mark.parametrize("called", [False, True])
    def test_that_is_given_back_unpaid_has_none_any_more(self, called):
        store = MemoryStore()
        mine = self.claim(store)
        if called:
            mine.write("calling", page=1)
            mine.write("refused", page=1)
        mine.release()
        assert shown(store) == []

    @pytest.mark.parametrize("events", [["calling"], ["calling", "unknown"], ["calling", "unknown", "refused"]])
    def test_whose_answer_may_lie_there_takes_nothing_away(self, events):
        store = MemoryStore()
        mine = self.claim(store)
        for event in events:
            mine.write(event, page=1)
        mine.release()
        assert shown(store) == [layout.answer(DOCUMENT, 1, "mine")]

    def test_that_was_not_taken_has_none_any_more(self):
        store = MemoryStore()
        other = journal.encode(Line("claimed", store.clock.now(), "other", 1, pages=1))
        store.fail = lambda verb, ref: (
            store.land(ref, b"", other) if verb == "append" and not store.appendable else None
        )
        with pytest.raises(UnavailableError):
            self.claim(store)
        assert shown(store) == []

    def test_is_given_back_although_the_flag_cannot_be_lowered(self):
        store = MemoryStore()
        mine = self.claim(store)

        def refuse(verb: str, ref: ObjectRef) -> None:
            if verb == "write":
                raise HeldError("403")

        store.fail = refuse
        mine.release()
        assert [line["event"] for line in store.lines(OUT, layout.journal(DOCUMENT))] == ["claimed", "released"]

    def test_whose_flag_was_late_is_not_taken_for_the_first(self):
        store = MemoryStore()
        store.after = lambda verb, ref: store.clock.pause(0.2) if ref.key.startswith("answers/") else None
        assert not self.claim(store).standing.first

    def test_without_its_flag_goes_on_and_is_not_taken_for_the_first(self):
        store = MemoryStore()

        def refuse(verb: str, ref: ObjectRef) -> None:
            if ref.key.startswith("answers/"):
                raise UnavailableError("503")

        store.fail = refuse
        assert not self.claim(store).standing.first


class TestOvertaken:
    """A payer whose claim another one has overwritten, because both appends met."""

    def overtaken(self, rig: Rig, upload: Any, during: Any) -> list[Any]:
        """Let a claim land over the one whose call is being made, and do something then; return the other's end."""
        ends: list[Any] = []
        ref = ObjectRef(OUT, layout.journal(Document(IN, KEY, upload.etag)))

        def meanwhile() -> None:
            rig.ocr.during = lambda: None
            kept = rig.store.objects.pop(ref)
            del rig.store.appendable[ref]
            other = threading.Thread(target=lambda: ends.append(self.end(rig, upload)))
            during(other, kept)

        rig.ocr.during = meanwhile
        return ends

    def end(self, rig: Rig, upload: Any) -> Any:
        try:
            return rig.run(upload)[0]["status"]
        except BusyError as error:
            return error.message

    def test_its_answer_counts_for_the_other_one_and_nobody_pays_twice(self):
        # given a claim that lands over that of a payer, who is being answered
        rig = Rig(PASSPORT)
        upload, waits = rig.upload(KEY), threading.Event()
        pause = rig.clock.pause
        others: list[threading.Thread] = []

        def let_go(seconds: float) -> None:
            if threading.current_thread() in others and seconds == 0.05:  # it saw the flag, and waits
                waits.set()
                finished.wait(10)
            pause(seconds)

        finished = threading.Event()
        rig.clock.pause = let_go  # type: ignore[method-assign]

        def during(other: threading.Thread, kept: Any) -> None:
            others.append(other)
            other.start()
            assert waits.wait(10)

        ends = self.overtaken(rig, upload, during)

        # when
        first = self.end(rig, upload)
        finished.set()
        others[0].join(20)

        # then the one that paid yields, and the other one takes its answer
        assert "claimed" in first
        assert ends == ["done"]
        assert rig.ocr.paid == 1
        assert rig.record(KEY)["calls"] == {"answered": 1, "unknown": 0, "surplus": 0}

    def test_who_waits_longer_than_half_of_its_time_is_delivered_again(self):
        rig = Rig(PASSPORT)
        upload = rig.upload(KEY)

        def during(other: threading.Thread, kept: Any) -> None:
            other.start()
            other.join(20)

        ends = self.overtaken(rig, upload, during)
        self.end(rig, upload)
        assert "may be paying" in ends[0]
        assert rig.ocr.paid == 1

    @pytest.mark.parametrize("stored", [False, True])
    def test_one_that_died_counts_as_possibly_paid_unless_its_answer_is_there(self, stored):
        # given one that died while it was paying, and of whose claim an append has left nothing
        rig = Rig(PASSPORT)
        upload = rig.upload(KEY)

        def die(*_: Any) -> None:
            raise Killed

        if stored:
            rig.store.after = lambda verb, ref: die() if verb == "write" and rig.ocr.calls else None
            self.overtaken(rig, upload, lambda other, kept: None)
        else:
            self.overtaken(rig, upload, die)
        with pytest.raises(Killed):
            rig.run(upload)
        rig.store.after = lambda verb, ref: None

        # when its time is over
        rig.clock.pause(70)
        (outcome,) = rig.run(upload)

        # then
        assert outcome["status"] == "done"
        expected = {"answered": 1, "unknown": 0 if stored else 1, "surplus": 0}
        assert rig.record(KEY)["calls"] == expected

    def test_a_page_that_has_an_answer_takes_no_other_one(self):
        # given a document that goes on although its page has an answer, and a lost claim that paid for it too
        rig = Rig(PASSPORT)
        upload = rig.upload(KEY)
        rig.store.after = lambda verb, ref: self.die() if verb == "write" and "results" in ref.key else None
        with pytest.raises(Killed):
            rig.run(upload)
        rig.store.after = lambda verb, ref: None
        ref = ObjectRef(OUT, layout.journal(Document(IN, KEY, upload.etag)))
        plan = rig.store.lines(OUT, ref.key)[0]["plan"]
        lost = Line("surplus", rig.clock.now(), "other", 2, 1, answer="answers/x", sha256="0", plan=plan)
        rig.store.append(ref, len(rig.store.objects[ref][0]), journal.encode(lost))
        rig.clock.pause(70)

        # when
        rig.run(upload)

        # then
        assert rig.record(KEY)["calls"] == {"answered": 1, "unknown": 0, "surplus": 1}

    def die(self) -> None:
        raise Killed

    def test_who_lives_although_taken_for_dead_says_nothing_of_an_answer_that_another_one_named(self):
        store = MemoryStore()
        call = invocation(store.clock)
        mine = Ledger(Site(store, IN, OUT), call).claim(DOCUMENT, Wish("mine", pages=1), 0)
        assert isinstance(mine, Claim)
        ref = ObjectRef(OUT, layout.journal(DOCUMENT))
        taken = Line("answered", store.clock.now(), "other", 1, 1, answer="answers/a", of="mine")
        store.append(ref, len(store.objects[ref][0]), journal.encode(taken))
        mine.in_force()
        mine.surplus(page=1, answer="answers/a")
        assert [line["event"] for line in store.lines(OUT, ref.key)] == ["claimed", "answered"]

    def test_an_answer_that_is_surplus_for_another_reason_is_not_taken(self):
        rig = Rig(PASSPORT)
        upload = rig.upload(KEY)
        ref = ObjectRef(OUT, layout.journal(Document(IN, KEY, upload.etag)))
        lines = [
            Line("claimed", rig.clock.now(), "other", 1, pages=1),
            Line("surplus", rig.clock.now(), "other", 2, 1, answer="answers/x", sha256="0"),
            Line("released", rig.clock.now(), "other", 3),
        ]
        rig.store.append(ref, 0, b"".join(map(journal.encode, lines)))
        (outcome,) = rig.run(upload)
        assert (outcome["status"], rig.ocr.paid) == ("done", 1)
        assert rig.record(KEY)["calls"] == {"answered": 1, "unknown": 0, "surplus": 1}


@pytest.mark.parametrize("seed", SEEDS)
def test_one_pays_even_where_appends_are_further_apart_than_the_settling_time(seed):
    race = Race(seed, slowest=2.5, settle=0.2)
    assert set(race.run()) == {"done"}
    assert race.rig.ocr.paid == 1
    assert race.rig.record(KEY)["calls"] == {"answered": 1, "unknown": 0, "surplus": 0}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 500))
def test_one_pays_in_many_races(seed):
    race = Race(seed, slowest=2.5, settle=0.2, deliveries=4)
    assert set(race.run()) == {"done"}
    assert race.rig.ocr.paid == 1
