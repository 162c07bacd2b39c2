"""The functions at work under their own rights: the local OBS refuses what their policies do not allow."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import requests

from functions import (
    give_up,
    http_api,
    on_audit_event,
    on_failure,
    on_forget,
    on_notices,
    on_report,
    on_sweep,
    on_timer,
    on_upload,
    recognize,
    recognize_pages,
    split,
)
from legible.api.ids import id_of
from legible.documents.uploads import Uploads
from legible.model import layout
from legible.model.documents import Document, ObjectRef, Upload
from legible.model.notices import Ending, Notice
from legible.notices.notice import EndLine
from legible.notices.outbox import Outbox, OutboxEntry
from legible.pipeline.waiting import WaitingRoom
from legible.ports import Site, utc_now
from legible.upkeep.findings import is_journal
from legible.upkeep.unsettled import note
from localcloud.cloud import FAILURES_BUCKET, INPUT_BUCKET, OUTPUT_BUCKET, LocalCloud
from localcloud.faults import Fault, Schedule
from tests.infra import rights
from tests.infra.policy_engine import Statement, allows
from tests.support import clouds
from tests.support.rig import TEXT, pdf, picture

#: What OBS asks for (api-obs obs_04_0111, obs_04_0112): method and whether an object is meant -> action.
ACTIONS = {
    ("GET", False): "obs:bucket:ListBucket",
    ("HEAD", False): "obs:bucket:HeadBucket",
    ("GET", True): "obs:object:GetObject",
    ("HEAD", True): "obs:object:GetObject",
    ("PUT", True): "obs:object:PutObject",
    ("POST", True): "obs:object:PutObject",
    ("DELETE", True): "obs:object:DeleteObject",
}
REFUSED = Fault("error", status=403, code="AccessDenied", message="The policies do not allow it.")


class RefusedError(Exception):
    """A function asked for what its policies do not allow."""


class Police(Schedule):
    """Refuses the requests that the policies of the function on duty do not allow, and remembers them."""

    def __init__(self) -> None:
        super().__init__()
        self.statements: list[Statement] | None = None
        self.refused: list[tuple[str, str]] = []
        self.allowed: list[tuple[str, str]] = []

    def take(self, method: str, path: str) -> Fault | None:
        if self.statements is None:
            return None
        bucket, _, key = path.partition("/")
        action = ACTIONS[method, bool(key)]  # a version's own actions stand beside these in the duty that has any
        resource = f"obs:*:*:object:{path}" if key else f"obs:*:*:bucket:{bucket}"
        fine = allows(self.statements, action, resource)
        (self.allowed if fine else self.refused).append((action, resource))
        return None if fine else REFUSED


class Watched:
    """A local cloud whose functions run under their policies."""

    def __init__(self, cloud: LocalCloud) -> None:
        self.cloud = cloud
        self.police = cloud.obs.faults = Police()

    def run(self, name: str, handler: Callable[[Any, Any], Any], event: Any, **changes: Any) -> Any:
        """Call a function as FunctionGraph does; its result is JSON."""
        self.police.statements = rights.statements(
            name, input=INPUT_BUCKET, output=OUTPUT_BUCKET, failures=FAILURES_BUCKET
        )
        self.police.allowed.clear()
        try:
            return json.loads(json.dumps(handler(event, clouds.context(self.cloud, **changes))))
        finally:
            self.police.statements = None
            if self.police.refused:
                raise RefusedError(f"{name}: {' on '.join(self.police.refused[0])}")

    def ask(self, method: str, path: str, body: Any = None, query: dict[str, str] | None = None) -> tuple[int, Any]:
        """Send a request to the HTTP function; return status and the reply's JSON or place."""
        event = {
            "httpMethod": method, "path": path, "queryStringParameters": query or {}, "isBase64Encoded": True,
            "headers": {"host": "api.example", **({"content-type": "application/json"} if body else {}),
                        "idempotency-key": "one"},
            "body": base64.b64encode(json.dumps(body).encode()).decode() if body else "",
        }  # fmt: skip
        reply = self.run("http_api", http_api.handler, event, function="legible-http-api")
        status = int(reply["statusCode"])
        return status, reply["headers"].get("Location") if status == 302 else json.loads(
            base64.b64decode(reply["body"])
        )


@pytest.fixture
def watched() -> Iterator[Watched]:
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: TEXT) as running:
        yield Watched(running)


def test_a_policy_that_lacks_a_right_is_noticed_here(watched):
    """Given that on_upload ran with the rights of on_notices: the other tests can fail."""
    clouds.upload(watched.cloud, "general-text/a.png", picture())
    with pytest.raises(RefusedError, match="on_notices: obs:object:GetObject on .*legible-in/general-text/a.png"):
        watched.run("on_notices", on_upload.handler, clouds.event("general-text/a.png"))


@pytest.mark.parametrize("source", ["url", "signed-url", "inline"])
def test_uploads(watched, source):
    cloud = watched.cloud
    data = {**cloud.user_data, "LEGIBLE_SOURCE": source}
    for key, body in {"a.png": picture(), "b.pdf": pdf(3), "c.zip": b"PK\3\4 no document"}.items():
        clouds.upload(cloud, f"general-text/{key}", body)
        watched.run("on_upload", on_upload.handler, clouds.event(f"general-text/{key}"), user_data=data)
    for body in (picture(90), picture()):  # replaced, and put back
        clouds.upload(cloud, "general-text/a.png", body)
        watched.run("on_upload", on_upload.handler, clouds.event("general-text/a.png"), user_data=data)
    clouds.upload(cloud, "general-text/_complete", b"")
    watched.run("on_upload", on_upload.handler, clouds.event("general-text/_complete"), user_data=data)

    assert clouds.record(cloud, "general-text/b.pdf")["status"] == "done"
    assert clouds.store(cloud).head(ObjectRef(OUTPUT_BUCKET, "workbooks/general-text.xlsx")).size


def test_pages_that_are_drawn(watched):
    """web-image reads no PDF: its pages lie below work/ meanwhile."""
    clouds.upload(watched.cloud, "web-image/b.pdf", pdf(2))
    watched.run("on_upload", on_upload.handler, clouds.event("web-image/b.pdf"))
    assert any("/work/" in resource for _, resource in watched.police.allowed)


@pytest.mark.parametrize(("at", "status"), [("2026-01-01T00:00:00Z", "dead"), (None, "running")])
def test_what_the_platform_gave_up(watched, at, status):
    """Given an upload whose day is over, and one that waits for another try."""
    clouds.upload(watched.cloud, "general-text/a.png", picture())
    upload = clouds.event("general-text/a.png")
    upload["Records"][0]["eventTime"] = at
    event = {
        "request_context": {"request_id": "r", "approximate_invoke_count": 4},
        "request_payload": json.dumps(upload),
        "response_context": {"status_code": 500, "function_error": "timed out"},
        "response_payload": "",
    }
    (outcome,) = watched.run("on_failure", on_failure.handler, event)["documents"]
    assert outcome["status"] == status


def test_uploads_that_wait(watched):
    """Given two that are due: one has ended meanwhile, the other is handed on by a function that is not there."""
    site = Site(clouds.store(watched.cloud), INPUT_BUCKET, OUTPUT_BUCKET)
    room = WaitingRoom(site, clouds.earlier(timedelta(minutes=2)))
    for key in ("general-text/a.png", "general-text/b.png"):
        clouds.upload(watched.cloud, key, picture())
        document, _ = Uploads(site).locate(Upload(ObjectRef(INPUT_BUCKET, key)))
        room.park(Upload(document.ref), document)
    watched.run("on_upload", on_upload.handler, clouds.event("general-text/a.png"))
    result = watched.run("on_notices", on_notices.handler, {}, function="legible-on-notices")
    assert result["uploads"] == {"handed_on": 0, "ended": 1, "left": 1}


def test_the_daily_workbook(watched):
    clouds.upload(watched.cloud, "general-text/a.png", picture())
    watched.run("on_upload", on_upload.handler, clouds.event("general-text/a.png"))
    event = {"trigger_type": "TIMER", "user_event": '{"workbook": "daily", "day": "today"}'}
    for _ in range(2):  # the second finds what the first left
        built = watched.run("on_timer", on_timer.handler, event)
    assert built["documents"] == 1


def test_what_cts_recorded(watched):
    event = {"cts": {"trace_id": "5f0c", "trace_name": "subscribeAISubService", "time": 1796003600000}}
    assert watched.run("on_audit_event", on_audit_event.handler, event) == {"trace": "5f0c"}


def test_reports(watched):
    for key in ("general-text/a.png", "general-text/b.png"):
        clouds.upload(watched.cloud, key, picture())
        watched.run("on_upload", on_upload.handler, clouds.event(key))
    clouds.due_now(watched.cloud)
    result = watched.run("on_report", on_report.handler, {"trigger_type": "TIMER"})
    assert result["changes"]["journals"] == 2
    assert result["audit"]["n"] == 5  # one call, two ends, the month's workbook and the settings
    assert result["workbooks"]["written"] == [f"reports/{utc_now():%Y-%m}/usage.xlsx"]


def test_the_sweep(watched):
    """Given an upload whose event was lost, one that somebody left, one whose result was removed, and a mark."""
    clouds.upload(watched.cloud, "general-text/a.png", picture())
    watched.run("on_upload", on_upload.handler, clouds.event("general-text/a.png"))
    bucket = clouds.store(watched.cloud)
    for name in ("record.json", "record.xlsx"):
        bucket.remove(ObjectRef(OUTPUT_BUCKET, layout.results("general-text/a.png", name)))
    clouds.upload(watched.cloud, "general-text/lost.png", picture(70))
    files = [item.key.rpartition("/")[2] for item in bucket.list(OUTPUT_BUCKET, layout.LEDGER)]
    (version,) = [file.removesuffix(".jsonl") for file in files if is_journal(file)]
    left = Document(INPUT_BUCKET, "general-text/a.png", version)
    note(Site(bucket, INPUT_BUCKET, OUTPUT_BUCKET), left)
    clouds.backdate(watched.cloud, timedelta(hours=2))
    watched.cloud.obs.age(timedelta(hours=2))
    swept = watched.run("on_sweep", on_sweep.handler, {"trigger_type": "TIMER"})
    assert (swept["repaired"], swept["settled"]) == ({"lost": 1, "unpublished": 1}, 1)


def test_forgetting(watched):
    """Given a document that somebody asked the API to forget, then the one function that may remove it does."""
    clouds.upload(watched.cloud, "general-text/a.png", picture())
    watched.run("on_upload", on_upload.handler, clouds.event("general-text/a.png"))
    built = {"trigger_type": "TIMER", "user_event": '{"workbook": "all"}'}
    watched.run("on_timer", on_timer.handler, built)
    itself = f"/v1/documents/{id_of('general-text/a.png')}"
    assert watched.ask("POST", f"{itself}/forget", {"reason": "case 12"})[0] == 202
    result = watched.run("on_forget", on_forget.handler, {"trigger_type": "TIMER"}, seconds=300)
    assert (result["resumed"]["emptied"], result["resumed"]["built"]) == (1, ["all"])
    late = watched.run("on_upload", on_upload.handler, clouds.event("general-text/a.png"))
    assert late["documents"][0]["status"] == "skipped"


def test_notices(watched):
    ending = Ending(
        bucket=INPUT_BUCKET, key="a.png", version="v", operation="", status="dead", pages=0,
        record=ObjectRef(OUTPUT_BUCKET, "answers/a.png/v/record.json"), revision=0,
    )  # fmt: skip
    told = Notice(id="0f" * 16, source="/s", type="legible.document.dead", subject="a.png", time=utc_now(), data=ending)
    site = Site(clouds.store(watched.cloud), INPUT_BUCKET, OUTPUT_BUCKET)
    box = Outbox(site, clouds.earlier(timedelta(minutes=2)))
    box.put(OutboxEntry("gone", told, EndLine(), utc_now()))
    result = watched.run("on_notices", on_notices.handler, {"trigger_type": "TIMER"})
    assert result["notices"]["given_up"] == 1


def test_the_http_api(watched):
    content = base64.b64encode(picture()).decode()
    body = {"name": "a.png", "operation": "general-text", "content": content}
    _, taken = watched.ask("POST", "/v1/documents", body)
    watched.run("on_upload", on_upload.handler, clouds.event(taken["key"]))
    itself = taken["links"]["self"]

    assert watched.ask("GET", itself)[1]["status"] == "done"
    assert watched.ask("GET", "/v1/documents")[0] == 200
    image = watched.ask("GET", f"{itself}/pages/1/image")[1]
    assert requests.get(image, timeout=10).status_code == 200
    assert watched.ask("GET", f"{itself}.xlsx")[0] == 302
    assert watched.ask("GET", f"{itself}/pages/1/answer")[0] == 200
    version = watched.ask("GET", itself)[1]["version"]
    edit = {"page": 1, "name": "#1", "was": TEXT["words_block_list"][0]["words"], "value": "mended"}
    assert (
        watched.ask("POST", f"{itself}/review", {"version": version, "author": "me", "edits": [edit]})[1]["applied"]
        == 1
    )
    signed = watched.ask("POST", "/v1/uploads", {"name": "b.png", "operation": "general-text", "size": 3})[1]["upload"]
    watched.police.statements = rights.statements("http_api", input=INPUT_BUCKET, output=OUTPUT_BUCKET)
    assert requests.put(signed["url"], data=b"abc", headers=signed["headers"], timeout=10).status_code == 200
    watched.police.statements = None
    assert watched.ask("GET", "/v1/health")[0] == 200
    assert watched.ask("GET", "/v1/audit")[1]["waiting"] >= 2
    assert watched.ask("GET", "/v1/usage")[1]["waiting"] == 1
    assert watched.ask("GET", "/v1/status")[1]["total"]["done"] == 1
    clouds.due_now(watched.cloud)
    watched.run("on_report", on_report.handler, {"trigger_type": "TIMER"})
    assert [row["name"] for row in watched.ask("GET", "/v1/usage")[1]["operations"]] == ["general-text"]
    assert watched.ask("GET", "/v1/packages")[0] == 200
    assert watched.ask("GET", "/v1/accounts")[1]["projects"][0]["totals"]["answered"] == 1
    found = watched.ask("GET", "/v1/subscriptions", query={"operation": "general-text"})[1]
    assert (found["subscriptions"][0]["state"], found["held"]) == ("subscribed", [])
    assert watched.ask("GET", "/v1/reconciliation")[1]["period"] == "hour"
    assert watched.ask("POST", f"{itself}/rerun")[0] == 200


def test_the_steps_of_a_flow(watched):
    clouds.upload(watched.cloud, "general-text/b.pdf", pdf(4))
    event = {"bucket": INPUT_BUCKET, "key": "general-text/b.pdf"}
    found = watched.run("split", split.handler, event)
    for share in (1, 2):
        watched.run("recognize_pages", recognize_pages.handler, {"document": found, "share": share, "shares": 2})
    end = watched.run("recognize", recognize.handler, {"document": found})
    assert (end["status"], end["pages"]) == ("done", 4)


def test_what_a_flow_gave_up(watched):
    clouds.upload(watched.cloud, "general-text/b.pdf", pdf(2))
    event = {"bucket": INPUT_BUCKET, "key": "general-text/b.pdf"}
    end = watched.run("give_up", give_up.handler, {"document": event, "error": {"errorType": "X", "errorMessage": "y"}})
    assert end["status"] == "dead"
