"""The HTTP function as the gateway calls it: event in, reply out, everything behind it through real HTTP."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
from PIL import Image

from functions import http_api, on_report, on_upload
from legible.huawei import functiongraph
from legible.huawei.context import Context
from legible.model.documents import ObjectRef, Upload
from legible.operations.routing import Routing
from legible.pipeline.holding import Holding
from legible.pipeline.obstacles import KnownObstacle, Obstacle
from legible.ports import Site
from localcloud.cloud import INPUT_BUCKET, OUTPUT_BUCKET, LocalCloud
from tests.support import clouds
from tests.support.rig import PASSPORT, picture


@pytest.fixture
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(functions={}, recognizer=lambda slug, image, options: PASSPORT) as running:
        yield running


def ask(cloud, method, path, body=None, query=None, context=None, **headers):
    event = {
        "httpMethod": method, "path": path, "queryStringParameters": query or {}, "isBase64Encoded": True,
        "headers": {"host": "api.example", **({"content-type": "application/json"} if body else {}), **headers},
        "body": base64.b64encode(json.dumps(body).encode()).decode() if body else "",
    }  # fmt: skip
    reply = http_api.handler(event, context or clouds.context(cloud))
    json.dumps(reply)
    return reply


def found(reply):
    return json.loads(base64.b64decode(reply["body"]))


def send(cloud, **more):
    content = base64.b64encode(picture()).decode()
    return ask(cloud, "POST", "/v1/documents", {"name": "a.png", "operation": "passport", "content": content}, **more)


def test_a_document_is_taken_and_shown(cloud):
    taken = found(send(cloud))
    on_upload.handler(clouds.event(taken["key"]), clouds.context(cloud))

    shown = found(ask(cloud, "GET", taken["links"]["self"]))
    assert (shown["status"], shown["operation"]) == ("done", "passport")


def test_where_no_function_can_be_called_a_document_is_read_in_the_call_itself(cloud):
    data = {**cloud.user_data, "LEGIBLE_FUNCTIONGRAPH_ENDPOINT": ""}
    context = clouds.context(cloud, user_data=data)
    taken = found(send(cloud))

    assert ask(cloud, "POST", taken["links"]["self"] + "/rerun", context=context)["statusCode"] == 202

    assert found(ask(cloud, "GET", taken["links"]["self"]))["status"] == "done"


def test_where_no_function_can_be_called_a_workbook_is_built_in_the_call_itself(cloud):
    context = clouds.context(cloud, user_data={**cloud.user_data, "LEGIBLE_FUNCTIONGRAPH_ENDPOINT": ""})
    assert ask(cloud, "POST", "/v1/workbooks", {"workbook": "all"}, context=context)["statusCode"] == 202
    assert ask(cloud, "GET", "/v1/workbooks/all.xlsx")["statusCode"] == 302
    send(cloud)
    hurried = clouds.context(cloud, 1.9, user_data={**cloud.user_data, "LEGIBLE_FUNCTIONGRAPH_ENDPOINT": ""})
    refused = ask(cloud, "POST", "/v1/workbooks", {"workbook": "all"}, context=hurried)
    assert (refused["statusCode"], found(refused)["type"]) == (409, "/problems/no-time")


def test_where_functions_can_be_called_they_are(cloud):
    """This cloud has none of them, and says which one it was asked for."""
    context = clouds.context(cloud, function="legible-http-api")
    taken = found(send(cloud))
    asked = {
        "legible-on-upload": (taken["links"]["self"] + "/rerun", None),
        "legible-on-timer": ("/v1/workbooks", {"workbook": "all"}),
    }
    for name, (path, body) in asked.items():
        reply = ask(cloud, "POST", path, body, context=context)
        assert (reply["statusCode"], found(reply)["type"]) == (409, "/problems/relay-not-found")
        assert f":{name}:latest" in found(reply)["detail"]


def test_a_signed_upload_carries_what_was_asked_for_and_nothing_else(cloud):
    body = {"name": "a.png", "operation": "passport", "size": len(picture()), "content_type": "image/png"}
    upload = found(ask(cloud, "POST", "/v1/uploads", body))["upload"]

    assert (
        requests.put(upload["url"], data=picture(), headers={"Content-Type": "image/png"}, timeout=10).status_code
        == 403
    )
    assert requests.put(upload["url"], data=picture(), headers=upload["headers"], timeout=10).status_code == 200


def test_an_md5_that_was_named_binds_the_content(cloud):
    body = {"name": "a.png", "operation": "passport", "size": 3, "md5": "kAFQmDzST7DWlj99KOF/cg=="}
    upload = found(ask(cloud, "POST", "/v1/uploads", body))["upload"]
    assert requests.put(upload["url"], data=b"xyz", headers=upload["headers"], timeout=10).status_code == 400
    assert requests.put(upload["url"], data=b"abc", headers=upload["headers"], timeout=10).status_code == 200


def test_a_result_opens_under_its_own_name_and_type(cloud):
    taken = found(send(cloud))
    ask(cloud, "POST", taken["links"]["self"] + "/rerun",
        context=clouds.context(cloud, user_data={**cloud.user_data, "LEGIBLE_FUNCTIONGRAPH_ENDPOINT": ""}))  # fmt: skip
    reply = ask(cloud, "GET", taken["links"]["self"] + ".xlsx")
    opened = requests.get(reply["headers"]["Location"], timeout=10)
    assert opened.content.startswith(b"PK")
    assert opened.headers["Content-Disposition"] == "attachment; filename*=UTF-8''a.png.xlsx"
    image = requests.get(
        ask(cloud, "GET", taken["links"]["self"] + "/pages/1/image")["headers"]["Location"], timeout=10
    )
    assert Image.open(io.BytesIO(image.content)).size == (60, 40)
    assert image.headers["Content-Type"] == "image/png"


def test_a_private_url_is_never_fetched(cloud):
    for url in ("https://127.0.0.1/a.png", "http://example.com/a.png", "https://169.254.169.254/latest"):
        reply = ask(cloud, "POST", "/v1/documents", {"url": url, "operation": "passport"})
        assert reply["statusCode"] == 422


def test_a_wrong_setting_is_a_reply_too(cloud):
    context = clouds.context(cloud, user_data={**cloud.user_data, "LEGIBLE_SOURCE": "urll"})
    reply = ask(cloud, "GET", "/v1/documents", context=context)
    assert (reply["statusCode"], "LEGIBLE_SOURCE is 'urll'" in found(reply)["detail"]) == (500, True)


def test_without_an_agency_it_says_what_to_do(cloud):
    reply = ask(cloud, "GET", "/v1/documents", context=clouds.context(cloud, access_key="", secret_key="", token=""))
    assert (reply["statusCode"], found(reply)["type"]) == (503, "/problems/agency-missing")


def test_the_console_is_shown_without_any_key(cloud):
    context = clouds.context(cloud, access_key="", secret_key="", token="")
    assert ask(cloud, "GET", "/console", context=context)["statusCode"] == 302


class TestNames:
    @pytest.mark.parametrize(
        ("name", "expected"), [("legible-on-upload", "latest"), ("other:!live", "!live"), ("other:v2", "v2")]
    )
    def test_a_sibling_is_named_by_its_own_version(self, cloud, name, expected):
        context = Context(clouds.context(cloud, function="legible-http-api"))
        urn = context.sibling("cn-north-4", name)
        assert urn.endswith(f":{name.partition(':')[0]}:{expected}")

    def test_where_the_runtime_does_not_say_enough_there_is_no_name(self, cloud):
        assert Context(clouds.context(cloud, project_id="")).sibling("cn-north-4", "x") == ""

    def test_an_event_of_an_upload_asks_for_the_same_again(self):
        upload = Upload(ObjectRef("legible-in", "a.png"), raw_key="a.png", again="somebody#3")
        assert functiongraph.uploads(functiongraph.event_of(upload)) == [upload]


class TestOversight:
    """What is told of the account, with everything behind it."""

    @pytest.fixture
    def counted(self, cloud):
        """Given a document that was read, and counted."""
        taken = found(send(cloud))
        on_upload.handler(clouds.event(taken["key"]), clouds.context(cloud))
        clouds.due_now(cloud)
        on_report.handler({}, clouds.context(cloud))
        return cloud

    def test_what_was_used_and_what_it_cost_is_told(self, counted):
        used = found(ask(counted, "GET", "/v1/usage"))
        assert [(row["name"], row["succeeded"]) for row in used["operations"]] == [("passport", 1)]
        assert [one["counts"] for one in used["ends"]] == [{"done": 1}]
        accounts = found(ask(counted, "GET", "/v1/accounts"))
        assert accounts["projects"][0]["totals"] == {"answered": 1}
        assert found(ask(counted, "GET", "/v1/packages"))["packages"] == []

    def test_what_the_service_counted_is_told(self, counted):
        compared = found(ask(counted, "GET", "/v1/reconciliation"))
        assert (compared["period"], compared["differences"]) == ("hour", [])

    def test_where_cloud_eye_is_not_reached_the_setting_is_named(self, cloud):
        data = {**cloud.user_data, "LEGIBLE_ACCOUNT_ENDPOINT": ""}
        refused = ask(cloud, "GET", "/v1/reconciliation", context=clouds.context(cloud, user_data=data))
        assert refused["statusCode"] == 409 and "LEGIBLE_ACCOUNT_ENDPOINT" in found(refused)["advice"]

    def test_operations_in_use_are_told_and_asked_for_and_what_they_hold_up(self, cloud):
        """Given documents held by an operation, by another one that may be called by now, and by a project."""
        clouds.upload(cloud, "passport/a.png", picture())
        holding = Holding(
            Site(clouds.store(cloud), INPUT_BUCKET, OUTPUT_BUCKET), clouds.earlier(timedelta(0)), Routing("")
        )
        for obstacle, gone in ((("operation", "vin", "r"), False), (("operation", "mvs-invoice", "r"), True),
                               (("project", "p", ""), False)):  # fmt: skip
            holding.put(KnownObstacle(Obstacle(*obstacle), gone=gone))
        told = found(ask(cloud, "GET", "/v1/subscriptions"))
        assert [one["operation"] for one in told["subscriptions"] if one["used_by"] == ["folder passport/"]] == [
            "passport"
        ]
        assert told["held"] == [{"operation": "vin", "region": "r"}]
        (one,) = found(ask(cloud, "GET", "/v1/subscriptions", query={"operation": "passport"}))["subscriptions"]
        assert one["state"] == "subscribed"


def test_what_is_not_done_is_listed_and_tried_once_more(cloud):
    clouds.upload(cloud, "passport/note.txt", b"hello")
    on_upload.handler(clouds.event("passport/note.txt"), clouds.context(cloud))

    listed = found(ask(cloud, "GET", "/v1/dead"))
    assert [(one["code"], one["documents"], one["cost"]["amount"]) for one in listed["causes"]] == [
        ("format-unknown", 1, None)
    ]

    body = {"reasons": ["format-unknown"], "max_calls": 1}
    moved = [found(ask(cloud, "POST", "/v1/redrives", body, **{"idempotency-key": "k"}))["moved"] for _ in range(2)]
    assert moved == [1, 1]
    assert len(list(clouds.store(cloud).list(OUTPUT_BUCKET, "waiting/"))) == 1
