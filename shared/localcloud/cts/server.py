"""CTS's ListTraces and ListOperations over HTTP, and the events that it sends.

Its habits (SDK's texts, 3.1.219): ten traces unless more are asked for, and 200 at most; those of the last seven days
alone, of the last hour unless a time is named; the newest first, and ``next`` goes on to older ones. Not imitated:
trackers, data traces, and how late a trace comes.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from localcloud.cts.traces import RESOURCE_TYPE, SERVICE, SUBSCRIBE, Recorded
from localcloud.iam.account import DOMAIN_ID
from localcloud.iam.credentials import Keyring
from localcloud.kept import Kept
from localcloud.routes import Called, Route, RoutedApi, number, route

#: How many traces one call returns, how long they are there, and of how long they are without a named time (seconds).
DEFAULT, MOST, KEPT, RECENT = 10, 200, 7 * 86400, 3600
#: Filters of the API, which are the names of a trace's own values.
_FILTERS = ("service_type", "resource_type", "resource_id", "resource_name", "trace_name", "trace_rating", "user")
#: Filters by what is the same for all traces here.
_SAME = {"enterprise_project_id": "0", "tracker_name": "system", "access_key_id": ""}


class LocalCts(RoutedApi):
    """A WSGI application that answers as CTS does. See ``RoutedApi`` for faults and rights."""

    refused = "CTS.0015"
    malformed = "CTS.0003"
    errors: ClassVar[Mapping[str, tuple[int, str]]] = {
        "CTS.0001": (400, "The IAM or OBS service is abnormal."),
        "CTS.0003": (400, "The message body is empty or invalid."),
        # No page that we know names the code of a missing right: this one is ours, the status is the vendor's.
        "CTS.0015": (403, "You do not have the permission."),
    }

    def __init__(self, keys: Keyring, project_id: str, state: Path | None = None) -> None:
        """Serve one project.

        Args:
            keys: The access keys that may call.
            project_id: The only project there is.
            state: A folder for the traces.
        """
        super().__init__(keys, project_id)
        self.traces = Kept(state / "traces.jsonl" if state else None, Recorded)
        #: Tells the time, in seconds since the epoch.
        self.clock: Callable[[], float] = time.time
        #: What is recorded, by service and type of resource: what its documentation lists, and no more.
        self.operations: dict[tuple[str, str], list[str]] = {(SERVICE, RESOURCE_TYPE): [SUBSCRIBE]}
        #: Who is sent events: operations as a trigger names them, and what takes the event.
        self.watchers: list[tuple[frozenset[tuple[str, str, str]], Callable[[dict[str, Any]], object]]] = []

    def record(self, name: str, resource_name: str, **more: Any) -> Recorded:
        """Record that a user did something, now, and tell those who watch; ``more`` are other values of the trace."""
        now = self.clock()
        values = {"trace_id": str(uuid.uuid4()), "time": now, "record_time": now, **more}
        trace = Recorded(trace_name=name, resource_name=resource_name, **values)
        self.traces.add(trace)
        kind = trace.service_type, trace.resource_type, trace.trace_name
        for operations, tell in list(self.watchers):
            if kind in operations:
                tell(trace.event(DOMAIN_ID))
        return trace

    def routes(self) -> tuple[Route, ...]:
        """See ``RoutedApi.routes``."""
        return (
            route("GET", "/v3/{project}/traces", "cts:trace:list", self._list),
            route("GET", "/v3/{project}/operations", "cts:operation:list", self._operations),
        )

    def _list(self, called: Called) -> Any:
        query, now = called.query, self.clock()
        limit = number(query.get("limit", str(DEFAULT)))
        begin, end = query.get("from"), query.get("to")
        if (
            query.get("trace_type") not in ("system", "data")
            or not 1 <= limit <= MOST
            or (begin is None) != (end is None)
        ):
            raise self.fail("CTS.0003")
        first = number(begin) / 1000 if begin is not None else now - RECENT
        last = number(end) / 1000 if end is not None else now
        if first < 0 or last < 0:
            raise self.fail("CTS.0003")
        found = [
            one for one in reversed(self.traces.entries)
            if one.time >= now - KEPT and (self._wanted(one, query) and first <= one.time <= last)
        ]  # fmt: skip
        found.sort(key=lambda one: one.time, reverse=True)
        if "trace_id" in query:  # all other filters are ignored then
            found = [one for one in self.traces.entries if one.trace_id == query["trace_id"] and one.time >= now - KEPT]
        ids = [one.trace_id for one in found]
        start = ids.index(query["next"]) + 1 if query.get("next") in ids else 0
        page = found[start : start + limit]
        more = start + limit < len(found)
        return {
            "traces": [one.listed(self._project_id, DOMAIN_ID) for one in page],
            "meta_data": {"count": len(page), "marker": page[-1].trace_id if more else None},
        }

    def _wanted(self, trace: Recorded, query: Mapping[str, str]) -> bool:
        alike = {name: getattr(trace, name) for name in _FILTERS} | _SAME
        return query["trace_type"] == "system" and all(
            query[name] == value for name, value in alike.items() if query.get(name)
        )

    def _operations(self, called: Called) -> Any:
        query = called.query
        if query.get("resource_type") and not query.get("service_type"):
            raise self.fail("CTS.0003")
        return {
            "operations": [
                {"service_type": service, "resource_type": kind, "operation_list": names}
                for (service, kind), names in self.operations.items()
                if query.get("service_type", service) == service and query.get("resource_type", kind) == kind
            ]
        }
