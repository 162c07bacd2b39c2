"""A bucket that existed before Legible, and functions that read what a backfill sends, whenever they get to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import structs

from legible.errors import LegibleError
from legible.ledger.journals import Journals
from legible.model.backfills import Backfill, BackfillReport
from legible.model.documents import Arrival, Reason, Upload
from legible.model.prices import Prices
from legible.upkeep.backfill import BackfillLimits, BackfillRun, BackfillTools
from legible.upkeep.manifest import Manifests
from legible.upkeep.sent import SentDocuments
from legible.workbooks.listing import Selector
from tests.support.rig import TEXT, Rig, picture
from tests.upkeep.ends_rig import PRICED, price
from tests.upkeep.quote_rig import operation

NAME = "old"


class Functions:
    """Calls that were accepted; each time somebody waits, some of them run. An event may be lost."""

    def __init__(self, rig: Rig, a_pause: int = 3) -> None:
        self.rig = rig
        self.queue: list[Upload] = []
        self.sent: list[Upload] = []
        self.most = 0
        #: Whether functions are at work just now.
        self.working = False
        self.a_pause = a_pause
        self.lose: Callable[[Upload], bool] = lambda upload: False
        self.fail: Callable[[], None] = lambda: None

    def hand_on(self, *arrivals: Arrival, given_up: Reason | None = None) -> None:
        self.fail()
        for arrival in arrivals:
            assert isinstance(arrival, Upload)
            self.sent.append(arrival)
            if not self.lose(arrival):
                self.queue.append(arrival)
        self.most = max(self.most, len(self.queue))

    def pause(self, seconds: float) -> None:
        self.rig.clock.pause(seconds)
        run, self.queue = self.queue[: self.a_pause], self.queue[self.a_pause :]
        self.working = True
        for upload in run:
            try:
                self.rig.run(upload)
            except LegibleError:
                self.queue.append(upload)  # the platform delivers it again
        self.working = False


class Old:
    """A bucket with documents that nobody has read."""

    def __init__(self, documents: int = 12, a_pause: int = 3) -> None:
        self.rig = Rig(TEXT)
        for number in range(documents):
            self.rig.upload(f"general-text/{number:03}.png", picture(60 + number))
        self.rig.clock.pause(3600)
        self.functions = Functions(self.rig, a_pause)
        self.sessions = 0

    def session(self, prices: Prices = PRICED, **limits: Any) -> BackfillRun:
        """Return a session, as `legible backfill general-text/` begins one."""
        rig, self.sessions = self.rig, self.sessions + 1
        call = rig.call(f"cli-{self.sessions}")
        known = Manifests(rig.site).load(NAME) or Backfill(NAME, "general-text/", call.now())
        parts = rig.parts(call.owner)
        sent = SentDocuments(rig.site, call, parts.publisher, Journals(rig.site), NAME)
        tools = BackfillTools(
            Selector(rig.site, "_complete"), sent, self.functions, lambda key: operation(rig, key), price(prices)
        )
        call = structs.replace(call, pause=self.functions.pause)
        return BackfillRun(rig.site, call, tools, known, BackfillLimits(**limits))

    def run(self, **limits: Any) -> BackfillReport:
        return self.session(**limits).run()

    @property
    def statuses(self) -> list[str]:
        keys = self.rig.store.keys("legible-in")
        return [self.rig.record(key)["status"] if self.rig.has(f"results/{key}/record.json") else "-" for key in keys]
