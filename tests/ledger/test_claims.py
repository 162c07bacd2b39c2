"""Claims: which ended documents are opened again, and how long a line is tried."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from msgspec import UNSET, structs

from legible.errors import AppendConflictError, UnavailableError
from legible.ledger.claim import Claim, Wish
from legible.ledger.journal import Line
from legible.ledger.ledger import Ledger
from legible.ledger.lines import TRIES
from legible.ledger.state import State
from legible.model.documents import Document, Reason
from legible.model.pages import Share
from legible.ports import Site
from tests.support.fakes import START, Clock, MemoryStore, invocation
from tests.support.rig import IN, OUT

DOCUMENT = Document(IN, "passport/a.png", "v1", uploaded_at=START)


def claim(store: MemoryStore, owner: str) -> Claim:
    book = Ledger(Site(store, IN, OUT), invocation(store.clock))
    claimed = book.claim(DOCUMENT, Wish(owner, operation="passport", plan="p", pages=1), 0)
    assert isinstance(claimed, Claim)
    return claimed


class TestAskedAgain:
    """A document that ended is opened again for a reason: somebody asks, or what stopped it has passed."""

    def ended(self, **values) -> MemoryStore:
        """Return the store of a document that has ended so."""
        store = MemoryStore(Clock())
        mine = claim(store, "first")
        mine.finish(mine.line("finished", **values))
        return store

    def asked(self, store: MemoryStore, document: Document = DOCUMENT, **wish) -> Claim | State:
        book = Ledger(Site(store, IN, OUT), invocation(store.clock))
        return book.claim(document, Wish("second", operation="passport", plan="p", **wish), 0)

    def test_one_that_was_rejected_is_tried_again_if_that_very_end_is_named(self):
        store = self.ended(status="rejected", reason=Reason("blurred", "It is blurred."))
        assert isinstance(self.asked(store, again="first#2"), Claim)

    @pytest.mark.parametrize("again", ["", "first#1", "other#2"])
    def test_not_if_another_end_is_named_or_none(self, again):
        store = self.ended(status="rejected", reason=Reason("blurred", "It is blurred."))
        assert isinstance(self.asked(store, again=again), State)

    def test_one_that_is_done_stays_done_whoever_asks(self):
        store = self.ended(status="done")
        later = structs.replace(DOCUMENT, uploaded_at=START + timedelta(seconds=9))
        assert isinstance(self.asked(store, again="first#2"), State)
        assert isinstance(self.asked(store, later), State)

    @pytest.mark.parametrize(("seconds", "opened"), [(-1, False), (0, False), (1, True)])
    def test_a_later_upload_of_the_same_bytes_asks_and_an_event_that_comes_twice_does_not(self, seconds, opened):
        store = self.ended(status="rejected", reason=Reason("blurred", "It is blurred."))
        later = structs.replace(DOCUMENT, uploaded_at=START + timedelta(seconds=seconds))
        assert isinstance(self.asked(store, later), Claim) == opened

    @pytest.mark.parametrize(("passes", "resumed"), [(True, True), (False, False)])
    def test_a_reason_that_passes_by_itself_opens_it_and_its_claim_says_so(self, passes, resumed):
        store = self.ended(status="held", reason=Reason("busy", "It was down.", passes=passes or UNSET))
        claimed = self.asked(store)
        assert isinstance(claimed, Claim) == resumed
        if isinstance(claimed, Claim):
            assert claimed.state.lines[-1].resumed

    def test_asked_for_by_name_it_is_not_only_resumed(self):
        store = self.ended(status="held", reason=Reason("busy", "It was down.", passes=True))
        claimed = self.asked(store, again="first#2")
        assert isinstance(claimed, Claim)
        assert not claimed.state.lines[-1].resumed

    def test_a_share_opens_nothing_by_itself(self):
        store = self.ended(status="held", reason=Reason("busy", "It was down.", passes=True))
        assert isinstance(self.asked(store, share=Share(1, 2)), State)

    def test_one_who_opens_nothing_is_told_how_it_ended(self):
        store = self.ended(status="rejected", reason=Reason("blurred", "It is blurred."))
        assert isinstance(self.asked(store, again="first#2", reopen=False), State)


class TestAnnounced:
    def test_calls_without_outcome_are_told_in_the_order_of_their_pages(self):
        state = State([Line("calling", START, "a", number, page) for number, page in enumerate((3, 1, 2), 1)])
        assert [page for page, _ in state.orphans("")] == [1, 2, 3]


class TestTries:
    def test_a_line_is_tried_thirty_times_with_a_pause_between_and_no_more(self):
        # given a journal that others are always faster to write to
        store = MemoryStore(Clock())
        mine = claim(store, "first")
        tried, began = [], store.clock.now()

        def taken(verb, ref):
            if verb == "append":
                tried.append(store.clock.now())
                raise AppendConflictError("longer")

        store.fail = taken

        # when
        with pytest.raises(UnavailableError, match="took no line in 30 tries"):
            mine.write("calling", page=1)

        # then
        assert len(tried) == TRIES == 30
        assert tried[0] == began
        pauses = [(after - before).total_seconds() for before, after in pairwise(tried)]
        assert all(0.01 <= pause <= 0.1 for pause in pauses)
        assert store.clock.now() == tried[-1]
