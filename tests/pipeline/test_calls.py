"""Paid calls, one by one: when one is begun, what it reads, what is said of it, and when it is made again."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta

import pytest
from msgspec import structs

from legible.errors import (
    AnswerUnknownError,
    BusyError,
    DeadError,
    DocumentError,
    OutOfTimeError,
    RejectedError,
    ThrottledError,
    UnavailableError,
)
from legible.ledger import journal
from legible.ledger.claim import Claim
from legible.ledger.journal import Line
from legible.model.documents import Document, ObjectRef
from legible.model.pages import Share
from legible.ports import Site
from legible.recognition.opened import UrlProof
from legible.recognition.page import PageCall
from legible.recognition.policy import Policy
from legible.recognition.retries import AgainError
from legible.recognition.window import KEPT_BYTES, Window
from tests.support.fakes import START, Clock, MemoryStore, ScriptedOcr, invocation
from tests.support.rig import IN, OUT, PASSPORT, TEXT, Rig, picture, tiff

KEY = "general-text/a.png"
MANY = "general-text/a.tiff"


class Killed(BaseException):
    """The instance is gone."""


def one_call(rig: Rig, **options) -> tuple[PageCall, Claim]:
    """Return the call for the only page of a document, and the claim on it."""
    pipeline = rig.invocation()
    document, decision = pipeline.look(rig.upload(KEY))
    claim = pipeline._claims.take(document, decision)
    return PageCall(pipeline._calls._context, claim, decision.job, 1, **options), claim


class TestTimeLeft:
    @pytest.mark.parametrize(("seconds", "calls"), [(5.99, 0), (6.0, 1)])
    def test_a_call_is_begun_with_one_second_beside_what_is_kept_for_the_end(self, seconds, calls):
        # given an invocation whose time stands still, of which five seconds are kept
        rig = Rig(TEXT, policy=Policy(source="inline", reserve=5.0, settle=0.0), seconds=seconds)
        call, _ = one_call(rig)

        # when
        if calls:
            call.once()
        else:
            with pytest.raises(OutOfTimeError, match="before another paid call could"):
                call.once()

        # then
        assert len(rig.ocr.calls) == calls

    def test_no_call_is_begun_with_less_time_than_one_and_a_half_of_the_longest_so_far(self):
        # given a service that takes 20 seconds for a page, and 60 seconds
        rig = Rig(TEXT, policy=Policy(settle=0.0), seconds=60)
        rig.ocr.during = lambda: rig.clock.pause(20)

        # when
        with pytest.raises(OutOfTimeError) as late:
            rig.run(rig.upload(MANY, tiff(4)))

        # then a third one would have had 15 seconds
        assert len(rig.ocr.calls) == 2
        assert "give the function more time" in late.value.advice

    @pytest.mark.parametrize(("left", "given"), [(40, 35), (65, 60), (10_000, 60)])
    def test_a_call_may_take_a_minute_or_what_is_left_beside_the_end(self, left, given):
        class Timed(ScriptedOcr):
            def recognize(self, operation, options, picture, seconds):
                times.append(seconds)
                return super().recognize(operation, options, picture, seconds)

        times: list[float] = []
        rig = Rig(policy=Policy(source="inline", settle=0.0), seconds=left)
        rig.ocr = Timed(TEXT)
        call, _ = one_call(rig)
        call.once()
        assert times == [pytest.approx(given)]

    def test_a_page_of_a_document_that_has_one_owner_costs_one_look_at_its_journal(self):
        rig = Rig(TEXT, policy=Policy(source="inline", settle=0.0))
        call, _ = one_call(rig)
        rig.store.reads.clear()
        call.once()
        assert len([ref for ref, _ in rig.store.reads if ref.key.startswith("ledger/")]) == 1


class TestWhatIsRead:
    @pytest.mark.parametrize("source", ["url", "signed-url"])
    def test_a_drawn_page_lies_where_its_url_says(self, source):
        rig = Rig(TEXT, policy=Policy(source=source))
        rig.run(rig.upload(MANY, tiff(2)))
        for (_, _, sent), key in zip(rig.ocr.calls, rig.store.keys(OUT, "work/"), strict=True):
            assert sent.source == source
            assert sent.body is None or sent.body == b""
            assert f"{OUT}.obs.example/{key}" in sent.url
            assert ("Signature" in sent.url) == (source == "signed-url")
            assert rig.store.objects[ObjectRef(OUT, key)][0].startswith(b"\x89PNG") or key.endswith(".jpg")

    def test_a_page_that_is_sent_inline_is_stored_nowhere_else(self):
        rig = Rig(TEXT, policy=Policy(source="inline"))
        rig.run(rig.upload(MANY, tiff(2)))
        assert [bool(sent.body) for _, _, sent in rig.ocr.calls] == [True, True]
        assert rig.store.keys(OUT, "work/") == []

    def test_a_signed_url_that_names_no_version_is_not_trusted_either(self):
        rig = Rig(TEXT, policy=Policy(source="signed-url"))
        body = picture()
        upload = rig.upload(KEY, body)
        rig.clock.pause(5)
        rig.ocr.during = lambda: rig.store.put(IN, KEY, body) and None if len(rig.ocr.calls) == 1 else None
        rig.run(upload)
        assert [sent.source for _, _, sent in rig.ocr.calls] == ["signed-url", "inline"]
        assert "?Expires=900&" in rig.ocr.calls[0][2].url  # a quarter of an hour

    def test_what_was_done_to_a_page_is_all_that_its_note_says(self):
        rig = Rig(TEXT)
        rig.run(rig.upload(MANY, tiff(2)))
        assert {page["note"] for page in rig.record(MANY)["pages"]} == {"converted from TIFF, 60 x 40 px"}

    def test_a_drawn_page_is_of_its_document_whatever_lies_there_while_it_is_read(self):
        rig = Rig(TEXT)
        body = tiff(2)
        upload = rig.upload(MANY, body)
        rig.clock.pause(5)
        rig.ocr.during = lambda: rig.store.put(IN, MANY, body) and None
        rig.run(upload)
        assert [sent.source for _, _, sent in rig.ocr.calls] == ["url", "url"]
        assert rig.record(MANY)["calls"]["surplus"] == 0

    def test_answers_that_just_came_are_not_read_back(self):
        rig = Rig(TEXT, policy=Policy(window=2))
        rig.run(rig.upload(MANY, tiff(2)))
        assert [ref for ref, _ in rig.store.reads if ref.key.startswith("answers/")] == []


class TestFiled:
    def filed(self, rig: Rig) -> list[str]:
        names = [key.rsplit("/", 1)[1] for key in rig.store.keys(OUT, f"answers/{MANY}/")]
        return [name for name in names if name.count(".") == 1 and name[0].isdigit()]

    def test_answers_are_filed_while_other_pages_are_called_for(self):
        """Given six pages, four of which are in work for two calls at the same time."""
        rig = Rig(TEXT, policy=Policy(window=2))
        seen = []
        rig.ocr.during = lambda: seen.append(len(self.filed(rig)))
        rig.run(rig.upload(MANY, tiff(6)))
        assert max(seen) >= 1
        assert self.filed(rig) == [f"{page:04d}.json" for page in range(1, 7)]

    @pytest.mark.parametrize("pages", [1, 3])
    def test_those_of_a_share_are_filed_before_it_is_given_back(self, pages):
        rig = Rig(TEXT)
        rig.steps().recognize_pages(rig.upload(MANY, tiff(pages)), Share(1, 1))
        assert self.filed(rig) == [f"{page:04d}.json" for page in range(1, pages + 1)]


class TestWhatIsSaid:
    @pytest.mark.parametrize(
        ("throttled", "note"),
        [
            (False, "Its invocation ended before it could say more."),
            (True, "Its invocation ended while the service was turning its calls away; hardly one of them was sent."),
        ],
    )
    def test_of_a_call_whose_invocation_died_what_is_known(self, throttled, note):
        # given
        rig = Rig(ThrottledError("slow") if throttled else TEXT)
        upload = rig.upload(KEY)

        def die(*_):
            raise Killed

        if throttled:
            rig.store.after = lambda verb, ref: die() if b"throttled" in rig.store.objects[ref][0] else None
        else:
            rig.ocr.during = die
        with pytest.raises(Killed):
            rig.run(upload)

        # when
        rig.store.after, rig.ocr.during, rig.ocr.script = (lambda verb, ref: None), (lambda: None), [TEXT]
        rig.clock.pause(70)
        rig.run(upload)

        # then
        (line,) = [line for line in rig.journal(KEY) if line["event"] == "unknown"]
        assert (line["note"], line.get("throttled", False)) == (note, throttled)

    def test_a_page_that_was_sent_twice_in_vain_is_not_sent_again_and_what_to_compare(self):
        rig = Rig(TEXT)
        call, claim = one_call(rig)
        for _ in range(2):
            claim.write("calling", page=1)
            claim.write("unknown", page=1)
        with pytest.raises(DeadError, match="sent 2 times") as twice:
            call.once()
        assert "Compare with the service's own count" in twice.value.advice
        assert rig.ocr.calls == []

    def test_of_a_call_that_was_turned_away_and_may_not_go_on_that_it_is_not_open(self):
        """Else its invocation's end would look like a call that may have been paid."""
        # given a page that the service turned away
        rig = Rig(ThrottledError("slow"))
        stop = []
        call, claim = one_call(rig, halted=lambda: bool(stop))
        with pytest.raises(AgainError):
            call.once()
        assert claim.state.page(1).open is not None

        # when it is to be sent again, and the document cannot go on
        stop.append(1)
        with pytest.raises(OutOfTimeError):
            call.once()

        # then
        assert claim.state.page(1).open is None
        assert [line["event"] for line in rig.journal(KEY)] == ["claimed", "calling", "calling", "refused"]

    def test_of_an_answer_that_may_be_of_another_upload_only_that(self):
        rig = Rig(PASSPORT)
        body = picture()
        upload = rig.upload("passport/a.png", body)
        rig.clock.pause(5)
        rig.ocr.during = lambda: rig.store.put(IN, "passport/a.png", body) and None if len(rig.ocr.calls) == 1 else None
        rig.run(upload)
        (line,) = [line for line in rig.journal("passport/a.png") if line["event"] == "surplus"]
        assert line["note"] == "another upload lay there while the URL was read"
        assert (upload.ref, 1) in rig.store.reads  # whether its own bytes are there costs one of them
        by_url, inline = [line for line in rig.journal("passport/a.png") if line["event"] == "calling"]
        assert "answer" not in by_url
        assert inline["answer"].endswith("-inline.json")

    def test_of_an_answer_that_a_dead_owner_stored_for_a_page_that_has_one_that_it_is_surplus(self):
        # given
        rig = Rig(TEXT)
        pipeline = rig.invocation()
        document, decision = pipeline.look(rig.upload(KEY))
        dead = pipeline._claims.take(document, decision)
        dead.write("calling", page=1, source="inline")
        rig.parts().answers.keep(document, 1, dead.owner, b"{}", "request-1")
        other = Line("answered", rig.clock.now(), "other", 2, 1, answer="answers/other", request_id="request-2")
        (name,) = rig.store.keys(OUT, f"ledger/{IN}/{KEY}/")
        rig.store.append(ObjectRef(OUT, name), len(rig.store.objects[ObjectRef(OUT, name)][0]), journal.encode(other))
        rig.clock.pause(70)

        # when
        following = rig.invocation()
        claim = following._claims.take(document, decision)
        following._calls.adopt(claim)

        # then
        assert (claim.state.answered, claim.state.surplus, claim.state.unknown) == (1, 1, 0)
        assert claim.state.lines[-1].event == "surplus"
        assert claim.state.lines[-1].note == "Stored by an invocation that ended before it could say so."

    def test_of_a_dead_owner_s_calls_a_share_tells_of_its_own_pages(self):
        rig = Rig(TEXT)
        pipeline = rig.invocation()
        document, decision = pipeline.look(rig.upload(MANY, tiff(2)))
        dead = pipeline._claims.take(document, decision)
        for page in (1, 2):
            dead.write("calling", page=page, source="inline")
        rig.clock.pause(120)
        claim = rig.invocation()._claims.take(document, decision, share=Share(2, 2))
        pipeline._calls.adopt(claim)
        assert [claim.state.page(page).unknown for page in (1, 2)] == [0, 1]

    def test_of_a_dead_owner_s_calls_one_of_two_claims_made_at_the_same_time_tells(self):
        # given a claim that an append made at the same time has overwritten
        rig = Rig(TEXT)
        document, decision = rig.invocation().look(rig.upload(KEY))
        dead = rig.invocation()._claims.take(document, decision)
        dead.write("calling", page=1, source="inline")
        rig.clock.pause(120)
        pipeline = rig.invocation()
        claim = pipeline._claims.take(document, decision)
        (name,) = rig.store.keys(OUT, f"ledger/{IN}/{KEY}/")
        stored = rig.store.objects[ObjectRef(OUT, name)]
        other = stored[0].replace(claim.owner.encode(), b"invocation-9-1")
        rig.store.objects[ObjectRef(OUT, name)] = (other, *stored[1:])

        # when
        with pytest.raises(BusyError):
            pipeline._calls.adopt(claim)

        # then
        assert [line["event"] for line in rig.journal(KEY)] == ["claimed", "calling", "claimed"]

    def test_of_a_reply_that_is_no_answer_where_it_is_kept_and_of_which_request(self):
        lost = AnswerUnknownError("No JSON.", request_id="request-5")
        lost.body = b"<html>"
        rig = Rig(lost)
        call, claim = one_call(rig)
        with pytest.raises(AgainError):
            call.once()
        key = rig.journal(KEY)[-1]["answer"]
        kept = rig.parts().answers.find(key)
        assert f"{claim.owner}-unusable" in key
        assert (kept.body, kept.request_id) == (b"<html>", "request-5")

    def test_of_an_answer_that_came_after_another_counted_that_it_is_surplus(self):
        rig = Rig(TEXT)
        call, claim = one_call(rig)
        first = Line("answered", rig.clock.now(), "another", 1, page=1, answer="answers/another")
        rig.ocr.during = lambda: claim.state.take(first)
        call.once()
        assert [line["event"] for line in rig.journal(KEY)] == ["claimed", "calling", "answered", "surplus"]

    def test_of_an_answer_that_came_after_another_took_the_document_that_it_is_surplus(self):
        # given a claim that an append made at the same time overwrites while the service reads
        rig = Rig(TEXT)
        call, claim = one_call(rig)
        (name,) = rig.store.keys(OUT, f"ledger/{IN}/{KEY}/")

        def overwritten():
            stored = rig.store.objects[ObjectRef(OUT, name)]
            other = stored[0].replace(claim.owner.encode(), b"invocation-9-1")
            rig.store.objects[ObjectRef(OUT, name)] = (other, *stored[1:])

        rig.ocr.during = overwritten

        # when
        with pytest.raises(BusyError):
            call.once()

        # then what was paid is told, and counts for nothing
        assert [line["event"] for line in rig.journal(KEY)] == ["claimed", "calling", "surplus"]
        assert rig.journal(KEY)[-1]["owner"] == claim.owner

    def test_of_a_page_that_another_has_announced_that_it_is_called_for_here(self):
        rig = Rig(TEXT)
        call, claim = one_call(rig)
        claim.state.take(Line("calling", rig.clock.now(), "another", 9, page=1))
        call.once()
        assert [line["event"] for line in rig.journal(KEY)] == ["claimed", "calling", "answered"]

    def test_of_a_call_that_was_turned_away_and_taken_for_dead_that_it_is_announced(self):
        rig = Rig(ThrottledError("slow"))
        call, claim = one_call(rig)
        told = Line("unknown", rig.clock.now(), "another", 1, page=1, of=claim.owner)
        rig.ocr.during = lambda: claim.state.take(told)
        with pytest.raises(AgainError):
            call.once()
        assert rig.journal(KEY)[-1]["throttled"]


class TestUrlProof:
    """What intake saw holds for the URL only when no other upload can have come in the same second."""

    def proof(self, age: float, clock: Clock, version_id: str = "") -> tuple[UrlProof, MemoryStore, list[str]]:
        store, looks = MemoryStore(clock), []
        if version_id:
            store.versioned.add(IN)
        ref = store.put(IN, KEY, b"bytes")
        head = store.head(ref)
        uploaded_at = clock.now()
        clock.pause(age)
        store.fail = lambda verb, ref: looks.append(verb)
        document = Document(
            IN, KEY, head.etag, etag=head.etag, size=5, uploaded_at=uploaded_at, version_id=head.version_id
        )
        return UrlProof(Site(store, IN, OUT), invocation(clock), document), store, looks

    @pytest.mark.parametrize(("age", "looked"), [(2.9, 1), (3.0, 0), (60, 0)])
    def test_an_upload_that_is_three_seconds_old_is_not_looked_at_again(self, age, looked):
        proof, _, looks = self.proof(age, Clock())
        assert proof.refusal() == ""
        assert len(looks) == looked
        assert proof.doubt() == ""

    def test_one_whose_time_is_not_known_is_looked_at(self):
        proof, _, looks = self.proof(60, Clock())
        proof = UrlProof(proof._site, proof._call, structs.replace(proof._document, uploaded_at=None))
        assert (proof.refusal(), len(looks)) == ("", 1)

    def test_one_of_this_very_second_is_waited_for_until_the_second_is_over(self):
        clock = Clock(START + timedelta(seconds=0.25))
        proof, _, looks = self.proof(0, clock)
        assert proof.refusal() == ""
        assert (clock.now(), len(looks)) == (START + timedelta(seconds=1), 2)

    def test_one_with_a_version_of_its_own_is_not_waited_for(self):
        proof, _, looks = self.proof(0, Clock(), "v")
        assert (proof.refusal(), len(looks)) == ("", 1)

    def test_a_store_whose_second_never_passes_is_asked_five_times_and_then_the_bytes_are_sent(self):
        proof, store, looks = self.proof(0, Clock())
        store.ageless = True
        assert "could not be told apart" in proof.refusal()
        assert len(looks) == 5
        assert proof.refusal()
        assert len(looks) == 5

    @pytest.mark.parametrize("gone", [True, False])
    def test_what_is_not_the_newest_of_its_key_is_sent_inline(self, gone):
        proof, store, _ = self.proof(1, Clock())
        store.put(IN, KEY, b"other")
        if gone:
            store.remove(ObjectRef(IN, KEY))
        assert proof.refusal() == "sent inline: this upload is not the newest of its key"

    @pytest.mark.parametrize(("gone", "doubt"), [(True, "the upload was removed"), (False, "another upload lay there")])
    def test_a_doubt_after_one_call_is_the_refusal_of_the_next(self, gone, doubt):
        proof, store, _ = self.proof(5, Clock())
        assert proof.refusal() == ""
        store.put(IN, KEY, b"bytes")
        if gone:
            store.remove(ObjectRef(IN, KEY))
        assert proof.doubt() == doubt
        assert proof.refusal() == f"sent inline: {doubt} while its URL was read"


class TestWindow:
    def test_answers_stay_in_memory_up_to_their_limit_and_the_next_small_one_too(self):
        large, small = b"x" * (KEPT_BYTES - 1), b"y"
        answers = {1: large, 2: large, 3: small, 4: small, 5: None}
        kept = Window(range(1, 6), lambda page, halted: answers[page]).run(1)
        assert kept == {1: large, 3: small}

    @pytest.mark.parametrize(("passing", "begun"), [(1, 5), (2, 5), (3, 3), (5, 3)])
    def test_three_pages_that_fail_for_a_passing_reason_stop_the_others(self, passing, begun):
        pages = []

        def call(page, halted):
            pages.append(page)
            if page <= passing:
                raise AgainError(ThrottledError(f"slow {page}"))
            return b""

        with pytest.raises(ThrottledError, match="slow 1"):
            Window(range(1, 6), call).run(1)
        assert pages == list(range(1, begun + 1))

    def test_one_page_that_says_the_document_cannot_go_on_stops_the_others_at_once(self):
        pages = []

        def call(page, halted):
            pages.append(page)
            raise OutOfTimeError("late")

        with pytest.raises(OutOfTimeError):
            Window(range(1, 6), call).run(1)
        assert pages == [1]

    def test_a_page_in_work_learns_that_the_document_cannot_go_on(self):
        begun, learned = threading.Event(), []

        def call(page, halted):
            if page == 1:
                begun.wait(5)
                raise OutOfTimeError("late")
            begun.set()
            while not learned and time.monotonic() < end:
                learned.extend([page] if halted() else [])
            return b""

        end = time.monotonic() + 5
        with pytest.raises(OutOfTimeError):
            Window([1, 2], call).run(2)
        assert learned == [2]

    def test_a_defect_stops_the_others_too(self):
        pages = []

        def call(page, halted):
            pages.append(page)
            raise Killed

        with pytest.raises(Killed):
            Window(range(1, 60), call).run(2)
        assert len(pages) <= 4

    def test_of_several_errors_that_of_the_whole_document_is_raised(self):
        def call(page, halted):
            raise AgainError(ThrottledError("slow")) if page < 3 else OutOfTimeError("late")

        with pytest.raises(OutOfTimeError):
            Window(range(1, 6), call).run(1)

    def test_a_call_that_ended_for_no_passing_reason_is_told_as_one_that_passes(self):
        def call(page, halted):
            raise AgainError(RejectedError("no answer", request_id="r-1"))

        with pytest.raises(UnavailableError, match="no answer") as told:
            Window([1], call).run(1)
        assert not isinstance(told.value, DocumentError)
        assert told.value.request_id == "r-1"

    @pytest.mark.parametrize("pages", [2, 3])
    def test_even_two_pages_are_called_for_at_the_same_time(self, pages):
        together = threading.Barrier(2, timeout=10)

        def call(page, halted):
            if page < 3:
                together.wait()
            return b""

        assert len(Window(range(1, pages + 1), call).run(2)) == pages

    def test_two_pages_for_each_call_are_in_work_and_no_more(self):
        working, most, lock = [], [], threading.Lock()

        def call(page, halted):
            with lock:
                working.append(page)
                most.append(len(working))
            time.sleep(0.01)
            with lock:
                working.remove(page)
            return b""

        Window(range(1, 13), call).run(2)
        assert max(most) <= 4

    def test_one_by_one_they_are_called_for_in_the_callers_own_thread(self):
        threads = set()
        Window(range(1, 4), lambda page, halted: threads.add(threading.current_thread()) or b"").run(1)
        assert threads == {threading.current_thread()}

    def test_what_may_be_tried_again_says_why(self):
        assert str(AgainError(ThrottledError("slow", advice="Later."))) == "slow"


class TestTries:
    """A call is made again after two to five seconds, and after ever longer ones the more often it was tried."""

    def waits(self, rig: Rig) -> list[float]:
        """Return how long the calls for a page were apart."""
        at: list[datetime] = []
        rig.ocr.during = lambda: at.append(rig.clock.now())
        with pytest.raises((ThrottledError, UnavailableError)):
            rig.run(rig.upload(KEY))
        return [(after - before).total_seconds() for before, after in zip(at, at[1:], strict=False)]

    def test_the_vendor_advises_two_to_five_seconds(self):
        """For calls that were turned away (ocr_03_0028)."""
        assert Policy().wait == (2.0, 5.0)

    def test_a_fault_is_tried_four_times(self):
        waits = self.waits(Rig(UnavailableError("5xx"), seconds=10_000))
        assert len(waits) == 3
        assert all(2 * number <= wait <= 5 * number + 0.5 for number, wait in enumerate(waits, 1))

    def test_being_turned_away_counts_for_no_try_and_waits_grow_to_five_times(self):
        waits = self.waits(Rig(ThrottledError("slow"), seconds=300))
        assert len(waits) > 8
        assert all(2 * min(number, 5) <= wait <= 5 * min(number, 5) + 0.5 for number, wait in enumerate(waits, 1))

    def test_no_wait_is_begun_that_may_leave_no_time_for_a_call(self):
        """Given 25 seconds: after the second try there may be ten to wait, five are kept, and one is for the call."""
        rig = Rig(UnavailableError("5xx"), seconds=10.9)
        assert self.waits(rig) == []

    @pytest.mark.parametrize(("seconds", "waits"), [(10.9, 0), (11.0, 1)])
    def test_the_longest_wait_and_a_call_must_fit_beside_the_end(self, seconds, waits):
        rig = Rig(UnavailableError("5xx"), policy=Policy(source="inline", settle=0.0), seconds=seconds)
        assert len(self.waits(rig)) == waits
