"""Requests of which the audit trail gets to know: who changed or took what over HTTP."""

from __future__ import annotations

from collections.abc import Callable

from legible.api.calls import Answer, Call, Callers, Endpoint
from legible.api.ends_shapes import NewRedrive
from legible.api.problems import ProblemError
from legible.api.routes import ROUTES
from legible.errors import LegibleError
from legible.model.audit import DOWNLOAD, FORGET
from legible.model.http import Reply
from legible.oversight.audit_trail import AuditDesk
from legible.ports import Log

_AUDITED = {route.name: route for route in ROUTES if route.audit}


class AuditedCalls:
    """Puts the audit before or behind endpoints, as their routes say.

    What changes something is audited before it is done: what cannot be audited is not done. A download is audited when
    it is granted, and granted all the same where that fails; then the function's log has it.

    Args:
        desk: Takes the events.
        callers: Tells who the caller is.
        log: Gets a line where a download, or that something failed, could not be audited.
        downloads: Whether downloads are audited.
        digest: Returns the digest by which a document is named that is to be forgotten.
    """

    def __init__(
        self,
        desk: AuditDesk,
        callers: Callers,
        log: Log,
        *,
        downloads: bool = True,
        digest: Callable[[str], str] = lambda key: "",
    ) -> None:
        """Audit nothing yet."""
        self._digest = digest
        self._desk = desk
        self._callers = callers
        self._log = log
        self._downloads = downloads

    def over(self, name: str, endpoint: Endpoint) -> Endpoint:
        """Return the endpoint of a route with its audit; the endpoint itself where it has none."""
        event = _AUDITED[name].audit if name in _AUDITED else ""
        if event == DOWNLOAD:
            return (lambda call: self._download(name, endpoint, call)) if self._downloads else endpoint
        return (lambda call: self._change(event, endpoint, call)) if event else endpoint

    def _change(self, event: str, endpoint: Endpoint, call: Call) -> Answer:
        kind, resource = self._subject(call)
        if event == FORGET:
            resource = self._digest(resource)
        operator = self._callers.operator(call)
        asked = self._desk.record(event, kind, resource, operator=operator)
        try:
            return endpoint(call)
        except Exception as error:
            self._failed(event, kind, resource, operator, {"of": asked, "code": _code(error)})
            raise

    def _failed(self, event: str, kind: str, resource: str, operator: str, details: dict[str, str]) -> None:
        """Keep the event of what failed. If that fails too, the log has it: whoever asked learns of the first error."""
        try:
            self._desk.record(event, kind, resource, operator=operator, status="warning", details=details)
        except LegibleError as error:
            self._log(
                "not-audited", name=event, resource=resource, operator=operator, reason=error.reason_code, **details
            )

    def _download(self, name: str, endpoint: Endpoint, call: Call) -> Answer:
        answer = endpoint(call)
        if not isinstance(answer, Reply):  # the status of a build: no file
            return answer
        kind, resource = self._subject(call)
        operator = self._callers.operator(call)
        details = {"file": call.places.get("kind", name), "page": call.places.get("page", "")}
        try:
            self._desk.record(DOWNLOAD, kind, resource, operator=operator, details=details)
        except LegibleError as error:
            self._log("not-audited", name=DOWNLOAD, resource=resource, operator=operator, reason=error.reason_code)
        return answer

    def _subject(self, call: Call) -> tuple[str, str]:
        """Return type and name of what a request is about. Raises as the endpoint does where it is not the caller's."""
        if "id" in call.places:
            return "document", self._callers.key(call, call.places["id"])
        if isinstance(call.body, NewRedrive):
            return "documents", self._callers.prefix(call) + call.body.prefix
        name: str = call.body.workbook if call.body is not None else call.places["file"]
        return "workbook", self._callers.prefix(call) + name


def _code(error: Exception) -> str:
    """Return the word for an error, as its problem document has it."""
    if isinstance(error, ProblemError):
        return error.problem.type.rpartition("/")[2]
    return error.reason_code if isinstance(error, LegibleError) else "internal"
