"""The OBS SDK's client, made so that it gives up in time, checks whom it speaks to, and keeps its connections."""

from __future__ import annotations

import threading
from typing import Literal

from msgspec import Struct

from legible.huawei.connections import Connections, SdkHolder
from legible.huawei.credentials import Credentials
from legible.huawei.lean_obs import ObsClient

#: How many seconds connecting, and each read, may take.
TIMEOUT_SECONDS = 30
_RETRIES = 2


class ObsEndpoint(Struct, frozen=True):
    """Where OBS is, and how requests are signed and addressed. ``endpoint`` has a scheme and a host, and no path."""

    endpoint: str
    signature: Literal["obs", "v2", "v4"] = "obs"
    path_style: bool = False
    region: str = ""


def endpoint(region: str) -> str:
    """Return the region's own endpoint (Regions and Endpoints, OBS)."""
    return f"https://obs.{region}.myhuaweicloud.com"


def client(
    address: ObsEndpoint, credentials: Credentials, retries: int = _RETRIES, connections: Connections | None = None
) -> ObsClient:
    """Return the SDK's client: it gives up in time, checks certificates and host names, and tries so often again.

    Args:
        address: Where OBS is.
        credentials: The keys that it signs with.
        retries: How often it tries again.
        connections: Those that it uses, and that outlive it; None for its own.
    """
    connections = connections or Connections()
    secure = address.endpoint.startswith("https:")
    holder = SdkHolder(connections, TIMEOUT_SECONDS, secure=secure)
    connected = ObsClient(
        access_key_id=credentials.access_key,
        secret_access_key=credentials.secret_key,
        security_token=credentials.token,
        server=address.endpoint,
        signature=address.signature,
        region=address.region,
        path_style=address.path_style,
        # Negotiating asks each bucket for its API version, a request more every 15 to 20 minutes (client.py, 3.26.6).
        is_signature_negotiation=False,
        # Each request would else open a connection of its own.
        long_conn_mode=True,
        timeout=TIMEOUT_SECONDS,
        # It repeats what ends in an exception or a 5xx, after 0.2 s, then 0.4 s; never a 4xx (client.py, 3.26.6).
        max_retry_count=retries,
    )
    # The SDK's own context never checks the host's name, whatever ssl_verify says (client.py, _init_ssl_context). It is
    # not used: connections come from the holder, each with a context that checks both.
    connected.context = connections.context if secure else None
    connected.connHolder = {"connSet": holder, "lock": threading.Lock()}
    connected._get_server_connection = holder.connect
    return connected
