"""The local APIG: what the function is told, who may call, limits, and what becomes of what it returns."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

from localcloud.apig import LocalApig
from localcloud.cloud import LocalCloud
from localcloud.faults import Fault
from localcloud.functiongraph import ApigTrigger, ConfigError, Function, FunctionGraph, load
from localcloud.iam.credentials import AccessKey, Keyring
from localcloud.web import Server

#: Answers with its event, or with what the request's body says.
HANDLER = """
import base64, json, time

def handler(event, context):
    asked = json.loads(base64.b64decode(event["body"]) if event["isBase64Encoded"] else event["body"] or "{}") \\
        if event["headers"].get("x-test") else {}
    time.sleep(asked.get("sleep", 0))
    if "fail" in asked:
        raise ValueError(asked["fail"])
    if "result" in asked:
        return asked["result"]
    return {"statusCode": asked.get("status", 200), "isBase64Encoded": False,
            "headers": {"Content-Type": "application/json", "X-Own": "1"}, "body": json.dumps(event)}
"""
APIS = (
    ApigTrigger("all", "/", prefix=True, timeout=10),
    ApigTrigger("deep", "/deep/", prefix=True, timeout=0.5),
    ApigTrigger("users", "/iam", method="POST", auth="IAM", timeout=10),
    ApigTrigger("plain", "/plain", base64_body=False, timeout=10, stage="TEST"),
)


@pytest.fixture
def graph(code: Callable[[str], Path], keys: Keyring) -> Iterator[FunctionGraph]:
    graph = FunctionGraph({"f": Function("f", "h.handler", apis=APIS)}, [code(HANDLER)], keys)
    yield graph
    graph.stop()


@pytest.fixture
def gateway(keys: Keyring, graph: FunctionGraph) -> Iterator[LocalApig]:
    gateway = LocalApig(keys, {"x-legible-app": "$context.appId", "x-name": "$context.appName"})
    gateway.publish(graph)
    yield gateway
    gateway.close()


@pytest.fixture
def endpoint(gateway: LocalApig) -> Iterator[str]:
    server = Server(gateway)
    yield server.endpoint
    server.stop()


@pytest.fixture
def ask(gateway: LocalApig, endpoint: str) -> Callable[..., requests.Response]:
    """Send a request with the code of an app."""

    def ask(path: str = "/", method: str = "GET", **values: Any) -> requests.Response:
        headers = {"X-Apig-AppCode": gateway.app("desk")} | values.pop("headers", {})
        return requests.request(method, endpoint + path, headers=headers, timeout=20, **values)

    return ask


@pytest.fixture
def returns(ask: Any) -> Callable[..., requests.Response]:
    """Have the function return, or do, something of the test's choice."""
    return lambda method="POST", **asked: ask("/x", method, json=asked, headers={"X-Test": "1"})


def signed(endpoint: str, key: AccessKey, method: str, path: str, body: bytes, **query: str) -> requests.Response:
    """Sign as the vendor's SDK does, and send."""
    request = SdkRequest(
        method, "http", endpoint.removeprefix("http://"), path, query_params=list(query.items()), header_params={},
        body=body,
    )  # fmt: skip
    Signer(SimpleNamespace(ak=key.access, sk=key.secret)).sign(request)
    if key.token:
        request.header_params["X-Security-Token"] = key.token
    return requests.request(method, endpoint + request.uri, headers=request.header_params, data=body, timeout=20)


def refusal(answer: requests.Response) -> tuple[int, str]:
    """Return status and code of a refusal, which names its request."""
    told = answer.json()
    assert told["request_id"] == answer.headers["X-Request-Id"]
    assert set(told) == {"error_msg", "error_code", "request_id"}
    return answer.status_code, told["error_code"]


class TestEvent:
    def test_has_what_the_vendor_sends(self, ask: Any, gateway: LocalApig) -> None:
        # when
        answer = ask(
            "/v1/a%20b/c?kind=in%20voice&empty=&n=1&n=2",
            "POST",
            data=b"\x00\xff",
            headers={"X-Forwarded-For": "8.8.8.8"},
        )

        # then
        event = answer.json()
        assert (answer.status_code, answer.headers["X-Own"]) == (200, "1")
        assert base64.b64decode(event["body"]) == b"\x00\xff"
        assert event["isBase64Encoded"] is True
        assert (event["httpMethod"], event["path"]) == ("POST", "/v1/a%20b/c")
        assert event["pathParameters"] == {"": "v1/a%20b/c"}
        assert event["queryStringParameters"] == {"kind": "in voice", "empty": "", "n": "2"}
        assert set(event["requestContext"]) == {"apiId", "requestId", "stage"}
        assert event["requestContext"]["stage"] == "RELEASE"
        assert (
            event["requestContext"]["requestId"] == answer.headers["X-Request-Id"] == event["headers"]["x-request-id"]
        )
        assert all(name == name.lower() for name in event["headers"])
        assert event["headers"]["x-forwarded-for"] == "8.8.8.8, 127.0.0.1"
        assert event["headers"]["x-real-ip"] == "127.0.0.1"

    def test_says_which_app_calls_whatever_the_client_says(self, ask: Any, gateway: LocalApig) -> None:
        headers = ask(headers={"X-Legible-App": "boss", "X_Legible_App": "boss", "X-Name": "boss"}).json()["headers"]
        assert (headers["x-legible-app"], headers["x-name"]) == (gateway.credential("desk").id, "desk")
        assert "x_legible_app" not in headers

    def test_does_not_show_what_proves_the_caller(self, ask: Any, gateway: LocalApig) -> None:
        assert gateway.app("desk") not in ask(headers={"Authorization": "secret"}).text
        assert "secret" not in ask(headers={"Authorization": "secret"}).text
        assert gateway.app("desk") not in repr(gateway.credential("desk"))

    def test_exact_paths_go_first_and_have_no_rest(self, ask: Any) -> None:
        event = ask("/plain", "POST", data="ü".encode()).json()
        assert (event["body"], event["isBase64Encoded"], event["pathParameters"]) == ("ü", False, {})
        assert event["requestContext"]["stage"] == "TEST"
        assert ask("/plain/x").json()["pathParameters"] == {"": "plain/x"}
        assert ask("/deep/x/").json()["pathParameters"] == {"": "x/"}
        assert ask("/deep").json()["pathParameters"] == {"": ""}
        assert ask("/deeper").json()["pathParameters"] == {"": "deeper"}

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])
    def test_any_method(self, ask: Any, method: str) -> None:
        assert ask("/x", method).json()["httpMethod"] == method


class TestCallers:
    @pytest.mark.parametrize("path", ["/", "/iam"])
    @pytest.mark.parametrize("headers", [{}, {"X-Apig-AppCode": ""}, {"X-Apig-AppCode": "x"}, {"Authorization": "x"}])
    def test_nobody_else_comes_in(
        self, endpoint: str, graph: FunctionGraph, path: str, headers: dict[str, str]
    ) -> None:
        answer = requests.post(endpoint + path, headers=headers, timeout=5)
        assert refusal(answer) == (401, "APIG.0301" if path == "/iam" else "APIG.0303")
        assert not graph.log

    def test_an_app_signs(self, endpoint: str, gateway: LocalApig) -> None:
        # given
        app = gateway.credential("desk")

        # when
        answer = signed(endpoint, app.key, "POST", "/a b/ü", b"body", q="ü &", a="1")

        # then
        assert answer.status_code == 200
        assert answer.json()["headers"]["x-legible-app"] == app.id
        assert base64.b64decode(answer.json()["body"]) == b"body"

    @pytest.mark.parametrize("temporary", [False, True])
    def test_a_user_of_the_account_signs(self, endpoint: str, keys: Keyring, temporary: bool) -> None:
        answer = signed(endpoint, keys.temporary() if temporary else keys.permanent(), "POST", "/iam", b"")
        assert answer.status_code == 200
        assert "x-legible-app" not in answer.json()["headers"]

    def test_keys_are_for_their_own_kind_of_api(self, endpoint: str, gateway: LocalApig, keys: Keyring) -> None:
        assert refusal(signed(endpoint, keys.permanent(), "POST", "/", b"")) == (401, "APIG.0303")
        assert refusal(signed(endpoint, gateway.credential("desk").key, "POST", "/iam", b"")) == (401, "APIG.0301")

    def test_a_code_is_one_apps(self, gateway: LocalApig) -> None:
        assert gateway.app("desk") == gateway.app("desk") != gateway.app("other")


class TestLimits:
    def test_a_body_carries_4_mb(self, ask: Any, gateway: LocalApig, endpoint: str) -> None:
        assert ask("/", "POST", data=b"x" * 3_000_000).status_code == 200
        assert refusal(ask("/", "POST", data=b"x" * (4 * 1024 * 1024 + 1))) == (413, "APIG.0201")
        assert refusal(ask("/", "POST", data=iter([b"x" * 1024 * 1024] * 5))) == (413, "APIG.0201")

    def test_an_answer_carries_6_mb(self, returns: Any) -> None:
        answer = returns(result={"statusCode": 200, "body": "x" * 3_000_000})
        assert len(answer.content) == 3_000_000

    def test_an_answer_that_is_too_large(
        self, endpoint: str, gateway: LocalApig, keys: Keyring, tmp_path: Path
    ) -> None:
        (tmp_path / "h.py").write_text("def handler(e, c): return {'statusCode': 200, 'body': 'x' * 6300000}")
        graph = FunctionGraph({"f": Function("f", "h.handler", apis=APIS)}, [tmp_path], keys)
        gateway.publish(graph)
        answer = requests.get(endpoint, headers={"X-Apig-AppCode": gateway.app("desk")}, timeout=20)
        graph.stop()
        assert (answer.status_code, answer.json()["errorType"]) == (500, "result")

    def test_a_function_that_takes_too_long(self, ask: Any) -> None:
        begun = time.monotonic()
        answer = ask("/deep/x", "POST", json={"sleep": 60}, headers={"X-Test": "1"})
        assert refusal(answer) == (504, "APIG.0201")
        assert time.monotonic() - begun < 30

    def test_no_api(self, endpoint: str, keys: Keyring) -> None:
        server = Server(LocalApig(keys))
        assert refusal(requests.get(server.endpoint, timeout=5)) == (404, "APIG.0101")
        server.stop()


class TestReplies:
    def test_base64(self, returns: Any) -> None:
        body = base64.b64encode(b"\x00\xff").decode()
        answer = returns(result={"statusCode": 201, "body": body, "isBase64Encoded": True, "headers": {"ETag": '"x"'}})
        assert (answer.status_code, answer.content, answer.headers["ETag"]) == (201, b"\x00\xff", '"x"')

    @pytest.mark.parametrize(
        "result",
        [
            None,
            "text",
            {},
            {"statusCode": 200},
            {"statusCode": "200", "body": ""},
            {"statusCode": True, "body": ""},
            {"statusCode": 99, "body": ""},
            {"statusCode": 299, "body": ""},
            {"statusCode": 200, "body": {"a": 1}},
            {"statusCode": 200, "body": "", "isBase64Encoded": "no"},
            {"statusCode": 200, "body": "no base64!", "isBase64Encoded": True},
            {"statusCode": 200, "body": "", "headers": []},
            {"statusCode": 200, "body": "", "headers": {"A": 1}},
            {"statusCode": 200, "body": "", "headers": {"A": "x\r\nSet-Cookie: y"}},
            {"statusCode": 200, "body": "", "headers": {"A": "ü"}},
            {"statusCode": 200, "body": "", "headers": {"A b": "x"}},
        ],
    )
    def test_what_is_no_answer(self, returns: Any, result: Any) -> None:
        assert refusal(returns(result=result)) == (500, "FSS.1202")

    def test_the_connections_own_headers_are_the_gateways(self, returns: Any) -> None:
        headers = {
            "Content-Length": "1",
            "Transfer-Encoding": "chunked",
            "Connection": "keep-alive",
            "X-Request-Id": "x",
        }
        answer = returns(result={"statusCode": 200, "body": "whole", "headers": headers})
        assert (answer.text, answer.headers["Content-Length"]) == ("whole", "5")
        assert answer.headers["X-Request-Id"] != "x"

    def test_an_exception_without_its_stack(self, returns: Any, graph: FunctionGraph) -> None:
        answer = returns(fail="it failed")
        assert (answer.status_code, answer.json()) == (500, {"errorMessage": "it failed", "errorType": "ValueError"})
        assert any("Traceback" in line for _, line in graph.log)

    def test_a_platform_that_ends(self, ask: Any, graph: FunctionGraph) -> None:
        graph.stop()
        assert ask().status_code == 500

    def test_head_has_the_length_and_no_body(self, returns: Any) -> None:
        answer = returns("HEAD", result={"statusCode": 200, "body": "whole", "headers": {"A": "b"}})
        assert (answer.headers["Content-Length"], answer.headers["A"], answer.content) == ("5", "b", b"")

    @pytest.mark.parametrize("status", [204, 304])
    def test_answers_without_a_body(self, returns: Any, status: int) -> None:
        answer = returns(result={"statusCode": status, "body": "x"})
        assert (answer.status_code, answer.content) == (status, b"")
        assert "Content-Length" not in answer.headers

    def test_redirects_are_the_clients(self, returns: Any, ask: Any) -> None:
        result = {"statusCode": 302, "body": "", "headers": {"Location": "/elsewhere"}}
        answer = ask("/x", "POST", json={"result": result}, headers={"X-Test": "1"}, allow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/elsewhere")


class TestFaults:
    def test_errors(self, gateway: LocalApig, ask: Any) -> None:
        gateway.faults.add(Fault("error"), Fault("error", status=429, code="APIG.0308", message="slow down"))
        assert refusal(ask()) == (502, "APIG.0201")
        assert refusal(ask()) == (429, "APIG.0308")
        assert ask().status_code == 200

    @pytest.mark.parametrize(("kind", "called"), [("cut", False), ("lost-answer", True)])
    def test_broken_connections(
        self, gateway: LocalApig, graph: FunctionGraph, ask: Any, kind: str, called: bool
    ) -> None:
        gateway.faults.add(Fault(kind, path="/lost", seconds=0.05))
        with pytest.raises(requests.ConnectionError):
            ask("/lost")
        assert bool(graph.log) == called


class TestConfig:
    def data(self, **changes: Any) -> dict[str, Any]:
        known = {"name": "a", "path": "/", "reqMethod": "ANY", "matchMode": "SWA", "auth": "APP", "timeout": 60000}
        return known | changes

    def load(self, folder: Path, kind: str = "APIG", **changes: Any) -> tuple[ApigTrigger, ...]:
        events = json.dumps([{"triggerTypeCode": kind, "status": "ACTIVE", "eventData": self.data(**changes)}])
        file = folder / "serverless.yml"
        file.write_text(
            f"service: s\nprovider: {{name: huawei}}\nfunctions: {{one: {{handler: a.b, events: {events}}}}}\n"
        )
        return load(file)["one"].apis

    @pytest.mark.parametrize("kind", ["APIG", "DEDICATEDGATEWAY"])
    def test_an_api(self, tmp_path: Path, kind: str) -> None:
        assert self.load(tmp_path, kind, envName="TEST") == (
            ApigTrigger("a", "/", prefix=True, timeout=60, stage="TEST"),
        )
        assert self.load(tmp_path, matchMode="NORMAL", isSendFgBodyBase64=False)[0] == ApigTrigger(
            "a", "/", timeout=60, base64_body=False
        )

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"auth": "NONE"}, "auth is 'NONE'; it must be APP or IAM, never NONE"),
            ({"reqMethod": "FETCH"}, "reqMethod is 'FETCH'; it must be one of ANY"),
            ({"path": "v1"}, "must begin with /"),
            ({"timeout": 90000}, "timeout is 90000 ms; it must be 1 to 60000"),
            ({"matchMode": "REGEX"}, "must be SWA"),
        ],
    )
    def test_apis_that_are_refused(self, tmp_path: Path, changes: dict[str, Any], message: str) -> None:
        with pytest.raises(ConfigError, match=message):
            self.load(tmp_path, **changes)


class TestWholeCloud:
    """A page of the front, the gateway, a function's own process, and OBS, as a browser on this machine meets them."""

    #: Signs an upload with the agency's keys, as a function for browsers does.
    SIGNS = """
import json
from obs import ObsClient

def handler(event, context):
    store = ObsClient(access_key_id=context.getSecurityAccessKey(), secret_access_key=context.getSecuritySecretKey(),
        security_token=context.getSecurityToken(), server=context.getUserData("LEGIBLE_OBS_ENDPOINT"), signature="v2",
        path_style=True)
    signed = store.createSignedUrl(event["queryStringParameters"]["method"], "legible-in", "a.txt", expires=60)
    body = json.dumps({"url": signed.signedUrl, "app": event["headers"]["x-legible-app"]})
    return {"statusCode": 200, "body": body}
"""

    @pytest.fixture
    def cloud(self, code: Callable[[str], Path]) -> Iterator[LocalCloud]:
        functions = {"f": Function("f", "h.handler", apis=(ApigTrigger("all", "/", prefix=True, timeout=20),))}
        with LocalCloud(functions=functions, code=(code(self.SIGNS),)) as cloud:
            yield cloud

    def test_a_page_uploads_to_obs_with_what_the_function_signed(self, cloud: LocalCloud) -> None:
        # given
        page = {"Origin": cloud.front, "Sec-Fetch-Site": "same-origin"}
        browser = requests.Session()
        browser.get(cloud.console, allow_redirects=False, timeout=5)
        told = browser.post(f"{cloud.front}/v1/uploads?method=PUT", headers=page, timeout=20).json()

        # when
        asked = requests.options(
            told["url"], headers={"Origin": cloud.front, "Access-Control-Request-Method": "PUT"}, timeout=5
        )
        put = requests.put(told["url"], data=b"x", headers={"Origin": cloud.front}, timeout=5)

        # then
        assert told["app"] == cloud.gateway.credential("console").id
        assert (asked.status_code, put.status_code) == (200, 200)
        assert put.headers["Access-Control-Allow-Origin"] == cloud.front
        assert cloud.obs.read("legible-in", "a.txt").content == b"x"

    def test_the_gateway_itself_lets_nobody_in_without_a_code(self, cloud: LocalCloud) -> None:
        assert requests.get(cloud.api_endpoint, timeout=5).status_code == 401
        known = {"X-Apig-AppCode": cloud.environment()["LEGIBLE_APP_CODE"]}
        answer = requests.get(f"{cloud.environment()['LEGIBLE_API']}/?method=GET", headers=known, timeout=20)
        assert answer.status_code == 200
