"""The audit trail over HTTP: who did what, by the filters of the vendor's console."""

from __future__ import annotations

import base64
from datetime import timedelta

import msgspec

from legible.api import audit_shapes, bodies
from legible.api.calls import Answer, Call, Callers, Endpoint
from legible.api.problems import ProblemError
from legible.errors import RejectedError
from legible.oversight.audit_chain import ChainPlace, read_head
from legible.oversight.audit_line import AuditLine
from legible.oversight.audit_search import AuditCursor, AuditFilters, AuditSearch
from legible.ports import Invocation, Site

#: The events of how long are looked through if the request does not say: as long as the vendor's console does.
_DEFAULT = timedelta(days=7)
#: With less time left than this, in seconds, no further part of the trail is read.
_LOOK_SECONDS = 10.0


class AuditEndpoints:
    """Answers requests about the audit trail.

    A caller who is a tenant sees what Legible did with the tenant's own documents and workbooks, and nothing else.

    Args:
        site: Its output bucket holds the trail.
        call: The invocation: gives the time, and how much of it is left.
        callers: Tells who the caller is.
    """

    def __init__(self, site: Site, call: Invocation, callers: Callers) -> None:
        """Search nothing yet."""
        self._site = site
        self._call = call
        self._callers = callers
        self._search = AuditSearch(site, self._timely)

    def by_route(self) -> dict[str, Endpoint]:
        """Return the endpoint of each route, by the route's name."""
        return {"audit": self.audit}

    def audit(self, call: Call) -> Answer:
        """Events of the audit trail."""
        asked: audit_shapes.Auditing = call.query
        prefix = self._callers.prefix(call)
        until = asked.until or self._call.now() + timedelta(minutes=1)
        since, until = bodies.span_of(asked.since, until, _DEFAULT)
        filters = AuditFilters(
            since=since, until=until, service=asked.service, resource_type=asked.resource_type, name=asked.name,
            resource_id=asked.resource_id, resource_name=asked.resource_name, operator=asked.operator,
            status=asked.status or None, prefix=prefix,
        )  # fmt: skip
        found = self._search.find(filters, asked.limit, _read_place(asked.cursor))
        cursor = base64.urlsafe_b64encode(msgspec.json.encode(found.cursor)).decode() if found.cursor else ""
        events = tuple(map(_shape, found.lines))
        if prefix:  # how many events the account has is nothing that one tenant should know
            return audit_shapes.AuditList(events, cursor)
        head = read_head(self._site) or ChainPlace()
        return audit_shapes.AuditList(events, cursor, self._search.waiting(), head.n, head.sha256 if head.n else "")

    def _timely(self) -> None:
        if self._call.remaining() < _LOOK_SECONDS:
            raise RejectedError(
                "There are too many events to look through in the time of one request.",
                code="too-many-events",
                advice="Ask for a shorter time by `since` and `until`; `legible audit` has all the time it needs.",
            )


def _shape(line: AuditLine) -> audit_shapes.AuditShape:
    return audit_shapes.AuditShape(
        line.id, line.at, line.recorded_at, line.source, line.service, line.name, line.resource_type, line.resource_id,
        line.resource_name, line.operator, line.status, line.details, line.raw_sha256,
    )  # fmt: skip


def _read_place(cursor: str) -> AuditCursor | None:
    if not cursor:
        return None
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(cursor.encode()), type=AuditCursor)
    except (msgspec.MsgspecError, ValueError):
        advice = "Use the one that the previous part gave."
        raise ProblemError(422, "bad-cursor", "The cursor is not valid.", advice) from None
