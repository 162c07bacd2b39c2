"""`legible doctor` says of a strict arbiter whether it can be asked, takes claims, and forgets none that runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from legible.settings import load
from legible_cli.doctor.arbiter import arbiter
from tests.support.redis_server import PROGRAM, SKIPPED, RedisServer, free_port

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=SKIPPED)
CANARY = "canary-password-4711"


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[RedisServer]:
    started = RedisServer(tmp_path_factory.mktemp("redis"), "--requirepass", CANARY)
    yield started
    started.stop()


@pytest.fixture
def check(tmp_path, server):
    """Return what makes the check for a Redis, with the password that a variable holds."""

    def made(url: str = "", password: str = CANARY):
        file = tmp_path / "legible.toml"
        file.write_text(
            f'[ledger]\narbiter = "redis"\nredis = "{url or server.url}"\nredis_password = "REDIS_SECRET"\n'
        )
        variable = {"REDIS_SECRET": password}.get
        return arbiter(load(file, variable, required=()), variable, tmp_path)

    return made


def test_one_that_takes_claims_is_well(check):
    found = check()
    assert (found.status, found.advice) == ("ok", "")
    assert found.message.endswith("takes claims, and writes each down.")


def test_one_that_keeps_nothing_is_well_too_and_that_is_said(check, server):
    server.client(password=CANARY).config_set("appendonly", "no")
    assert "forgets them when it starts anew" in check().message
    server.client(password=CANARY).config_set("appendonly", "yes")


def test_one_that_removes_claims_when_it_is_full_is_not(check, server):
    server.client(password=CANARY).config_set("maxmemory-policy", "allkeys-lru")
    found = check()
    assert (found.status, "noeviction" in found.advice) == ("failed", True)
    assert "allkeys-lru" in found.message
    server.client(password=CANARY).config_set("maxmemory-policy", "noeviction")


def test_nor_is_one_that_is_only_a_copy(check, server):
    client = server.client(password=CANARY)
    client.execute_command("REPLICAOF", "127.0.0.1", "1")
    assert check().status == "failed"
    client.execute_command("REPLICAOF", "NO", "ONE")


@pytest.mark.parametrize("password", ["canary-wrong", ""])
def test_a_wrong_password_or_none_is_a_failure_that_tells_no_password(check, password):
    found = check(password=password)
    assert found.status == "failed"
    assert "canary" not in f"{found}"


def test_from_outside_its_network_nothing_can_be_said(check):
    found = check(f"redis://127.0.0.1:{free_port()}")
    assert (found.status, found.advice) == (
        "unknown", "Run this inside its VPC; functions outside of it pay for nothing."
    )  # fmt: skip
