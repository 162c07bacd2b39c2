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

    Args:
        endpoint: Where EventGrid is.
        credentials: The agency's keys.
        project_id: The project.
        channel_id: The channel.
        source: The name of its custom event source.
    """

    def __init__(self, endpoint: str, credentials: Credentials, project_id: str, channel_id: str, source: str) -> None:
        """Prepare the call; nothing is sent yet."""
        service = Service("EventGrid", endpoint, "eventgrid.endpoint", "eg:channels:putEvents")
        self._caller = Caller(service, credentials, project_id)
        self._secrets = credentials.secrets
        # The page of PutEvents (2025-11-07) says that it is for debugging; the SDKs, by which custom events come, have
        # no other call (huaweicloudsdkeg 3.1.219).
        self._path = f"/v1/{quote(project_id, '')}/channels/{quote(channel_id, '')}/events"
        self._source = source

    def send(self, notice: Notice, seconds: float) -> None:
        """See ``Notifier.send``."""
        # EventGrid finds subscriptions by an event's source: the name of the channel's custom event source (PutEvents).
        # One event has at most 64 KB (eg-ug-015); a notice stays below.
        event = msgspec.structs.replace(notice, source=self._source)
        answer = self._caller.post(self._path, {"events": [event]}, seconds)
        failed = answer.get("failed_count")
        if not isinstance(failed, int):
            raise self._caller.unreadable("counts no failures")
        # 200 says that the request was read, not that its events were taken: each has its own error_code (PutEvents).
        if failed:
            raise self._failed(answer.get("events"))

    def _failed(self, events: Any) -> HeldError:
        first = events[0] if isinstance(events, list) and events and isinstance(events[0], dict) else {}
        code = str(first.get("error_code") or "")
        text = redact(f"EventGrid did not take the event: {code} {first.get('error_msg') or ''}".strip(), self._secrets)
        return HeldError(text, code="notice-refused", advice="Check the channel and its source.", vendor_code=code)
