"""The SDK of OBS without what it imports for ways of use that are not ours: half of what a cold instance would import.

It has a second way to send requests, by an HTTP library of its own choice (``use_http_conns``), keys that it renews by
itself, and a client that encrypts what it sends, which brings a library of ciphers. Names of all these stand in for
them, empty, while the SDK is imported; a test holds them against the SDK's own (3.26.6).
"""

from __future__ import annotations

import sys
from collections.abc import MutableMapping
from types import ModuleType

#: What the SDK imports of its own modules that are not ours.
NOT_OURS = {
    "obs.http": (
        *("Request", "Session", "Connection"),
        *("IterableToContentStreamDataAdapter", "IterableToStreamDataAdapter"),
    ),
    "obs.scheduler": ("get_from_cache",),
    "obs.crypto_client": ("CryptoObsClient",),
    "obs.obs_cipher_suite": ("CTRCipherGenerator", "CtrRSACipherGenerator"),
}


def stand_in(loaded: MutableMapping[str, ModuleType]) -> None:
    """Put empty modules in the place of those that are not ours, unless the SDK is loaded already."""
    if "obs" in loaded:
        return
    for name, classes in NOT_OURS.items():
        loaded[name] = ModuleType(name, "Not used by Legible; see legible.huawei.lean_obs.")
        for one in classes:
            setattr(loaded[name], one, type(one, (), {}))


stand_in(sys.modules)

from obs import AppendObjectContent, GetObjectHeader, GetObjectRequest, ObsClient, PutObjectHeader, Versions  # noqa: E402 - now

__all__ = ["AppendObjectContent", "GetObjectHeader", "GetObjectRequest", "ObsClient", "PutObjectHeader", "Versions"]
