"""Many one-page documents through concurrent instances of the local FunctionGraph: documents a second beside the bound.

The bound is what the instances could do if each document took its OCR call and eight round trips to OBS, or what the
cores could do if they did nothing but what a document costs, that of the local servers included: whichever is less. All
local servers are one Python process, which can use one core: where it is always busy, it is the bound.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.cloud import store
from bench.document import numbered, picture
from bench.documents import blocks
from bench.table import Line, Say
from legible.model.documents import ObjectRef
from localcloud.cloud import INPUT_BUCKET, LocalCloud
from localcloud.functiongraph import load
from localcloud.functiongraph.processes import family

_LATENCY, _ROUND_TRIPS, _LEAST = 0.2, 8, 0.85
_FUNCTION = "on_upload"
#: How long to wait for all, in seconds a document.
_PATIENCE = 2.0
_TICKS = os.sysconf("SC_CLK_TCK")
_PROBES = 20


def lines(count: int, instances: int, say: Say) -> list[Line]:
    """Compare once.

    Args:
        count: How many documents.
        instances: How many instances of the function run at the same time.
        say: Tells what is being measured.

    Raises:
        RuntimeError: A document did not end.
    """
    with _cloud(instances) as cloud:
        body = picture(40_000)
        say(f"throughput: warming {instances} instances")
        _handled(cloud, "warm", body, 2 * instances, 0)
        trip = _round_trip(cloud)
        say(f"throughput: {count:,} documents, {instances} instances")
        before, servers_before = _cpu(), time.process_time()
        seconds = _handled(cloud, "many", body, count, 2 * instances)
        each, servers = (_cpu() - before) / count, (time.process_time() - servers_before) / count
    by_instances, by_cores = instances / (_LATENCY + _ROUND_TRIPS * trip), len(os.sched_getaffinity(0)) / each
    name, rate = f"throughput, {count:,} documents, {instances} instances", count / seconds
    return [
        Line(f"{name}: beside the lesser bound", _rate(rate), _rate(min(by_instances, by_cores)),
             rate / min(by_instances, by_cores), least=_LEAST),
        Line(f"{name}: beside the instances' bound", _rate(rate), _rate(by_instances), rate / by_instances),
        Line(f"{name}: beside the cores' bound", _rate(rate), _rate(by_cores), rate / by_cores),
        Line(f"{name}: servers' CPU, of a document's", f"{servers * 1000:.0f} ms", f"{each * 1000:.0f} ms",
             servers / each),
        Line(f"{name}: servers' CPU, of their core", f"{servers * count:.1f} s", f"{seconds:.1f} s",
             servers * count / seconds),
    ]  # fmt: skip


@contextmanager
def _cloud(instances: int) -> Iterator[LocalCloud]:
    text = blocks(10)

    def recognize(slug: str, image: bytes, options: dict[str, Any]) -> dict[str, Any]:
        time.sleep(_LATENCY)
        return text

    root = Path(__file__).resolve().parents[1]
    functions = {_FUNCTION: load(root / "serverless.yml")[_FUNCTION]}
    with LocalCloud(recognizer=recognize, functions=functions, max_instances=instances, plain=True) as cloud:
        yield cloud


def _handled(cloud: LocalCloud, name: str, body: bytes, count: int, first: int) -> float:
    """Upload documents; return how many seconds it took until all were done."""
    begun = time.perf_counter()
    for number in range(count):
        key = f"general-text/{name}-{number}.jpg"
        cloud.obs.write(INPUT_BUCKET, key, numbered(body, first + number))
        item = {"bucket": {"name": INPUT_BUCKET}, "object": {"key": key}}
        cloud.functions.invoke_async(_FUNCTION, {"Records": [{"eventName": "ObjectCreated:Put", "s3": item}]})
    if not cloud.wait_idle(_PATIENCE * count + 60):
        raise RuntimeError("the measured documents did not end in time")
    took = time.perf_counter() - begun
    outcomes = [one.outcome for one in cloud.functions.invocations[-count:]]
    if not all(one.ok and "done" in one.payload for one in outcomes):
        raise RuntimeError(f"a measured document was not done: {[one for one in outcomes if not one.ok][:1]}")
    return took


def _round_trip(cloud: LocalCloud) -> float:
    """Return how many seconds a small request to the idle object storage takes."""
    key = cloud.keys.temporary()
    facts = {"user_data": cloud.user_data, "access_key": key.access, "secret_key": key.secret, "token": key.token}
    reading, ref = store(facts), ObjectRef(INPUT_BUCKET, "general-text/warm-0.jpg")
    begun = time.perf_counter()
    for _ in range(_PROBES):
        reading.head(ref)
    return (time.perf_counter() - begun) / _PROBES


def _cpu() -> float:
    """Return the seconds of CPU that this process and all that it started have used."""
    spent = 0
    for pid in family(os.getpid()):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        spent += int(fields[11]) + int(fields[12])
    return spent / _TICKS


def _rate(documents: float) -> str:
    return f"{documents:.1f} /s"
