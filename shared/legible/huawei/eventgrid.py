"""Notices as events of a channel: ``ports.Notifier`` over EventGrid."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import msgspec

from legible.errors import HeldError, redact
from legible.huawei.credentials import Credentials
from legible.huawei.signed import Caller, Service
from legible.model.notices import Notice


def endpoint(region: str) -> str:
    """Return the region's own endpoint (Regions and Endpoints, EG; also in the SDK)."""
    return f"https://eg.{region}.myhuaweicloud.com"


class EventGridNotifier:
    """Puts notices on a custom channel. See ``legible.ports.Notifier``.

    The event's ``source`` is the name of the channel's custom event source: EventGrid finds subscriptions by it
    (PutEvents; "source: event source name"). One event has at most 64 KB (eg-ug-015); a notice stays below. The page of
    PutEvents (2025-11-07) says that it is for debugging; the SDKs, by which custom events come, have no other call.

    Args:
        endpoint: Where EventGrid is.
        credentials: The agency's keys.
        project_id: The project.
        channel_id: The channel.
        source: The name of its custom event source.
    """

    def __init__(self, endpoint: str, credentials: Credentials, project_id: str, channel_id: str, source: str) -> None:
        """See the class."""
        service = Service("EventGrid", endpoint, "eventgrid.endpoint", "eg:channels:putEvents")
        self._caller = Caller(service, credentials, project_id)
        self._secrets = credentials.secrets
        self._path = f"/v1/{quote(project_id, '')}/channels/{quote(channel_id, '')}/events"
        self._source = source

    def send(self, notice: Notice, seconds: float) -> None:
        """See ``Notifier.send``."""
        event = msgspec.structs.replace(notice, source=self._source)
        said = self._caller.post(self._path, {"events": [event]}, seconds)
        failed = said.get("failed_count")
        if not isinstance(failed, int):
            raise self._caller.unreadable("counts no failures")
        if failed:  # 200 says that the request was read, not that the event was taken
            raise self._failed(said.get("events"))

    def _failed(self, events: Any) -> HeldError:
        first = events[0] if isinstance(events, list) and events and isinstance(events[0], dict) else {}
        code = str(first.get("error_code") or "")
        text = redact(f"EventGrid did not take the event: {code} {first.get('error_msg') or ''}".strip(), self._secrets)
        return HeldError(text, code="notice-refused", advice="Check the channel and its source.", vendor_code=code)
