"""HTTP on loopback: a WSGI application served in daemon threads, and connections that break on purpose."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from typing import Any, NoReturn

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]

#: Loopback, and nothing else: the local cloud is never reachable from another machine.
HOST = "127.0.0.1"


class Handler(WSGIRequestHandler):
    """Werkzeug's request handler, silent: its access log would show signed URLs and their tokens."""

    # Header and body leave in two writes; with Nagle's algorithm each answer would wait for a delayed ACK (40 ms).
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:
        """Log nothing."""


class Server:
    """One application on a loopback port, running until ``stop``."""

    def __init__(self, app: App, port: int | None = None, handler: type[WSGIRequestHandler] = Handler) -> None:
        """Bind the port, a free one if none is named, and serve in a daemon thread.

        Raises:
            OSError: The port is in use.
        """
        # Bound here because werkzeug ends the whole process if a port is taken.
        with socket.create_server((HOST, port or 0), backlog=128) as bound:
            self._port: int = bound.getsockname()[1]
            self._server: BaseWSGIServer = make_server(
                HOST, self._port, app, threaded=True, request_handler=handler, fd=bound.fileno()
            )
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name=type(app).__name__, daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._port

    @property
    def endpoint(self) -> str:
        """Its address, as SDK clients take it."""
        return f"http://{HOST}:{self.port}"

    def stop(self) -> None:
        """Close the port; requests still running end with their threads."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def read_body(environ: Environ) -> bytes:
    """Read the whole request body, whether sized or chunked."""
    if environ.get("wsgi.input_terminated"):
        return bytes(environ["wsgi.input"].read())
    return bytes(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))


def read_chunks(environ: Environ, size: int = 64 * 1024) -> Iterator[bytes]:
    """Yield the request's body piece by piece; a connection that breaks within it is cut.

    Raises:
        ConnectionAbortedError: The body ended before its announced length.
    """
    source = environ["wsgi.input"]
    if environ.get("wsgi.input_terminated"):
        while piece := bytes(source.read(size)):
            yield piece
        return
    missing = int(environ.get("CONTENT_LENGTH") or 0)
    while missing:
        piece = bytes(source.read(min(size, missing)))
        if not piece:
            cut(environ)
        missing -= len(piece)
        yield piece


def read_limited(environ: Environ, limit: int) -> bytes | None:
    """Read the request's body; None if it has more bytes than ``limit``: then it is read to its end and thrown away."""
    body = bytearray()
    for piece in read_chunks(environ):
        if len(body) <= limit:
            body += piece
    return bytes(body) if len(body) <= limit else None


def read_headers(environ: Environ) -> dict[str, str]:
    """Return the request's headers, their names in lower case."""
    headers = {
        name[5:].replace("_", "-").lower(): str(text) for name, text in environ.items() if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = str(environ[name])
    return headers


def raw_uri(environ: Environ) -> str:
    """Return path and query as they arrived, still percent-encoded."""
    return str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or environ.get("PATH_INFO") or "/")


def send(
    start_response: StartResponse, status: int, body: bytes, headers: Mapping[str, str], request_id: str
) -> Iterable[bytes]:
    """Answer as the API gateway does; ``headers`` add to its own or replace them."""
    own = {"Content-Type": "application/json", "X-Request-Id": request_id, "Server": "api-gateway"}
    if status != HTTPStatus.NO_CONTENT:
        own["Content-Length"] = str(len(body))
    start_response(f"{status} {HTTPStatus(status).phrase}", list({**own, **headers}.items()))
    return [body]


def cut(environ: Environ, sent: bytes = b"") -> NoReturn:
    """Break the connection: send these raw bytes, if any, then close it and send nothing more."""
    connection: socket.socket = environ["werkzeug.socket"]
    if sent:
        connection.sendall(sent)
    connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("connection cut on purpose")
