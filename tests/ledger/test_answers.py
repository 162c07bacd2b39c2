"""Paid answers are kept before anything reads them, filed once, and never taken for what they are not."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from msgspec import structs

from legible.errors import HeldError, InternalError, UnavailableError
from legible.ledger.answers import ADOPTED, UNUSABLE, Answers, digest
from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document, ObjectRef
from legible.ports import Invocation, Site
from tests.support.fakes import START, Clock, MemoryStore
from tests.support.rig import IN, OUT

DOCUMENT = Document(IN, "passport/a.png", "v1", uploaded_at=START)
BODY = b'{"result": {"surname": "MUSTER"}}'


def answers(store: MemoryStore, seconds: float = 60) -> Answers:
    """Return the answers of an invocation whose time passes with the store's clock."""
    end = store.clock.now().timestamp() + seconds
    clock = store.clock
    call = Invocation(
        "test", lambda: end - clock.now().timestamp(), clock.now, clock.pause, lambda event, **values: None
    )
    return Answers(Site(store, IN, OUT), call)


def keep(book: Answers, owner: str = "payer", page: int = 1) -> Line:
    """Keep an answer and return the line that names it."""
    key = book.keep(DOCUMENT, page, owner, BODY, "request-1")
    return Line("answered", START, owner, 2, page, answer=key, sha256=digest(BODY), request_id="request-1")


class TestKept:
    def test_it_is_found_as_it_was_received_with_the_id_of_its_request(self):
        # given
        book = answers(MemoryStore())

        # when
        line = keep(book)

        # then
        stored = book.find(line.answer)
        assert stored is not None
        assert (stored.key, stored.body, stored.request_id) == (line.answer, BODY, "request-1")

    def test_the_name_of_its_metadata_never_changes_for_what_was_stored_before_must_be_read(self):
        store = MemoryStore()
        line = keep(answers(store))
        head = store.head(ObjectRef(OUT, line.answer))
        assert (head.metadata, head.content_type) == ({"ocr-request": "request-1"}, "application/json")

    def test_nothing_is_found_where_nothing_was_kept(self):
        book = answers(MemoryStore())
        assert book.find(book.key(DOCUMENT, 1, "payer")) is None

    def test_an_answer_that_something_else_put_there_has_no_request(self):
        store = MemoryStore()
        book = answers(store)
        store.put(OUT, book.key(DOCUMENT, 1, "payer"), BODY, "application/json")
        stored = book.find(book.key(DOCUMENT, 1, "payer"))
        assert stored is not None
        assert stored.request_id == ""

    def test_a_fault_that_passes_is_waited_for(self):
        # given a store that is down for twenty seconds
        store = MemoryStore()
        up = store.clock.now().timestamp() + 20
        tried = []

        def down(verb, ref):
            tried.append(store.clock.now().timestamp())
            if store.clock.now().timestamp() < up:
                raise UnavailableError("503")

        store.fail = down

        # when
        book = answers(store)
        line = keep(book)

        # then it was tried about every second
        assert 20 <= tried[-1] - tried[0] <= 21
        assert all(0.199 < after - before < 1.001 for before, after in pairwise(tried))
        assert book.find(line.answer) is not None

    def test_a_fault_that_does_not_pass_is_told_as_it_is_before_time_is_over(self):
        # given
        store = MemoryStore()

        def down(verb, ref):
            raise UnavailableError("503 for good")

        store.fail = down

        # when
        with pytest.raises(UnavailableError, match="503 for good"):
            keep(answers(store, seconds=10))

        # then it was tried until there was no time for another try
        assert 8 < (store.clock.now() - START).total_seconds() <= 9

    def test_a_refusal_is_told_at_once(self):
        store = MemoryStore()

        def refuse(verb, ref):
            raise HeldError("403", code="obs-denied")

        store.fail = refuse
        with pytest.raises(HeldError):
            keep(answers(store))
        assert store.clock.now() == START


class TestFiled:
    @pytest.fixture
    def writes(self) -> Counter[str]:
        return Counter()

    @pytest.fixture
    def store(self, writes) -> MemoryStore:
        store = MemoryStore()
        store.after = lambda verb, ref: writes.update([ref.key] if verb == "write" else [])
        return store

    def test_an_answer_is_filed_where_the_record_names_it_and_only_once(self, store, writes):
        # given
        book, target = answers(store), layout.answer(DOCUMENT, 1)
        line = keep(book)

        # when
        for _ in range(3):
            book.file(DOCUMENT, line)

        # then
        assert store.objects[ObjectRef(OUT, target)][0] == BODY
        assert writes[target] == 1

    def test_each_page_and_another_answer_to_one_page_is_filed(self, store, writes):
        book = answers(store)
        for line in (keep(book), keep(book, page=2), keep(book, owner="another")):
            book.file(DOCUMENT, line)
        assert (writes[layout.answer(DOCUMENT, 1)], writes[layout.answer(DOCUMENT, 2)]) == (2, 1)


class TestVerified:
    def test_an_answer_that_was_just_received_is_not_read_again(self):
        store = MemoryStore()
        book = answers(store)
        line = keep(book)
        assert book.verified(line, BODY) == BODY
        assert store.reads == []

    def test_other_bytes_than_the_line_names_are_not_taken_for_it(self):
        book = answers(MemoryStore())
        assert book.verified(keep(book), b"other") == BODY

    def test_one_that_is_gone_is_told_by_its_code(self):
        store = MemoryStore()
        line = keep(answers(store))
        store.remove(ObjectRef(OUT, line.answer))
        with pytest.raises(InternalError, match=r"is gone.*restore it") as gone:
            answers(store).verified(line)
        assert gone.value.reason_code == "answer-gone"
        assert line.answer in str(gone.value)

    def test_one_that_was_altered_is_told_by_its_code(self):
        store = MemoryStore()
        line = keep(answers(store))
        store.put(OUT, line.answer, BODY + b" ", "application/json")
        with pytest.raises(InternalError, match=r"not the one that was paid for.*restore it") as altered:
            answers(store).verified(line)
        assert altered.value.reason_code == "answer-altered"
        assert line.answer in str(altered.value)


class TestUnnamed:
    """An answer that is stored and that no line names: its payer died before it could say so."""

    def test_it_is_told_with_its_page_and_its_payer(self):
        book = answers(MemoryStore(Clock()))
        keep(book, page=3)
        ((page, line),) = book.unnamed(DOCUMENT, State())
        assert (page, line.page, line.owner, line.event) == (3, 3, "payer", "calling")

    def test_one_that_a_line_names_is_not_told(self):
        book = answers(MemoryStore())
        line = keep(book)
        assert book.unnamed(DOCUMENT, State([line])) == []

    def test_one_whose_call_is_announced_is_not_told_again(self):
        book = answers(MemoryStore())
        keep(book)
        assert book.unnamed(DOCUMENT, State([Line("calling", START, "payer", 1, 1)])) == []

    def test_one_whose_call_names_another_place_is_not_told_again(self):
        """A page that is sent once more by its payer, inline, is kept beside its first answer."""
        book = answers(MemoryStore())
        line = keep(book, owner="payer-inline")
        announced = Line("calling", START, "payer", 1, 1, answer=line.answer)
        assert book.unnamed(DOCUMENT, State([announced])) == []

    @pytest.mark.parametrize("ends", [UNUSABLE, ADOPTED])
    def test_what_is_no_answer_or_was_paid_for_by_another_document_is_not_told(self, ends):
        book = answers(MemoryStore())
        keep(book, owner="payer" + ends)
        assert book.unnamed(DOCUMENT, State()) == []

    def test_what_was_filed_is_not_told(self):
        book = answers(MemoryStore())
        line = keep(book)
        book.file(DOCUMENT, line)
        assert book.unnamed(DOCUMENT, State([line])) == []

    def test_into_a_state_it_counts_once_and_a_second_one_is_surplus(self):
        # given two payers of one page, of whom no line is left
        book = answers(MemoryStore())
        keep(book)
        keep(book, owner="another")

        # when
        state = book.recovered(DOCUMENT, State())

        # then
        assert (state.answered, state.surplus) == (1, 1)
        answered = state.page(1).answered
        assert answered is not None
        assert (answered.sha256, answered.request_id) == (digest(BODY), "request-1")
        assert "does not name it" in answered.note

    def test_where_another_upload_may_have_been_read_it_is_surplus(self):
        book = answers(MemoryStore())
        keep(book)
        state = book.recovered(DOCUMENT, State(), certain=False)
        assert (state.answered, state.surplus) == (0, 1)

    def test_a_call_that_was_announced_and_has_no_answer_adds_nothing(self):
        announced = Line("calling", START, "payer", 1, 1)
        state = answers(MemoryStore()).recovered(DOCUMENT, State([announced]))
        assert state.lines == [announced]

    def test_an_announced_call_that_names_its_answer_is_looked_for_there(self):
        store = MemoryStore()
        store.put(OUT, "answers/elsewhere.json", BODY, "application/json")
        announced = structs.replace(Line("calling", START, "payer", 1, 1), answer="answers/elsewhere.json")
        state = answers(store).recovered(DOCUMENT, State([announced]))
        answered = state.page(1).answered
        assert answered is not None
        assert answered.answer == "answers/elsewhere.json"
