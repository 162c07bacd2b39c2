"""How far two simultaneous appends are apart on the output bucket: the only check that writes, and only if asked."""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier

from msgspec import Struct

from legible.errors import AppendConflictError, LegibleError
from legible.model import layout
from legible.model.documents import ObjectRef
from legible.ports import ObjectStore
from legible.recognition.probe import HealthCheck
from legible.settings import Settings
from legible_cli.doctor.outcomes import looked

#: So many pairs of appends are sent.
_PAIRS = 20
#: The settling time must be so many times the longest append that was seen: the next one may take longer.
_MARGIN = 2
#: The least settling time that is advised, in seconds.
_LEAST = 0.2


class Pair(Struct, frozen=True):
    """Two appends at one position, sent at the same time: the seconds that each took, and whether both succeeded."""

    seconds: tuple[float, float]
    both: bool

    @property
    def apart(self) -> float:
        """How long after the first reply the second one came."""
        return abs(self.seconds[0] - self.seconds[1])


def appends(connect: Callable[[], ObjectStore], settings: Settings, pairs: int = _PAIRS) -> HealthCheck:
    """Whether ``ledger.settle_seconds`` is longer than two simultaneous appends are apart. The probe is removed.

    Args:
        connect: Makes a connection of its own to the store.
        settings: The settings of the deployment.
        pairs: How many pairs of appends are sent.
    """

    def look() -> HealthCheck:
        seen = _measured((connect(), connect()), settings, pairs)
        slowest = max(max(pair.seconds) for pair in seen)
        enough = max(_LEAST, math.ceil(10 * _MARGIN * slowest) / 10)
        both, apart = sum(pair.both for pair in seen), max(pair.apart for pair in seen)
        message = (
            f"{pairs} pairs of appends at one position were {apart:.2f} s apart at most, and took {slowest:.2f} s; "
            f"of {both} pairs both succeeded. ledger.settle_seconds = {settings.ledger.settle_seconds:g}."
        )
        if settings.ledger.settle_seconds >= enough:
            return HealthCheck("appends", "ok", message)
        return HealthCheck("appends", "failed", message, f"Set ledger.settle_seconds to {enough:g} or more.")

    return looked("appends", look)


def _measured(stores: tuple[ObjectStore, ObjectStore], settings: Settings, pairs: int) -> list[Pair]:
    ref = ObjectRef(settings.buckets.output, layout.work_probe(uuid.uuid4().hex))
    try:
        with ThreadPoolExecutor(2) as together:
            return [_pair(stores, ref, together) for _ in range(pairs)]
    finally:
        with suppress(LegibleError):  # a lifecycle rule removes what lies there
            stores[0].remove(ref)


def _pair(stores: tuple[ObjectStore, ObjectStore], ref: ObjectRef, together: ThreadPoolExecutor) -> Pair:
    """Append at the probe's end from two connections at the same time."""
    position = _length(stores[0], ref)
    start = Barrier(2)

    def append(store: ObjectStore) -> tuple[float, bool]:
        start.wait()
        began = time.monotonic()
        try:
            store.append(ref, position, b"probe\n")
        except AppendConflictError:
            return time.monotonic() - began, False
        return time.monotonic() - began, True

    one, other = together.map(append, stores)
    return Pair((one[0], other[0]), one[1] and other[1])


def _length(store: ObjectStore, ref: ObjectRef) -> int:
    with suppress(LegibleError):
        return store.head(ref).size
    return 0
