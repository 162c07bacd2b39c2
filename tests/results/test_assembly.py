"""A record from a journal: how a document ends by its pages, and what each page says of itself."""

from __future__ import annotations

import pytest

from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model.documents import Document, Reason
from legible.model.pages import Frame
from legible.operations import catalog
from legible.operations.operation import Task
from legible.operations.routing import Routing
from legible.results.assembly import assemble, status_of, task_of
from tests.support.fakes import START

DOCUMENT = Document("in", "passport/a.png", "v1", uploaded_at=START)
WHY = Reason("why", "Because.")


def line(event, n: int, **values) -> Line:
    return Line(event=event, at=START, owner="o", n=n, **values)


def pages(*states: str) -> State:
    """Return a journal whose pages ended like that; ``answered``, a status, or nothing."""
    lines = [line("claimed", 1, operation="passport", options={"a": 1}, pages=len(states))]
    for number, state in enumerate(states, 1):
        if state == "answered":
            lines.append(line("answered", number + 1, page=number, request_id=f"r{number}", note="n", source="url"))
        elif state:
            lines.append(line("refused", number + 1, page=number, state=state, reason=Reason(state, f"It is {state}.")))
    return State(lines)


class TestHowADocumentEnds:
    @pytest.mark.parametrize(
        ("states", "status"),
        [
            (("answered",), "done"),
            (("answered", "answered"), "done"),
            (("answered", "rejected"), "partial"),
            (("", "answered"), "partial"),
            (("rejected",), "rejected"),
            (("held",), "held"),
            (("dead",), "dead"),
            (("rejected", "dead"), "dead"),
            (("rejected", "dead", "held"), "held"),
            (("rejected", ""), "rejected"),
            (("",), "dead"),
            ((), "dead"),
        ],
    )
    def test_by_its_pages(self, states, status):
        assert status_of(pages(*states), len(states), None, None, {}) == status

    @pytest.mark.parametrize(
        ("states", "status"),
        [(("answered",), "done"), (("answered", ""), "partial"), (("dead",), "held"), (("",), "held"), ((), "held")],
    )
    def test_by_a_reason_of_the_whole_unless_something_was_answered(self, states, status):
        assert status_of(pages(*states), len(states), WHY, "held", {}) == status

    def test_a_reason_and_its_status_go_together(self):
        assert status_of(pages("rejected"), 1, WHY, None, {}) == "rejected"
        assert status_of(pages("rejected"), 1, None, "held", {}) == "rejected"

    def test_pages_beyond_the_last_one_do_not_count(self):
        assert status_of(pages("rejected", "answered"), 1, None, None, {}) == "rejected"
        assert status_of(pages("answered", "rejected"), 1, None, None, {}) == "done"
        assert status_of(pages("rejected", "held"), 1, None, None, {}) == "rejected"


class TestTheRecord:
    def record(self, state: State, status, reason: Reason | None = None, count: int = 1, task: bool = True):
        chosen = Task(catalog.find("passport"), {"a": 1}, count) if task else None
        return assemble(
            DOCUMENT, chosen, state, ("note",), (), {}, empty={}, status=status, reason=reason, finished_at=START
        )

    def test_what_was_answered_says_where_the_answer_is(self):
        (page,) = self.record(pages("answered"), "done").pages
        assert (page.page, page.state, page.source, page.request_id) == (1, "done", "url", "r1")
        assert page.answer == "answers/passport/a.png/v1/0001.json"
        assert page.note == "n"

    def test_the_frame_of_an_answer_goes_with_it(self):
        frame = Frame(1, 2, 3, 4)
        state = State([line("claimed", 1, operation="passport"), line("answered", 2, page=1, frame=frame)])
        assert self.record(state, "done").pages[0].frame == frame

    def test_what_was_refused_says_why(self):
        (page,) = self.record(pages("rejected"), "rejected").pages
        assert (page.state, page.reason) == ("rejected", Reason("rejected", "It is rejected."))

    @pytest.mark.parametrize(
        ("status", "page_status"),
        [("rejected", "rejected"), ("held", "held"), ("dead", "dead"), ("partial", "held"), ("done", "held")],
    )
    def test_what_was_not_called_for_says_so(self, status, page_status):
        (page,) = self.record(pages(""), status).pages
        assert (page.state, page.reason.code) == (page_status, "not-called")
        assert "was not called for" in page.reason.message
        (page,) = self.record(pages(""), status, WHY).pages
        assert page.reason == WHY

    def test_the_first_reason_of_a_page_is_the_documents_unless_it_has_its_own(self):
        state = pages("answered", "rejected", "held")
        assert self.record(state, "partial", count=3).reason.code == "rejected"
        assert self.record(state, "partial", WHY, count=3).reason == WHY
        assert self.record(pages("answered"), "done").reason is None
        assert self.record(pages("rejected"), "running").reason is None

    def test_it_names_operation_options_calls_and_journal(self):
        state = pages("answered", "rejected")
        state.take(line("surplus", 8, page=1))
        state.take(line("unknown", 9, page=2))
        state.take(line("corrected", 10))
        record = self.record(state, "partial", count=2)
        assert (record.operation, record.title, record.options) == (
            "passport",
            catalog.find("passport").title,
            {"a": 1},
        )
        assert (record.calls.answered, record.calls.unknown, record.calls.surplus) == (1, 1, 1)
        assert (record.revision, record.notes, record.finished_at) == (1, ("note",), START)
        assert record.ledger == "ledger/in/passport/a.png/v1.jsonl"

    def test_without_a_task_there_is_no_operation_and_no_page(self):
        record = self.record(State(), "rejected", WHY, task=False)
        assert (record.operation, record.title, record.options, record.pages) == ("", "", {}, ())


def test_the_task_of_a_document_is_that_of_its_answers():
    rules = Routing(region="cn-north-4")
    assert task_of(DOCUMENT, State(), rules) is None
    task = task_of(DOCUMENT, pages("answered", ""), rules)
    assert (task.operation.slug, task.options, task.pages) == ("passport", {"a": 1}, 2)
