"""Claims: which ended documents are opened again, and how long a line is tried."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from msgspec import UNSET, structs

from legible.errors import AppendConflictError, BusyError, UnavailableError
from legible.ledger import journal
from legible.ledger.claim import Claim, Wish
from legible.ledger.journal import Line
from legible.ledger.journals import Journals
from legible.ledger.ledger import Ledger
from legible.ledger.lines import TRIES
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document, ObjectRef, Reason
from legible.model.pages import Share
from legible.ports import Site
from tests.support.fakes import START, Clock, MemoryStore, invocation
from tests.support.rig import IN, OUT

DOCUMENT = Document(IN, "passport/a.png", "v1", uploaded_at=START)


JOURNAL = ObjectRef(OUT, layout.journal(DOCUMENT))


def claim(store: MemoryStore, owner: str, share: Share | None = None, page: int = 0) -> Claim:
    book = Ledger(Site(store, IN, OUT), invocation(store.clock), settle=0.2)
    wish = Wish(owner, operation="passport", plan="p", pages=1, page=page, share=share)
    claimed = book.claim(DOCUMENT, wish, 0)
    assert isinstance(claimed, Claim)
    return claimed


def events(store: MemoryStore) -> list[tuple[str, str]]:
    return [(line["owner"], line["event"]) for line in store.lines(OUT, JOURNAL.key)]


class TestTheFirstLine:
    def test_a_claim_asks_for_no_more_than_it_names(self):
        store = MemoryStore(Clock())
        Ledger(Site(store, IN, OUT), invocation(store.clock)).claim(DOCUMENT, Wish("first"), 0)
        (line,) = store.lines(OUT, JOURNAL.key)
        assert set(line) == {"event", "at", "owner", "n", "lease_until", "uploaded_at"}

    def test_the_first_page_of_a_new_journal_is_announced_with_it(self):
        mine = claim(MemoryStore(Clock()), "first", page=1)
        assert mine.state.page(1).calls("first")

    def test_what_is_said_of_that_page_later_is_put_back_where_it_was_overwritten(self):
        store = MemoryStore(Clock())
        mine = claim(store, "first", page=1)
        claimed = store.objects[JOURNAL][0]
        mine.write("calling", page=1, throttled=True)
        store.land(JOURNAL, claimed, b"")
        mine.require_in_force()
        assert events(store) == [("first", "claimed"), ("first", "calling")]

    @pytest.mark.parametrize("share", [None, Share(1, 2)])
    def test_where_others_wrote_before_or_write_too_it_announces_none(self, share):
        store = MemoryStore(Clock())
        if share is None:
            claim(store, "before").release()
        mine = claim(store, "first", share, page=1)
        assert mine.state.page(1).open is None


class TestSlowAppends:
    def slow(self, store: MemoryStore, seconds: float) -> None:
        store.after = lambda verb, ref: store.clock.pause(seconds) if verb == "append" else None

    @pytest.mark.parametrize(("took", "waits"), [(0.0, 0.2), (0.05, 0.2), (0.5, 1.0), (10.0, 3.0)])
    def test_a_claim_is_looked_for_after_twice_the_time_its_own_append_took(self, took, waits):
        """But after no less than the settling time, and after fifteen times that at most."""
        # given
        store = MemoryStore(Clock())
        self.slow(store, took)
        mine = claim(store, "first")

        # when
        mine.require_in_force()

        # then
        assert (store.clock.now() - START).total_seconds() == pytest.approx(took + waits)

    def test_one_that_is_old_enough_is_looked_for_at_once(self):
        store = MemoryStore(Clock())
        mine = claim(store, "first")
        store.clock.pause(5)
        mine.require_in_force(4)
        assert store.clock.now() == START + timedelta(seconds=5)
        mine.require_in_force(7)
        assert store.clock.now() == START + timedelta(seconds=7)

    def test_a_line_is_confirmed_from_when_it_was_answered_on(self):
        store = MemoryStore(Clock())
        mine = claim(store, "first")
        store.clock.pause(5)
        mine.write("answered", page=1)
        mine.finish(mine.line("finished", status="done"))
        assert store.clock.now() == START + timedelta(seconds=5.2)


class TestTheEnd:
    def test_a_claim_that_paid_for_nothing_is_given_back_at_once(self):
        store = MemoryStore(Clock())
        claim(store, "first").release()
        assert store.clock.now() == START
        assert events(store) == [("first", "claimed"), ("first", "released")]

    def test_what_a_share_settled_stands_before_it_is_given_back(self):
        # given a page that is settled, and an append that began earlier and overwrites that line
        store = MemoryStore(Clock())
        mine = claim(store, "first", Share(1, 2))
        claimed = store.objects[JOURNAL][0]
        mine.write("refused", page=1, state="rejected")
        store.land(JOURNAL, claimed, b"")

        # when
        mine.release()

        # then
        assert events(store) == [("first", "claimed"), ("first", "refused"), ("first", "released")]

    def test_that_a_share_was_given_back_stands_too(self):
        store = MemoryStore(Clock())
        mine = claim(store, "first", Share(1, 2))

        def once(verb, ref):
            store.after = lambda verb, ref: None
            store.land(JOURNAL, store.objects[JOURNAL][0].splitlines(keepends=True)[0], b"")

        store.after = once
        mine.release()
        assert events(store) == [("first", "claimed"), ("first", "released")]

    def test_a_share_that_was_given_back_is_claimed_at_once(self):
        store = MemoryStore(Clock())
        claim(store, "first", Share(1, 2)).release()
        claim(store, "second", Share(2, 2))
        assert claim(store, "third", Share(1, 2)).in_force()

    @pytest.mark.parametrize("others", [True, False])
    def test_a_call_whose_answer_could_not_be_stored_is_told_whoever_wrote_before(self, others):
        store = MemoryStore(Clock())
        if others:
            claim(store, "before").release()
        mine = claim(store, "first")
        mine.surplus(page=1, request_id="request-1", answer="")
        assert events(store)[-1] == ("first", "surplus")


class TestLost:
    """A claim whose lines an append has overwritten that began before them."""

    OTHER = journal.encode(Line("claimed", START, "other", 1, pages=1))

    def test_what_it_tells_of_its_answer_has_the_time_at_which_it_is_told(self):
        store = MemoryStore(Clock())
        mine = claim(store, "first")
        mine.write("answered", page=1, answer="answers/a")
        store.clock.pause(30)
        store.land(JOURNAL, b"", self.OTHER)
        with pytest.raises(BusyError):
            mine.release()
        (_, surplus) = Journals(Site(store, IN, OUT)).load(DOCUMENT).lines
        assert surplus.event == "surplus"
        assert surplus.at - START >= timedelta(seconds=30)

    def test_an_answer_is_surplus_although_another_of_its_lines_is_left(self):
        store = MemoryStore(Clock())
        mine = claim(store, "first")
        unknown = mine.write("unknown", page=1)
        mine.write("answered", page=2, answer="answers/a")
        store.land(JOURNAL, b"", self.OTHER + journal.encode(unknown))
        with pytest.raises(BusyError, match="at the same time") as lost:
            mine.release()
        assert lost.value.advice == "This one yields to it."
        assert events(store) == [("other", "claimed"), ("first", "unknown"), ("first", "surplus")]

    @pytest.mark.parametrize("left", [b"", OTHER])
    def test_it_looks_once_more_after_a_longer_while(self, left):
        # given
        store = MemoryStore(Clock())
        mine = claim(store, "first")
        mine.write("answered", page=1, answer="answers/a")
        store.land(JOURNAL, b"", left)

        # when what it tells of its answer is overwritten in turn
        def once(verb, ref):
            if verb == "append":
                store.after = lambda verb, ref: None
                store.clock.pause(0.3)
                store.land(JOURNAL, b"", left)

        store.after = once
        with pytest.raises(BusyError):
            mine.release()

        # then it is there all the same
        assert events(store)[-1] == ("first", "surplus")
        assert store.clock.now() - START >= timedelta(seconds=15 * 0.2)

    def test_one_that_nobody_met_needs_no_longer_while_though_its_journal_has_a_second_part(self):
        store = MemoryStore(Clock())
        book = Ledger(Site(store, IN, OUT), invocation(store.clock), most=3, settle=0.2)
        mine = book.claim(DOCUMENT, Wish("first", operation="passport", pages=9), 0)
        assert isinstance(mine, Claim)
        for page in (1, 2, 3):
            mine.write("answered", page=page)
        mine.finish(mine.line("finished", status="done"))
        assert store.clock.now() - START == timedelta(seconds=0.2)


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

    @pytest.mark.parametrize("reason", [None, Reason("busy", "It was down.", passes=True)])
    def test_one_that_is_done_stays_done_whoever_asks(self, reason):
        store = self.ended(status="done", reason=reason)
        assert isinstance(self.asked(store), State)
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


class TestAdded:
    """A line is added to the journal of a document that has ended."""

    LINE = Line("corrected", START, "reviewer", 1, author="anna")

    def ended(self) -> tuple[MemoryStore, Ledger]:
        store = MemoryStore(Clock())
        mine = claim(store, "first")
        mine.finish(mine.line("finished", status="done"))
        return store, Ledger(Site(store, IN, OUT), invocation(store.clock))

    def test_it_is_there_after_the_settling_time_and_no_later(self):
        store, book = self.ended()
        began = store.clock.now()
        state = book.add(DOCUMENT, lambda state: self.LINE, 0.2)
        assert state.has(self.LINE)
        assert events(store)[-1] == ("reviewer", "corrected")
        assert store.clock.now() - began == timedelta(seconds=0.2)

    def test_one_that_is_there_already_is_not_written_again(self):
        store, book = self.ended()
        for _ in range(2):
            book.add(DOCUMENT, lambda state: self.LINE, 0.2)
        assert [event for _, event in events(store)] == ["claimed", "finished", "corrected"]

    def test_one_that_was_overwritten_is_written_again(self):
        store, book = self.ended()
        before = store.objects[JOURNAL][0]

        def once(verb, ref):
            if verb == "append":
                store.after = lambda verb, ref: None
                store.land(JOURNAL, before, b"")

        store.after = once
        assert book.add(DOCUMENT, lambda state: self.LINE, 0.2).has(self.LINE)
        assert [event for _, event in events(store)] == ["claimed", "finished", "corrected"]

    def test_where_there_is_nothing_to_write_nothing_is(self):
        store, book = self.ended()
        assert book.add(DOCUMENT, lambda state: None, 0.2).finished is not None
        assert len(events(store)) == 2

    def test_a_document_that_somebody_works_on_takes_none(self):
        store = MemoryStore(Clock())
        claim(store, "first")
        with pytest.raises(BusyError, match="until 09:01:00"):
            Ledger(Site(store, IN, OUT), invocation(store.clock)).add(DOCUMENT, lambda state: self.LINE, 0.2)


def assert_tried_thirty_times(tried: list, began) -> None:
    assert len(tried) == TRIES == 30
    assert tried[0] == began
    pauses = [(after - before).total_seconds() for before, after in pairwise(tried)]
    assert all(0.01 <= pause <= 0.1 for pause in pauses)


class TestGivenBack:
    def test_a_share_that_nobody_else_wrote_beside_is_looked_at_after_the_settling_time_only(self):
        store = MemoryStore(Clock())
        mine, began = claim(store, "first", Share(1, 2)), store.clock.now()
        mine.release()
        assert store.clock.now() - began <= timedelta(seconds=2 * 0.2)

    def test_one_beside_which_others_wrote_is_looked_at_after_a_longer_while(self):
        store = MemoryStore(Clock())
        mine = claim(store, "first", Share(1, 2))
        claim(store, "second", Share(2, 2))
        began = store.clock.now()
        mine.release()
        assert store.clock.now() - began >= timedelta(seconds=15 * 0.2)

    def test_one_is_not_claimed_anew_where_its_claim_is_overwritten(self):
        # given an append that takes the place of all that stood before the last line
        store = MemoryStore(Clock())
        mine = claim(store, "first", Share(1, 2))

        def once(verb, ref):
            last = store.objects[JOURNAL][0].splitlines(keepends=True)[-1]
            if verb == "append" and b"released" in last:
                store.after = lambda verb, ref: None
                store.land(JOURNAL, b"", last)

        store.after = once

        # when
        mine.release()

        # then
        assert events(store) == [("first", "released")]


class TestTakenOver:
    @pytest.mark.parametrize(("late", "taken"), [(1.9, False), (2.0, True)])
    def test_a_lease_is_two_seconds_after_its_end(self, late, taken):
        """So much may the clocks of two instances differ."""
        store = MemoryStore(Clock())
        claim(store, "first")
        store.clock.pause(60 + late)
        if taken:
            assert claim(store, "second").in_force()
        else:
            with pytest.raises(BusyError):
                claim(store, "second")


def others_are_faster(store):
    """Have another owner append before each append; return the times of the tries, as they come."""
    tried = []

    def taken(verb, ref):
        if verb == "append":
            tried.append(store.clock.now())
            raise AppendConflictError("longer")

    store.fail = taken
    return tried


class TestTries:
    def test_a_line_is_tried_thirty_times_with_a_pause_between_and_no_more(self):
        # given a journal that others are always faster to write to
        store = MemoryStore(Clock())
        mine = claim(store, "first")
        tried, began = others_are_faster(store), store.clock.now()

        # when
        with pytest.raises(UnavailableError, match="took no line in 30 tries"):
            mine.write("calling", page=1)

        # then
        assert_tried_thirty_times(tried, began)
        assert store.clock.now() == tried[-1]

    def test_so_is_one_that_is_added(self):
        store, book = TestAdded().ended()
        tried, began = others_are_faster(store), store.clock.now()
        with pytest.raises(UnavailableError, match="took no line in 30 tries"):
            book.add(DOCUMENT, lambda state: TestAdded.LINE, 0.0)
        assert_tried_thirty_times(tried, began)
