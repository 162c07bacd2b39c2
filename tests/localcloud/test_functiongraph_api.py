"""The FunctionGraph API: the vendor's SDK calls functions, and what is wrong is answered as the vendor does."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkfunctiongraph.v2 import (
    AsyncInvokeFunctionRequest,
    FunctionGraphClient,
    InvokeFunctionRequest,
    ListFunctionAsyncInvokeConfigRequest,
    ListFunctionTriggersRequest,
    ListQuotasRequest,
    ListWorkflowRequest,
)

from legible.huawei.credentials import Credentials
from legible.huawei.signed import Caller, Service
from localcloud.faults import Fault
from localcloud.functiongraph import ConfigError, Function, FunctionApi, FunctionGraph
from localcloud.functiongraph.config import AsyncPolicy, ObsTrigger
from localcloud.iam import signature
from localcloud.iam.credentials import AccessKey, Keyring
from localcloud.web import Server

PROJECT = "0f" * 16
HANDLER = """
def handler(event, context):
    if event.get("fail"):
        raise ValueError("it failed")
    return {"got": event, "urn": [context.getProjectID(), context.getPackage(), context.getFunctionName(),
        context.getVersion()], "request": context.getRequestID()}
"""


@pytest.fixture
def graph(code: Callable[[str], Path], keys: Keyring) -> Iterator[FunctionGraph]:
    functions = {"f": Function("f", "h.handler", name="legible-f", package="papers")}
    running = FunctionGraph(functions, [code(HANDLER)], keys, project_id=PROJECT)
    yield running
    running.stop()


@pytest.fixture
def api(graph: FunctionGraph, keys: Keyring) -> FunctionApi:
    made = FunctionApi(keys, PROJECT)
    made.graph = graph
    return made


@pytest.fixture
def endpoint(api: FunctionApi) -> Iterator[str]:
    server: Server = api.serve()
    yield server.endpoint
    api.close()
    server.stop()


@pytest.fixture
def connect(endpoint: str) -> Callable[..., FunctionGraphClient]:
    def connect(key: AccessKey, project: str = PROJECT) -> FunctionGraphClient:
        config = HttpConfig.get_default_config()
        config.timeout = (2, 5)
        credentials = BasicCredentials(key.access, key.secret, project)
        if key.token:
            credentials = credentials.with_security_token(key.token)
        builder = FunctionGraphClient.new_builder().with_credentials(credentials).with_http_config(config)
        return builder.with_endpoint(endpoint).build()

    return connect


@pytest.fixture
def call(connect: Any, key: AccessKey, graph: FunctionGraph) -> Callable[..., Any]:
    """Call the function asynchronously."""

    def call(event: Any = None, urn: str = "", **changes: Any) -> Any:
        client = connect(changes.pop("key", key), **changes)
        event = {"a": 1} if event is None else event
        return client.async_invoke_function(AsyncInvokeFunctionRequest(urn or graph.urn("f"), body=event))

    return call


def refused(call: Callable[[], Any]) -> tuple[int, str]:
    with pytest.raises(ServiceResponseException) as caught:
        call()
    return caught.value.status_code, caught.value.error_code


class TestAsync:
    @pytest.mark.parametrize("event", [{"a": 1}, {"Records": [{"s3": "文件 % + ü \U0001f4c4"}]}])
    def test_an_event_is_accepted_and_runs(self, call: Any, graph: FunctionGraph, event: Any) -> None:
        answer = call(event)
        assert answer.status_code == 202
        assert graph.wait_idle(20)
        (done,) = graph.invocations
        assert done.request_id == answer.request_id
        assert done.outcome.result["got"] == event
        assert done.outcome.result["urn"] == [PROJECT, "papers", "legible-f", "latest"]

    def test_temporary_keys_need_their_token(self, call: Any, keys: Keyring) -> None:
        key = keys.temporary()
        assert call(key=key).request_id
        assert refused(lambda: call(key=replace(key, token="other"))) == (401, "APIGW.0301")
        assert refused(lambda: call(key=replace(key, secret="other"))) == (401, "APIGW.0301")
        assert refused(lambda: call(key=replace(key, access="other"))) == (401, "APIGW.0301")

    def test_an_unknown_function_version_or_project(self, call: Any, graph: FunctionGraph) -> None:
        urn = graph.urn("f")
        for wrong in (
            urn.replace("legible-f", "g"),
            urn.replace("latest", "v1"),
            urn.replace("papers", "default"),
            "f",
        ):
            assert refused(lambda wrong=wrong: call(urn=wrong)) == (404, "FSS.1051")
        assert refused(lambda: call(project="1e" * 16)) == (403, "FSS.0403")

    def test_the_body_carries_256_kb(self, call: Any, graph: FunctionGraph) -> None:
        assert call({"a": "x" * (256 * 1024 - 9)}).request_id
        assert refused(lambda: call({"a": "x" * (256 * 1024 - 8)})) == (413, "FSS.0413")
        # Short as it is sent, long as JSON is written here.
        assert refused(lambda: call("[" + ",".join(["1e15"] * 50_000) + "]")) == (413, "FSS.0413")
        assert graph.wait_idle(20)
        assert len(graph.invocations) == 1

    @pytest.mark.parametrize("body", ["no JSON", "[" * 100_000])
    def test_what_is_no_json(self, call: Any, body: str) -> None:
        assert refused(lambda: call(body)) == (400, "FSS.0400")


class TestSync:
    def invoke(self, client: Any, graph: FunctionGraph, event: Any, version: str | None = "v1") -> Any:
        request = InvokeFunctionRequest(graph.urn("f"), x_cff_request_version=version, body=event)
        return client.invoke_function(request)

    def test_json_around_the_result(self, connect: Any, key: AccessKey, graph: FunctionGraph) -> None:
        answer = self.invoke(connect(key), graph, {"a": "ü"})
        assert (answer.status_code, answer.status) == (200, 200)
        result = json.loads(answer.result)
        assert result["got"] == {"a": "ü"}
        assert result["request"] == answer.request_id == answer.x_cff_request_id

    def test_the_result_as_it_is(self, connect: Any, key: AccessKey, graph: FunctionGraph) -> None:
        answer = self.invoke(connect(key), graph, {"a": 1}, None)
        assert json.loads(answer.raw_content)["got"] == {"a": 1}

    def test_an_error_of_the_function(self, connect: Any, key: AccessKey, graph: FunctionGraph) -> None:
        answer = self.invoke(connect(key), graph, {"fail": True})
        assert (answer.status_code, answer.status) == (200, 500)
        assert json.loads(answer.result)["errorMessage"] == "it failed"

    def test_the_body_carries_6_mb(self, connect: Any, key: AccessKey, graph: FunctionGraph) -> None:
        assert refused(lambda: self.invoke(connect(key), graph, {"a": "x" * 6 * 1024 * 1024})) == (413, "FSS.0413")


@pytest.mark.parametrize(
    ("method", "path", "status", "said"),
    [
        ("GET", "/v2/p/fgs/functions/f/invocations-async", 404, "APIGW.0101"),
        ("POST", "/v2/p/fgs/functions/f", 404, "APIGW.0101"),
        ("POST", "/v2/p/fgs/functions/f/invocations-async", 401, "APIGW.0301"),
    ],
)
def test_what_is_no_call_of_a_function(endpoint: str, method: str, path: str, status: int, said: str) -> None:
    request = urllib.request.Request(f"{endpoint}{path}", b"{}" if method == "POST" else None, method=method)
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=5)
    with caught.value as answer:
        assert answer.code == status
        assert json.loads(answer.read())["error_code"] == said


def test_a_platform_that_is_not_up_yet(api: FunctionApi, call: Any) -> None:
    api.graph = None
    assert refused(call) == (503, "FSS.0503")


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "answer"),
        [
            (Fault("error"), (503, "FSS.0503")),
            (Fault("error", code="FSS.0429"), (429, "FSS.0429")),
            (Fault("error", code="X.1", status=418, path="f", method="POST"), (418, "X.1")),
        ],
    )
    def test_errors(self, api: FunctionApi, call: Any, graph: FunctionGraph, fault: Fault, answer: Any) -> None:
        api.faults.add(Fault("error", path="other"), fault)
        assert refused(call) == answer
        assert graph.wait_idle(5)
        assert graph.invocations == []
        assert call().request_id

    @pytest.mark.parametrize(("kind", "accepted"), [("cut", 0), ("lost-answer", 1)])
    def test_broken_connections(
        self, api: FunctionApi, call: Any, graph: FunctionGraph, kind: str, accepted: int
    ) -> None:
        api.faults.add(Fault(kind))
        with pytest.raises(Exception, match="Connection"):
            call()
        assert graph.wait_idle(20)
        assert len(graph.invocations) == accepted

    @pytest.mark.parametrize(("kind", "accepted"), [("kill-before", 0), ("kill-after", 1)])
    def test_kills(
        self, api: FunctionApi, call: Any, key: AccessKey, graph: FunctionGraph, kind: str, accepted: int
    ) -> None:
        killed: list[str] = []
        api.on_kill = killed.append
        api.faults.add(Fault(kind))
        with pytest.raises(Exception, match="Connection"):
            call()
        assert killed == [key.access]
        assert graph.wait_idle(20)
        assert len(graph.invocations) == accepted

    def test_silence_ends_with_the_cloud(self, api: FunctionApi, call: Any) -> None:
        api.faults.add(Fault("lost-answer", seconds=60))
        begun = time.monotonic()
        api.close()
        with pytest.raises(Exception, match="Connection"):
            call()
        assert time.monotonic() - begun < 30


def test_a_signature_is_of_one_time_and_of_all_that_counts(keys: Keyring) -> None:
    for headers, said in (
        ({}, "no signature"),
        ({"authorization": "SDK-HMAC-SHA256 Access=x, SignedHeaders=host, Signature=0f"}, "ak not exist"),
    ):
        with pytest.raises(signature.SignatureError, match=f"Incorrect IAM authentication information: .*{said}"):
            signature.check("POST", "/", headers, b"", keys)


def test_user_variables_are_limited_with_those_of_the_cloud(code: Callable[[str], Path], keys: Keyring) -> None:
    function = Function("f", "h.handler", user_data={f"A{number}": "x" for number in range(15)})
    for more in ({f"B{number}": "x" for number in range(6)}, {"B": "x" * 4096}):
        with pytest.raises(ConfigError, match="limited to 20 and to 4,096"):
            FunctionGraph({"f": function}, [code(HANDLER)], keys, user_data=more)


class TestLooks:
    def test_triggers_and_quotas_are_read_by_the_vendors_sdk(
        self, connect: Any, key: AccessKey, graph: FunctionGraph, api: FunctionApi
    ) -> None:
        graph.functions["f"] = replace(graph.functions["f"], triggers=(ObsTrigger("in", prefix="a/"),))
        client = connect(key)
        (found,) = client.list_function_triggers(ListFunctionTriggersRequest(graph.urn("f"))).body
        assert (found.trigger_type_code, found.trigger_status) == ("OBS", "ACTIVE")
        assert (found.event_data.bucket, found.event_data.prefix) == ("in", "a/")
        assert found.event_data.events == ["s3:ObjectCreated:*"]
        asked = ListFunctionAsyncInvokeConfigRequest(graph.urn("f"))
        assert client.list_function_async_invoke_config(asked).async_invoke_configs == []
        graph.functions["f"] = replace(graph.functions["f"], policy=AsyncPolicy(3, 60, on_failure="f"))
        (policy,) = client.list_function_async_invoke_config(asked).async_invoke_configs
        assert (policy.max_async_retry_attempts, policy.max_async_event_age_in_seconds) == (3, 60)
        assert json.loads(policy.destination_config.on_failure.param) == {"func_urn": graph.urn("f")}
        (number, _) = client.list_quotas(ListQuotasRequest()).quotas.resources
        assert (number.type, number.used, number.quota) == ("fgs_func_num", 0, 400)

    def test_a_trigger_of_eventgrid_does_not_say_its_bucket(
        self, connect: Any, key: AccessKey, graph: FunctionGraph, api: FunctionApi
    ) -> None:
        api.envelope = "eventgrid"
        graph.functions["f"] = replace(graph.functions["f"], triggers=(ObsTrigger("in", ("ObjectCreated:Put",)),))
        (found,) = connect(key).list_function_triggers(ListFunctionTriggersRequest(graph.urn("f"))).body
        assert (found.trigger_type_code, found.event_data.bucket) == ("EVENTGRID", None)
        assert found.event_data.event_types == ["OBS:DWR:ObjectCreated:PUT"]

    def test_what_the_region_offers_is_asked_as_the_provider_does(
        self, endpoint: str, key: AccessKey, connect: Any, api: FunctionApi
    ) -> None:
        service = Service("FunctionGraph", endpoint, "endpoint", "what lists")
        caller = Caller(service, Credentials(key.access, key.secret, ""), PROJECT)
        assert "EVENTGRID" in caller.get(f"/v2/{PROJECT}/fgs/triggertypes", 5)
        assert {"type": "Python3.10", "display_name": "Python 3.10"} in caller.get(f"/v2/{PROJECT}/fgs/runtimetypes", 5)
        api.flows.append("flow")
        assert [one.name for one in connect(key).list_workflow(ListWorkflowRequest()).workflows] == ["flow"]

    def test_what_is_not_there_and_who_may_not_look(self, connect: Any, key: AccessKey, graph: FunctionGraph) -> None:
        unknown = ListFunctionTriggersRequest(graph.urn("f").replace("legible-f", "other"))
        assert refused(lambda: connect(key).list_function_triggers(unknown)) == (404, "FSS.1051")
        other = replace(key, secret="other")
        assert refused(lambda: connect(other).list_quotas(ListQuotasRequest())) == (401, "APIGW.0301")
        assert refused(lambda: connect(key, "0e" * 16).list_quotas(ListQuotasRequest())) == (403, "FSS.0403")
