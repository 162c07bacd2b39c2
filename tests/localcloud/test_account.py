"""The local services of the account: fed by what OCR counted, at one address, with events for functions."""

from __future__ import annotations

import json
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
    ListFunctionStatisticsRequest,
    ListFunctionTriggersRequest,
)
from huaweicloudsdkocr.v1 import OcrClient, PassportRequestBody, RecognizePassportRequest

from legible.errors import LegibleError
from legible.huawei import billing, cloudeye, cts, eps
from legible.huawei.account import Access, AccountApi, AccountService, Domain
from legible.huawei.credentials import Credentials
from legible.huawei.signed import ApiCall
from legible.model.account import RAW, Measured, Metric, Span, TraceQuery
from legible.settings import toml_file
from legible.wiring.account import Account
from localcloud.billing import Bought
from localcloud.billing.settlement import Charged, settle
from localcloud.cloud import PROJECT_ID, LocalCloud
from localcloud.cloudeye.points import Point, counted, rolled
from localcloud.eps import EnterpriseProject
from localcloud.faults import Fault
from localcloud.functiongraph import AsyncPolicy, ConfigError, CtsTrigger, Function, load
from localcloud.iam.account import DOMAIN_ID
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


def test_how_a_function_ran_is_told_by_the_minute_and_minus_one_is_no_data(start):
    cloud = start(audit=Function("audit", "h.handler", audits=(AUDIT,)))
    cloud.ocr.subscribe("passport")
    cloud.ocr.subscribe("web-image")
    assert cloud.wait_idle(30)
    urn = cloud.functions.urn("audit")
    told = functions_of(cloud).list_function_statistics(ListFunctionStatisticsRequest(func_urn=urn, period="3"))
    counts = [point.value for point in told.count]
    assert (len(counts), sum(count for count in counts if count > 0)) == (3, 2)
    assert -1 in counts
    assert sum(max(0, point.value) for point in told.function_error_count) == 1
    assert {point.value for point in told.reject_count} == {-1}
    with pytest.raises(ServiceResponseException, match="FSS.0400"):
        functions_of(cloud).list_function_statistics(ListFunctionStatisticsRequest(func_urn=urn, period="all"))


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


# --- what callers do wrong


def ask(cloud: LocalCloud, service: AccountService, call: ApiCall) -> bytes:
    key = cloud.keys.temporary()
    access = Access(Credentials(key.access, key.secret, key.token), cloud.project_id)
    api = AccountApi(service, cloud.account_endpoint, access)
    if service in (eps.SERVICE, billing.SERVICE):
        api = AccountApi(service, cloud.account_endpoint, access, Domain(DOMAIN_ID, None))
    return api.ask("", call)


V1, V2, V3 = (f"/{version}/{PROJECT_ID}" for version in ("V1.0", "v2", "v3"))
QUERY = {
    "metrics": [{"namespace": "SYS.OCR", "metric_name": "m", "dimensions": [{"name": "d", "value": "v"}]}],
    "period": "300", "filter": "sum", "from": 1, "to": 2,
}  # fmt: skip
BATCH, LIVE = f"{V1}/batch-query-metric-data", f"{V2}/batch-query-metric-data"
SHOWN = {
    "namespace": "SYS.OCR",
    "metric_name": "m",
    "dim.0": "d,v",
    "period": "300",
    "filter": "sum",
    "from": "1",
    "to": "2",
}
BILLS = "/v2/bills/customer-bills"
DRAWN = f"{BILLS}/free-resources-usage-records"
PACKAGES = "/v3/payments/free-resources/query"


@pytest.mark.parametrize(
    ("service", "path", "query", "body", "code"),
    [
        *((cloudeye.SERVICE, BATCH, {}, {**QUERY, **change}, "ces.0014") for change in (
            {"period": 300}, {"period": "7"}, {"filter": "most"}, {"from": "1"}, {"to": 1}, {"metrics": []},
            {"metrics": None}, {"metrics": [{}]}, {"metrics": QUERY["metrics"] * 501},
        )),
        (cloudeye.SERVICE, BATCH, {}, [], "ces.0014"),
        (cloudeye.SERVICE, BATCH, {}, b"{", "ces.0014"),
        (cloudeye.SERVICE, LIVE, {}, {"from": 1, "to": 300_002}, "ces.0014"),
        (cloudeye.SERVICE, LIVE, {}, {"from": "a", "to": 1}, "ces.0014"),
        (cloudeye.SERVICE, f"{V1}/metric-data", {}, {}, "ces.0014"),
        (cloudeye.SERVICE, f"{V1}/metric-data", {}, [{}], "ces.0014"),
        (cloudeye.SERVICE, f"{V1}/metric-data", {}, b" " * (512 * 1024 + 1) + b"[]", "ces.0014"),
        *((cloudeye.SERVICE, f"{V1}/metric-data", {**SHOWN, **change}, None, "ces.0013") for change in (
            {"period": "7"}, {"period": ""}, {"filter": "most"}, {"from": "now"}, {"to": "1"},
        )),
        (cloudeye.SERVICE, f"{V1}/metrics", {"limit": "1001"}, None, "ces.0013"),
        (cloudeye.SERVICE, f"{V1}/metrics", {"order": "up"}, None, "ces.0013"),
        (cts.SERVICE, f"{V3}/traces", {}, None, "CTS.0003"),
        (cts.SERVICE, f"{V3}/traces", {"trace_type": "all"}, None, "CTS.0003"),
        (cts.SERVICE, f"{V3}/traces", {"trace_type": "system", "limit": "201"}, None, "CTS.0003"),
        (cts.SERVICE, f"{V3}/traces", {"trace_type": "system", "from": "1"}, None, "CTS.0003"),
        (cts.SERVICE, f"{V3}/traces", {"trace_type": "system", "from": "a", "to": "b"}, None, "CTS.0003"),
        (cts.SERVICE, f"{V3}/operations", {"resource_type": "ai_service"}, None, "CTS.0003"),
        (eps.SERVICE, "/v1.0/enterprise-projects", {"limit": "0"}, None, "EPS.0008"),
        (eps.SERVICE, "/v1.0/enterprise-projects", {"status": "3"}, None, "EPS.0008"),
        (billing.SERVICE, PACKAGES, {}, [], "CBC.0100"),
        (billing.SERVICE, PACKAGES, {}, {"limit": 0}, "CBC.0100"),
        (billing.SERVICE, PACKAGES, {}, {"offset": -1}, "CBC.0100"),
        (billing.SERVICE, "/v2/payments/free-resources/usages/details/query", {}, {}, "CBC.0100"),
        (billing.SERVICE, DRAWN, {"deduct_time_begin": "2026-11-01"}, None, "CBC.0100"),
        (billing.SERVICE, f"{BILLS}/monthly-sum", {}, None, "CBC.0100"),
        (billing.SERVICE, f"{BILLS}/res-records/query", {}, {"cycle": "2026"}, "CBC.0100"),
        (billing.SERVICE, f"{BILLS}/res-records/query", {}, {"cycle": "2026-11", "query_type": "DAILY"}, "CBC.0100"),
        (cts.SERVICE, f"{V3}/trackers", {}, None, "IAM.0004"),
    ],
)  # fmt: skip
def test_requests_that_are_wrong_are_refused_with_the_services_code(asked, service, path, query, body, code):
    sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    with pytest.raises(LegibleError) as caught:
        ask(asked, service, ApiCall("GET" if body is None else "POST", path, query, sent))
    assert caught.value.vendor_code == code


@pytest.fixture(scope="module")
def asked() -> Iterator[LocalCloud]:
    with LocalCloud(functions={}) as cloud:
        yield cloud


def test_a_bill_of_another_region_or_another_way_to_pay_is_empty(asked):
    for change in ({"region": "ap-southeast-3"}, {"charge_mode": 1}):
        body = json.dumps({"cycle": "2026-11", **change}).encode()
        told = ask(asked, billing.SERVICE, ApiCall("POST", f"{BILLS}/res-records/query", body=body))
        assert json.loads(told)["total_count"] == 0


def test_quotas_and_the_default_project_are_there(asked):
    base = "/v1.0/enterprise-projects"
    assert b'"quota": 100' in ask(asked, eps.SERVICE, ApiCall("GET", f"{base}/quotas"))
    assert json.loads(ask(asked, eps.SERVICE, ApiCall("GET", f"{base}/0")))["enterprise_project"]["name"] == "default"
