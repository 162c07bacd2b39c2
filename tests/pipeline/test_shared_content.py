"""Paid once by content: copies, moved buckets and encrypted uploads adopt the answers that were paid for."""

from __future__ import annotations

import pytest
from msgspec import structs

from legible.errors import BusyError, HeldError, ThrottledError
from legible.ledger.changes import name_of
from legible.model import layout
from legible.model.documents import ObjectRef, Order, Upload
from legible.model.pages import Share
from tests.support.rig import IN, OUT, PASSPORT, TEXT, Rig, pdf, picture

A = picture()


def uploaded(rig, key, body=A):
    rig.clock.pause(5)
    ref = rig.store.put(IN, key, body)
    head = rig.store.head(ref)
    return Upload(ref, raw_key=key, etag=head.etag, version_id=head.version_id)


def record_of(rig, key):
    return rig.store.json(OUT, layout.results(key, "record.json"))


def contents(rig):
    return rig.store.keys(OUT, "contents/")


class TestCopies:
    def test_a_copy_under_another_key_adopts_the_answer(self):
        # given a passport that was read
        rig = Rig(PASSPORT)
        rig.run(uploaded(rig, "passport/anna.png"))

        # when the same bytes come under another key
        (outcome,) = rig.run(uploaded(rig, "passport/copy.png"))

        # then its record is whole and says where the answer comes from, and no call was made
        first, copy = rig.record("passport/anna.png"), rig.record("passport/copy.png")
        assert (outcome["status"], rig.ocr.paid) == ("done", 1)
        assert copy["fields"] == first["fields"]
        assert copy["calls"] == {"answered": 0, "unknown": 0, "surplus": 0}
        assert copy["pages"][0]["request_id"] == first["pages"][0]["request_id"]
        assert f"see the journal of name {name_of(first['ledger'])}" in copy["pages"][0]["note"]
        assert copy["pages"][0]["answer"].startswith("answers/passport/copy.png/")

    def test_a_copy_of_a_copy_names_who_paid(self):
        rig = Rig(PASSPORT)
        for name in "abc":
            rig.run(uploaded(rig, f"passport/{name}.png"))
        assert rig.ocr.paid == 1
        assert rig.journal("passport/c.png")[1]["adopted"] == name_of(rig.record("passport/a.png")["ledger"])

    def test_another_operation_pays_for_its_own(self):
        rig = Rig(PASSPORT)
        rig.run(uploaded(rig, "passport/a.png"))
        rig.run(uploaded(rig, "general-text/a.png"))
        assert rig.ocr.paid == 2

    @pytest.mark.parametrize(("options", "paid"), [({"detect_direction": True}, 1), ({}, 2)])
    def test_by_the_same_options_it_adopts_and_by_others_it_pays(self, options, paid):
        rig = Rig(TEXT)
        for name, asked in (("a", {"detect_direction": True}), ("b", options)):
            rig.run(structs.replace(uploaded(rig, f"general-text/{name}.png"), order=Order("general-text", asked)))
        assert rig.ocr.paid == paid

    def test_what_is_missing_is_paid_for_by_the_copy_alone(self):
        # given a document of three pages of which one could not be read in time
        rig = Rig(TEXT, TEXT, ThrottledError("slow"))
        with pytest.raises(ThrottledError):
            rig.run(uploaded(rig, "general-text/a.pdf", pdf(3)))

        # when its copy comes, and then the document once more
        rig.ocr.script = [TEXT]
        rig.run(uploaded(rig, "general-text/b.pdf", pdf(3)))
        (outcome,) = rig.run(uploaded(rig, "general-text/a.pdf", pdf(3)))

        # then
        assert (outcome["status"], rig.ocr.paid) == ("done", 3)
        paid = [rig.record(f"general-text/{name}.pdf")["calls"]["answered"] for name in "ab"]
        assert paid == [2, 1]

    def test_the_pages_of_a_workflow_are_adopted_too(self):
        rig = Rig(TEXT)
        rig.run(uploaded(rig, "general-text/a.pdf", pdf(2)))
        event = uploaded(rig, "general-text/b.pdf", pdf(2))
        for number in (1, 2):
            rig.steps().recognize_pages(event, Share(number, 2))
        rig.run(event)
        assert rig.ocr.paid == 2
        assert rig.record("general-text/b.pdf")["status"] == "done"

    def test_an_answer_that_something_else_changed_is_not_adopted(self):
        rig = Rig(PASSPORT)
        rig.run(uploaded(rig, "passport/a.png"))
        for key in [key for key in rig.store.keys(OUT, "answers/") if key.endswith(".json")]:
            rig.store.objects[ObjectRef(OUT, key)] = (b"{}", *rig.store.objects[ObjectRef(OUT, key)][1:])
        (outcome,) = rig.run(uploaded(rig, "passport/b.png"))
        assert (outcome["status"], rig.ocr.paid) == ("done", 2)
        assert "not-adopted" in rig.log.text()

    def test_a_journal_that_something_else_spoilt_names_no_answer(self):
        rig = Rig(PASSPORT)
        upload = uploaded(rig, "passport/a.png")
        rig.run(upload)
        ref = ObjectRef(OUT, f"ledger/{IN}/passport/a.png/{upload.etag}.jsonl")
        rig.store.objects[ref] = (b"not ours\n", *rig.store.objects[ref][1:])
        (outcome,) = rig.run(uploaded(rig, "passport/b.png"))
        assert (outcome["status"], rig.ocr.paid) == ("done", 2)


class TestAtTheSameTime:
    """Two documents of one content, of which one is being read when the other comes."""

    def during(self, rig, other):
        """Have another upload delivered while the first one's call is made; return what became of it."""
        outcomes = []

        def deliver():
            if len(rig.ocr.calls) == 1:
                try:
                    outcomes.extend(rig.run(other))
                except BusyError as error:
                    outcomes.append(error)

        rig.ocr.during = deliver
        return outcomes

    def test_the_later_one_waits_and_pays_nothing(self):
        # given
        rig = Rig(PASSPORT)
        first, second = uploaded(rig, "passport/a.png"), uploaded(rig, "passport/b.png")
        outcomes = self.during(rig, second)

        # when
        rig.run(first)
        rig.run(second)

        # then it was told to come again, and found the answer
        assert isinstance(outcomes[0], BusyError)
        assert "same content" in outcomes[0].message
        assert rig.ocr.paid == 1
        assert rig.record("passport/b.png")["status"] == "done"

    def test_it_pays_where_the_first_one_died(self):
        # given an invocation that died before its call
        rig = Rig(PASSPORT)
        first, second = uploaded(rig, "passport/a.png"), uploaded(rig, "passport/b.png")

        def die():
            raise KeyboardInterrupt

        rig.ocr.during = die
        with pytest.raises(KeyboardInterrupt):
            rig.run(first)
        rig.ocr.during = lambda: None

        # when its lease has ended
        rig.clock.pause(70)
        rig.run(second)
        (outcome,) = rig.run(first)

        # then the first one, delivered again, adopts what the second one paid for
        assert (outcome["status"], rig.ocr.paid) == ("done", 1)
        assert rig.record("passport/a.png")["calls"] == {"answered": 0, "unknown": 1, "surplus": 0}

    @pytest.mark.parametrize("replaced", [False, True])
    def test_it_adopts_what_the_first_one_stored_before_it_died(self, replaced):
        # given an invocation that died between its answer and the line that says so
        rig = Rig(PASSPORT)
        first, second = uploaded(rig, "passport/a.png"), uploaded(rig, "passport/b.png")

        def die(verb, ref):
            if verb == "append" and rig.ocr.calls:
                raise KeyboardInterrupt

        rig.store.fail = die
        with pytest.raises(KeyboardInterrupt):
            rig.run(first)
        rig.store.fail = lambda verb, ref: None
        rig.clock.pause(70)
        if replaced:  # then the answer may be of another upload
            uploaded(rig, "passport/a.png", picture(61, 41))

        # when
        (outcome,) = rig.run(second)

        # then
        assert (outcome["status"], rig.ocr.paid) == ("done", 2 if replaced else 1)

    def test_a_lost_reply_to_the_line_is_recognized(self):
        """Given an append whose reply was lost: the line is there, and says that this very document may pay."""
        rig = Rig(PASSPORT)
        real = rig.store.append

        def twice(ref, position, body):
            if ref.key.startswith("contents/"):
                real(ref, position, body)
            return real(ref, position, body)

        rig.store.append = twice
        (outcome,) = rig.run(uploaded(rig, "passport/a.png"))
        assert (outcome["status"], rig.ocr.paid) == ("done", 1)
        assert len(rig.store.lines(OUT, contents(rig)[0])) == 1

    def test_a_line_that_something_else_wrote_names_nobody(self):
        rig = Rig(PASSPORT)
        rig.run(uploaded(rig, "passport/a.png"))
        ref = ObjectRef(OUT, contents(rig)[0])
        rig.store.append(ref, len(rig.store.objects[ref][0]), b"\xff not ours\n")
        (outcome,) = rig.run(uploaded(rig, "passport/b.png"))
        assert (outcome["status"], rig.ocr.paid) == ("done", 1)

    def test_a_list_that_takes_no_line_stops_nobody(self):
        rig = Rig(PASSPORT)
        upload = uploaded(rig, "passport/a.png")
        rig.run(upload)
        (name,) = contents(rig)
        rig.store.write(ObjectRef(OUT, name), b"what is this\n", "text/plain")
        (outcome,) = rig.run(uploaded(rig, "passport/b.png"))
        assert outcome["status"] == "done"
        assert "content-not-shared" in rig.log.text()

    def test_who_comes_back_is_not_taken_for_idle(self):
        # given a document that was given back, and its copy, which has just seen that nobody works on it
        rig = Rig(ThrottledError("slow"))
        first, second = uploaded(rig, "passport/a.png"), uploaded(rig, "passport/b.png")
        with pytest.raises(ThrottledError):
            rig.run(first)
        rig.ocr.script = [PASSPORT]
        real, outcomes = rig.store.append, []

        def append(ref, position, body):
            if ref.key.startswith("contents/") and position and not outcomes:
                outcomes.append("begun")
                outcomes.extend(rig.run(first))
            return real(ref, position, body)

        # when the document is delivered again before the copy's line is appended
        rig.store.append = append
        rig.run(second)

        # then
        assert rig.ocr.paid == 1
        assert {rig.record(f"passport/{name}.png")["status"] for name in "ab"} == {"done"}

    def test_an_upload_that_comes_before_the_list_is_looked_up_lends_no_answer(self):
        # given B, which was read elsewhere, and A, which B replaces just after it was claimed
        rig = Rig(PASSPORT)
        other = picture(61, 41)
        rig.run(uploaded(rig, "passport/b.png", other))
        upload = uploaded(rig, "passport/a.png")

        def replace(verb, ref):
            if verb == "append" and ref.key.startswith(f"ledger/{IN}/passport/a.png/{upload.etag}"):
                rig.store.after = lambda verb, ref: None
                rig.clock.pause(1)
                rig.store.put(IN, "passport/a.png", other)

        rig.store.after = replace

        # when
        rig.run(upload)

        # then A is not done with what B says
        record = rig.store.json(OUT, f"answers/passport/a.png/{upload.etag}/record.json")
        assert (record["status"], record["fields"]) == ("rejected", [])


class TestMovedBucket:
    def moved(self, rig):
        """Copy every object of the input bucket into another one, which is the input bucket from now on."""
        new = "legible-new"
        for ref in [ref for ref in rig.store.objects if ref.bucket == IN]:
            rig.store.put(new, ref.key, rig.store.objects[ref][0])
        rig.input = new
        moved = [ref for ref in rig.store.objects if ref.bucket == new]
        return [Upload(ref, raw_key=ref.key, etag=rig.store.head(ref).etag) for ref in moved]

    @pytest.mark.parametrize("listed", [True, False], ids=["today", "version 0.1"])
    def test_nothing_of_it_is_paid_for_again(self, listed):
        # given documents that were read; version 0.1 kept no lists of contents
        rig = Rig(PASSPORT)
        keys = [f"passport/{number}.png" for number in range(5)]
        for number, key in enumerate(keys):
            rig.run(uploaded(rig, key, picture(60 + number)))
        if not listed:
            for name in contents(rig):
                del rig.store.objects[ObjectRef(OUT, name)]

        # when the bucket moves, and OBS tells of each object
        events = self.moved(rig)
        outcomes = [rig.run(event)[0] for event in events]

        # then
        assert [outcome["status"] for outcome in outcomes] == ["done"] * 5
        assert rig.ocr.paid == 5
        assert rig.record(keys[0])["document"]["bucket"] == "legible-new"

    def test_other_bytes_under_the_same_key_are_paid_for(self):
        rig = Rig(PASSPORT)
        rig.run(uploaded(rig, "passport/a.png"))
        (outcome,) = rig.run(uploaded(rig, "passport/a.png", picture(61, 41)))
        assert (outcome["status"], rig.ocr.paid) == ("done", 2)


class TestWhatIdentifiesTheBytes:
    @pytest.mark.parametrize("versioned", [True, False])
    def test_in_an_encrypted_bucket_they_are_read_once_and_digested(self, versioned):
        # given a bucket that gives every upload another etag
        rig = Rig(PASSPORT)
        rig.store.encrypted.add(IN)
        rig.store.versioned |= {IN} if versioned else set()

        # when the same bytes are uploaded three times under one key, and once under another
        for key in ["passport/a.png"] * 3 + ["passport/b.png"]:
            (outcome,) = rig.run(uploaded(rig, key))
            assert outcome["status"] == "done"

        # then
        assert rig.ocr.paid == 1

    def test_the_repair_of_a_partial_document_costs_its_missing_page(self):
        rig = Rig(TEXT, TEXT, ThrottledError("slow"))
        rig.store.encrypted.add(IN)
        with pytest.raises(ThrottledError):
            rig.run(uploaded(rig, "general-text/a.pdf", pdf(3)))
        rig.ocr.script = [TEXT]
        (outcome,) = rig.run(uploaded(rig, "general-text/a.pdf", pdf(3)))
        assert (outcome["status"], rig.ocr.paid) == ("done", 3)

    def test_a_store_that_does_not_show_the_bytes_holds_the_document(self):
        rig = Rig(PASSPORT)
        rig.store.encrypted.add(IN)
        upload = uploaded(rig, "passport/a.png")
        begun = []

        def deny(verb, ref):
            if verb == "append" and ref.key.startswith("ledger/"):
                begun.append(ref)
            if begun and verb == "read" and ref == upload.ref:
                raise HeldError("403", code="obs-denied", advice="Permit it.")

        rig.store.fail = deny
        (outcome,) = rig.run(upload)
        assert (outcome["status"], rig.ocr.paid) == ("held", 0)

    def test_bytes_that_are_gone_have_no_digest_and_are_not_paid_for(self):
        rig = Rig(PASSPORT)
        rig.store.encrypted.add(IN)
        upload = uploaded(rig, "passport/a.png")
        rig.store.after = lambda verb, ref: (
            rig.store.objects.pop(upload.ref, None) if verb == "append" and ref.key.startswith("ledger/") else None
        )
        (outcome,) = rig.run(upload)
        assert (outcome["status"], rig.ocr.paid) == ("rejected", 0)


class TestShortenedKeys:
    def test_a_key_that_looks_like_a_shortened_one_has_results_of_its_own(self):
        # given a key that is too long, and an upload whose key is what that one is shortened to
        rig = Rig(PASSPORT)
        long = "passport/" + "x" * 900 + ".png"
        other = layout.shortened(long)
        rig.run(uploaded(rig, long))

        # when
        rig.run(uploaded(rig, other, picture(61, 41)))

        # then both have their own, and the list shows both
        assert record_of(rig, long)["document"]["key"] == long
        assert record_of(rig, other)["document"]["key"] == other
        assert len({layout.shortened(key) for key in (long, other)}) == 2

    def test_a_short_key_that_ends_like_one_stays_what_it_is(self):
        key = "passport/a~" + "0" * 32
        assert layout.shortened(key) == key
