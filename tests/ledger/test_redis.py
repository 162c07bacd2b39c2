"""Redis as the arbiter: restarts, lost replies, clocks, refusals; and what of it is never told."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from legible.errors import BusyError, SettingsError, UnavailableError
from legible.ledger.claim import Wish
from legible.ledger.ledger import Ledger
from legible.ledger.redis import ANSWER_SECONDS, RedisAddress, RedisArbiter
from legible.model.documents import Document
from legible.ports import Site
from tests.support import tls
from tests.support.fakes import START, MemoryStore, invocation
from tests.support.redis_server import PROGRAM, SKIPPED, CutWay, RedisServer
from tests.support.rig import IN, OUT

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=SKIPPED)
NAME = "ledger/in/passport/canary-person.png/v1.jsonl"
CANARY = "canary-password-4711"


@pytest.fixture
def server(tmp_path) -> Iterator[RedisServer]:
    started = RedisServer(tmp_path)
    yield started
    started.stop()


@pytest.fixture
def arbiter(server) -> RedisArbiter:
    return RedisArbiter(RedisAddress(server.url), "out")


def through(server: RedisServer) -> tuple[CutWay, RedisArbiter]:
    way = CutWay(server.port)
    return way, RedisArbiter(RedisAddress(f"redis://127.0.0.1:{way.port}/0"), "out")


class TestRestarts:
    def test_a_claim_outlives_a_restart(self, server, arbiter):
        fence = arbiter.acquire(NAME, "first", 30)
        server.stop()
        server.start()
        assert arbiter.acquire(NAME, "second", 30) is None
        assert arbiter.acquire(NAME, "first", 30) == fence

    def test_numbers_grow_even_where_all_was_lost(self, server, arbiter):
        fence = arbiter.acquire(NAME, "first", 30)
        server.lose_all()
        assert arbiter.acquire(NAME, "second", 30) > fence

    def test_where_all_was_lost_the_journal_still_lets_nobody_in(self, server, arbiter):
        store, document = MemoryStore(), Document(IN, "passport/a.png", "v1", uploaded_at=START)
        book = Ledger(Site(store, IN, OUT), invocation(store.clock), arbiter)
        book.claim(document, Wish("first", pages=1), 0)
        server.lose_all()
        with pytest.raises(BusyError):
            book.claim(document, Wish("second", pages=1), 0)


class TestClocks:
    """Redis goes by its own clock, which may be set anew at any time."""

    def test_numbers_grow_where_its_clock_was_set_back(self, server, arbiter):
        given = arbiter.acquire(NAME, "first", 30) + 3600 * 10**6  # as of an hour later
        server.client().set("legible:{out}:fence", str(given))
        assert arbiter.acquire("ledger/b.jsonl", "second", 30) == given + 1

    def test_where_all_was_lost_and_its_clock_set_back_numbers_exceed_the_journal_s(self, server, arbiter):
        known = arbiter.acquire(NAME, "first", 30) + 3600 * 10**6
        server.lose_all()
        assert arbiter.acquire(NAME, "second", 30, above=known) == known + 1

    def test_where_it_leaps_and_a_claim_ends_early_the_journal_still_lets_nobody_in(self, server, arbiter):
        store, document = MemoryStore(), Document(IN, "passport/a.png", "v1", uploaded_at=START)
        book = Ledger(Site(store, IN, OUT), invocation(store.clock), arbiter)
        book.claim(document, Wish("first", pages=1), 0)
        (claims,) = server.client().keys("legible:{out}:claims:*")
        fence = server.client().hget(claims, "").split()[1]
        server.client().hset(claims, "", f"1 {fence} first")  # it ended long ago
        with pytest.raises(BusyError):
            book.claim(document, Wish("second", pages=1), 0)

    def test_a_claim_is_held_a_little_longer_than_its_owner_thinks(self, arbiter):
        arbiter.acquire(NAME, "first", 0.0)
        assert arbiter.acquire(NAME, "second", 30) is None


class TestLostConnections:
    @pytest.mark.parametrize("side", ["asked", "answered"])
    def test_one_that_is_cut_before_or_after_the_effect_changes_nothing(self, server, side):
        # given a way that is cut when the claim goes over it for the first time: on its way there, or back
        way, arbiter = through(server)
        arbiter.check()
        left = [1]

        def cut(where: str, body: bytes) -> bool:
            asked = b"canary-owner" in body if where == "asked" else b":" in body[:1]
            hit = where == side and asked and left[0] > 0
            left[0] -= hit
            return hit

        way.cut = cut

        # when
        fence = arbiter.acquire(NAME, "canary-owner", 30)

        # then it is claimed once, by its owner
        assert left == [0]
        assert fence == RedisArbiter(RedisAddress(server.url), "out").acquire(NAME, "canary-owner", 30)
        assert arbiter.acquire(NAME, "second", 30) is None
        way.close()

    def test_where_nobody_answers_nobody_may_pay_and_that_is_said_in_time(self, server):
        way, arbiter = through(server)
        way.cut = lambda side, body: side == "answered" and bool(time.sleep(1.5 * ANSWER_SECONDS))
        begun = time.monotonic()
        with pytest.raises(UnavailableError, match="cannot be asked who may pay: TimeoutError") as away:
            arbiter.acquire(NAME, "first", 30)
        assert time.monotonic() - begun < 4 * ANSWER_SECONDS
        assert (away.value.reason_code, away.value.passes) == ("arbiter-away", True)
        assert "ledger.redis" in away.value.advice
        way.close()

    def test_where_it_is_gone_nothing_is_given_back_and_nothing_fails(self, server, arbiter):
        arbiter.acquire(NAME, "first", 30)
        server.stop()
        arbiter.release(NAME, "first")
        with pytest.raises(UnavailableError, match="ConnectionError"):
            arbiter.acquire(NAME, "second", 30)
        arbiter.check()  # a fault that passes is no answer

    def test_who_claims_a_document_meanwhile_is_told_to_come_again(self, server, arbiter):
        server.stop()
        store = MemoryStore()
        book = Ledger(Site(store, IN, OUT), invocation(store.clock), arbiter)
        with pytest.raises(UnavailableError):
            book.claim(Document(IN, "passport/a.png", "v1"), Wish("first", pages=1), 30)
        assert store.keys(OUT) == []


class TestRefusals:
    """What does not pass by itself is a wrong setting; no password is told anywhere."""

    @pytest.fixture
    def locked(self, tmp_path) -> Iterator[RedisServer]:
        started = RedisServer(tmp_path, "--requirepass", CANARY)
        yield started
        started.stop()

    def refused(self, caplog, capfd, address: RedisAddress) -> SettingsError:
        with caplog.at_level(logging.DEBUG), pytest.raises(SettingsError) as refused:
            RedisArbiter(address, "out").check()
        told = f"{refused.value!r} {refused.value} {address!r} {address}" + caplog.text + "".join(capfd.readouterr())
        assert "canary" not in told
        assert refused.value.__cause__ is None
        assert refused.value.__suppress_context__
        return refused.value

    @pytest.mark.parametrize("password", ["", "canary-wrong"])
    def test_a_password_that_is_wrong_or_missing(self, locked, caplog, capfd, password):
        error = self.refused(caplog, capfd, RedisAddress(locked.url, password=password))
        assert error.reason_code == "setting"
        assert "ledger.redis_password" in error.advice

    def test_a_user_who_may_not_run_it(self, locked, caplog, capfd):
        locked.client(password=CANARY).execute_command("ACL", "SETUSER", "legible", "on", f">{CANARY}", "~*", "-@all")
        self.refused(caplog, capfd, RedisAddress(locked.url, "legible", CANARY))

    def test_the_right_one_is_let_in(self, locked):
        arbiter = RedisArbiter(RedisAddress(locked.url, password=CANARY), "out")
        arbiter.check()
        arbiter.check()  # asked once
        assert arbiter.acquire(NAME, "first", 30)

    def test_one_that_is_full_or_only_a_copy_is_away(self, server, arbiter):
        server.client().config_set("maxmemory", "1")
        with pytest.raises(UnavailableError, match="OutOfMemoryError"):
            arbiter.acquire(NAME, "first", 30)
        server.client().config_set("maxmemory", "0")
        server.client().execute_command("REPLICAOF", "127.0.0.1", "1")
        with pytest.raises(UnavailableError, match="ReadOnlyError"):
            arbiter.acquire(NAME, "first", 30)


class TestTls:
    @pytest.fixture
    def secure(self, tmp_path) -> Iterator[tuple[RedisServer, Path]]:
        files = tls.certificate(tmp_path)
        started = RedisServer(tmp_path, tls=files)
        yield started, files[0]
        started.stop()

    def test_the_authority_of_the_settings_is_trusted(self, secure):
        server, authority = secure
        assert RedisArbiter(RedisAddress(server.url, authority=authority), "out").acquire(NAME, "first", 30)

    def test_no_other_one_is(self, secure):
        server, _ = secure
        with pytest.raises(SettingsError, match="not trusted") as refused:
            RedisArbiter(RedisAddress(server.url), "out").check()
        assert "ledger.redis_authority" in refused.value.advice

    def test_nor_a_certificate_of_another_host(self, secure):
        server, authority = secure
        with pytest.raises(SettingsError, match="not trusted"):
            RedisArbiter(RedisAddress(f"rediss://127.0.0.1:{server.port}", authority=authority), "out").check()


def test_redis_learns_no_name_of_a_document_and_deployments_share_it(server, arbiter):
    arbiter.acquire(NAME, "first", 30)
    assert RedisArbiter(RedisAddress(server.url), "other").acquire(NAME, "second", 30)
    client = server.client()
    everything = [f"{key} {client.type(key) == 'hash' and client.hgetall(key)}" for key in client.keys("*")]
    assert len(everything) == 4
    assert "canary-person" not in " ".join(everything)


def test_nothing_is_left_of_a_claim_that_ended(server, arbiter):
    arbiter.acquire(NAME, "first", 30)
    arbiter.release(NAME, "first")
    RedisArbiter(RedisAddress(server.url), "out", margin=0.0).acquire(NAME, "second", 0.01)
    time.sleep(0.05)
    assert server.client().keys("*claims*") == []


def test_it_says_of_itself_what_an_operator_must_know(server, arbiter):
    facts = arbiter.facts()
    assert (facts.role, facts.eviction, facts.appends) == ("master", "noeviction", True)
    assert facts.version[0].isdigit()


def test_a_lease_is_never_of_less_than_nothing(arbiter):
    assert arbiter.acquire(NAME, "late", -timedelta(seconds=5).total_seconds())
