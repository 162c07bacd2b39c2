"""A way in for browsers on this machine: a loopback proxy that adds the app's code for pages of its own origin only.

A browser cannot keep an app's code, and any page that it shows can send requests to loopback. So the front answers to
its own name only (a name that somebody's DNS leads here is refused), and only to its own pages (a foreign page's
request is refused, whether or not it could read the answer). Cookies are not passed: on loopback they belong to all.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from localcloud.apig.reply import HOP_HEADERS
from localcloud.web import Environ, Server, StartResponse, raw_uri, read_chunks, read_headers

#: Headers that are not passed on: the front sets them itself, or they concern nobody behind it.
_KEPT = HOP_HEADERS | {
    "host",
    "origin",
    "referer",
    "cookie",
    "authorization",
    "x-apig-appcode",
    "x-legible-app",
    "expect",
}
_SECONDS = 100.0
_PIECE = 64 * 1024


class Front:
    """A WSGI application that passes the requests of its own pages to one address, with headers of ours.

    Args:
        target: The address: ``https://host``, or ``http://`` on loopback.
        headers: Headers added to each request; they go to the target alone, redirects are not followed.

    Raises:
        ValueError: The target is not such an address.
    """

    def __init__(self, target: str, headers: Mapping[str, str]) -> None:
        """Check the target; it is first called when a request comes."""
        parts = urlsplit(target)
        loopback = parts.hostname in ("127.0.0.1", "localhost")
        if not parts.hostname or parts.scheme not in ("https", "http") or (parts.scheme == "http" and not loopback):
            raise ValueError(f"{target!r} is not an https address; plain http is for this machine alone.")
        if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username:
            raise ValueError(f"{target!r} must be an address without path, query or user, such as https://host/.")
        self._netloc = parts.netloc
        self._connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._headers = dict(headers)

    def serve(self, port: int | None = None) -> Server:
        """Serve on loopback."""
        return Server(self, port)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        headers = read_headers(environ)
        refusal = _refusal(environ, headers)
        if refusal:
            return _problem(start_response, *refusal)
        connection = self._connect(self._netloc, timeout=_SECONDS)
        try:
            response = self._ask(connection, environ, headers)
        except (OSError, HTTPException):
            connection.close()
            return _problem(start_response, 502, "unreachable", "The API cannot be reached; try again.")
        start_response(f"{response.status} {response.reason}", _passed(response))
        return _pieces(connection, response)

    def _ask(self, connection: HTTPConnection, environ: Environ, headers: dict[str, str]) -> HTTPResponse:
        connection.putrequest(environ["REQUEST_METHOD"], raw_uri(environ), skip_host=True, skip_accept_encoding=True)
        passed = {name: text for name, text in headers.items() if name not in _KEPT}
        for name, text in {**passed, "host": self._netloc, **self._headers}.items():
            connection.putheader(name, text)
        connection.endheaders()
        with suppress(
            BrokenPipeError, ConnectionResetError
        ):  # the target answered, and closed, before it had read everything
            for piece in read_chunks(environ, _PIECE):
                connection.send(piece)
        return connection.getresponse()


def _refusal(environ: Environ, headers: dict[str, str]) -> tuple[int, str, str] | None:
    """Return why a request is not passed on, None for one of our own pages."""
    port = environ["SERVER_PORT"]
    host = headers.get("host", "")
    if host not in (f"127.0.0.1:{port}", f"localhost:{port}"):
        return 403, "wrong-host", f"This is 127.0.0.1:{port}, and nothing else."
    if headers.get("origin", f"http://{host}") != f"http://{host}":
        return 403, "cross-origin", "Another page's requests are refused."
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return 403, "cross-origin", "Another page's requests are refused."
    if not raw_uri(environ).startswith("/"):
        return 400, "wrong-target", "The request must name a path, not an address."
    if "transfer-encoding" in headers:
        return 411, "length-required", "The body's length must be announced."
    return None


def _problem(start_response: StartResponse, status: int, code: str, title: str) -> Iterable[bytes]:
    body = json.dumps({"type": f"/problems/{code}", "title": title, "status": status}).encode()
    # What the client still sends is not read: the connection ends here.
    headers = [
        ("Content-Type", "application/problem+json"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    start_response(f"{status} {code}", headers)
    return [body]


def _passed(response: HTTPResponse) -> list[tuple[str, str]]:
    """Return the headers that are passed back; the front sets date and server itself."""
    left = HOP_HEADERS | {"set-cookie", "date", "server"}
    return [(name, text) for name, text in response.getheaders() if name.lower() not in left]


def _pieces(connection: HTTPConnection, response: HTTPResponse) -> Iterator[bytes]:
    try:
        while piece := response.read(_PIECE):
            yield piece
    finally:
        connection.close()
