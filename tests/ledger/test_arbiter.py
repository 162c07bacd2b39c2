"""An arbiter decides with the journal: it is told who claims what for how long, and gets back what has ended."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from legible.errors import AppendConflictError, BusyError, UnavailableError
from legible.ledger.arbiter import JournalArbiter
from legible.ledger.claim import Claim, Wish
from legible.ledger.ledger import Ledger
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document
from legible.model.pages import Share
from legible.ports import Site
from tests.support.fakes import START, Clock, MemoryStore, invocation
from tests.support.rig import IN, OUT

DOCUMENT = Document(IN, "passport/a.png", "v1", uploaded_at=START)
JOURNAL = layout.journal(DOCUMENT)


class Locks:
    """An arbiter in memory: who holds a name, and until when; its numbers grow."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.held: dict[str, tuple[str, datetime]] = {}
        self.number = 40

    def acquire(self, name: str, owner: str, seconds: float) -> int | None:
        if name in self.held and self.clock.now() < self.held[name][1]:
            return None
        self.held[name] = (owner, self.clock.now() + timedelta(seconds=seconds))
        self.number += 1
        return self.number

    def release(self, name: str, owner: str) -> None:
        if name in self.held and self.held[name][0] == owner:
            del self.held[name]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def locks(store) -> Locks:
    return Locks(store.clock)


def claim(
    store: MemoryStore, locks: Locks, owner: str = "first", share: Share | None = None, patience: float = 0
) -> Claim:
    """Claim the document for 45 seconds."""
    book = Ledger(Site(store, IN, OUT), invocation(store.clock, seconds=45), locks)
    wish = Wish(owner, operation="passport", plan="p", pages=1, share=share)
    claimed = book.claim(DOCUMENT, wish, patience)
    assert isinstance(claimed, Claim)
    return claimed


class TestHeld:
    END = START + timedelta(seconds=45)

    def test_the_arbiter_and_the_journal_know_one_owner_one_end_and_one_number(self, store, locks):
        # when
        claim(store, locks)

        # then
        assert locks.held == {JOURNAL: ("first", self.END)}
        (line,) = store.lines(OUT, JOURNAL)
        assert datetime.fromisoformat(line["lease_until"].replace("Z", "+00:00")) == self.END
        assert (line["owner"], line["fence"]) == ("first", 41)

    def test_shares_are_held_each_by_its_own_name(self, store, locks):
        for number in (1, 2):
            claim(store, locks, f"owner-{number}", Share(number, 2))
        assert locks.held == {
            f"{JOURNAL}#1/2": ("owner-1", self.END),
            f"{JOURNAL}#2/2": ("owner-2", self.END),
        }

    def test_what_the_journal_says_is_held_is_not_asked_for(self, store, locks):
        claim(store, locks)
        locks.held.clear()
        with pytest.raises(BusyError):
            claim(store, locks, "second")
        assert locks.held == {}

    def test_what_the_arbiter_says_is_held_is_not_written(self, store, locks):
        locks.acquire(JOURNAL, "somebody", 60)
        with pytest.raises(BusyError, match=r"holds obs://legible-in/passport/a\.png\. "):
            claim(store, locks)
        assert store.keys(OUT) == []

    def test_one_who_waits_looks_again_after_a_moment(self, store, locks):
        locks.acquire(JOURNAL, "somebody", 0.02)
        claim(store, locks, patience=30)
        assert store.clock.now() <= START + timedelta(seconds=0.05)

    def test_one_who_waits_gets_it_when_the_arbiter_lets_go(self, store, locks):
        locks.acquire(JOURNAL, "somebody", 10)
        claim(store, locks, patience=30)
        assert START + timedelta(seconds=10) <= store.clock.now() <= START + timedelta(seconds=13)


class TestGivenBack:
    """What ended can be claimed at once: nobody waits for the end of a lease."""

    @pytest.mark.parametrize("share", [None, Share(1, 2)])
    @pytest.mark.parametrize("end", ["finish", "release", "hand_on"])
    def test_a_claim_that_ends_is_given_back(self, store, locks, end, share):
        # given
        mine = claim(store, locks, share=share)

        # when
        if end == "finish":
            mine.finish(mine.line("finished", status="done"))
        elif end == "release":
            mine.release()
        else:
            mine.hand_on(1)

        # then at once, where no settling time is asked for
        assert locks.held == {}
        assert store.clock.now() == START

    def test_one_that_was_lost_is_given_back_although_nothing_can_be_written(self, store, locks):
        mine = claim(store, locks)

        def down(verb, ref):
            raise UnavailableError("503")

        store.fail = down
        with pytest.raises(UnavailableError):
            mine.release()
        assert locks.held == {}

    def test_one_that_could_not_be_written_is_given_back(self, store, locks):
        def taken(verb, ref):
            if verb == "append":
                raise AppendConflictError("longer")

        store.fail = taken
        with pytest.raises(UnavailableError, match="took no claim"):
            claim(store, locks)
        assert locks.held == {}

    def test_a_fault_of_the_store_is_told_as_it_is_and_not_waited_for(self, store, locks):
        def down(verb, ref):
            if verb == "append":
                raise UnavailableError("503 from the store")

        store.fail = down
        with pytest.raises(UnavailableError, match="503 from the store"):
            claim(store, locks, patience=60)
        assert store.clock.now() == START


def test_where_the_journal_alone_decides_a_claim_has_the_number_0(store):
    claimed = Ledger(Site(store, IN, OUT), invocation(store.clock)).claim(DOCUMENT, Wish("first"), 0)
    assert not isinstance(claimed, State)
    assert claimed.state.lines[0].fence == 0
    assert JournalArbiter().acquire(JOURNAL, "second", 1) == 0
