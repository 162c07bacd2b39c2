"""The routes as data: what each takes and returns, and how it may fail. The OpenAPI document is made from this."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any, Literal

from msgspec import Struct

from legible.api import ends_shapes, forget_shapes, oversight_shapes, shapes
from legible.api.audit_shapes import Auditing, AuditList
from legible.model.audit import DOWNLOAD, FORGET, ORDER, REDRIVE, RERUN
from legible.model.ends import RedriveReport, UndoneReport
from legible.model.http import Request
from legible.model.sums import DocumentSum
from legible.oversight.reconciliation import Reconciled

JSON = "application/json"
MULTIPART = "multipart/form-data"
#: What an id looks like; its length is that of the longest key.
_ID = r"[A-Za-z0-9_-]{1,1600}"
#: The pattern and the description of each variable part of a path, by its name.
PLACES = {
    "id": (_ID, "The document's id: its key as base64url without padding."),
    "page": (r"[1-9][0-9]{0,5}", "The page, counted from 1."),
    "kind": (r"(?:json|xlsx|csv|md|pdf)", "The kind of file."),
    "slug": (r"[a-z0-9-]{1,100}", "The operation's slug."),
    "file": (r"[^/]{1,220}", "The workbook's name; with an ending, that of a file of it."),
}
_PLACE = re.compile(r"\{(\w+)\}")


class HttpRoute(Struct, frozen=True, dict=True):
    """One route: a method and a path, what it takes, and what it returns.

    ``audit`` is the name of the event that the audit trail gets of each request; empty for none.
    ``name`` is the endpoint's name. ``replies`` has, by status, the type of the JSON body, another media type, or None
    for an empty one. ``problems`` are the statuses of its own problem documents; see ``COMMON`` for those of all.
    """

    method: Literal["GET", "POST"]
    path: str
    name: str
    summary: str
    replies: dict[int, Any]
    query: type[Struct] | None = None
    body: type[Struct] | None = None
    multipart: bool = False
    problems: tuple[int, ...] = ()
    headers: dict[str, str] = {}
    audit: str = ""

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        text = "".join(
            f"(?P<{part}>{PLACES[part][0]})" if number % 2 else re.escape(part)
            for number, part in enumerate(_PLACE.split(self.path))
        )
        return re.compile(text)

    def places(self) -> list[str]:
        """Return the names of the path's variable parts."""
        return _PLACE.findall(self.path)

    def match(self, path: str) -> dict[str, str] | None:
        """Return the variable parts of a path of this route; None for any other path."""
        match = self._pattern.fullmatch(path)
        return match.groupdict() if match else None


#: Statuses that every request may end with: defects and settings, access, a query that does not fit, limits.
COMMON = (403, 422, 500, 503)
_DOCUMENT = {200: shapes.DocumentStatus}
_ONCE = {"Idempotency-Key": "The same key with the same request does it once, however often it is sent."}

ROUTES: tuple[HttpRoute, ...] = (
    HttpRoute(
        "GET", "/v1/operations", "operations", "All operations: what they read, take and answer.",
        {200: shapes.OperationList},
    ),
    HttpRoute(
        "GET", "/v1/operations/{slug}/code", "code", "The request of an operation, and the code that makes it.",
        {200: shapes.Code}, query=shapes.Coding, problems=(404,),
    ),
    HttpRoute(
        "GET", "/v1/documents", "documents", "Documents with how far each is, newest first or by key.",
        {200: shapes.DocumentList}, query=shapes.Listing,
    ),
    HttpRoute(
        "POST", "/v1/documents", "submit", "Send a small document; the reply may wait for its result.",
        {200: shapes.DocumentStatus, 202: shapes.Accepted}, query=shapes.Waiting, body=shapes.NewDocument,
        multipart=True, problems=(400, 403, 409, 413, 415, 502), headers=_ONCE,
    ),
    HttpRoute(
        "POST", "/v1/uploads", "upload", "Get a signed request that uploads a large file; the upload is all it needs.",
        {201: shapes.UploadTicket}, body=shapes.NewUpload, problems=(400, 403, 413, 415),
    ),
    HttpRoute(
        "GET", "/v1/documents/{id}", "show", "How far a document is, and its record when it has one.",
        _DOCUMENT, query=shapes.Versioned, problems=(404,),
    ),
    HttpRoute(
        "GET", "/v1/documents/{id}.{kind}", "result", "A result as a file.",
        {200: "application/zip", 302: None}, query=shapes.Versioned, problems=(404,), audit=DOWNLOAD,
    ),
    HttpRoute(
        "GET", "/v1/documents/{id}/form.xlsx", "form", "The form that its route names, filled.",
        {302: None}, query=shapes.Versioned, problems=(404,), audit=DOWNLOAD,
    ),
    HttpRoute(
        "GET", "/v1/documents/{id}/pages/{page}/image", "image", "The picture of a page, upright.",
        {302: None}, query=shapes.Versioned, problems=(404, 409),
    ),
    HttpRoute(
        "GET", "/v1/documents/{id}/pages/{page}/answer", "answer", "The answer of a paid call, as it was received.",
        {200: JSON, 302: None}, query=shapes.Versioned, problems=(404,), audit=DOWNLOAD,
    ),
    HttpRoute(
        "POST", "/v1/documents/{id}/review", "review", "Correct what was recognized.",
        {200: shapes.Reviewed}, body=shapes.NewReview, problems=(400, 403, 404, 409, 413, 415),
    ),
    HttpRoute(
        "POST", "/v1/documents/{id}/rerun", "rerun",
        "Try again what is not done, paying for missing pages only; or make the results of what is done anew, free.",
        {202: shapes.Accepted, **_DOCUMENT}, problems=(403, 404, 409), audit=RERUN,
    ),
    HttpRoute(
        "POST", "/v1/documents/{id}/forget", "forget",
        "Remove everything of a document, for good: its upload, results, answers, pages, corrections and notices.",
        {202: forget_shapes.ForgettingTicket}, body=forget_shapes.NewForgetting,
        problems=(400, 403, 404, 409, 413, 415), audit=FORGET,
    ),
    HttpRoute(
        "GET", "/v1/dead", "dead", "Documents that are not done, by their causes, with what another try would cost.",
        {200: UndoneReport}, query=ends_shapes.UndoneAsking,
    ),
    HttpRoute(
        "POST", "/v1/redrives", "redrive", "Try once more what is not done for a cause, within a limit to the cost.",
        {200: RedriveReport}, body=ends_shapes.NewRedrive, problems=(400, 403, 413, 415), headers=_ONCE, audit=REDRIVE,
    ),
    HttpRoute(
        "POST", "/v1/workbooks", "workbook", "Build a workbook over many documents.",
        {202: shapes.WorkbookTicket}, body=shapes.NewWorkbook, problems=(400, 403, 409, 413, 415),
        audit=ORDER,
    ),
    HttpRoute(
        "GET", "/v1/workbooks/{file}", "workbook_file",
        "How the build of a workbook stands, by its name; by the name of one of its files, that file.",
        {200: shapes.WorkbookStatus, 302: None}, problems=(404,), audit=DOWNLOAD,
    ),
    HttpRoute(
        "GET", "/v1/audit", "audit", "Who did what, the newest first: calls, corrections, reruns, exports, settings.",
        {200: AuditList}, query=Auditing,
    ),
    HttpRoute(
        "GET", "/v1/status", "status",
        "How all documents stand: what was uploaded is done, partial, rejected, held, dead or running.",
        {200: DocumentSum}, query=oversight_shapes.StatusAsking, problems=(409,),
    ),
    HttpRoute(
        "GET", "/v1/usage", "usage", "Calls by day, operation, project and route; documents that ended; what it cost.",
        {200: oversight_shapes.Usage}, query=oversight_shapes.UsageDays, problems=(409,),
    ),
    HttpRoute(
        "GET", "/v1/accounts", "accounts", "What each enterprise project used and cost, by the ledger.",
        {200: oversight_shapes.Accounts}, query=oversight_shapes.UsageDays, problems=(409,),
    ),
    HttpRoute(
        "GET", "/v1/packages", "packages", "What is left of packages, and when pay-per-use begins.",
        {200: oversight_shapes.PackageList}, problems=(409,),
    ),
    HttpRoute(
        "GET", "/v1/subscriptions", "subscriptions",
        "Which operations are in use; with `operation`, whether that one may be called, by a call that is not billed.",
        {200: oversight_shapes.SubscriptionList}, query=oversight_shapes.SubscriptionAsking, problems=(404, 409),
    ),
    HttpRoute(
        "GET", "/v1/reconciliation", "reconciliation", "The ledger held against Cloud Eye: what differs, and why.",
        {200: Reconciled}, query=oversight_shapes.Reconciling, problems=(409,),
    ),
    HttpRoute(
        "GET", "/v1/health", "health", "Whether documents can be read here.",
        {200: shapes.Health}, query=shapes.Probing, problems=(404,),
    ),
    HttpRoute(
        "GET", "/v1/openapi.json", "openapi", "This document.", {200: JSON},
    ),
)  # fmt: skip


class Found(Struct, frozen=True):
    """The route of a request with the parts of its path; or no route, and the ``methods`` that its path has."""

    route: HttpRoute | None = None
    places: dict[str, str] = {}
    methods: tuple[str, ...] = ()


def find(request: Request) -> Found:
    """Return the route of a request; HEAD has the route of GET."""
    methods: list[str] = []
    for route in ROUTES:
        places = route.match(request.path)
        if places is not None and route.method == ("GET" if request.method == "HEAD" else request.method):
            return Found(route, places)
        if places is not None:
            methods.append(route.method)
    return Found(methods=tuple(methods))
