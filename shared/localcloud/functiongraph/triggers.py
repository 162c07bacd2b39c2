"""A function's triggers as the APIs list them: FunctionGraph's own list, and EventGrid's subscriptions behind it.

A trigger of EventGrid is one in FunctionGraph's list that does not say which bucket it watches (the SDK marks
``bucket`` as OBS only), and a subscription in EventGrid that does (SDK, SubscriptionSourceInfo; the provider's page
eg_event_subscription has its ``detail`` and ``filter``).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from localcloud.functiongraph.config import CtsTrigger, Function, ObsTrigger, TimerTrigger
from localcloud.obs import Envelope

_SOURCE = "HC.OBS.DWR"
_CHANNEL = "0f4c0000-c4a2-4e0a-9b1e-c0de10ca1000"
#: How EventGrid spells what OBS calls ObjectCreated:Put and so on.
_TYPES = {"Put": "PUT", "Post": "POST", "Copy": "COPY", "CompleteMultipartUpload": "CompleteMultipartUpload"}


def listed(function: Function, envelope: Envelope) -> list[dict[str, Any]]:
    """Return a function's triggers as FunctionGraph lists them (functiongraph_06_0122).

    Args:
        function: The function.
        envelope: Whether uploads come through EventGrid, or by the classic trigger.
    """
    uploads = map(_eventgrid if envelope == "eventgrid" else _obs, function.triggers)
    return [*uploads, *map(_timer, function.timers), *map(_audit, function.audits)]


def subscriptions(function: Function, urn: str) -> list[dict[str, Any]]:
    """Return the subscriptions behind a function's triggers of EventGrid, as EventGrid lists them (ListTriggers)."""
    return [subscription(urn, one.bucket, types(one.events), one.prefix, one.suffix) for one in function.triggers]


def eventgrid(event_types: Iterable[str], status: str = "ACTIVE") -> dict[str, Any]:
    """Return a trigger of EventGrid as FunctionGraph lists it: without the bucket, a prefix or a suffix."""
    return _trigger(
        "EVENTGRID", status, channel_id=_CHANNEL, channel_name="default", source_name=_SOURCE, trigger_name="upload",
        agency="legible-eventgrid", event_types=list(event_types), status=status, Key_encode=True,
    )  # fmt: skip


def subscription(
    urn: str, bucket: str, event_types: Iterable[str], prefix: str = "", suffix: str = "", status: str = "ENABLED"
) -> dict[str, Any]:
    """Return a subscription of EventGrid: which events of which bucket call the function."""
    ends = {"StringStartsWith": prefix, "StringEndsWith": suffix}
    subject = [{"op": op, "values": [value]} for op, value in ends.items() if value]
    source = {
        "id": uuid.uuid4().hex, "name": _SOURCE, "provider_type": "OFFICIAL",
        "detail": {"bucket": bucket, "objectKeyEncode": True},
        "filter": {
            "source": [{"op": "StringIn", "values": [_SOURCE]}],
            "type": [{"op": "StringIn", "values": list(event_types)}],
            "data": {"obs": {"bucket": {"name": [{"op": "StringIn", "values": [bucket]}]}}},
            **({"subject": {"and": subject}} if subject else {}),
        },
    }  # fmt: skip
    target = {
        "id": uuid.uuid4().hex, "name": "HC.FunctionGraph", "provider_type": "OFFICIAL",
        "detail": {"urn": urn, "invoke_type": "ASYNC", "agency_name": "legible-eventgrid"},
    }  # fmt: skip
    return {
        "id": uuid.uuid4().hex, "name": "upload", "type": "EVENT", "status": status, "channel_id": _CHANNEL,
        "channel_name": "default", "used": [], "sources": [source], "targets": [target],
        "created_time": "2026-11-30T08:00:00Z", "updated_time": "2026-11-30T08:00:00Z",
    }  # fmt: skip


def types(events: Iterable[str]) -> list[str]:
    """Return EventGrid's event types for OBS's events, without their ``s3:``."""
    wanted = {name.rpartition(":")[2] for name in events}
    return [f"OBS:DWR:ObjectCreated:{type_}" for name, type_ in _TYPES.items() if {name, "*"} & wanted]


def _eventgrid(trigger: ObsTrigger) -> dict[str, Any]:
    return eventgrid(types(trigger.events))


def _obs(trigger: ObsTrigger) -> dict[str, Any]:
    events = [f"s3:{name}" for name in trigger.events]
    return _trigger("OBS", bucket=trigger.bucket, events=events, prefix=trigger.prefix, suffix=trigger.suffix)


def _timer(trigger: TimerTrigger) -> dict[str, Any]:
    return _trigger(
        "TIMER", name=trigger.name, schedule=trigger.schedule, schedule_type=trigger.schedule_type,
        user_event=trigger.user_event,
    )  # fmt: skip


def _audit(trigger: CtsTrigger) -> dict[str, Any]:
    return _trigger("CTS", name=trigger.name, operations=list(trigger.operations))


def _trigger(kind: str, state: str = "ACTIVE", /, **data: Any) -> dict[str, Any]:
    """Return a trigger as the API lists it."""
    return {"trigger_id": uuid.uuid4().hex, "trigger_type_code": kind, "trigger_status": state, "event_data": data}
