"""What Cloud Eye, CTS, EPS, billing and IAM refuse: each time one line, which names the right or the setting."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from legible.errors import HeldError, LegibleError, RejectedError, ThrottledError, UnavailableError
from legible.huawei import account, cloudeye, cts, eps
from legible.huawei.account import IAM, Access, AccountApi, AccountService, Domain
from legible.huawei.billing import SERVICE as BILLING
from legible.huawei.billing import OperationBilling
from legible.huawei.cloudeye import CloudEyeMetrics
from legible.huawei.credentials import Credentials
from legible.huawei.cts import CtsTraces
from legible.huawei.eps import EpsProjects
from legible.model.account import HOUR, Measured, Metric, Span, TraceQuery
from localcloud.account import AccountServices
from localcloud.faults import Fault
from localcloud.iam.account import DOMAIN_ID
from localcloud.iam.credentials import Keyring
from localcloud.ocr import LocalOcr
from localcloud.routes import RoutedApi
from localcloud.web import Server, read_body

PROJECT = "0f" * 16
CANARIES = ("CANARYACCESS", "CANARYSECRET", "CANARYTOKEN")
NOW = datetime.now(timezone.utc).replace(microsecond=0)
METRIC = Metric("SYS.OCR", "failed_call_times_of_service", (("call_of_interface", "PASSPORT"),))
OWN = Measured(Metric("LEGIBLE.Documents", "done", (("deployment", "d"),)), 1, NOW)
SEVEN_DAYS = TraceQuery(begin=NOW - timedelta(days=7), end=NOW)
TODAY = date(2026, 11, 30)


class Rig:
    def __init__(self) -> None:
        self.keys = Keyring()
        self.services = AccountServices(self.keys, PROJECT, "cn-north-4", LocalOcr(self.keys, PROJECT))
        self.server = self.services.serve()

    def access(self, *canaries: str, project: str = PROJECT) -> Access:
        key = self.keys.temporary()
        return Access(Credentials(*(canaries or (key.access, key.secret, key.token))), project, "the agency", 2)

    def metrics(self, access: Access | None = None, where: str = "") -> CloudEyeMetrics:
        return CloudEyeMetrics(where or self.server.endpoint, access or self.access())

    def traces(self, access: Access | None = None, where: str = "") -> CtsTraces:
        return CtsTraces(where or self.server.endpoint, access or self.access())

    def projects(self, access: Access | None = None, where: str = "") -> EpsProjects:
        return EpsProjects(where or self.server.endpoint, access or self.access(), Domain(DOMAIN_ID, None))

    def billing(self, access: Access | None = None, where: str = "") -> OperationBilling:
        return OperationBilling(where or self.server.endpoint, access or self.access(), Domain(DOMAIN_ID, None))


#: Each call of each adapter: the service, the right that it needs, how it is made.
CALLS: dict[str, tuple[str, str, Callable[..., Any]]] = {
    "names": ("cloudeye", "ces:metrics:list", lambda rig, *where: rig.metrics(*where).names("SYS.OCR")),
    "sums": (
        "cloudeye", "ces:metricData:list",
        lambda rig, *where: rig.metrics(*where).sums([METRIC], Span(NOW - timedelta(days=1), NOW, HOUR)),
    ),
    "write": ("cloudeye", "ces:metricData:create", lambda rig, *where: rig.metrics(*where).write([OWN])),
    "find": ("cts", "cts:trace:list", lambda rig, *where: list(rig.traces(*where).find(SEVEN_DAYS))),
    "operations": ("cts", "cts:operation:list", lambda rig, *where: rig.traces(*where).operations("OCR")),
    "project": ("eps", "eps:enterpriseProjects:list", lambda rig, *where: rig.projects(*where).find("p-1")),
    "projects": ("eps", "eps:enterpriseProjects:list", lambda rig, *where: rig.projects(*where).all()),
    "packages": ("billing", "bss:order:view", lambda rig, *where: rig.billing(*where).packages()),
    "deductions": ("billing", "bss:bill:view", lambda rig, *where: rig.billing(*where).deductions(TODAY, TODAY)),
    "lines": ("billing", "bss:bill:view", lambda rig, *where: rig.billing(*where).lines(TODAY, TODAY)),
    "code": ("billing", "bss:bill:view", lambda rig, *where: rig.billing(*where).service_code("OCR")),
}  # fmt: skip
SERVICES: dict[str, AccountService] = {
    "cloudeye": cloudeye.SERVICE, "cts": cts.SERVICE, "eps": eps.SERVICE, "billing": BILLING,
}  # fmt: skip


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.services.close()
    made.server.stop()


@pytest.fixture(params=list(CALLS))
def call(request: Any, rig: Rig) -> Call:
    return Call(rig, request.param)


class Call:
    """One call of an adapter, to be refused."""

    def __init__(self, rig: Rig, name: str) -> None:
        self.rig = rig
        where, self.right, self._make = CALLS[name]
        self.service: RoutedApi = getattr(rig.services, where)
        self.known = SERVICES[where]

    def __call__(self, access: Access | None = None, where: str = "") -> LegibleError:
        with pytest.raises(LegibleError) as caught:
            self._make(self.rig, access, where)
        assert "\n" not in str(caught.value)
        return caught.value


def test_a_missing_right_is_named(call):
    call.service.denied.add(call.right)
    error = call()
    assert (type(error), error.reason_code) == (HeldError, "not-permitted")
    assert error.advice == f"Let the agency do {call.right}; it takes effect after some minutes."
    assert error.vendor_code == call.service.refused
    assert error.request_id


def test_too_many_calls_are_told_apart_from_a_missing_right(call):
    call.service.faults.add(Fault("throttle"))
    error = call()
    assert (type(error), error.reason_code) == (ThrottledError, "throttled")
    assert error.vendor_code == call.service.throttled


@pytest.mark.parametrize("keys", [CANARIES])
def test_keys_that_are_refused_are_not_quoted(call, keys):
    error = call(call.rig.access(*keys))
    assert (type(error), error.reason_code, error.vendor_code) == (HeldError, "keys-refused", "APIGW.0301")
    assert "CANARY" not in f"{error} {error!r} {vars(error)}"


def test_nobody_there(call):
    error = call(where="http://127.0.0.1:9")
    assert type(error) is UnavailableError
    assert error.message == f"{call.known.name} cannot be asked: 127.0.0.1 cannot be reached: ConnectionRefusedError."
    assert call.known.setting in error.advice


@pytest.mark.parametrize("kind", ["cut", "lost-answer"])
def test_an_answer_that_does_not_come(call, kind):
    call.service.faults.add(Fault(kind, seconds=4))
    assert type(call()) is UnavailableError


@pytest.mark.parametrize("body", [b"<html>proxy</html>", b"[]", b"[" * 100_000, b'"', b"null"])
def test_an_answer_that_is_none(rig, body):
    for name in set(CALLS) - {"write"}:
        made = Call(rig, name)
        made.service.faults.add(Fault("body", body=body))
        error = made()
        assert type(error) is UnavailableError
        assert error.advice == f"Check {made.known.setting} and proxies."


def test_a_proxys_page_is_not_taken_for_an_answer(call):
    def app(environ: Any, start_response: Any) -> list[bytes]:
        read_body(environ)
        start_response("302 Found", [("Location", "http://127.0.0.1:9/")])
        return [b"<html>"]

    server = Server(app)
    error = call(where=server.endpoint)
    server.stop()
    assert (type(error), error.reason_code) == (HeldError, "no-answer")
    assert call.known.setting in error.advice


def test_a_project_of_another_region_is_refused(rig):
    for name in ("names", "sums", "write", "find", "operations"):
        made = Call(rig, name)
        assert made(rig.access(project="1f" * 16)).reason_code == "not-permitted"


def lines() -> list[Any]:
    """Each line of each table: service, code, what it means."""
    return [
        pytest.param(name, code, fault, id=f"{name}-{code}")
        for name, service in {**SERVICES, "iam": IAM}.items()
        for code, fault in {**account.GATEWAY, **service.faults}.items()
    ]


@pytest.mark.parametrize(("name", "code", "fault"), lines())
def test_each_line_of_the_tables(rig, name, code, fault):
    """Given the code with a status that alone would mean something else: the code decides."""
    error = refused(rig, name, Fault("error", code=code, status=418, message="Said\nin two lines"))
    assert (type(error), error.reason_code, error.vendor_code) == (fault.error, fault.code, code)
    assert "{" not in error.advice
    assert f"418 {code} Said in two lines" in error.message


@pytest.mark.parametrize(
    ("status", "kind", "word"),
    [
        (400, HeldError, "refused"),
        (401, HeldError, "keys-refused"),
        (403, HeldError, "not-permitted"),
        (404, HeldError, "not-here"),
        (408, UnavailableError, "unavailable"),
        (413, HeldError, "refused"),
        (429, ThrottledError, "throttled"),
        (500, UnavailableError, "unavailable"),
        (503, UnavailableError, "unavailable"),
    ],
)
@pytest.mark.parametrize("name", [*SERVICES, "iam"])
def test_codes_that_nobody_knows_mean_what_their_status_says(rig, name, status, kind, word):
    error = refused(rig, name, Fault("error", code="X.1", status=status, message="No."))
    assert (type(error), error.reason_code) == (kind, word)


def refused(rig: Rig, name: str, fault: Fault) -> LegibleError:
    if name == "iam":
        rig.services.iam.faults.add(fault)
        with pytest.raises(LegibleError) as caught:
            Domain("", AccountApi(IAM, rig.server.endpoint, rig.access()))()
        return caught.value
    made = Call(rig, {"cloudeye": "names", "cts": "find", "eps": "projects", "billing": "packages"}[name])
    made.service.faults.add(fault)
    return made()


def test_a_wrong_site_names_its_setting(rig):
    error = refused(rig, "billing", Fault("error", code="CBC.0156", status=403))
    assert error.advice == "Set billing.site to the site that the account belongs to."


def test_an_error_that_comes_with_200_is_one(rig):
    error = refused(rig, "billing", Fault("error", code="CBC.3006"))
    assert (type(error), error.reason_code, error.vendor_code) == (HeldError, "refused", "CBC.3006")
    rig.services.billing.faults.add(Fault("body", body=b'{"error_code": "CBC.0000", "error_msg": "Success."}'))
    assert rig.billing().packages() == []


@pytest.mark.parametrize("code", ['"CBC.3006"', "3006"])
def test_an_error_with_200_is_one_wherever_its_code_stands(rig, code):
    padding = '"error_msg": "' + "x" * 300 + '"'
    rig.services.billing.faults.add(Fault("body", body=f'{{{padding}, "error_code": {code}}}'.encode()))
    with pytest.raises(HeldError) as caught:
        rig.billing().packages()
    assert "3006" in caught.value.vendor_code


@pytest.mark.parametrize("value", ['""', "null", '"CBC.0000"'])
def test_an_empty_code_is_no_error(rig, value):
    body = b'{"error_code": %s, "free_resource_packages": []}' % value.encode()
    rig.services.billing.faults.add(Fault("body", body=body))
    assert rig.billing().packages() == []


def test_a_list_may_speak_of_errors(rig):
    """Given a product that is called as the field of an error, among the first bytes."""
    body = (
        b'{"free_resource_packages": [{"product_name": "\\"error_code\\"", "error_code": "x", "free_resources": [{}]}]}'
    )
    rig.services.billing.faults.add(Fault("body", body=body))
    (package,) = rig.billing().packages()
    assert package.product == '"error_code"'


def test_of_another_service_a_success_is_a_success(rig):
    """Given a trace whose request had an error: CTS tells of it, and says nothing of itself."""
    body = b'{"traces": [], "meta_data": {"count": 0}, "error_code": "x"}'
    rig.services.cts.faults.add(Fault("body", body=body))
    assert list(rig.traces().find(SEVEN_DAYS)) == []


def test_what_was_said_holds_no_token(rig):
    said = "signed by x-security-token: CANARYTOKEN at https://a.example/?x-security-token=CANARYTOKEN"
    error = refused(rig, "eps", Fault("error", code="EPS.0004", status=403, message=said))
    assert "CANARY" not in str(error)


def test_without_an_account_nothing_is_asked(rig):
    rig.services.iam.faults.add(Fault("error", status=403, code="IAM.0002", message="No."))
    projects = EpsProjects(
        rig.server.endpoint, rig.access(), Domain("", AccountApi(IAM, rig.server.endpoint, rig.access()))
    )
    with pytest.raises(HeldError, match="IAM answers 403 IAM.0002 No") as caught:
        projects.all()
    assert caught.value.advice == "Set cloud.domain_id: IAM does not tell the account's id to the agency."


@pytest.mark.parametrize(
    ("namespace", "name", "code"),
    [
        ("SYS.OCR", "done", "namespace-refused"),
        ("AGT.OCR", "done", "namespace-refused"),
        ("SRE.OCR", "done", "namespace-refused"),
        ("LEGIBLE", "done", "refused"),
        ("LEGIBLE.1", "done", "refused"),
        ("L." + "x" * 31, "done", "refused"),
        ("LEGIBLE.Documents", "1done", "refused"),
        ("LEGIBLE.Documents", "d" * 97, "refused"),
    ],
)
def test_names_that_cloud_eye_does_not_take(rig, namespace, name, code):
    with pytest.raises(HeldError) as caught:
        rig.metrics().write([Measured(Metric(namespace, name, (("deployment", "d"),)), 1, NOW)])
    assert caught.value.reason_code == code
    assert rig.services.cloudeye.own.entries == ()


@pytest.mark.parametrize(
    "change",
    [
        {"at": -timedelta(days=3, minutes=1)},
        {"at": timedelta(minutes=12)},
        {"metric": Metric("LEGIBLE.Documents", "done")},
        {"metric": Metric("LEGIBLE.Documents", "done", tuple((f"d{n}", "v") for n in range(5)))},
        {"metric": Metric("LEGIBLE.Documents", "done", (("d" * 33, "v"),))},
        {"metric": Metric("LEGIBLE.Documents", "done", (("d", "v" * 257),))},
        {"metric": Metric("LEGIBLE.Documents", "done", (("d", "v"),), "u" * 33)},
    ],
)
def test_points_that_cloud_eye_does_not_take(rig, change):
    """Given points of times that are told from now: the file may have been read long before."""
    now = datetime.now(timezone.utc).replace(microsecond=0)
    made = {"metric": OWN.metric, "value": 1, **change, "at": now + change.get("at", timedelta())}
    with pytest.raises(HeldError, match="400 ces.0014"):
        rig.metrics().write([Measured(**made)])


def test_a_time_that_is_kept_no_more_is_refused_before_anybody_is_asked(rig):
    with pytest.raises(RejectedError, match="for 155 days"):
        rig.metrics(where="http://127.0.0.1:9").sums([METRIC], Span(NOW - timedelta(days=160), NOW, HOUR))


def test_a_list_that_never_ends_is_read_once(rig):
    full = json.dumps({"free_resource_packages": [{"free_resources": [{}]}] * 100}).encode()
    rig.services.billing.faults.add(Fault("body", body=full, times=None))
    assert len(rig.billing().packages()) == 100


def test_series_and_points_that_nobody_asked_for_are_passed_over(rig):
    named = {"namespace": "SYS.OCR", "metric_name": METRIC.name}
    pair = [{"name": "call_of_interface", "value": "PASSPORT"}]
    at = int(NOW.timestamp() // 3600 * 3600 - 7200) * 1000
    points = [{"sum": 1, "timestamp": at}, {"max": 2, "timestamp": at}, {"sum": 3}, {"sum": "4", "timestamp": at}]
    series = [{**named, "dimensions": pair, "datapoints": points}, {**named, "datapoints": points}]
    rig.services.cloudeye.faults.add(Fault("body", body=json.dumps({"metrics": series}).encode(), times=None))
    (found,) = rig.metrics().sums([METRIC], Span(NOW - timedelta(days=1), NOW, HOUR))
    assert list(found.sums.values()) == [1.0]


def test_a_deduction_without_a_time_is_none(rig):
    rig.services.billing.faults.add(Fault("body", body=b'{"free_resource_records": [{"deduct_time": "soon"}]}'))
    with pytest.raises(UnavailableError, match="has no time"):
        rig.billing().deductions(TODAY, TODAY)
