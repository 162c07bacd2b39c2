"""The FunctionGraph API over HTTP: calls of functions, their triggers, quotas, what the region offers; error codes.

Not imitated: permissions (an ``error`` fault with status 403 stands for a missing one), aliases, versions but the
latest, and the log of a synchronous call. The order of checks if several fail at once is ours.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote

from localcloud.api import Answer, ApiError, SignedApi, answered, encoded
from localcloud.faults import Fault
from localcloud.functiongraph import invocations, triggers
from localcloud.functiongraph.config import AsyncPolicy, Function
from localcloud.functiongraph.events import MAX_ASYNC_EVENT, EventTooLargeError
from localcloud.functiongraph.instance import Outcome
from localcloud.functiongraph.runner import FunctionGraph
from localcloud.iam import signature
from localcloud.iam.credentials import Keyring
from localcloud.iam.rights import CONFIGURATION, agency
from localcloud.obs import Envelope
from localcloud.web import Environ, StartResponse, raw_uri, read_body, read_headers

#: A synchronous request has at most 6 MB (functiongraph_01_0150).
MAX_EVENT = 6 * 1024 * 1024
#: Code to HTTP status and message (api-functiongraph ErrorCode; 1051: functiongraph_06_0126; APIGW: the gateway's).
ERRORS: dict[str, tuple[int, str]] = {
    "FSS.0400": (400, "Invalid parameter."),
    "FSS.0403": (403, "Forbidden"),
    "FSS.0413": (413, "The request body is too large."),
    "FSS.0429": (429, "Too many requests."),
    "FSS.0500": (500, "Internal server error."),
    "FSS.0503": (503, "Service unavailable."),
    "FSS.1051": (404, "Not found the function"),
    "APIGW.0101": (404, "The API does not exist or has not been published in the environment"),
    "APIGW.0301": (401, "Incorrect IAM authentication information"),
}
_TRIGGERS = re.compile(r"/v2/(?P<project>[^/]+)/fgs/triggers/(?P<urn>[^/]+)")
_POLICIES = re.compile(r"/v2/(?P<project>[^/]+)/fgs/functions/(?P<urn>[^/]+)/async-invoke-configs")
_CONFIG = re.compile(r"/v2/(?P<project>[^/]+)/fgs/functions/(?P<urn>[^/]+)/config")
#: What is asked of a project: quotas, flows, what its region offers, which agencies trust the service. All but quotas
#: and flows are not in the SDK; the provider asks them so (data_source_huaweicloud_fgs_trigger_types.go,
#: .._runtime_types.go and .._service_trusted_agencies.go, a0345b8).
_PROJECT = re.compile(
    r"/v2/(?P<project>[^/]+)/fgs/(?P<what>quotas|triggertypes|runtimetypes|workflows|service-trusted-agencies)"
)
_EVENTS = re.compile(r"/v2/(?P<project>[^/]+)/fgs/functions/(?P<urn>[^/]+)/async-invocations")
_STATISTICS = re.compile(r"/v2/(?P<project>[^/]+)/fgs/functions/(?P<urn>[^/]+)/statistics/(?P<minutes>[^/]+)")
#: What stands behind a function's key in the paths of faults.
_ENDS = {_TRIGGERS: "", _POLICIES: "/policy", _CONFIG: "/config", _EVENTS: "/events", _STATISTICS: "/statistics"}
_PATH = re.compile(r"/v2/(?P<project>[^/]+)/fgs/functions/(?P<urn>[^/]+)/invocations(?P<later>-async)?")


class CallError(ApiError):
    """An error answer of FunctionGraph or of the gateway before it."""

    known = ERRORS


class FunctionApi(SignedApi):
    """A WSGI application that calls functions as the FunctionGraph API does.

    Fault kinds, struck after the signature check; paths are function keys, the method is POST for calls. For requests
    that only look, it is GET, with the paths ``quotas``, ``triggertypes``, ``runtimetypes``, ``workflows``,
    ``service-trusted-agencies``, ``<key>/config``, ``<key>/policy``, ``<key>/events`` and ``<key>/statistics`` too,
    and the only kind is ``error``.

    - Nothing is called: ``error`` (``status``, ``code``, ``message``; 503 FSS.0503 unless named), ``cut`` (the
      connection breaks), ``kill-before`` (kills the function instance that calls, see ``on_kill``).
    - The call is accepted: ``lost-answer`` (silence for ``seconds``, then the connection breaks), ``kill-after``.
    """

    def __init__(self, keys: Keyring, project_id: str) -> None:
        """Serve one project; until ``graph`` is there, the service is unavailable.

        Args:
            keys: The access keys that may call.
            project_id: The only project there is.
        """
        super().__init__(keys, project_id)
        #: Whose functions are called.
        self.graph: FunctionGraph | None = None
        #: Each type of quota, with how much is used and how much there is (functiongraph_06_0137).
        self.quotas: dict[str, tuple[int, int]] = {"fgs_func_num": (0, 400), "fgs_func_code_size": (0, 10240)}
        #: Triggers besides those of serverless.yml: answers of the API, by function key.
        self.triggers: dict[str, list[dict[str, Any]]] = {}
        #: Whether uploads come through EventGrid, or by the classic trigger.
        self.envelope: Envelope = "classic"
        #: What the region offers. The vendor lists its types nowhere; these are those that its pages name.
        self.trigger_types = [
            "APIG",
            "DEDICATEDGATEWAY",
            "TIMER",
            "OBS",
            "EVENTGRID",
            "SMN",
            "CTS",
            "LTS",
            "DIS",
            "KAFKA",
        ]
        self.runtimes = ["Python3.6", "Python3.9", "Python3.10", "Python3.12", "Node.js18.15", "Java11"]
        #: Execution agencies that are not called as Terraform calls them, by function key.
        self.agencies: dict[str, str] = {}
        #: Agencies that no longer trust FunctionGraph.
        self.untrusted: set[str] = set()
        #: The names of function flows.
        self.flows: list[str] = []

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request_id = uuid.uuid4().hex
        fault, answer = self._answer(environ, raw_uri(environ), read_body(environ), request_id)
        self._strike(fault, environ)
        return answered(start_response, answer, request_id)

    def _answer(self, environ: Environ, uri: str, body: bytes, request_id: str) -> tuple[Fault | None, Answer]:
        fault = None
        try:
            if environ["REQUEST_METHOD"] == "GET":
                return None, Answer(200, encoded(self._look(environ, uri, body)))
            graph, key, later = self._admit(environ, uri, body)
            fault = self.faults.take("POST", key)
            if fault and fault.kind == "error":
                raise CallError(fault.code or "FSS.0503", fault.message, fault.status)
            if fault and fault.kind in ("cut", "kill-before"):
                return fault, Answer(499, b"")
            if later:
                return fault, _accept(graph, key, body)
            return fault, _run(graph, key, body, environ)
        except CallError as error:
            content = {"error_code": error.code, "error_msg": error.message}
            if error.code.startswith("APIGW."):
                content["request_id"] = request_id
            return fault, Answer(error.status, encoded(content))

    def _look(self, environ: Environ, uri: str, body: bytes) -> Any:
        """Return a function's triggers (functiongraph_06_0122), async policies (_0143) or metadata (_0106)."""
        path, _, query = uri.partition("?")
        look = next((one for kind in (*_ENDS, _PROJECT) if (one := kind.fullmatch(path))), None)
        graph = self._check(environ, uri, body, look)
        assert look is not None  # else it was refused just now
        if look.re is _PROJECT:
            self._strike_look(look["what"])
            return self._of_project(graph, look["what"])
        key = self._key(graph, look["urn"])
        self._strike_look(f"{key}{_ENDS[look.re]}")
        if look.re is _TRIGGERS:
            return [*triggers.listed(graph.functions[key], self.envelope), *self.triggers.get(key, ())]
        if look.re is _POLICIES:
            return _policies(graph, key)
        if look.re is _EVENTS:
            return _told(lambda: invocations.listed(graph, key, dict(parse_qsl(query)), time.time()))
        if look.re is _STATISTICS:
            return _told(lambda: invocations.statistics(graph, key, look["minutes"], time.time()))
        return _config(graph.urn(key), graph.functions[key], self.agencies.get(key, ""))

    def _strike_look(self, what: str) -> None:
        fault = self.faults.take("GET", what)
        if fault:
            raise CallError(fault.code or "FSS.0503", fault.message, fault.status)

    def _of_project(self, graph: FunctionGraph, what: str) -> Any:
        """Return quotas (functiongraph_06_0137), what the region offers, or function flows (SDK, ListWorkflows)."""
        if what == "triggertypes":
            return self.trigger_types
        if what == "runtimetypes":
            return [{"type": one, "display_name": one.replace("Python", "Python ")} for one in self.runtimes]
        if what == "workflows":
            return {"workflows": [{"id": one, "name": one} for one in self.flows], "total": len(self.flows)}
        if what == "service-trusted-agencies":
            configs = [_config("", one, self.agencies.get(key, "")) for key, one in graph.functions.items()]
            names = {str(one[kind]) for one in configs for kind in ("xrole", "app_xrole")} - self.untrusted
            return [{"name": one, "expire_time": ""} for one in sorted(names)]
        resources = [{"type": kind, "used": used, "quota": most} for kind, (used, most) in self.quotas.items()]
        return {"quotas": {"resources": resources}}

    def _admit(self, environ: Environ, uri: str, body: bytes) -> tuple[FunctionGraph, str, bool]:
        """Return who runs the function, the function's key, and whether the call is asynchronous."""
        path = _PATH.fullmatch(uri.partition("?")[0]) if environ["REQUEST_METHOD"] == "POST" else None
        graph = self._check(environ, uri, body, path)
        assert path is not None  # else it was refused just now
        return graph, self._key(graph, path["urn"]), bool(path["later"])

    def _check(self, environ: Environ, uri: str, body: bytes, path: re.Match[str] | None) -> FunctionGraph:
        if path is None:
            raise CallError("APIGW.0101")
        try:
            signature.check(environ["REQUEST_METHOD"], uri, read_headers(environ), body, self._keys)
        except signature.SignatureError as error:
            raise CallError("APIGW.0301", str(error)) from None
        if path["project"] != self._project_id:
            raise CallError("FSS.0403")
        if self.graph is None:
            raise CallError("FSS.0503")
        return self.graph

    def _key(self, graph: FunctionGraph, urn: str) -> str:
        key = {graph.urn(key): key for key in graph.functions}.get(unquote(urn))
        if key is None:
            raise CallError("FSS.1051")
        return key


def _told(answer: Callable[[], Any]) -> Any:
    """Return an answer; a parameter that is wrong is refused."""
    try:
        return answer()
    except ValueError as error:
        raise CallError("FSS.0400", f"Invalid parameter: {error}.") from None


def _config(urn: str, function: Function, executing: str) -> dict[str, Any]:
    """Return the metadata; unless told, agencies are called as Terraform calls them (the local keys know none)."""
    own = function.key.replace("_", "-")
    prefix = function.name.removesuffix(own)
    return {
        "func_urn": urn,
        "func_name": function.name,
        "package": function.package,
        "runtime": function.runtime,
        "timeout": int(function.timeout),
        "handler": function.handler,
        "memory_size": function.memory,
        "user_data": json.dumps(dict(function.user_data)),
        "xrole": prefix + CONFIGURATION,
        "app_xrole": executing or prefix + agency(function.key),
    }


def _policies(graph: FunctionGraph, key: str) -> dict[str, Any]:
    policy = graph.functions[key].policy
    if policy == AsyncPolicy():
        return {"async_invoke_configs": [], "count": 0}
    then = {"on_success": policy.on_success, "on_failure": policy.on_failure}
    targets = {
        when: {"destination": "FunctionGraph", "param": json.dumps({"func_urn": graph.urn(one)})}
        for when, one in then.items()
        if one
    }
    config = {
        "func_urn": graph.urn(key),
        "max_async_event_age_in_seconds": int(policy.max_event_age),
        "max_async_retry_attempts": policy.max_retry_attempts,
        "destination_config": targets,
    }
    return {"async_invoke_configs": [config], "count": 1}


def _accept(graph: FunctionGraph, key: str, body: bytes) -> Answer:
    """Call asynchronously: 202 and the request's id (functiongraph_06_0126)."""
    event = _event(body, MAX_ASYNC_EVENT)
    try:
        return Answer(202, encoded({"request_id": graph.invoke_async(key, event)}))
    except EventTooLargeError:
        raise CallError("FSS.0413") from None


def _run(graph: FunctionGraph, key: str, body: bytes, environ: Environ) -> Answer:
    """Call synchronously: the result as it is, or, asked for version v1, as JSON around it (functiongraph_06_0125).

    The page does not say with which status a function's own error comes: 200 here, and 500 in the JSON's ``status``.
    """
    event = _event(body, MAX_EVENT)
    request_id = str(uuid.uuid4())
    outcome = graph.invoke(key, event, request_id)
    version = "v1" if read_headers(environ).get("x-cff-request-version", "").lower() == "v1" else "v0"
    headers = {
        "X-Cff-Request-Id": request_id,
        "X-Cff-Response-Version": version,
        "X-Cff-Invoke-Summary": _summary(outcome, graph.functions[key].memory),
        "X-Is-Func-Err": "false" if outcome.ok else "true",
    }
    if version == "v0":
        return Answer(200, outcome.payload.encode(), headers)
    status = 200 if outcome.ok else 500
    whole = {"request_id": request_id, "result": outcome.payload, "log": "", "status": status}
    return Answer(200, encoded(whole), headers)


def _event(body: bytes, limit: int) -> Any:
    if len(body) > limit:
        raise CallError("FSS.0413")
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise CallError("FSS.0400", "Invalid parameter. The request body is not JSON.") from None


def _summary(outcome: Outcome, memory: int) -> str:
    milliseconds = outcome.seconds * 1000
    return json.dumps(
        {
            "duration": round(milliseconds, 3),
            "billingDuration": int(milliseconds) + 1,
            "memorySize": memory,
            "memoryUsed": round(outcome.memory, 3),
        }
    )
