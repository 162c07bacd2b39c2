"""SMN and EventGrid over HTTP, with the signer of the vendor's SDK: what arrives, and what faults mean."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone

import pytest
from msgspec import structs

from legible.errors import HeldError, LegibleError, RejectedError, SettingsError, UnavailableError
from legible.huawei import eventgrid, smn
from legible.huawei.context import Context
from legible.huawei.credentials import Credentials
from legible.huawei.eventgrid import EventGridNotifier
from legible.huawei.functiongraph import uploads
from legible.huawei.smn import SmnNotifier
from legible.model.documents import ObjectRef
from legible.model.notices import Ending, Notice
from legible.notices.webhook import WebhookNotifier
from legible.ports import Notifier
from legible.settings import toml_file
from legible.wiring import adapters
from legible.wiring.parts import Parts, pipeline
from localcloud.cloud import LocalCloud
from localcloud.faults import Fault
from localcloud.web import Server, read_body
from tests.support import clouds
from tests.support.fakes import Clock, ScriptedOcr, invocation
from tests.support.rig import picture

TOPIC = "urn:smn:cn-north-4:0f4c0000c10d4e0a9b1ec0de10ca1000:legible"
CHANNEL = "6f2c5ab1-0000-4c4c-9e9e-5f0e3d2c1b0a"
KEY = "passport/100 % + 文件.png"
NOTICE = Notice(
    id="0123456789abcdef",
    source="/legible/cn-north-4/legible-in",
    type="legible.document.held",
    subject=KEY,
    time=datetime(2026, 11, 23, 9, 0, tzinfo=timezone.utc),
    data=Ending(
        bucket="legible-in", key=KEY, version="v", operation="passport", status="held", pages=0,
        reason="not-subscribed", record=ObjectRef("legible-out", f"answers/{KEY}/v/record.json"), revision=0,
    ),
)  # fmt: skip
CANARIES = {"access_key": "CANARYACCESS", "secret_key": "CANARYSECRET", "token": "CANARYTOKEN"}
KINDS = ["smn", "eventgrid"]


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(functions={}) as running:
        yield running


def notifier(kind: str, cloud: LocalCloud, where: str = "", **changes: str) -> Notifier:
    key = cloud.keys.temporary()
    keys = Credentials(**{"access_key": key.access, "secret_key": key.secret, "token": key.token, **changes})
    if kind == "smn":
        return SmnNotifier(where or cloud.smn_endpoint, keys, cloud.project_id, TOPIC)
    return EventGridNotifier(where or cloud.eventgrid_endpoint, keys, cloud.project_id, CHANNEL, "legible-source")


def test_a_topic_gets_a_message_with_the_notice(cloud):
    notifier("smn", cloud).send(NOTICE, 5)
    (message,) = cloud.messages.messages
    assert (message.service, message.target, message.subject) == ("smn", TOPIC, f"Legible: held {KEY}")
    assert json.loads(message.body)["data"]["reason"] == "not-subscribed"
    assert json.loads(message.body)["source"] == "/legible/cn-north-4/legible-in"


def test_a_subject_is_one_line_of_512_bytes_at_most(cloud):
    notifier("smn", cloud).send(structs.replace(NOTICE, subject="a\nb\r\n " + "文" * 300), 5)
    (message,) = cloud.messages.messages
    assert message.subject.startswith("Legible: held a b 文文")
    assert 509 <= len(message.subject.encode()) <= 512


def test_a_channel_gets_the_notice_as_an_event_of_its_source(cloud):
    notifier("eventgrid", cloud).send(NOTICE, 5)
    (message,) = cloud.messages.messages
    assert (message.service, message.target, message.subject) == ("eventgrid", CHANNEL, KEY)
    assert message.body["source"] == "legible-source"
    assert (message.body["id"], message.body["type"]) == (NOTICE.id, "legible.document.held")
    assert message.body["data"]["record"]["bucket"] == "legible-out"


@pytest.mark.parametrize("kind", KINDS)
class TestFaults:
    def refused(self, kind: str, cloud: LocalCloud, **changes: str) -> LegibleError:
        with pytest.raises(LegibleError) as caught:
            notifier(kind, cloud, **changes).send(NOTICE, 2)
        return caught.value

    def test_keys_that_are_refused_hold_and_are_not_quoted(self, cloud, kind):
        error = self.refused(kind, cloud, **CANARIES)
        assert (type(error), error.reason_code, error.vendor_code) == (HeldError, "not-permitted", "APIGW.0301")
        assert error.request_id
        assert {"smn": "smn:topic:publish", "eventgrid": "eg:channels:putEvents"}[kind] in error.advice
        assert "CANARY" not in f"{error} {error!r} {vars(error)}"
        assert cloud.messages.messages == []

    def test_whom_nobody_knows_holds(self, cloud, kind):
        cloud.messages.gone |= {TOPIC, CHANNEL}
        error = self.refused(kind, cloud)
        assert (type(error), error.reason_code) == (HeldError, "notice-refused")
        assert error.vendor_code == {"smn": "SMN.0006", "eventgrid": "EG.00014040"}[kind]
        assert f"{kind}.endpoint" in error.advice

    @pytest.mark.parametrize(
        "fault",
        [
            Fault("error"),
            Fault("error", code="EG.00015000"),
            Fault("error", status=503),
            Fault("error", status=408),
            Fault("cut"),
            Fault("lost-answer", seconds=60),
        ],
    )
    def test_what_passes_is_left_to_the_outbox(self, cloud, kind, fault):
        cloud.messages.faults.add(fault)
        begun = time.monotonic()
        assert type(self.refused(kind, cloud)) is UnavailableError
        assert time.monotonic() - begun < 30

    def test_what_is_too_large_is_never_taken(self, cloud, kind):
        cloud.messages.faults.add(Fault("error", code="X.1", status=413))
        error = self.refused(kind, cloud)
        assert (type(error), error.reason_code) == (RejectedError, "notice-too-large")
        assert error.advice == "Ask for fewer fields."

    def test_what_no_page_names_holds_with_its_code(self, cloud, kind):
        cloud.messages.faults.add(
            Fault("error", code="X.1", message="signed with CANARY: x-security-token: CANARYTOKEN")
        )
        error = self.refused(kind, cloud)
        assert (type(error), error.vendor_code) == (HeldError, "X.1")
        assert "CANARYTOKEN" not in str(error)

    @pytest.mark.parametrize(
        "body",
        [b"", b"<html>proxy</html>", b"[]", b"{}", b"[" * 100_000, b'{"message_id": ""}', b'{"failed_count": null}'],
    )
    def test_a_success_that_says_nothing_is_none(self, cloud, kind, body):
        cloud.messages.faults.add(Fault("body", body=body))
        error = self.refused(kind, cloud)
        assert type(error) is UnavailableError
        assert "it is not known whether it took the notice" in error.message

    def test_nobody_there(self, cloud, kind):
        with pytest.raises(UnavailableError, match="cannot be reached"):
            notifier(kind, cloud, where="http://127.0.0.1:9").send(NOTICE, 1)

    def test_a_proxys_page_is_not_taken_for_an_answer(self, cloud, kind):
        def app(environ, start_response):
            read_body(environ)
            start_response("302 Found", [("Location", "http://127.0.0.1:9/")])
            return [b"<html>"]

        server = Server(app)
        with pytest.raises(HeldError, match="answers 302"):
            notifier(kind, cloud, where=server.endpoint).send(NOTICE, 2)
        server.stop()


@pytest.mark.parametrize("events", ["told", "nothing"])
def test_an_event_that_is_counted_as_failed_was_not_taken(cloud, events):
    fault = Fault("refuse-event") if events == "told" else Fault("body", body=b'{"failed_count": 1, "events": []}')
    cloud.messages.faults.add(fault)
    with pytest.raises(HeldError, match="did not take the event") as caught:
        notifier("eventgrid", cloud).send(NOTICE, 5)
    assert caught.value.vendor_code == ("EG.00014000" if events == "told" else "")


class TestWiring:
    NOTIFY = f"""
[notify.ops]
kind = "smn"
topic_urn = "{TOPIC}"
[notify.bus]
kind = "eventgrid"
channel_id = "{CHANNEL}"
source = "legible-source"
[notify.hr]
kind = "webhook"
url = "https://hooks.example/x"
secret = "LEGIBLE_HOOK"
"""
    SECRET = {"LEGIBLE_HOOK": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    MINIMUM = {"LEGIBLE_REGION": "cn-north-4", "LEGIBLE_INPUT_BUCKET": "in-b", "LEGIBLE_OUTPUT_BUCKET": "out-b"}
    APART = {"LEGIBLE_OBS_ENDPOINT": "http://127.0.0.1:1", "LEGIBLE_OCR_ENDPOINT": "http://127.0.0.1:2"}
    OWN = {"LEGIBLE_SMN_ENDPOINT": "http://127.0.0.1:3", "LEGIBLE_EVENTGRID_ENDPOINT": "http://127.0.0.1:4"}

    @pytest.fixture
    def made(self, tmp_path) -> Callable[..., dict[str, Notifier]]:
        def make(**values: str) -> dict[str, Notifier]:
            (tmp_path / "legible.toml").write_text(self.NOTIFY)
            data = {**self.MINIMUM, **values}
            loaded = toml_file.load(tmp_path / "legible.toml", data.get)
            return adapters.notifiers(loaded, Context(Named(data)), Credentials("a", "s", "t"))

        return make

    def test_each_target_is_told_by_its_kind(self, made):
        found = made(**self.SECRET)
        kinds = {name: type(one) for name, one in found.items()}
        assert kinds == {"ops": SmnNotifier, "bus": EventGridNotifier, "hr": WebhookNotifier}
        assert found["ops"]._caller._service.endpoint == smn.endpoint("cn-north-4")
        assert found["bus"]._caller._service.endpoint == eventgrid.endpoint("cn-north-4")

    def test_endpoints_that_are_set_count(self, made):
        found = made(**self.SECRET, **self.OWN)
        assert found["ops"]._caller._service.endpoint == "http://127.0.0.1:3"
        assert found["bus"]._caller._service.endpoint == "http://127.0.0.1:4"

    def test_with_the_other_endpoints_set_by_hand_only_what_is_set_by_hand_is_reached(self, made):
        assert set(made(**self.SECRET, **self.APART)) == {"hr"}
        assert set(made(**self.SECRET, **self.APART, **self.OWN)) == {"ops", "bus", "hr"}

    def test_a_secret_that_is_not_there_is_refused_at_start(self, made):
        with pytest.raises(SettingsError, match="LEGIBLE_HOOK does not hold the secret"):
            made()


class Named:
    """A platform's context with user variables."""

    def __init__(self, data: dict[str, str]) -> None:
        self.data = data

    def getUserData(self, name: str) -> str | None:
        return self.data.get(name)

    def getProjectID(self) -> str:
        return "p" * 32


def test_what_a_busy_topic_did_not_take_waits_in_the_bucket(cloud, tmp_path):
    """Given real adapters over real HTTP: the topic is busy, and the document ends all the same."""
    # given
    file = tmp_path / "legible.toml"
    file.write_text(f'[notify.ops]\nkind = "smn"\ntopic_urn = "{TOPIC}"\n')
    call = Context(clouds.context(cloud))
    loaded, keys, store = toml_file.load(file, call.variable), call.credentials(), clouds.store(cloud)
    store.write(ObjectRef("legible-in", "passport/tiny.png"), picture(14, 14), "image/png")
    cloud.messages.faults.add(Fault("error"))

    # when
    made = Parts(loaded, store, invocation(Clock()), tmp_path)
    told = pipeline(made, ScriptedOcr({}), adapters.notifiers(loaded, call, keys))
    (outcome,) = told.uploads(uploads(clouds.event("passport/tiny.png")))

    # then
    assert outcome.status == "rejected"
    assert cloud.messages.messages == []
    (kept,) = store.list("legible-out", "notices/outbox/")
    entry = json.loads(store.read(ObjectRef("legible-out", kept.key)))
    assert (entry["target"], entry["notice"]["subject"]) == ("ops", "passport/tiny.png")
    (list_of_deliveries,) = store.list("legible-out", "notices/log/")
    (line,) = store.read(ObjectRef("legible-out", list_of_deliveries.key)).splitlines()
    assert json.loads(line)["outcome"] == "failed"
