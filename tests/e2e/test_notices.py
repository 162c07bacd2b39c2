"""Notices over real HTTP: an upload fires a process, and a receiver that verifies signatures hears of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from legible.model.documents import ObjectRef
from localcloud.cloud import OUTPUT_BUCKET, LocalCloud
from localcloud.faults import Fault
from localcloud.functiongraph import load
from localcloud.web import Server, read_body, read_headers
from tests.support import clouds
from tests.support.clouds import paid, record, upload
from tests.support.places import ROOT
from tests.support.rig import PASSPORT, picture

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TOPIC = "urn:smn:cn-north-4:0f4c0000c10d4e0a9b1ec0de10ca1000:legible"
KEY = "passport/护照 a+b.png"


class Receiver:
    """A webhook receiver as a customer writes one: it verifies, and tells apart what it had already."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.heard: dict[str, Any] = {}
        self.deliveries = 0
        self.forged = 0
        self.server = Server(self)

    def __call__(self, environ, start_response):
        body = read_body(environ)
        try:
            event = Webhook(SECRET).verify(body, read_headers(environ))
        except WebhookVerificationError:
            self.forged += 1
            start_response("401 Unauthorized", [])
            return [b""]
        self.deliveries += 1
        status = self.statuses.pop(0) if self.statuses else 204
        if status == 204:
            self.heard[event["id"]] = event
        start_response(f"{status} Answered", [])
        return []


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.stop()


@pytest.fixture
def start(tmp_path, receiver) -> Iterator[Callable[..., LocalCloud]]:
    """Start a local cloud whose functions have, beside their code, settings that name a webhook and a topic."""
    running: list[LocalCloud] = []
    (tmp_path / "legible").symlink_to(ROOT / "shared" / "legible")
    (tmp_path / "legible.toml").write_text(
        f'[notify.hr]\nkind = "webhook"\nurl = "{receiver.server.endpoint}/?key=CANARYPATH"\nsecret = "HOOK_SECRET"\n'
        f'[notify.ops]\nkind = "smn"\ntopic_urn = "{TOPIC}"\non = ["held", "dead"]\n'
        '[notify.bus]\nkind = "eventgrid"\nchannel_id = "6f2c"\nsource = "legible"\nmatch = "passport/*"\n'
        'fields = ["passport_number"]\n'
    )

    def started(secret: str = SECRET, **values: Any) -> LocalCloud:
        functions = {key: replace(found, timeout=30.0) for key, found in load(ROOT / "serverless.yml").items()}
        values = {"functions": functions, "recognizer": lambda *_: PASSPORT, "backoff": lambda attempt: 0.2, **values}
        code = (ROOT / "functions", tmp_path, ROOT / "shared")
        running.append(LocalCloud(code=code, user_data={"HOOK_SECRET": secret}, **values))
        return running[-1]

    yield started
    for cloud in running:
        cloud.stop()


def below(cloud: LocalCloud, prefix: str) -> dict[str, bytes]:
    store = clouds.store(cloud)
    return {item.key: store.read(ObjectRef(OUTPUT_BUCKET, item.key)) for item in store.list(OUTPUT_BUCKET, prefix)}


def deliveries(cloud: LocalCloud) -> list[dict[str, Any]]:
    return [json.loads(line) for body in below(cloud, "notices/log/").values() for line in body.splitlines()]


def moved_up(cloud: LocalCloud) -> None:
    """Make what waits due now: nobody waits a minute for a test."""
    store = clouds.store(cloud)
    for key, body in below(cloud, "notices/outbox/").items():
        due, rest = key.removeprefix("notices/outbox/").split(".", 1)
        assert due > "20200101T000000"
        store.write(ObjectRef(OUTPUT_BUCKET, f"notices/outbox/20200101T000000.{rest}"), body, "application/json")
        store.remove(ObjectRef(OUTPUT_BUCKET, key))


def ring(cloud: LocalCloud) -> None:
    moved_up(cloud)
    cloud.ring("legible-notices", datetime.now(timezone.utc))
    assert cloud.wait_idle(60)


def test_who_asked_for_it_hears_of_it_once_and_can_verify_it(start, receiver):
    # given
    cloud = start()
    cloud.functions.faults.add(Fault("duplicate", path="on_upload", count=3))

    # when
    upload(cloud, KEY, picture())
    assert cloud.wait_idle(60)

    # then
    (told,) = receiver.heard.values()
    assert (receiver.deliveries, receiver.forged, paid(cloud)) == (1, 0, 1)
    assert (told["specversion"], told["type"], told["subject"]) == ("1.0", "legible.document.done", KEY)
    found = clouds.store(cloud).read(ObjectRef(**told["data"]["record"]))
    assert json.loads(found)["document"]["key"] == KEY
    (event,) = cloud.messages.messages
    assert (event.service, event.body["source"]) == ("eventgrid", "legible")
    assert event.body["data"]["fields"] == [{"name": "passport_number", "value": "L898902C3", "page": 1}]
    assert "fields" not in told["data"]
    assert below(cloud, "notices/outbox/") == {}


def test_a_receiver_that_is_down_hears_of_it_later_and_the_document_does_not_wait(start, receiver):
    # given
    receiver.statuses = [503, 500]
    cloud = start()

    # when
    upload(cloud, KEY, picture())
    assert cloud.wait_idle(60)
    assert record(cloud, KEY)["status"] == "done"
    assert receiver.heard == {}
    ring(cloud)
    assert receiver.heard == {}
    ring(cloud)

    # then
    assert len(receiver.heard) == 1
    assert (receiver.deliveries, paid(cloud)) == (3, 1)
    assert below(cloud, "notices/outbox/") == {}
    hooks = sorted((line["attempt"], line["outcome"]) for line in deliveries(cloud) if line["target"] == "hr")
    assert hooks == [(1, "failed"), (2, "failed"), (3, "sent")]


@pytest.mark.parametrize("kind", ["kill-before", "kill-after"])
def test_an_instance_that_dies_while_it_tells_loses_nothing(start, receiver, kind):
    # given
    cloud = start(recognizer=lambda *_: PASSPORT)
    cloud.messages.faults.add(Fault(kind))

    # when
    upload(cloud, KEY, picture())
    assert cloud.wait_idle(60)
    ring(cloud)

    # then
    assert paid(cloud) == 1
    assert record(cloud, KEY)["status"] == "done"
    events = [message.body["id"] for message in cloud.messages.messages]
    assert len(set(events)) == 1
    assert len(receiver.heard) == 1
    assert below(cloud, "notices/outbox/") == {}


def test_what_is_held_goes_to_the_topic_and_what_the_platform_gave_up_on_too(start, receiver):
    cloud = start()
    cloud.ocr.unsubscribed.add("passport")
    upload(cloud, KEY, picture())
    assert cloud.wait_idle(60)
    (message,) = [one for one in cloud.messages.messages if one.service == "smn"]
    assert message.subject == f"Legible: held {KEY}"
    assert json.loads(message.body)["data"]["reason"] == "not-subscribed"

    # An event of long ago, which never came through: its day is over.
    cloud.functions.faults.add(Fault("drop", method="invoke", path="on_upload"))
    upload(cloud, "general-text/b.png", picture(61))
    event = clouds.event("general-text/b.png")
    event["Records"][0]["eventTime"] = "2026-01-01T00:00:00Z"
    cloud.functions.invoke_async("on_failure", {"request_payload": json.dumps(event)})
    assert cloud.wait_idle(60)
    assert record(cloud, "general-text/b.png")["status"] == "dead"
    assert sorted(told["data"]["status"] for told in receiver.heard.values()) == ["dead", "held"]


def test_secrets_and_what_was_recognized_reach_no_log_and_no_object_of_the_outbox(start, receiver):
    # given
    receiver.statuses = [500] * 9
    cloud = start()
    cloud.messages.faults.add(Fault("error", times=9))

    # when
    upload(cloud, KEY, picture())
    assert cloud.wait_idle(60)
    ring(cloud)

    # then
    logged = "\n".join(line for _, line in cloud.functions.log)
    kept = below(cloud, "notices/log/")
    assert "notice-failed" in logged
    assert len(deliveries(cloud)) == 4
    for secret in (
        SECRET,
        SECRET.removeprefix("whsec_"),
        "CANARYPATH",
        PASSPORT["passport_number"],
        PASSPORT["surname"],
    ):
        assert secret not in logged
        assert not [key for key, body in kept.items() if secret.encode() in body]
    for body in below(cloud, "notices/outbox/").values():
        assert SECRET.encode() not in body
        assert b"CANARYPATH" not in body


def test_a_receiver_that_cannot_verify_says_so_and_the_notice_waits(start, receiver):
    cloud = start(secret="whsec_" + "A" * 32)
    upload(cloud, KEY, picture())
    assert cloud.wait_idle(60)
    assert (receiver.forged, receiver.heard) == (1, {})
    assert [line["reason"] for line in deliveries(cloud) if line["target"] == "hr"] == ["receiver-refused"]
    assert len(below(cloud, "notices/outbox/")) == 1
