"""Worlds in which a timer counts calls while everything else happens, and dies like everybody else."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from legible.errors import LegibleError
from legible.ledger.changes import Changes
from legible.ledger.journals import Journals
from legible.model import layout
from legible.model.documents import Document
from legible.oversight.rebuild import rebuilt
from legible.oversight.rollup import RollUp
from legible.oversight.walk import ChangeWalk, UsageConsumer
from legible.results.assembly import calls_of
from tests.support.rig import IN, Rig
from tests.support.worlds import World

EVER = date(2026, 1, 1), date(2027, 12, 31)


def rollup(rig: Rig, owner: str = "report") -> RollUp:
    return RollUp(rig.site, rig.call(owner), rig.policy.settle)


def walk(rig: Rig, at_once: int = 1, batch: int = 3) -> ChangeWalk:
    call = rig.call("report")
    consumers = [UsageConsumer(rollup(rig))]
    return ChangeWalk(Changes(rig.site, call), Journals(rig.site, rig.part_lines), consumers, call, batch, at_once)


def counted(rig: Rig) -> dict[str, int]:
    """Return what the roll-up says, by outcome and status."""
    found: Counter[str] = Counter()
    for day in rollup(rig).days(*EVER):
        assert not day.unreadable
        found.update({call.outcome: 0 for call in day.calls})
        for call in day.calls:
            found[call.outcome] += call.count
        for end in day.ends:
            found[end.status] += end.count
    return {name: count for name, count in found.items() if count}


def told(rig: Rig, documents: list[Document]) -> dict[str, int]:
    """Return what the journals of documents say, by the record's own count."""
    found: Counter[str] = Counter()
    for document in documents:
        state = rig.parts().ledger.journals.load(document)
        calls = calls_of(state)
        adopted = sum(page.answered is not None and bool(page.answered.adopted) for page in state.pages.values())
        found += Counter(answered=calls.answered, unknown=calls.unknown, surplus=calls.surplus, adopted=adopted)
        assert state.finished is not None
        found[str(state.finished.status)] += 1
    return dict(+found)


#: What a record counts, too; the rest is not in it.
RECORDED = ("answered", "unknown", "surplus", "adopted", "done", "partial", "rejected", "held", "dead")


class CountedWorld(World):
    """A world with a timer that counts; in the end its sums must say what the journals say."""

    def __init__(self, seed: int, **kind: Any) -> None:
        super().__init__(seed, **kind)
        self.walks = 0

    def step(self) -> None:
        if self.random.random() < 0.25:
            self.rig.clock.pause(self.random.choice([1, 40, 130]))
            self.count()
        else:
            super().step()

    def count(self) -> None:
        self.walks += 1

        def work() -> None:
            walk(self.rig).walk()
            rollup(self.rig).sum_up(*EVER)

        self.frame(work, LegibleError)

    def judge(self) -> list[str]:
        self.rig.clock.pause(600)
        self.quiet = True
        walk(self.rig).walk()
        left = self.rig.store.keys(self.out, layout.CHANGES)
        documents = [Document(IN, key, etag) for key, etag in self.whose]
        said, true = counted(self.rig), told(self.rig, documents)
        broken = [f"{len(left)} marks are left"] if left else []
        if {name: said[name] for name in RECORDED if name in said} != true:
            broken.append(f"the sums say {said}, the journals {true}")
        for key in self.rig.store.keys(self.out, layout.USAGE):
            self.rig.store.remove(self.rig.site.in_output(key))
        rebuilt(self.rig.site, self.rig.call("rebuild"), rollup(self.rig))
        anew = counted(self.rig)
        if anew != said:
            broken.append(f"the sums say {said}, made anew {anew}")
        return [*super().judge(), *broken]
