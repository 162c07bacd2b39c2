"""A world in which documents are read, and forgotten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from legible.ledger.changes import Changes, Mark
from legible.ledger.tombstones import Tombstones
from legible.model.documents import Document, Format, Selection
from legible.ports import Invocation
from legible.upkeep.eraser import Eraser
from legible.upkeep.forget import Asked, Forgetting, ForgetTools
from legible.upkeep.forget_scope import ForgetScope
from legible.upkeep.forgotten_files import ForgottenFiles
from legible.upkeep.traces import DocumentTraces
from legible.workbooks.collector import Collector
from legible.workbooks.listing import Selector
from tests.support.fakes import MemoryVersions, invocation
from tests.support.rig import Rig

HOUR = timedelta(hours=1)


class Forgetter:
    """Forgets in the world of a rig."""

    def __init__(self, rig: Rig, *, batch: int = 100, call: Invocation | None = None) -> None:
        self.rig = rig
        self.site = rig.site
        self.call = call or invocation(rig.clock, "forget", 900.0)
        self.tombstones = Tombstones(self.site)
        versions = MemoryVersions(rig.store)
        eraser = Eraser(self.site, versions, self.call)
        parts = rig.parts()
        self.collector = Collector(self.site, self.call, Selector(self.site, "_complete"))
        self.rebuild: Callable[[str, Selection, tuple[Format, ...]], bool] = self._build
        tools = ForgetTools(
            DocumentTraces(self.site, eraser, parts.publisher),
            eraser,
            ForgottenFiles(self.site, self.call, eraser, lambda *asked: self.rebuild(*asked)),
            parts.ledger.journals,
            self.tombstones,
            lambda document, state: [{"lines": len(state.lines)}] if state.lines else [],
            self._mark,
            0.0,
        )
        self.scope = ForgetScope(self.site, versions, self.tombstones)
        self.forgetting = Forgetting(self.site, self.call, tools, batch)

    def _build(self, name: str, selection: Selection, formats: tuple[Format, ...]) -> bool:
        self.collector.build(name, selection, formats)
        return True

    def _mark(self, document: Document) -> None:
        Changes(self.site, self.call).mark(document, self.call.now())

    def counted(self) -> None:
        """Have the walk over journals that changed come by."""
        changes = Changes(self.site, self.call)
        for slot in list(changes.due()):
            mark = changes.read(slot)
            assert isinstance(mark, Mark)
            changes.remove(slot)

    def asked(self, **values: Any) -> Asked:
        return Asked("cli:olga", self.rig.clock.now(), **values)

    def forget(self, *wanted: str, **values: Any) -> Any:
        keys = (key for one in wanted for key in self.scope.keys(one))
        return self.forgetting.forget(keys, self.asked(**values))

    def whole(self, *wanted: str) -> Any:
        """Forget, and go on until nothing is left."""
        self.forget(*wanted)
        return self.later()

    def later(self) -> Any:
        self.rig.clock.pause(HOUR.total_seconds() + 120)
        self.counted()
        return self.forgetting.resume()

    def left(self, text: str) -> list[str]:
        """Return every object and version of both buckets that has a text in its key or content."""
        found = [
            f"{ref.bucket}/{ref.key}"
            for ref, stored in self.rig.store.objects.items()
            if text in ref.key or text.encode() in stored[0] or text in str(stored[3])
        ]
        return sorted(found + [
            f"{ref.bucket}/{ref.key}?{version}"
            for ref, kept in self.rig.store.versions.items()
            for version, stored in kept.items()
            if text in ref.key or text.encode() in stored[0]
        ])  # fmt: skip
