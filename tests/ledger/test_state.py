"""What the lines of a journal add up to: whose call is open, which operation counts, what was paid for."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest
from msgspec import structs

from legible.ledger import journal
from legible.ledger.journal import Line
from legible.ledger.state import Leases, State, counted_operation
from legible.model.pages import Share
from tests.support.fakes import START

END = START + timedelta(seconds=60)


def line(event: journal.Event, owner: str, n: int, **values) -> Line:
    return Line(event, START, owner, n, **values)


class TestWhichOperationCounts:
    ROUTES_CHANGED = (line("claimed", "a", 1, operation="passport"), line("claimed", "b", 1, operation="id-card"))

    def test_of_a_document_without_answers_the_last_one(self):
        state = State(self.ROUTES_CHANGED)
        assert state.committed is None
        assert state.counted_claim == self.ROUTES_CHANGED[1]
        assert state.operation == "id-card"

    @pytest.mark.parametrize("payer", [{"owner": "a", "of": ""}, {"owner": "b", "of": "a"}])
    def test_of_one_with_an_answer_that_of_its_payer_whoever_tells_it(self, payer):
        state = State([*self.ROUTES_CHANGED, line("answered", n=2, page=1, **payer)])
        assert state.committed == state.counted_claim == self.ROUTES_CHANGED[0]
        assert (state.operation, counted_operation(state)) == ("id-card", "passport")

    def test_a_refused_page_binds_nobody(self):
        state = State([*self.ROUTES_CHANGED, line("refused", "a", 2, page=1)])
        assert state.committed is None

    def test_nor_does_an_answer_whose_claim_names_no_operation_or_is_gone(self):
        state = State([line("claimed", "a", 1), line("answered", "a", 2, page=1), line("answered", "c", 1, page=2)])
        assert (state.committed, state.counted_claim, state.operation) == (None, None, "")


class TestOpenCalls:
    def test_are_told_in_the_order_of_their_pages(self):
        state = State([line("calling", "a", number, page=page) for number, page in enumerate((3, 1, 2), 1)])
        assert [page for page, _ in state.orphans("")] == [1, 2, 3]

    def test_of_ones_own_are_no_orphans(self):
        state = State([line("calling", "a", 1, page=1), line("calling", "b", 1, page=2)])
        assert [page for page, _ in state.orphans("b")] == [1]


class TestEnds:
    def test_of_two_the_first_counts(self):
        first, second = line("finished", "a", 2, status="done"), line("finished", "b", 2, status="dead")
        assert State([line("claimed", "a", 1), first, second]).finished is first

    @pytest.mark.parametrize("resumed", [True, False])
    def test_a_document_that_goes_on_by_itself_keeps_its_settled_pages(self, resumed):
        before = [line("refused", "a", 2, page=1, state="dead"), line("unknown", "a", 3, page=2)]
        state = State(
            [line("claimed", "a", 1), *before, line("finished", "a", 4), line("claimed", "b", 1, resumed=resumed)]
        )
        assert state.finished is None
        assert (state.page(1).known, state.page(2).spent, state.page(2).unknown) == (resumed, resumed, 1)


class TestWhenItWasUploaded:
    def test_is_not_known_where_no_claim_says_it(self):
        assert State([line("claimed", "a", 1)]).uploaded_at is None

    def test_is_the_latest_time_that_a_claim_says(self):
        times = [START + timedelta(1), None, START]
        state = State([line("claimed", "a", number, uploaded_at=at) for number, at in enumerate(times, 1)])
        assert state.uploaded_at == times[0]


class TestOfANewerVersion:
    @pytest.mark.parametrize("event", get_args(journal.Event))
    def test_no_line_of_this_version_is_passed_over(self, event):
        assert State([line(event, "a", 1, page=1)]).unfamiliar == ()

    def test_each_kind_of_line_that_is_not_known_is_named_once(self):
        lines = [Line(event, START, "newer", n) for n, event in enumerate(("priced", "sealed", "priced"), 1)]
        assert State([*lines, line("answered", "a", 1, page=1, v=3)]).unfamiliar == ("priced", "sealed", "answered")


class TestCounts:
    def test_a_call_that_was_taken_for_unknown_is_known_once(self):
        """Given an owner that was taken for dead, lives, and made a second call that is surplus too."""
        state = State(
            [
                line("claimed", "a", 1, page=1),
                line("claimed", "b", 1),
                line("unknown", "b", 2, page=1, of="a"),
                line("surplus", "a", 2, page=1, answer="one"),
                line("surplus", "a", 3, page=1, answer="two"),
            ]
        )
        assert (state.unknown, state.surplus) == (0, 2)

    def test_a_second_call_of_who_was_taken_for_dead_counts(self):
        first = [line("calling", "a", 1, page=1), line("unknown", "b", 1, page=1, of="a")]
        state = State([*first, line("calling", "a", 2, page=1), line("unknown", "a", 3, page=1)])
        assert state.unknown == 2


class TestLeases:
    def share(self, number: int, owner: str, plan: str = "p", of: int = 2) -> Line:
        return line("claimed", owner, 1, share=Share(number, of), plan=plan, lease_until=END)

    @pytest.mark.parametrize(
        ("share", "plan", "held"),
        [
            (Share(1, 2), "p", True),
            (Share(2, 2), "p", False),
            (Share(2, 2), "other", True),
            (Share(2, 3), "p", True),
            (None, "p", True),
        ],
    )
    def test_a_share_keeps_away_who_may_not_work_beside_it_until_its_end(self, share, plan, held):
        leases = Leases()
        leases.take(self.share(1, "a"))
        assert leases.held(END - timedelta(seconds=1), share, plan) == held
        assert not leases.held(END, share, plan)

    def test_a_document_is_busy_until_the_last_of_them_ends(self):
        leases = Leases()
        for number, late in ((1, 0), (2, 30), (3, 10)):
            leases.take(structs.replace(self.share(number, "abc"[number - 1], of=3), lease_until=END + timedelta(late)))
        assert leases.busy_until == END + timedelta(30)

    def test_one_that_is_given_back_keeps_nobody_away_and_the_others_stay(self):
        leases = Leases()
        leases.take(self.share(1, "a"))
        leases.take(self.share(2, "b"))
        leases.drop("a")
        assert not leases.in_force("a")
        assert leases.in_force("b")
        assert not leases.held(START, Share(1, 2), "p")
        assert leases.held(START, Share(2, 2), "p")

    def test_a_claim_of_the_whole_ends_those_of_shares_and_the_other_way_round(self):
        leases = Leases()
        leases.take(self.share(1, "a"))
        leases.take(line("claimed", "b", 1, lease_until=END))
        assert (leases.in_force("a"), leases.in_force("b")) == (False, True)
        leases.take(self.share(1, "c"))
        assert (leases.in_force("b"), leases.in_force("c")) == (False, True)
        assert leases.busy_until == END

    def test_nobody_holds_what_nobody_claimed(self):
        leases = Leases()
        assert not leases.held(START)
        assert leases.busy_until is None
        leases.take(line("claimed", "a", 1))
        assert not leases.held(START)

    def test_only_its_owner_gives_a_claim_back(self):
        leases = Leases()
        leases.take(line("claimed", "a", 1, lease_until=END))
        leases.drop("b")
        assert leases.held(START)
        leases.drop("a")
        assert not leases.held(START)
        assert leases.busy_until is None
