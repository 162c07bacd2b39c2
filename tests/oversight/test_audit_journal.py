"""A journal tells each call once, each end, correction and new beginning; nothing of what was recognized."""

from __future__ import annotations

import json
from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from legible.errors import AnswerUnknownError, HeldError, PendingError, RejectedError, SourceUnreadableError
from legible.extraction.corrections import Change, digest
from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model import layout
from legible.model.audit import CALL, CORRECT, FINISH, LEARN, RELEASE, REOPEN, AuditEvent
from legible.model.documents import Document, Reason
from legible.model.pages import Answer
from legible.oversight.audit_journal import events_of
from legible.oversight.calls import Whose, hours
from legible.results.assembly import calls_of
from tests.oversight.audit_rig import TrailRig
from tests.support.examples import examples
from tests.support.fakes import START
from tests.support.rig import IN, PASSPORT, Rig
from tests.support.worlds import NAMING, World

DOCUMENT = Document(IN, "passport/a.png", "v")


def line(event: str, owner: str, n: int, **values: Any) -> Line:
    return Line(event, START + timedelta(seconds=n), owner, n, **({"page": 1} | values))


def told(*lines: Line) -> list[tuple[str, str]]:
    return [(event.name, event.details.get("outcome", "")) for event in events_of(DOCUMENT, lines)]


CALLED = line("claimed", "a", 1, operation="passport")
TAKEN = line("claimed", "b", 1, page=0, operation="passport")
ANSWERED = line("answered", "a", 2, answer="a.json", request_id="r1")
ADOPTED = line("unknown", "b", 2, of="a")
SURPLUS = line("surplus", "a", 3, answer="a.json", request_id="r1")
ENDED = line("finished", "a", 4, page=0, status="done")


class TestCalls:
    @pytest.mark.parametrize(
        ("lines", "calls"),
        [
            ([CALLED, ANSWERED], ["answered"]),
            ([CALLED, ANSWERED, ANSWERED], ["answered"]),
            ([CALLED, line("answered", "a", 2, answer="a", adopted="ledger/other")], []),
            ([CALLED, line("unknown", "a", 2)], ["unknown"]),
            ([CALLED, line("unknown", "a", 2), line("calling", "a", 3), line("answered", "a", 4, answer="x")],
             ["unknown", "answered"]),
            ([CALLED, line("refused", "a", 2)], ["refused"]),
            ([line("claimed", "a", 1, page=0), line("refused", "a", 2, state="rejected")], []),
            ([CALLED, TAKEN, line("refused", "b", 2, state="dead")], []),
            ([CALLED, TAKEN, ADOPTED, line("unknown", "a", 2)], ["unknown"]),
            ([CALLED, TAKEN, line("surplus", "a", 2, answer="a.json")], ["surplus"]),
            ([CALLED, TAKEN, line("answered", "b", 2, of="a", answer="a.json"), SURPLUS], ["answered"]),
            ([CALLED, ANSWERED, line("answered", "b", 2, answer="b.json")], ["answered", "surplus"]),
            ([CALLED, ANSWERED, line("answered", "b", 2, answer="b.json"), line("surplus", "b", 3, answer="b.json")],
             ["answered", "surplus"]),
        ],
    )  # fmt: skip
    def test_each_is_one_event(self, lines, calls):
        assert told(*lines) == [(CALL, outcome) for outcome in calls]

    @pytest.mark.parametrize(
        ("lines", "first", "then"),
        [
            ([CALLED, TAKEN, ADOPTED, SURPLUS], "unknown", "surplus"),
            ([CALLED, SURPLUS, TAKEN, line("answered", "b", 2, of="a", answer="a.json")], "surplus", "answered"),
        ],
    )
    def test_how_one_came_out_may_become_known_later(self, lines, first, then):
        call, later = events_of(DOCUMENT, lines)
        assert (call.name, call.details["outcome"], later.name, later.details["outcome"]) == (CALL, first, LEARN, then)
        assert later.details["call"] == call.id

    def test_an_event_says_who_paid_for_what_and_how_the_service_calls_it(self):
        claim = line("claimed", "a", 1, operation="passport", project="p-1", route="mail/*")
        (event,) = events_of(DOCUMENT, [claim, ANSWERED])
        assert msgspec.to_builtins(event) == {
            "id": event.id, "at": "2026-11-23T09:00:02Z", "name": "callOcr", "resource_type": "call",
            "resource_id": "r1", "resource_name": "passport/a.png", "operator": "function",
            "details": {"operation": "passport", "project": "p-1", "route": "mail/*", "page": "1",
                        "outcome": "answered", "version": "v", "invocation": "a"},
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("outcome", "status"),
        [("answered", "normal"), ("refused", "warning"), ("unknown", "incident"), ("surplus", "incident")],
    )
    def test_its_status_says_whether_somebody_should_look(self, outcome, status):
        (event,) = events_of(DOCUMENT, [CALLED, line(outcome, "a", 2, answer="a", reason=Reason("c", "m"))])
        assert event.status == status


class TestDocuments:
    @pytest.mark.parametrize(
        ("status", "rated"),
        [("done", "normal"), ("partial", "warning"), ("rejected", "warning"), ("held", "warning"),
         ("dead", "incident")],
    )  # fmt: skip
    def test_an_end_is_an_event(self, status, rated):
        (event,) = events_of(DOCUMENT, [line("finished", "a", 1, page=0, status=status, reason=Reason("why", "m"))])
        assert (event.name, event.status, event.details["outcome"], event.details["code"]) == (
            FINISH, rated, status, "why",
        )  # fmt: skip
        assert (event.resource_type, event.resource_id) == ("document", "v")

    def test_a_second_end_is_none(self):
        assert told(CALLED, ENDED, line("finished", "b", 9, page=0, status="dead")) == [(FINISH, "done")]

    def test_an_end_of_a_newer_version_is_one_all_the_same(self):
        assert told(line("finished", "a", 1, page=0)) == [(FINISH, "dead")]

    def test_one_that_goes_on_by_itself_was_released_and_one_that_was_asked_for_reopened(self):
        held = line("finished", "a", 2, page=0, status="held")
        for resumed, name in ((True, RELEASE), (False, REOPEN)):
            again = line("claimed", "b", 1, page=0, operation="passport", resumed=resumed)
            assert told(CALLED, held, again) == [(FINISH, "held"), (name, "")]

    def test_a_correction_names_its_author(self):
        (event,) = events_of(DOCUMENT, [line("corrected", "r", 1, page=0, author="Mei\x1b (app)")])
        assert (event.name, event.operator) == (CORRECT, "Mei  (app)")

    def test_what_a_newer_version_wrote_tells_nothing(self):
        assert told(line("unheard-of", "a", 1), line("handed", "a", 2), line("continued", "", 2)) == []


def test_nothing_recognized_and_no_text_of_others_is_in_an_event():
    """Given canaries in everything that a journal holds beside keys and codes."""
    reason = Reason("code", "canary message", "canary advice", "ModelArts.1", "r")
    values = {"note": "canary note", "reason": reason, "options": {"canary": "canary option"}}
    lines = [
        line("claimed", "a", 1, operation="passport", options={"canary": "canary option"}),
        line("unknown", "a", 2, answer="answers/x.json", **values),
        line("calling", "a", 3, **values),
        line("answered", "a", 4, answer="answers/canary", sha256="canary", **values),
        line("finished", "a", 5, page=0, status="partial", reason=reason),
        line("corrected", "r", 6, page=0, author="mei", answer="answers/canary"),
    ]
    events = list(events_of(DOCUMENT, lines))
    assert len(events) == 4
    assert "canary" not in msgspec.json.encode(events).decode()


class TestRealDocuments:
    def test_a_whole_life(self):
        rig = Rig(SourceUnreadableError("no", vendor_code="ModelArts.4702"), PASSPORT)
        upload = rig.upload("passport/canary-key.png")
        rig.run(upload)
        edit = Change(1, "surname", "canary-value", digest("ERIKSSON"))
        rig.reviewer().apply(upload.ref.key, upload.etag, [edit], "Mei", "refuse")

        events = of_rig(rig, upload)

        assert [(event.name, event.operator) for event in events] == [
            (CALL, "function"), (CALL, "function"), (FINISH, "function"), (CORRECT, "Mei"),
        ]  # fmt: skip
        assert [event.details.get("outcome") for event in events] == ["refused", "answered", "done", None]
        text = msgspec.json.encode(events).decode()
        assert "canary-key" in text
        for value in ("canary-value", "ERIKSSON", "L898902C3", "ANNA"):
            assert value not in text

    @pytest.mark.parametrize(
        ("error", "outcomes"),
        [
            (RejectedError("Too dark.", code="dark", vendor_code="ModelArts.4"), ["refused", "rejected"]),
            (HeldError("Not subscribed.", code="not-subscribed"), ["refused", "held"]),
            (AnswerUnknownError("timeout"), ["unknown", "unknown", "dead"]),
        ],
    )
    def test_what_did_not_come_out_well(self, error, outcomes):
        rig = Rig(error)
        upload = rig.upload("passport/a.png")
        rig.run(upload)
        assert [event.details["outcome"] for event in of_rig(rig, upload)] == outcomes

    def test_a_document_that_was_held_and_went_on(self):
        rig = Rig(PendingError("Not subscribed.", code="not-subscribed"), PASSPORT)
        upload = rig.upload("passport/a.png")
        rig.run(upload)
        rig.run(upload)
        names = [event.name for event in of_rig(rig, upload)]
        assert names == [CALL, FINISH, RELEASE, CALL, FINISH]

    def test_a_document_that_was_not_called_for_tells_its_end_alone(self):
        rig = Rig()
        upload = rig.upload("passport/a.png", b"no document")
        rig.run(upload)
        assert [event.name for event in of_rig(rig, upload)] == [FINISH]

    def test_an_answer_that_cannot_be_read_was_paid_for(self):
        rig = Rig(Answer(b"not json", "r1"))
        upload = rig.upload("passport/a.png")
        rig.run(upload)
        assert [event.details["outcome"] for event in of_rig(rig, upload)] == ["answered", "dead"]


def of_rig(rig: Rig, upload: Any) -> list[AuditEvent]:
    document = Document(IN, upload.ref.key, upload.etag)
    return list(events_of(document, rig.parts().ledger.journals.load(document).lines))


KINDS: list[dict[str, Any]] = [
    {}, {"flows": True}, {"bucket": "versioned", "copies": True}, {"races": True}, {"races": True, "flows": True},
    {"waits": True}, {"denied": True},
]  # fmt: skip


def journals(world: World) -> list[tuple[Document, list[Line]]]:
    documents = [Document(IN, key, etag) for key, etag in world.whose]
    return [(one, world.rig.parts().ledger.journals.load(one).lines) for one in documents]


def counted(events: list[AuditEvent]) -> Counter[str]:
    """Count calls by how they came out, as far as that is known at last."""
    outcome = {event.id: event.details["outcome"] for event in events if event.name == CALL}
    outcome |= {event.details["call"]: event.details["outcome"] for event in events if event.name == LEARN}
    return Counter(outcome.values())


@pytest.mark.no_cover
@pytest.mark.parametrize("kind", KINDS, ids=str)
class TestRandomWorlds:
    def test_each_call_is_one_event_and_they_count_what_the_record_does(self, kind):
        for seed in range(examples(40)):
            world = World(seed, **kind)
            world.run()
            requests: Counter[str] = Counter()
            for document, lines in journals(world):
                events = list(events_of(document, lines))
                state, found = State(lines), counted(events)
                calls = calls_of(state)
                assert (found["answered"], found["unknown"]) == (calls.answered, calls.unknown), seed
                assert found["surplus"] >= calls.surplus, seed  # one whose payer died before it said so is told, too
                hourly: Counter[str] = Counter()
                for hour in hours(Whose("journal"), state, START).values():
                    for call in hour.calls:
                        hourly[call.outcome] += call.count
                assert all(found[outcome] == hourly[outcome] for outcome in ("answered", "unknown")), seed
                assert found["refused"] >= hourly["refused"], seed
                requests.update({event.resource_id for event in events if event.resource_id.startswith("r")})
                named = {line.request_id for line in lines if line.event in NAMING and not line.adopted}
                assert {event.resource_id for event in events if event.resource_type == "call"} >= named, seed
                assert len([one for one in events if one.name == FINISH]) >= bool(state.finished), seed

    def test_a_journal_that_has_grown_tells_what_it_told_and_more(self, kind):
        for seed in range(examples(15)):
            world = World(seed, **kind)
            world.run()
            for document, lines in journals(world):
                whole = list(events_of(document, lines))
                assert len({event.id for event in whole}) == len(whole)
                for length in range(len(lines)):
                    part = list(events_of(document, lines[:length]))
                    assert part == whole[: len(part)], (seed, length)

    def test_it_is_told_once_however_often_it_is_looked_at(self, kind):
        """Given a world that is looked at while it lives, and again when it is quiet."""
        world = World(7, **kind)
        rig = TrailRig(world.rig.store, most=(50, 1 << 20))
        world.live()
        for _ in range(2):
            rig.trail().put({layout.journal(one): list(events_of(one, lines)) for one, lines in journals(world)})
        world.run()
        rig.trail().put({layout.journal(one): list(events_of(one, lines)) for one, lines in journals(world)})
        wanted = [event.id for one, lines in journals(world) for event in events_of(one, lines)]
        assert len(rig.events()) == len(set(rig.events()))
        assert set(rig.events()) >= set(wanted)
        assert rig.verify().fault is None


def test_ids_are_those_of_the_journal_and_its_line():
    """Given the same lines of another document: they are other events."""
    first, second = (next(events_of(Document(IN, key, "v"), [CALLED, ANSWERED])).id for key in ("a", "b"))
    assert first != second
    assert (
        json.loads(msgspec.json.encode(next(events_of(DOCUMENT, [CALLED, ANSWERED]))))["id"]
        == next(events_of(DOCUMENT, [CALLED, TAKEN, ANSWERED])).id
    )
