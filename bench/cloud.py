"""The local cloud in its own process, so that its cost is not counted as Legible's; its OCR is as slow as wanted."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bench.documents import blocks
from legible.huawei import obs
from legible.huawei.credentials import Credentials
from legible.model.documents import ObjectRef
from localcloud.cloud import INPUT_BUCKET, LocalCloud
from localcloud.faults import Fault

#: What is recognized on an identity document; the holder is invented.
_PASSPORT = {"passport_type": "P", "passport_number": "L898902C3", "surname": "ERIKSSON", "given_name": "ANNA MARIA"}
#: Seconds one invocation may take.
_TIME = 890.0

Facts = dict[str, Any]


@contextmanager
def running(latency: float, count: int, storing: float = 0.0) -> Iterator[Facts]:
    """Run a local cloud; yield what the platform knows of an invocation there.

    Args:
        latency: Seconds an answer takes.
        count: Text blocks an answer has.
        storing: Seconds that every request to the object storage takes.
    """
    command = [sys.executable, "-m", "bench.cloud", str(latency), str(count), str(storing)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.stdin.close()  # the process ends with its input


def fresh(facts: Facts) -> Facts:
    """Return the facts with the whole time of an invocation left."""
    return {**facts, "deadline": time.monotonic() + _TIME}


def upload(facts: Facts, key: str, body: bytes) -> Facts:
    """Upload a document; return the event of it."""
    store(facts).write(ObjectRef(INPUT_BUCKET, key), body, "application/pdf")
    item = {"bucket": {"name": INPUT_BUCKET}, "object": {"key": key}}
    return {"Records": [{"eventName": "ObjectCreated:Put", "s3": item}]}


def store(facts: Facts) -> obs.ObsStore:
    """Return a client of the cloud's object storage."""
    variables = facts["user_data"]
    address = obs.ObsEndpoint(
        variables["LEGIBLE_OBS_ENDPOINT"], "v2", path_style=True, region=variables["LEGIBLE_REGION"]
    )
    return obs.ObsStore(address, Credentials(facts["access_key"], facts["secret_key"], facts["token"]))


def main() -> None:
    """Be the cloud: say where it is, and run until the input ends."""
    latency, count, storing = float(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    text = blocks(count)

    def recognize(slug: str, image: bytes, options: dict[str, Any]) -> dict[str, Any]:
        time.sleep(latency)
        return dict(_PASSPORT) if slug == "passport" else text

    with LocalCloud(recognizer=recognize, functions={}) as cloud:
        if storing:
            cloud.obs.faults.add(Fault("delay", times=None, seconds=storing))
        key = cloud.keys.temporary()
        facts = {
            "request_id": "request-of-bench",
            "timeout": _TIME,
            "user_data": cloud.user_data,
            "access_key": key.access,
            "secret_key": key.secret,
            "token": key.token,
            "project_id": cloud.project_id,
        }
        print(json.dumps(facts), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
