"""What a document cost is counted once, whoever tells it, and the record tells what the journal does."""

from __future__ import annotations

from typing import Any

import pytest

from legible.errors import AnswerUnknownError, BusyError, HeldError, RetryableError, UnavailableError
from legible.ledger.claim import Claim, Wish
from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model.documents import Document, ObjectRef
from tests.support.fakes import START
from tests.support.rig import IN, OUT, PASSPORT, Rig

KEY = "passport/a.png"


def line(event: str, owner: str, n: int, **values: Any) -> Line:
    return Line(event, START, owner, n, 1, **values)


CALL = line("claimed", "a", 1)
TAKEN = Line("claimed", START, "b", 1)
ADOPTED = line("unknown", "b", 2, of="a")
FILED = line("answered", "b", 2, of="a", answer="a.json")
UNKNOWN = line("unknown", "a", 2)
SURPLUS = line("surplus", "a", 2, answer="a.json")


@pytest.mark.parametrize(
    ("lines", "counts"),
    [
        # one call of an owner that was taken for dead and lives
        ([CALL, TAKEN, ADOPTED, UNKNOWN], (0, 1, 0)),
        ([CALL, UNKNOWN, TAKEN, ADOPTED], (0, 1, 0)),
        ([CALL, TAKEN, ADOPTED, line("unknown", "c", 1, of="a")], (0, 1, 0)),
        ([CALL, TAKEN, ADOPTED, SURPLUS], (0, 0, 1)),
        ([CALL, TAKEN, FILED, SURPLUS], (1, 0, 0)),
        ([CALL, TAKEN, SURPLUS, FILED], (1, 0, 0)),
        # two calls
        ([CALL, UNKNOWN, line("calling", "a", 3), TAKEN, ADOPTED], (0, 2, 0)),
        ([CALL, UNKNOWN, line("calling", "a", 3), TAKEN, ADOPTED, line("unknown", "a", 4)], (0, 2, 0)),
        ([CALL, TAKEN, ADOPTED, line("answered", "b", 3, answer="b.json"), SURPLUS], (1, 0, 1)),
        ([CALL, SURPLUS, line("answered", "b", 3, answer="b.json"), line("answered", "c", 1, of="a", answer="a.json")],
         (1, 0, 1)),
        # an announcement that is gone is no reason to count less
        ([UNKNOWN, TAKEN, line("unknown", "b", 2, of="c")], (0, 2, 0)),
    ],
)  # fmt: skip
def test_a_call_is_counted_once(lines, counts):
    state = State(lines)
    assert (state.answered, state.unknown, state.surplus) == counts


class Late:
    """A document whose first payer works on although its claim has run out, and another one has ended it meanwhile."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.upload = rig.upload(KEY)
        rig.ocr.during = self.meanwhile

    def meanwhile(self) -> None:
        self.rig.ocr.during = lambda: None
        self.rig.clock.pause(70)
        self.rig.run(self.upload)

    def run(self) -> RetryableError:
        with pytest.raises(RetryableError) as caught:
            self.rig.run(self.upload)
        return caught.value


class TestRecords:
    def test_a_surplus_call_that_is_recorded_after_the_end_reaches_the_record(self):
        # given
        late = Late(Rig(PASSPORT))

        # when the first payer comes back with an answer of its own
        assert isinstance(late.run(), BusyError)

        # then
        assert late.rig.ocr.paid == 2
        assert late.rig.record(KEY)["calls"]["surplus"] == 1
        assert late.rig.journal(KEY)[-1]["event"] == "surplus"

    def test_if_the_record_cannot_be_written_this_is_logged_and_the_journal_tells(self):
        late = Late(Rig(PASSPORT))

        def fail(verb, ref):
            if verb == "write" and ref.key.endswith("record.json") and late.rig.journal(KEY)[-1]["event"] == "surplus":
                raise HeldError("403", code="obs-denied")

        late.rig.store.fail = fail
        assert isinstance(late.run(), BusyError)
        (logged,) = [one for one in late.rig.log.lines if one["event"] == "not-counted"]
        assert isinstance(logged["message"], str)

    def test_a_payment_that_is_recorded_while_the_results_are_made_reaches_the_record(self):
        # given another payer that writes its surplus line just before the document's last line
        rig = Rig(PASSPORT)
        upload = rig.upload(KEY)
        document = Document(IN, KEY, upload.etag, upload.etag)

        def meanwhile(verb, ref):
            if verb == "write" and ref.key.endswith("record.json"):
                rig.store.fail = lambda verb, ref: None
                ledger = rig.parts("other").ledger
                opened = ledger.journals.open(document, rig.clock.pause)
                other = Claim(document, Wish("other"), opened, rig.call("other"), ledger._arbiter)
                other.surplus(page=1, request_id="r9", answer="answers/r9.json")

        rig.store.fail = meanwhile

        # when
        (outcome,) = rig.run(upload)

        # then
        assert outcome["status"] == "done"
        assert rig.record(KEY)["calls"] == {"answered": 1, "unknown": 0, "surplus": 1}

    def test_a_claim_that_was_lost_before_anything_was_paid_leaves_the_record_alone(self):
        rig = Rig(PASSPORT)
        upload = rig.upload(KEY)
        rig.run(upload)
        before = rig.store.objects[ObjectRef(OUT, f"results/{KEY}/record.json")]
        (outcome,) = rig.run(upload)
        assert outcome["duplicate"]
        assert rig.store.objects[ObjectRef(OUT, f"results/{KEY}/record.json")] == before


def test_an_answer_that_another_one_took_in_its_payer_s_name_is_not_named_twice():
    # given a payer that stored its answer, and was taken for dead before it could say so
    rig = Rig(PASSPORT)
    upload = rig.upload(KEY)

    def meanwhile(verb, ref):
        if verb == "write" and ref.key.endswith("0001.invocation-1-1.json"):
            rig.store.after = lambda verb, ref: None
            rig.clock.pause(70)
            rig.run(upload)

    rig.store.after = meanwhile

    # when it says so after all
    with pytest.raises(BusyError):
        rig.run(upload)

    # then its one call is named once, and counts once
    assert [one.get("request_id") for one in rig.journal(KEY)].count("request-1") == 1
    assert rig.record(KEY)["calls"] == {"answered": 1, "unknown": 0, "surplus": 0}
    assert rig.ocr.paid == 1


def test_a_call_without_an_answer_that_comes_back_late_is_one_unknown_call():
    late = Late(Rig(AnswerUnknownError("timeout"), PASSPORT))
    assert isinstance(late.run(), (BusyError, UnavailableError))
    assert late.rig.record(KEY)["calls"] == {"answered": 1, "unknown": 1, "surplus": 0}
