"""Calls count and are audited under the operation that their document was begun with, whatever routes say later."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model.documents import Document, Reason
from legible.oversight.audit_journal import events_of
from legible.oversight.calls import Whose, hours
from tests.support.rig import IN

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=timezone.utc)
#: What the routes said when the document was begun, and what they say since.
BEGUN = {"operation": "passport", "project": "p", "route": "in/*"}
SINCE = {"operation": "vin", "project": "q", "route": "mail/*"}
REFUSED = Reason("image-refused", "blurred", vendor_code="AIS.0104", request_id="r")


def line(event: str, owner: str, n: int, page: int = 1, **values: Any) -> Line:
    return Line(event, NINE + timedelta(seconds=n), owner, n, **{"page": page, **values})


def claimed(owner: str, n: int, values: dict[str, str]) -> Line:
    return line("claimed", owner, n, page=0, **values)


def counted(*lines: Line) -> list[tuple[str, str, str, str]]:
    """Return operation, project, route and outcome of each call; and see that the audit trail tells the same."""
    found = hours(Whose("j"), State(lines), NINE)
    calls = sorted(
        (call.operation, call.project, call.route, call.outcome)
        for hour in found.values()
        for call in hour.calls
        for _ in range(call.count)
    )
    told = [event.details for event in events_of(Document(IN, "in/a.pdf", "v"), lines) if event.resource_type == "call"]
    known = {one["call"] for one in told if "call" in one}
    assert known or calls == sorted(
        (one["operation"], one.get("project", ""), one.get("route", ""), one["outcome"]) for one in told
    )
    return calls


@pytest.mark.parametrize(
    ("event", "values"),
    [("answered", {"answer": "2"}), ("refused", {"reason": REFUSED}), ("unknown", {}), ("surplus", {"answer": "3"})],
)
def test_a_later_page_is_of_the_operation_that_has_begun_the_document(event, values):
    """Given one answered page, then other settings and another delivery."""
    lines = [
        claimed("a", 1, BEGUN), line("calling", "a", 2), line("answered", "a", 3, answer="1"),
        claimed("b", 4, SINCE), line("calling", "b", 5, 2), line(event, "b", 6, 2, **values),
    ]  # fmt: skip
    assert counted(*lines) == sorted([("passport", "p", "in/*", "answered"), ("passport", "q", "in/*", event)])


def test_a_document_without_answers_is_begun_anew_with_what_routes_say_now():
    lines = [
        claimed("a", 1, BEGUN), line("calling", "a", 2), line("refused", "a", 3, reason=REFUSED),
        claimed("b", 4, SINCE), line("calling", "b", 5), line("answered", "b", 6, answer="1"),
    ]  # fmt: skip
    assert counted(*lines) == [("passport", "p", "in/*", "refused"), ("vin", "q", "mail/*", "answered")]


def test_an_answer_that_a_dead_owner_stored_commits_who_takes_it_over():
    lines = [
        claimed("a", 1, BEGUN), line("calling", "a", 2), claimed("b", 4, SINCE),
        line("answered", "b", 5, of="a", answer="1"),
        line("calling", "b", 6, 2), line("answered", "b", 7, 2, answer="2"),
    ]  # fmt: skip
    assert counted(*lines) == [("passport", "p", "in/*", "answered"), ("passport", "q", "in/*", "answered")]


@pytest.mark.parametrize("announced", [True, False])
def test_what_a_slow_owner_paid_for_is_of_its_own_operation_though_another_one_was_faster(announced):
    lines = [
        claimed("a", 1, BEGUN), *([line("calling", "a", 2)] if announced else []),
        claimed("b", 3, SINCE), line("unknown", "b", 4, of="a"), line("calling", "b", 5),
        line("answered", "b", 6, answer="2"), line("surplus", "a", 7, answer="1"),
    ]  # fmt: skip
    assert counted(*lines) == [("passport", "p", "in/*", "surplus"), ("vin", "q", "mail/*", "answered")]


def test_an_answer_whose_announcement_was_lost_is_of_what_the_document_is_committed_to():
    lines = [claimed("a", 1, BEGUN), line("answered", "a", 2, answer="1"), claimed("b", 3, SINCE)]
    assert counted(*lines, line("answered", "b", 4, 2, answer="2"))[1] == ("passport", "q", "in/*", "answered")


@pytest.mark.parametrize("project", ["0", "r"])
def test_the_project_that_an_announcement_names_is_what_was_billed(project):
    lines = [claimed("a", 1, BEGUN), line("calling", "a", 2, project=project), line("answered", "a", 3, answer="1")]
    assert counted(*lines) == [("passport", project, "in/*", "answered")]


@given(some.lists(some.sampled_from([BEGUN, SINCE, {"operation": ""}]), max_size=5), some.data())
def test_whatever_routes_say_each_call_after_the_first_answer_is_of_one_operation(claims, data):
    lines = [claimed("a", 1, BEGUN), line("calling", "a", 2), line("answered", "a", 3, answer="1")]
    for number, values in enumerate(claims):
        owner, n = f"o{number}", 10 + number * 3
        outcome = data.draw(some.sampled_from(["answered", "unknown", "refused"]))
        said = {"reason": REFUSED} if outcome == "refused" else {"answer": f"{n}"}
        lines += [claimed(owner, n, values), line("calling", owner, n + 1, 2 + number)]
        lines.append(line(outcome, owner, n + 2, 2 + number, **said))
    assert {call[0] for call in counted(*lines)} == {"passport"}
    assert len(counted(*lines)) == 1 + len(claims)


@given(some.integers(1, 8))
def test_the_trail_tells_of_a_shorter_journal_what_it_tells_of_the_longer_one(cut):
    lines = [
        claimed("a", 1, BEGUN), line("calling", "a", 2), claimed("b", 3, SINCE), line("unknown", "b", 4, of="a"),
        line("calling", "b", 5), line("answered", "b", 6, answer="2"), line("surplus", "a", 7, answer="1"),
        line("unknown", "b", 8, 2),
    ]  # fmt: skip
    document = Document(IN, "in/a.pdf", "v")
    short, whole = list(events_of(document, lines[:cut])), list(events_of(document, lines))
    assert short == whole[: len(short)]
