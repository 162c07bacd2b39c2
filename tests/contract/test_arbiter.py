"""Every strict arbiter keeps the same promises; so does the ledger with each arbiter, the journal alone among them."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone

import pytest

from legible.errors import BusyError, RetryableError
from legible.ledger.arbiter import JournalArbiter
from legible.ledger.claim import Claim, Wish
from legible.ledger.ledger import Ledger
from legible.ledger.redis import RedisAddress, RedisArbiter
from legible.model.documents import Document
from legible.model.pages import Share
from legible.ports import Invocation, Site
from legible.ports.arbiter import Arbiter
from tests.support.fakes import Clock, MemoryArbiter, MemoryStore
from tests.support.redis_server import PROGRAM, SKIPPED, RedisServer
from tests.support.rig import IN, OUT

NAME = "ledger/in/passport/a.png/v1.jsonl"
HALF, OTHER_HALF, THIRD = Share(1, 2), Share(2, 2), Share(3, 3)
needs_redis = pytest.mark.skipif(PROGRAM is None, reason=SKIPPED)


class RealClock(Clock):
    """The time of this machine, by which a real server goes."""

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[RedisServer]:
    started = RedisServer(tmp_path_factory.mktemp("redis"))
    yield started
    started.stop()


@pytest.fixture(params=["memory", pytest.param("redis", marks=needs_redis)])
def arbiters(request) -> Callable[[], Arbiter]:
    """Return what makes arbiters of one deployment: each as another instance of a function would."""
    if request.param == "memory":
        one = MemoryArbiter(RealClock())
        return lambda: one
    server, deployment = request.getfixturevalue("server"), f"out-{random.random()}"
    return lambda: RedisArbiter(RedisAddress(server.url), deployment, margin=0.0)


class TestEveryStrictArbiter:
    def test_one_of_many_at_the_same_instant_wins(self, arbiters):
        ready = threading.Barrier(16)

        def try_it(number: int) -> int | None:
            ready.wait(10)
            return arbiters().acquire(NAME, f"owner-{number}", 30)

        with ThreadPoolExecutor(16) as pool:
            fences = list(pool.map(try_it, range(16)))
        assert len([fence for fence in fences if fence is not None]) == 1

    def test_others_are_let_in_when_it_is_given_back(self, arbiters):
        first = arbiters().acquire(NAME, "first", 30)
        assert arbiters().acquire(NAME, "second", 30) is None
        arbiters().release(NAME, "first")
        assert arbiters().acquire(NAME, "second", 30) > first

    def test_only_the_owner_gives_it_back(self, arbiters):
        arbiters().acquire(NAME, "first", 30)
        arbiters().release(NAME, "second")
        arbiters().release("ledger/other.jsonl", "first")
        arbiters().release(NAME, "first", share=HALF)
        assert arbiters().acquire(NAME, "second", 30) is None

    def test_it_ends_by_itself(self, arbiters):
        first = arbiters().acquire(NAME, "first", 0.05)
        time.sleep(0.07)
        assert arbiters().acquire(NAME, "second", 30) > first
        arbiters().release(NAME, "first")  # who lost it gives back nothing
        assert arbiters().acquire(NAME, "third", 30) is None

    def test_who_has_it_keeps_it_and_its_number(self, arbiters):
        number = arbiters().acquire(NAME, "first", 0.1)
        assert arbiters().acquire(NAME, "first", 30) == number
        time.sleep(0.12)
        assert arbiters().acquire(NAME, "second", 30) is None

    def test_numbers_grow_whatever_is_claimed(self, arbiters):
        fences = []
        for number in range(20):
            fences.append(arbiters().acquire(f"{NAME}{number % 3}", f"owner-{number}", 30))
            arbiters().release(f"{NAME}{number % 3}", f"owner-{number}")
        assert fences == sorted(set(fences))

    def test_a_number_exceeds_what_the_journal_knows(self, arbiters):
        ahead = arbiters().acquire(NAME, "first", 30) + 10**9
        arbiters().release(NAME, "first")
        given = arbiters().acquire(NAME, "second", 30, above=ahead)
        assert given > ahead
        assert arbiters().acquire(NAME, "second", 30, above=given) > given

    def test_shares_are_held_side_by_side_and_never_beside_the_whole(self, arbiters):
        assert arbiters().acquire(NAME, "a", 30, share=HALF)
        assert arbiters().acquire(NAME, "b", 30, share=OTHER_HALF)
        for share in (None, HALF, OTHER_HALF, THIRD):
            assert arbiters().acquire(NAME, "c", 30, share=share) is None
        arbiters().release(NAME, "a", share=HALF)
        assert arbiters().acquire(NAME, "c", 30) is None
        arbiters().release(NAME, "b", share=OTHER_HALF)
        assert arbiters().acquire(NAME, "c", 30)
        assert arbiters().acquire(NAME, "a", 30, share=HALF) is None

    def test_a_share_that_ended_by_itself_is_in_nobody_s_way(self, arbiters):
        arbiters().acquire(NAME, "a", 0.05, share=HALF)
        arbiters().acquire(NAME, "b", 30, share=OTHER_HALF)
        time.sleep(0.07)
        assert arbiters().acquire(NAME, "c", 30, share=HALF)
        assert arbiters().acquire(NAME, "d", 30) is None


@pytest.fixture(params=["journal", "memory", pytest.param("redis", marks=needs_redis)])
def ledgers(request) -> Callable[[str, float], Ledger]:
    """Return what makes ledgers over one store, each for an invocation that has so many seconds left."""
    clock, deployment = RealClock(), f"out-{random.random()}"
    store, one = MemoryStore(clock), MemoryArbiter(clock)

    def arbiter() -> Arbiter:
        if request.param == "redis":
            return RedisArbiter(RedisAddress(request.getfixturevalue("server").url), deployment)
        return JournalArbiter() if request.param == "journal" else one

    def ledger(owner: str, seconds: float) -> Ledger:
        end = time.time() + seconds
        call = Invocation(owner, lambda: end - time.time(), clock.now, clock.pause, lambda event, **values: None)
        return Ledger(Site(store, IN, OUT), call, arbiter())

    return ledger


class TestTheLedgerWithEachArbiter:
    DOCUMENT = Document(IN, "passport/a.png", "v1", uploaded_at=datetime(2026, 11, 23, tzinfo=timezone.utc))

    def test_one_of_many_at_the_same_instant_claims_a_document(self, ledgers):
        ready = threading.Barrier(12)

        def try_it(number: int) -> Claim | RetryableError:
            book = ledgers(f"owner-{number}", 30)
            ready.wait(10)
            try:
                return book.claim(self.DOCUMENT, Wish(f"owner-{number}", pages=1), 0)
            except RetryableError as error:
                return error

        with ThreadPoolExecutor(12) as pool:
            ends = list(pool.map(try_it, range(12)))
        claims = [one for one in ends if isinstance(one, Claim)]
        assert [one.in_force() for one in claims] == [True]

    def test_what_is_given_back_is_claimed_at_once(self, ledgers):
        for owner in ("first", "second", "third"):
            claim = ledgers(owner, 30).claim(self.DOCUMENT, Wish(owner, pages=1), 0)
            with pytest.raises(BusyError):
                ledgers("other", 30).claim(self.DOCUMENT, Wish("other", pages=1), 0)
            claim.release()

    def test_what_nobody_gave_back_is_claimed_when_its_lease_has_ended(self, ledgers):
        ledgers("died", 0.1).claim(self.DOCUMENT, Wish("died", pages=1), 0)
        begun = time.monotonic()
        claim = ledgers("next", 30).claim(self.DOCUMENT, Wish("next", pages=1), 5)
        assert isinstance(claim, Claim)
        assert 1.9 < time.monotonic() - begun < 5

    def test_numbers_in_the_journal_never_fall(self, ledgers):
        for number in range(5):
            claim = ledgers(f"owner-{number}", 30).claim(self.DOCUMENT, Wish(f"owner-{number}", pages=1), 0)
            claim.release()
        fences = [line.fence for line in claim.state.lines if line.event == "claimed"]
        assert len(fences) == 5
        assert fences == sorted(fences)
        assert len(set(fences)) in (1, 5)
        assert (fences[0] == 0) == all(a == b for a, b in itertools.pairwise(fences))
