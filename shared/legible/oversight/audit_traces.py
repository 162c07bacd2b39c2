"""Events of CTS in the audit trail: one that came both by the trigger and by the list is one event."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import timedelta

from legible.model.account import Trace, TraceQuery
from legible.model.audit import AuditEvent, audit_text
from legible.oversight.audit_trail import AuditDesk
from legible.ports import Invocation
from legible.ports.account import Traces

#: CTS lists the last seven days; its clock and ours need not agree to the minute.
_KEPT = timedelta(days=7) - timedelta(minutes=5)
#: Of a longer event, in bytes, the trail has the digest alone.
_LONGEST_RAW = 64 * 1024
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


def event_of(trace: Trace) -> AuditEvent:
    """Return the event of a trace: as it was received, beside its digest."""
    plain = _ID.fullmatch(trace.id)
    identity = trace.id if plain else hashlib.sha256(trace.id.encode() or trace.raw).hexdigest()[:32]
    details = {"code": trace.code, "kind": trace.kind, "request_id": trace.request_id}
    return AuditEvent(
        id=f"cts-{identity}",
        at=trace.at,
        source="cts",
        service=audit_text(trace.service),
        name=audit_text(trace.name),
        resource_type=audit_text(trace.resource_type),
        resource_id=audit_text(trace.resource_id),
        resource_name=audit_text(trace.resource),
        operator=audit_text(trace.operator),
        status=trace.rating,
        details={key: audit_text(text) for key, text in details.items() if text},
        raw=trace.raw.decode("utf-8", "replace") if len(trace.raw) <= _LONGEST_RAW else "",
        raw_sha256=hashlib.sha256(trace.raw).hexdigest(),
    )


class TraceKeeper:
    """Keeps what CTS recorded.

    Args:
        call: The invocation: gives the time.
        desk: Takes the events.
    """

    def __init__(self, call: Invocation, desk: AuditDesk) -> None:
        """Keep nothing yet."""
        self._call = call
        self._desk = desk

    def keep(self, traces: Iterable[Trace]) -> int:
        """Keep traces, each under the id that CTS gave it; return how many. Raises as ``AuditDesk.keep`` does."""
        events = [event_of(trace) for trace in traces]
        for event in events:
            self._desk.keep(event)
        return len(events)

    def fetch(self, cts: Traces, services: Iterable[str]) -> int:
        """Keep what CTS still lists of these services and the trail has not: the trigger may have missed it.

        Returns:
            How many were kept.

        Raises:
            HeldError: A right is missing, there or on the bucket.
            RetryableError: A fault that passes.
        """
        now = self._call.now()
        queries = (TraceQuery(begin=now - _KEPT, end=now, service=service) for service in services)
        listed = (trace for query in queries for trace in cts.find(query))
        return self.keep(trace for trace in listed if not self._desk.knows(event_of(trace).id))
