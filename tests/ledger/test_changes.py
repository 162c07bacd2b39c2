"""A journal that may change is marked before anything is paid for, and found when whoever marked it has ended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from legible.errors import HeldError, UnavailableError
from legible.ledger.changes import Changes, Mark, name_of
from legible.ledger.claim import Claim, Wish
from legible.ledger.ledger import Ledger
from legible.ledger.lines import SKEW_SECONDS
from legible.ledger.lists import LongList
from legible.model import layout
from legible.model.documents import Document
from legible.ports import Site
from tests.support.fakes import START, MemoryStore, invocation
from tests.support.rig import IN, OUT, Logged

DOCUMENT = Document(IN, "passport/a.png", "v")


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def log() -> Logged:
    return Logged()


@pytest.fixture
def ledger(store, log) -> Ledger:
    return Ledger(Site(store, IN, OUT), invocation(store.clock, log=log))


@pytest.fixture
def changes(store, log) -> Changes:
    return Changes(Site(store, IN, OUT), invocation(store.clock, log=log))


def marks(store) -> list[str]:
    return store.keys(OUT, layout.CHANGES)


def failing(store, error: Exception):
    def fail(verb, ref):
        if ref.key.startswith(layout.CHANGES):
            raise error

    store.fail = fail


class TestClaims:
    def test_a_claim_leaves_a_mark_that_is_due_when_its_time_is_over(self, store, ledger, changes):
        ledger.claim(DOCUMENT, Wish("a"), 0)
        assert list(changes.due()) == []
        store.clock.pause(65)
        (slot,) = changes.due()
        assert slot.name == name_of(layout.journal(DOCUMENT))
        assert changes.read(slot) == Mark(DOCUMENT.bucket, DOCUMENT.key, DOCUMENT.version)
        changes.remove(slot)
        assert changes.read(slot) is None
        assert marks(store) == []

    def test_a_document_that_has_ended_leaves_none(self, store, ledger):
        claim = ledger.claim(DOCUMENT, Wish("a"), 0)
        assert isinstance(claim, Claim)
        claim.finish(claim.line("finished", status="done"))
        before = marks(store)
        store.clock.pause(5)
        ledger.claim(DOCUMENT, Wish("b"), 0)
        assert marks(store) == before

    def test_a_correction_leaves_one(self, store, ledger):
        claim = ledger.claim(DOCUMENT, Wish("a"), 0)
        claim.finish(claim.line("finished", status="done"))
        store.clock.pause(5)
        ledger.add(DOCUMENT, lambda state: None, 0)
        assert len(marks(store)) == 2

    def test_a_passing_fault_gives_the_claim_back(self, store, ledger):
        failing(store, UnavailableError("503"))
        with pytest.raises(UnavailableError, match="503"):
            ledger.claim(DOCUMENT, Wish("a"), 0)
        state = ledger.journals.load(DOCUMENT)
        assert [line.event for line in state.lines] == ["claimed", "released"]
        assert not state.leases.held(store.clock.now())

    def test_a_fault_of_one_moment_delays_no_document(self, store, ledger):
        faults = [UnavailableError("503")]

        def fail(verb, ref):
            if verb == "write" and ref.key.startswith(layout.CHANGES) and faults:
                raise faults.pop()

        store.fail = fail
        assert isinstance(ledger.claim(DOCUMENT, Wish("a"), 0), Claim)
        assert len(marks(store)) == 1
        assert [line.event for line in ledger.journals.load(DOCUMENT).lines] == ["claimed"]

    def test_a_claim_that_was_not_taken_says_why_whatever_became_of_its_mark(self, store, ledger):
        ledger.claim(DOCUMENT, Wish("a"), 0)
        store.clock.pause(100)

        def fail(verb, ref):
            if ref.key.startswith(layout.CHANGES):
                raise UnavailableError("503")
            if verb == "append":
                store.fail = lambda verb, ref: None
                Ledger(Site(store, IN, OUT), invocation(store.clock)).claim(DOCUMENT, Wish("b"), 0)

        store.fail = fail
        with pytest.raises(UnavailableError, match="took no claim"):
            ledger.claim(DOCUMENT, Wish("c"), 0)

    def test_a_mark_that_is_refused_is_logged_and_the_document_goes_on(self, store, ledger, log):
        failing(store, HeldError("403", code="obs-denied"))
        assert isinstance(ledger.claim(DOCUMENT, Wish("a"), 0), Claim)
        assert [(line["event"], line["reason"]) for line in log.lines] == [("not-marked", "obs-denied")]


class TestWaiting:
    def test_nothing_waits_at_first(self, changes):
        assert changes.waiting() == (0, None)

    def test_a_journal_that_was_marked_twice_waits_once(self, changes):
        for seconds in (5, 9):
            changes.mark(Document(IN, "a", "v"), changes.after(seconds))
        assert changes.waiting()[0] == 1

    def test_they_are_counted_due_or_not_and_the_oldest_is_told(self, store, changes):
        for number in range(3):
            changes.mark(Document(IN, f"{number}", "v"), changes.after(number))
        store.put(OUT, f"{layout.CHANGES}note.txt", b"")
        assert changes.waiting() == (3, START + timedelta(seconds=4))

    def test_everything_before_the_first_mark_is_counted_whichever_is_due_first(self, store, changes):
        assert changes.uncounted() == (0, None)
        for number in range(3):
            changes.mark(Document(IN, f"{number}", "v"), changes.after(900 - 300 * number))
            store.clock.pause(60)
        store.put(OUT, f"{layout.CHANGES}note.txt", b"")
        assert changes.uncounted() == (3, START - timedelta(seconds=SKEW_SECONDS))


class TestLongLists:
    def test_a_list_goes_on_in_a_next_object_before_one_is_full(self, store):
        site, call = Site(store, IN, OUT), invocation(store.clock)
        for _ in range(25):
            LongList(site, call, "reports/x", full=150).add(b"x" * 64 + b"\n", 0.1)
        found = LongList(site, call, "reports/x").objects()
        assert [layout.number_in_list("reports/x", item.key) for item in found] == list(range(1, 10))
        assert {item.size for item in found} <= {195, 65}

    def test_other_objects_are_no_part_of_it(self, store):
        for key in ("reports/x.json", "reports/x.y.jsonl", "reports/x.2.jsonl.bak", "reports/xy.jsonl"):
            store.put(OUT, key, b"")
        assert LongList(Site(store, IN, OUT), invocation(store.clock), "reports/x").objects() == []
        assert layout.number_in_list("reports/x", "reports/y.jsonl") == 0

    def test_what_a_simultaneous_append_overwrote_is_written_again(self, store):
        site, call, done = Site(store, IN, OUT), invocation(store.clock), []
        line = b"a" * 64 + b"\n"

        def after(verb, ref):
            if verb == "append" and not done:
                done.append(ref)
                store.land(ref, b"", b"b" * 64 + b"\n")

        store.after = after
        LongList(site, call, "reports/x").add(line, 0.1)
        assert store.objects[done[0]][0] == b"b" * 64 + b"\n" + line
