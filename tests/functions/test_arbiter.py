"""Who asks a strict arbiter: functions that pay do, and do not begin where it lets nobody in; who only ends goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import structs

from legible.errors import SettingsError, UnavailableError
from legible.huawei.context import Context
from legible.ledger.claim import Claim, Wish
from legible.model.documents import Document
from legible.model.pages import Share
from legible.settings import Settings
from legible.settings.tables import Buckets, LedgerSettings
from legible.wiring.arbiter import SetArbiter, arbiter_of, redis_of
from legible.wiring.functions import FunctionParts
from legible.wiring.instance import Instance
from legible.wiring.parts import Parts, at_desk
from localcloud.cloud import INPUT_BUCKET, LocalCloud
from tests.support import clouds
from tests.support.redis_server import PROGRAM, SKIPPED, RedisServer
from tests.support.rig import PASSPORT

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=SKIPPED)
CANARY = "canary-password-4711"
NAME = "ledger/in/a/v1.jsonl"
Maker = Callable[..., FunctionParts]


@pytest.fixture
def server(tmp_path) -> Iterator[RedisServer]:
    started = RedisServer(tmp_path, "--requirepass", CANARY)
    yield started
    started.stop()


def settings(server: RedisServer, **values: str) -> Settings:
    strict = LedgerSettings(arbiter="redis", redis=server.url, redis_password="REDIS_SECRET", **values)
    return Settings(ledger=strict, buckets=Buckets("in", "out"))


@pytest.fixture
def function(server) -> Iterator[Maker]:
    """Return what makes the objects of one call of a function that has a password for Redis."""
    with LocalCloud(functions={}, recognizer=lambda *_: PASSPORT) as cloud:

        def made(password: str = CANARY, **how: bool) -> FunctionParts:
            data = {**cloud.user_data, "REDIS_SECRET": password}
            parts = FunctionParts(Context(clouds.context(cloud, user_data=data)), **how)
            parts.settings = structs.replace(parts.settings, ledger=settings(server).ledger)
            return parts

        yield made


def claimed(parts: FunctionParts, key: str) -> Claim:
    claim = parts.ledger.claim(Document(INPUT_BUCKET, key, "v1"), Wish(f"owner of {key}", pages=1), 0)
    assert isinstance(claim, Claim)
    return claim


class TestAFunction:
    def test_that_pays_has_its_claims_fenced_and_gives_them_back(self, function, server):
        parts = function()
        parts.pipeline()
        claim = claimed(parts, "passport/a.png")
        assert claim.state.fence > 10**15
        claim.release()
        assert server.client(password=CANARY).keys("*claims*") == []

    def test_that_pays_does_not_begin_where_nobody_is_let_in(self, function):
        with pytest.raises(SettingsError, match="lets nobody in") as refused:
            function("canary-wrong").pipeline()
        assert "canary" not in str(refused.value)

    def test_that_pays_begins_where_redis_is_away_and_claims_nothing(self, function, server):
        server.stop()
        parts = function()
        parts.pipeline()
        with pytest.raises(UnavailableError, match="cannot be asked who may pay"):
            claimed(parts, "passport/a.png")

    def test_that_only_ends_asks_too(self, function):
        parts = function(spare=True, pays=False)
        parts.pipeline()
        claim = claimed(parts, "passport/a.png")
        assert claim.state.fence > 10**15
        claim.release()

    @pytest.mark.parametrize("password", [CANARY, "canary-wrong", ""])
    def test_that_only_ends_goes_on_without_it(self, function, server, password):
        if password == CANARY:
            server.stop()
        parts = function(password, spare=True, pays=False)
        parts.pipeline()
        claim = claimed(parts, "passport/a.png")
        assert claim.state.fence == 0
        claim.release()


def test_the_journal_alone_asks_nobody(tmp_path):
    assert arbiter_of(Settings(), {}.get, tmp_path) is None
    parts = Parts(Settings(), None, at_desk("a", 1, _Timeless()), tmp_path)
    assert parts.ledger is parts.ledger


class _Timeless:
    """A store that knows no time."""

    now = None


def test_instances_keep_their_connections_as_long_as_the_address_is_the_same(server, tmp_path):
    shared, variable = Instance(), {"REDIS_SECRET": CANARY}.get
    first = redis_of(settings(server), variable, tmp_path, shared)
    assert redis_of(settings(server), variable, tmp_path, shared) is first
    other = redis_of(settings(server, redis_user="legible"), variable, tmp_path, shared)
    assert other is not first
    assert redis_of(settings(server), variable, tmp_path) is not redis_of(settings(server), variable, tmp_path)


def test_shares_are_asked_for_and_given_back_by_the_settings_arbiter(server, tmp_path):
    arbiter = arbiter_of(settings(server), {"REDIS_SECRET": CANARY}.get, tmp_path, Instance())
    assert isinstance(arbiter, SetArbiter)
    arbiter.check()
    known = arbiter.acquire(NAME, "a", 30, share=Share(1, 2))
    assert arbiter.acquire(NAME, "b", 30) is None
    arbiter.release(NAME, "a", share=Share(1, 2))
    assert arbiter.acquire(NAME, "b", 30, above=known + 10**9) == known + 10**9 + 1


@pytest.mark.parametrize("library", ["no_such_library.backoff", "redis.no_such_part"])
def test_a_package_without_its_client_or_with_too_old_a_one_is_said_with_what_makes_one(server, tmp_path, library):
    with pytest.raises(SettingsError, match="has no client of it") as refused:
        redis_of(settings(server), {}.get, tmp_path, library=library)
    assert "--redis" in refused.value.advice


def test_the_authority_lies_beside_the_settings(server, tmp_path):
    (tmp_path / "ca.crt").write_text("none")
    secure = Settings(ledger=LedgerSettings(arbiter="redis", redis="rediss://localhost:1", redis_authority="ca.crt"))
    with pytest.raises(UnavailableError):
        redis_of(secure, {}.get, Path(tmp_path)).acquire(NAME, "a", 1)
