"""Notices as messages of a topic: ``ports.Notifier`` over Simple Message Notification."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from legible.huawei.credentials import Credentials
from legible.huawei.signed import Caller, Service
from legible.model.notices import Notice

#: A subject has at most 512 bytes, a message 256 KB, far more than any notice (productdesc-smn smn_01_0004).
_SUBJECT_BYTES = 512


def endpoint(region: str) -> str:
    """Return the region's own endpoint (Regions and Endpoints, SMN; also in the SDK)."""
    return f"https://smn.{region}.myhuaweicloud.com"


class SmnNotifier:
    """Publishes notices to a topic. See ``legible.ports.Notifier``.

    The message is the notice's JSON.

    Args:
        endpoint: Where SMN is.
        credentials: The agency's keys.
        project_id: The project.
        topic_urn: The topic.
    """

    def __init__(self, endpoint: str, credentials: Credentials, project_id: str, topic_urn: str) -> None:
        """Prepare the call; nothing is sent yet."""
        self._caller = Caller(Service("SMN", endpoint, "smn.endpoint", "smn:topic:publish"), credentials, project_id)
        self._path = f"/v2/{quote(project_id, '')}/notifications/topics/{quote(topic_urn, '')}/publish"

    def send(self, notice: Notice, seconds: float) -> None:
        """See ``Notifier.send``."""
        message = msgspec.json.encode(notice).decode()
        answer = self._caller.post(self._path, {"subject": _subject(notice), "message": message}, seconds)
        # "After the message ID is returned, the message has been saved and is to be pushed to the subscribers" (SMN API
        # Reference, Publish): without an id it is not known to have been taken.
        if not answer.get("message_id"):
            raise self._caller.unreadable("names no message")


def _subject(notice: Notice) -> str:
    # Who subscribed by mail gets it as the mail's subject, which is one line (RFC 5322, 2.2); a key may have several.
    text = " ".join(f"Legible: {notice.data.status} {notice.subject}".split())
    return text.encode()[:_SUBJECT_BYTES].decode("utf-8", "ignore")
