"""A journal is never too long for its object: it goes on in parts, and no line of it is lost or there twice."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import suppress

import pytest

from legible.errors import (
    AnswerUnknownError,
    AppendConflictError,
    BusyError,
    HeldError,
    ThrottledError,
    UnavailableError,
)
from legible.ledger import journal
from legible.ledger.claim import Claim, Wish
from legible.ledger.journal import Line
from legible.ledger.journals import Journals
from legible.ledger.ledger import Ledger
from legible.model import layout
from legible.model.documents import Document, ObjectRef, Reason
from legible.model.pages import Share
from legible.ports import Site
from legible.recognition.policy import Policy
from tests.support.fakes import MemoryStore, invocation
from tests.support.rig import IN, OUT, PASSPORT, TEXT, Rig, picture, tiff

DOCUMENT = Document(IN, "general-text/a.tiff", "v1")
GAVE_UP = Reason("platform-gave-up", "gave up")


class Killed(BaseException):
    """The instance is gone."""


def short(store: MemoryStore, owner: str, share: Share | None = None, most: int = 10) -> Claim:
    """Claim a document whose journal goes on after so many lines."""
    ledger = Ledger(Site(store, IN, OUT), invocation(store.clock, owner, 10_000), most=most)
    claim = ledger.claim(DOCUMENT, Wish(owner, "general-text", plan="p", pages=99, share=share), 0)
    assert isinstance(claim, Claim)
    return claim


def parts(store: MemoryStore) -> list[list[Line]]:
    keys = [layout.journal(DOCUMENT, number) for number in range(1, 99)]
    bodies = [store.objects[ObjectRef(OUT, key)][0] for key in keys if ObjectRef(OUT, key) in store.objects]
    assert len(bodies) == len(store.keys(OUT, "ledger/"))
    return [list(journal.decode(body, "")) for body in bodies]


def test_a_journal_goes_on_before_its_object_is_full_and_reads_as_one():
    # given an OBS that takes 12 appends an object, of which 10 are used
    store = MemoryStore()
    store.most = 12
    mine = short(store, "one")

    # when many more lines than that are written, up to the end
    written = [mine.write("answered", page=page, request_id=f"r{page}") for page in range(1, 96)]
    mine.finish(mine.line("finished", status="done"))

    # then each full part says that there is another one, and all of them are one journal
    assert max(store.appendable.values()) == 11
    assert all(part[-1].event == "continued" for part in parts(store)[:-1])
    state = Journals(Site(store, IN, OUT), 10).load(DOCUMENT)
    assert [line for line in state.lines if line.event == "answered"] == written
    assert state.finished is not None


def test_an_object_that_took_its_last_append_is_refused_as_obs_does():
    store = MemoryStore()
    store.most = 2
    for position in (0, 1):
        store.append(ObjectRef(OUT, "a"), position, b"x")
    with pytest.raises(HeldError) as caught:
        store.append(ObjectRef(OUT, "a"), 2, b"x")
    assert caught.value.reason_code == "not-appendable"


class Crowded(MemoryStore):
    """A store in which others append just before us, or at the same time: then both succeed, and the last stands."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random, self.others = random.Random(seed), list[Claim]()
        self.inside = False

    def append(self, ref, position, body):
        if self.inside or not self.others or self.random.random() < 0.6:
            return super().append(ref, position, body)
        self.inside, before = True, self.objects.get(ref, (b"",))[0]
        try:
            self.random.choice(self.others).write("refused", page=self.random.randint(1, 9))
        finally:
            self.inside = False
        now = self.objects.get(ref, (b"",))[0]
        if self.random.random() < 0.5 or len(before) != position or now[:position] != before:
            return super().append(ref, position, body)
        self.objects[ref] = (before + body, "", self.clock.now(), {})
        self.appendable[ref] += 1
        return position + len(body)


@pytest.mark.parametrize("seed", range(40))
def test_where_writers_meet_at_the_end_of_a_part_each_line_stands_once(seed):
    # given two writers of one journal, whose appends meet or overwrite one another
    random.seed(seed)
    store = Crowded(seed)
    store.most = 20
    one, two = short(store, "one", Share(1, 2)), short(store, "two", Share(2, 2))
    store.others = [two]

    # when they write far beyond the first part
    for number in range(40):
        one.write("refused", page=number % 9 + 1)
    store.others = []
    two.release()
    one.release()
    with suppress(BusyError):  # released already: its lines are confirmed once more
        two.release()

    # then no line is lost, none is there twice, and no object has more appends than it takes
    names = Counter(line.name for part in parts(store) for line in part if line.event != "continued")
    assert {line.name for claim in (one, two) for line in claim._journal.mine if line.event != "claimed"} <= set(names)
    assert max(names.values()) == 1
    assert max(store.appendable.values()) <= 20


def test_a_next_part_is_found_although_the_line_that_leads_to_it_was_overwritten():
    # given a writer that went on, and one whose simultaneous append overwrote the line that says so
    store = MemoryStore()
    mine = short(store, "one")
    for page in range(1, 12):
        mine.write("answered", page=page, request_id=f"r{page}")
    first = ObjectRef(OUT, layout.journal(DOCUMENT))
    lines = store.objects[first][0].splitlines(keepends=True)
    other = journal.encode(Line("surplus", store.clock.now(), "other", 1, 3, request_id="late"))
    store.objects[first] = (b"".join(lines[:-1]) + other, *store.objects[first][1:])

    # when it is read, and written to
    state = Journals(Site(store, IN, OUT), 10).load(DOCUMENT)
    mine.finish(mine.line("finished", status="done"))

    # then nothing is missing
    assert state.answered == 11
    assert state.surplus == 1
    state = Journals(Site(store, IN, OUT), 10).load(DOCUMENT)
    assert (state.answered, state.surplus, state.finished is not None) == (11, 1, True)


def test_a_line_that_is_there_twice_counts_once():
    store = MemoryStore()
    mine = short(store, "one")
    line = mine.write("surplus", page=1, request_id="r1")
    mine._journal.put([line])
    assert Journals(Site(store, IN, OUT)).load(DOCUMENT).surplus == 1


class TestDocuments:
    def test_a_long_document_is_read_looked_up_corrected_and_made_anew_over_the_parts_of_its_journal(self):
        rig = Rig(TEXT)
        rig.part_lines, rig.store.most = 4, 7
        upload = rig.upload("general-text/a.tiff", tiff(12))
        (outcome,) = rig.run(upload)
        (again,) = rig.run(upload)
        document = rig.rebuilder().current("general-text/a.tiff")
        assert (outcome["status"], again["duplicate"], rig.ocr.paid) == ("done", True, 12)
        assert len([key for key in rig.store.keys(OUT, "ledger/") if "newest" not in key]) > 4
        assert rig.rebuilder().rebuild(document).pages == 12

        def correction(state):
            return Line("corrected", rig.clock.now(), "anna", 1, answer="answers/none.json", author="anna")

        for _ in range(2):
            state = rig.parts().ledger.add(document, correction, 0.2)
            assert len(state.reviews) == 1

    def test_an_append_that_keeps_losing_is_said(self):
        rig = Rig(PASSPORT)
        rig.run(rig.upload("passport/a.png"))

        def conflict(ref, position, body):
            raise AppendConflictError("not now")

        rig.store.append = conflict
        document = rig.rebuilder().current("passport/a.png")
        with pytest.raises(Exception, match="took no line in 30 tries"):
            rig.parts().ledger.add(document, lambda state: Line("corrected", rig.clock.now(), "anna", 1), 0.0)


class TestThrottling:
    """A try that is turned away costs nothing, and leaves nothing."""

    def busy(self, share: float, seed: int = 1) -> Rig:
        rig = Rig(TEXT, policy=Policy(window=1), seconds=100_000)
        real, chance = rig.ocr.recognize, random.Random(seed)

        def recognize(*asked):
            if chance.random() < share:
                raise ThrottledError("too many calls")
            return real(*asked)

        rig.ocr.recognize = recognize
        return rig

    @pytest.mark.parametrize(("share", "most"), [(0.0, 2.1), (0.5, 2.7), (0.75, 2.95), (0.95, 3.1)])
    def test_however_often_a_page_is_turned_away_it_writes_one_line_more_at_most(self, share, most):
        rig = self.busy(share)
        (outcome,) = rig.run(rig.upload("general-text/a.tiff", tiff(40)))
        assert outcome["status"] == "done"
        assert len(rig.journal("general-text/a.tiff")) / 40 <= most

    def test_when_its_tries_end_one_line_says_so_and_the_call_is_not_open(self):
        rig = Rig(ThrottledError("too many calls"), seconds=60)
        upload = rig.upload("passport/a.png")
        with pytest.raises(ThrottledError):
            rig.run(upload)
        events = [line["event"] for line in rig.journal("passport/a.png")]
        assert events == ["claimed", "calling", "calling", "refused", "released"]
        assert len(rig.ocr.calls) > 3

    def test_invocations_that_die_while_they_wait_never_end_a_document_as_sent_twice(self):
        # given a service that only ever turns calls away, and four invocations that die while they wait
        rig = Rig(ThrottledError("too many calls"))
        upload = rig.upload("passport/a.png")
        real = rig.clock.pause

        def die(seconds):
            real(seconds)
            if seconds >= 2:
                raise Killed

        for _ in range(4):
            rig.clock.pause = die
            with pytest.raises(Killed):
                rig.run(upload)
            rig.clock.pause = real
            real(70)

        # when it answers
        rig.ocr.script = [PASSPORT]
        (outcome,) = rig.run(upload)

        # then the document is done; what may have been sent is counted all the same
        assert outcome["status"] == "done"
        assert rig.record("passport/a.png")["calls"] == {"answered": 1, "unknown": 4, "surplus": 0}

    def test_a_call_that_is_lost_after_it_was_turned_away_counts_as_one_that_was_sent(self):
        rig = Rig(ThrottledError("slow"), AnswerUnknownError("timeout"), ThrottledError("slow"), PASSPORT)
        (outcome,) = rig.run(rig.upload("passport/a.png"))
        assert outcome["status"] == "done"
        assert rig.record("passport/a.png")["calls"] == {"answered": 1, "unknown": 1, "surplus": 0}


class TestUnusableJournals:
    """A record never says less than what was paid, whatever became of the journal."""

    @pytest.mark.parametrize("whole", [True, False])
    def test_what_was_paid_is_in_the_record_though_the_journal_takes_no_line(self, whole):
        # given a document of three pages, of which two are answered, one of them without a word in the journal
        rig = Rig(TEXT)
        upload = rig.upload("general-text/a.tiff", tiff(3))
        rig.store.fail = lambda verb, ref: self.full(rig, verb, ref)
        with pytest.raises(Exception, match="full"):
            rig.run(upload)
        rig.store.fail = lambda verb, ref: None
        assert rig.ocr.paid == 2

        # when its journal takes no line any more, or cannot be read, and it is given up
        (ref,) = [
            ref
            for ref in rig.store.appendable
            if ref.key.startswith("ledger/") and "newest" not in ref.key and rig.store.appendable[ref]
        ]
        lines = rig.store.objects[ref][0]
        rig.store.put(OUT, ref.key, lines if whole else lines + b"not ours\n")
        del rig.store.appendable[ref]
        rig.clock.pause(70)
        (outcome,) = rig.bury(upload, GAVE_UP)

        # then its record has both answers
        record = rig.record("general-text/a.tiff")
        assert outcome["status"] == record["status"] == "partial"
        assert record["calls"] == {"answered": 2, "unknown": 0, "surplus": 0}
        assert [page["state"] for page in record["pages"]] == ["done", "done", "held"]
        assert len(record["text"]) == 2
        assert all(rig.has(page["answer"]) for page in record["pages"][:2])

    def full(self, rig, verb, ref):
        if verb == "append" and rig.ocr.paid >= 2 and "newest" not in ref.key:
            raise HeldError("full", code="not-appendable")

    def test_an_answer_that_may_be_of_a_newer_upload_is_counted_and_not_told(self):
        rig = Rig(TEXT)
        upload = rig.upload("general-text/a.png")
        ref = ObjectRef(OUT, f"ledger/{IN}/general-text/a.png/{upload.etag}.jsonl")
        rig.store.put(OUT, ref.key, b"not ours\n")
        document = Document(IN, "general-text/a.png", upload.etag)
        rig.store.put(OUT, layout.answer(document, 1, "somebody-1"), b'{"result": {}}', "application/json")
        rig.store.put(OUT, layout.version(document, "0001.portrait.png"), b"x")
        rig.upload("general-text/a.png", picture(61, 41))
        (outcome,) = rig.bury(upload, GAVE_UP)
        record = rig.store.json(OUT, layout.version(document, "record.json"))
        assert (outcome["status"], record["calls"]["surplus"]) == ("dead", 1)

    def test_an_answer_that_is_gone_is_counted_all_the_same_and_the_record_says_why_it_is_empty(self):
        rig = Rig(TEXT)
        upload = rig.upload("general-text/a.png")
        document = Document(IN, "general-text/a.png", upload.etag)
        at = rig.clock.now()
        lines = (
            Line("claimed", at, "a", 1, 1, operation="general-text", pages=1),
            Line("answered", at, "a", 2, 1, answer=layout.answer(document, 1, "a"), sha256="0", request_id="r1"),
        )
        rig.store.put(OUT, layout.journal(document), b"".join(map(journal.encode, lines)))
        (outcome,) = rig.bury(upload, GAVE_UP)
        record = rig.record("general-text/a.png")
        assert (outcome["status"], record["status"], record["calls"]["answered"]) == ("dead", "dead", 1)
        assert record["notes"] == ["The answers could not be read (InternalError); they are stored as they came."]

    def test_a_store_that_fails_while_it_is_counted_is_tried_again(self):
        rig = Rig(TEXT)
        upload = rig.upload("general-text/a.png")
        document = Document(IN, "general-text/a.png", upload.etag)
        line = Line("claimed", rig.clock.now(), "a", 1, 1, operation="general-text", pages=1)
        rig.store.put(OUT, layout.journal(document), journal.encode(line))

        def fail(verb, ref):
            if verb == "write" and ref.key.endswith("record.json"):
                raise UnavailableError("503")

        rig.store.fail = fail
        with pytest.raises(UnavailableError):
            rig.invocation().bury([upload], GAVE_UP)
        rig.store.fail = lambda verb, ref: None
        (outcome,) = rig.bury(upload, GAVE_UP)
        assert (outcome["status"], rig.record("general-text/a.png")["calls"]["answered"]) == ("dead", 0)
