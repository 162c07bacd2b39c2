"""Opens URLs that come from somebody else.

Without these checks, anyone who may name a URL could make the function call hosts behind the firewall: the metadata
service (169.254.169.254), databases, neighbors. A name that leads elsewhere a moment later ("DNS rebinding") does not
help an attacker: no name is resolved twice, and a redirect is either not followed or judged like the first URL.
"""

from __future__ import annotations

import io
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import IO
from urllib.parse import urljoin

import certifi
from msgspec import Struct

from legible.errors import RejectedError, UnavailableError
from legible.outbound.urls import PORTS, Address, not_public, numeric, parted, public, refused

#: Returns the addresses of a host, as text; raises ``OSError`` where it has none.
Resolve = Callable[[str, int], Sequence[str]]
#: How many redirects a download follows at most.
_HOPS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 64 * 1024


class FetchReply(Struct, frozen=True):
    """A server's answer; ``body`` is cut at the length that was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a host as the system knows them.

    Raises:
        OSError: The host has no address.
    """
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Addresses:
    """Opens URLs that may be opened: HTTPS, to a public address, on a port of ``PORTS``.

    Args:
        allowed: Hosts that the settings trust: these may also be private, and use HTTP and any port.
        resolve: Returns the addresses of a host.
        cafile: A file of trusted certificates; by default that of ``certifi``.
    """

    def __init__(self, allowed: Collection[str] = (), resolve: Resolve = resolved, cafile: str = "") -> None:
        """Open nothing yet."""
        self._allowed = frozenset(allowed)
        self._resolve = resolve
        self._cafile = cafile

    def check(self, url: str, seconds: float) -> Address:
        """Judge a URL; its host is resolved once, within ``seconds``.

        Raises:
            RejectedError: It may not be opened.
            UnavailableError: Its host has no address now.
        """
        scheme, host, port, path = self.spelled(url)
        ips = self._addresses(host, port, seconds)
        # One address that is not public refuses the host: attackers mix both kinds to make a name lead inside.
        if host not in self._allowed and not all(map(public, ips)):
            raise not_public(host)
        ip = next((ip for ip in ips if ":" not in ip), ips[0])
        return Address(scheme, host, port, path, ip)

    def spelled(self, url: str) -> tuple[str, str, int, str]:
        """Judge a URL by its spelling alone; return scheme, host, port, and path with its query.

        Raises:
            RejectedError: It may not be opened, wherever its host leads.
        """
        scheme, host, port, path = parted(url)
        if host in self._allowed:
            return scheme, host, port, path
        if scheme != "https":
            raise refused(host, f"its scheme is {scheme}", "Only https is allowed.")
        if port not in PORTS:
            raise refused(host, f"its port is {port}", f"Ports are {' and '.join(map(str, PORTS))}.")
        if numeric(host) and not public(host):
            raise not_public(host)
        return scheme, host, port, path

    def exchange(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], seconds: float, most_bytes: int = _CHUNK
    ) -> FetchReply:
        """Send one request, and read no more than ``most_bytes`` of its answer; a redirect is an answer.

        Args:
            method: The HTTP method.
            url: The URL.
            body: The bytes to send.
            headers: Headers besides ``Host`` and those that HTTP itself needs.
            seconds: How long all of it may take.
            most_bytes: A longer answer is cut.

        Raises:
            RejectedError: The URL may not be opened.
            UnavailableError: It cannot be reached, or does not answer in time.
        """
        until = time.monotonic() + seconds
        address = self.check(url, seconds)
        with self._opened(address, until, method, body, headers) as answer:
            received = bytearray()
            while len(received) < most_bytes and (chunk := answer.read(min(_CHUNK, most_bytes - len(received)))):
                received += chunk
        given = {name.lower(): text for name, text in answer.headers.items()}
        return FetchReply(answer.status, given, bytes(received))

    def download(self, url: str, target: IO[bytes], most_bytes: int, seconds: float) -> int:
        """Write what a URL holds into a file; at most three redirects are followed, each judged like the first URL.

        Args:
            url: What to open.
            target: Takes the bytes; after an error it may hold some.
            most_bytes: A longer answer is refused.
            seconds: How long all of it may take.

        Returns:
            How many bytes were written.

        Raises:
            RejectedError: The URL may not be opened, its content is too long, or there is none.
            UnavailableError: It cannot be reached, or does not end in time.
        """
        until = time.monotonic() + seconds
        for _ in range(_HOPS + 1):
            address = self.check(url, max(0.0, until - time.monotonic()))
            with self._opened(address, until, "GET", None, {}) as answer:
                if answer.status not in _REDIRECTS:
                    return _written(answer, address, target, most_bytes)
                url = urljoin(url, answer.headers.get("Location", ""))
        raise refused(address.host, f"it redirects more than {_HOPS} times", "Use the URL where it ends.")

    def read(self, url: str, most_bytes: int, seconds: float) -> bytes:
        """Return what a URL holds; see ``download``."""
        target = io.BytesIO()
        self.download(url, target, most_bytes, seconds)
        return target.getvalue()

    def _addresses(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """Resolve a host; the system's resolver has no timeout, so it is left running when the time is over."""
        answers: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._resolve(host, port))
            except (OSError, UnicodeError):
                answers.put(())

        threading.Thread(target=ask, daemon=True).start()
        with suppress(queue.Empty):
            ips = answers.get(timeout=max(0.0, seconds))
            if ips:
                return ips
        raise UnavailableError(f"The host {host} has no address now.", advice="Check its name.")

    @contextmanager
    def _opened(
        self, address: Address, until: float, method: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Iterator[HTTPResponse]:
        """Connect, send, and yield the answer to be read; the connection is cut at ``until``.

        This uses ``http.client`` and no larger library, because it reads at most 64 KB of any line that a server sends.
        """
        connection = HTTPConnection(address.host, address.port)
        try:
            connection.sock = self._connected(address, max(0.001, until - time.monotonic()))
            with _cut(connection.sock, until):
                named = {"Host": address.where, "User-Agent": "legible", "Connection": "close"}
                connection.request(method, address.path, body, {**named, **headers})
                yield connection.getresponse()
        except (OSError, HTTPException) as error:
            raise _unreachable(address, type(error).__name__) from None
        finally:
            connection.close()
        if time.monotonic() >= until:  # an answer that was cut looks like one that ended
            raise _unreachable(address, "too slow")

    def _connected(self, address: Address, seconds: float) -> socket.socket:
        """Connect to the address that was judged; the certificate must be the host's."""
        plain = socket.create_connection((address.ip, address.port), seconds)
        if address.scheme == "http":
            return plain
        context = ssl.create_default_context(cafile=self._cafile or certifi.where())
        return context.wrap_socket(plain, server_hostname=address.host)  # closes ``plain`` if it fails


@contextmanager
def _cut(connected: socket.socket, until: float) -> Iterator[None]:
    """Shut a connection down at a given time: a socket's own timeout begins again with every byte that arrives."""

    def shut() -> None:
        with suppress(OSError):
            connected.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, until - time.monotonic()), shut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _written(answer: HTTPResponse, address: Address, target: IO[bytes], most_bytes: int) -> int:
    if answer.status >= 500 or answer.status in (408, 429):
        raise _unreachable(address, f"it answers {answer.status}")
    if answer.status != 200:
        raise RejectedError(
            f"{address.host} answers {answer.status}.", code="not-downloaded", advice="Check that the URL opens."
        )
    size = 0
    while chunk := answer.read(_CHUNK):
        size += len(chunk)
        if size > most_bytes:
            raise RejectedError(
                f"The answer of {address.host} is longer than {most_bytes:,} bytes.",
                code="download-too-large",
                advice="Download it, and upload the file by a signed request (POST /v1/uploads).",
            )
        target.write(chunk)
    if answer.length:
        raise _unreachable(address, "what it sent was cut short")
    return size


def _unreachable(address: Address, why: str) -> UnavailableError:
    return UnavailableError(f"{address.host} cannot be reached: {why}.", advice="It is tried again.")
