"""An answer that was paid for and cannot be read: paid once, kept as it came, and never called done."""

from __future__ import annotations

from hashlib import sha256

import pytest

from legible.errors import RetryableError, ThrottledError
from legible.model.documents import ObjectRef, Reason
from legible.model.pages import Answer
from legible.operations.routing import Route, Routing
from tests.support.rig import OUT, PASSPORT, TEXT, Rig, pdf

KEY, PAGES = "passport/anna.png", "general-text/a.pdf"
UNREADABLE = {
    "text": b'{"result": "L898902C3"}',
    "a number": b'{"result": 7}',
    "a list of nothing, 500 deep": b'{"result": ' + b"[" * 500 + b"]" * 500 + b"}",
    "too deep for any reader": b'{"result": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "a byte that breaks the JSON": b'{"result": \xff{"surname": "A"}}',
    "cut off": b'{"result": {"surname": "A',
}
READ = {
    "UTF-16": '{"result": {"surname": "ERIKSSON"}}'.encode("utf-16"),
    "an invalid byte": b'{"result": {"surname": "ERIKSSON", "sex": "\xff"}}',
    "a number of 5,000 digits": b'{"result": {"surname": "ERIKSSON", "x": ' + b"9" * 5000 + b"}}",
    "500 deep": b'{"result": {"surname": "ERIKSSON", "x": ' + b'{"a":' * 500 + b"1" + b"}" * 502,
}


@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE)
def test_it_is_paid_once_kept_and_its_page_says_why(body):
    # given
    rig = Rig(Answer(body, "r-7"))
    upload = rig.upload(KEY)

    # when: delivered three times
    (outcome,) = rig.run(upload)
    rig.run(upload)
    rig.run(upload)

    # then
    record = rig.record(KEY)
    (page,) = record["pages"]
    assert (outcome["status"], record["status"], page["state"]) == ("dead", "dead", "dead")
    assert page["reason"]["code"] == record["reason"]["code"] == "answer-unreadable"
    assert page["reason"]["request_id"] == "r-7"
    (line,) = [line for line in rig.journal(KEY) if line["event"] == "answered"]
    assert (line["reason"]["request_id"], line["reason"]["message"]) == ("r-7", page["reason"]["message"])
    assert rig.store.objects[ObjectRef(OUT, page["answer"])][0] == body
    assert record["calls"] == {"answered": 1, "unknown": 0, "surplus": 0}
    assert rig.ocr.paid == 1


@pytest.mark.parametrize("body", READ.values(), ids=READ)
def test_what_can_be_read_of_an_odd_answer_is_read(body):
    rig = Rig(Answer(body))
    rig.rules = Routing(region="cn-north-4", routes=(Route("*", "passport", outputs=("md",)),))
    (outcome,) = rig.run(rig.upload(KEY))
    assert (outcome["status"], rig.ocr.paid) == ("done", 1)
    assert next(field["value"] for field in rig.record(KEY)["fields"] if field["name"] == "surname") == "ERIKSSON"


def test_the_same_upload_again_pays_for_nothing():
    rig = Rig(Answer(UNREADABLE["text"]))
    rig.run(rig.upload(KEY))
    rig.clock.pause(60)
    (outcome,) = rig.run(rig.upload(KEY))
    assert (outcome["status"], rig.ocr.paid) == ("dead", 1)


def test_the_other_pages_are_done():
    rig = Rig(TEXT, Answer(UNREADABLE["a number"]), TEXT)
    (outcome,) = rig.run(rig.upload(PAGES, pdf(3)))
    record = rig.record(PAGES)
    assert outcome["status"] == record["status"] == "partial"
    assert [page["state"] for page in record["pages"]] == ["done", "dead", "done"]
    assert record["reason"]["code"] == "answer-unreadable"
    assert len(record["text"]) == 2


def test_an_answer_of_an_invocation_that_died_is_judged_too():
    # given an invocation that dies between storing its answer and naming it
    rig = Rig(Answer(UNREADABLE["text"]))
    upload = rig.upload(KEY)

    def dies(verb, ref):
        if verb == "append" and rig.ocr.paid:
            raise KeyboardInterrupt

    rig.store.fail = dies
    with pytest.raises(KeyboardInterrupt):
        rig.run(upload)
    rig.store.fail = lambda verb, ref: None
    rig.clock.pause(600)

    # when the next one finds it
    (outcome,) = rig.run(upload)

    # then
    assert (outcome["status"], rig.ocr.paid) == ("dead", 1)
    (line,) = [line for line in rig.journal(KEY) if line["event"] == "answered"]
    assert (line["state"], line["reason"]["code"]) == ("dead", "answer-unreadable")


class TestMadeAgain:
    """A later version of Legible may read what this one cannot, and the other way round."""

    def test_what_can_be_read_by_now_is_done(self):
        rig = Rig(Answer(UNREADABLE["text"]))
        rig.run(rig.upload(KEY))
        self.replace_answer(rig, b'{"result": {"surname": "ERIKSSON"}}')
        assert self.rebuilt(rig).status == rig.record(KEY)["status"] == "done"
        assert rig.record(KEY)["reason"] is None

    def test_what_was_called_done_and_cannot_be_read_is_not(self):
        rig = Rig(PASSPORT)
        rig.run(rig.upload(KEY))
        self.replace_answer(rig, UNREADABLE["text"])
        assert self.rebuilt(rig).status == rig.record(KEY)["status"] == "dead"
        assert rig.record(KEY)["reason"]["code"] == "answer-unreadable"

    def test_nothing_changed_means_the_same_bytes(self):
        rig = Rig(Answer(UNREADABLE["text"]), TEXT)
        rig.run(rig.upload(PAGES, pdf(2)))
        before = rig.record(PAGES)
        rebuilder = rig.rebuilder()
        rebuilder.rebuild(rebuilder.current(PAGES))
        assert rig.record(PAGES) == before

    def test_what_was_given_up_keeps_the_reason_for_that(self):
        rig = Rig(Answer(UNREADABLE["text"]), ThrottledError("slow"))
        upload = rig.upload(PAGES, pdf(2))
        with pytest.raises(ThrottledError):
            rig.run(upload)
        rig.bury(upload, Reason("platform-gave-up", "gave up"))
        before, rebuilder = rig.record(PAGES), rig.rebuilder()
        assert (before["status"], before["reason"]["code"]) == ("dead", "platform-gave-up")
        rebuilder.rebuild(rebuilder.current(PAGES))
        assert rig.record(PAGES) == before

    def replace_answer(self, rig, body):
        """Stand in for a reader that reads otherwise: other bytes, under a journal that names them."""
        (journal,) = [ref for ref in rig.store.objects if ref.key.startswith("ledger/") and "newest" not in ref.key]
        (line,) = [line for line in rig.journal(KEY) if line["event"] == "answered"]
        stored = rig.store.objects[journal]
        names = stored[0].replace(line["sha256"].encode(), sha256(body).hexdigest().encode())
        rig.store.objects[journal] = (names, *stored[1:])
        rig.store.put(OUT, line["answer"], body)

    def rebuilt(self, rig):
        rebuilder = rig.rebuilder()
        return rebuilder.rebuild(rebuilder.current(KEY))


def test_a_document_that_was_given_up_over_its_answers_is_not_done():
    # given pages of which one answer is gone
    rig = Rig(TEXT, ThrottledError("slow"))
    upload = rig.upload(PAGES, pdf(2))
    with pytest.raises(ThrottledError):
        rig.run(upload)
    rig.ocr.script = [TEXT]
    for key in rig.store.keys(OUT, "answers/"):
        del rig.store.objects[ObjectRef(OUT, key)]
    with pytest.raises(RetryableError, match="is gone"):
        rig.run(upload)

    # when
    rig.bury(upload, Reason("platform-gave-up", "gave up"))

    # then: nothing was read, and nothing says that it was
    record = rig.record(PAGES)
    assert record["status"] == "dead"
    assert {page["state"] for page in record["pages"]} == {"dead"}
