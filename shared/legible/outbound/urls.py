"""How a URL is spelled, and which addresses belong to the public Internet."""

from __future__ import annotations

import ipaddress
import re
from contextlib import suppress

from msgspec import Struct

from legible.errors import RejectedError

#: The ports on which HTTPS is allowed; a host that the settings trust may use any.
PORTS = (443, 8443)

#: The longest URL that is opened, in characters; servers commonly take no longer one.
LONGEST_URL = 2048

#: Each scheme with its default port.
_SCHEMES = {"https": 443, "http": 80}

_PRINTABLE = re.compile(r"[!-\[\]-~]+")

_URL = re.compile(r"(?P<scheme>[A-Za-z]+)://(?P<where>[^/?#]*)(?P<path>[^#]*)(#.*)?")

_WHERE = re.compile(r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:(?P<port>[0-9]{1,5}))?")

#: Addresses outside the public Internet (IANA special-purpose registries, IPv4 and IPv6, and multicast), and those that
#: hide an IPv4 address in an IPv6 one: 2001::/23 with Teredo, 2002::/16. All of IPv6 that is public lies in 2000::/3,
#: so that mapped addresses (::ffff:0:0/96) and NAT64 (64:ff9b::/96) are refused with the rest.
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
    """A URL that was judged: ``ip`` is the address to connect to, ``path`` the path to request, with its query.

    A path may hold a secret: it is never shown.
    """

    scheme: str
    host: str
    port: int
    path: str
    ip: str

    def __repr__(self) -> str:
        """Return scheme, host and port, and nothing of the path."""
        return f"Address({self.scheme}://{self.where}/...)"

    @property
    def where(self) -> str:
        """Host and port, as the header ``Host`` names them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _SCHEMES[self.scheme] else f"{host}:{self.port}"


def public(ip: str) -> bool:
    """Tell whether an address, as text, belongs to the public Internet; False for text that is no address."""
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return False
    if address.version == 6 and address not in _PUBLIC_IPV6:
        return False
    return not any(address in network for network in _REFUSED if network.version == address.version)


def numeric(host: str) -> bool:
    """Tell whether a host is an address by itself, in its usual spelling."""
    with suppress(ValueError):
        return bool(ipaddress.ip_address(host))
    return False


def parted(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and path; a URL that two programs could read differently is refused."""
    parts = _URL.fullmatch(url) if _PRINTABLE.fullmatch(url) and len(url) <= LONGEST_URL else None
    if parts is None:
        raise refused("", "it is not a URL, or has characters that must be encoded", "Write it as https://host/path.")
    where = _WHERE.fullmatch(parts["where"])
    if where is None:
        raise refused("", "it has no valid host, or has a name and password", "Write it as https://host/path.")
    scheme, host = parts["scheme"].lower(), _host(where["host"].lower())
    if scheme not in _SCHEMES:
        raise refused(host, f"its scheme is {scheme}", "Only https is allowed.")
    port = int(where["port"] or _SCHEMES[scheme])
    if not 0 < port < 65536:
        raise refused(host, f"its port is {port}", f"Ports are {' and '.join(map(str, PORTS))}.")
    path = parts["path"] if parts["path"].startswith("/") else f"/{parts['path']}"
    return scheme, host, port, path


def _host(text: str) -> str:
    """Return the host without its brackets, or without the dot at the end of its name."""
    if text.startswith("["):
        with suppress(ValueError):
            return str(ipaddress.IPv6Address(text[1:-1]))
    name = text.removesuffix(".")
    if text.startswith("[") or len(name) > 253 or not all(0 < len(label) <= 63 for label in name.split(".")):
        raise refused("", "its host is not valid", "Write it as https://host/path.")
    return name


def refused(host: str, why: str, advice: str) -> RejectedError:
    """Return the error for a URL that is not opened; ``host`` is empty if the URL has none that can be read."""
    which = f"The URL of {host}" if host else "The URL"
    return RejectedError(f"{which} is not opened: {why}.", code="address-refused", advice=advice)


def not_public(host: str) -> RejectedError:
    """Return the error for a host that leads to an address that is not public."""
    return refused(host, "it leads to an address that is not public", "Only public addresses may be opened.")


#: Names of this machine itself; in an isolated setup, notices may be posted to them.
LOOPBACK = ("127.0.0.1", "localhost", "::1")
