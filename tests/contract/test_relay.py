"""The relay against the FunctionGraph API over HTTP: what runs then, and what faults mean."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

import pytest

from legible.errors import HeldError, UnavailableError
from legible.huawei import context, functiongraph
from legible.huawei.credentials import Credentials
from legible.huawei.relay import FunctionRelay, endpoint
from legible.model.documents import ObjectRef, Upload
from legible.settings import toml_file
from legible.wiring import adapters
from localcloud.cloud import LocalCloud
from localcloud.faults import Fault
from localcloud.functiongraph import Function
from localcloud.web import Server, read_body
from tests.support.places import ROOT

UPLOAD = Upload(
    ObjectRef("legible-in", "passport/100 % + 文件.pdf"),
    raw_key="passport/100+%25+%2B+%E6%96%87%E4%BB%B6.pdf",
    etag="9d377b10ce778c4938b3c7e2c63a229a",
    version_id="G001",
    size=777835,
    event_id="b27e",
    at=datetime(2026, 11, 23, 7, 50, 50, 28000, tzinfo=timezone.utc),
    hand=2,
)
CANARIES = {"access_key": "CANARYACCESS", "secret_key": "CANARYSECRET", "token": "CANARYTOKEN"}
HANDLER = """
def handler(event, context):
    return event
"""


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[LocalCloud]:
    (tmp_path / "h.py").write_text(HANDLER)
    functions = {"go_on": Function("go_on", "h.handler", name="legible-go-on")}
    with LocalCloud(functions=functions, code=(tmp_path,)) as running:
        yield running


def relay_of(cloud: LocalCloud, urn: str = "", seconds: float = 10.0, where: str = "", **changes: str) -> FunctionRelay:
    key = cloud.keys.temporary()
    values = {"access_key": key.access, "secret_key": key.secret, "token": key.token, **changes}
    return FunctionRelay(
        where or cloud.functiongraph_endpoint,
        Credentials(**values),
        cloud.project_id,
        urn or cloud.functions.urn("go_on"),
        seconds,
    )


def arrived(cloud: LocalCloud) -> list[Upload]:
    """What the function was called with, as it reads it itself."""
    assert cloud.wait_idle(20)
    return [upload for call in cloud.functions.invocations for upload in functiongraph.uploads(call.payload)]


def test_the_function_really_runs_with_that_upload(cloud):
    relay_of(cloud).hand_on(UPLOAD)
    assert arrived(cloud) == [UPLOAD]
    (call,) = cloud.functions.invocations
    assert call.outcome.ok
    assert functiongraph.uploads(call.outcome.payload) == [UPLOAD]


def test_keys_that_are_refused_hold_and_are_not_quoted(cloud):
    with pytest.raises(HeldError, match=r"401 APIGW.0301") as caught:
        relay_of(cloud, secret_key="CANARYSECRET").hand_on(UPLOAD)
    assert caught.value.reason_code == "relay-not-permitted"
    assert "functiongraph:function:invokeAsync" in caught.value.advice
    assert caught.value.vendor_code == "APIGW.0301"
    assert caught.value.request_id
    assert "CANARY" not in str(caught.value)
    assert arrived(cloud) == []


def test_a_permission_that_is_missing_is_named(cloud):
    cloud.function_api.faults.add(Fault("error", code="FSS.0403"))
    with pytest.raises(HeldError, match="403 FSS.0403") as caught:
        relay_of(cloud).hand_on(UPLOAD)
    assert "functiongraph:function:invokeAsync" in str(caught.value)


def test_a_function_nobody_knows_holds(cloud):
    urn = cloud.functions.urn("go_on").replace("go-on", "gone")
    with pytest.raises(HeldError, match=r"404 FSS.1051") as caught:
        relay_of(cloud, urn).hand_on(UPLOAD)
    assert caught.value.reason_code == "relay-not-found"
    assert urn in caught.value.message


def test_an_event_too_large_holds(cloud):
    with pytest.raises(HeldError, match="413 FSS.0413"):
        relay_of(cloud).hand_on(Upload(ObjectRef("legible-in", "a" * 300_000)))


def test_what_no_page_names_holds_with_its_code(cloud):
    cloud.function_api.faults.add(Fault("error", code="FSS.0400"))
    with pytest.raises(HeldError, match="400 FSS.0400") as caught:
        relay_of(cloud).hand_on(UPLOAD)
    assert caught.value.reason_code == "relay-refused"


@pytest.mark.parametrize(
    "fault",
    [
        Fault("error", code="FSS.0429"),
        Fault("error"),
        Fault("error", code="FSS.0408", status=408),
        Fault("cut"),
    ],
)
def test_what_passes_is_outlasted(cloud, fault):
    cloud.function_api.faults.add(fault)
    relay_of(cloud).hand_on(UPLOAD)
    assert arrived(cloud) == [UPLOAD]


def test_an_answer_that_was_lost_is_asked_for_again_so_that_it_runs_twice_rather_than_never(cloud):
    cloud.function_api.faults.add(Fault("lost-answer"))
    relay_of(cloud).hand_on(UPLOAD)
    assert arrived(cloud) == [UPLOAD, UPLOAD]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("error", times=None), "503 FSS.0503"),
        (Fault("error", times=None, code="FSS.0429"), "429 FSS.0429"),
        (Fault("cut", times=None), "cannot be reached"),
        (Fault("lost-answer", times=None, seconds=60), "cannot be reached"),
    ],
)
def test_what_does_not_pass_is_given_up_in_time(cloud, fault, said):
    cloud.function_api.faults.add(fault)
    begun = time.monotonic()
    with pytest.raises(UnavailableError, match=said):
        relay_of(cloud, seconds=1.5).hand_on(UPLOAD)
    assert time.monotonic() - begun < 30


def test_a_platform_that_is_not_there(cloud):
    with pytest.raises(UnavailableError, match="cannot be reached") as caught:
        relay_of(cloud, seconds=0.2, where="http://127.0.0.1:9").hand_on(UPLOAD)
    assert "functions.endpoint" in caught.value.advice


Answer = tuple[str, bytes]


@pytest.fixture
def stranger() -> Iterator[Callable[[Answer], str]]:
    """Serve what is no FunctionGraph and gives every request one answer; return where."""
    servers: list[Server] = []

    def started(answer: Answer) -> str:
        def app(environ, start_response):
            read_body(environ)
            start_response(answer[0], [("Content-Type", "text/html"), ("Location", "http://127.0.0.1:9/")])
            return [answer[1]]

        servers.append(Server(app))
        return servers[-1].endpoint

    yield started
    for server in servers:
        server.stop()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (("200 OK", b"<html>Proxy</html>"), "names no request"),
        (("200 OK", b'["request_id"]'), "names no request"),
        (("200 OK", b"[" * 100_000), "names no request"),
        (("204 No Content", b""), "names no request"),
        (("302 Found", b""), "names no request"),
        (("202 Accepted", b'{"request_id": ""}'), "names no request"),
        (("502 Bad Gateway", b"<html>bad</html>"), "502"),
    ],
)
def test_what_is_no_answer_of_the_platform_is_not_taken_for_one(cloud, stranger, answer, said):
    with pytest.raises(UnavailableError, match=said):
        relay_of(cloud, seconds=0.2, where=stranger(answer)).hand_on(UPLOAD)


@pytest.mark.parametrize("status", ["401 Unauthorized", "403 Forbidden", "404 Not Found", "429 Too Many", "500 Broken"])
def test_keys_that_an_answer_quotes_stay_secret(cloud, stranger, status):
    said = {"error_code": "X.1", "error_msg": f"signed with {' '.join(CANARIES.values())}: x-security-token: CANARY"}
    with pytest.raises((HeldError, UnavailableError), match=status[:3]) as caught:
        relay_of(cloud, seconds=0.2, where=stranger((status, json.dumps(said).encode())), **CANARIES).hand_on(UPLOAD)
    shown = f"{caught.value!r} {caught.value} {vars(caught.value)} {caught.value.__cause__}"
    assert "CANARY" not in shown


def test_an_instance_calls_itself_by_the_name_its_context_gives(tmp_path):
    # given
    (tmp_path / "h.py").write_text(
        """
from legible.wiring import adapters
from legible.huawei.context import Context
from legible.huawei.functiongraph import uploads
from legible.settings import load
from msgspec.structs import replace

def handler(event, context):
    call = Context(context)
    upload, = uploads(event)
    if upload.hand < 2:
        relay = adapters.relay(load(None, call.variable), call, call.credentials())
        relay.hand_on(replace(upload, hand=upload.hand + 1))
    return upload.hand
"""
    )
    shared = ROOT / "shared"
    functions = {"f": Function("f", "h.handler", name="legible-f", package="papers", memory=512)}

    # when
    with LocalCloud(functions=functions, code=(tmp_path, shared)) as cloud:
        cloud.functions.invoke_async("f", functiongraph.event_of(Upload(ObjectRef("legible-in", "a b.pdf"))))
        assert cloud.wait_idle(60)
        calls = list(cloud.functions.invocations)

    # then
    assert sorted((call.outcome.payload, call.state) for call in calls) == [(hand, "SUCCESS") for hand in "012"]


class Named:
    """A platform's context that says what the function is called."""

    def __init__(self, name: str = "legible-f"):
        self.name = name

    def getFunctionName(self):
        return self.name

    def getProjectID(self):
        return "p" * 32


def relay_with(call=None, **values: str) -> FunctionRelay | None:
    """Return what the wiring makes of these user variables."""
    minimum = {"LEGIBLE_REGION": "cn-north-4", "LEGIBLE_INPUT_BUCKET": "in-b", "LEGIBLE_OUTPUT_BUCKET": "out-b"}
    call = call or context.Context(Named())
    return adapters.relay(toml_file.load(None, {**minimum, **values}.get), call, Credentials("a", "s", "t"))


OBS = {"LEGIBLE_OBS_ENDPOINT": "http://127.0.0.1:1"}
OCR = {"LEGIBLE_OCR_ENDPOINT": "http://127.0.0.1:2"}
OWN = {"LEGIBLE_FUNCTIONGRAPH_ENDPOINT": "http://127.0.0.1:3"}


@pytest.mark.parametrize(
    ("values", "where"),
    [
        ({}, "https://functiongraph.cn-north-4.myhuaweicloud.com"),
        (OBS, "https://functiongraph.cn-north-4.myhuaweicloud.com"),
        (OCR, "https://functiongraph.cn-north-4.myhuaweicloud.com"),
        (OWN, "http://127.0.0.1:3"),
        ({**OBS, **OCR, **OWN}, "http://127.0.0.1:3"),
    ],
)
def test_where_functions_are_called(values, where):
    relay = relay_with(**values)
    assert isinstance(relay, FunctionRelay)
    assert relay._endpoint == where
    assert relay._urn == f"urn:fss:cn-north-4:{'p' * 32}:function:default:legible-f:latest"


def test_with_the_other_endpoints_set_by_hand_no_other_host_is_reached():
    assert relay_with(**OBS, **OCR) is None


def test_a_function_whose_name_is_not_known_cannot_be_called():
    assert relay_with(context.Context(Named("")), **OWN) is None


def test_the_regions_own_endpoint():
    assert endpoint("ap-southeast-2") == "https://functiongraph.ap-southeast-2.myhuaweicloud.com"
