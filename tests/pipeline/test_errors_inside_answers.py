"""An error that comes as a success means what it means with its own HTTP status, and may have been paid."""

from __future__ import annotations

import json
from hashlib import sha256

import pytest

from legible.huawei import faults
from legible.model.documents import ObjectRef
from legible.model.pages import Answer
from legible.operations import catalog
from tests.support.rig import OUT, PASSPORT, TEXT, Rig, pdf

KEY, PAGES = "passport/anna.png", "general-text/a.pdf"
BOX = [[1, 2], [9, 2], [9, 5], [1, 5]]


def body(code: object, message: str | None = "No.") -> dict[str, object]:
    """Return the JSON of an error; a code of None leaves it out."""
    return {name: value for name, value in (("error_code", code), ("error_msg", message)) if value is not None}


#: Where an error has been seen, or may stand: as the whole answer, in its result, in a list, beside nothing.
PLACES = {
    "alone": lambda error: error,
    "in the result": lambda error: {"result": error},
    "beside a null result": lambda error: {"result": None, **error},
    "beside an empty result": lambda error: {"result": {}, **error},
    "beside an empty list": lambda error: {"result": [], **error},
    "in a list": lambda error: {"result": [error]},
    "in a list of lists": lambda error: {"result": [[error]]},
    "as a list": lambda error: [error],
    "in a status": lambda error: {"result": {"status": error}},
    "in an error": lambda error: {"error": error},
    "with counts of nothing": lambda error: {
        "result": {**error, "direction": -1, "words_block_count": 0, "words_block_list": [], "type": "x"}
    },
}
everywhere = pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)


def answer(place, error: dict[str, object]) -> Answer:
    """Return an answer that holds an error at a place."""
    return Answer(json.dumps(place(error)).encode(), "r-7")


@everywhere
@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("AIS.0101", "rejected", "parameter-refused"),
        ("AIS.0103", "rejected", "sides-refused"),
        ("AIS.0104", "rejected", "image-refused"),
        ("AIS.0105", "rejected", "not-recognized"),
        ("AIS.9999", "rejected", "refused"),
        ("APIG.0101", "held", "api-not-found"),
        ("ModelArts.4203", "held", "not-permitted"),
        ("ModelArts.4204", "held", "not-subscribed"),
    ],
)
def test_a_lasting_error_ends_the_document_as_its_own_status_would(place, code, status, reason):
    # given
    rig = Rig(answer(place, body(code)))
    # when
    (outcome,) = rig.run(rig.upload(KEY))
    # then
    record = rig.record(KEY)
    assert outcome["status"] == record["status"] == status
    assert (record["reason"]["code"], record["reason"]["vendor_code"]) == (reason, code)
    assert record["reason"]["request_id"] == "r-7"
    assert "HTTP 200" in record["reason"]["message"] and "No." in record["reason"]["message"]
    assert record["calls"] == {"answered": 0, "unknown": 1, "surplus": 0}
    assert record["fields"] == []
    assert rig.ocr.paid == len(rig.ocr.calls) == 1


@pytest.mark.parametrize("place", [PLACES["alone"], PLACES["in the result"], PLACES["in a list"]])
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (body(None, "The image is odd."), "The image is odd."),
        (body(103), "103"),
        (body(103.0), "103.0"),
        (body("X", None), "X"),
        ({"error_message": "Odd."}, "Odd."),
    ],
)
def test_an_error_that_no_page_names_is_refused_once(place, error, said):
    rig = Rig(answer(place, error))
    (outcome,) = rig.run(rig.upload(KEY))
    assert (outcome["status"], rig.ocr.paid) == ("rejected", 1)
    assert said in rig.record(KEY)["reason"]["message"]


@everywhere
@pytest.mark.parametrize("code", ["ModelArts.4402", "APIG.0201", "APIG.0308", "ModelArts.4704", 503, "429"])
def test_a_passing_error_is_tried_again_and_both_calls_are_counted(place, code):
    # given
    rig = Rig(answer(place, body(code)), PASSPORT)
    # when
    (outcome,) = rig.run(rig.upload(KEY))
    # then
    assert outcome["status"] == "done"
    assert rig.record(KEY)["calls"] == {"answered": 1, "unknown": 1, "surplus": 0}
    assert rig.ocr.paid == 2


@pytest.mark.parametrize("code", ["ModelArts.4402", "APIG.0308", 503])
def test_it_is_tried_no_more_often_than_may_be_paid(code):
    # given an error that does not pass
    rig = Rig(answer(PLACES["alone"], body(code)))
    upload = rig.upload(KEY)
    # when it is delivered again and again
    for _ in range(3):
        (outcome,) = rig.run(upload)
        rig.clock.pause(600)
    # then
    record = rig.record(KEY)
    assert outcome["status"] == record["status"] == "dead"
    assert (rig.ocr.paid, record["calls"]["unknown"]) == (2, 2)
    assert record["reason"]["vendor_code"] == str(code)
    assert f"answered with errors, at last {code}" in record["reason"]["message"]
    assert "no answer came back" not in record["reason"]["message"]


def test_what_somebody_must_mend_stays_held_until_it_is_mended():
    # given
    rig = Rig(answer(PLACES["in the result"], body("ModelArts.4204")))
    upload = rig.upload(KEY)
    for _ in range(4):
        (outcome,) = rig.run(upload)
        rig.clock.pause(600)
    assert (outcome["status"], rig.ocr.paid) == ("held", 2)
    assert rig.record(KEY)["reason"]["code"] == "not-subscribed"
    # when it is mended and uploaded again
    rig.ocr.script = [PASSPORT]
    (outcome,) = rig.run(rig.upload(KEY))
    # then
    assert (outcome["status"], rig.ocr.paid) == ("done", 3)
    assert rig.record(KEY)["calls"] == {"answered": 1, "unknown": 2, "surplus": 0}


def test_what_came_is_kept_as_evidence():
    rig = Rig(answer(PLACES["in the result"], body("AIS.0103")))
    rig.run(rig.upload(KEY))
    (line,) = [line for line in rig.journal(KEY) if line["event"] == "unknown"]
    kept = rig.store.objects[ObjectRef(OUT, line["answer"])][0]
    assert json.loads(kept) == {"result": body("AIS.0103")}
    assert line["reason"]["vendor_code"] == "AIS.0103"


def test_the_other_pages_are_done():
    rig = Rig(TEXT, answer(PLACES["in the result"], body("AIS.0105")), TEXT)
    (outcome,) = rig.run(rig.upload(PAGES, pdf(3)))
    assert outcome["status"] == "partial"
    assert [page["state"] for page in rig.record(PAGES)["pages"]] == ["done", "rejected", "done"]


@pytest.mark.parametrize(
    "result",
    [
        {"surname": "A", "error_code": "AIS.0105"},
        {"surname": "A", "error_code": "AIS.0000", "error_msg": "Succeeded."},
        {"error_code": "AIS.0000", "error_msg": "Succeeded."},
        {"error_code": 0},
        {"error_msg": ""},
        {"status": {"code": 200, "message": "OK"}},
        {"remarks": "error_code AIS.0103"},
        {"code": "AIS.0103", "message": "an invoice may have these"},
        {},
        [],
    ],
)
def test_an_answer_that_holds_more_or_no_error_counts(result):
    rig = Rig(result)
    (outcome,) = rig.run(rig.upload(KEY))
    assert (outcome["status"], rig.record(KEY)["calls"]["answered"]) == ("done", 1)


class TestDocumentsInAPicture:
    """Of several documents in one picture each may fail by itself; only those that were recognized are billed."""

    CARDS = "auto-classification/cards.png"

    def part(self, error: str, **content: str) -> dict[str, object]:
        """Return one document of a picture."""
        return {"status": body(error), "type": "quota_invoice", "location": BOX, "content": content}

    def test_one_of_three_is_a_finding(self):
        parts = [self.part("AIS.0000", code="1"), self.part("AIS.0104"), self.part("AIS.0000", code="2")]
        rig = Rig(parts)
        (outcome,) = rig.run(rig.upload(self.CARDS))
        record = rig.record(self.CARDS)
        (finding,) = [check for check in record["checks"] if not check["passed"]]
        assert (outcome["status"], finding["rule"]) == ("done", "part-recognized")
        assert finding["message"] == "Result 2 was not recognized: AIS.0104 No."

    @pytest.mark.parametrize(("codes", "status"), [(["AIS.0104"], "rejected"), (["AIS.0105"] * 3, "rejected")])
    def test_where_all_failed_the_document_is_not_done_and_nothing_was_paid(self, codes, status):
        rig = Rig([self.part(code) for code in codes])
        (outcome,) = rig.run(rig.upload(self.CARDS))
        record = rig.record(self.CARDS)
        assert outcome["status"] == record["status"] == status
        assert record["reason"]["vendor_code"] == codes[0]
        assert record["calls"] == {"answered": 0, "unknown": 0, "surplus": 0}
        assert rig.ocr.paid == 0
        several = f"None of the {len(codes)} documents" if len(codes) > 1 else "The document in the picture was not"
        assert several in record["reason"]["message"]

    def test_where_all_failed_for_now_it_is_tried_again(self):
        rig = Rig([self.part("ModelArts.4402")], [self.part("AIS.0000", code="1")])
        (outcome,) = rig.run(rig.upload(self.CARDS))
        assert (outcome["status"], rig.ocr.paid, len(rig.ocr.calls)) == ("done", 1, 2)


class TestMadeAgain:
    """What an earlier version took for an answer is called what it is when its results are made anew."""

    def test_an_error_that_was_called_done_is_not(self):
        # given a document that was done, whose stored answer is an error
        rig = Rig(PASSPORT)
        rig.run(rig.upload(KEY))
        (journal,) = [ref for ref in rig.store.objects if ref.key.startswith("ledger/") and "newest" not in ref.key]
        (line,) = [line for line in rig.journal(KEY) if line["event"] == "answered"]
        kept = json.dumps({"result": body("AIS.0103", "https://a.example/?token=x")}).encode()
        stored = rig.store.objects[journal]
        names = stored[0].replace(line["sha256"].encode(), sha256(kept).hexdigest().encode())
        rig.store.objects[journal] = (names, *stored[1:])
        rig.store.put(OUT, line["answer"], kept)
        # when
        rebuilder = rig.rebuilder()
        rebuilder.rebuild(rebuilder.current(KEY))
        # then
        record = rig.record(KEY)
        assert (record["status"], record["reason"]["code"]) == ("dead", "answer-unreadable")
        assert "an error of the service, AIS.0103 https://a.example/?[removed]" in record["reason"]["message"]
        assert record["calls"]["answered"] == 1


def test_secrets_in_an_error_are_removed():
    odd = Answer(json.dumps({"error_code": "AIS.0101", "error_msg": "key CANARY is odd"}).encode())
    error = faults.inside(catalog.find("passport"), odd, ("CANARY",))
    assert error is not None and "CANARY" not in error.message
