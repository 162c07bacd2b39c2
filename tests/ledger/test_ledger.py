"""The ledger under duplicates, races and deaths: one payer, and a trace of every call that could have cost money."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legible.errors import AppendConflictError, BusyError, HeldError, InternalError, RetryableError, UnavailableError
from legible.ledger import journal
from legible.ledger.answers import digest
from legible.ledger.arbiter import JournalArbiter
from legible.ledger.claim import Claim, Wish
from legible.ledger.journal import Line
from legible.ledger.ledger import Ledger, plan_of
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.model.records import Record
from legible.ports import WHOLE, Arbiter, Site
from legible.results.newest import Newest
from legible.results.publication import Publisher
from tests.support.examples import examples
from tests.support.fakes import Clock, MemoryStore, ScriptedOcr, invocation
from tests.support.rig import IN, OUT, PASSPORT, TEXT, Rig, pdf, picture


class Killed(BaseException):
    """The instance is gone: nothing of ours runs after it."""


class RacingStore(MemoryStore):
    """What the OBS FAQ warns of (obs_faq_0165): two appends at one position both succeed, and the last one stands.

    For the next ``race`` appends that come to a position another one has just taken, both succeed.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock)
        self.race = 0
        self._stale: dict[ObjectRef, tuple[int, bytes]] = {}

    def append(self, ref, position, body):
        with self._lock:
            known = self.objects.get(ref, (b"",))[0]
            stale = self._stale.get(ref)
            if self.race and stale and stale[0] == position and len(known) != position:
                self.race -= 1
                self.objects[ref] = (stale[1] + body, "", self.clock.now(), {})
                return position + len(body)
            self._stale[ref] = (position, known[:position])
        return super().append(ref, position, body)


DOCUMENT = Document(IN, "passport/a.png", "v1", uploaded_at=Clock().now())


def ledger(store: MemoryStore | None = None, seconds: float = 60, arbiter: Arbiter | None = None) -> Ledger:
    store = store or MemoryStore()
    return Ledger(Site(store, IN, OUT), invocation(store.clock, seconds=seconds), arbiter)


def claim(book: Ledger, owner: str, *, patience: float = 0, document=DOCUMENT) -> Claim | State:
    return book.claim(document, Wish(owner, operation="passport", plan="p", pages=1, page=1), patience)


def load(store: MemoryStore) -> State:
    return ledger(store).journals.load(DOCUMENT)


class TestClaims:
    def test_the_first_wins_and_the_second_is_told_until_when(self):
        book = ledger()
        claim(book, "first")
        with pytest.raises(BusyError, match="until 09:01:00"):
            claim(book, "second")

    def test_a_patient_one_waits_for_the_result(self):
        book = ledger()
        first = claim(book, "first")
        book.journals._site.store.after = lambda verb, ref: (
            first.finish(first.line("finished", status="done")) if verb == "read" and not first.state.finished else None
        )
        assert isinstance(claim(book, "second", patience=30), State)

    def test_a_dead_owner_s_lease_ends(self):
        book = ledger(seconds=60)
        claim(book, "first")
        second = claim(book, "second", patience=90)
        assert isinstance(second, Claim)
        assert [line.owner for line in second.state.lines] == ["first", "second"]

    def test_a_lost_reply_to_the_claim_is_recognized(self):
        store = MemoryStore()
        book = ledger(store)
        self.reply_is_lost(store)
        first = claim(book, "first")
        assert isinstance(first, Claim)
        assert len(first.state.lines) == 1

    def test_a_claim_whose_append_failed_for_a_moment_is_tried_by_the_next_delivery(self):
        store = MemoryStore()

        def fail(verb, ref):
            if verb == "append":
                raise UnavailableError("503")

        store.fail = fail
        with pytest.raises(UnavailableError):
            claim(ledger(store), "first")

    def test_a_reply_that_never_came_is_recognized_too(self):
        store = MemoryStore()

        def lost(verb, ref):
            if verb == "append":
                raise UnavailableError("timed out")

        store.after = lost
        assert isinstance(claim(ledger(store), "first"), Claim)

    def test_a_journal_that_takes_no_claim_is_said(self):
        store = MemoryStore()
        store.append = self.conflict
        with pytest.raises(UnavailableError, match="took no claim"):
            claim(ledger(store), "first")

    def test_a_lost_reply_to_a_line_is_recognized(self):
        store = MemoryStore()
        first = claim(ledger(store), "first")
        self.reply_is_lost(store)
        first.write("answered", page=1)
        assert [line.event for line in first.state.lines] == ["claimed", "answered"]

    def reply_is_lost(self, store):
        """The SDK repeats a request whose reply was lost; the repetition meets a longer object."""
        real = store.append

        def twice(ref, position, body):
            store.append = real
            real(ref, position, body)
            return real(ref, position, body)

        store.append = twice

    def test_two_at_one_position_have_one_winner(self):
        store = MemoryStore()
        book = ledger(store, seconds=5)
        one = claim(book, "first")
        store.clock.pause(10)
        two = claim(book, "second")
        with pytest.raises(BusyError, match="same time"):
            one.write("answered", page=1)
        two.write("answered", page=1)

    def test_a_claim_that_loses_the_append_waits_its_turn(self):
        store = MemoryStore()
        book = ledger(store)
        real = store.append

        def beaten(ref, position, body):
            store.append = real
            claim(ledger(store, 5), "faster")
            return real(ref, position, body)

        store.append = beaten
        mine = claim(book, "slower", patience=60)
        assert [line.owner for line in mine.state.lines] == ["faster", "slower"]

    def test_a_store_that_takes_no_line_is_said_so(self):
        store = MemoryStore()
        first = claim(ledger(store), "first")
        store.append = self.conflict
        with pytest.raises(UnavailableError, match="took no line"):
            first.write("calling", page=1)

    def conflict(self, ref, position, body):
        raise AppendConflictError("not now")

    def test_a_journal_that_something_else_wrote_to_is_said_so(self):
        store = MemoryStore()
        store.put(OUT, layout.journal(DOCUMENT), b"{}\n")
        with pytest.raises(InternalError, match="Line 1 of the journal"):
            claim(ledger(store), "first")

    def test_an_arbiter_that_refuses_makes_it_busy(self):
        class Refusing:
            def acquire(self, name, owner, seconds):
                return None

            def release(self, name, owner): ...

        store = MemoryStore()
        book = ledger(store, arbiter=Refusing())
        with pytest.raises(BusyError, match="Another invocation holds obs://"):
            claim(book, "first")


class Gate(MemoryStore):
    """A store whose next append or read of a journal waits until the test lets it go on; it counts both."""

    def __init__(self) -> None:
        super().__init__()
        self.entered, self.open = threading.Event(), threading.Event()
        self.shut = ""
        self.errors: list[BaseException] = []
        self.seen: list[str] = []

    def wait(self, verb: str) -> None:
        self.seen.append(verb)
        if self.shut == verb and not self.entered.is_set():
            self.entered.set()
            assert self.open.wait(10)
        if self.shut == verb and self.errors:
            raise self.errors.pop(0)

    def append(self, ref, position, body):
        self.wait("append")
        return super().append(ref, position, body)

    def read(self, ref, wanted=WHOLE):
        self.wait("read")
        return super().read(ref, wanted)


class Turns:
    """The claim's lock, which tells how many have asked for it."""

    def __init__(self, lock: Any) -> None:
        self.lock, self.asked = lock, 0

    def __enter__(self) -> None:
        self.asked += 1
        self.lock.acquire()

    def __exit__(self, *error: object) -> None:
        self.lock.release()


class TestManyThreads:
    """The calls of one invocation write through one claim: who waits for an append goes with the next one."""

    @pytest.fixture
    def store(self) -> Gate:
        return Gate()

    def while_shut(self, mine: Claim, verb: str, first: Callable[[], Any], *others: Callable[[], Any]) -> list[Any]:
        """Run the first until it hangs in the store, let the others come to wait, open; return what became of each."""
        turns = Turns(mine._journal.lock)
        store, mine._journal.lock = mine._journal._store, turns
        store.seen.clear()
        store.shut = verb
        with ThreadPoolExecutor(len(others) + 1) as pool:
            done = [pool.submit(first)]
            assert store.entered.wait(10)
            done += [pool.submit(other) for other in others]
            while turns.asked < len(done):
                time.sleep(0.001)
            store.open.set()
            return [one.exception() or one.result() for one in done]

    def test_lines_that_wait_are_appended_at_once_and_each_stands(self, store):
        mine = claim(ledger(store), "first")
        writes = [partial(mine.write, "calling", page=page) for page in range(1, 41)]

        lines = self.while_shut(mine, "append", *writes)

        assert store.seen == ["append", "append"]
        state = load(store)
        assert all(state.has(line) for line in lines)
        assert sorted(state.pages) == list(range(1, 41))
        assert mine.write("answered", page=1).n == 42

    def test_one_who_asks_while_the_journal_is_read_is_told_of_a_later_look(self, store):
        mine = claim(ledger(store), "first")
        assert self.while_shut(mine, "read", mine.in_force, *[mine.in_force] * 8) == [True] * 9
        assert store.seen == ["read", "read"]

    def test_a_look_that_failed_tells_nobody_anything(self, store):
        mine = claim(ledger(store), "first")
        store.errors = [UnavailableError("not now")]
        failed, *others = self.while_shut(mine, "read", mine.in_force, *[mine.in_force] * 3)
        assert isinstance(failed, UnavailableError)
        assert others == [True] * 3
        assert store.seen == ["read", "read"]

    @pytest.mark.parametrize("works", [True, False])
    def test_where_somebody_else_took_it_each_yields_but_what_was_paid_is_written(self, store, works):
        # given a claim that ran out, and was taken over by another
        mine = claim(ledger(store, 5), "first")
        store.clock.pause(10)
        claim(ledger(store), "second")
        store.errors = [] if works else [AppendConflictError("taken"), UnavailableError("down")]

        # when
        told = self.while_shut(
            mine, "append", partial(mine.write, "calling", page=1), partial(mine.write, "answered", page=1),
            partial(mine.write, "unknown", always=True, page=1), partial(mine.write, "calling", page=2),
        )  # fmt: skip

        # then
        assert [type(one) for one in told] == [BusyError, BusyError, Line if works else UnavailableError, BusyError]
        state = load(store)
        assert [line.event for line in state.lines] == ["claimed", "claimed", "unknown"][: 3 if works else 2]

    @pytest.mark.parametrize("error", [UnavailableError("down"), HeldError("denied"), Killed()])
    def test_an_append_that_fails_is_told_to_each_whose_line_it_was(self, store, error):
        mine = claim(ledger(store), "first")
        store.errors = [error, error]
        told = self.while_shut(mine, "append", *[partial(mine.write, "calling", page=page) for page in (1, 2, 3)])
        assert store.seen == ["append", "append"]
        assert [type(one) for one in told] == [type(error) if isinstance(error, Killed) else UnavailableError] * 3
        assert mine.write("calling", page=4).page == 4


class Moody(MemoryStore):
    """A store that fails before or after an append, or lets somebody else's line in first; drawn from a seed."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random, self.moody, self.others = random.Random(seed), False, list[Line]()

    def append(self, ref, position, body):
        mood = self.random.choice(["before", "after", "other", "", "", ""]) if self.moody else ""
        if mood == "before":
            raise UnavailableError("not now")
        if mood == "other":
            line = Line(event="surplus", owner="other", n=len(self.others) + 1, at=self.clock.now(), page=1)
            self.others.append(line)
            super().append(ref, len(self.objects[ref][0]), journal.encode(line))
        length = super().append(ref, position, body)
        if mood == "after":
            raise UnavailableError("no reply")
        return length


@pytest.mark.parametrize("seed", range(25))
def test_whatever_befalls_appends_of_many_threads_each_line_stands_once(seed):
    # given eight threads that write through one claim
    store = Moody(seed)
    mine = claim(ledger(store, 10_000), "first")
    store.moody = True
    stood: list[Line] = []

    def write(page: int) -> None:
        with suppress(UnavailableError):
            stood.append(mine.write("answered", page=page, request_id=f"request-{page}"))
        mine.in_force()

    # when
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(1, 81)))
    store.moody = False
    mine.finish(mine.line("finished", status="done"))

    # then what a thread was told stands does, once; as does what others wrote
    state = load(store)
    names = [(line.owner, line.n) for line in state.lines]
    assert len(names) == len(set(names))
    assert {(line.owner, line.n) for line in [*stood, *store.others]} <= set(names)
    assert len(stood) > 10
    assert state.finished is not None


class TestRaces:
    """With an OBS that lets both appends through."""

    def race(self, rig: Rig) -> Rig:
        """Let the first two claims be appended at the same time, before either goes on."""
        store = rig.store = RacingStore(rig.clock)
        store.race = 1
        together, claims, real = threading.Barrier(2, timeout=10), [2], store.append

        def append(ref, position, body):
            if b'"claimed"' not in body or not claims[0]:
                return real(ref, position, body)
            claims[0] -= 1
            together.wait()
            length = real(ref, position, body)
            together.wait()
            return length

        store.append = append
        return rig

    def test_both_claims_succeed_and_only_the_one_that_stands_pays(self):
        rig = self.race(Rig(PASSPORT))
        upload, ends = rig.upload("passport/a.png"), []

        def deliver():
            try:
                ends.append(rig.run(upload)[0]["status"])
            except RetryableError as error:
                ends.append(error.reason_code)

        threads = [threading.Thread(target=deliver) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)

        assert sorted(ends) == ["busy", "done"]
        assert rig.ocr.paid == 1
        assert rig.record("passport/a.png")["calls"] == {"answered": 1, "unknown": 0, "surplus": 0}

    def test_a_line_that_a_simultaneous_append_swallowed_is_written_again(self):
        store = RacingStore()
        book = ledger(store)
        mine = claim(book, "winner")
        call = invocation(store.clock)
        loser = Claim(DOCUMENT, Wish("loser"), book.journals.open(DOCUMENT, call.pause), call, JournalArbiter())
        mine.write("answered", page=1, request_id="r1")
        store.race = 1
        loser.surplus(page=1, request_id="r2")
        mine.finish(mine.line("finished", status="done"))
        state = book.journals.load(DOCUMENT)
        assert {line.request_id for line in state.lines if line.request_id} == {"r1", "r2"}
        assert state.finished.status == "done"

    def test_a_journal_that_keeps_losing_lines_is_said_so(self):
        store = MemoryStore()
        mine = claim(ledger(store), "winner")
        ref = ObjectRef(OUT, layout.journal(DOCUMENT))
        kept = store.objects[ref]
        store.after = lambda verb, where: store.objects.__setitem__(ref, kept) if verb == "append" else None
        with pytest.raises(UnavailableError, match="keeps losing"):
            mine.finish(mine.line("finished", status="done"))


def test_an_answer_that_comes_after_another_ones_is_named_as_surplus():
    rig = Rig(PASSPORT)
    upload = rig.upload("passport/a.png")

    def meanwhile():
        (name,) = [name for name in rig.store.keys(OUT, "ledger/") if "newest-" not in name]
        ref = ObjectRef(OUT, name)
        body, key = b'{"result": {"surname": "OTHER"}}', "answers/other.json"
        values = {"page": 1, "request_id": "r-0", "answer": key, "sha256": digest(body)}
        other = Line("answered", rig.clock.now(), "other", 2, **values)
        rig.store.append(ref, len(rig.store.objects[ref][0]), journal.encode(other))
        rig.store.write(ObjectRef(OUT, key), body, "application/json")

    rig.ocr.during = meanwhile
    rig.run(upload)
    record = rig.record("passport/a.png")
    assert [field["value"] for field in record["fields"]] == ["OTHER"]
    assert record["calls"] == {"answered": 1, "unknown": 0, "surplus": 1}


def steps(document_of) -> int:
    """Count the store's operations of one undisturbed run."""
    rig, count = Rig(TEXT), []
    rig.store.after = lambda verb, ref: count.append(verb)
    rig.run(document_of(rig))
    return len(count)


@pytest.mark.parametrize("pages", [1, 2])
def test_killed_after_each_step_and_delivered_again_it_ends_right(pages):
    def document_of(rig):
        return rig.upload("general-text/a.pdf", pdf(pages)) if pages > 1 else rig.upload("general-text/a.png")

    for step in range(1, steps(document_of) + 1):
        rig, count = Rig(TEXT), [0]
        upload = document_of(rig)

        def die(verb, ref, count=count, step=step):
            count[0] += 1
            if count[0] == step:
                raise Killed

        rig.store.after = die
        with pytest.raises(Killed):
            rig.run(upload)
        rig.store.after = lambda verb, ref: None
        rig.clock.pause(70)
        (outcome,) = rig.run(upload)

        record = rig.record(upload.ref.key)
        unknown = sum(line["event"] == "unknown" for line in rig.journal(upload.ref.key))
        assert outcome["status"] == record["status"] == "done", step
        assert len(record["text"]) == pages
        assert rig.ocr.paid <= pages + unknown, step
        assert unknown <= 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_around_the_call_itself_the_second_call_is_explained(when):
    rig = Rig(TEXT)
    upload = rig.upload("general-text/a.png")
    ocr, rig.ocr = rig.ocr, Dying(TEXT, when=when)
    with pytest.raises(Killed):
        rig.run(upload)
    paid, rig.ocr = rig.ocr.paid, ocr
    rig.clock.pause(70)
    rig.run(upload)
    assert paid + ocr.paid == (1 if when == "before" else 2)
    assert rig.record("general-text/a.png")["calls"] == {"answered": 1, "unknown": 1, "surplus": 0}


class Dying(ScriptedOcr):
    def __init__(self, *script, when):
        super().__init__(*script)
        self.when = when

    def recognize(self, operation, options, picture, seconds):
        if self.when == "before":
            raise Killed
        super().recognize(operation, options, picture, seconds)
        raise Killed


def test_a_read_back_that_fails_leaves_the_answer_to_the_next_delivery():
    rig = Rig(PASSPORT)
    upload = rig.upload("passport/a.png")
    reads = []

    def fail(verb, ref):
        if verb == "read" and ref.key.startswith("ledger/") and "newest-" not in ref.key:
            reads.append(ref)
            if len(reads) == 2:
                raise UnavailableError("503")

    rig.store.fail = fail
    with pytest.raises(UnavailableError):
        rig.run(upload)
    (outcome,) = rig.run(upload)
    assert outcome["status"] == "done"
    assert rig.ocr.paid == 1
    (line,) = [line for line in rig.journal("passport/a.png") if line["event"] == "answered"]
    assert line["of"] in line["answer"]
    assert line["owner"] != line["of"]


def test_an_answer_kept_under_its_payers_name_is_found_by_the_next():
    rig = Rig(PASSPORT)
    upload = rig.upload("passport/a.png")
    reads = []

    def fail(verb, ref):
        if verb == "read" and ref.key.endswith(".jsonl"):
            reads.append(ref)
            if len(reads) >= 2:
                raise UnavailableError("503")

    rig.store.fail = fail
    with pytest.raises(RetryableError):
        rig.run(upload)
    rig.store.fail = lambda verb, ref: None
    rig.clock.pause(70)
    (outcome,) = rig.run(upload)
    assert outcome["status"] == "done"
    assert rig.ocr.paid == 1


def test_a_store_that_fails_for_a_moment_does_not_cost_the_answer():
    rig = Rig(PASSPORT)
    fails = [UnavailableError("503"), UnavailableError("503")]

    def fail(verb, ref):
        if verb == "write" and ref.key.startswith("answers/") and fails:
            raise fails.pop()

    rig.store.fail = fail
    (outcome,) = rig.run(rig.upload("passport/a.png"))
    assert outcome["status"] == "done"
    assert rig.ocr.paid == 1


class TestNewest:
    """An older upload never overwrites the result of a newer one under the same key."""

    def test_a_late_older_upload_leaves_the_newer_result(self):
        rig = Rig(TEXT, {"words_block_list": [{"words": "new"}]})
        old = rig.upload("general-text/a.png")
        newer = picture(61, 41)

        def meanwhile():
            rig.ocr.during = lambda: None
            rig.clock.pause(5)
            rig.run(rig.upload("general-text/a.png", newer))

        rig.ocr.during = meanwhile
        rig.run(old)

        assert rig.record("general-text/a.png")["text"][0]["text"] == "new"
        assert rig.ocr.paid == 2

    def test_an_older_one_that_stepped_on_the_newer_puts_it_back(self):
        """The newer one publishes just after the older one looked, and just before it writes."""
        rig = Rig(TEXT, {"words_block_list": [{"words": "new"}]})
        old = rig.upload("general-text/a.png")

        def meanwhile(verb, ref):
            if verb == "write" and ref.key == "results/general-text/a.png/record.json":
                rig.store.fail = lambda verb, ref: None
                rig.clock.pause(5)
                rig.run(rig.upload("general-text/a.png", picture(61, 41)))

        rig.store.fail = meanwhile
        rig.run(old)

        assert rig.record("general-text/a.png")["text"][0]["text"] == "new"

    def newest(self, rig):
        return Newest(rig.site, rig.call())

    def list_of(self, rig):
        return ObjectRef(OUT, layout.newest(IN, "general-text/a.png", rig.clock.now().date()))

    def test_a_newer_one_that_is_not_finished_yet_is_left_to_write_its_own(self):
        rig = Rig(TEXT)
        old = rig.upload("general-text/a.png")
        later = Clock().now().replace(hour=23)
        self.newest(rig).announce(Document(IN, "general-text/a.png", "newer", uploaded_at=later))
        (outcome,) = rig.run(old)
        assert outcome["status"] == "done"
        assert not rig.has("results/general-text/a.png/record.json")
        assert "newer upload" in rig.journal("general-text/a.png")[-1]["note"]

    def test_an_announcement_that_was_swallowed_is_made_again(self):
        rig = Rig(TEXT)
        swallowed = []

        def swallow(verb, where):
            if verb == "append" and where == self.list_of(rig) and not swallowed:
                swallowed.append(rig.store.objects.pop(where))

        rig.store.after = swallow
        (outcome,) = rig.run(rig.upload("general-text/a.png"))
        assert outcome["status"] == "done"
        assert rig.has("results/general-text/a.png/record.json")
        assert self.list_of(rig) in rig.store.objects

    def test_announcements_that_never_stand_are_said(self):
        rig = Rig(TEXT)
        rig.store.after = lambda verb, where: (
            rig.store.objects.pop(where, None) if verb == "append" and where == self.list_of(rig) else None
        )
        with pytest.raises(UnavailableError, match="keeps losing"):
            rig.run(rig.upload("general-text/a.png"))

    def test_announcements_that_are_never_taken_are_said(self):
        rig = Rig(TEXT)
        rig.store.append = TestClaims().conflict
        with pytest.raises(UnavailableError, match="took no line"):
            self.newest(rig).announce(DOCUMENT)

    def test_a_day_s_list_that_is_full_stops_nobody(self):
        rig = Rig(TEXT)

        def full(verb, ref):
            if verb == "append" and "newest-" in ref.key:
                raise HeldError("10,000 appends", code="not-appendable")

        rig.store.fail = full
        (outcome,) = rig.run(rig.upload("general-text/a.png"))
        assert outcome["status"] == "done"
        assert rig.has("results/general-text/a.png/record.json")

    def test_announcing_twice_writes_once(self):
        rig = Rig(TEXT)
        document = Document(IN, "general-text/a.png", "v1")
        self.newest(rig).announce(document)
        self.newest(rig).announce(document)
        assert len(rig.store.lines(OUT, self.list_of(rig).key)) == 1

    def test_just_after_midnight_yesterday_still_counts(self):
        rig = Rig(TEXT)
        rig.clock.at = rig.clock.at.replace(hour=23, minute=59)
        later = rig.clock.now()
        old = Document(IN, "general-text/a.png", "old", uploaded_at=later.replace(hour=1))
        self.newest(rig).announce(Document(IN, "general-text/a.png", "new", uploaded_at=later))
        rig.clock.pause(120)
        self.newest(rig).announce(old)
        assert self.newest(rig).newer(old).version == "new"

    def test_newer_ones_that_come_in_while_it_is_put_back_are_put_back_too(self):
        words = [{"words_block_list": [{"words": word}]} for word in ("old", "newer", "newest")]
        rig = Rig(*words)
        old = rig.upload("general-text/a.png")
        sides = iter([61, 62])

        def meanwhile(verb, ref):
            if verb == "write" and ref.key == "results/general-text/a.png/record.json":
                side = next(sides, None)
                rig.store.fail = lambda verb, ref: None
                if side is not None:
                    rig.clock.pause(5)
                    rig.run(rig.upload("general-text/a.png", picture(side, 41)))
                rig.store.fail = meanwhile

        rig.store.fail = meanwhile
        rig.run(old)
        assert rig.record("general-text/a.png")["text"][0]["text"] == "newest"

    def test_a_result_nobody_could_announce_is_left_above_an_older_one(self):
        """Given a newest result whose announcement was refused, and one in between that was announced."""
        rig = Rig(*[{"words_block_list": [{"words": word}]} for word in ("old", "between", "newest")])
        rig.run(rig.upload("general-text/a.png", picture(61, 41)))
        rig.clock.pause(5)

        def refuse(verb, ref):
            if verb == "append" and "newest-" in ref.key:
                raise HeldError("403", code="obs-denied")

        rig.store.fail = refuse
        rig.run(rig.upload("general-text/a.png", picture(62, 41)))
        rig.store.fail = lambda verb, ref: None
        late = Document(IN, "general-text/a.png", "late")
        publisher = Publisher(rig.site, self.newest(rig))
        assert not publisher.publish(Record(document=late, status="done"), {})
        assert rig.record("general-text/a.png")["text"][0]["text"] == "between"

    @pytest.mark.parametrize("there", [True, False])
    def test_of_two_uploads_in_one_second_the_one_that_lies_there_is_the_newest(self, there):
        rig = Rig(TEXT)
        first = Document(IN, "general-text/a.png", rig.upload("general-text/a.png").etag, uploaded_at=rig.clock.now())
        later = Document(IN, "general-text/a.png", "later", uploaded_at=rig.clock.now())
        for document in (first, later):
            self.newest(rig).announce(document)
        if not there:
            rig.store.objects.pop(first.ref)
        assert (self.newest(rig).newer(later) is not None) == there

    def test_bytes_uploaded_again_after_others_are_the_newest_once_more(self):
        rig = Rig(TEXT, {"words_block_list": [{"words": "other"}]})
        rig.run(rig.upload("general-text/a.png"))
        rig.clock.pause(60)
        rig.run(rig.upload("general-text/a.png", picture(61, 41)))
        assert rig.record("general-text/a.png")["text"][0]["text"] == "other"
        rig.clock.pause(60)
        (outcome,) = rig.run(rig.upload("general-text/a.png"))
        assert rig.record("general-text/a.png")["text"][0]["text"] == "Hello"
        assert outcome["duplicate"]
        assert rig.ocr.paid == 2

    def test_bytes_uploaded_again_whose_record_was_removed_are_left_alone(self):
        rig = Rig(TEXT)
        rig.run(rig.upload("general-text/a.png"))
        for key in rig.store.keys(OUT, "answers/"):
            del rig.store.objects[ObjectRef(OUT, key)]
        rig.clock.pause(60)
        (outcome,) = rig.run(rig.upload("general-text/a.png"))
        assert outcome["status"] == "done"


def test_a_plan_depends_on_operation_options_and_settings():
    plans = {
        plan_of("a", {}, {}), plan_of("b", {}, {}), plan_of("a", {"x": 1}, {}), plan_of("a", {}, {"x": 1})
    }  # fmt: skip
    assert len(plans) == 4
    assert plan_of("a", {"x": 1, "y": 2}, {}) == plan_of("a", {"y": 2, "x": 1}, {})


OWNERS = st.sampled_from(["a", "b", "c"])
LINES = st.lists(
    st.builds(
        Line,
        event=st.sampled_from(
            ["claimed", "calling", "answered", "refused", "unknown", "surplus", "released", "handed", "finished"]
        ),
        at=st.just(Clock().now()),
        owner=OWNERS,
        n=st.integers(1, 9),
        page=st.integers(1, 3),
        request_id=st.text(max_size=3),
        state=st.sampled_from([None, "rejected", "dead"]),
        status=st.sampled_from(["done", "rejected"]),
    ),
    max_size=12,
    unique_by=lambda line: line.name,
)


@given(LINES)
@settings(max_examples=examples(200))
def test_a_journal_reads_back_as_it_was_written_and_the_first_answer_counts(lines):
    body = b"".join(journal.encode(line) for line in lines)
    assert journal.decode(body, "j") == tuple(lines)
    state = State(tuple(lines))
    for number, page in state.pages.items():
        answers = [line for line in lines if line.event == "answered" and line.page == number]
        assert page.answered == (answers[0] if answers else None)
    assert state.surplus == sum(line.event == "surplus" for line in lines)
