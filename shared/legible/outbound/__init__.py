"""Which URLs may be opened, and how: resolved once, judged, and connected to exactly the address that was judged."""

from legible.outbound.addresses import Addresses, FetchReply, Resolve, resolved
from legible.outbound.urls import LONGEST_URL, LOOPBACK, PORTS, Address, public

__all__ = ["LONGEST_URL", "LOOPBACK", "PORTS", "Address", "Addresses", "FetchReply", "Resolve", "public", "resolved"]
