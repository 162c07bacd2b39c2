"""One document's way: paid once, never lost, never silent."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import msgspec
import pytest

from legible.errors import (
    AnswerUnknownError,
    BusyError,
    HeldError,
    OutOfTimeError,
    RejectedError,
    RetryableError,
    SourceUnreadableError,
    ThrottledError,
    UnavailableError,
)
from legible.ledger.changes import first_part
from legible.model.documents import Ignored, ObjectRef, Reason, Unreadable, Upload
from legible.operations.routing import OperationSettings, Route, Routing
from legible.recognition.policy import Policy
from tests.support.fakes import START
from tests.support.rig import IN, OUT, PASSPORT, TEXT, Rig, pdf, picture, tiff


def events(lines):
    return [line["event"] for line in lines]


def test_an_upload_becomes_a_record_and_a_workbook():
    rig = Rig()
    upload = rig.upload("passport/anna.png")

    (outcome,) = rig.run(upload)

    assert outcome["status"] == "done"
    assert outcome["operation"] == "passport"
    assert outcome["record"] == "results/passport/anna.png/record.json"
    record = rig.record("passport/anna.png")
    assert record["status"] == "done"
    assert {field["name"]: field["value"] for field in record["fields"]}["passport_number"] == "L898902C3"
    assert rig.has("results/passport/anna.png/record.xlsx")
    assert record["pages"][0]["request_id"] == "request-1"
    assert record["pages"][0]["source"] == "url"
    assert record["calls"] == {"answered": 1, "unknown": 0, "surplus": 0}


def test_the_journal_tells_the_story_in_order():
    rig = Rig()
    rig.run(rig.upload("passport/anna.png"))

    lines = rig.journal("passport/anna.png")

    assert events(lines) == ["claimed", "calling", "answered", "finished"]
    assert lines[1]["page"] == 1
    assert lines[2]["request_id"] == "request-1"
    assert lines[3]["status"] == "done"


def test_the_answer_is_stored_byte_for_byte():
    from legible.model.pages import Answer

    body = b'{ "result":{"passport_number":"A1","new":[1.10,"x"],"z":""} , "more":1}'
    rig = Rig(Answer(body, "r1"))
    rig.run(rig.upload("passport/anna.png"))

    (key,) = [key for key in rig.store.keys(OUT, "answers/") if key.endswith("0001.json")]

    assert rig.store.objects[ObjectRef(OUT, key)][0] == body


def test_a_document_delivered_ten_times_is_paid_for_once():
    rig = Rig()
    upload = rig.upload("passport/anna.png")

    outcomes = [rig.run(upload)[0] for _ in range(10)]

    assert rig.ocr.paid == 1
    assert {outcome["status"] for outcome in outcomes} == {"done"}
    assert [outcome.get("duplicate", False) for outcome in outcomes] == [False] + [True] * 9


def test_a_url_the_service_cannot_read_is_sent_inline_once_and_the_record_says_so():
    rig = Rig(SourceUnreadableError("no agency", vendor_code="ModelArts.4702"), PASSPORT)
    rig.run(rig.upload("passport/anna.png"))

    sources = [call[2].source for call in rig.ocr.calls]
    page = rig.record("passport/anna.png")["pages"][0]

    assert sources == ["url", "inline"]
    assert rig.ocr.calls[1][2].body == picture()
    assert page["source"] == "inline"
    assert "ModelArts.4702" in page["note"]
    assert events(rig.journal("passport/anna.png")) == [
        "claimed", "calling", "refused", "calling", "answered", "finished",
    ]  # fmt: skip


def test_where_it_is_set_so_no_page_goes_inline_and_the_document_waits_for_what_must_be_mended():
    rig = Rig(
        SourceUnreadableError("no agency", code="source-unreadable", vendor_code="ModelArts.4702"),
        policy=Policy(fallback=False),
    )
    rig.run(rig.upload("passport/anna.png"))
    record = rig.record("passport/anna.png")
    assert (record["status"], record["reason"]["code"]) == ("held", "source-unreadable")
    assert [call[2].source for call in rig.ocr.calls] == ["url"]

    # when it was mended, and is uploaded again
    rig.ocr.script[:] = [PASSPORT]
    rig.run(rig.upload("passport/anna.png"))
    assert rig.record("passport/anna.png")["status"] == "done"


def test_inline_is_tried_once_only():
    rig = Rig(SourceUnreadableError("no", vendor_code="ModelArts.4704"))
    (outcome,) = rig.run(rig.upload("passport/anna.png"))

    assert len(rig.ocr.calls) == 2
    assert outcome["status"] == "rejected"
    assert outcome["reason"]["code"] == "source-unreadable"


@pytest.mark.parametrize(("source", "expected"), [("inline", ""), ("signed-url", "Signature=")])
def test_other_sources_are_used_when_set(source, expected):
    rig = Rig(policy=Policy(source=source))
    rig.run(rig.upload("passport/anna.png"))

    sent = rig.ocr.calls[0][2]

    assert sent.source == source
    assert expected in sent.url
    assert bool(sent.body) == (source == "inline")


def test_a_signed_url_is_never_written_down():
    rig = Rig(policy=Policy(source="signed-url"))
    rig.run(rig.upload("passport/anna.png"))

    kept = b"".join(body for ref, (body, *_) in rig.store.objects.items() if ref.bucket == OUT)

    assert b"canary-signature" not in kept
    assert "canary-signature" not in rig.log.text()


def test_throttling_is_waited_out_and_not_paid():
    rig = Rig(ThrottledError("slow"), ThrottledError("slow"), PASSPORT)
    (outcome,) = rig.run(rig.upload("passport/anna.png"))

    assert outcome["status"] == "done"
    assert rig.ocr.paid == 1
    assert 6 <= (rig.clock.now() - START).total_seconds() <= 17


def test_lasting_throttling_raises_and_the_next_delivery_goes_on_at_once():
    rig = Rig(ThrottledError("slow", vendor_code="APIG.0308"))
    upload = rig.upload("passport/anna.png")

    with pytest.raises(ThrottledError, match="1 of 1"):
        rig.run(upload)
    rig.ocr.script = [PASSPORT]
    before = rig.clock.now()
    (outcome,) = rig.run(upload)

    assert outcome["status"] == "done"
    assert (rig.clock.now() - before).total_seconds() < 2
    assert "released" in events(rig.journal("passport/anna.png"))


def test_an_answer_that_never_came_is_asked_for_once_more():
    rig = Rig(AnswerUnknownError("timeout"), PASSPORT)
    (outcome,) = rig.run(rig.upload("passport/anna.png"))

    assert outcome["status"] == "done"
    assert rig.record("passport/anna.png")["calls"] == {"answered": 1, "unknown": 1, "surplus": 0}


def test_and_never_a_third_time():
    rig = Rig(AnswerUnknownError("timeout"))
    upload = rig.upload("passport/anna.png")

    (outcome,) = rig.run(upload)
    rig.run(upload)

    assert len(rig.ocr.calls) == 2
    assert outcome["status"] == "dead"
    assert outcome["reason"]["code"] == "answer-unknown"
    assert rig.record("passport/anna.png")["calls"]["unknown"] == 2


def test_an_unusable_answer_is_kept_as_evidence():
    error = AnswerUnknownError("HTTP 200 without a result", code="answer-unusable", request_id="r-9")
    error.body = b"<html>oops</html>"
    rig = Rig(error, PASSPORT)
    rig.run(rig.upload("passport/anna.png"))

    (line,) = [line for line in rig.journal("passport/anna.png") if line["event"] == "unknown"]

    assert rig.store.objects[ObjectRef(OUT, line["answer"])][0] == b"<html>oops</html>"
    assert line["request_id"] == "r-9"


def test_a_call_is_not_begun_when_time_is_short():
    rig = Rig(seconds=5)
    with pytest.raises(OutOfTimeError):
        rig.run(rig.upload("passport/anna.png"))
    assert rig.ocr.calls == []


def test_time_that_ends_after_an_unknown_leaves_the_second_try_to_the_next_delivery():
    rig = Rig(AnswerUnknownError("timeout"), PASSPORT, seconds=10)
    upload = rig.upload("passport/anna.png")

    with pytest.raises(UnavailableError):
        rig.run(upload)
    (outcome,) = rig.run(upload)

    assert outcome["status"] == "done"
    assert rig.record("passport/anna.png")["calls"]["unknown"] == 1


def test_what_the_service_refuses_for_good_ends_as_a_rejected_record():
    rig = Rig(RejectedError("not a passport", code="image-refused", vendor_code="AIS.0104", advice="Look."))
    (outcome,) = rig.run(rig.upload("passport/anna.png"))

    record = rig.record("passport/anna.png")

    assert outcome["status"] == record["status"] == "rejected"
    assert record["reason"]["vendor_code"] == "AIS.0104"
    assert record["pages"][0]["state"] == "rejected"
    assert rig.ocr.paid == 0


def test_a_subscription_that_is_missing_holds_the_document():
    rig = Rig(HeldError("no", code="not-subscribed", vendor_code="ModelArts.4204"))
    (outcome,) = rig.run(rig.upload("passport/anna.png"))

    assert outcome["status"] == "held"
    assert outcome["reason"]["code"] == "not-subscribed"


def test_what_was_held_is_tried_again_when_it_is_uploaded_again_and_not_when_it_is_only_delivered_again():
    rig = Rig(HeldError("no", code="not-subscribed"))
    upload = rig.upload("passport/anna.png")
    rig.run(upload)
    rig.ocr.script = [PASSPORT]

    (again,) = rig.run(upload)
    rig.clock.pause(60)
    (anew,) = rig.run(rig.upload("passport/anna.png"))

    assert (again["status"], anew["status"]) == ("held", "done")
    assert rig.ocr.paid == 1


def test_the_same_bytes_uploaded_again_are_not_paid_for_again():
    rig = Rig()
    rig.run(rig.upload("passport/anna.png"))
    rig.clock.pause(3600)
    (outcome,) = rig.run(rig.upload("passport/anna.png"))

    assert outcome["duplicate"]
    assert rig.ocr.paid == 1


class TestWhatIsNoDocument:
    @pytest.mark.parametrize("there", [True, False])
    def test_a_folder_is_skipped_with_a_reason(self, there):
        rig = Rig()
        upload = rig.upload("passport/", b"") if there else Upload(ObjectRef(IN, "passport/"))
        (outcome,) = rig.run(upload)
        assert (outcome["status"], outcome["reason"]["code"]) == ("skipped", "folder")
        assert rig.store.keys(OUT) == []

    def test_an_object_with_content_is_a_document_though_its_key_ends_as_a_folders(self):
        rig = Rig()
        rig.rules = Routing(region="cn-north-4", routes=(Route("*", "passport", outputs=("md",)),))
        (outcome,) = rig.run(rig.upload("scans/scan/"))
        assert (outcome["status"], rig.ocr.paid) == ("done", 1)
        assert rig.record("scans/scan/")["document"]["key"] == "scans/scan/"
        assert rig.store.objects[ObjectRef(OUT, "results/scans/scan//record.md")][0].startswith(b"# scan\n")

    def test_one_that_is_gone_before_it_is_read_has_a_record_too(self):
        rig = Rig()
        (outcome,) = rig.run(Upload(ObjectRef(IN, "passport/scan/"), size=7))
        assert (outcome["status"], outcome["reason"]["code"]) == ("rejected", "object-gone")

    def test_an_own_output_is_refused_and_leaves_no_trace(self):
        rig = Rig()
        (outcome,) = rig.run(Upload(ObjectRef(OUT, "results/passport/a.png/record.json")))
        assert outcome["reason"]["code"] == "own-output"
        assert rig.store.keys(OUT) == []

    def test_an_object_that_is_gone_has_a_record(self):
        rig = Rig()
        (outcome,) = rig.run(Upload(ObjectRef(IN, "passport/gone.png"), etag="abc"))
        assert (outcome["status"], outcome["reason"]["code"]) == ("rejected", "object-gone")
        assert rig.record("passport/gone.png")["status"] == "rejected"

    def test_an_event_that_cannot_be_read_has_a_record(self):
        rig = Rig()
        (outcome,) = rig.run(Unreadable(Reason("event-unreadable", "no Records", "Expected is ..."), "d1ge57"))
        assert outcome["status"] == "rejected"
        assert rig.record(".events/d1ge57")["reason"]["message"] == "no Records"

    def test_an_empty_object_has_a_record(self):
        rig = Rig()
        (outcome,) = rig.run(rig.upload("passport/empty.png", b""))
        assert (outcome["status"], outcome["reason"]["code"]) == ("rejected", "empty")


@pytest.mark.parametrize(
    ("key", "body", "code"),
    [
        ("passport/note.txt", b"Dear Sir or Madam,", "format-unknown"),
        ("passport/random.png", bytes(range(128, 256)), "format-unknown"),
        ("passport/cut.png", picture()[:-20], "truncated"),
        ("passport/cut.jpg", picture(name="JPEG")[:-20], "truncated"),
        ("passport/small.png", picture(7, 60), "sides-too-small"),
        ("passport/both.png", picture()[:99] + b"%PDF-1.7" + picture(), "format-ambiguous"),
        ("vat-invoice/heavy.ofd", b"PK\x03\x04OFD.xml" + bytes(20 * 2**20), "too-large"),
        ("passport/broken.png", picture()[:20] + bytes(9) + picture()[-12:], "document-broken"),
        ("unknown-folder/a.png", picture(), "no-route"),
        ("a.png", picture(), "no-route"),
        ("custom-template/a.png", picture(), "operation-removed"),
        ("invoice-verification/a.png", picture(), "operation-reads-no-document"),
    ],
)
def test_what_would_fail_is_rejected_before_anything_is_paid(key, body, code):
    rig = Rig()
    (outcome,) = rig.run(rig.upload(key, body))

    record = rig.record(key)

    assert (outcome["status"], outcome["reason"]["code"]) == ("rejected", code)
    assert record["reason"]["message"]
    assert record["reason"]["advice"]
    assert rig.ocr.calls == []
    assert rig.has(f"results/{key}/record.xlsx")


def test_an_operation_of_another_region_is_held_before_the_call():
    rig = Rig(rules=Routing(region="ap-southeast-2"))
    (outcome,) = rig.run(rig.upload("general-text/a.png"))
    assert (outcome["status"], outcome["reason"]["code"]) == ("held", "operation-not-in-region")
    assert "cn-north-4" in outcome["reason"]["advice"]


@pytest.mark.parametrize(
    "rules",
    [
        Routing(region="ap-southeast-2", pinned=True),
        Routing(region="ap-southeast-2", operations={"general-text": OperationSettings(region="cn-north-4")}),
    ],
)
def test_a_region_or_an_endpoint_set_by_hand_is_trusted(rules):
    rig = Rig(TEXT, rules=rules)
    (outcome,) = rig.run(rig.upload("general-text/a.png"))
    assert outcome["status"] == "done"


def test_rules_and_options_route_what_no_folder_names():
    rules = Routing(
        region="cn-north-4",
        routes=(Route("mail/*.png", "general-text", {"quick_mode": True}),),
        default="web-image",
        operations={"general-text": OperationSettings(options={"detect_direction": True})},
    )
    rig = Rig(TEXT, rules=rules)
    rig.run(rig.upload("mail/today/a.png"), rig.upload("b.png", picture(70, 50)))

    assert rig.ocr.calls[0][:2] == ("general-text", {"detect_direction": True, "quick_mode": True})
    assert rig.ocr.calls[1][0] == "web-image"


def test_one_bad_document_never_hides_the_good_ones_of_its_event():
    rig = Rig(
        UnavailableError("down"), UnavailableError("down"), UnavailableError("down"), UnavailableError("down"), TEXT
    )
    first, second = rig.upload("passport/a.png"), rig.upload("general-text/b.png", picture(61))

    with pytest.raises(RetryableError, match="1 of 2"):
        rig.run(first, second)

    assert rig.record("general-text/b.png")["status"] == "done"


def test_a_defect_of_ours_tells_where_without_quoting_values():
    rig = Rig(ValueError("secret passport number L898902C3"))
    with pytest.raises(RetryableError) as caught:
        rig.run(rig.upload("passport/a.png"))
    assert "L898902C3" not in str(caught.value)
    assert "recognize" in str(caught.value)
    assert "L898902C3" not in rig.log.text()


class TestPages:
    def test_a_pdf_is_called_page_by_page_where_the_operation_pages_by_itself(self):
        rig = Rig(TEXT)
        (outcome,) = rig.run(rig.upload("general-text/a.pdf", pdf(3)))
        assert outcome["pages"] == 3
        assert [call[1]["pdf_page_number"] for call in rig.ocr.calls] == [1, 2, 3]
        assert len(rig.record("general-text/a.pdf")["text"]) == 3

    def test_a_pdf_is_rendered_where_the_operation_takes_images_only(self):
        rig = Rig(PASSPORT)
        rig.run(rig.upload("passport/a.pdf", pdf(2)))
        urls = [call[2].url for call in rig.ocr.calls]
        assert all("/work/passport/a.pdf/" in url for url in urls)
        assert "rendered at 72 dpi" in rig.record("passport/a.pdf")["pages"][0]["note"]

    def test_every_image_of_a_tiff_is_called_for(self):
        rig = Rig(TEXT)
        (outcome,) = rig.run(rig.upload("general-text/a.tiff", tiff(3)))
        assert outcome["pages"] == 3

    def test_one_bad_page_leaves_the_others_and_makes_it_partial(self):
        rig = Rig(TEXT, RejectedError("blurred", code="image-refused"), TEXT)
        (outcome,) = rig.run(rig.upload("general-text/a.pdf", pdf(3)))
        record = rig.record("general-text/a.pdf")
        assert outcome["status"] == "partial"
        assert [page["state"] for page in record["pages"]] == ["done", "rejected", "done"]
        assert (record["document"]["format"], record["document"]["page_count"]) == ("pdf", 3)

    @pytest.mark.parametrize(
        ("name", "body", "code"),
        [("a.pdf", pdf(3), "page-broken"), ("a.tiff", tiff(3), "image-refused")],
        ids=["the service draws", "Legible draws"],
    )
    def test_a_page_that_the_service_cannot_draw_is_told_from_a_picture_that_it_refuses(self, name, body, code):
        rig = Rig(TEXT, RejectedError("no", code="image-refused", vendor_code="AIS.0104", request_id="r2"), TEXT)
        rig.run(rig.upload(f"general-text/{name}", body))
        reason = rig.record(f"general-text/{name}")["reason"]
        assert (reason["code"], reason["vendor_code"], reason["request_id"]) == (code, "AIS.0104", "r2")
        assert len(rig.ocr.calls) == 3

    def test_a_new_upload_of_a_partial_document_pays_only_for_what_is_missing(self):
        rig = Rig(TEXT, RejectedError("blurred", code="image-refused"), TEXT)
        rig.run(rig.upload("general-text/a.pdf", pdf(3)))
        rig.clock.pause(60)
        (outcome,) = rig.run(rig.upload("general-text/a.pdf", pdf(3)))
        assert outcome["status"] == "done"
        assert rig.ocr.paid == 3

    def test_a_subscription_that_ends_midway_holds_the_rest(self):
        rig = Rig(TEXT, HeldError("no", code="not-subscribed"))
        (outcome,) = rig.run(rig.upload("general-text/a.pdf", pdf(3)))
        record = rig.record("general-text/a.pdf")
        assert outcome["status"] == "partial"
        assert [page["state"] for page in record["pages"]] == ["done", "held", "held"]
        assert len(rig.ocr.calls) == 2

    def test_rendered_pages_are_sent_inline_when_set(self):
        rig = Rig(PASSPORT, policy=Policy(source="inline"))
        rig.run(rig.upload("passport/a.pdf", pdf(1)))
        assert rig.ocr.calls[0][2].body.startswith(b"\x89PNG")
        assert rig.store.keys(OUT, "work/") == []

    def test_a_large_document_of_several_pages_is_read_whole_to_count_them(self):
        rig = Rig(TEXT)
        body = tiff(2, noise=True)
        (outcome,) = rig.run(rig.upload("general-text/a.tiff", body))
        assert len(body) > 64 * 1024
        assert outcome["pages"] == 2

    def test_sides_that_stand_behind_the_first_64_kb_are_found(self):
        rig = Rig(PASSPORT)
        rig.run(rig.upload("passport/a.jpg", picture(name="JPEG", icc_profile=bytes(100_000))))
        assert rig.record("passport/a.jpg")["document"]["width"] == 60

    def test_of_a_large_image_only_its_ends_are_read(self):
        rig = Rig(PASSPORT)
        upload = rig.upload("passport/a.bmp", picture(900, 900, "BMP"))
        rig.run(upload)
        assert sum(size for ref, size in rig.store.reads if ref == upload.ref) <= 68 * 1024


def test_files_inside_an_answer_are_stored_beside_it_and_named_in_the_record():
    portrait = base64.b64encode(picture()).decode()
    rig = Rig({"number": "1", "portrait_image": portrait})
    rig.run(rig.upload("hk-id-card/a.png"))
    (attachment,) = rig.record("hk-id-card/a.png")["attachments"]
    assert rig.store.objects[ObjectRef(OUT, attachment["key"])][0] == picture()
    assert portrait not in json.dumps(rig.record("hk-id-card/a.png"))


def test_a_name_of_any_length_is_a_key_of_its_own():
    from legible.model import layout
    from legible.model.documents import Document

    document = Document(IN, "a.png", "v")
    long = [layout.attachment(document, 1, "x" * 200 + name) for name in ("1.png", "2.png")]
    assert len(set(long)) == 2
    assert all(key.endswith(".png") and len(key) < 200 for key in long)


def test_a_claim_that_cannot_be_given_back_is_told():
    rig = Rig()
    upload = rig.upload("passport/a.png")

    def fail(verb, ref):
        if verb == "append" and rig.ocr.paid:
            raise UnavailableError("503")

    rig.store.fail = fail
    with pytest.raises(UnavailableError):
        rig.run(upload)
    assert "not-released" in {line["event"] for line in rig.log.lines}


def test_an_upload_that_was_replaced_before_it_was_read_has_its_own_end():
    rig = Rig()
    old = rig.upload("passport/a.png")
    rig.clock.pause(1)
    newer = rig.upload("passport/a.png", picture(61, 41))
    (outcome,) = rig.run(old)
    rig.run(newer)
    rig.run(old)
    lines = rig.store.lines(OUT, f"ledger/{IN}/passport/a.png/{old.etag}.jsonl")
    assert outcome["status"] == "done"
    assert (lines[-1]["status"], lines[-1]["reason"]["code"]) == ("rejected", "replaced")
    assert rig.ocr.paid == 1


def test_an_upload_that_is_replaced_while_it_is_read_never_takes_the_newer_ones_answer():
    rig = Rig()
    upload = rig.upload("passport/a.png")
    rig.ocr.during = lambda: rig.upload("passport/a.png", picture(61, 41))
    (outcome,) = rig.run(upload)
    record = rig.record("passport/a.png")
    assert (outcome["status"], outcome["reason"]["code"]) == ("rejected", "replaced")
    assert record["fields"] == []
    assert record["calls"] == {"answered": 0, "unknown": 0, "surplus": 1}


def test_bytes_sent_inline_are_those_of_the_upload_whatever_lies_there_later():
    rig = Rig(policy=Policy(source="inline"))
    upload = rig.upload("passport/a.png")
    rig.ocr.during = lambda: rig.upload("passport/a.png", picture(61, 41))
    (outcome,) = rig.run(upload)
    assert outcome["status"] == "done"
    assert rig.ocr.calls[0][2].body == picture()


def test_an_upload_that_is_replaced_before_it_is_examined_is_never_mixed_with_the_newer_one():
    rig = Rig()
    upload = rig.upload("passport/a.png")

    def meanwhile(verb, ref):
        if verb == "read" and ref == upload.ref:
            rig.store.fail = lambda verb, ref: None
            rig.upload("passport/a.png", picture(61, 41))

    rig.store.fail = meanwhile
    (outcome,) = rig.run(upload)
    assert (outcome["status"], outcome["reason"]["code"]) == ("rejected", "replaced")
    assert rig.ocr.calls == []


def test_a_journal_that_refuses_a_line_is_never_taken_for_the_documents_own_end():
    rig = Rig()
    upload = rig.upload("passport/a.png")
    refused = []

    def refuse(verb, ref):
        if verb == "append" and rig.ocr.paid and not refused:
            refused.append(ref)
            raise RejectedError("400", code="obs-refused")

    rig.store.fail = refuse
    with pytest.raises(UnavailableError):
        rig.run(upload)
    (outcome,) = rig.run(upload)
    assert outcome["status"] == "done"
    assert rig.ocr.paid == 1


def test_a_document_that_may_not_be_looked_at_after_the_call_keeps_its_answer():
    rig = Rig()
    upload = rig.upload("passport/a.png")

    def refuse(verb, ref):
        if verb == "head" and ref == upload.ref and rig.ocr.paid:
            raise HeldError("403", code="obs-denied")

    rig.store.fail = refuse
    with pytest.raises(UnavailableError):
        rig.run(upload)
    rig.store.fail = lambda verb, ref: None
    (outcome,) = rig.run(upload)
    assert outcome["status"] == "done"
    assert rig.ocr.paid == 1


def test_a_journal_that_may_not_be_read_back_is_tried_again():
    rig = Rig()
    upload = rig.upload("passport/a.png")

    def refuse(verb, ref):
        if verb == "read" and ref.key.startswith("ledger/") and rig.ocr.paid == 1:
            raise HeldError("403", code="obs-denied")

    rig.store.fail = refuse
    with pytest.raises(UnavailableError):
        rig.run(upload)
    rig.store.fail = lambda verb, ref: None
    rig.clock.pause(70)
    (outcome,) = rig.run(upload)
    assert outcome["status"] == "done"


def test_pages_that_were_paid_for_stay_when_the_document_is_gone():
    rig = Rig(TEXT, ThrottledError("slow"))
    upload = rig.upload("general-text/a.pdf", pdf(2))
    with pytest.raises(ThrottledError):
        rig.run(upload)
    del rig.store.objects[upload.ref]
    (outcome,) = rig.run(upload)
    record = rig.record("general-text/a.pdf")
    assert (outcome["status"], record["reason"]["code"]) == ("partial", "object-gone")
    assert record["text"][0]["text"] == "Hello"
    assert record["calls"]["answered"] == 1


def test_a_document_is_never_read_by_two_operations():
    rig = Rig(TEXT, ThrottledError("slow"), rules=Routing(region="cn-north-4", default="general-text"))
    upload = rig.upload("a.pdf", pdf(2))
    with pytest.raises(ThrottledError):
        rig.run(upload)
    rig.rules = Routing(region="cn-north-4", default="bank-receipt")
    rig.ocr.script = [TEXT]
    (outcome,) = rig.run(upload)
    assert outcome["status"] == "done"
    assert {call[0] for call in rig.ocr.calls} == {"general-text"}
    assert rig.record("a.pdf")["operation"] == "general-text"


@pytest.mark.parametrize("error", [HeldError("403", code="obs-denied"), RejectedError("400", code="obs-refused")])
def test_an_answer_that_cannot_be_stored_is_on_the_record_as_paid(error):
    rig = Rig()
    upload = rig.upload("passport/a.png")

    def refuse(verb, ref):
        if verb == "write" and ref.key.startswith("answers/"):
            raise error

    rig.store.fail = refuse
    with pytest.raises(UnavailableError, match="could not be stored"):
        rig.run(upload)
    rig.store.fail = lambda verb, ref: None
    rig.run(upload)
    assert rig.ocr.paid == 2
    assert rig.record("passport/a.png")["calls"] == {"answered": 1, "unknown": 1, "surplus": 0}


def test_a_call_that_was_never_sent_is_never_counted_as_one():
    rig = Rig(AnswerUnknownError("timeout"), PASSPORT, seconds=5.5)
    upload = rig.upload("passport/a.png")
    for _ in range(3):
        with pytest.raises(OutOfTimeError):
            rig.run(upload)
    rig.seconds = 60
    (outcome,) = rig.run(upload)
    assert outcome["status"] == "done"
    assert rig.record("passport/a.png")["calls"]["unknown"] == 1


def test_what_was_held_before_the_call_was_paid_leaves_no_unknown():
    rig = Rig(HeldError("no", code="not-subscribed"))
    rig.run(rig.upload("passport/a.png"))
    rig.clock.pause(60)
    rig.ocr.script = [PASSPORT]
    rig.run(rig.upload("passport/a.png"))
    assert rig.record("passport/a.png")["calls"] == {"answered": 1, "unknown": 0, "surplus": 0}


def test_an_object_that_was_gone_for_a_moment_is_read_when_it_is_uploaded_again():
    rig = Rig()
    upload = rig.upload("passport/a.png")
    body = rig.store.objects.pop(upload.ref)[0]
    rig.run(upload)
    rig.clock.pause(60)
    (outcome,) = rig.run(rig.upload("passport/a.png", body))
    assert outcome["status"] == "done"


def test_one_document_twice_in_one_event_is_paid_for_once():
    rig = Rig()
    upload = rig.upload("passport/a.png")
    outcomes = rig.run(upload, upload)
    assert [outcome["status"] for outcome in outcomes] == ["done", "done"]
    assert rig.ocr.paid == 1


def test_more_pages_than_allowed_are_held_and_not_called_for():
    rig = Rig(TEXT, max_pages=2)
    (outcome,) = rig.run(rig.upload("general-text/a.pdf", pdf(3)))
    assert (outcome["status"], outcome["reason"]["code"]) == ("held", "too-many-pages")
    assert rig.ocr.calls == []


def test_an_object_of_another_bucket_is_told_and_left_alone():
    rig = Rig()
    rig.store.put("elsewhere", "passport/a.png", picture())
    (outcome,) = rig.run(Upload(ObjectRef("elsewhere", "passport/a.png")))
    assert (outcome["status"], outcome["reason"]["code"]) == ("skipped", "other-bucket")


def test_a_removal_is_told():
    rig = Rig()
    (outcome,) = rig.run(Ignored(ObjectRef(IN, "passport/a.png"), Reason("not-a-creation", "ObjectRemoved:Delete")))
    assert outcome["status"] == "skipped"
    assert rig.log.lines[0]["reason"] == "not-a-creation"


def test_bytes_behind_the_end_of_an_image_are_no_cut():
    rig = Rig()
    body = picture(300, 200, "JPEG") + bytes(9000)
    (outcome,) = rig.run(rig.upload("passport/motion.jpg", body))
    assert outcome["status"] == "done"


@pytest.mark.parametrize("error", [AnswerUnknownError("timeout"), HeldError("no", code="not-subscribed")])
def test_an_uploads_own_event_is_no_second_upload(error):
    """Given A replaced by B, and A's late event, which goes on to B; then B's own event, told to the millisecond."""
    rig = Rig(error)
    old = rig.upload("passport/a.png")
    rig.clock.pause(1)
    newer = rig.upload("passport/a.png", picture(61, 41))
    rig.run(old)
    calls = len(rig.ocr.calls)
    rig.run(msgspec.structs.replace(newer, at=rig.clock.now() + timedelta(milliseconds=400)))
    assert len(rig.ocr.calls) == calls


@pytest.mark.parametrize("bury", [False, True])
def test_an_answer_that_may_be_the_newer_uploads_is_never_adopted(bury):
    """Given a URL read while the upload was replaced, and an instance that died after storing the answer."""
    rig = Rig()
    upload = rig.upload("passport/a.png")
    rig.ocr.during = lambda: rig.upload("passport/a.png", picture(61, 41))

    def die(verb, ref):
        if verb == "head" and ref == upload.ref and rig.ocr.paid:
            raise UnavailableError("503")

    rig.store.fail = die
    with pytest.raises(UnavailableError):
        rig.run(upload)
    rig.store.fail = lambda verb, ref: None
    rig.ocr.during = lambda: None
    if bury:
        rig.invocation().bury([upload], Reason("platform-gave-up", "gave up"))
    rig.run(upload)
    lines = rig.store.lines(OUT, f"ledger/{IN}/passport/a.png/{upload.etag}.jsonl")
    assert "answered" not in {line["event"] for line in lines}
    (unknown,) = [line for line in lines if line["event"] == "unknown"]
    assert unknown["request_id"] == "request-1"


@pytest.mark.parametrize(("source", "key"), [("inline", "passport/a.png"), ("url", "passport/a.pdf")])
def test_an_answer_to_bytes_that_were_read_before_is_adopted(source, key):
    rig = Rig(policy=Policy(source=source))
    upload = rig.upload(key, pdf(1) if key.endswith("pdf") else None)
    fails = []

    def die(verb, ref):
        if verb == "read" and first_part(ref.key) and rig.ocr.paid and not fails:
            fails.append(ref)
            raise UnavailableError("503")

    rig.store.fail = die
    with pytest.raises(UnavailableError):
        rig.run(upload)
    (outcome,) = rig.run(upload)
    assert outcome["status"] == "done"
    assert rig.ocr.paid == 1


def test_a_dead_owners_answer_waits_while_the_document_cannot_be_looked_at():
    rig = Rig()
    upload = rig.upload("passport/a.png")

    def die(verb, ref):
        if verb == "read" and first_part(ref.key) and rig.ocr.paid == 1:
            rig.ocr.paid = 2
            raise UnavailableError("503")

    rig.store.fail = die
    with pytest.raises(UnavailableError):
        rig.run(upload)
    heads = []

    def deny(verb, ref):
        if verb == "head" and ref == upload.ref:
            heads.append(ref)
            if len(heads) == 2:
                raise HeldError("403", code="obs-denied")

    rig.store.fail = deny
    with pytest.raises(UnavailableError):
        rig.run(upload)
    (outcome,) = rig.run(upload)
    assert outcome["status"] == "done"
    assert len(rig.ocr.calls) == 1


def test_a_stored_answer_that_was_removed_is_said_and_stops_no_burial():
    rig = Rig(TEXT, ThrottledError("slow"))
    upload = rig.upload("general-text/a.pdf", pdf(2))
    with pytest.raises(ThrottledError):
        rig.run(upload)
    for key in rig.store.keys(OUT, "answers/"):
        del rig.store.objects[ObjectRef(OUT, key)]
    rig.ocr.script = [TEXT]
    with pytest.raises(RetryableError, match="is gone"):
        rig.run(upload)
    rig.invocation().bury([upload], Reason("platform-gave-up", "gave up"))
    assert "could not be read" in rig.record("general-text/a.pdf")["notes"][0]


@pytest.mark.parametrize("name", ["results/passport/a.png/record.json", "newest"])
def test_what_somebody_else_wrote_over_is_written_over(name):
    rig = Rig()
    rig.run(rig.upload("passport/a.png"))
    for key in rig.store.keys(OUT):
        if name in key:
            ref = ObjectRef(OUT, key)
            rig.store.objects[ref] = (b"\xff not ours\n", *rig.store.objects[ref][1:])
    rig.clock.pause(60)
    (outcome,) = rig.run(rig.upload("passport/a.png", picture(61, 41)))
    assert outcome["status"] == "done"
    assert rig.record("passport/a.png")["status"] == "done"


def test_a_journal_that_was_spoilt_later_makes_no_done_document_dead():
    rig = Rig()
    upload = rig.upload("passport/a.png")
    rig.run(upload)
    ref = ObjectRef(OUT, f"ledger/{IN}/passport/a.png/{upload.etag}.jsonl")
    rig.store.objects[ref] = (b"not ours\n", *rig.store.objects[ref][1:])
    (outcome,) = rig.bury(upload, Reason("platform-gave-up", "gave up"))
    assert outcome["status"] == rig.record("passport/a.png")["status"] == "done"


class TestGivenUp:
    reason = Reason("platform-gave-up", "FunctionGraph gave up after 3 calls")

    def test_what_the_platform_gave_up_on_becomes_a_dead_record(self):
        rig = Rig()
        upload = rig.upload("passport/a.png")
        (outcome,) = rig.bury(upload, self.reason)
        assert outcome["status"] == "dead"
        assert rig.record("passport/a.png")["reason"]["message"] == self.reason.message

    def test_what_ended_meanwhile_stays_as_it_ended(self):
        rig = Rig()
        upload = rig.upload("passport/a.png")
        rig.run(upload)
        (outcome,) = rig.bury(upload, self.reason)
        assert outcome["status"] == "done"
        assert rig.record("passport/a.png")["status"] == "done"

    def test_pages_that_were_paid_for_make_it_partial(self):
        rig = Rig(TEXT, ThrottledError("slow"))
        upload = rig.upload("general-text/a.pdf", pdf(3))
        with pytest.raises(ThrottledError):
            rig.run(upload)
        rig.invocation().bury([upload], self.reason)
        record = rig.record("general-text/a.pdf")
        assert record["status"] == "partial"
        assert record["reason"]["code"] == "platform-gave-up"
        assert record["text"][0]["text"] == "Hello"
        assert [page["state"] for page in record["pages"]] == ["done", "held", "held"]

    def test_a_document_that_was_paid_for_whole_is_done(self):
        rig = Rig()
        upload = rig.upload("passport/a.png")
        rig.store.fail = self.no_results
        with pytest.raises(UnavailableError):
            rig.run(upload)
        rig.store.fail = lambda verb, ref: None
        rig.invocation().bury([upload], self.reason)
        assert rig.record("passport/a.png")["status"] == "done"
        assert rig.record("passport/a.png")["reason"] is None

    def no_results(self, verb, ref):
        if verb == "write" and ref.key.startswith("results/"):
            raise UnavailableError("503")

    def test_only_the_upload_the_event_names_is_buried(self):
        rig = Rig()
        old = rig.upload("passport/a.png")
        newer = rig.upload("passport/a.png", picture(61, 41))
        rig.invocation().bury([old], self.reason)
        (outcome,) = rig.run(newer)
        assert outcome["status"] == "done"
        assert rig.record("passport/a.png")["status"] == "done"

    def test_what_was_held_and_uploaded_again_is_not_buried(self):
        rig = Rig(HeldError("no", code="not-subscribed"))
        upload = rig.upload("passport/a.png")
        rig.run(upload)
        rig.clock.pause(60)
        again = rig.upload("passport/a.png")
        rig.invocation().bury([again], self.reason)
        rig.ocr.script = [PASSPORT]
        (outcome,) = rig.run(again)
        assert outcome["status"] == "done"

    def test_answers_that_cannot_be_read_are_no_obstacle(self):
        rig = Rig()
        upload = rig.upload("passport/a.png")
        rig.store.fail = self.no_results
        with pytest.raises(UnavailableError):
            rig.run(upload)
        rig.store.fail = lambda verb, ref: None
        (key,) = [key for key in rig.store.keys(OUT, "answers/") if "invocation" in key]
        rig.store.put(OUT, key, b"something else")
        with pytest.raises(RetryableError, match="not the one that was paid for"):
            rig.run(upload)
        rig.invocation().bury([upload], self.reason)
        record = rig.record("passport/a.png")
        assert "could not be read" in record["notes"][0]

    def test_a_store_that_fails_while_burying_is_tried_again(self):
        rig = Rig()
        upload = rig.upload("passport/a.png")
        rig.store.fail = self.no_results
        with pytest.raises(UnavailableError):
            rig.invocation().bury([upload], self.reason)

    def test_another_invocation_that_takes_it_meanwhile_is_let_through(self):
        rig = Rig()
        upload = rig.upload("passport/a.png")
        done = []

        def meanwhile(verb, ref):
            if verb == "append" and not done:
                done.append(True)
                rig.clock.pause(100)
                rig.run(upload)

        rig.store.after = meanwhile
        with pytest.raises(BusyError):
            rig.invocation().bury([upload], self.reason)
        assert rig.record("passport/a.png")["status"] == "done"

    def test_a_journal_that_cannot_be_used_is_no_obstacle(self):
        rig = Rig()
        upload = rig.upload("passport/a.png")
        etag = rig.store.head(upload.ref).etag
        rig.store.put(OUT, f"ledger/{IN}/passport/a.png/{etag}.jsonl", b"not ours\n")
        with pytest.raises(RetryableError, match="Line 1 of the journal"):
            rig.run(upload)
        (outcome,) = rig.bury(upload, self.reason)
        assert outcome["status"] == rig.record("passport/a.png")["status"] == "dead"

    def test_a_store_that_refuses_the_journal_for_another_reason_is_tried_again(self):
        rig = Rig()
        upload = rig.upload("passport/a.png")

        def refuse(verb, ref):
            if verb == "append":
                raise HeldError("no", code="obs-denied")

        rig.store.fail = refuse
        with pytest.raises(UnavailableError):
            rig.invocation().bury([upload], self.reason)

    def test_an_upload_that_has_no_route_is_buried_too(self):
        rig = Rig()
        (outcome,) = rig.bury(rig.upload("nowhere.png"), self.reason)
        assert outcome["status"] == "dead"


class TestKeys:
    def test_where_the_decoded_key_is_not_there_the_raw_one_is_tried(self):
        rig = Rig()
        rig.store.put(IN, "passport/a+b.png", picture())
        (outcome,) = rig.run(Upload(ObjectRef(IN, "passport/a b.png"), raw_key="passport/a+b.png"))
        assert (outcome["key"], outcome["status"]) == ("passport/a+b.png", "done")

    def test_where_both_are_there_the_etag_decides(self):
        rig = Rig()
        rig.store.put(IN, "passport/a b.png", picture(70, 70))
        right = rig.store.head(rig.store.put(IN, "passport/a+b.png", picture())).etag
        (outcome,) = rig.run(Upload(ObjectRef(IN, "passport/a b.png"), raw_key="passport/a+b.png", etag=right))
        assert outcome["key"] == "passport/a+b.png"

    def test_an_object_replaced_before_it_was_read_is_told(self):
        rig = Rig()
        rig.store.put(IN, "passport/a.png", picture())
        (outcome,) = rig.run(Upload(ObjectRef(IN, "passport/a.png"), etag="0" * 32))
        assert outcome["status"] == "done"
        assert rig.log.lines[0]["event"] == "replaced"

    def test_a_version_that_is_not_there_falls_back_to_the_object(self):
        rig = Rig()
        rig.store.put(IN, "passport/a.png", picture())
        (outcome,) = rig.run(Upload(ObjectRef(IN, "passport/a.png"), version_id="G001"))
        assert outcome["status"] == "done"

    def test_a_key_of_1024_bytes_still_has_its_results(self):
        rig = Rig()
        key = "passport/" + "护" * 335 + ".png"
        (outcome,) = rig.run(rig.upload(key))
        assert outcome["status"] == "done"
        assert all(len(name.encode()) <= 1024 for name in rig.store.keys(OUT))

    @pytest.mark.parametrize("key", ["passport/../beta/a.png", "passport/./a.png"])
    def test_one_whose_url_could_be_taken_for_that_of_another_is_sent_inline(self, key):
        rig = Rig()
        rig.store.put(IN, "beta/a.png", picture(90, 90))
        (outcome,) = rig.run(rig.upload(key))
        _, _, sent = rig.ocr.calls[0]
        assert (outcome["status"], sent.source, sent.body) == ("done", "inline", picture())
        assert "another key" in rig.record(key)["pages"][0]["note"]
