"""Stores that are asked ahead (``ports.Foresight``), in memory: what the adapter does in threads happens at once."""

from __future__ import annotations

from typing import Any

from legible.huawei.glances import Glances
from legible.model.documents import ObjectRef
from legible.ports import WHOLE, Head, Wanted
from tests.support.fakes import MemoryStore
from tests.support.worlds import Store, World

GLANCE = 256 * 1024


class Ahead(MemoryStore):
    """A store with foresight: a glance is one operation, and what is read ahead is as it was then."""

    def __init__(self, *values: Any) -> None:
        super().__init__(*values)
        self.glances = Glances()
        self.begun: dict[tuple[ObjectRef, Wanted], Any] = {}

    def glance(self, ref: ObjectRef, version_id: str = "", etag: str = "", size: int = 0) -> Head:
        head = self.head(ref, version_id)
        stored = self._get(ref, version_id)
        self.glances.keep(ref, version_id, head, stored[0][:GLANCE])
        return head

    def glanced(self, ref: ObjectRef, version_id: str = "") -> Head | None:
        return self.glances.head(ref, version_id)

    def prefetch(self, ref: ObjectRef, wanted: Wanted = WHOLE) -> None:
        try:
            self.begun[ref, wanted] = super().read(ref, wanted)
        except Exception as error:
            self.begun[ref, wanted] = error

    def read(self, ref: ObjectRef, wanted: Wanted = WHOLE) -> bytes:
        known = self.begun.pop((ref, wanted), None)
        if isinstance(known, Exception):
            raise known
        if known is None and not (wanted.first is not None and wanted.first == wanted.last):
            known = self.glances.taken(ref, wanted)
        return super().read(ref, wanted) if known is None else known


class AheadInWorld(Ahead, Store):
    """The same in a random world, where anything may happen at each operation."""


class AheadWorld(World):
    """A random world whose store has foresight, one memory of it for each invocation."""

    def __init__(self, seed: int, **kind: Any) -> None:
        super().__init__(seed, **kind)
        before = self.rig.store
        self.rig.store = AheadInWorld(self.rig.clock)
        self.rig.store.world = self
        self.rig.store.versioned, self.rig.store.encrypted = before.versioned, before.encrypted
        self.rig.store.most = before.most

    def frame(self, work: Any, *others: type[Exception]) -> bool:
        store = self.rig.store
        kept = store.glances, store.begun
        store.glances, store.begun = Glances(), {}
        try:
            return super().frame(work, *others)
        finally:
            store.glances, store.begun = kept
