"""The FunctionGraph API over HTTP: calls of functions, their triggers, quotas; signature, limits, error codes.

Not imitated: permissions (an ``error`` fault with status 403 stands for a missing one), aliases, versions but the
latest, and the log of a synchronous call. The order of checks if several fail at once is ours.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote

from localcloud.api import Answer, ApiError, SignedApi, answered, encoded
from localcloud.faults import Fault
from localcloud.functiongraph import invocations
from localcloud.functiongraph.config import AsyncPolicy, CtsTrigger, Function, ObsTrigger, TimerTrigger
from localcloud.functiongraph.events import MAX_ASYNC_EVENT, EventTooLargeError
from localcloud.functiongraph.instance import Outcome
from localcloud.functiongraph.runner import FunctionGraph
from localcloud.iam import signature
from localcloud.iam.credentials import Keyring
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
_EVENTS = re.compile(r"/v2/(?P<project>[^/]+)/fgs/functions/(?P<urn>[^/]+)/async-invocations")
_QUOTAS = re.compile(r"/v2/(?P<project>[^/]+)/fgs/quotas")
_PATH = re.compile(r"/v2/(?P<project>[^/]+)/fgs/functions/(?P<urn>[^/]+)/invocations(?P<later>-async)?")


class CallError(ApiError):
    """An error answer of FunctionGraph or of the gateway before it."""

    known = ERRORS


class FunctionApi(SignedApi):
    """A WSGI application that calls functions as the FunctionGraph API does.

    Fault kinds, struck after the signature check; paths are function keys, the method is POST for calls. For requests
    that only look, it is GET, with the paths ``quotas``, ``<key>/config``, ``<key>/policy`` and ``<key>/events``
    too, and the only kind is ``error``.

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
        #: Triggers besides those of serverless.yml, which knows no EventGrid: answers of the API, by function key.
        self.triggers: dict[str, list[dict[str, Any]]] = {}

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
        """Return a function's triggers (functiongraph_06_0122), async policies (_0143), metadata (_0106), or quotas."""
        path, _, query = uri.partition("?")
        kinds = (_TRIGGERS, _POLICIES, _CONFIG, _EVENTS, _QUOTAS)
        look = next((one for kind in kinds if (one := kind.fullmatch(path))), None)
        graph = self._check(environ, uri, body, look)
        assert look is not None  # else it was refused just now
        key = self._key(graph, look["urn"]) if look.re is not _QUOTAS else ""
        fault = self.faults.take(
            "GET",
            {_TRIGGERS: key, _POLICIES: f"{key}/policy", _CONFIG: f"{key}/config", _EVENTS: f"{key}/events"}.get(
                look.re, "quotas"
            ),
        )
        if fault:
            raise CallError(fault.code or "FSS.0503", fault.message, fault.status)
        if look.re is _TRIGGERS:
            function = graph.functions[key]
            own = (*map(_trigger, function.triggers), *map(_timer, function.timers), *map(_audit, function.audits))
            return [*own, *self.triggers.get(key, ())]
        if look.re is _POLICIES:
            return _policies(graph, key)
        if look.re is _CONFIG:
            return _config(graph.urn(key), graph.functions[key])
        if look.re is _EVENTS:
            return self._events(graph, key, query)
        resources = [{"type": kind, "used": used, "quota": most} for kind, (used, most) in self.quotas.items()]
        return {"quotas": {"resources": resources}}

    def _events(self, graph: FunctionGraph, key: str, query: str) -> Any:
        try:
            return invocations.listed(graph, key, dict(parse_qsl(query)), time.time())
        except ValueError as error:
            raise CallError("FSS.0400", f"Invalid parameter: {error}.") from None

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


def _trigger(trigger: ObsTrigger) -> dict[str, Any]:
    events = [f"s3:{name}" for name in trigger.events]
    return _active("OBS", bucket=trigger.bucket, events=events, prefix=trigger.prefix, suffix=trigger.suffix)


def _timer(trigger: TimerTrigger) -> dict[str, Any]:
    return _active(
        "TIMER", name=trigger.name, schedule=trigger.schedule, schedule_type=trigger.schedule_type,
        user_event=trigger.user_event,
    )  # fmt: skip


def _audit(trigger: CtsTrigger) -> dict[str, Any]:
    return _active("CTS", name=trigger.name, operations=list(trigger.operations))


def _active(kind: str, **data: Any) -> dict[str, Any]:
    """Return a trigger as the API lists it."""
    return {
        "trigger_id": uuid.uuid4().hex, "trigger_type_code": kind, "trigger_status": "ACTIVE", "event_data": data,
    }  # fmt: skip


def _config(urn: str, function: Function) -> dict[str, Any]:
    """Return the metadata; the agencies' names are fixed, because the local cloud does not tell agencies apart."""
    return {
        "func_urn": urn,
        "func_name": function.name,
        "package": function.package,
        "runtime": function.runtime,
        "timeout": int(function.timeout),
        "handler": function.handler,
        "memory_size": function.memory,
        "user_data": json.dumps(dict(function.user_data)),
        "xrole": "legible-config",
        "app_xrole": "legible-exec",
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
