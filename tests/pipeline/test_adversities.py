"""What a reviewer proved could lose, lie or pay twice where pages are called for side by side; each as it must end."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from legible.documents.pages import open_document, worker
from legible.errors import BusyError, HeldError, OutOfTimeError, ThrottledError, UnavailableError
from legible.ledger import journal
from legible.ledger.claim import Wish
from legible.ledger.journal import Line
from legible.ledger.ledger import Ledger
from legible.model.documents import Document, ObjectRef, Reason
from legible.model.records import Record
from legible.operations.routing import OperationSettings, Routing
from legible.ports import Site
from legible.recognition.page import PageCall
from legible.recognition.policy import Policy
from legible.results.newest import Newest
from legible.results.publication import Publisher
from tests.support.fakes import START, Clock, MemoryStore, NextInvocation, SheetsHere, invocation
from tests.support.rig import IN, OUT, PASSPORT, TEXT, Rig, pdf, picture

KEY = "general-text/long.pdf"
GAVE_UP = Reason("platform-gave-up", "It gave up.")


class Killed(BaseException):
    """The instance is gone."""


def journal_of(rig, key=KEY):
    (name,) = [name for name in rig.store.keys(OUT, f"ledger/{IN}/{key}/") if "newest-" not in name]
    return ObjectRef(OUT, name)


def last_line(rig, ref):
    return rig.store.objects[ref][0].splitlines()[-1]


def test_a_line_whose_append_was_not_answered_keeps_its_number():
    # given a claim, and an append that lands though its answer is lost
    clock = Clock()
    store = MemoryStore(clock)
    ledger = Ledger(Site(store, IN, OUT), invocation(clock))
    claim = ledger.claim(Document(IN, "k", "v", "e"), Wish("me", pages=2), 1)
    claim.write("calling", page=1)

    def lost(verb, ref):
        store.after = lambda *_: None
        raise UnavailableError("The answer is lost.")

    store.after = lost
    with pytest.raises(UnavailableError):
        claim.write("answered", page=1)

    # when another thread goes on
    claim.write("calling", page=2)

    # then its line is there
    assert ("calling", 2) in [
        (line["event"], line["page"]) for line in store.lines(OUT, store.keys(OUT, "ledger/")[0])[1:]
    ]


def test_no_call_is_announced_once_the_claim_is_known_to_be_lost():
    # given a page that waits for a throttle while another page finds the claim gone
    rig = Rig(TEXT, policy=Policy(window=2))
    upload = rig.upload(KEY, pdf(2))
    asleep, taken, where = threading.Event(), threading.Event(), threading.local()
    real, pause = rig.ocr.recognize, rig.clock.pause
    tries: list[int] = []

    def recognize(operation, options, sent, seconds):
        if sent.parameters["pdf_page_number"] == 2 and not tries:
            tries.append(1)
            where.throttled = True
            raise ThrottledError("Too many.")
        if sent.parameters["pdf_page_number"] == 1:
            asleep.wait(5)
            ref = journal_of(rig)
            lines = list(journal.decode(rig.store.objects[ref][0], "x"))
            lines[0] = msgspec.structs.replace(lines[0], owner="invocation-9-1", page=0)
            rig.store.objects[ref] = (b"".join(map(journal.encode, lines)), "", rig.clock.now(), {})
        return real(operation, options, sent, seconds)

    def sleeping(seconds):
        if getattr(where, "throttled", False):
            where.throttled = False
            asleep.set()
            taken.wait(5)
        pause(seconds)

    def after(verb, ref):
        if verb == "append" and b'"event":"surplus"' in last_line(rig, ref):
            taken.set()
            time.sleep(0.05)

    rig.ocr.recognize, rig.clock.pause, rig.store.after = recognize, sleeping, after

    # when
    with pytest.raises(BusyError):
        rig.run(upload)

    # then
    lines = rig.journal(KEY)
    lost = next(place for place, line in enumerate(lines) if line["event"] == "surplus")
    assert not [line for line in lines[lost:] if line["event"] == "calling"]


def test_a_long_document_that_is_throttled_is_handed_on_too():
    # given a service that takes a few calls in each invocation, and then refuses for the minute
    rig = Rig(TEXT, relay=NextInvocation(), seconds=60)
    upload, begun = rig.upload(KEY, pdf(12)), rig.clock.now()
    real = rig.ocr.recognize

    def recognize(*values):
        if rig.clock.now() > begun + timedelta(seconds=8):
            raise ThrottledError("Too many.")
        rig.clock.pause(5)
        return real(*values)

    rig.ocr.recognize = recognize

    # when
    (outcome,) = rig.run(upload)

    # then
    assert outcome["status"] == "running"
    assert len(rig.relay.handed) == 1


def searchable(**values: Any) -> Rig:
    return Rig(
        TEXT, rules=Routing("cn-north-4", operations={"general-text": OperationSettings(outputs=("pdf",))}), **values
    )


def test_a_searchable_pdf_never_takes_the_time_of_the_record():
    # given a layer that takes all the time it is given
    rig = searchable(seconds=60)
    given: list[float] = []

    class Slow(SheetsHere):
        def _exchange(self, ask, seconds):
            if ask.what != "layer":
                return super()._exchange(ask, seconds)
            given.append(seconds)
            rig.clock.pause(seconds)
            return "late"

    rig.sheets = Slow

    # when
    (outcome,) = rig.run(rig.upload(KEY, pdf(2)))

    # then
    assert outcome["status"] == "done"
    assert given[0] <= 30
    assert "record.pdf was not made" in rig.record(KEY)["notes"][0]


def test_a_pdf_that_was_asked_for_and_cannot_be_made_is_said():
    # given a document that was paid for and given up before its end
    rig = searchable()
    upload = rig.upload(KEY, pdf(2))

    def down(verb, ref):
        if verb == "write" and ref.key.endswith("record.json"):
            raise UnavailableError("down")

    rig.store.fail = down
    with pytest.raises(UnavailableError):
        rig.run(upload)
    rig.store.fail = lambda *_: None

    # when
    rig.invocation().bury([upload], GAVE_UP)

    # then
    assert rig.record(KEY)["status"] == "done"
    assert any("record.pdf was not made" in note for note in rig.record(KEY)["notes"])


class TestResultsOfTwo:
    def files(self, folder: Path, *names: str) -> dict[str, Path]:
        folder.mkdir()
        found = {name: folder / name for name in names}
        for file in found.values():
            file.write_bytes(folder.name.encode())
        return found

    def publisher(self, rig):
        return Publisher(rig.site, Newest(rig.site, rig.call()))

    def test_what_a_killed_publisher_left_does_not_stay_beside_a_newer_record(self, tmp_path):
        # given an older upload that is killed before its record stands, its PDF already there
        rig = Rig()
        old = Document(IN, "k/a.pdf", "va", "va", uploaded_at=START)
        new = Document(IN, "k/a.pdf", "vb", "vb", uploaded_at=START + timedelta(seconds=5))
        of_old = self.files(tmp_path / "old", "record.json", "record.xlsx", "record.pdf")
        of_new = self.files(tmp_path / "new", "record.json", "record.xlsx")

        def kill(verb, ref):
            if verb == "write" and ref.key == "results/k/a.pdf/record.json":
                raise Killed

        rig.store.fail = kill
        with pytest.raises(Killed):
            self.publisher(rig).publish(Record(document=old, status="done"), of_old)
        rig.store.fail = lambda *_: None

        # when
        self.publisher(rig).publish(Record(document=new, status="rejected"), of_new)
        self.publisher(rig).publish(Record(document=old, status="done"), of_old)

        # then
        results = {rig.store.objects[ObjectRef(OUT, key)][0] for key in rig.store.keys(OUT, "results/")}
        assert results == {b"new"}

    def test_without_the_right_to_remove_results_are_published_all_the_same(self):
        rig = Rig(TEXT)

        def refuse(ref):
            raise HeldError("403", code="obs-denied")

        rig.store.remove = refuse
        (outcome,) = rig.run(rig.upload(KEY, pdf(1)))
        assert outcome["status"] == "done"

    def test_an_upload_that_yields_never_stands_above_the_newer_one(self):
        # given an event whose time is hours ahead, of an upload that was replaced
        rig = Rig(PASSPORT)
        old = rig.upload("passport/a.png", picture(60, 40))
        old = msgspec.structs.replace(old, at=rig.clock.now() + timedelta(hours=8))
        rig.clock.pause(2)
        new = rig.upload("passport/a.png", picture(61, 41))

        # when
        rig.run(old)
        rig.run(new)

        # then
        assert rig.record("passport/a.png")["status"] == "done"


@pytest.mark.parametrize(("key", "pages"), [("general-text/one.png", 0), (KEY, 3)])
def test_a_line_that_a_simultaneous_append_swallowed_is_back_before_the_record_is_made(key, pages):
    # given an answered line that another one's append took the place of
    rig = Rig(TEXT)
    upload = rig.upload(key, pdf(pages) if pages else None)
    done: list[int] = []

    def swallow(verb, ref):
        if verb == "append" and not done and b'"event":"answered"' in last_line(rig, ref):
            done.append(1)
            body, *rest = rig.store.objects[ref]
            foreign = journal.encode(Line("surplus", rig.clock.now(), "earlier-1", 9, page=1))
            rig.store.objects[ref] = (b"".join(body.splitlines(keepends=True)[:-1]) + foreign, *rest)

    rig.store.after = swallow

    # when
    rig.run(upload)

    # then
    found = rig.record(key)
    assert found["status"] == "done"
    assert all(rig.has(page["answer"]) for page in found["pages"])
    assert rig.ocr.paid == max(1, pages)


def test_a_hand_number_is_given_once():
    # given an invocation that is killed between the call of its successor and its own last line
    rig = Rig(TEXT, seconds=30, relay=NextInvocation())
    upload = rig.upload(KEY, pdf(12))
    rig.ocr.during = lambda: rig.clock.pause(6)

    def kill():
        if len(rig.relay.handed) == 1:
            rig.relay.fail = lambda: None
            raise Killed

    real = rig.relay.hand_on

    def dying(handed):
        real(handed)
        kill()

    rig.relay.hand_on = dying
    with pytest.raises(Killed):
        rig.run(upload)
    rig.relay.hand_on = real
    rig.clock.pause(40)

    # when its successor goes on, and a twin of that is given up
    (first,) = rig.relay.handed
    rig.run(first)
    second = rig.relay.handed[1]
    (outcome,) = rig.bury(first, GAVE_UP)

    # then
    assert second.hand > first.hand
    assert outcome["status"] == "running"


def test_a_page_that_waits_for_the_process_is_given_the_time_that_is_left_then():
    # given two questions at once, the first of which takes a while
    given: list[float] = []

    class Slow(SheetsHere):
        def _exchange(self, ask: worker.Ask, seconds: float) -> worker.WorkerReply:
            given.append(seconds)
            time.sleep(0.3)
            return super()._exchange(ask, seconds)

    body = pdf(1)
    with Slow("pdf", len(body), lambda first, last: body[first : last + 1]) as sheets:
        # when
        threads = [threading.Thread(target=sheets.look, args=(10,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    # then
    assert max(given) > 9.9
    assert min(given) < 9.8


def test_who_lost_the_claim_before_several_pages_go_out_pays_for_none():
    # given two claims in the same instant, of which the other one stands
    rig = Rig(TEXT, policy=Policy(window=4))
    upload = rig.upload(KEY, pdf(8))
    done: list[int] = []

    def after(verb, ref):
        if verb == "append" and not done and ref.key.startswith("ledger/"):
            done.append(1)
            (mine,) = journal.decode(rig.store.objects[ref][0], "x")
            other = msgspec.structs.replace(mine, owner="invocation-9-1")
            rig.store.objects[ref] = (journal.encode(other), "", rig.clock.now(), {})

    rig.store.after = after

    # when
    with pytest.raises(BusyError):
        rig.run(upload)

    # then
    assert rig.ocr.paid == 0


def test_a_page_whose_turn_comes_after_all_was_stopped_is_not_called_for():
    # given a page that waited for its turn while another one found that nothing more can be called
    rig = Rig(TEXT, policy=Policy(window=2))
    pipeline = rig.invocation()
    document, decision = pipeline.look(rig.upload(KEY, pdf(2)))
    claim = pipeline._claims.take(document, decision)

    # when
    with pytest.raises(OutOfTimeError, match="cannot go on"):
        PageCall(pipeline._calls._context, claim, decision.job, 1, lambda: True).once()

    # then there is no call, and nothing is said of one that was never announced
    assert rig.ocr.calls == []
    assert [line["event"] for line in rig.journal(KEY)] == ["claimed"]


def test_a_kept_pdf_makes_room_for_the_next_one(tmp_path):
    # given two documents
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_bytes(pdf(1))
    second.write_bytes(pdf(2))
    kept = open_document.OpenDocument()

    # when, then
    opened = kept.pdf(first)
    assert kept.pdf(first) is opened
    assert len(kept.pdf(second)) == 2
    kept.close()


def test_a_document_that_was_opened_again_at_once_ended_all_the_same():
    # given that the same bytes come again, and are claimed, between the last line of a document and the look whether it
    # stands
    rig = Rig()

    class Died(BaseException): ...

    def after(verb, ref):
        journaled = verb == "append" and ref.key.endswith(".jsonl") and "newest-" not in ref.key
        lines = rig.store.lines(OUT, ref.key) if journaled else []
        if lines and lines[-1]["event"] == "finished" and len(lines) < 4:
            rig.clock.pause(2)
            with suppress(Died):
                rig.invocation("second").process(rig.upload(KEY, b"no image at all"))
        if lines and lines[-1]["owner"].startswith("second"):
            raise Died

    rig.store.after = after

    # when
    (outcome,) = rig.invocation("first").uploads([rig.upload(KEY, b"no image at all")])

    # then
    assert (outcome.status, rig.record(KEY)["status"]) == ("rejected", "rejected")
    assert [line["event"] for line in rig.log.lines] == ["document"]


def test_a_list_of_versions_that_may_not_be_read_stops_no_document_in_silence():
    rig = Rig()

    def refuse(verb, ref):
        if verb == "read" and "newest-" in ref.key:
            raise HeldError("403", code="obs-denied")

    rig.store.fail = refuse
    with pytest.raises(UnavailableError, match="403"):
        rig.run(rig.upload(KEY))
    assert not rig.has(f"results/{KEY}/record.json")
