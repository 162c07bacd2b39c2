"""The account: its keys and projects as IAM shows them, over HTTP.

Only requests that a check from outside makes: GET of ``/v3/auth/projects`` (iam_06_0003), ``/v3/auth/domains``,
``/v3.0/OS-CREDENTIAL/credentials/{access_key}`` (iam_03_0002), and agencies with what they are granted (``agencies``).
Permissions are imitated for agencies only, elsewhere an ``error`` fault with status 403 stands for a missing one; so
are pages of a list.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs

from localcloud.faults import Schedule
from localcloud.iam import signature
from localcloud.iam.agencies import Agencies, AgencyError
from localcloud.iam.credentials import AccessKey, Keyring
from localcloud.web import Environ, Server, StartResponse, raw_uri, read_body, read_headers, send

#: The account's id; invented.
DOMAIN_ID = "0f4c0000d0d04e0a9b1ec0de10ca1000"
_CREDENTIAL = re.compile(r"/v3\.0/OS-CREDENTIAL/credentials/(?P<access>[^/]+)")


class AccountError(Exception):
    """An error answer: HTTP status, code, message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Take what the answer says."""
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class LocalAccount:
    """A WSGI application that answers as IAM does.

    The fault kind ``error`` (``status``, ``code``, ``message``) strikes after the signature check, by a URL's path.
    """

    def __init__(self, keys: Keyring, project_id: str, region: str) -> None:
        """Serve one account.

        Args:
            keys: Its access keys.
            project_id: Its project in the region.
            region: The project's region, which is also the project's name.
        """
        self.faults = Schedule()
        #: When each permanent key was made, by access key id; now for keys that are not in it.
        self.made: dict[str, datetime] = {}
        self.agencies = Agencies(DOMAIN_ID)
        #: The ids of the account's projects, by their names; a region's own is called as the region.
        self.projects = {region: project_id}
        self._keys = keys

    def serve(self, port: int | None = None) -> Server:
        """Serve on loopback."""
        return Server(self, port)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request_id = uuid.uuid4().hex
        try:
            status, body = 200, self._answer(environ, raw_uri(environ))
        except AccountError as error:
            status, body = error.status, {"error_code": error.code, "error_msg": error.message}
        return send(start_response, status, json.dumps(body).encode(), {}, request_id)

    def _answer(self, environ: Environ, uri: str) -> dict[str, Any]:
        headers = read_headers(environ)
        try:
            key = signature.check(environ["REQUEST_METHOD"], uri, headers, read_body(environ), self._keys)
        except signature.SignatureError as error:
            raise AccountError(401, "APIGW.0301", str(error)) from None
        path, _, query = uri.partition("?")
        fault = self.faults.take(environ["REQUEST_METHOD"], path)
        if fault:
            raise AccountError(fault.status or 503, fault.code, fault.message)
        return self._look(path, {name: values[0] for name, values in parse_qs(query).items()}, key)

    def _look(self, path: str, query: dict[str, str], key: AccessKey) -> dict[str, Any]:
        if path == "/v3/auth/projects":
            return {"projects": [{"id": one, "name": called} for called, one in self.projects.items()]}
        if path == "/v3/auth/domains":
            return {"domains": [{"id": DOMAIN_ID, "name": "local"}]}
        try:
            granted = self.agencies.answer(path, query)
        except AgencyError as error:
            raise AccountError(error.status, f"IAM.{error.status:04}", error.message) from None
        if granted is not None:
            return granted
        asked = _CREDENTIAL.fullmatch(path)
        if asked and asked["access"] == key.access and not key.temporary:
            return self._credential(key)
        raise AccountError(404, "IAM.0004", "Could not find the resource.")

    def _credential(self, key: AccessKey) -> dict[str, Any]:
        created = self.made.get(key.access) or datetime.now(timezone.utc)
        return {
            "credential": {
                "access": key.access,
                "status": "active",
                "create_time": created.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                "user_id": "local",
                "description": "",
            }
        }
