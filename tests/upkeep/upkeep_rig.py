"""A rig whose timers sweep, hand on and count; events may be lost."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec import structs

from legible.model import layout
from legible.model.documents import Document, ObjectRef, Upload
from legible.model.sums import By, DocumentSum
from legible.oversight.rollup import RollUp
from legible.oversight.walk import ChangeWalk, UsageConsumer
from legible.settings import Settings
from legible.settings.tables import Buckets, Cloud, LedgerSettings, SweepSettings
from legible.upkeep.progress import Segment, stored
from legible.upkeep.sweep import SweepReport
from legible.upkeep.unsettled import UnsettledConsumer
from legible.wiring import upkeep
from legible.wiring.parts import Parts
from tests.support.rig import IN, OUT, Rig, picture

YOUNG = timedelta(minutes=15)


class UpkeepRig(Rig):
    """A deployment that the sweep keeps up."""

    def __init__(self, *script: Any, **kind: Any) -> None:
        super().__init__(*script, waits=True, **kind)
        self.rules_of_sweep = SweepSettings()
        self.sweeps = self.pictures = 0

    @property
    def settings(self) -> Settings:
        return Settings(
            Cloud(self.rules.region), Buckets(self.input, self.output), ledger=LedgerSettings(settle_seconds=0.2),
            sweep=self.rules_of_sweep, routes=self.rules.routes, default=self.rules.default,
        )  # fmt: skip

    def of_wiring(self, owner: str) -> Parts:
        return Parts(self.settings, self.store, self.call(owner), Path())

    def sweep(self, owner: str = "", **options: Any) -> SweepReport:
        self.sweeps += 1
        return upkeep.sweep(self.of_wiring(owner or f"sweep-{self.sweeps}"), **options).run()

    def minutes(self, number: float) -> None:
        self.clock.pause(number * 60)

    def lose(self, *keys: str, body: bytes | None = None, **metadata: str) -> list[Upload]:
        """Upload documents whose events are lost."""
        self.pictures += len(keys)
        bodies = (body or picture(60 + self.pictures, 60 + number) for number in range(len(keys)))
        return [self.upload(key, one, metadata or None) for key, one in zip(keys, bodies, strict=True)]

    def minute(self) -> None:
        """Do what the timer of a minute does: what waits and is due is handed on, and read here."""
        self.redelivery().walk()

    def count(self) -> None:
        """Do what the timer of the reports does, as far as documents are concerned."""
        call = self.call("report")
        rollup = RollUp(self.site, call, 0.2)
        consumers = [UsageConsumer(rollup), UnsettledConsumer(self.site, call)]
        parts = self.of_wiring("report")
        ChangeWalk(upkeep.Changes(self.site, call), parts.ledger.journals, consumers, call).walk()
        rollup.sum_up(*_lately(call.now().date()))

    def sum(self, by: By = "prefix", folder: str | None = None) -> DocumentSum:
        return upkeep.status(self.of_wiring("status")).sum(by, folder)

    def waiting(self) -> list[str]:
        return self.store.keys(OUT, layout.WAITING)

    def segments(self) -> tuple[Segment, ...]:
        return stored(self.site)

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.log.lines if line["event"] == name]

    def status_of(self, upload: Upload) -> str:
        state = self.parts().ledger.journals.load(Document(IN, upload.ref.key, upload.etag))
        return (state.finished.status or "") if state.finished else "running"


def _lately(today: Any) -> tuple[Any, Any]:
    return today - timedelta(days=40), today


def without_record(rig: UpkeepRig, key: str) -> None:
    """Remove the results of a document, as somebody might by hand."""
    for name in rig.store.keys(OUT, f"results/{key}/"):
        rig.store.remove(ObjectRef(OUT, name))


def dated(upload: Upload, **changes: Any) -> Upload:
    return structs.replace(upload, **changes)
