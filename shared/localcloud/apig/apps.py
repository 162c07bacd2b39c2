"""The apps that may call: each has a code (simple authentication) and a key to sign with (apig_03_0058).

In the cloud a code is taken over HTTPS only, and an app is authorized for each API; here every app may call every API.
"""

from __future__ import annotations

import hmac
import secrets
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from localcloud.apig.errors import GatewayError, wrong_app
from localcloud.iam import signature
from localcloud.iam.credentials import AccessKey, Keyring

#: Where a caller puts its app's code.
CODE_HEADER = "x-apig-appcode"


@dataclass(frozen=True)
class App:
    """A caller as the gateway knows it. ``key`` signs as an access key does; code and secret stay out of ``repr``."""

    id: str
    name: str
    code: str = field(repr=False)
    key: AccessKey


class Apps:
    """The gateway's apps."""

    def __init__(self) -> None:
        """Start without any."""
        self._lock = threading.Lock()
        self._apps: dict[str, App] = {}
        self._keys = Keyring()

    def get(self, name: str) -> App:
        """Return the app of that name, made when missing."""
        with self._lock:
            if name not in self._apps:
                code = secrets.token_urlsafe(48)
                self._apps[name] = App(uuid.uuid4().hex, name, code, self._keys.permanent())
            return self._apps[name]

    def authenticate(self, method: str, uri: str, headers: Mapping[str, str], body: bytes) -> App:
        """Return the app that calls, by its code or else by its signature.

        Raises:
            GatewayError: APIG.0303: neither is right.
        """
        given = headers.get(CODE_HEADER)
        if given is not None:
            return self._by_code(given)
        try:
            key = signature.check(method, uri, dict(headers), body, self._keys)
        except signature.SignatureError as error:
            raise _refused(error) from None
        return next(app for app in self._all() if app.key.access == key.access)

    def _by_code(self, given: str) -> App:
        matching = [app for app in self._all() if hmac.compare_digest(app.code.encode(), given.encode())]
        if not matching:
            raise wrong_app("app code not found")
        return matching[0]

    def _all(self) -> list[App]:
        with self._lock:
            return list(self._apps.values())


def _refused(error: signature.SignatureError) -> GatewayError:
    return wrong_app(error.why)
