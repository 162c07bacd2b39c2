"""AppendObject (api-obs obs_04_0088): one writer for each position, or, if asked for, the race of the OBS FAQ."""

from __future__ import annotations

import html
import re
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import unquote

from moto.s3.models import FakeKey

from localcloud.obs.errors import ObsError
from localcloud.obs.request import ObsRequest
from localcloud.obs.store import Response, Store, appends

_ENTRY = re.compile(rb"<Contents>(?:(?!</Contents>).)*?<Key>(?P<key>.*?)</Key>.*?</Contents>", re.DOTALL)
#: "The maximum number of append-only writes for each appendable object is 10,000." (obs_04_0088)
MAX_APPENDS = 10_000


@dataclass
class _Heat:
    """Appends to one object at one position that arrived together: all succeed, the last one overwrites the others."""

    prefix: bytes
    closes: float
    arrived: int = 0
    answered: dict[str, Response] = field(default_factory=dict)


class Appender:
    """Appends under the server's lock, so that two requests at one position never both win, except in a race."""

    def __init__(self, store: Store, lock: threading.RLock, most: int = MAX_APPENDS) -> None:
        """Append to this store's objects, each of them so often at most.

        The condition releases the server's lock while a race waits.
        """
        self._store = store
        self._most = most
        self._turn = threading.Condition(lock)
        self._window: float = 0.0
        self._racers = 2
        self._heats: dict[tuple[str, str, int], _Heat] = {}

    def race(self, window: float, racers: int = 2) -> None:
        """Let simultaneous appends all succeed while the last one overwrites the others (OBS FAQ obs_faq_0165).

        The first append at a position waits for others at the same position, until ``racers`` have arrived or
        ``window`` seconds have passed; then all are answered with success at once. A window of 0 ends the mode.
        """
        with self._turn:
            self._window, self._racers = window, racers

    def answer(self, request: ObsRequest) -> Response:
        """Append the request's body, or raise the error OBS answers with."""
        with self._turn:
            position = _position(request)
            heat = self._heats.get((request.bucket, request.key, position))
            if heat is not None:
                return self._join(request, position, heat)
            prefix = self._check(request, position)
            if self._window > 0:
                return self._open(request, position, prefix)
            return self._write(request, prefix)

    def _check(self, request: ObsRequest, position: int) -> bytes:
        stored = self._store.find(request.bucket, request.key)
        if stored is None:
            length, prefix = 0, b""
        elif appends(stored) is None:
            raise ObsError(409, "ObjectNotAppendable", "The object is not appendable.")
        else:
            length, prefix = stored.size, stored.value
        if position != length:
            raise ObsError(
                409, "PositionNotEqualToLength", "The value of position does not match the length of the object."
            )
        if stored is not None and (appends(stored) or 0) >= self._most:
            # The page gives the limit but no code for it; an object past it takes no more appends.
            raise ObsError(409, "ObjectNotAppendable", f"The object has reached the limit of {self._most:,} appends.")
        return prefix

    def _write(self, request: ObsRequest, prefix: bytes) -> Response:
        stored = self._store.append(request.bucket, request.key, prefix, request.body, request)
        self._store.save(request.bucket, [request.key])
        return _response(stored, len(prefix) + len(request.body))

    def _open(self, request: ObsRequest, position: int, prefix: bytes) -> Response:
        name = (request.bucket, request.key, position)
        heat = self._heats[name] = _Heat(prefix, time.monotonic() + self._window, arrived=1)
        heat.answered[request.id] = self._write(request, prefix)
        while heat.arrived < self._racers and time.monotonic() < heat.closes:
            self._turn.wait(heat.closes - time.monotonic())
        if self._heats.get(name) is heat:
            del self._heats[name]
        heat.closes = 0.0
        self._turn.notify_all()
        return heat.answered[request.id]

    def _join(self, request: ObsRequest, position: int, heat: _Heat) -> Response:
        heat.arrived += 1
        answer = self._write(request, heat.prefix)
        if heat.arrived >= self._racers:
            self._heats.pop((request.bucket, request.key, position), None)
            self._turn.notify_all()
            return answer
        while heat.closes > time.monotonic():
            self._turn.wait(max(0.0, heat.closes - time.monotonic()))
        return answer


def describe(response: Response, stored: FakeKey | None) -> None:
    """Add what HEAD and GET tell of an appendable object (obs_04_0084)."""
    if stored is not None and appends(stored) is not None:
        response.headers["x-obs-object-type"] = "Appendable"
        response.headers["x-obs-next-append-position"] = str(stored.size)


def describe_list(response: Response, request: ObsRequest, store: Store) -> None:
    """Mark the appendable objects of a list (obs_04_0022, ``Type``)."""

    def mark(entry: re.Match[bytes]) -> bytes:
        key = html.unescape(entry["key"].decode())
        stored = store.find(request.bucket, unquote(key) if "encoding-type" in request.query else key)
        if stored is None or appends(stored) is None:
            return entry[0]
        return entry[0].replace(b"</Contents>", b"<Type>Appendable</Type></Contents>")

    response.body = _ENTRY.sub(mark, response.body)


def _position(request: ObsRequest) -> int:
    text = request.query.get("position") or ""
    if not text.isdigit():
        raise ObsError(400, "InvalidArgument", "The position must be a number that is not negative.")
    return int(text)


def _response(stored: FakeKey, position: int) -> Response:
    return Response(200, {"etag": stored.etag, "x-obs-next-append-position": str(position)})
