"""The ledger at its edges: a document that is opened again, calls side by side, the last second of a lease."""

from __future__ import annotations

from datetime import timedelta

import pytest

from legible.errors import BusyError
from legible.ledger import journal
from legible.ledger.claim import Claim, Wish
from legible.ledger.journal import Line
from legible.ledger.ledger import Ledger
from legible.ledger.lines import SKEW_SECONDS
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.ports import Site
from tests.support.fakes import START, Clock, MemoryStore, invocation
from tests.support.rig import IN, OUT

DOCUMENT = Document(IN, "passport/a.png", "v1", uploaded_at=START)
JOURNAL = ObjectRef(OUT, layout.journal(DOCUMENT))


def line(event: journal.Event, owner: str, n: int, **values) -> Line:
    return Line(event=event, at=START, owner=owner, n=n, **values)


def claim(store: MemoryStore, owner: str, seconds: float = 60) -> Claim | State:
    book = Ledger(Site(store, IN, OUT), invocation(store.clock, seconds=seconds))
    return book.claim(DOCUMENT, Wish(owner, operation="passport", plan="p", pages=1, page=1), 0)


class TestOpenedAgain:
    """A document that is opened again has all of its tries before it, and nothing that was paid for is forgotten."""

    ENDED = (
        line("claimed", "a", 1, operation="passport", page=1),
        line("unknown", "a", 2, page=1),
        line("calling", "a", 3, page=1),
        line("unknown", "a", 4, page=1),
        line("answered", "a", 5, page=2),
        line("refused", "a", 6, page=3, state="rejected"),
        line("handed", "a", 7, hand=4),
        line("claimed", "b", 1, operation="passport"),
        line("finished", "b", 2, status="partial"),
    )

    def test_before_it_is_opened_all_of_it_counts(self):
        state = State(self.ENDED)
        assert (state.page(1).unknown, state.page(1).spent, state.hands) == (2, 2, 4)
        assert state.page(3).settled is not None

    def test_tries_and_hands_begin_anew_and_payments_stay(self):
        # when
        state = State([*self.ENDED, line("claimed", "c", 1, operation="passport")])

        # then
        assert (state.page(1).spent, state.hands, state.finished) == (0, 0, None)
        assert state.page(3).settled is None
        assert state.page(1).unknown == state.unknown == 2
        assert state.has_answer(2)

    def test_a_claim_of_a_document_that_has_not_ended_changes_no_counter(self):
        state = State([*self.ENDED[:-1], line("claimed", "c", 1, operation="passport")])
        assert (state.page(1).spent, state.hands) == (2, 4)
        assert state.page(3).settled is not None


class TestSideBySide:
    """What a former owner writes late is about its own call, and never about that of the next owner."""

    TAKEN = (
        line("claimed", "a", 1, operation="passport", page=1),
        line("claimed", "b", 1, operation="passport"),
        line("calling", "b", 2, page=1),
    )

    @pytest.mark.parametrize("event", ["surplus", "refused", "unknown", "answered"])
    def test_a_late_line_of_the_former_owner_leaves_the_next_ones_call_open(self, event):
        state = State([*self.TAKEN, line(event, "a", 2, page=1)])
        assert state.page(1).open == self.TAKEN[-1]
        assert [owner.owner for _, owner in state.orphans("c")] == ["b"]

    @pytest.mark.parametrize("event", ["surplus", "refused", "unknown", "answered"])
    def test_its_own_line_ends_its_call(self, event):
        state = State([*self.TAKEN, line(event, "b", 3, page=1)])
        assert state.page(1).open is None
        assert state.orphans("c") == []

    def test_what_another_writes_for_a_dead_owner_ends_the_dead_owners_call(self):
        state = State([*self.TAKEN, line("unknown", "c", 1, page=1, of="b")])
        assert state.page(1).open is None
        assert state.page(1).spent == 1

    def test_the_first_answer_counts_whoever_comes_late(self):
        state = State([*self.TAKEN, line("answered", "b", 3, page=1), line("answered", "a", 2, page=1)])
        assert state.page(1).answered == line("answered", "b", 3, page=1)

    def test_a_number_of_hands_never_goes_back(self):
        state = State([*self.TAKEN, line("handed", "b", 3, hand=3), line("handed", "a", 2, hand=1)])
        assert state.hands == 3


class TestTheLastSecondOfALease:
    """Clocks of two instances differ: a lease is taken over only when it is over by both."""

    @pytest.mark.parametrize("after", [0, 0.5 * SKEW_SECONDS, 0.99 * SKEW_SECONDS])
    def test_it_is_not_taken_over_while_its_owners_clock_may_be_behind(self, after):
        store = MemoryStore(Clock())
        claim(store, "first", seconds=60)
        store.clock.pause(60 + after)
        with pytest.raises(BusyError):
            claim(store, "second")
        assert len(store.lines(OUT, JOURNAL.key)) == 1

    def test_it_is_taken_over_after_that(self):
        store = MemoryStore(Clock())
        claim(store, "first", seconds=60)
        store.clock.pause(60 + SKEW_SECONDS)
        assert isinstance(claim(store, "second"), Claim)

    def test_a_lease_of_a_share_is_kept_as_long(self):
        state = State()
        state.leases.take(line("claimed", "a", 1, lease_until=START + timedelta(seconds=60)))
        assert state.leases.held(START + timedelta(seconds=59.9))
        assert not state.leases.held(START + timedelta(seconds=60))
        assert state.leases.busy_until == START + timedelta(seconds=60)


class TestSurplus:
    def test_a_surplus_line_that_another_append_swallowed_is_written_again(self):
        """Given what OBS warns of: both appends succeed, and the later one overwrites the line (obs_faq_0165)."""
        # given
        store = MemoryStore(Clock())
        mine = claim(store, "first")
        assert isinstance(mine, Claim)
        other = journal.encode(line("claimed", "second", 1, operation="passport"))

        def swallow(verb, ref):
            store.after = lambda verb, ref: None
            body, *rest = store.objects[ref]
            store.objects[ref] = (body[: -len(journal.last_line(body))] + other, *rest)

        store.after = swallow

        # when
        mine.surplus(page=1, request_id="request-1")

        # then
        assert [(one["event"], one["owner"]) for one in store.lines(OUT, JOURNAL.key)] == [
            ("claimed", "first"),
            ("claimed", "second"),
            ("surplus", "first"),
        ]
        assert store.lines(OUT, JOURNAL.key)[-1]["request_id"] == "request-1"
