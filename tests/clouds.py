"""What tests do with a local cloud: clients over loopback, contexts as FunctionGraph gives them, events."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import quote_plus

from legible.huawei import obs
from legible.huawei.credentials import Credentials
from localcloud.cloud import LocalCloud
from localcloud.functiongraph.context import Context


def store(cloud: LocalCloud, **changes: str) -> obs.ObsStore:
    """Return a client with temporary keys of its own; ``changes`` spoil them."""
    key = cloud.keys.temporary()
    values = {"access_key": key.access, "secret_key": key.secret, "token": key.token, **changes}
    return obs.ObsStore(
        obs.Address(cloud.obs_endpoint, "v2", path_style=True, region=cloud.region), Credentials(**values)
    )


def facts(cloud: LocalCloud, seconds: float = 60, **changes: Any) -> dict[str, Any]:
    """Return what the platform knows of one invocation."""
    key = cloud.keys.temporary()
    return {
        "request_id": "request-of-test",
        "timeout": seconds,
        "deadline": time.monotonic() + seconds,
        "user_data": cloud.user_data,
        "access_key": key.access,
        "secret_key": key.secret,
        "token": key.token,
        "project_id": cloud.project_id,
        **changes,
    }


def context(cloud: LocalCloud, seconds: float = 60, **changes: Any) -> Context:
    """Return a context as a handler gets it."""
    return Context(facts(cloud, seconds, **changes))


def event(key: str, etag: str = "", bucket: str = "legible-in") -> dict[str, Any]:
    """Return a classic event of one upload, its key encoded."""
    item = {"key": quote_plus(key), "eTag": etag}
    return {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": item}}]}
