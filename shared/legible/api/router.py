"""Leads every request to its endpoint, and turns every error into a problem document."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec

from legible.api import bodies, routes
from legible.api.calls import Answer, Call
from legible.api.deployment_endpoints import HEALTH, unready
from legible.api.endpoints import Endpoints
from legible.api.problems import ProblemError, reply_to
from legible.api.static import CONSOLE, Console
from legible.errors import LegibleError, SettingsError
from legible.model.http import Reply, Request
from legible.ports import Log

#: Keep browsers from guessing types, keeping replies, and showing them elsewhere (OWASP, REST Security Cheat Sheet).
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Api:
    """Answers requests.

    Args:
        endpoints: Makes the endpoints; called once for each request, and its errors become replies too.
        log: Gets a line about each request that could not be answered, and about each defect.
        console: The console's files.
    """

    def __init__(self, endpoints: Callable[[], Endpoints], log: Log, console: Console = CONSOLE) -> None:
        """Answer nothing yet."""
        self._endpoints = endpoints
        self._log = log
        self._console = console

    def __call__(self, request: Request) -> Reply:
        """Answer one request; whatever happens, there is a reply."""
        try:
            reply = self._answer(request)
        except ProblemError as error:
            reply = reply_to(error)
        except LegibleError as error:
            reply = reply_to(error)
            if reply.status >= 500:
                self._log("not-answered", status=reply.status, code=error.reason_code, message=error.message)
        except Exception as error:
            self._log("defect", error=type(error).__name__, place=_place())
            problem = ProblemError(500, "internal", "Something went wrong here.", "The function's log says where.")
            reply = reply_to(problem)
        headers = {**_HEADERS, **reply.headers}
        return Reply(reply.status, headers, b"" if request.method == "HEAD" else reply.body)

    def _answer(self, request: Request) -> Reply:
        if request.path == "/":
            return Reply(302, {"Location": "/console/"})
        if request.path.startswith("/console/") or request.path == "/console":
            return self._console.shown(request, lambda: self._endpoints().origins())
        match = routes.find(request)
        route = match.route
        if route is None:
            raise _unknown(request, match.methods)
        if route.method == "POST":
            refuse_foreign(request)
        bodies.bound(request)
        try:
            answer = self._endpoints().of(route.name)
        except SettingsError as fault:
            if route.name != HEALTH:
                raise
            return _sent(unready(fault))
        query: Any = bodies.query_of(request, route.query) if route.query else None
        body: Any = bodies.json_of(request, route.body) if route.body and not _formed(route, request) else None
        return _sent(answer(Call(request, match.places, query, body)))


def refuse_foreign(request: Request) -> None:
    """Refuse a request that a page of another origin makes a browser send: the person did not ask for it.

    A browser says where a request comes from (Fetch Metadata, W3C), an older one at least its origin; a program says
    neither.

    Raises:
        ProblemError: 403.
    """
    site, origin = request.headers.get("sec-fetch-site", ""), request.headers.get("origin", "")
    own = not origin or urlsplit(origin).netloc == request.headers.get("host", "")
    if site not in ("", "same-origin", "none") or (not site and not own):
        raise ProblemError(
            403, "cross-origin", "A page of another origin asked for this.", "Use the console, or a program."
        )


def _formed(route: routes.HttpRoute, request: Request) -> bool:
    return route.multipart and bodies.is_form(request)


def _unknown(request: Request, methods: tuple[str, ...]) -> ProblemError:
    if not methods:
        return ProblemError(404, "no-such-path", "There is nothing at this path.", "See /v1/openapi.json.")
    allowed = ", ".join(sorted({*methods, "HEAD"} if "GET" in methods else methods))
    return ProblemError(
        405, "method-not-allowed", f"The method {request.method[:20]} is not allowed here.", f"Allowed: {allowed}.",
        {"Allow": allowed},
    )  # fmt: skip


def _sent(answer: Answer) -> Reply:
    if isinstance(answer, Reply):
        return answer
    status: int = answer[0] if isinstance(answer, tuple) else 200
    value: Any = answer[1] if isinstance(answer, tuple) else answer
    headers = {"Content-Type": routes.JSON}
    if status in {201, 202}:
        headers["Location"] = value.links["self"]
    return Reply(status, headers, msgspec.json.encode(value))


def _place() -> str:
    """Return where the last error was raised: file and line, never its text."""
    trace = sys.exc_info()[2]
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}" if trace else ""
