"""Connections that outlive an invocation: a warm instance of a function opens few, and builds one TLS context."""

from __future__ import annotations

import os
import select
import ssl
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from functools import cached_property
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any

import certifi

#: A connection that nobody used for so many seconds is not used again: who is at its other end may be closing it, and
#: of what is sent then nobody knows whether it arrived. Gateways keep idle connections for a minute or more.
_IDLE_SECONDS = 30.0
#: A body of fewer bytes is sent with its headers.
_TOGETHER = 64 * 1024


class KeptConnection(HTTPConnection):
    """A connection that knows whether its last answer was read to the end."""

    #: The last answer; its class makes it without asking, so it is one of many types.
    last: HTTPResponse | None = None

    def getresponse(self) -> HTTPResponse:
        """Return the answer to what was sent."""
        self.last = super().getresponse()
        return self.last

    def _send_output(self, message_body: Any = None, encode_chunked: bool = False) -> None:
        """Send a small body together with its headers: one call of the system, and one packet, in place of two."""
        # What is in ``_buffer`` is the request line and the headers (http/client.py, 3.10 to 3.12).
        if isinstance(message_body, bytes) and len(message_body) < _TOGETHER:
            head: list[bytes] = self._buffer  # type: ignore[attr-defined]
            together = b"\r\n".join([*head, b"", message_body])
            del head[:]
            self.send(together)
        else:
            super()._send_output(message_body, encode_chunked)  # type: ignore[misc]

    @property
    def idle(self) -> bool:
        """Whether another request may be sent: the last answer was read, and the other end neither closed nor spoke."""
        if self.sock is None or self.last is None or not self.last.isclosed():
            return False
        try:
            return not select.select([self.sock], [], [], 0)[0]
        except (OSError, ValueError):
            return False


class KeptTlsConnection(KeptConnection, HTTPSConnection):
    """The same over TLS."""


class Connections:
    """The connections of one instance that are open and not in use, by host. Safe for several threads.

    Nothing of who used a connection stays with it: keys sign requests, not connections. So invocations that overlap,
    each with keys of its own, share them.

    Args:
        now: Returns the time in seconds; not a clock that stands still while an instance is frozen.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        """Open nothing yet."""
        self._now = now
        self._lock = threading.Lock()
        #: The connection used last is the next one to be used, so that the others may grow old.
        self._idle: dict[tuple[str, int, bool], list[tuple[float, KeptConnection]]] = defaultdict(list)

    @cached_property
    def context(self) -> ssl.SSLContext:
        """Checks certificates and host names; made once, because reading all roots takes longer than a handshake."""
        # As the SDK's own HTTP library does, for endpoints with a root of their own (requests, sessions.py, 2.32).
        own = os.environ.get("REQUESTS_CA_BUNDLE")  # noqa: TID251 - no setting of Legible's, and part of every runtime
        return ssl.create_default_context(cafile=own or certifi.where())

    def take(self, host: str, port: int, timeout: float, *, secure: bool) -> KeptConnection:
        """Return a connection to a host: an open one that is not in use, or one that connects when it is first used.

        Args:
            host: The host's name.
            port: Its port.
            timeout: How many seconds connecting, and each read, may take.
            secure: Whether it speaks TLS.
        """
        while (kept := self._newest((host, port, secure))) is not None:
            since, connection = kept
            if connection.idle and abs(self._now() - since) < _IDLE_SECONDS and connection.sock is not None:
                connection.sock.settimeout(timeout)
                return connection
            connection.close()
        if secure:
            return KeptTlsConnection(host, port, timeout=timeout, context=self.context)
        return KeptConnection(host, port, timeout=timeout)

    def give(self, connection: KeptConnection) -> None:
        """Keep a connection for the next request; one whose answer was not read to the end is closed."""
        if not connection.idle:
            connection.close()
            return
        place = (connection.host, connection.port, isinstance(connection, HTTPSConnection))
        with self._lock:
            self._idle[place].append((self._now(), connection))

    def _newest(self, place: tuple[str, int, bool]) -> tuple[float, KeptConnection] | None:
        with self._lock:
            return self._idle[place].pop() if self._idle[place] else None


class SdkHolder:
    """What the OBS SDK asks for and gives back its connections by; it keeps none itself (client.py, 3.26.6).

    Its own holder is one queue for all hosts, and each bucket is a host of its own.

    Args:
        connections: Has the connections.
        secure: Whether the client speaks TLS.
        timeout: How many seconds connecting, and each read, may take.
    """

    def __init__(self, connections: Connections, timeout: float, *, secure: bool) -> None:
        """Take nothing yet."""
        self._connections = connections
        self._secure = secure
        self._timeout = timeout

    def connect(
        self, server: str, port: int, scheme: str | None = None, redirect: bool = False, *_: Any, **__: Any
    ) -> KeptConnection:
        """Return a connection, as the client's ``_get_server_connection`` does; a redirected one is not kept."""
        secure = self._secure if scheme is None else scheme == "https"
        connection = self._connections.take(server, port, self._timeout, secure=secure)
        if redirect:
            connection._clear = True  # type: ignore[attr-defined]  # the SDK's own mark (util.py, do_close)
        return connection

    def put_nowait(self, connection: KeptConnection) -> None:
        """Take a connection back."""
        self._connections.give(connection)
