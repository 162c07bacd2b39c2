"""Enterprise projects and subscriptions, through the handlers and real HTTP: what is held goes on by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest

from functions import on_notices, on_upload
from legible.model import layout
from legible.model.documents import ObjectRef
from legible.pipeline.obstacles import KnownObstacle, Obstacle
from localcloud.cloud import INPUT_BUCKET, OUTPUT_BUCKET, LocalCloud
from localcloud.eps import EnterpriseProject
from localcloud.faults import Fault
from tests.support import clouds
from tests.support.rig import PASSPORT, picture

REGION = "ap-southeast-1"
CLAIMS = "a1111111-0000-4000-8000-000000000001"
CLOSED = "c1111111-0000-4000-8000-000000000001"
GHOST = "d1111111-0000-4000-8000-000000000001"
KEY = "passport/anna.png"


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: PASSPORT, region=REGION) as running:
        running.eps.projects += [EnterpriseProject(CLAIMS, "claims"), EnterpriseProject(CLOSED, "old", False)]
        yield running


def upload(cloud, project="", key=KEY, width=60):
    metadata = {"legible-project": project} if project else {}
    clouds.client(cloud).putContent(INPUT_BUCKET, key, picture(width), metadata=metadata)
    (outcome,) = on_upload.handler(clouds.event(key), clouds.context(cloud))["documents"]
    return outcome


def headers(cloud):
    return [call.project for call in cloud.ocr.journal.calls]


def record(cloud, key=KEY):
    return json.loads(clouds.store(cloud).read(ObjectRef(OUTPUT_BUCKET, f"results/{key}/record.json")))


def minute(cloud):
    """Have the timer ring when everything that waits is due."""
    store = clouds.store(cloud)
    for item in list(store.list(OUTPUT_BUCKET, layout.obstacle())):
        ref = ObjectRef(OUTPUT_BUCKET, item.key)
        known = json.loads(store.read(ref))
        store.write(ref, json.dumps({**known, "next": "2026-01-01T00:00:00Z"}).encode(), "application/json")
    return on_notices.handler({}, clouds.context(cloud))


def test_a_document_is_billed_to_the_project_of_its_metadata_and_eps_is_asked_once(cloud):
    for number in range(3):
        assert upload(cloud, CLAIMS, f"passport/{number}.png", 60 + number)["status"] == "done"
        cloud.eps.denied.add("eps:enterpriseProjects:list")  # whoever asks again is refused, and the record says so
        assert record(cloud, f"passport/{number}.png")["notes"] == []
    assert headers(cloud) == [CLAIMS] * 3
    kept = clouds.store(cloud).read(ObjectRef(OUTPUT_BUCKET, layout.project(CLAIMS)))
    assert json.loads(kept)["state"] == "enabled"


@pytest.mark.parametrize(
    ("project", "code"),
    [(GHOST, "project-unknown"), (CLOSED, "project-disabled"), ("claims-2026", "project-malformed")],
)
def test_a_ghost_a_closed_and_a_malformed_project_cost_no_call(cloud, project, code):
    outcome = upload(cloud, project)
    assert (outcome["status"], outcome["reason"]["code"]) == ("held", code)
    assert cloud.ocr.journal.calls == ()
    assert cloud.ocr.journal.bill() == {}


def test_a_project_that_is_made_later_lets_its_documents_go(cloud):
    assert upload(cloud, GHOST)["status"] == "held"
    assert minute(cloud)["held"] == {"there": 1, "let_go": 0, "left": 0}
    cloud.eps.projects.append(EnterpriseProject(GHOST, "new"))
    report = minute(cloud)
    assert (report["held"]["let_go"], report["uploads"]["handed_on"]) == (1, 1)
    assert record(cloud)["status"] == "done"
    assert headers(cloud) == [GHOST]


def test_a_held_document_goes_on_when_the_subscription_appears(cloud):
    """Given three documents of an operation that nobody is subscribed to."""
    cloud.ocr.unsubscribed.add("passport")
    keys = [f"passport/{number}.png" for number in range(3)]
    for number, key in enumerate(keys):
        assert upload(cloud, key=key, width=60 + number)["status"] == "held"
    before = len(cloud.ocr.journal.calls)

    assert minute(cloud)["held"] == {"there": 1, "let_go": 0, "left": 0}
    assert len(cloud.ocr.journal.calls) - before == 1
    cloud.ocr.unsubscribed.clear()
    assert minute(cloud)["held"]["let_go"] == 3

    assert {record(cloud, key)["status"] for key in keys} == {"done"}
    assert sum(call.units for call in cloud.ocr.journal.calls) == 3
    probes = [item.key for item in clouds.store(cloud).list(OUTPUT_BUCKET, layout.PROBES)]
    lines = clouds.store(cloud).read(ObjectRef(OUTPUT_BUCKET, probes[0])).splitlines()
    assert [(json.loads(line)["operation"], json.loads(line)["who"]) for line in lines] == [("passport", "held")] * 2


@pytest.mark.parametrize(
    ("code", "advice"), [("EPS.0004", "eps:enterpriseProjects:list"), ("EPS.0006", "passes by itself")]
)
def test_what_is_missing_is_named_and_too_many_requests_are_no_missing_right(cloud, code, advice):
    cloud.eps.faults.add(Fault("error", status=403, code=code, message="CANARY security-token=CANARYTOKEN"))
    outcome = upload(cloud, CLAIMS)
    assert (outcome["status"], outcome["reason"]["code"]) == ("held", "project-unchecked")
    assert advice in outcome["reason"]["advice"]
    assert "CANARYTOKEN" not in json.dumps(record(cloud))
    assert minute(cloud)["held"]["let_go"] == 1
    assert record(cloud)["status"] == "done"


def obstacle(cloud, kind, subject, region=""):
    """Have an upload wait for something that is not asked of any service."""
    (item,) = clouds.store(cloud).list(OUTPUT_BUCKET, layout.HELD + "uploads/")
    waits = Obstacle(kind, subject, region)
    store = clouds.store(cloud)
    for old in list(store.list(OUTPUT_BUCKET, layout.obstacle())):
        store.remove(ObjectRef(OUTPUT_BUCKET, old.key))
    body = store.read(ObjectRef(OUTPUT_BUCKET, item.key))
    store.write(ObjectRef(OUTPUT_BUCKET, layout.held(waits.name, "1")), body, "application/json")
    known = msgspec.json.encode(KnownObstacle(waits))
    store.write(ObjectRef(OUTPUT_BUCKET, layout.obstacle(waits.name)), known, "application/json")


@pytest.mark.parametrize(
    ("kind", "subject", "region"),
    [
        ("operation", "passport", "cn-north-4"),
        ("operation", "no-such-card", REGION),
        ("settings", "of old", ""),
        ("project", GHOST, ""),
    ],
)
def test_what_the_settings_changed_is_no_obstacle_any_more(cloud, kind, subject, region):
    """Given a document that waits for an operation elsewhere, one that is no more, other settings, or their project."""
    assert upload(cloud, GHOST)["status"] == "held"
    obstacle(cloud, kind, subject, region)
    assert minute(cloud)["held"]["let_go"] == 1
    assert cloud.ocr.journal.calls == ()


def test_settings_that_are_as_they_were_are_an_obstacle_yet(cloud):
    assert upload(cloud, "no id")["reason"]["code"] == "project-malformed"
    assert minute(cloud)["held"] == {"there": 1, "let_go": 0, "left": 0}


def test_who_may_not_ask_has_one_document_find_out(cloud):
    """Given an account that may call nothing for a while."""
    cloud.ocr.faults.add(Fault("error", status=403, code="ModelArts.4203", times=2))
    outcome = upload(cloud)
    assert (outcome["status"], outcome["reason"]["code"]) == ("held", "not-permitted")
    assert minute(cloud)["held"] == {"there": 1, "let_go": 1, "left": 0}
    assert record(cloud)["status"] == "done"
