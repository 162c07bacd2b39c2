"""Each call of a journal is counted once, as what it turned out to be, in the minute when it was."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model.documents import Reason
from legible.model.pages import Share
from legible.model.sums import DocumentStanding
from legible.oversight.calls import CallCount, Ended, JournalHour, Whose, hours, merged
from legible.results.assembly import calls_of

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=timezone.utc)
READ = NINE + timedelta(hours=5)


def at(minute: float) -> datetime:
    return NINE + timedelta(minutes=minute)


class Writer:
    """Writes the lines of one owner."""

    def __init__(self, owner: str = "a", **claim: object) -> None:
        self.owner, self.n = owner, 0
        self.claim = {"operation": "passport", "route": "passport/*", **claim}

    def __call__(self, event: str, minute: float, page: int = 1, **values: object) -> Line:
        self.n += 1
        values = {**self.claim, **values} if event == "claimed" else {"page": page, **values}
        return Line(event, at(minute), self.owner, self.n, **values)  # type: ignore[arg-type]

    def end(self, minute: float, status: str = "done") -> Line:
        return self("finished", minute, page=0, status=status)


def counted(*lines: Line) -> dict[int, list[tuple[int, str, int]]]:
    """Return minute, outcome and count of each call, by the hour; and see that the record counts the same."""
    state = State(lines)
    found = hours(Whose("j"), state, READ)
    calls = [call for hour in found.values() for call in hour.calls]
    totals = {
        name: sum(call.count for call in calls if call.outcome == name) for name in ("answered", "unknown", "surplus")
    }
    recorded = calls_of(state)
    assert totals == {"answered": recorded.answered, "unknown": recorded.unknown, "surplus": recorded.surplus}
    return {hour.hour: [(c.minute, c.outcome, c.count) for c in said.calls] for hour, said in found.items()}


class TestOneCall:
    def test_an_answer_counts_in_the_minute_in_which_it_was_recorded(self):
        w = Writer()
        assert counted(w("claimed", 1), w("calling", 1), w("answered", 2), w.end(2)) == {9: [(2, "answered", 1)]}

    def test_calls_of_one_minute_are_one_number(self):
        w = Writer()
        pages = [w(event, 3, page) for page in (1, 2, 3) for event in ("calling", "answered")]
        assert counted(w("claimed", 1), *pages) == {9: [(3, "answered", 3)]}

    def test_an_answer_of_another_document_is_no_call(self):
        w = Writer()
        assert counted(w("claimed", 1), w("answered", 1, adopted="ledger/x.jsonl")) == {9: [(1, "adopted", 1)]}

    def test_a_refusal_of_the_service_is_a_failed_call(self):
        w, no = Writer(), Reason("image-refused", "blurred", vendor_code="AIS.0104", request_id="r")
        assert counted(w("claimed", 1), w("calling", 1), w("refused", 1, reason=no)) == {9: [(1, "refused", 1)]}

    @pytest.mark.parametrize("reason", [None, Reason("out-of-time", "late"), Reason("unavailable", "no connection")])
    def test_what_was_not_sent_is_no_call(self, reason):
        w = Writer()
        assert counted(w("claimed", 1), w("calling", 1), w("refused", 1, reason=reason)) == {9: []}

    def test_a_page_that_waits_for_its_turn_counts_once_until_it_is_given_up(self):
        w, slow = Writer(), Reason("throttled", "slow", vendor_code="APIG.0308")
        waits = w("calling", 2, throttled=True)
        assert counted(w("claimed", 1), w("calling", 1), waits, w("refused", 9, reason=slow)) == {
            9: [(2, "throttled", 1)]
        }

    def test_a_page_that_waited_and_was_then_refused_has_both(self):
        w, no = Writer(), Reason("image-refused", "blurred", vendor_code="AIS.0104")
        waits = w("calling", 2, throttled=True)
        assert counted(w("claimed", 1), w("calling", 1), waits, w("refused", 9, reason=no)) == {
            9: [(2, "throttled", 1), (9, "refused", 1)]
        }

    def test_a_line_that_is_there_twice_counts_once(self):
        w = Writer()
        answered = w("answered", 2)
        assert counted(w("claimed", 1), w("calling", 1), answered, answered) == {9: [(2, "answered", 1)]}


class TestWhatBecomesKnownLater:
    def test_a_dead_owners_call_counts_when_it_was_announced(self):
        dead, heir = Writer("a"), Writer("b")
        lines = [dead("claimed", 1), dead("calling", 2), heir("claimed", 130), heir("unknown", 131, of="a")]
        assert counted(*lines) == {9: [(2, "unknown", 1)], 11: []}

    def test_an_answer_that_a_dead_owner_stored_counts_when_it_was_announced(self):
        dead, heir = Writer("a"), Writer("b")
        lines = [dead("claimed", 1), dead("calling", 2), heir("claimed", 130), heir("answered", 131, of="a")]
        assert counted(*lines) == {9: [(2, "answered", 1)], 11: []}

    def test_a_call_of_which_no_announcement_is_left_counts_when_it_was_found(self):
        heir = Writer("b")
        assert counted(heir("claimed", 1), heir("unknown", 2, of="a")) == {9: [(2, "unknown", 1)]}

    def test_an_unknown_call_whose_owner_lives_is_what_it_says(self):
        slow, heir = Writer("a"), Writer("b")
        lines = [
            slow("claimed", 1), slow("calling", 2), heir("claimed", 4), heir("unknown", 5, of="a"),
            heir("calling", 5), heir("answered", 6, answer="2"), slow("surplus", 7, answer="1"),
        ]  # fmt: skip
        assert counted(*lines) == {9: [(6, "answered", 1), (7, "surplus", 1)]}

    def test_an_unknown_call_whose_answer_counts_after_all_is_one_call(self):
        slow, heir = Writer("a"), Writer("b")
        lines = [
            slow("claimed", 1), slow("calling", 2), heir("claimed", 4), heir("unknown", 5, of="a"),
            heir("answered", 6, answer="1"), slow("surplus", 7, answer="1"),
        ]  # fmt: skip
        assert {c[1]: c[2] for c in counted(*lines)[9]}["answered"] == 1

    def test_a_surplus_call_whose_answer_counts_is_one_call(self):
        slow, heir = Writer("a"), Writer("b")
        lines = [slow("claimed", 1), slow("calling", 2), slow("surplus", 3, answer="1"), heir("claimed", 4)]
        assert counted(*lines, heir("answered", 5, of="a", answer="1")) == {9: [(2, "answered", 1)]}

    def test_shares_call_side_by_side(self):
        one, two = Writer("a", share=Share(1, 2)), Writer("b", share=Share(2, 2))
        lines = [one("claimed", 1), two("claimed", 1), one("calling", 1), two("calling", 1, 2)]
        assert counted(*lines, two("answered", 2, 2), one("answered", 2)) == {9: [(2, "answered", 2)]}

    def test_a_claim_of_version_0_1_announces_its_first_page(self):
        dead, heir = Writer("a", page=1), Writer("b")
        assert counted(dead("claimed", 1), heir("claimed", 90), heir("unknown", 90, of="a"))[9] == [(1, "unknown", 1)]


class TestWhose:
    def calls(self, *lines: Line) -> list[CallCount]:
        return [call for hour in hours(Whose("j"), State(lines), READ).values() for call in hour.calls]

    def test_each_call_is_of_its_own_claims_operation_project_and_route(self):
        one, two = Writer("a", project="p", route="in/*"), Writer("b", project="q", route="mail/*")
        lines = [one("claimed", 1), one("calling", 1), two("claimed", 3), two("unknown", 3, of="a")]
        assert self.calls(*lines, two("calling", 4), two("answered", 4)) == [
            CallCount(1, "passport", "p", "in/*", "unknown", 1),
            CallCount(4, "passport", "q", "mail/*", "answered", 1),
        ]

    def test_who_buries_a_document_has_no_route_and_its_calls_have_that_of_who_began(self):
        one, grave = Writer("a", project="p"), Writer("b", operation="", route="")
        lines = [one("claimed", 1), one("calling", 1), grave("claimed", 3), grave("answered", 3, of="gone")]
        assert self.calls(*lines) == [CallCount(3, "passport", "p", "passport/*", "answered", 1)]

    def test_a_journal_whose_claims_are_lost_names_nothing(self):
        assert self.calls(Writer()("answered", 1)) == [CallCount(1, "", "", "", "answered", 1)]


class TestEnds:
    def ended(self, *lines: Line) -> dict[int, Ended | None]:
        return {hour.hour: said.ended for hour, said in hours(Whose("j"), State(lines), READ).items()}

    def test_a_document_counts_once_at_its_last_end(self):
        w = Writer()
        lines = [w("claimed", 1), w.end(2, "held"), w("claimed", 70), w.end(71)]
        assert self.ended(*lines) == {9: None, 10: Ended("done", "passport", "", "passport/*", 11, told=True)}

    def test_one_that_is_open_again_has_no_end(self):
        w = Writer()
        assert self.ended(w("claimed", 1), w.end(2, "held"), w("claimed", 70)) == {9: None, 10: None}

    def test_one_without_a_route_ends_without(self):
        w = Writer(operation="", route="")
        assert self.ended(w("claimed", 1), w.end(2, "rejected")) == {9: Ended("rejected", "", "", "", 2, told=True)}

    def test_it_says_how_many_checks_had_failed(self):
        w = Writer()
        last = w("finished", 2, page=0, status="done", findings=3)
        assert self.ended(w("claimed", 1), last) == {9: Ended("done", "passport", "", "passport/*", 2, 3, told=True)}


class TestHowADocumentStands:
    def stands(self, *lines: Line, folder: str = "mail", plain: str = "p") -> dict[int, DocumentStanding | None]:
        return {hour.hour: said.stands for hour, said in hours(Whose("j", folder, plain), State(lines), READ).items()}

    def test_it_is_told_in_the_hour_in_which_its_journal_began_and_in_no_other(self):
        w = Writer()
        begun = [w("claimed", 1), w("released", 70)]
        assert self.stands(*begun) == {9: DocumentStanding("running", "passport", "mail", "p"), 10: None}
        ended = [*begun, w("claimed", 130), w.end(131, "partial")]
        assert self.stands(*ended)[9] == DocumentStanding("partial", "passport", "mail", "p")

    def test_one_without_an_operation_stands_without(self):
        w = Writer(operation="", route="")
        assert self.stands(w("claimed", 1), folder="", plain="") == {9: DocumentStanding("running")}


def test_of_two_readings_the_later_one_counts_and_of_equal_times_the_longer_one():
    def reading(minute: float, n: int) -> JournalHour:
        return JournalHour("j", at(minute), n)

    for first, second, wins in [((1, 9), (2, 3), (2, 3)), ((2, 3), (1, 9), (2, 3)), ((1, 3), (1, 4), (1, 4))]:
        assert merged([reading(*first), reading(*second)]) == {"j": reading(*wins)}
