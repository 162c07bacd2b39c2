"""A request to OBS: method, bucket, key, query, headers, body."""

from __future__ import annotations

import hashlib
import io
import secrets
from dataclasses import dataclass
from urllib.parse import unquote

from moto.core.request import PRESERVED_HEADER_NAMES_ENVIRON_KEY, environ_key_for_header

from localcloud.obs.spool import Spool
from localcloud.web import Environ, raw_uri, read_body

#: Where the server leaves the headers as they arrived: WSGI's own names do not tell ``my_key`` from ``my-key``.
HEADERS = "localcloud.headers"
#: Query parameters of a signed URL (api-obs obs_04_0011); they do not say what is asked for.
_SIGNING = ("AWSAccessKeyId", "AccessKeyId", "Expires", "Signature")
#: Queries that ask for something else than an object's content.
SUBRESOURCES = ("acl", "tagging", "retention", "legal-hold", "restore", "notification", "append")


@dataclass
class ObsRequest:
    """One request, path style. ``query`` keeps order and tells ``?append`` (None) from ``?append=`` (empty).

    The body of an upload is its ``spool``, any other is ``body``.
    """

    method: str
    bucket: str
    key: str
    query: dict[str, str | None]
    headers: dict[str, str]
    body: bytes
    environ: Environ
    id: str
    spool: Spool | None = None

    @classmethod
    def read(cls, environ: Environ) -> ObsRequest:
        """Read a WSGI request to its end; unread bytes would be taken for the connection's next request."""
        path, _, query = raw_uri(environ).partition("?")
        bucket, _, key = path.lstrip("/").partition("/")
        request = cls(
            method=environ["REQUEST_METHOD"],
            bucket=unquote(bucket),
            key=unquote(key),
            query=_pairs(query),
            headers=environ[HEADERS],
            body=b"",
            environ=environ,
            id=secrets.token_hex(16).upper(),
        )
        if request.puts_object:
            request.spool = Spool(environ)
        else:
            request.body = read_body(environ)
        return request

    @property
    def puts_object(self) -> bool:
        """Tell whether the body is a new object's content, whole."""
        if self.method != "PUT" or not self.key or self.header("copy-source"):
            return False
        return not any(self.has(name) for name in (*SUBRESOURCES, "partNumber", "uploads", "delete"))

    @property
    def md5(self) -> str:
        """The body's MD5 in hexadecimal."""
        return self.spool.md5 if self.spool else hashlib.md5(self.body, usedforsecurity=False).hexdigest()

    @property
    def resource(self) -> str:
        """The path asked for, decoded."""
        return f"/{self.bucket}/{self.key}" if self.key else f"/{self.bucket}"

    @property
    def source_ip(self) -> str:
        """Where the request came from."""
        return str(self.environ.get("REMOTE_ADDR") or "127.0.0.1")

    @property
    def obs_signed(self) -> bool:
        """Tell whether the request is signed OBS's own way, so that its answer uses OBS's own names."""
        return self.headers.get("authorization", "").startswith("OBS ") or "AccessKeyId" in self.query

    def has(self, name: str) -> bool:
        """Tell whether the query names this sub-resource."""
        return name in self.query

    def header(self, name: str) -> str:
        """Return an OBS header by its name after the prefix, whichever prefix it came with."""
        return self.headers.get(f"x-amz-{name}") or self.headers.get(f"x-obs-{name}") or ""

    def for_moto(self, account: str, method: str = "") -> Environ:
        """Return the WSGI request in the form that moto needs: authorized already, in S3's own header names.

        Args:
            account: Moto's name of the account.
            method: Another method than the request's own.
        """
        environ = {name: value for name, value in self.environ.items() if not name.startswith("HTTP_X_")}
        spelled: dict[str, str] = {}
        for name, value in self.headers.items():
            if name.startswith(("x-amz-", "x-obs-")):
                name = "x-amz-" + name[len("x-amz-") :]
                spelled[environ_key_for_header(name)] = name
                environ[environ_key_for_header(name)] = value
        for name in ("HTTP_TRANSFER_ENCODING", "HTTP_X_AMZ_SECURITY_TOKEN", "wsgi.input_terminated"):
            environ.pop(name, None)
        query = self._plain_query()
        path = raw_uri(self.environ).partition("?")[0]
        environ |= {
            PRESERVED_HEADER_NAMES_ENVIRON_KEY: spelled,
            "HTTP_AUTHORIZATION": "AWS local:local",
            "HTTP_X_MOTO_ACCOUNT_ID": account,
            "REQUEST_METHOD": method or self.method,
            "QUERY_STRING": query,
            "RAW_URI": f"{path}?{query}" if query else path,
            "wsgi.input": io.BytesIO(self.body),
            "CONTENT_LENGTH": str(len(self.body)),
        }
        return environ

    def _plain_query(self) -> str:
        parts = raw_uri(self.environ).partition("?")[2].split("&")
        return "&".join(part for part in parts if part and part.partition("=")[0] not in _SIGNING)


def _pairs(query: str) -> dict[str, str | None]:
    pairs: dict[str, str | None] = {}
    for part in filter(None, query.split("&")):
        name, equals, value = part.partition("=")
        pairs[unquote(name)] = unquote(value) if equals else None
    return pairs
