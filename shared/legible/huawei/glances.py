"""What one invocation was told of objects that it asks for again, or asked for ahead."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future

from msgspec import Struct

from legible.model.documents import ObjectRef
from legible.ports import Head, Wanted

#: So many glances are kept; an event may name many documents, which are read one after the other.
_KEPT = 2
#: What was read ahead is given out for so many seconds; it was read for what comes next, not for later.
_FRESH_SECONDS = 5.0


class _Glance(Struct, frozen=True):
    head: Head
    body: bytes


class Glances:
    """Glances that were made, and reads that were begun. Safe for several threads."""

    def __init__(self) -> None:
        """Know of none."""
        self._lock = threading.Lock()
        self._made: OrderedDict[tuple[ObjectRef, str], _Glance] = OrderedDict()
        self._begun: dict[tuple[ObjectRef, Wanted], tuple[float, Future[bytes]]] = {}

    def keep(self, ref: ObjectRef, version_id: str, head: Head, body: bytes) -> None:
        """Remember what a glance told, under the version that was asked for and the one that was found."""
        with self._lock:
            for version in {version_id, head.version_id}:
                self._made[ref, version] = _Glance(head, body)
                self._made.move_to_end((ref, version))
            while len(self._made) > 2 * _KEPT:
                self._made.popitem(last=False)

    def head(self, ref: ObjectRef, version_id: str) -> Head | None:
        """Return what the last glance told; None where there was none."""
        with self._lock:
            glance = self._made.get((ref, version_id))
        return glance.head if glance else None

    def begin(self, ref: ObjectRef, wanted: Wanted, read: Callable[[], bytes]) -> None:
        """Begin to read in a thread of its own; see ``taken``."""
        future: Future[bytes] = Future()

        def work() -> None:
            try:
                future.set_result(read())
            except BaseException as error:
                future.set_exception(error)

        with self._lock:
            self._begun[ref, wanted] = time.monotonic(), future
        threading.Thread(target=work, daemon=True).start()

    def taken(self, ref: ObjectRef, wanted: Wanted) -> bytes | None:
        """Return what is known of these bytes, waiting for a read that was begun; None if they must be asked for.

        A read that was begun is given out once, with its error; bytes under their etag as often as they are asked for.
        """
        with self._lock:
            glance = self._made.get((ref, wanted.version_id))
            begun = self._begun.pop((ref, wanted), None)
        if glance is not None and wanted.etag == glance.head.etag and wanted.first is not None:
            last = min(wanted.last if wanted.last is not None else glance.head.size, glance.head.size - 1)
            if last < len(glance.body):
                return glance.body[wanted.first : last + 1]
        return begun[1].result() if begun is not None and time.monotonic() - begun[0] < _FRESH_SECONDS else None
