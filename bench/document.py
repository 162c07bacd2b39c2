"""One small document through the handler, beside the user guide's way: time, CPU, and each request to the storage.

The handler runs warm in this very process, with its real adapters; OBS and OCR stand in another (``bench.servers``).
"""

from __future__ import annotations

import base64
import gc
import io
import json
import os
import resource
import statistics
import time
import uuid
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from PIL import Image

from bench.servers import CALL, Asked, Places, running
from bench.table import Line, Say
from functions import on_upload
from localcloud.functiongraph.context import Context

#: Latency of OBS and of OCR in seconds, and the size of the document in bytes.
_CASES = ((0.02, 0.1, 200_000), (0.02, 0.3, 3_000_000), (0.005, 0.3, 200_000), (0.0, 0.0, 200_000))
_BAR = (0.02, 0.3, 200_000)
_ROUNDS = 5
#: In a bucket without versions a call waits until the second is over in which the upload came.
_APART = 1.1
_IN, _OUT = "bench-in", "bench-out"
_MS = 1000.0
#: The bars: requests to the storage, how many one after another, CPU of a document and of a redelivery in milliseconds.
_REQUESTS, _ROW, _CPU, _CPU_AGAIN, _ROW_AGAIN = 14, 8, 18.0, 4.0, 2


class Took(NamedTuple):
    """What one invocation took: wall and CPU in seconds, and its requests to the storage."""

    wall: float
    cpu: float
    asked: list[Asked]


class Function:
    """``on_upload`` as a warm instance runs it."""

    def __init__(self, places: Places) -> None:
        """Call nothing yet."""
        self._handler = on_upload.handler
        self._places = places
        self._sink = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - as long as the process
        self._variables = {
            "LEGIBLE_REGION": "cn-north-4", "LEGIBLE_PROJECT_ID": "0" * 32, "LEGIBLE_INPUT_BUCKET": _IN,
            "LEGIBLE_OUTPUT_BUCKET": _OUT, "LEGIBLE_OBS_ENDPOINT": places.obs, "LEGIBLE_OBS_SIGNATURE": "v2",
            "LEGIBLE_OBS_PATH_STYLE": "true", "LEGIBLE_OCR_ENDPOINT": places.ocr,
        }  # fmt: skip

    def facts(self) -> dict[str, Any]:
        """Return what the platform knows of an invocation that begins now, with keys of its own."""
        return {
            "request_id": uuid.uuid4().hex, "timeout": 300, "deadline": time.monotonic() + 300,
            "user_data": self._variables, "access_key": "AK", "secret_key": "SK", "token": uuid.uuid4().hex,
            "project_id": "0" * 32,
        }  # fmt: skip

    def call(self, event: Any) -> Took:
        """Handle an event in an invocation of its own."""
        context = Context(self.facts(), self._sink)
        self._places.told()
        begun, spent = time.perf_counter(), time.process_time()
        result = self._handler(event, context)
        took = Took(time.perf_counter() - begun, time.process_time() - spent, [])
        if [one["status"] for one in result["documents"]] != ["done"]:
            raise RuntimeError(f"the measured document was not done: {result}")
        return took._replace(asked=sorted(self._places.told(), key=lambda one: one.begun))


def upload(places: Places, key: str, body: bytes) -> dict[str, Any]:
    """Upload a document; return its event, as OBS sends it."""
    reply = _Kept(places.obs).exchange("PUT", f"/{_IN}/{key}", body)
    item = {"key": key, "eTag": reply.headers["ETag"].strip('"'), "size": len(body)}
    return {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": _IN}, "object": item}}]}


class _Reply(NamedTuple):
    body: bytes
    headers: Any


class _Kept:
    """A connection that is kept."""

    def __init__(self, url: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc)

    def exchange(self, verb: str, path: str, body: bytes = b"") -> _Reply:
        """Send one request."""
        self._connection.request(verb, path, body)
        reply = self._connection.getresponse()
        return _Reply(reply.read(), reply.headers)


def storage(asked: Sequence[Asked]) -> list[Asked]:
    """Return the requests to the object storage."""
    return [one for one in asked if one.verb != CALL]


def row(asked: Sequence[Asked]) -> list[Asked]:
    """Return the longest chain of requests of which each began when the one before had ended.

    What is asked while a call runs is waited for by nobody.
    """
    calls = [one for one in asked if one.verb == CALL]
    beside = {one for one in asked for call in calls if call.begun <= one.begun and one.ended <= call.ended}
    waited = [one for one in storage(asked) if one not in beside]
    chain: list[Asked] = []
    for one in sorted(waited, key=lambda one: one.ended):
        if not chain or one.begun >= chain[-1].ended:
            chain.append(one)
    return chain


def guide(places: Places, key: str) -> float:
    """Return the seconds of the user guide's way: read the object, call with its bytes, write the answer."""
    storage, calls, begun = _Kept(places.obs), _Kept(places.ocr), time.perf_counter()
    body = storage.exchange("GET", f"/{_IN}/{key}").body
    text = json.dumps({"image": base64.b64encode(body).decode("ascii")}).encode()
    answer = calls.exchange("POST", "/v2/0/ocr/general-text", text).body
    storage.exchange("PUT", f"/{_OUT}/{key}.json", answer)
    return time.perf_counter() - begun


def bound(places: Places, key: str) -> float:
    """Return the seconds of what must follow one another: look, claim, call, keep the answer, write the result."""
    storage, calls, begun = _Kept(places.obs), _Kept(places.ocr), time.perf_counter()
    storage.exchange("GET", f"/{_IN}/{key}")
    storage.exchange("PUT", f"/{_OUT}/{key}.claim", b"{}")
    answer = calls.exchange("POST", "/v2/0/ocr/general-text", b"{}").body
    storage.exchange("PUT", f"/{_OUT}/{key}.answer", answer)
    storage.exchange("PUT", f"/{_OUT}/{key}.json", answer)
    return time.perf_counter() - begun


def lines(say: Say, chain: Callable[[str], None] = print) -> list[Line]:
    """Measure a new document and its redelivery in each case; ``chain`` is told the requests of one."""
    compared: list[Line] = []
    for storing, recognizing, size in dict.fromkeys((*_CASES, _BAR)):
        say(f"one document: OBS {storing * _MS:g} ms, OCR {recognizing * _MS:g} ms, {size:,} bytes")
        with running(storing, recognizing) as places:
            compared += _case(places, storing, recognizing, size, chain)
    return compared


def _case(places: Places, storing: float, recognizing: float, size: int, chain: Callable[[str], None]) -> list[Line]:
    function, body = Function(places), picture(size)
    new, again, guided, bounds = [], [], [], []
    keys = [f"general-text/{number}.jpg" for number in range(_ROUNDS + 1)]
    events = [upload(places, key, numbered(body, number)) for number, key in enumerate(keys)]
    time.sleep(_APART)
    for key, event in zip(keys, events, strict=True):
        new.append(function.call(event))
        again.append(function.call(event))
        guided.append(guide(places, key))
        bounds.append(bound(places, key))
    new, again = new[1:], again[1:]
    name = f"{storing * _MS:g}/{recognizing * _MS:g} ms, {size // 1000} KB"
    wall, once = _median(one.wall for one in new), new[-1]
    if (storing, recognizing, size) == _BAR:
        for one in once.asked:
            mark = "|" if one in row(once.asked) else " "
            begun = (one.begun - once.asked[0].begun) * _MS
            chain(f"{mark} {begun:6.0f} {(one.ended - one.begun) * _MS:5.0f} ms  {one.verb:6} {one.what}")
    beyond = wall - recognizing
    most = 10 * storing + 0.03
    return [
        Line(f"document {name}: beside the user guide's way", _ms(wall), _ms(_median(guided)), wall / _median(guided)),
        Line(f"document {name}: beside the bound", _ms(wall), _ms(_median(bounds)), wall / _median(bounds)),
        Line(f"document {name}: beyond OCR", _ms(beyond), _ms(most), beyond / most, most=1.0 if storing else None),
        _count(f"document {name}: requests", storage(once.asked), _REQUESTS),
        _count(f"document {name}: in a row", row(once.asked), _ROW),
        _cpu(f"document {name}: CPU", new, _CPU),
        _cpu(f"redelivery {name}: CPU", again, _CPU_AGAIN),
        Line(
            f"redelivery {name}: in a row",
            f"{len(row(again[-1].asked))} of {len(again[-1].asked)}, {_ms(_median(one.wall for one in again))}",
            f"{_ROW_AGAIN}", len(row(again[-1].asked)) / _ROW_AGAIN, most=1,
        ),
    ]  # fmt: skip


def _count(what: str, asked: Sequence[Asked], most: int) -> Line:
    return Line(what, f"{len(asked)}", f"{most}", len(asked) / most, most=1)


def _cpu(what: str, took: Sequence[Took], most: float) -> Line:
    spent = _median(one.cpu for one in took) * _MS
    return Line(what, f"{spent:.1f} ms", f"{most:.0f} ms", spent / most, most=1.0)


def _median(values: Any) -> float:
    return float(statistics.median(values))


def _ms(seconds: float) -> str:
    return f"{seconds * _MS:.0f} ms"


def picture(size: int) -> bytes:
    """Return a JPEG of about so many bytes, as a camera makes it: its header at the front."""
    side = round((size / 0.62) ** 0.5)
    target = io.BytesIO()
    Image.effect_noise((side, side), 60).save(target, "JPEG", quality=75)
    return target.getvalue()


def numbered(body: bytes, number: int) -> bytes:
    """Return the picture with a comment that makes it another one: equal bytes are one content, paid for once."""
    return body[:2] + b"\xff\xfe\x00\x06" + number.to_bytes(4, "big") + body[2:]


def memory(count: int, say: Say) -> Line:
    """Compare the memory of a warm instance after ``count`` documents with that after a tenth of them."""
    with running(0.0, 0.0) as places:
        function, body, peaks = Function(places), picture(40_000), []
        for number in range(count):
            function.call(upload(places, f"general-text/m{number}.jpg", numbered(body, number)))
            if number + 1 in (count // 10, count):
                gc.collect()
                say(f"memory after {number + 1} documents")
                peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return Line(
        f"memory after {count} documents", f"{peaks[1]:.0f} MB", f"{peaks[0]:.0f} MB", peaks[1] / peaks[0], most=1.1
    )
