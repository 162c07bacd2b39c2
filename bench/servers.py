"""Stand-ins for OBS and OCR in a process of their own: as slow as wanted, and they tell what they were asked.

Both keep to what the fields of an answer mean (api-obs obs_04_0080 to obs_04_0088), check no signature and hold all in
memory: what they cost is not counted as Legible's, and is as small as it can be.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit
from urllib.request import urlopen

from bench.documents import blocks

#: Where the stand-in of OBS tells what it was asked since it was asked this last, and forgets it.
_TOLD = "/.told"
#: The verb of a call of the service, among what was asked.
CALL = "OCR"
_META = "x-amz-meta-"


class Asked(NamedTuple):
    """One request: the verb, the bucket and key, and from when to when it took, in seconds."""

    verb: str
    what: str
    begun: float
    ended: float


class Stored(NamedTuple):
    """One object: its bytes, when it came (seconds), its metadata, and whether it can be appended to."""

    body: bytes
    at: float
    headers: dict[str, str]
    appended: bool = False


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet an answer

    def log_message(self, *values: Any) -> None:
        """Log nothing."""

    def reply(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None, length: int = -1) -> None:
        """Answer."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length < 0 else length))
        self.end_headers()
        self.wfile.write(body)

    def body(self) -> bytes:
        """Return what was sent."""
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))


class Obs(_Handler):
    """The object storage."""

    latency = 0.0
    objects: dict[str, Stored] = {}
    asked: list[Asked] = []
    lock = threading.Lock()

    def handle_one(self) -> None:
        """Answer one request after the latency, and remember it."""
        begun, parts, body = time.monotonic(), urlsplit(self.path), self.body()
        if parts.path == _TOLD:
            told, Obs.asked = self.asked, []
            self.reply(200, json.dumps(told).encode())
            return
        time.sleep(self.latency)
        query, what = parse_qs(parts.query, keep_blank_values=True), unquote(parts.path).lstrip("/")
        verb = self.command
        if "append" in query:
            verb = "APPEND"
        elif "x-amz-copy-source" in self.headers:
            verb = "COPY"
        elif "/" not in what.rstrip("/"):
            verb, what = "LIST", f"{what}?{query.get('prefix', [''])[0]}"
        with self.lock:
            answer = getattr(self, f"_{verb.lower()}")(what, query, body)
        self.reply(*answer)
        Obs.asked.append(Asked(verb, what, begun, time.monotonic()))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_one  # noqa: N815 - names of http.server

    def _told(self, stored: Stored) -> dict[str, str]:
        etag = hashlib.md5(stored.body, usedforsecurity=False).hexdigest()
        named = {"ETag": f'"{etag}"', "Last-Modified": formatdate(stored.at, usegmt=True), **stored.headers}
        return {**named, "x-amz-object-type": "Appendable"} if stored.appended else named

    def _head(self, what: str, query: Any, body: bytes) -> Any:
        stored = self.objects.get(what)
        return (404,) if stored is None else (200, b"", self._told(stored), len(stored.body))

    def _get(self, what: str, query: Any, body: bytes) -> Any:
        stored = self.objects.get(what)
        if stored is None:
            return 404, b"<Error><Code>NoSuchKey</Code></Error>"
        wanted = self.headers.get("Range", "").removeprefix("bytes=")
        if not wanted:
            return 200, stored.body, self._told(stored)
        size, (begin, _, end) = len(stored.body), wanted.partition("-")
        first = int(begin) if begin else max(0, size - int(end))
        last = min(int(end), size - 1) if begin and end else size - 1
        if first >= size:
            return 416, b"<Error><Code>InvalidRange</Code></Error>"
        spoken = {"Content-Range": f"bytes {first}-{last}/{size}"}
        return 206, stored.body[first : last + 1], {**self._told(stored), **spoken}

    def _put(self, what: str, query: Any, body: bytes) -> Any:
        kept = {name: text for name, text in self.headers.items() if name.lower().startswith(_META)}
        self.objects[what] = Stored(body, time.time(), {**kept, "Content-Type": self.headers.get("Content-Type", "")})
        return 200, b"", {"ETag": self._told(self.objects[what])["ETag"]}

    def _copy(self, what: str, query: Any, body: bytes) -> Any:
        source = self.objects.get(unquote(self.headers["x-amz-copy-source"]).lstrip("/"))
        if source is None:
            return 404, b"<Error><Code>NoSuchKey</Code></Error>"
        self.objects[what] = source._replace(at=time.time(), appended=False)
        return 200, b"<CopyObjectResult><ETag>x</ETag></CopyObjectResult>"

    def _append(self, what: str, query: Any, body: bytes) -> Any:
        before = self.objects.get(what, Stored(b"", 0.0, {}, appended=True))
        if not before.appended:
            return 409, b"<Error><Code>ObjectNotAppendable</Code></Error>"
        if len(before.body) != int(query["position"][0]):
            return 409, b"<Error><Code>PositionNotEqualToLength</Code></Error>"
        self.objects[what] = Stored(before.body + body, time.time(), {}, appended=True)
        return 200, b"", {"x-amz-next-append-position": str(len(before.body) + len(body))}

    def _delete(self, what: str, query: Any, body: bytes) -> Any:
        self.objects.pop(what, None)
        return (204,)

    def _list(self, what: str, query: Any, body: bytes) -> Any:
        bucket, _, prefix = what.partition("?")
        found = sorted(name for name in self.objects if name.startswith(f"{bucket.rstrip('/')}/{prefix}"))
        items = "".join(
            f"<Contents><Key>{name.partition('/')[2]}</Key><Size>{len(self.objects[name].body)}</Size></Contents>"
            for name in found[:1000]
        )
        return 200, f"<ListBucketResult><IsTruncated>false</IsTruncated>{items}</ListBucketResult>".encode()


class Ocr(_Handler):
    """The service."""

    latency = 0.0
    answer = b""

    def do_POST(self) -> None:  # noqa: N802 - name of http.server
        """Answer after the latency, and remember it."""
        begun = time.monotonic()
        self.body()
        time.sleep(self.latency)
        Obs.asked.append(Asked(CALL, self.path, begun, time.monotonic()))
        self.reply(200, self.answer, {"Content-Type": "application/json", "X-Request-Id": f"{time.monotonic_ns()}"})


class Server(ThreadingHTTPServer):
    """A server whose threads end with the process."""

    daemon_threads = True
    request_queue_size = 256


class Places(NamedTuple):
    """Where both stand-ins are."""

    obs: str
    ocr: str

    def told(self) -> list[Asked]:
        """Return what the object storage was asked since this was called last."""
        with urlopen(self.obs + _TOLD, timeout=10) as reply:
            return [Asked(*one) for one in json.load(reply)]


@contextmanager
def running(storing: float, recognizing: float) -> Iterator[Places]:
    """Run both in one process.

    Args:
        storing: Seconds that a request to the object storage takes.
        recognizing: Seconds that a call takes.
    """
    command = [sys.executable, "-m", "bench.servers", str(storing), str(recognizing)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield Places(*json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()


def main() -> None:
    """Be both: say where they are, and run until the input ends."""
    Obs.latency, Ocr.latency = float(sys.argv[1]), float(sys.argv[2])
    Ocr.answer = json.dumps({"result": blocks(10)}).encode()
    servers = [Server(("127.0.0.1", 0), kind) for kind in (Obs, Ocr)]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps([f"http://127.0.0.1:{server.server_port}" for server in servers]), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
