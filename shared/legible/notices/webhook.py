"""Webhooks: ``ports.Notifier`` over HTTPS, signed as https://www.standardwebhooks.com says (specification 1.0)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime

import msgspec

from legible.errors import HeldError, LegibleError, RejectedError, SettingsError, UnavailableError
from legible.model.notices import Notice
from legible.outbound import Addresses

#: What the specification takes for a secret: 24 to 64 random bytes.
_SECRET_BYTES = range(24, 65)
_SECRET_ADVICE = "Give it a secret of 24 to 64 random bytes in Base64, with or without whsec_ in front."
#: A receiver's answer is looked at for its status alone.
_ANSWER_BYTES = 1024


def secret_of(text: str, variable: str) -> bytes:
    """Return the bytes that requests are signed with.

    Args:
        text: The secret as receivers have it: Base64, ``whsec_`` in front or not.
        variable: The user variable it is in, for the error; the secret is not quoted.

    Raises:
        SettingsError: The text is not a secret.
    """
    try:
        secret = base64.b64decode(text.strip().removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        secret = b""
    if len(secret) not in _SECRET_BYTES:
        raise SettingsError(
            f"The user variable {variable} does not hold the secret of a webhook.", advice=_SECRET_ADVICE
        )
    return secret


def signature(secret: bytes, identity: str, timestamp: int, body: bytes) -> str:
    """Return the header ``webhook-signature`` of a message: HMAC-SHA256 over id, time in seconds, and body."""
    signed = hmac.new(secret, f"{identity}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


class WebhookNotifier:
    """Posts notices to a URL. See ``legible.ports.Notifier``.

    A redirect is not followed: it would carry the notice to a place that no setting names. Errors name the host alone,
    because a path may hold a secret.

    Args:
        url: The URL; judged again for each notice.
        secret: The secret that notices are signed with, see ``secret_of``.
        addresses: Opens URLs that may be opened.
        now: Returns the time.
    """

    def __init__(self, url: str, secret: bytes, addresses: Addresses, now: Callable[[], datetime]) -> None:
        """Send nothing yet."""
        self._url = url
        self._secret = secret
        self._addresses = addresses
        self._now = now

    def send(self, notice: Notice, seconds: float) -> None:
        """See ``Notifier.send``."""
        body, timestamp = msgspec.json.encode(notice), int(self._now().timestamp())
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": notice.id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._secret, notice.id, timestamp, body),
        }
        try:
            reply = self._addresses.exchange("POST", self._url, body, headers, seconds, _ANSWER_BYTES)
        except RejectedError as error:  # where a name leads can change
            raise HeldError.of(error) from None
        if not 200 <= reply.status < 300:
            raise self._refused(reply.status)

    def _refused(self, status: int) -> LegibleError:
        host = self._addresses.spelled(self._url)[1]
        message = f"The receiver {host} answers {status}."
        if status == 410:  # the specification: the receiver wants no more
            return RejectedError(message, code="receiver-gone", advice="Remove the target from legible.toml.")
        if 300 <= status < 400:
            return HeldError(message, code="redirected", advice="Use the URL it leads to in legible.toml.")
        if status in (401, 403, 404):
            return HeldError(message, code="receiver-refused", advice="Check the URL and the secret.")
        return UnavailableError(message, code="receiver-failed", advice="It is tried again.")
