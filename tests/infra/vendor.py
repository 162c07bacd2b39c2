"""The vendor's management APIs as far as infra/ asks them: IAM's account, TMS's tags, FunctionGraph's lists."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from localcloud.iam import signature
from localcloud.iam.credentials import AccessKey, Keyring
from localcloud.web import Environ, Server, StartResponse, raw_uri, read_body, read_headers

DOMAIN = "0a1b2c3d"


class Vendor:
    """A WSGI application; ``tagged`` and ``functions`` are what there is, ``broken`` the kinds TMS cannot look at."""

    def __init__(self, page: int = 2) -> None:
        self._keys = Keyring()
        self.key: AccessKey = self._keys.permanent()
        self.page = page
        self.providers: list[dict[str, Any]] = []
        self.tagged: list[dict[str, Any]] = []
        self.broken: set[str] = set()
        self.functions: list[dict[str, Any]] = []
        self.triggers: dict[str, list[str]] = {}
        #: What the functions are from the second list on: somebody deployed in between.
        self.deployed: list[dict[str, Any]] | None = None
        self._lists = 0
        self.asked_kinds: list[list[str]] = []
        self.server = Server(self)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        uri, body, headers = raw_uri(environ), read_body(environ), read_headers(environ)
        signature.check(environ["REQUEST_METHOD"], uri, headers, body, self._keys)
        parts = urlsplit(uri)
        query = {name: found[0] for name, found in parse_qs(parts.query).items()}
        answer = self._answer(unquote(parts.path), query, json.loads(body or b"null"), headers)
        status = "404 Not Found" if answer is None else "200 OK"
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]

    def _answer(self, path: str, query: dict[str, str], body: Any, headers: dict[str, str]) -> Any:
        if path == "/v3/auth/domains":
            return {"domains": [{"id": DOMAIN}]}
        if path.startswith("/v1.0/"):
            assert headers["x-domain-id"] == DOMAIN
            return self._providers(query) if path.endswith("/tms/providers") else self._filtered(body)
        if path.endswith("/fgs/functions"):
            first = int(query["marker"])
            self._lists += first == 0
            if self._lists > 1 and self.deployed is not None:
                self.functions = self.deployed
            page = self.functions[first : first + self.page]
            return {"functions": page, "next_marker": first + len(page), "count": len(page)}
        if "/fgs/triggers/" in path:
            kinds = self.triggers.get(path.rpartition("/")[2], [])
            return [{"trigger_type_code": kind} for kind in kinds]
        return None

    def _providers(self, query: dict[str, str]) -> Any:
        return {"providers": self.providers[int(query["offset"]) :][:200], "total_count": len(self.providers)}

    def _filtered(self, body: Any) -> Any:
        self.asked_kinds.append(body["resource_types"])
        (tag,) = body["tags"]
        found = [
            one for one in self.tagged
            if one["resource_type"] in body["resource_types"] and one["tag"] == (tag["key"], *tag["values"])
        ]  # fmt: skip
        errors = [
            {"resource_type": kind, "error_code": "TMS.0001", "error_msg": "System error."}
            for kind in body["resource_types"]
            if kind in self.broken
        ]
        return {"resources": found[body["offset"] :][: body["limit"]], "errors": errors, "total_count": len(found)}
