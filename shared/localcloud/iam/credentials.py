"""Access keys that the local cloud knows: permanent ones, and temporary ones as an agency gets them."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field

#: How long an agency's temporary credentials live (functiongraph_02_0502): 24 hours.
AGENCY_LIFETIME = 24 * 3600.0


@dataclass(frozen=True)
class AccessKey:
    """One access key. ``token`` is empty for a permanent key; ``expires`` is in seconds since the epoch.

    The secret parts stay out of ``repr``, so that no log or failed test shows them.
    """

    access: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    expires: float | None = None

    @property
    def temporary(self) -> bool:
        """Tell whether requests must also carry the security token."""
        return bool(self.token)

    def expired(self, now: float | None = None) -> bool:
        """Tell whether the key's life is over."""
        return self.expires is not None and (time.time() if now is None else now) >= self.expires


class Keyring:
    """The access keys that the local cloud accepts, found by access key id."""

    def __init__(self) -> None:
        """Start without any key."""
        self._lock = threading.Lock()
        self._keys: dict[str, AccessKey] = {}

    def permanent(self) -> AccessKey:
        """Issue a permanent key of the account."""
        return self.add(AccessKey("LOCAL" + secrets.token_hex(8).upper(), secrets.token_urlsafe(30)))

    def temporary(self, lifetime: float = AGENCY_LIFETIME) -> AccessKey:
        """Issue a temporary key with a security token, valid for ``lifetime`` seconds."""
        return self.add(
            AccessKey(
                "HST" + secrets.token_hex(8).upper(),
                secrets.token_urlsafe(30),
                secrets.token_urlsafe(120),
                time.time() + lifetime,
            )
        )

    def add(self, key: AccessKey) -> AccessKey:
        """Accept this key from now on."""
        with self._lock:
            self._keys[key.access] = key
        return key

    def revoke(self, key: AccessKey) -> None:
        """Refuse this key from now on."""
        with self._lock:
            self._keys.pop(key.access, None)

    def find(self, access: str) -> AccessKey | None:
        """Return the key of that id, or None."""
        with self._lock:
            return self._keys.get(access)
