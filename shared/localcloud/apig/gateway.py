"""The local APIG: an HTTP request becomes an event, a real instance of the function handles it, its result is sent.

Not imitated: HTTPS, domains, throttling and its plans (an ``error`` fault stands for them), authorizers, the gateway's
own CORS, asynchronous calls.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterable, Mapping
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from http import HTTPStatus

from localcloud.apig import event
from localcloud.apig.apps import App, Apps
from localcloud.apig.errors import GatewayError, malformed, no_api, timeout, too_large, unavailable, wrong_key
from localcloud.apig.reply import Reply, reply_of
from localcloud.faults import Fault, Schedule
from localcloud.functiongraph.config import ApigTrigger
from localcloud.functiongraph.runner import FunctionGraph
from localcloud.iam import signature
from localcloud.iam.credentials import Keyring
from localcloud.web import Environ, Server, StartResponse, cut, raw_uri, read_headers, read_limited

#: The gateway passes at most 4 MB to a function (functiongraph_01_0150).
MAX_BODY = 4 * 1024 * 1024
#: System parameters that the API's definition maps to headers of the backend (api-apig CreateApiV2, backend_params of
#: origin SYSTEM): so a function learns which app calls.
SYSTEM_HEADERS = {"x-legible-app": "$context.appId"}


@dataclass(frozen=True)
class _Api:
    """A published API: its id, its trigger, and the function behind it."""

    id: str
    trigger: ApigTrigger
    function: str

    def takes(self, method: str, path: str) -> bool:
        """Tell whether a request is for this API; by prefix, whole folders count."""
        if self.trigger.method not in ("ANY", method):
            return False
        base = self.trigger.path.rstrip("/")
        if self.trigger.prefix and (path == base or path.startswith(f"{base}/")):
            return True
        return path == self.trigger.path


class LocalApig:
    """A WSGI application that answers as APIG does where its APIs have functions behind them.

    Fault kinds, paths are the request's: ``error`` (``status``, ``code``, ``message``; 502 APIG.0201 unless named) and
    ``cut`` (the connection breaks) strike before the function is called, ``lost-answer`` (silence for ``seconds``, then
    the connection breaks) afterwards.
    """

    def __init__(self, keys: Keyring, system_headers: Mapping[str, str] = SYSTEM_HEADERS) -> None:
        """Serve; until ``publish``, no API exists.

        Args:
            keys: The account's access keys, for APIs with IAM authentication.
            system_headers: System parameters by the header that the function sees them in.
        """
        self.faults = Schedule()
        self._keys = keys
        self._apps = Apps()
        self._system = dict(system_headers)
        self._graph: FunctionGraph | None = None
        self._apis: list[_Api] = []
        self._stopping = threading.Event()

    def publish(self, graph: FunctionGraph) -> None:
        """Publish the APIs of these functions; an exact path goes before a prefix, a longer one before a shorter."""
        apis = [
            _Api(uuid.uuid4().hex, trigger, key) for key, one in graph.functions.items() for trigger in one.apis
        ]  # fmt: skip
        apis.sort(key=lambda api: (api.trigger.prefix, -len(api.trigger.path)))
        self._graph, self._apis = graph, apis

    def app(self, name: str) -> str:
        """Return the code of the app of that name, made when missing."""
        return self._apps.get(name).code

    def credential(self, name: str) -> App:
        """Return the app of that name, made when missing: its id, and the key it may sign with."""
        return self._apps.get(name)

    def serve(self, port: int | None = None) -> Server:
        """Serve on loopback."""
        return Server(self, port)

    def close(self) -> None:
        """Release answers that are held on purpose."""
        self._stopping.set()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request_id = uuid.uuid4().hex
        body = read_limited(environ, MAX_BODY)
        fault = self.faults.take(environ["REQUEST_METHOD"], raw_uri(environ).partition("?")[0])
        try:
            reply = self._answer(environ, body, request_id, fault)
        except GatewayError as error:
            reply = Reply(error.status, error.body(request_id), {"Content-Type": "application/json"})
        if fault and fault.kind == "lost-answer":
            self._stopping.wait(fault.seconds)
            cut(environ)
        return _send(start_response, environ, reply, request_id)

    def _answer(self, environ: Environ, body: bytes | None, request_id: str, fault: Fault | None) -> Reply:
        if fault and fault.kind == "cut":
            cut(environ)
        if body is None:
            raise too_large()
        method, uri = environ["REQUEST_METHOD"], raw_uri(environ)
        path = uri.partition("?")[0]
        api = next((api for api in self._apis if api.takes(method, path)), None)
        if api is None or self._graph is None:
            raise no_api()
        mapped = self._mapped(self._caller(api, method, uri, read_headers(environ), body))
        if fault and fault.kind == "error":
            raise _error(fault)
        headers = event.request_headers(environ, mapped, request_id)
        told = event.build(environ, api.trigger, api.id, headers, body, request_id)
        call = self._graph.begin(api.function, told)
        try:
            return reply_of(call.result(api.trigger.timeout))
        except FutureTimeoutError:
            raise timeout() from None

    def _caller(self, api: _Api, method: str, uri: str, headers: dict[str, str], body: bytes) -> App | None:
        """Return the app that calls, None for a user of the account; refuse everybody else."""
        if api.trigger.auth == "APP":
            return self._apps.authenticate(method, uri, headers, body)
        try:
            signature.check(method, uri, headers, body, self._keys)
        except signature.SignatureError as error:
            raise wrong_key(error.why) from None
        return None

    def _mapped(self, app: App | None) -> dict[str, str]:
        known = {"$context.appId": app.id, "$context.appName": app.name} if app else {}
        return {name: known.get(parameter, "") for name, parameter in self._system.items()}


def _error(fault: Fault) -> GatewayError:
    usual = unavailable()
    return GatewayError(fault.status or usual.status, fault.code or usual.code, fault.message or usual.message)


def _send(start_response: StartResponse, environ: Environ, reply: Reply, request_id: str) -> Iterable[bytes]:
    try:
        status = HTTPStatus(reply.status)
    except ValueError:
        error = malformed("statusCode is not an HTTP status")
        status, reply = HTTPStatus(error.status), Reply(error.status, error.body(request_id))
    own = {"Server": "api-gateway", "X-Request-Id": request_id}
    bodiless = status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
    if not bodiless:
        own["Content-Length"] = str(len(reply.body))
    start_response(f"{status.value} {status.phrase}", list({**reply.headers, **own}.items()))
    return [] if bodiless or environ["REQUEST_METHOD"] == "HEAD" else [reply.body]
