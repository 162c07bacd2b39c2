"""Functions whose settings have Redis decide: a document is paid for once Redis has said so, and not before."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from legible.model.documents import ObjectRef
from localcloud.cloud import OUTPUT_BUCKET, LocalCloud
from localcloud.functiongraph import load
from tests.support import clouds
from tests.support.places import ROOT
from tests.support.redis_server import PROGRAM, SKIPPED, RedisServer
from tests.support.rig import PASSPORT, picture

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=SKIPPED)
CANARY, WRONG = "canary-password-4711", "canary-wrong-0815"
Starter = Callable[[str], LocalCloud]


@pytest.fixture
def server(tmp_path) -> Iterator[RedisServer]:
    (tmp_path / "redis").mkdir()
    started = RedisServer(tmp_path / "redis", "--requirepass", CANARY)
    yield started
    started.stop()


@pytest.fixture
def cloud_with(tmp_path, server) -> Iterator[Starter]:
    """Return what starts a cloud whose functions have a password in their user variables."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "legible").symlink_to(ROOT / "shared" / "legible")
    (tmp_path / "code" / "legible.toml").write_text(
        f'[ledger]\narbiter = "redis"\nredis = "{server.url}"\nredis_password = "REDIS_SECRET"\n'
    )
    started = []

    def start(password: str) -> LocalCloud:
        functions = {
            key: replace(one, timeout=30.0, user_data={**one.user_data, "REDIS_SECRET": password})
            for key, one in load(ROOT / "serverless.yml").items()
        }
        code = (ROOT / "functions", tmp_path / "code", ROOT / "shared")
        cloud = LocalCloud(functions=functions, recognizer=lambda *_: PASSPORT, backoff=lambda attempt: 0.01, code=code)
        started.append(cloud)
        cloud.__enter__()
        return cloud

    yield start
    for cloud in started:
        cloud.__exit__(None, None, None)


def lines(cloud: LocalCloud, key: str) -> list[dict[str, object]]:
    store = clouds.store(cloud)
    listed = [one.key for one in store.list(OUTPUT_BUCKET, f"ledger/legible-in/{key}/")]
    (journal,) = [name for name in listed if "newest-" not in name]
    return [json.loads(line) for line in store.read(ObjectRef(OUTPUT_BUCKET, journal)).splitlines()]


def test_a_document_is_read_once_redis_has_said_so(cloud_with, server):
    # given
    cloud = cloud_with(CANARY)

    # when
    clouds.upload(cloud, "passport/a.png", picture())
    assert cloud.wait_idle(60)

    # then
    assert clouds.record(cloud, "passport/a.png")["status"] == "done"
    assert clouds.paid(cloud) == 1
    assert lines(cloud, "passport/a.png")[0]["fence"] > 10**15
    assert server.client(password=CANARY).keys("*claims*") == []

    # when Redis goes away
    server.stop()
    clouds.upload(cloud, "passport/b.png", picture(61))
    assert cloud.wait_idle(60)

    # then nothing is paid for, and the document waits
    assert clouds.paid(cloud) == 1
    assert [one.key for one in clouds.store(cloud).list(OUTPUT_BUCKET, "waiting/")]
    assert "finished" not in [line["event"] for line in lines(cloud, "passport/b.png")]


def test_a_wrong_password_is_a_wrong_setting_and_is_told_nowhere(cloud_with, capfd):
    cloud = cloud_with(WRONG)
    clouds.upload(cloud, "passport/a.png", picture())
    assert cloud.wait_idle(60)
    record = clouds.record(cloud, "passport/a.png")
    assert (record["status"], record["reason"]["code"]) == ("dead", "setting")
    assert clouds.paid(cloud) == 0
    store = clouds.store(cloud)
    kept = b"".join(store.read(ObjectRef(OUTPUT_BUCKET, one.key)) for one in store.list(OUTPUT_BUCKET, ""))
    assert b"canary" not in kept
    assert "canary" not in "".join(capfd.readouterr())
