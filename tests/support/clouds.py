"""What tests do with a local cloud: clients over loopback, contexts as FunctionGraph gives them, events."""

from __future__ import annotations

import json
import time
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

from msgspec import structs
from obs import ObsClient

from legible.huawei import obs
from legible.huawei.credentials import Credentials
from legible.huawei.store_clock import StoreClock
from legible.model import layout
from legible.model.documents import ObjectRef
from legible.ports import Invocation, utc_now
from localcloud.cloud import INPUT_BUCKET, OUTPUT_BUCKET, LocalCloud
from localcloud.functiongraph.context import Context
from localcloud.ocr.journal import Journal


def store(cloud: LocalCloud, clock: StoreClock | None = None, listed: int = 1000, **changes: str) -> obs.ObsStore:
    """Return a client with temporary keys of its own; ``changes`` spoil them. A call lists ``listed`` objects."""
    key = cloud.keys.temporary()
    values = {"access_key": key.access, "secret_key": key.secret, "token": key.token, **changes}
    address = obs.ObsEndpoint(cloud.obs_endpoint, "v2", path_style=True, region=cloud.region)
    return obs.ObsStore(address, Credentials(**values), clock, listed)


def facts(cloud: LocalCloud, seconds: float = 60, **changes: Any) -> dict[str, Any]:
    """Return what the platform knows of one invocation."""
    key = cloud.keys.temporary()
    return {
        "request_id": "request-of-test",
        "invoke_id": "0123456789abcdef" * 2,
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


def client(cloud: LocalCloud) -> ObsClient:
    """Return the SDK's own client with the account's own keys."""
    return ObsClient(
        access_key_id=cloud.credentials.access, secret_access_key=cloud.credentials.secret,
        server=cloud.obs_endpoint, signature="v2", path_style=True, is_signature_negotiation=False,
    )  # fmt: skip


def upload(cloud: LocalCloud, key: str, body: bytes) -> None:
    """Upload a document with the account's own keys."""
    assert client(cloud).putContent(INPUT_BUCKET, key, content=body).status == 200


def result(cloud: LocalCloud, key: str, name: str = "record.json") -> bytes:
    return store(cloud).read(ObjectRef(OUTPUT_BUCKET, layout.results(key, name)))


def record(cloud: LocalCloud, key: str) -> dict[str, Any]:
    return dict(json.loads(result(cloud, key)))


def journal(cloud: LocalCloud, key: str) -> list[dict[str, Any]]:
    lines = store(cloud).read(ObjectRef(OUTPUT_BUCKET, record(cloud, key)["ledger"]))
    return [json.loads(line) for line in lines.splitlines()]


def due_now(cloud: LocalCloud) -> None:
    """Make all marks of changed journals due, as if the invocations that put them had no time left."""
    bucket, marks = store(cloud), layout.CHANGES
    for item in list(bucket.list(OUTPUT_BUCKET, marks)):
        place = layout.place_in_queue(marks, item.key)
        assert place is not None
        due = layout.queued(marks, utc_now() - timedelta(seconds=5), *place[1:])
        if due >= item.key:  # it is due
            continue
        bucket.copy(ObjectRef(OUTPUT_BUCKET, item.key), ObjectRef(OUTPUT_BUCKET, due))
        bucket.remove(ObjectRef(OUTPUT_BUCKET, item.key))


def backdate(cloud: LocalCloud, ago: timedelta) -> None:
    """Move all that was called, by the journals and by the service, that far into the past."""
    bucket = store(cloud)
    for item in list(bucket.list(OUTPUT_BUCKET, layout.LEDGER)):
        lines = [json.loads(line) for line in bucket.read(ObjectRef(OUTPUT_BUCKET, item.key)).splitlines()]
        for line in lines:
            if "at" in line:
                line["at"] = (datetime.fromisoformat(line["at"].replace("Z", "+00:00")) - ago).isoformat()
        body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        bucket.write(ObjectRef(OUTPUT_BUCKET, item.key), body, "application/json")
    calls, cloud.ocr.journal = cloud.ocr.journal.calls, Journal(None)
    for call in calls:
        cloud.ocr.journal.add(structs.replace(call, time=call.time - ago.total_seconds()))


def paid(cloud: LocalCloud) -> int:
    return sum(call.units for call in cloud.ocr.journal.calls)


def earlier(ago: timedelta) -> Invocation:
    """Return an invocation that took place so long ago."""
    return Invocation("earlier", lambda: 60.0, lambda: utc_now() - ago, time.sleep, lambda event, **values: None)
