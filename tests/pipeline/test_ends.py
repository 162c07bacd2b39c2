"""How documents end, wait or are given back: what is said of them, and what of theirs stays as it is."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from msgspec import structs

from legible.documents.intake import Intake
from legible.errors import (
    AnswerUnknownError,
    BusyError,
    HeldError,
    LegibleError,
    OutlastedError,
    OutOfTimeError,
    PendingError,
    RejectedError,
    UnavailableError,
)
from legible.ledger.ledger import plan_of
from legible.model import layout
from legible.model.documents import Document, ObjectRef, Order, Reason, Unreadable
from legible.model.pages import Share
from legible.notices.targets import Smn
from legible.pipeline.failures import Failures
from legible.pipeline.finish import End
from legible.pipeline.waiting import LADDER
from legible.recognition.policy import Policy
from tests.support.fakes import NextInvocation, Receiver, SheetsHere
from tests.support.rig import IN, OUT, PASSPORT, TEXT, Rig, picture, tiff

KEY = "general-text/a.png"
GAVE_UP = Reason("platform-gave-up", "gave up", passes=True)
KILLED = Reason("platform-gave-up", "timed out")


class TestClaimed:
    def test_the_journal_says_by_which_options_the_pages_are_called_for(self):
        rig = Rig(TEXT)
        rig.run(structs.replace(rig.upload(KEY), order=Order("general-text", {"detect_direction": True})))
        claimed, calling = rig.journal(KEY)[:2]
        assert claimed["options"] == {"detect_direction": True}
        assert rig.ocr.calls[0][1]["detect_direction"]
        assert (claimed["operation"], claimed["pages"]) == ("general-text", 1)
        assert "note" not in calling
        # By which each version of Legible knows whether others call for the same.
        assert claimed["plan"] == plan_of("general-text", {"detect_direction": True}, {})

    def test_an_error_that_says_nothing_of_the_platform_is_given_back_as_one_that_passes(self):
        # given an output bucket that takes journals and answers, and refuses results
        rig = Rig(TEXT, waits=True)
        upload = rig.upload(KEY)

        def refuse(verb, ref):
            if verb == "write" and ref.key.startswith("answers/") and ref.key.endswith("record.json"):
                raise HeldError("403", code="obs-denied")

        rig.store.fail = refuse

        # when
        with pytest.raises(LegibleError):
            rig.run(upload)

        # then
        released = rig.journal(KEY)[-1]
        assert (released["event"], released["reason"]["code"]) == ("released", "obs-denied")
        assert released["reason"]["passes"]

        # and the upload waits for that, whatever the platform says of its last delivery
        rig.store.fail = lambda verb, ref: None
        (outcome,) = rig.bury(upload, KILLED)
        assert (outcome["status"], outcome["reason"]["code"]) == ("running", "obs-denied")

    def test_what_was_opened_is_closed_when_its_document_is_done_with(self):
        # given
        opened, closed = [], []

        class Counted(SheetsHere):
            def __init__(self, *values) -> None:
                super().__init__(*values)
                opened.append(self)

            def close(self) -> None:
                closed.append(self)
                super().close()

        rig = Rig(TEXT, RejectedError("no", code="image-refused"))
        rig.sheets = Counted

        # when
        rig.run(rig.upload(KEY), rig.upload("general-text/b.png", picture(61, 41)))

        # then
        assert set(opened) <= set(closed)
        assert len(opened) == 2
        assert isinstance(rig.parts().intake, Intake)


class TestGivenUp:
    def test_its_record_says_what_the_platform_said(self):
        rig = Rig(TEXT)
        reason = Reason("platform-gave-up", "timed out", "Look.", vendor_code="FSS.0404", request_id="r-1")
        rig.bury(rig.upload(KEY), reason)
        told = rig.record(KEY)["reason"]
        assert (told["code"], told["vendor_code"], told["request_id"]) == ("platform-gave-up", "FSS.0404", "r-1")
        assert told["advice"] == "Look."

    @pytest.mark.parametrize("body", [b"not ours\n", b""])
    def test_one_whose_journal_cannot_be_used_has_a_record_that_its_outcome_names(self, body):
        # given an object in the journal's place that takes no line
        rig = Rig(TEXT)
        upload = rig.upload(KEY)
        rig.store.put(OUT, layout.journal(Document(IN, KEY, upload.etag)), body)

        # when
        (outcome,) = rig.bury(upload, KILLED)

        # then
        assert (outcome["status"], outcome["reason"]["code"]) == ("dead", "platform-gave-up")
        assert outcome["record"] == f"results/{KEY}/record.json"
        assert rig.record(KEY)["status"] == "dead"
        assert "duplicate" not in outcome

    def test_one_whose_journal_cannot_be_used_is_not_done_by_an_answer_of_which_nobody_knows_what_it_reads(self):
        # given an answer, and a journal that does not say of which operation
        rig = Rig(TEXT)
        upload = rig.upload(KEY)
        document = Document(IN, KEY, upload.etag)
        rig.parts().answers.keep(document, 1, "invocation-9", b"{}", "request-9")
        rig.store.put(OUT, layout.journal(document), b"not ours\n")

        # when
        (outcome,) = rig.bury(upload, KILLED)

        # then it is told as paid, and the document as given up
        assert (outcome["status"], outcome["reason"]["code"]) == ("dead", "platform-gave-up")
        record = rig.record(KEY)
        assert (record["calls"]["answered"], record["notes"]) == (1, [])

    def test_one_whose_journal_cannot_be_used_is_told_at_once(self):
        rig, receiver = Rig(TEXT), Receiver()
        rig.targets, rig.notifiers = {"desk": Smn(topic_urn="urn:smn:a:b:c")}, {"desk": receiver}
        upload = rig.upload(KEY)
        rig.store.put(OUT, layout.journal(Document(IN, KEY, upload.etag)), b"not ours\n")
        rig.bury(upload, KILLED)
        assert [notice.data.status for notice in receiver.notices] == ["dead"]

    def test_one_whose_event_names_no_etag_is_the_upload_that_lies_there(self):
        rig = Rig(TEXT)
        upload = rig.upload(KEY)
        (outcome,) = rig.bury(structs.replace(upload, etag=""), KILLED)
        assert outcome["status"] == "dead"
        assert rig.record(KEY)["document"]["version"] == upload.etag

    def test_one_that_none_has_begun_waits_as_for_a_reason_that_passes(self):
        rig = Rig(TEXT, waits=True)
        (outcome,) = rig.bury(rig.upload(KEY), KILLED)
        assert (outcome["status"], outcome["reason"]["passes"]) == ("running", True)
        assert rig.journal(KEY)[-1]["reason"]["passes"]

    def test_one_that_cannot_be_read_for_a_reason_that_passes_waits_too(self):
        rig = Rig(TEXT, waits=True)
        upload = rig.upload(KEY)

        def deny(verb, ref):
            if ref.bucket == IN:
                raise PendingError("403", code="obs-denied")

        rig.store.fail = deny
        (outcome,) = rig.bury(upload, GAVE_UP)
        assert outcome["status"] == "running"
        assert len(rig.store.keys(OUT, "waiting/")) == 1

    def test_a_reason_that_passes_lets_a_later_delivery_go_on(self):
        rig = Rig(TEXT)
        upload = rig.upload(KEY)
        rig.bury(upload, GAVE_UP)
        assert rig.record(KEY)["reason"]["passes"]
        assert rig.run(upload)[0]["status"] == "done"
        assert OutlastedError("x").passes

    def test_one_whose_pages_were_called_for_in_shares_and_whose_last_share_ended_well(self):
        """Its last line says that it was given back, and no reason: the platform's counts."""
        rig = Rig(TEXT, waits=True)
        upload = rig.upload(KEY)
        rig.steps().recognize_pages(upload, Share(1, 1))
        (outcome,) = rig.bury(upload, KILLED)
        assert outcome["status"] == "done"
        claimed = [line for line in rig.journal(KEY) if line["event"] == "claimed"]
        assert ["plan" in line for line in claimed] == [True, False]

    def test_one_whose_pages_are_all_answered_is_ended_however_little_time_is_left_so_that_every_chain_ends(self):
        # given answers of an invocation that could not end the document
        rig = Rig(TEXT, relay=NextInvocation())
        upload = rig.upload(KEY)

        def down(verb, ref):
            if verb == "write" and ref.key.endswith("record.json"):
                raise UnavailableError("503")

        rig.store.fail = down
        with pytest.raises(UnavailableError):
            rig.run(upload)

        # when the next one has less time than the end of a page takes
        rig.store.fail, rig.seconds = (lambda verb, ref: None), 0.01
        (outcome,) = rig.run(upload)

        # then it calls no other one
        assert (outcome["status"], rig.relay.handed) == ("done", [])

    def test_one_whose_answer_cannot_be_filed_has_no_record_that_names_it(self):
        rig = Rig(TEXT)

        def full(verb, ref):
            if verb == "write" and ref.key.endswith("/0001.json"):
                raise UnavailableError("503")

        rig.store.fail = full
        with pytest.raises(UnavailableError):
            rig.run(rig.upload(KEY))
        assert not rig.has(f"results/{KEY}/record.json")

    @pytest.mark.parametrize(("left", "status", "handed"), [(0.04, "running", 1), (0.06, "done", 0)])
    def test_one_is_ended_here_with_a_twentieth_of_a_second_for_each_page(self, left, status, handed):
        rig = Rig(TEXT, relay=NextInvocation(), policy=Policy(source="inline", settle=0.0))
        rig.ocr.during = lambda: rig.clock.pause(60 - left)
        assert rig.run(rig.upload(KEY))[0]["status"] == status
        assert len(rig.relay.handed) == handed

    def test_one_that_somebody_holds_is_waited_for_three_quarters_of_the_time(self):
        rig = Rig(TEXT)
        other = rig.invocation()
        upload = rig.upload(KEY)
        claim = other._claims.take(*other.look(upload))
        rig.seconds, began = 40.0, rig.clock.now()
        with pytest.raises(BusyError):
            rig.run(upload)
        assert claim.in_force()
        assert 29 <= (rig.clock.now() - began).total_seconds() <= 36

    def test_one_that_no_fresh_invocation_can_be_called_for_is_ended_however_late(self):
        rig = Rig(TEXT, policy=Policy(settle=0.0))
        rig.ocr.during = lambda: rig.clock.pause(59.97)
        assert rig.run(rig.upload(KEY))[0]["status"] == "done"

    def test_one_that_a_fresh_invocation_goes_on_with_says_why(self):
        rig = Rig(TEXT, relay=NextInvocation(), policy=Policy(settle=0.0))
        rig.ocr.during = lambda: rig.clock.pause(20)
        (outcome,) = rig.run(rig.upload("general-text/a.tiff", tiff(4)))
        assert (outcome["status"], outcome["reason"]["code"]) == ("running", OutOfTimeError("x").reason_code)
        assert "before another paid call could" in outcome["reason"]["message"]
        assert "duplicate" not in outcome

        # and is not given up where the platform gives up the first one
        first = rig.upload("general-text/a.tiff", tiff(4))
        (outcome,) = rig.bury(first, KILLED)
        assert (outcome["status"], outcome["duplicate"]) == ("running", True)

        # nor when it has ended
        rig.ocr.during = lambda: None
        rig.run(*rig.relay.handed)
        (outcome,) = rig.bury(first, KILLED)
        assert (outcome["status"], outcome["duplicate"]) == ("done", True)


class TestReplaced:
    """An upload that was overwritten before it was read."""

    def test_its_journal_says_that_the_newer_one_has_its_own_result(self):
        rig = Rig(TEXT)
        old = rig.upload(KEY)
        late = rig.invocation()
        claim = late._claims.take(*late.look(old))
        rig.clock.pause(5)
        rig.run(rig.upload(KEY, picture(61, 41)))
        late._finisher.finish(claim, End(error=RejectedError("no")))
        assert claim.ended.note == "A newer upload of this key has its own result."

    def test_its_end_is_not_shown_in_the_place_of_the_newer_ones(self):
        # given a newer upload that was read before the older one's event came, which names no time
        rig = Rig(TEXT)
        old = structs.replace(rig.upload(KEY), order=Order("general-text"))
        rig.clock.pause(5)
        rig.run(rig.upload(KEY, picture(61, 41)))

        # when
        (outcome,) = rig.run(old)

        # then
        assert (outcome["status"], outcome["reason"]["code"]) == ("rejected", "replaced")
        assert outcome["reason"]["advice"] == "The newer upload has its own record."
        assert rig.record(KEY)["status"] == "done"
        assert len(rig.ocr.calls) == 1

    def test_one_that_had_ended_stays_as_it_ended(self):
        # given a document that is held for a reason that passes, and then replaced
        rig = Rig(PendingError("403", code="not-subscribed"))
        old = structs.replace(rig.upload(KEY), order=Order("general-text"))
        assert rig.run(old)[0]["status"] == "held"
        before = rig.journal(KEY)
        rig.clock.pause(5)
        rig.upload(KEY, picture(61, 41))

        # when its event comes once more
        (outcome,) = rig.run(old)

        # then
        assert (outcome["status"], outcome["duplicate"]) == ("held", True)
        assert rig.journal(KEY) == before

    @pytest.mark.parametrize("body", [picture(61, 41), None])
    def test_while_its_url_was_read_and_gone_its_answer_is_told_as_surplus(self, body):
        rig = Rig(TEXT)
        upload = rig.upload(KEY)
        rig.clock.pause(5)
        rig.ocr.during = lambda: rig.store.put(IN, KEY, body) and None if body else rig.store.remove(upload.ref)
        (outcome,) = rig.run(upload)
        assert outcome["status"] == "rejected"
        assert "which may be of that, is stored and counted as surplus" in outcome["reason"]["advice"]


class TestWhichIsTheNewest:
    def test_an_older_version_that_ends_later_takes_nobodys_place(self):
        rig = Rig(TEXT)
        rig.store.versioned = {IN}
        old = rig.upload(KEY)
        old = structs.replace(old, version_id=rig.store.head(old.ref).version_id)
        rig.clock.pause(60)
        new = rig.upload(KEY, picture(61, 41))
        new = structs.replace(new, version_id=rig.store.head(new.ref).version_id)
        for upload in (new, old):
            assert rig.run(upload)[0]["status"] == "done"
        assert rig.record(KEY)["document"]["etag"] == new.etag

    def test_the_same_bytes_have_the_time_of_their_latest_upload_whichever_ends_them(self):
        # given an upload that was claimed for, and given back, after it had come once more
        rig = Rig(TEXT)
        pipeline = rig.invocation()
        document, decision = pipeline.look(rig.upload(KEY))
        later = structs.replace(document, uploaded_at=document.uploaded_at + timedelta(minutes=1))
        pipeline._claims.take(later, decision).release()

        # when
        claim = pipeline._claims.take(document, decision)
        pipeline._finisher.finish(claim, End(error=RejectedError("no")))

        # then
        assert rig.record(KEY)["document"]["uploaded_at"] == "2026-11-23T09:01:00Z"

    def test_what_names_no_time_is_given_none(self):
        rig = Rig(TEXT)
        pipeline = rig.invocation()
        document, decision = pipeline.look(rig.upload(KEY))
        pipeline._claims.take(document, decision).release()
        claim = pipeline._claims.take(structs.replace(document, uploaded_at=None), decision)
        pipeline._finisher.finish(claim, End(error=RejectedError("no")))
        assert rig.record(KEY)["document"]["uploaded_at"] is None

    def test_a_record_of_a_newer_version_of_legible_stays_though_that_died_before_the_documents_end(self):
        # given a record that a newer version wrote, and no line of its end
        rig = Rig(TEXT)
        upload = rig.upload(KEY)
        rig.run(upload)
        ref = ObjectRef(OUT, layout.version(rig.rebuilder().current(KEY), "record.json"))
        body, kind, at, values = rig.store.objects[ref]
        says = {"legible": json.dumps({**json.loads(values["legible"]), "schema": 2})}
        rig.store.objects[ref] = (body.replace(b"record/1", b"record/2"), kind, at, says)
        journal = ObjectRef(OUT, layout.journal(Document(IN, KEY, upload.etag)))
        lines = rig.store.objects[journal][0].splitlines(keepends=True)
        rig.store.objects[journal] = (b"".join(lines[:-1]), *rig.store.objects[journal][1:])
        rig.clock.pause(120)

        # when
        (outcome,) = rig.run(upload)

        # then
        assert (outcome["status"], rig.ocr.paid) == ("done", 1)
        assert b"record/2" in rig.store.objects[ref][0]


class TestAskedAgain:
    def test_one_that_was_rejected_is_tried_again_where_its_very_end_is_named(self):
        rig = Rig(RejectedError("no", code="image-refused"))
        upload = rig.upload(KEY)
        rig.run(upload)
        end = rig.journal(KEY)[-1]
        rig.ocr.script = [TEXT]
        assert rig.run(upload)[0]["status"] == "rejected"
        (outcome,) = rig.run(structs.replace(upload, again=f"{end['owner']}#{end['n']}"))
        assert outcome["status"] == "done"

    def test_by_shares_it_is_tried_again_too(self):
        rig = Rig(RejectedError("no", code="image-refused"))
        upload = rig.upload(KEY)
        rig.run(upload)
        end = rig.journal(KEY)[-1]
        rig.ocr.script = [TEXT]
        again = structs.replace(upload, again=f"{end['owner']}#{end['n']}")
        assert rig.steps().recognize_pages(again, Share(1, 1))["status"] == "running"
        assert rig.steps().recognize(again)["status"] == "done"


class TestFolders:
    def test_one_whose_marker_was_given_up_has_its_workbook_though_documents_still_run(self):
        rig = Rig(TEXT)
        rig.upload(KEY)
        (outcome,) = rig.bury(rig.upload("general-text/_complete", b""), KILLED)
        assert (outcome["status"], outcome["record"]) == ("partial", "workbooks/general-text.xlsx")


class TestTold:
    @pytest.mark.parametrize(("uploaded_again", "times"), [(True, 2), (False, 1)])
    def test_who_uploads_it_again_is_told_again_how_it_ended(self, uploaded_again, times):
        """A document that only goes on by itself, and ends as before, was told of before."""
        # given
        rig, receiver = Rig(PendingError("403", code="not-subscribed")), Receiver()
        rig.targets, rig.notifiers = {"desk": Smn(topic_urn="urn:smn:a:b:c")}, {"desk": receiver}
        upload = rig.upload(KEY)
        rig.run(upload)

        # when
        rig.clock.pause(60)
        (outcome,) = rig.run(rig.upload(KEY) if uploaded_again else upload)

        # then
        assert (outcome["status"], len(rig.ocr.calls)) == ("held", 2)
        assert [notice.data.status for notice in receiver.notices] == ["held"] * times

    @pytest.mark.parametrize(("codes", "told"), [("abb", "ab"), ("aba", "aba")])
    def test_an_end_is_told_again_where_it_differs_from_the_last_one(self, codes, told):
        rig, receiver = Rig(PendingError("403")), Receiver()
        rig.targets, rig.notifiers = {"desk": Smn(topic_urn="urn:smn:a:b:c")}, {"desk": receiver}
        upload = rig.upload(KEY)
        for code in codes:
            rig.ocr.script = [PendingError("403", code=code)]
            rig.run(upload)
            rig.clock.pause(60)
        assert [notice.data.reason for notice in receiver.notices] == list(told)


class TestPaidAndLost:
    def test_an_answer_that_could_not_be_stored_is_told_by_its_code_and_request(self):
        rig = Rig(PASSPORT, policy=Policy(attempts=1))
        upload = rig.upload("passport/a.png")

        def refuse(verb, ref):
            if verb == "write" and ref.key.startswith("answers/"):
                raise HeldError("403", code="obs-denied", advice="Permit it.", vendor_code="AccessDenied")

        rig.store.fail = refuse
        with pytest.raises(UnavailableError, match="paid for and could not be stored") as lost:
            rig.run(upload)
        assert (lost.value.advice, lost.value.vendor_code) == ("Permit it.", "AccessDenied")
        assert (lost.value.reason_code, lost.value.request_id) == ("answer-not-stored", "request-1")
        (line,) = [line for line in rig.journal("passport/a.png") if line["event"] == "unknown"]
        assert (line["reason"]["code"], line["request_id"]) == ("answer-not-stored", "request-1")

    def test_of_a_document_that_goes_on_nothing_is_made_anew(self):
        """Given a call that may have been paid, and another that failed: the document has not ended."""
        rig = Rig(AnswerUnknownError("cut off"), UnavailableError("503"), policy=Policy(attempts=2))
        writes = []
        rig.store.after = lambda verb, ref: writes.append(ref.key) if verb == "write" else None
        with pytest.raises(UnavailableError):
            rig.run(rig.upload(KEY))
        assert [line["event"] for line in rig.journal(KEY)].count("unknown") == 1
        assert "not-counted" not in rig.log.text()
        assert not [key for key in writes if "record" in key]

    @pytest.mark.parametrize("event", ["unknown", "surplus"])
    def test_what_is_paid_after_another_invocation_ended_the_document_is_told_by_its_record(self, event):
        # given an invocation that lost its claim to one that ended the document
        rig = Rig(TEXT)
        late = rig.invocation()
        upload = rig.upload(KEY)
        document, decision = late.look(upload)
        claim = late._claims.take(document, decision)
        rig.clock.pause(120)
        rig.run(upload)
        before = rig.record(KEY)["calls"]

        # when a call of it ends
        with pytest.raises(BusyError), late._finisher.counted(claim):
            claim.write(event, always=True, page=1, answer="answers/late.json")
            raise BusyError("Another invocation claimed it.")

        # then
        assert rig.record(KEY)["calls"] == before | {event: 1}

    def test_where_nothing_was_paid_after_the_end_nothing_is_made_anew(self):
        rig, writes = Rig(TEXT), []
        late = rig.invocation()
        upload = rig.upload(KEY)
        claim = late._claims.take(*late.look(upload))
        rig.clock.pause(120)
        rig.run(upload)
        rig.store.after = lambda verb, ref: writes.append(ref) if verb == "write" else None
        with pytest.raises(BusyError), late._finisher.counted(claim):
            claim.require_in_force()
        assert writes == []

    def test_what_its_record_cannot_tell_is_logged_with_the_reason(self):
        # given an output bucket that takes no record by now
        rig = Rig(TEXT)
        late = rig.invocation()
        upload = rig.upload(KEY)
        claim = late._claims.take(*late.look(upload))
        rig.clock.pause(120)
        rig.run(upload)
        refusal = HeldError("403", code="obs-denied")

        def refuse(verb, ref):
            if ref.key.endswith("record.json"):
                raise refusal

        # when
        with pytest.raises(BusyError), late._finisher.counted(claim):
            claim.write("unknown", always=True, page=1)
            rig.store.fail = refuse
            raise BusyError("Another invocation claimed it.")

        # then
        assert rig.log.lines[-1] == {
            "event": "not-counted", "key": KEY, "reason": "obs-denied", "message": str(refusal),
        }  # fmt: skip


class TestReferences:
    """What a step returns can be the event of the next one."""

    def test_a_split_pins_the_version_that_is_there(self):
        rig = Rig(TEXT)
        rig.store.versioned = {IN}
        upload = rig.upload(KEY)
        result = rig.steps().split(upload)
        assert (result["etag"], result["version_id"]) == (upload.etag, "version-1")
        assert "again" not in result

    def test_one_of_what_no_route_leads_from_names_no_operation(self):
        rig = Rig(TEXT)
        result = rig.steps().split(rig.upload("nowhere/a.png"))
        assert (result["page_count"], "operation" in result and bool(result["operation"])) == (0, False)

    def test_and_keeps_the_etag_of_its_event_by_which_a_later_step_sees_that_it_was_replaced(self):
        rig = Rig(TEXT)
        upload = rig.upload(KEY)
        rig.upload(KEY, picture(61, 41))
        assert rig.steps().split(upload)["etag"] == upload.etag

    def test_any_other_step_names_what_it_was_given(self):
        rig = Rig(TEXT)
        rig.store.versioned = {IN}
        upload = structs.replace(rig.upload(KEY), version_id="version-1", again="first#2")
        result = rig.steps().recognize(upload)
        assert (result["etag"], result["version_id"], result["again"]) == (upload.etag, "version-1", "first#2")


class TestLogged:
    REFUSAL = HeldError("It may not be called.", code="relay-not-permitted")

    def refuse(self):
        raise self.REFUSAL

    def logged(self, rig: Rig, event: str) -> dict:
        (line,) = [line for line in rig.log.lines if line["event"] == event]
        return line

    def test_which_document_no_fresh_invocation_was_called_for_and_why(self):
        rig = Rig(TEXT, relay=NextInvocation(), policy=Policy(settle=0.0))
        rig.ocr.during = lambda: rig.clock.pause(20)
        rig.relay.fail = self.refuse
        with pytest.raises(OutOfTimeError):
            rig.run(rig.upload("general-text/a.tiff", tiff(4)))
        assert self.logged(rig, "not-handed-on") == {
            "event": "not-handed-on", "key": "general-text/a.tiff", "reason": "relay-not-permitted",
            "message": str(self.REFUSAL),
        }  # fmt: skip

    def test_which_upload_was_replaced_by_which(self):
        rig = Rig(TEXT)
        old = structs.replace(rig.upload(KEY), order=Order("general-text"))
        new = rig.upload(KEY, picture(61, 41))
        rig.run(old)
        assert self.logged(rig, "replaced") == {
            "event": "replaced", "bucket": IN, "key": KEY, "announced": old.etag, "found": new.etag,
        }  # fmt: skip

    def test_which_document_could_not_be_given_back_and_why(self):
        rig = Rig(UnavailableError("503"), policy=Policy(attempts=1))

        def fail(verb, ref):
            if verb == "append" and rig.ocr.calls and ref.key.startswith("ledger/"):
                raise UnavailableError("503", code="obs-busy")

        rig.store.fail = fail
        with pytest.raises(UnavailableError):
            rig.run(rig.upload(KEY))
        assert self.logged(rig, "not-released") == {"event": "not-released", "key": KEY, "reason": "obs-busy"}

    def test_how_many_uploads_nobody_takes_and_why(self):
        rig, relay = Rig(TEXT, waits=True), NextInvocation()
        rig.bury(rig.upload(KEY), KILLED)
        rig.clock.pause(LADDER[0])
        relay.fail = self.refuse
        rig.redelivery(relay).walk()
        line = self.logged(rig, "not-handed-on")
        assert line == {
            "event": "not-handed-on", "documents": 1, "reason": "relay-not-permitted", "message": str(self.REFUSAL),
        }  # fmt: skip

    def test_what_could_not_be_moved_and_why(self):
        rig, relay = Rig(TEXT, waits=True), NextInvocation()
        rig.bury(rig.upload(KEY), KILLED)
        (place,) = rig.store.keys(OUT, "waiting/")
        rig.clock.pause(LADDER[0])

        def fail(verb, ref):
            if verb == "write":
                raise UnavailableError("503", code="obs-busy")

        rig.store.fail = fail
        rig.redelivery(relay).walk()
        assert self.logged(rig, "not-moved") == {"event": "not-moved", "key": place, "reason": "obs-busy"}


class TestKeptElsewhere:
    """Events that ``on_failure`` failed at."""

    def walk(self, rig: Rig, arrivals: list, relay: NextInvocation):
        walks = Failures(
            rig.store, "legible-failures", rig.call(), lambda body: arrivals, lambda some: relay.hand_on(*some)
        )
        return walks.walk()

    @pytest.mark.parametrize(("age", "handed"), [(timedelta(days=1), 0), (timedelta(hours=23), 1)])
    def test_an_upload_is_handed_on_until_it_is_a_day_old_when_it_is_kept(self, age, handed):
        rig, relay = Rig(TEXT), NextInvocation()
        arrivals = [structs.replace(rig.upload(KEY), at=rig.clock.now() - age)]
        rig.store.put("legible-failures", "failures/on_failure/1.json", b"an event")
        rig.clock.pause(24 * 3600)
        assert self.walk(rig, arrivals, relay).handed_on == handed

    def test_an_event_is_as_old_as_its_oldest_upload(self):
        rig, relay = Rig(TEXT), NextInvocation()
        days = [timedelta(days=1), timedelta(hours=1)]
        arrivals = [structs.replace(rig.upload(KEY), at=rig.clock.now() - age) for age in days]
        rig.store.put("legible-failures", "failures/on_failure/1.json", b"an event")
        rig.clock.pause(3600)
        assert self.walk(rig, arrivals, relay).handed_on == 0

    def test_what_is_no_upload_has_no_age(self):
        rig, relay = Rig(TEXT), NextInvocation()
        rig.store.put("legible-failures", "failures/on_failure/1.json", b"an event")
        rig.clock.pause(60)
        assert self.walk(rig, [Unreadable(Reason("c", "m"), "0f" * 12)], relay).handed_on == 1

    def test_one_that_nobody_takes_is_logged_with_the_reason(self):
        rig, relay = Rig(TEXT), NextInvocation()
        relay.fail = TestLogged().refuse
        key = "failures/on_failure/1.json"
        rig.store.put("legible-failures", key, b"an event")
        rig.clock.pause(60)
        assert self.walk(rig, [rig.upload(KEY)], relay).left == 1
        (line,) = rig.log.lines
        assert line == {
            "event": "not-handed-on", "key": key, "reason": "relay-not-permitted", "message": str(TestLogged.REFUSAL),
        }  # fmt: skip
        assert ObjectRef("legible-failures", key) in rig.store.objects
