"""A way in for browsers on this machine: a loopback proxy that adds the app's code for pages of its own origin only.

A browser cannot keep an app's code, and any page that it shows can send requests to loopback. So the front answers to
its own name only (a name that somebody's DNS leads here is refused), and only to its own pages (a foreign page's
request is refused, whether or not it could read the answer). Cookies are not passed: on loopback they belong to all.

Loopback is open to everybody on the machine, too, not to one user. So only who opens the address that ``way_in`` gives
is let in: it holds an entry code, another one at each start, and puts it into a cookie of this browser.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from http.cookies import CookieError, SimpleCookie
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
#: Where the entry code stands in the address that is opened first.
_ENTRY = "entry="
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
        self._entry = secrets.token_urlsafe(24)

    def way_in(self, endpoint: str) -> str:
        """Return the address of the console, with the entry code: for whoever started this, and nobody else.

        Args:
            endpoint: Where the front is served.
        """
        return f"{endpoint}/console/?{_ENTRY}{self._entry}"

    def serve(self, port: int | None = None) -> Server:
        """Serve on loopback."""
        return Server(self, port)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        headers = read_headers(environ)
        refusal = _refusal(environ, headers)
        if refusal:
            return _problem(start_response, *refusal)
        path, _, query = raw_uri(environ).partition("?")
        cookie = f"legible-{environ['SERVER_PORT']}"
        if environ["REQUEST_METHOD"] == "GET" and query.startswith(_ENTRY) and self._knows(query[len(_ENTRY) :]):
            return _let_in(start_response, path, f"{cookie}={self._entry}")
        if not self._knows(_cookie(headers, cookie)):
            return _problem(start_response, 401, "no-entry", "Open the address that was printed at the start.")
        connection = self._connect(self._netloc, timeout=_SECONDS)
        try:
            response = self._ask(connection, environ, headers)
        except (OSError, HTTPException):
            connection.close()
            return _problem(start_response, 502, "unreachable", "The API cannot be reached; try again.")
        start_response(f"{response.status} {response.reason}", _passed(response))
        return _pieces(connection, response)

    def _knows(self, entry: str) -> bool:
        return hmac.compare_digest(self._entry.encode(), entry.encode())

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


def _cookie(headers: Mapping[str, str], name: str) -> str:
    """Return the value of a cookie; empty where there is none."""
    try:
        cookie = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return cookie.value if cookie else ""


def _let_in(start_response: StartResponse, path: str, cookie: str) -> Iterable[bytes]:
    """Keep the entry code in a cookie, and lead to the same address without it."""
    headers = [
        ("Location", path),
        ("Set-Cookie", f"{cookie}; Path=/; HttpOnly; SameSite=Strict"),
        ("Cache-Control", "no-store"),
        ("Referrer-Policy", "no-referrer"),
        ("Content-Length", "0"),
    ]
    start_response("303 See Other", headers)
    return []


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
