"""A document is its content, and what a URL opened is proven, in buckets of each kind."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from legible.errors import HeldError, ThrottledError, UnavailableError
from legible.ledger import journal
from legible.ledger.journal import Line
from legible.model import layout
from legible.model.documents import Document, ObjectRef, Reason, Upload
from legible.model.pages import Answer
from legible.recognition.page import PageCall
from legible.recognition.policy import Policy
from tests.support.rig import IN, OUT, PASSPORT, TEXT, Rig, pdf, picture

KEY = "passport/a.png"
A, B = picture(), picture(61, 41)


def rig_of(bucket, *script, **options):
    rig = Rig(*script, **options)
    if "versioned" in bucket:
        rig.store.versioned.add(IN)
    if "encrypted" in bucket:
        rig.store.encrypted.add(IN)
    return rig


def uploaded(rig, body, key=KEY, metadata=None):
    """Upload; the event names the version, as OBS does."""
    rig.clock.pause(5)
    ref = rig.store.put(IN, key, body, metadata=metadata)
    head = rig.store.head(ref)
    return Upload(ref, raw_key=key, etag=head.etag, version_id=head.version_id, at=rig.clock.now())


def journals(rig, key=KEY):
    return [name for name in rig.store.keys(OUT, f"ledger/{IN}/{key}/") if "newest-" not in name]


@pytest.fixture(params=["plain", "versioned"])
def bucket(request):
    return request.param


class TestPaidOnce:
    def test_the_same_bytes_uploaded_three_times_are_paid_once(self, bucket):
        # given three uploads of the same bytes, each with its event
        rig = rig_of(bucket)

        # when
        outcomes = [rig.run(uploaded(rig, A))[0] for _ in range(3)]

        # then one call was made, and one journal tells of it
        assert rig.ocr.paid == 1
        assert [outcome["status"] for outcome in outcomes] == ["done"] * 3
        assert [outcome.get("duplicate", False) for outcome in outcomes] == [False, True, True]
        assert len(journals(rig)) == 1

    def test_events_that_come_late_and_in_another_order_cost_nothing(self, bucket):
        rig = rig_of(bucket)
        uploads = [uploaded(rig, A) for _ in range(3)]
        for upload in reversed(uploads):
            rig.run(upload)
        assert rig.ocr.paid == 1
        assert rig.record(KEY)["status"] == "done"

    def test_a_partial_document_that_is_uploaded_again_pays_for_its_missing_page_alone(self, bucket):
        # given a document of three pages of which one failed for good
        rig = rig_of(bucket, TEXT, TEXT, ThrottledError("slow"))
        key = "general-text/a.pdf"
        upload = uploaded(rig, pdf(3), key)
        with pytest.raises(ThrottledError):
            rig.run(upload)
        (outcome,) = rig.bury(upload, Reason("platform-gave-up", "It gave up."))
        assert (outcome["status"], rig.ocr.paid) == ("partial", 2)

        # when it is uploaded again
        rig.ocr.script = [TEXT]
        (outcome,) = rig.run(uploaded(rig, pdf(3), key))

        # then
        assert (outcome["status"], rig.ocr.paid) == ("done", 3)
        assert rig.record(key)["calls"]["answered"] == 3

    def test_the_later_upload_counts_as_the_newest_though_it_costs_nothing(self, bucket):
        # given A, then B, then A again
        rig = rig_of(bucket)
        rig.run(uploaded(rig, A))
        rig.run(uploaded(rig, B))
        again = uploaded(rig, A)

        # when
        rig.run(again)

        # then A's result is on top, with the time of its last upload
        assert rig.ocr.paid == 2
        assert rig.record(KEY)["document"]["etag"] == again.etag

    def test_an_upload_in_between_is_older_though_its_event_comes_last(self, bucket):
        """Given A, B, A, where A's last event was begun by an invocation that died: B's end stays below."""
        rig = rig_of(bucket, UnavailableError("5xx"), PASSPORT, policy=Policy(attempts=1))
        first, between = uploaded(rig, A), uploaded(rig, B)
        with pytest.raises(UnavailableError):
            rig.run(uploaded(rig, A))
        rig.run(first)
        rig.run(between)
        assert rig.record(KEY)["document"]["etag"] == first.etag


class TestOrders:
    def test_the_same_bytes_ordered_for_another_operation_are_another_document(self, bucket):
        # given a picture read by its route
        rig = rig_of(bucket)
        rig.run(uploaded(rig, A))

        # when it comes again, ordered to be read otherwise; then again without an order
        rig.run(uploaded(rig, A, metadata={"legible-operation": "general-text"}))
        ordered = rig.record(KEY)["operation"]
        rig.run(uploaded(rig, A))

        # then each got what it asked for, and nothing was paid for twice
        assert (ordered, rig.record(KEY)["operation"]) == ("general-text", "passport")
        assert rig.ocr.paid == 2

    def test_an_order_that_says_what_was_done_is_the_same_document(self):
        """Given a journal of version 0.1, which named documents without their order."""
        rig = rig_of("plain")
        rig.run(uploaded(rig, A))
        rig.run(uploaded(rig, A, metadata={"legible-operation": "passport"}))
        assert (rig.ocr.paid, len(journals(rig))) == (1, 1)

    ORDER = {"legible-operation": "general-text"}

    @pytest.mark.parametrize("gone", [True, False])
    def test_pages_that_were_paid_for_stay_with_their_document_when_it_is_replaced_or_gone(self, gone):
        # given an ordered document of which two pages are answered
        rig = rig_of("plain", TEXT, TEXT, ThrottledError("slow"))
        key = "inbox/a.pdf"
        upload = uploaded(rig, pdf(3), key, self.ORDER)
        with pytest.raises(ThrottledError):
            rig.run(upload)

        # when it is delivered again after it was removed, or replaced
        if gone:
            rig.store.remove(upload.ref)
        else:
            rig.store.put(IN, key, pdf(1), metadata=self.ORDER)
        rig.ocr.script = [TEXT]
        rig.run(upload)

        # then it ends with what was paid for
        (name,) = [name for name in journals(rig, key) if upload.etag in name]
        version = name.rsplit("/", 1)[-1].removesuffix(".jsonl")
        record = rig.store.json(OUT, f"answers/{key}/{version}/record.json")
        assert (record["status"], record["calls"]["answered"]) == ("partial", 2)

    def test_a_document_that_nobody_could_look_at_first_is_one_document(self):
        # given an input bucket that refuses for a while
        rig = rig_of("plain")
        upload = uploaded(rig, A, "inbox/a.png", self.ORDER)

        def deny(verb, ref):
            if verb == "head" and ref == upload.ref:
                raise HeldError("403", code="obs-denied")

        rig.store.fail = deny
        rig.run(upload)
        rig.store.fail = lambda verb, ref: None

        # when it is uploaded again
        (outcome,) = rig.run(uploaded(rig, A, "inbox/a.png", self.ORDER))

        # then
        assert (outcome["status"], len(journals(rig, "inbox/a.png"))) == ("done", 1)

    def test_a_journal_of_other_bytes_that_cannot_be_read_is_not_in_its_way(self):
        rig = rig_of("plain")
        upload = uploaded(rig, A, "inbox/a.png", self.ORDER)
        for name in (upload.etag, f"{upload.etag}.2"):
            rig.store.put(OUT, f"ledger/{IN}/inbox/a.png/{name}.jsonl", b"not ours\n")
        (outcome,) = rig.run(upload)
        assert outcome["status"] == "done"
        rig.store.remove(upload.ref)
        (outcome,) = rig.run(upload)
        assert outcome["status"] in ("done", "rejected")

    def test_a_document_of_version_0_1_that_is_gone_ends_under_its_own_name(self):
        # given a document that was begun under its version's id, and removed for good
        rig = rig_of("versioned", ThrottledError("slow"))
        upload = uploaded(rig, A)
        document = Document(IN, KEY, upload.version_id)
        line = Line("claimed", rig.clock.now(), "old", 1, operation="passport", pages=1)
        rig.store.append(ObjectRef(OUT, layout.journal(document)), 0, journal.encode(line))
        rig.store.remove_version(upload.ref, upload.version_id)

        # when
        rig.run(upload)

        # then
        assert journals(rig) == [layout.journal(document)]


class TestFormerNames:
    """Version 0.1 named a document in a bucket with versions by the version's id."""

    def former(self, rig, upload):
        """Give the one document the name that version 0.1 gave it."""
        (name,) = journals(rig)
        etag = upload.etag
        for key in [key for key in rig.store.keys(OUT) if f"/{etag}" in key]:
            ref = ObjectRef(OUT, key)
            body, kind, at, metadata = rig.store.objects.pop(ref)
            metadata = {name: text.replace(etag, upload.version_id) for name, text in metadata.items()}
            body = body.replace(f'"version": "{etag}"'.encode(), f'"version": "{upload.version_id}"'.encode())
            body = body.replace(f"/{etag}/".encode(), f"/{upload.version_id}/".encode())
            moved = ObjectRef(OUT, key.replace(f"/{etag}", f"/{upload.version_id}"))
            rig.store.objects[moved] = (body, kind, at, metadata)
            if ref in rig.store.appendable:
                rig.store.appendable[moved] = rig.store.appendable[ref]
        record = ObjectRef(OUT, f"results/{KEY}/record.json")
        body, *rest = rig.store.objects[record]
        body = body.replace(f'"version": "{etag}"'.encode(), f'"version": "{upload.version_id}"'.encode())
        rig.store.objects[record] = (body, *rest)

    def test_its_journal_is_found_by_the_version_and_by_the_bytes(self):
        # given
        rig = rig_of("versioned")
        upload = uploaded(rig, A)
        rig.run(upload)
        self.former(rig, upload)

        # when it is delivered once more, and uploaded again
        rig.run(upload)
        rig.run(uploaded(rig, A))

        # then
        assert rig.ocr.paid == 1
        assert journals(rig) == [f"ledger/{IN}/{KEY}/{upload.version_id}.jsonl"]

    def test_a_published_result_whose_journal_is_gone_names_nothing(self):
        rig = rig_of("versioned")
        upload = uploaded(rig, A)
        rig.run(upload)
        self.former(rig, upload)
        del rig.store.objects[ObjectRef(OUT, journals(rig)[0])]
        later = uploaded(rig, A)
        rig.run(later)
        assert journals(rig) == [f"ledger/{IN}/{KEY}/{later.etag}.jsonl"]


def text_of(body):
    """Answer with words that say whose picture it is."""
    return {"words_block_list": [{"words": "A" if body == A else "B", "confidence": 0.9}]}


class Service:
    """Reads what lies behind the URL at that moment; ``before`` and ``after`` it reads, things happen."""

    def __init__(self, rig):
        self.rig = rig
        self.sources = []
        self.before = self.after = lambda: None

    def recognize(self, operation, options, asked, seconds):
        self.sources.append(asked.source)
        if asked.source == "inline":
            return answer(text_of(asked.body), len(self.sources))
        before, self.before = self.before, lambda: None
        after, self.after = self.after, lambda: None
        before()
        read = self.rig.store.objects[ObjectRef(IN, TEXT_KEY)][0]
        after()
        return answer(text_of(read), len(self.sources))


def answer(result, number):
    return Answer(json.dumps({"result": result}).encode(), f"request-{number}")


TEXT_KEY = "general-text/a.png"


class TestWhatTheUrlOpened:
    def swapped(self, bucket):
        """Return a rig, its service and an upload of A, which B replaces just before the service reads it."""
        rig = rig_of(bucket)
        rig.ocr = service = Service(rig)
        ref = rig.store.put(IN, TEXT_KEY, A)
        head = rig.store.head(ref)
        service.before = lambda: rig.store.put(IN, TEXT_KEY, B)
        return rig, service, Upload(ref, raw_key=TEXT_KEY, etag=head.etag, version_id=head.version_id)

    def test_what_was_put_back_in_the_same_second_is_sent_inline(self, bucket):
        # given A, replaced by B while the service reads, and put back before Legible looks again; no second passes
        rig, service, upload = self.swapped(bucket)
        service.after = lambda: rig.store.put(IN, TEXT_KEY, A)

        # when
        (outcome,) = rig.run(upload)

        # then the first answer is surplus, and the record has A's own text
        record = rig.record(TEXT_KEY)
        assert (outcome["status"], [block["text"] for block in record["text"]]) == ("done", ["A"])
        assert service.sources == ["url", "inline"]
        assert record["calls"] == {"answered": 1, "unknown": 0, "surplus": 1}
        assert "another upload lay there" in record["pages"][0]["note"]

    def test_what_was_replaced_and_removed_is_not_done_with_another_s_text(self, bucket):
        # given B, which replaced A, removed before Legible looks again
        rig, service, upload = self.swapped(bucket)
        service.after = lambda: rig.store.remove(upload.ref)

        # when
        (outcome,) = rig.run(upload)

        # then a bucket with versions still has A's bytes; elsewhere the record says why there is no text
        record = rig.record(TEXT_KEY)
        texts = [block["text"] for block in record["text"]]
        if bucket == "versioned":
            assert (outcome["status"], texts, service.sources) == ("done", ["A"], ["url", "inline"])
        else:
            assert (outcome["status"], texts, record["reason"]["code"]) == ("rejected", [], "replaced")
            assert "removed" in record["reason"]["message"]
        assert record["calls"]["surplus"] == 1

    def test_the_other_pages_of_a_document_are_not_sent_by_url_again(self):
        # given a document that the service pages by itself, put back once more after its first page was read
        rig = rig_of("plain", {"words_block_list": []})
        body = pdf(3)
        upload = uploaded(rig, body, "general-text/a.pdf")
        rig.ocr.during = lambda: rig.store.put(IN, upload.ref.key, body) if len(rig.ocr.calls) == 1 else None
        rig.clock.pause(5)

        # when
        rig.ocr.during()
        (outcome,) = rig.run(upload)

        # then one call was too many, not one a page
        assert outcome["status"] == "done"
        assert [picture.source for _, _, picture in rig.ocr.calls] == ["url", "inline", "inline", "inline"]

    def test_a_page_that_waited_for_its_turn_is_not_sent_by_a_url_that_opens_another_upload(self):
        # given a page whose picture is ready, and an upload that comes while it waits for its turn
        rig = rig_of("plain")
        pipeline = rig.invocation()
        document, decision = pipeline.look(uploaded(rig, A))
        claim = pipeline._claims.take(document, decision)
        context = pipeline._calls._context
        proof = context.proof(decision.job.document)
        rig.clock.pause(5)

        def another_page_finds_out():
            rig.store.put(IN, KEY, A)
            proof.doubt()

        # when
        PageCall(context, claim, decision.job, 1, before=another_page_finds_out).once()

        # then nothing was paid for in vain
        assert [picture.source for _, _, picture in rig.ocr.calls] == ["inline"]
        assert claim.state.surplus == 0

    def test_an_older_version_with_the_bytes_of_the_newest_is_read_by_url(self):
        rig = rig_of("versioned")
        first = uploaded(rig, A)
        uploaded(rig, A)
        rig.run(first)
        assert [picture.source for _, _, picture in rig.ocr.calls] == ["url"]

    def test_an_older_version_is_sent_inline(self):
        rig = rig_of("versioned")
        first = uploaded(rig, A)
        uploaded(rig, B)
        (outcome,) = rig.run(first)
        assert outcome["status"] == "done"
        assert rig.ocr.calls[0][2].body == A

    def test_a_signed_url_names_the_version_and_needs_no_proof(self):
        # given two versions, of which the older one is delivered
        rig = rig_of("versioned", policy=Policy(source="signed-url"))
        first = uploaded(rig, A)
        uploaded(rig, B)

        # when
        (outcome,) = rig.run(first)

        # then the service was given that very version
        (call,) = rig.ocr.calls
        assert (outcome["status"], call[2].source) == ("done", "signed-url")
        assert f"versionId={first.version_id}" in call[2].url

    def test_an_upload_of_another_second_is_read_at_once(self):
        """Given an upload that is some seconds old: nothing is waited for."""
        rig = rig_of("plain")
        upload = uploaded(rig, A)
        rig.clock.pause(5)
        before = rig.clock.now()
        rig.run(upload)
        assert rig.clock.now() - before < timedelta(seconds=1)
        assert rig.ocr.calls[0][2].source == "url"

    def test_a_store_that_cannot_tell_uploads_apart_is_given_no_url(self):
        rig = rig_of("plain")
        rig.store.ageless = True
        (outcome,) = rig.run(uploaded(rig, A))
        assert outcome["status"] == "done"
        assert "could not be told apart" in rig.record(KEY)["pages"][0]["note"]


class TestAdopted:
    """The answer of an invocation that died after it had stored it."""

    def died(self, bucket):
        """Return a rig and an upload whose first invocation died between the answer and the line that says so."""
        rig = rig_of(bucket)
        upload = uploaded(rig, A)
        calls = rig.ocr.calls

        def die(verb, ref):
            if verb == "append" and calls:
                raise KeyboardInterrupt

        rig.store.fail = die
        with pytest.raises(KeyboardInterrupt):
            rig.run(upload)
        rig.store.fail = lambda verb, ref: None
        rig.clock.pause(70)
        return rig, upload

    def test_it_counts_where_the_same_upload_still_lies_there(self, bucket):
        rig, upload = self.died(bucket)
        (outcome,) = rig.run(upload)
        assert (outcome["status"], rig.ocr.paid) == ("done", 1)

    def test_it_does_not_where_the_same_bytes_were_put_there_again(self, bucket):
        # given that B may have lain there in between
        rig, upload = self.died(bucket)
        again = uploaded(rig, A)

        # when
        (outcome,) = rig.run(again)

        # then it is on record as possibly paid
        assert (outcome["status"], rig.record(KEY)["calls"]["unknown"]) == ("done", 1)

    def test_it_does_not_where_the_upload_is_gone(self):
        rig, upload = self.died("plain")
        rig.store.remove(upload.ref)
        (outcome,) = rig.run(upload)
        assert (outcome["status"], rig.record(KEY)["calls"]["unknown"]) == ("rejected", 1)

    def test_an_answer_to_a_page_sent_inline_after_a_doubt_is_found_under_its_own_name(self):
        # given a doubtful answer by URL, and an invocation that died when the page had been sent inline
        rig = rig_of("plain")
        upload = uploaded(rig, A)
        rig.ocr.during = lambda: rig.store.put(IN, KEY, A) if len(rig.ocr.calls) == 1 else None

        def die(verb, ref):
            if verb == "append" and len(rig.ocr.calls) == 2:
                raise KeyboardInterrupt

        rig.clock.pause(5)
        rig.store.fail = die
        with pytest.raises(KeyboardInterrupt):
            rig.run(upload)
        rig.store.fail = lambda verb, ref: None
        rig.clock.pause(70)

        # when
        (outcome,) = rig.run(upload)

        # then
        assert (outcome["status"], rig.ocr.paid) == ("done", 2)
        assert rig.record(KEY)["calls"] == {"answered": 1, "unknown": 0, "surplus": 1}


def test_a_document_killed_twice_before_it_is_sent_is_not_said_to_have_been_sent():
    # given a document that is sent inline, and two invocations that die while they read it
    rig = Rig(policy=Policy(source="inline"))
    upload = uploaded(rig, A)

    def die(verb, ref):
        if verb == "read" and ref == upload.ref and any(journals(rig)):
            raise KeyboardInterrupt

    rig.store.fail = die
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            rig.run(upload)
        rig.clock.pause(70)
    rig.store.fail = lambda verb, ref: None

    # when
    (outcome,) = rig.run(upload)

    # then
    assert (outcome["status"], rig.record(KEY)["calls"]["unknown"]) == ("done", 0)
