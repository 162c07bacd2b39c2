"""Faults on demand: the next N requests that match, or a share of all requests drawn from a seed."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass
class Fault:
    """One fault. The class that takes a ``kind`` says what it does (OBS, OCR, FunctionGraph).

    ``method`` and ``path`` are shell patterns over the request (``bucket/key``, a slug, a function's name). ``times``
    is how often it strikes, None for ever; ``after`` is how many matching requests pass first. The rest are the kind's
    own parameters.
    """

    kind: str
    method: str = "*"
    path: str = "*"
    times: int | None = 1
    after: int = 0
    seconds: float = 0.0
    status: int = 0
    code: str = ""
    message: str = ""
    body: bytes = b""
    content_type: str = "application/json"
    count: int = 1

    def matches(self, method: str, path: str) -> bool:
        """Tell whether a request is one of those that the fault may strike."""
        return fnmatchcase(method, self.method) and fnmatchcase(path, self.path)


class Schedule:
    """Decides which request gets which fault: listed faults first, in order; then those drawn from the seed.

    The draw depends only on seed, method, path and how many such requests came before, so threads that interleave
    differently still meet the same faults on the same documents.
    """

    def __init__(self) -> None:
        """Start without faults."""
        self._lock = threading.Lock()
        self._listed: list[Fault] = []
        self._seed: int | None = None
        self._drawn: list[tuple[Fault, float]] = []
        self._seen: Counter[tuple[str, str]] = Counter()

    def add(self, *faults: Fault) -> None:
        """List faults for coming requests."""
        with self._lock:
            self._listed.extend(faults)

    def draw(self, seed: int, rates: Mapping[str, float] | list[tuple[Fault, float]]) -> None:
        """Let each kind strike its share (0 to 1) of the requests from now on, as the seed decides."""
        pairs = rates if isinstance(rates, list) else [(Fault(kind), share) for kind, share in rates.items()]
        with self._lock:
            self._seed, self._drawn = seed, list(pairs)
            self._seen.clear()

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._listed.clear()
            self._drawn.clear()
            self._seed = None

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that strikes this request, and count it as used; None if none does."""
        with self._lock:
            return self._take_listed(method, path) or self._take_drawn(method, path)

    def _take_listed(self, method: str, path: str) -> Fault | None:
        for fault in list(self._listed):
            if not fault.matches(method, path):
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self._listed.remove(fault)
            return fault
        return None

    def _take_drawn(self, method: str, path: str) -> Fault | None:
        if self._seed is None:
            return None
        self._seen[method, path] += 1
        point = random.Random(f"{self._seed}:{method}:{path}:{self._seen[method, path]}").random()
        for fault, share in self._drawn:
            if not fault.matches(method, path):
                continue
            if point < share:
                return fault
            point -= share
        return None
