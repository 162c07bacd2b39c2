"""The local services of the account: fed by what OCR counted, at one address, with events for functions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkfunctiongraph.v2 import (
    FunctionGraphClient,
    ListAsyncInvocationsRequest,
    ListFunctionTriggersRequest,
)
from huaweicloudsdkocr.v1 import OcrClient, PassportRequestBody, RecognizePassportRequest

from legible.huawei.account import Access
from legible.huawei.credentials import Credentials
from legible.model.account import RAW, Measured, Metric, Span, TraceQuery
from legible.settings import toml_file
from legible.wiring.account import Account
from localcloud.billing import Bought
from localcloud.billing.settlement import Charged, settle
from localcloud.cloud import LocalCloud
from localcloud.cloudeye.points import Point, counted, rolled
from localcloud.eps import EnterpriseProject
from localcloud.faults import Fault
from localcloud.functiongraph import AsyncPolicy, ConfigError, CtsTrigger, Function, load
from localcloud.kept import Kept
from localcloud.ocr.journal import Call
from tests.support import clouds

CLAIMS = "6b0b5d0e-9c4e-4d0f-8d57-2b1f6a3c9e11"
#: Writes down what it was given; fails where it is told to.
HANDLER = """
import json
from obs import ObsClient

def handler(event, context):
    trace = event["cts"]
    store = ObsClient(access_key_id=context.getSecurityAccessKey(), secret_access_key=context.getSecuritySecretKey(),
        security_token=context.getSecurityToken(), server=context.getUserData("LEGIBLE_OBS_ENDPOINT"),
        signature="v2", path_style=True)
    if trace["resource_name"] == "web-image":
        raise ValueError("it failed")
    assert store.putContent("legible-out", "seen/" + trace["trace_id"], content=json.dumps(trace)).status == 200
"""
AUDIT = CtsTrigger("audit_ocr", ("OCR:ai_service:subscribeAISubService;other", "IAM:user:login"))


@pytest.fixture
def start(code: Callable[[str], Path]) -> Iterator[Callable[..., LocalCloud]]:
    running: list[LocalCloud] = []

    def start(state: Path | None = None, **functions: Function) -> LocalCloud:
        cloud = LocalCloud(
            state,
            functions=functions,
            code=(code(HANDLER),),
            recognizer=lambda slug, document, options: {"slug": slug},
            backoff=lambda attempt: 0.05,
        )
        running.append(cloud)
        return cloud

    yield start
    for cloud in running:
        cloud.stop()


def account(cloud: LocalCloud) -> Account:
    """Return the adapters of a function of this cloud, as its user variables lead it there."""
    key = cloud.keys.temporary()
    settings = toml_file.load(None, cloud.user_data.get)
    return Account(settings, Access(Credentials(key.access, key.secret, key.token), cloud.project_id))


def probe(cloud: LocalCloud, connect: Callable[..., Any], image: str, project: str = "") -> None:
    """Call OCR as some program does."""
    builder = connect(cloud)
    request = RecognizePassportRequest(body=PassportRequestBody(image=image))
    if project:
        request.enterprise_project_id = project
    builder.recognize_passport(request)


@pytest.fixture
def connect() -> Callable[[LocalCloud], Any]:
    def connect(cloud: LocalCloud) -> Any:
        keys = BasicCredentials(cloud.credentials.access, cloud.credentials.secret, cloud.project_id)
        return OcrClient.new_builder().with_credentials(keys).with_endpoint(cloud.ocr_endpoint).build()

    return connect


def test_calls_of_any_program_and_probes_count_and_bills_know_their_project(start, connect, base64_png):
    cloud = start()
    cloud.eps.projects.append(EnterpriseProject(CLAIMS, "claims"))
    cloud.billing.packages.append(Bought("fr-1", 1, operations=frozenset({"passport"})))
    made = account(cloud)
    begun = datetime.now(timezone.utc)
    for project in ("", CLAIMS, CLAIMS):
        probe(cloud, connect, base64_png, project)
    with pytest.raises(ServiceResponseException):
        probe(cloud, connect, "bm90IGFuIGltYWdl")
    later = time.time() + 120
    cloud.cloudeye.clock = cloud.billing.clock = lambda: later

    counts = {
        one.metric.name: one.total
        for one in made.metrics.sums(made.metrics.names("SYS.OCR"), Span(begun, begun + timedelta(minutes=3), RAW))
    }

    assert counts == {"successful_call_times_of_service": 3, "failed_call_times_of_service": 1}
    (package,) = made.billing.packages()
    assert (package.left, package.state) == (0, "used-up")
    first = begun.date() - timedelta(days=1)
    lines = made.billing.lines(first, first + timedelta(days=3))
    assert [(one.enterprise_project, one.project_name) for one in lines] == [(CLAIMS, "claims")]
    assert made.projects.find(CLAIMS).name == "claims"


def test_a_subscription_reaches_the_function_that_watches_for_it(start):
    cloud = start(audit=Function("audit", "h.handler", audits=(AUDIT,)), other=Function("other", "h.handler"))

    cloud.ocr.unsubscribe("passport", "ops")
    cloud.ocr.subscribe("passport", "ops")
    assert cloud.wait_idle(30)

    (key,) = [one.key for one in clouds.store(cloud).list("legible-out", "seen/")]
    (trace, _) = account(cloud).traces.find(window())
    assert key == f"seen/{trace.id}"
    assert (trace.name, trace.operator) == ("subscribeAISubService", "ops")


def window() -> TraceQuery:
    now = datetime.now(timezone.utc)
    return TraceQuery(begin=now - timedelta(days=1), end=now + timedelta(minutes=1))


def test_an_event_that_fails_is_tried_again_and_can_be_listed(start):
    policy = AsyncPolicy(max_retry_attempts=1)
    cloud = start(audit=Function("audit", "h.handler", name="legible-audit", audits=(AUDIT,), policy=policy))
    cloud.ocr.subscribe("passport")
    cloud.ocr.subscribe("web-image")
    cloud.functions.faults.add(Fault("drop", "invoke", "audit"))
    cloud.ocr.subscribe("general-text")
    assert cloud.wait_idle(30)
    client = functions_of(cloud)
    urn = cloud.functions.urn("audit")

    def states(**asked: Any) -> list[str]:
        told = client.list_async_invocations(ListAsyncInvocationsRequest(function_urn=urn, **asked))
        return [one.status for one in told.invocations]

    assert states() == ["DISCARD", "FAIL", "SUCCESS"]
    assert states(status="DISCARD") == ["DISCARD"]
    assert states(limit="1", marker="1") == ["FAIL"]
    hour = timedelta(hours=1)
    before = {"query_begin_time": said(-2 * hour), "query_end_time": said(-hour)}
    assert states(**before) == []
    (trigger,) = client.list_function_triggers(ListFunctionTriggersRequest(function_urn=urn)).body
    assert trigger.trigger_type_code == "CTS"


def said(ago: timedelta) -> str:
    return (datetime.now(timezone.utc) + ago).strftime("%Y-%m-%dT%H:%M:%S")


def functions_of(cloud: LocalCloud) -> FunctionGraphClient:
    keys = BasicCredentials(cloud.credentials.access, cloud.credentials.secret, cloud.project_id)
    return FunctionGraphClient.new_builder().with_credentials(keys).with_endpoint(cloud.functiongraph_endpoint).build()


@pytest.mark.parametrize(
    "asked", [{"limit": "501"}, {"limit": "x"}, {"status": "LOST"}, {"query_begin_time": "yesterday"}]
)
def test_a_list_of_calls_that_is_asked_for_wrongly(start, asked):
    cloud = start(audit=Function("audit", "h.handler", audits=(AUDIT,)))
    request = ListAsyncInvocationsRequest(function_urn=cloud.functions.urn("audit"), **asked)
    with pytest.raises(ServiceResponseException) as caught:
        functions_of(cloud).list_async_invocations(request)
    assert caught.value.error_code == "FSS.0400"


def test_calls_that_wait_are_listed_as_waiting(start):
    cloud = start(audit=Function("audit", "h.handler", audits=(AUDIT,)))
    cloud.functions.faults.add(Fault("late", "invoke", "audit", seconds=60))
    cloud.ocr.subscribe("passport")
    request = ListAsyncInvocationsRequest(function_urn=cloud.functions.urn("audit"), status="WAIT")
    (one,) = functions_of(cloud).list_async_invocations(request).invocations
    assert one.request_id


def test_a_restart_keeps_what_was_recorded_and_measured(start, tmp_path):
    cloud = start(tmp_path / "state")
    cloud.ocr.subscribe("passport")
    own = Metric("LEGIBLE.Documents", "done", (("deployment", "d"),), "count")
    account(cloud).metrics.write([Measured(own, 2, datetime.now(timezone.utc))])
    cloud.stop()
    again = start(tmp_path / "state")
    assert [one.resource_name for one in again.cts.traces.entries] == ["passport"]
    assert account(again).metrics.names("LEGIBLE.Documents") == [own]


def test_what_was_cut_short_by_a_kill_is_not_read(tmp_path):
    kept = Kept(tmp_path / "k" / "calls.jsonl", Call)
    kept.add(Call(1.0, "passport", "r", 200))
    with (tmp_path / "k" / "calls.jsonl").open("ab") as file:
        file.write(b'{"time": 2.0, "sl')
    assert [one.time for one in Kept(tmp_path / "k" / "calls.jsonl", Call).entries] == [1.0]


def test_clients_of_the_vendor_find_the_services(start):
    said = start().environment()
    address = said["LEGIBLE_ACCOUNT_ENDPOINT"]
    for name in ("REGION_CES_CN_NORTH_4", "REGION_EPS_CN_NORTH_4", "REGION_BSSINTL_AP_SOUTHEAST_1", "IAM_ENDPOINT"):
        assert said[f"HUAWEICLOUD_SDK_{name}"] == address


# --- triggers in serverless.yml


def test_a_trigger_is_read_from_serverless_yml(tmp_path):
    file = tmp_path / "serverless.yml"
    file.write_text(
        "service: s\nprovider: {name: huawei}\nfunctions:\n  audit:\n    name: a\n    handler: h.handler\n    events:\n"
        "      - triggerTypeCode: CTS\n        eventData: {name: audit_ocr, operations: "
        '["OCR:ai_service:subscribeAISubService;other"]}\n'
    )
    (trigger,) = load(file)["audit"].audits
    assert trigger.watched == {("OCR", "ai_service", "subscribeAISubService"), ("OCR", "ai_service", "other")}


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("audit-ocr", "A:b:c"),
        ("x" * 65, "A:b:c"),
        ("audit", "A:b"),
        ("audit", "A:b:c;"),
        ("audit", "A:b:c:d"),
        ("audit", ""),
    ],
)
def test_triggers_that_the_platform_refuses(name, operation):
    with pytest.raises(ConfigError):
        CtsTrigger(name, (operation,))


# --- what is counted and settled, without HTTP


def call(seconds: float, slug: str = "passport", status: int = 200, units: int = 1, **more: Any) -> Call:
    return Call(seconds, slug, "r", status, units=units if status == 200 else 0, **more)


def test_what_the_gateway_refuses_is_not_counted_and_what_the_service_refuses_is():
    calls = [
        call(61), call(119), call(120, status=403, code="ModelArts.4204"), call(61, status=401, code="APIG.0301"),
        call(61, status=429, code="APIG.0308"), call(61, status=499, code="killed"), call(61, slug="", status=404),
    ]  # fmt: skip
    found = {
        (one.name, dict(one.dimensions)["call_of_interface"]): points
        for one, points in counted(calls, str.upper).items()
    }
    assert found == {
        ("successful_call_times_of_service", "PASSPORT"): [Point(60, 2)],
        ("failed_call_times_of_service", "PASSPORT"): [Point(120, 1)],
    }


def test_roll_ups_round_down_leave_out_late_points_and_forget():
    points = [Point(3600, 1), Point(3660, 3), Point(3700, 5, late=True), Point(7200, 9)]
    assert rolled(points, 3600, "sum", (3700, 7200), 7300) == {3600: 4}
    assert rolled(points, 1, "max", (3600, 7200), 7300) == {3600: 1, 3660: 3, 3700: 5, 7200: 9}
    assert rolled(points, 1, "sum", (3600, 7200), 3700 + 2 * 86400) == {3700: 5, 7200: 9}
    assert rolled(points, 3600, "variance", (0, 7200), 10_800) == {3600: 1, 7200: 0}


def test_a_call_of_several_units_is_split_between_a_package_and_the_bill():
    bought = [Bought("a", 1), Bought("b", 1, operations=frozenset({"web-image"}))]
    made = settle([call(10, "auto-classification", units=3), call(5, status=500)], bought)
    assert made.left == {"a": 0, "b": 1}
    (charged,) = made.charged.items()
    assert charged == (Charged(datetime(1970, 1, 1).date(), "auto-classification", "0"), 2)
