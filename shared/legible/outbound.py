"""Which URLs may be opened, and how: resolved once, judged, and connected to exactly the address that was judged.

Whoever may name a URL could else have the function knock on doors behind the firewall it stands on: the metadata
service (169.254.169.254), databases, neighbors. Names that lead elsewhere a moment later ("DNS rebinding") do not
help: nothing is resolved a second time, and a redirect is either not followed or judged like the first URL.
"""

from __future__ import annotations

import io
import ipaddress
import queue
import re
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

#: Returns the addresses of a host, as text; raises ``OSError`` where it has none.
Resolve = Callable[[str, int], Sequence[str]]

#: HTTPS is spoken on these and no others; an allowed host may use any.
PORTS = (443, 8443)
#: No longer URL is opened; the longest that servers commonly take.
LONGEST_URL = 2048
#: A download is led elsewhere at most so often.
_HOPS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 64 * 1024
#: Each with the port that a URL need not name.
_SCHEMES = {"https": 443, "http": 80}
_PRINTABLE = re.compile(r"[!-\[\]-~]+")
_URL = re.compile(r"(?P<scheme>[A-Za-z]+)://(?P<where>[^/?#]*)(?P<path>[^#]*)(#.*)?")
_WHERE = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?")

#: What is not of the public Internet (IANA special-purpose registries, IPv4 and IPv6, and multicast), and what hides
#: an IPv4 address in an IPv6 one: 2001::/23 with Teredo, 2002::/16. All of IPv6 that is public lies in 2000::/3, so
#: that mapped addresses (::ffff:0:0/96) and NAT64 (64:ff9b::/96) are refused with the rest.
_REFUSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip
_PUBLIC_IPV6 = ipaddress.ip_network("2000::/3")


class Address(Struct, frozen=True):
    """A URL that was judged: ``ip`` is what is connected to, ``path`` what is asked for there, its query included.

    A path may hold a secret: it is never shown.
    """

    scheme: str
    host: str
    port: int
    path: str
    ip: str

    def __repr__(self) -> str:
        """Show where it leads, and nothing of the path."""
        return f"Address({self.scheme}://{self.where}/...)"

    @property
    def where(self) -> str:
        """Host and port, as the header ``Host`` names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _SCHEMES[self.scheme] else f"{host}:{self.port}"


class FetchReply(Struct, frozen=True):
    """What a server answered: ``body`` is no more of it than was asked for."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


def resolved(host: str, port: int) -> list[str]:
    """Return the addresses of a host as the system knows them.

    Raises:
        OSError: It has none.
    """
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def public(ip: str) -> bool:
    """Tell whether an address, as text, is one of the public Internet; what is no address is none."""
    try:
        found = ipaddress.ip_address(ip)
    except ValueError:
        return False
    if found.version == 6 and found not in _PUBLIC_IPV6:
        return False
    return not any(found in network for network in _REFUSED if network.version == found.version)


class Addresses:
    """Opens URLs that may be opened: HTTPS, to a public address, on a port of ``PORTS``.

    Args:
        allowed: Hosts that the settings trust: these may also be private, use HTTP, and any port.
        resolve: Returns the addresses of a host.
        cafile: Certificates that are trusted, in a file; by default those of ``certifi``.
    """

    def __init__(self, allowed: Collection[str] = (), resolve: Resolve = resolved, cafile: str = "") -> None:
        """See the class."""
        self._allowed = frozenset(allowed)
        self._resolve = resolve
        self._cafile = cafile

    def check(self, url: str, seconds: float) -> Address:
        """Judge a URL; its host is resolved once, within so many seconds.

        Raises:
            RejectedError: It may not be opened.
            UnavailableError: Its host has no address now.
        """
        scheme, host, port, path = self.spelled(url)
        found = self._addresses(host, port, seconds)
        # One address that is not public refuses the host: a mixture is how a name is made to lead inside.
        if host not in self._allowed and not all(map(public, found)):
            raise _inside(host)
        ip = next((ip for ip in found if ":" not in ip), found[0])
        return Address(scheme, host, port, path, ip)

    def spelled(self, url: str) -> tuple[str, str, int, str]:
        """Judge a URL by its spelling alone; return scheme, host, port, and path with its query.

        Raises:
            RejectedError: It may not be opened, wherever its host leads.
        """
        scheme, host, port, path = _parts(url)
        if host in self._allowed:
            return scheme, host, port, path
        if scheme != "https":
            raise _refused(host, f"it says {scheme}", "Only https is spoken.")
        if port not in PORTS:
            raise _refused(host, f"its port is {port}", f"Ports are {' and '.join(map(str, PORTS))}.")
        if _numeric(host) and not public(host):
            raise _inside(host)
        return scheme, host, port, path

    def exchange(
        self, method: str, url: str, body: bytes, headers: Mapping[str, str], seconds: float, most_bytes: int = _CHUNK
    ) -> FetchReply:
        """Send one request, and read no more than ``most_bytes`` of its answer; a redirect is an answer.

        Args:
            method: The HTTP method.
            url: Where to.
            body: What is sent.
            headers: Beside ``Host`` and what HTTP itself needs.
            seconds: How long all of it may take.
            most_bytes: What is longer is cut.

        Raises:
            RejectedError: The URL may not be opened.
            UnavailableError: It cannot be reached, or does not answer in time.
        """
        until = time.monotonic() + seconds
        address = self.check(url, seconds)
        with self._opened(address, until, method, body, headers) as answer:
            found = bytearray()
            while len(found) < most_bytes and (chunk := answer.read(min(_CHUNK, most_bytes - len(found)))):
                found += chunk
        given = {name.lower(): text for name, text in answer.headers.items()}
        return FetchReply(answer.status, given, bytes(found))

    def download(self, url: str, target: IO[bytes], most_bytes: int, seconds: float) -> int:
        """Write what a URL holds into a file; at most three redirects are followed, each judged like the first URL.

        Args:
            url: What to open.
            target: Takes the bytes; after an error it may hold some.
            most_bytes: What is longer is refused.
            seconds: How long all of it may take.

        Returns:
            How many bytes it were.

        Raises:
            RejectedError: It may not be opened, is too long, or is not there.
            UnavailableError: It cannot be reached, or does not end in time.
        """
        until = time.monotonic() + seconds
        for _ in range(_HOPS + 1):
            address = self.check(url, max(0.0, until - time.monotonic()))
            with self._opened(address, until, "GET", None, {}) as answer:
                if answer.status not in _REDIRECTS:
                    return _written(answer, address, target, most_bytes)
                url = urljoin(url, answer.headers.get("Location", ""))
        raise _refused(address.host, f"it led elsewhere more than {_HOPS} times", "Name where it ends.")

    def read(self, url: str, most_bytes: int, seconds: float) -> bytes:
        """Return what a URL holds; see ``download``."""
        target = io.BytesIO()
        self.download(url, target, most_bytes, seconds)
        return target.getvalue()

    def _addresses(self, host: str, port: int, seconds: float) -> Sequence[str]:
        """Resolve a host; the system's resolver has no timeout, so that it is left behind when time ends."""
        answers: queue.SimpleQueue[Sequence[str]] = queue.SimpleQueue()

        def ask() -> None:
            try:
                answers.put(self._resolve(host, port))
            except (OSError, UnicodeError):
                answers.put(())

        threading.Thread(target=ask, daemon=True).start()
        with suppress(queue.Empty):
            found = answers.get(timeout=max(0.0, seconds))
            if found:
                return found
        raise UnavailableError(f"The host {host} has no address now.", advice="Check its name.")

    @contextmanager
    def _opened(
        self, address: Address, until: float, method: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Iterator[HTTPResponse]:
        """Connect, send, and give the answer to be read; whatever is slower than ``until`` is cut.

        ``http.client`` and no larger library: of every line that a server sends it reads 64 KB at the most.
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
        if time.monotonic() >= until:  # what was cut looks like what ended
            raise _unreachable(address, "too slow")

    def _connected(self, address: Address, seconds: float) -> socket.socket:
        """Connect to the address that was judged; the certificate must be the host's."""
        plain = socket.create_connection((address.ip, address.port), seconds)
        if address.scheme == "http":
            return plain
        context = ssl.create_default_context(cafile=self._cafile or certifi.where())
        return context.wrap_socket(plain, server_hostname=address.host)  # which closes it where it fails


@contextmanager
def _cut(connected: socket.socket, until: float) -> Iterator[None]:
    """Shut a connection at a time: a timeout of its own begins anew with every byte that drips."""

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


def _numeric(host: str) -> bool:
    """Tell whether a host is an address by itself, in its usual spelling."""
    with suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False


def _parts(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and path; a URL that two programs could read differently is refused."""
    found = _URL.fullmatch(url) if _PRINTABLE.fullmatch(url) and len(url) <= LONGEST_URL else None
    if found is None:
        raise _refused("", "it is none, or has letters that must be encoded", "Write it as https://host/path.")
    where = _WHERE.fullmatch(found["where"])
    if where is None:
        raise _refused("", "its host is none, or has a name and password", "Write it as https://host/path.")
    scheme, host = found["scheme"].lower(), _host(where["host"].lower())
    if scheme not in _SCHEMES:
        raise _refused(host, f"it says {scheme}", "Only https is spoken.")
    port = int(where["port"] or _SCHEMES[scheme])
    if not 0 < port < 65536:
        raise _refused(host, f"its port is {port}", f"Ports are {' and '.join(map(str, PORTS))}.")
    path = found["path"] if found["path"].startswith("/") else f"/{found['path']}"
    return scheme, host, port, path


def _host(text: str) -> str:
    """Return the host without brackets and the dot that may stand behind a name."""
    if text.startswith("["):
        with suppress(ValueError):
            return str(ipaddress.IPv6Address(text[1:-1]))
    name = text.removesuffix(".")
    if text.startswith("[") or len(name) > 253 or not all(0 < len(label) <= 63 for label in name.split(".")):
        raise _refused("", "its host is none", "Write it as https://host/path.")
    return name


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
                f"What {address.host} sends is longer than {most_bytes:,} bytes.",
                code="download-too-large",
                advice="Download it, and upload the file by a signed request (POST /v1/uploads).",
            )
        target.write(chunk)
    if answer.length:
        raise _unreachable(address, "what it sent was cut short")
    return size


def _refused(host: str, why: str, advice: str) -> RejectedError:
    which = f"The URL of {host}" if host else "The URL"
    return RejectedError(f"{which} is not opened: {why}.", code="address-refused", advice=advice)


def _inside(host: str) -> RejectedError:
    return _refused(host, "it leads to an address that is not public", "Only public addresses are reached.")


def _unreachable(address: Address, why: str) -> UnavailableError:
    return UnavailableError(f"{address.host} cannot be reached: {why}.", advice="It is tried again.")


#: Hosts that never leave the machine; they may be posted to where a setup stands apart from the cloud.
LOOPBACK = ("127.0.0.1", "localhost", "::1")
