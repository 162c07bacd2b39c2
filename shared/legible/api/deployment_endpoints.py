"""Requests about the deployment as a whole: its operations, the code of a call, its health, its API's description."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from legible import VERSION
from legible.api import bodies, openapi, shapes
from legible.api.calls import Answer, Call, Callers, Endpoint
from legible.api.code import code
from legible.api.problems import ProblemError
from legible.api.routes import JSON
from legible.errors import SettingsError
from legible.model.http import Reply
from legible.operations import catalog, routing
from legible.operations.operation import Operation
from legible.ports import Recognizer, Site
from legible.recognition import probe

#: The route of the health check, which answers also where settings are wrong.
HEALTH = "health"


class DeploymentEndpoints:
    """Answers requests about the deployment.

    Args:
        site: Its buckets.
        callers: Tells who the caller is.
        recognizer: Makes the paid calls.
        ocr: Returns the OCR endpoint for an operation's slug.
        note: Is told the slug of an operation that is asked, unbilled, whether it may be called.
        version: The version of Legible.
    """

    def __init__(
        self,
        site: Site,
        callers: Callers,
        recognizer: Recognizer,
        ocr: Callable[[str], str],
        note: Callable[[str], None],
        version: str,
    ) -> None:
        """Answer nothing yet."""
        self._site = site
        self._callers = callers
        self._recognizer = recognizer
        self._ocr = ocr
        self._note = note
        self._version = version

    def by_route(self) -> dict[str, Endpoint]:
        """Return the endpoint of each route, by the route's name."""
        return {"operations": self.operations, "code": self.code, HEALTH: self.health, "openapi": self.openapi}

    def operations(self, call: Call) -> Answer:
        """All operations."""
        return shapes.OperationList(tuple(_operation(one) for one in catalog.OPERATIONS.values()))

    def code(self, call: Call) -> Answer:
        """The request of an operation, and code for it."""
        operation = _operation_of(call.places["slug"])
        options = bodies.options_of(call.query.options)
        try:
            routing.checked_options(operation.slug, options, "The query")
        except SettingsError as error:
            raise ProblemError(422, "bad-order", error.message, error.advice) from None
        key = self._callers.key(call, call.query.id) if call.query.id else f"{operation.slug}/document.png"
        source = self._site.store.url(self._site.in_input(key))
        return code(operation, options, self._ocr(operation.slug), source)

    def health(self, call: Call) -> Answer:
        """Whether documents can be read here."""
        self._callers.prefix(call)  # a stranger must not see names of buckets, or cause calls
        checks = [
            probe.HealthCheck("settings", "ok", "The settings can be read."),
            *probe.buckets(self._site),
        ]
        if call.query.probe:
            checks.append(probe.subscription(self._recognizer, _operation_of(call.query.probe), self._note))
        fine = all(one.status == "ok" for one in checks)
        return shapes.Health("ok" if fine else "degraded", self._version, tuple(checks))

    def openapi(self, call: Call) -> Answer:
        """The OpenAPI document of this API."""
        return Reply(200, {"Content-Type": JSON}, msgspec.json.encode(openapi.document()))


def unready(fault: SettingsError) -> shapes.Health:
    """Return the health of a deployment whose settings are wrong: what is wrong, and what is allowed."""
    return shapes.Health("degraded", VERSION, (probe.HealthCheck("settings", "failed", fault.message, fault.advice),))


def _operation_of(slug: str) -> Operation:
    if slug not in catalog.slugs():
        raise ProblemError(404, "no-such-operation", "There is no such operation.", "GET /v1/operations lists them.")
    return catalog.find(slug)


def _operation(one: Operation) -> shapes.OperationShape:
    options = tuple(shapes.OptionShape(o.name, o.type, o.help, o.required) for o in one.options)
    fields = tuple(shapes.FieldShape(f.path, f.label, f.label_zh, f.type) for f in one.fields)
    return shapes.OperationShape(
        one.slug, one.title, one.title_zh, one.reads, one.life.state, one.url, one.limits.formats, options, fields
    )
