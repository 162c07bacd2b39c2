"""The sum always holds: what was uploaded is done, partial, rejected, held, dead or running."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress
from datetime import timedelta

import msgspec
import pytest

from legible.errors import PendingError, ThrottledError
from legible.ledger.journals import Journals
from legible.model import layout
from legible.model.documents import ObjectRef, Reason
from legible.model.sums import STANDINGS, DocumentSum, StandingCount, SumRow, first_folder, named, rows_of
from legible.oversight.rebuild import rebuilt
from legible.oversight.rollup import RollUp
from legible.pipeline.obstacles import NOT_SUBSCRIBED
from legible.upkeep import keys
from legible.upkeep.findings import is_journal
from legible.upkeep.status import StatusReader
from legible.wiring import upkeep
from tests.support.examples import examples
from tests.support.rig import IN, OUT, PASSPORT, pdf, picture
from tests.upkeep.upkeep_rig import UpkeepRig


def naive(rig: UpkeepRig) -> dict[str, Counter[str]]:
    """Count by reading everything: every journal, and every upload that has none."""
    found: dict[str, Counter[str]] = {}
    begun = set()
    below = f"ledger/{IN}/"
    for key in rig.store.keys(OUT, below):
        folder, _, file = key[len(below) :].rpartition("/")
        if not is_journal(file):
            continue
        begun.add((folder, file.removesuffix(".jsonl")))
        state = Journals(rig.site).stored(key.removesuffix(".jsonl"))
        end = state.finished
        found.setdefault(first_folder(folder), Counter())[str(end.status) if end else "running"] += 1
    for item in rig.store.list(IN, ""):
        plain = any(name == item.key and version.partition(".")[0] == item.etag for name, version in begun)
        if not plain and not item.key.endswith(("/", "_complete")):
            found.setdefault(first_folder(item.key), Counter())["running"] += 1
    return found


def told(found: DocumentSum) -> dict[str, Counter[str]]:
    holds(found)
    return {row.name.rstrip("/"): +Counter({one: getattr(row, one) for one in STANDINGS}) for row in found.rows}


def holds(found: DocumentSum) -> None:
    for row in (found.total, *found.rows):
        assert row.uploaded == sum(getattr(row, status) for status in STANDINGS)
        assert min(getattr(row, status) for status in STANDINGS) >= 0
    for name in ("uploaded", *STANDINGS):
        assert getattr(found.total, name) == sum(getattr(row, name) for row in found.rows)


class TestTheSum:
    def test_it_is_of_this_moment_though_nothing_was_counted_yet(self):
        rig = UpkeepRig()
        rig.run(rig.upload("passport/a.png"), rig.upload("passport/b.png", b"no picture"))
        found = rig.sum()
        assert found.rows == (SumRow("passport/", 2, done=1, rejected=1),)
        assert (found.as_of, found.waiting) == (rig.clock.now(), 0)

    def test_it_is_the_same_when_it_was_counted(self):
        rig = UpkeepRig()
        rig.run(rig.upload("passport/a.png"), rig.upload("general-text/b.png", b"no picture"))
        before = rig.sum("operation").rows
        rig.minutes(30)
        rig.count()
        assert rig.sum("operation").rows == before
        assert {row.name for row in before} == {"passport", "general-text"}

    def test_lost_uploads_are_running_until_they_are_read_and_are_counted_once(self):
        rig = UpkeepRig()
        rig.run(rig.upload("passport/a.png"))
        rig.lose("passport/b.png", "general-text/c.png")
        rig.minutes(20)
        rig.sweep()
        lost = told(rig.sum())
        assert rig.sum("operation").total.running == 2
        rig.minute()
        read = told(rig.sum())
        rig.minutes(30)
        rig.count()
        counted = told(rig.sum())
        rig.sweep()
        assert lost == {"passport": Counter(done=1, running=1), "general-text": Counter(running=1)}
        assert read == counted == told(rig.sum()) == naive(rig)

    def test_a_lost_upload_that_came_with_an_order_is_counted_once(self):
        rig = UpkeepRig()
        rig.lose("passport/a.png", **{"legible-operation": "general-text"})
        rig.minutes(20)
        rig.sweep()
        rig.minute()
        now = rig.sum("operation").rows
        rig.minutes(30)
        rig.count()
        assert now == rig.sum("operation").rows == (SumRow("general-text", 1, done=1),)

    def test_a_document_that_was_opened_again_stands_as_it_does_now(self):
        rig = UpkeepRig(PendingError("Not subscribed.", code=NOT_SUBSCRIBED))
        upload = rig.upload("passport/a.png")
        rig.run(upload)
        rig.minutes(30)
        rig.count()
        held = rig.sum().rows
        rig.ocr.script = [PASSPORT]
        rig.minutes(24 * 60)
        rig.run(upload)
        assert (held, rig.sum().rows) == ((SumRow("passport/", 1, held=1),), (SumRow("passport/", 1, done=1),))

    def test_of_too_many_changes_it_is_as_of_when_the_first_of_them_is_due(self):
        rig = UpkeepRig()
        rig.run(rig.upload("passport/a.png"))
        rig.minutes(30)
        rig.count()
        rig.run(rig.upload("passport/b.png", picture(70)), rig.upload("passport/c.png", picture(71)))
        parts = rig.of_wiring("status")
        reader = upkeep.status(parts)
        few = StatusReader(rig.site, parts.call, reader._sources, live=1)
        found = few.sum()
        assert (found.total, found.waiting) == (SumRow("", 1, done=1), 2)
        assert found.as_of == rig.clock.now()
        rig.minutes(30)
        assert few.sum().as_of < rig.clock.now() - timedelta(minutes=20)

    def test_one_prefix_is_shown_alone(self):
        rig = UpkeepRig()
        rig.run(rig.upload("passport/a.png"), rig.upload("general-text/b.png", picture(70)), rig.upload("c.png"))
        assert rig.sum(folder="passport").rows == (SumRow("passport/", 1, done=1),)
        assert rig.sum(folder="").rows == (SumRow("", 1, rejected=1),)

    def test_what_is_no_document_is_stated_apart(self):
        rig = UpkeepRig()
        rig.store.put(IN, "passport/", b"")
        rig.store.put(IN, "passport/_complete", b"")
        assert rig.sum().notes != ()
        rig.sweep()
        found = rig.sum()
        assert (found.skipped, found.total.uploaded, found.notes) == (2, 0, ())
        assert found.swept is not None

    def test_marks_that_say_nothing_change_nothing(self):
        rig = UpkeepRig()
        rig.run(rig.upload("passport/a.png"))
        name = "0" * 32
        rig.store.put(OUT, layout.queued(layout.CHANGES, rig.clock.now(), 1, name), b"?")
        rig.store.put(OUT, f"{layout.CHANGES}other", b"?")
        gone = layout.queued(layout.CHANGES, rig.clock.now(), 1, "1" * 32)
        rig.store.put(OUT, gone, b"{}")
        rig.store.fail = lambda verb, ref: rig.store.objects.pop(ObjectRef(OUT, gone), None) if verb == "read" else None
        assert rig.sum().total == SumRow("", 1, done=1)

    def test_a_list_of_unread_uploads_that_is_gone_or_spoilt_counts_nothing(self):
        rig = UpkeepRig()
        rig.lose("passport/a.png")
        rig.sweep()
        assert rig.sum().total.running == 1
        for key in rig.store.keys(OUT, keys.UNBEGUN):
            rig.store.put(OUT, key, b"?")
        assert rig.sum().total.running == 0


class TestWhatVersion02Counted:
    """Version 0.2 counted ends, and not where documents lie."""

    def old(self) -> UpkeepRig:
        rig = UpkeepRig()
        rig.run(rig.upload("passport/a.png"))
        rig.minutes(30)
        rig.count()
        for key in rig.store.keys(OUT, layout.USAGE):
            ref = ObjectRef(OUT, key)
            if key.endswith(".jsonl"):
                lines = [msgspec.json.decode(line) for line in rig.store.read(ref).splitlines()]
                for line in lines:
                    line.pop("stands", None)
                    line["ended"] = line["ended"][:6]
                rig.store.put(OUT, key, b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
            else:
                day = msgspec.json.decode(rig.store.read(ref))
                del day["standings"]
                rig.store.put(OUT, key, msgspec.json.encode(day))
        return rig

    def test_documents_count_under_no_prefix_until_they_are_counted_again(self):
        rig = self.old()
        found = rig.sum()
        assert found.rows == (SumRow("?", 1, done=1),)
        assert "--rebuild" in " ".join(found.notes)
        rebuilt(rig.site, rig.call("rebuild"), RollUp(rig.site, rig.call("rebuild"), 0.0))
        assert rig.sum().rows == (SumRow("passport/", 1, done=1),)


def test_rows_have_the_most_documents_first_and_a_status_of_a_newer_version_is_running():
    counts = [StandingCount("done", "vin", "a", 1), StandingCount("paused", "vin", None, 2)]
    assert rows_of(counts, "prefix") == (SumRow("?", 2, running=2), SumRow("a/", 1, done=1))
    assert rows_of(counts, "operation") == (SumRow("vin", 3, done=1, running=2),)
    assert [named(one) for one in ("a", "", None)] == ["a/", "", "?"]


@pytest.mark.no_cover
def test_whatever_happens_it_is_what_a_count_of_everything_says():
    """Given uploads, events that are lost, doubled and late, deaths, faults and timers in any order, from a seed."""
    for seed in range(examples(60)):
        drawn = random.Random(seed)
        rig = UpkeepRig(*([PASSPORT] * 3))
        events = []
        for number in range(drawn.randint(5, 25)):
            step(rig, drawn, events, number)
            holds(rig.sum())
        for _ in range(3):  # until all is quiet: the sum is as of the last sweep and the last count
            rig.minutes(40)
            rig.ocr.script, rig.ocr.during = [PASSPORT], lambda: None
            rig.sweep()
            rig.minute()
            rig.count()
        rig.sweep()
        assert told(rig.sum()) == naive(rig), f"seed {seed}"
        assert rig.sum().total.running == 0, f"seed {seed}"


DEEDS = ["upload", "upload", "deliver", "deliver", "sweep", "minute", "count", "wait", "trouble", "die"]
TROUBLE = [ThrottledError("Too many."), PendingError("No.", code=NOT_SUBSCRIBED), PASSPORT]


def step(rig: UpkeepRig, drawn: random.Random, events: list, number: int) -> None:
    """Do one thing of many."""
    what = drawn.choice(
        ["upload", "upload", "deliver", "deliver", "sweep", "minute", "count", "wait", "trouble", "die"]
    )
    if what == "upload":
        folder = drawn.choice(["passport/", "general-text/", "passport/deep/", ""])
        body = drawn.choice([picture(60 + number), picture(61), b"no picture", pdf(2)])
        order = {"legible-operation": "general-text"} if drawn.random() < 0.2 else None
        upload = rig.upload(f"{folder}{drawn.randint(1, 5)}", body, order)
        if drawn.random() < 0.7:
            events.append(upload)
    elif what == "deliver" and events:
        upload = drawn.choice(events)
        try:
            rig.run(upload)
        except Exception as error:
            rig.bury(upload, Reason.of(error))  # type: ignore[arg-type]
    elif what == "die" and events:
        killed(rig, drawn.choice(events))
    elif what == "sweep":
        rig.sweep()
    elif what == "minute":
        rig.minute()
    elif what == "count":
        rig.count()
    elif what == "trouble":
        rig.ocr.script = [
            drawn.choice([ThrottledError("Too many."), PendingError("No.", code=NOT_SUBSCRIBED), PASSPORT])
        ]
    rig.minutes(drawn.choice([0, 1, 7, 20]))


class Killed(BaseException):
    """The instance is gone."""


def killed(rig: UpkeepRig, upload) -> None:
    def dies() -> None:
        raise Killed

    rig.ocr.during = dies
    with suppress(Killed, Exception):
        rig.run(upload)
    rig.ocr.during = lambda: None
