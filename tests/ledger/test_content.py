"""Paid once by content: what a document adopts from another one, how long it waits for it, and what that costs."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from legible.errors import AppendConflictError, BusyError, HeldError
from legible.ledger.answers import Answers, digest
from legible.ledger.changes import name_of
from legible.ledger.claim import Claim, Wish
from legible.ledger.content import SharedContent
from legible.ledger.ledger import Ledger, plan_of
from legible.model import layout
from legible.model.documents import Document, ObjectRef, Reason
from legible.model.pages import Frame
from legible.operations import catalog
from legible.operations.operation import Task
from legible.ports import Site
from tests.support.fakes import START, MemoryStore, invocation
from tests.support.rig import IN, OUT, Logged

BYTES = b"a picture of a passport"
BODY = b'{"result": {"surname": "MUSTER"}}'
TASK = Task(catalog.find("passport"), {})
FRAME = Frame(595, 842, "pt", 2.0)


class World:
    """Documents with one content, and claims on them."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.site = Site(self.store, IN, OUT)
        self.log = Logged()
        self.call = invocation(self.store.clock, log=self.log)
        self.answers = Answers(self.site, self.call)
        self.ledger = Ledger(self.site, self.call)

    def claim(self, name: str) -> Claim:
        ref = self.store.put(IN, f"passport/{name}.png", BYTES)
        head = self.store.head(ref)
        document = Document(IN, ref.key, head.etag, etag=head.etag, size=head.size, uploaded_at=head.modified_at)
        claim = self.ledger.claim(document, Wish(f"owner-{name}", "passport", pages=2), 0)
        assert isinstance(claim, Claim)
        self.store.reads.clear()
        return claim

    def answered(self, claim: Claim, page: int, body: bytes = BODY, **values: Any) -> None:
        """Pay for a page."""
        key = self.answers.keep(claim.document, page, claim.owner, body, f"{claim.owner}-{page}")
        claim.write(
            "answered", page=page, answer=key, sha256=digest(body), request_id=f"{claim.owner}-{page}", **values
        )

    def adopt(self, claim: Claim, earlier: Document | None = None, seconds: float = 60) -> None:
        call = structs.replace(self.call, remaining=lambda: seconds)
        shared = SharedContent(self.site, call, self.ledger.journals, self.answers)
        shared.adopt(claim, TASK, (1, 2), lambda key: earlier)

    @property
    def list(self) -> ObjectRef:
        (key,) = self.store.keys(OUT, "contents/")
        return ObjectRef(OUT, key)

    def holders(self) -> list[str]:
        return [line["key"] for line in self.store.lines(OUT, self.list.key)]


@pytest.fixture
def world() -> World:
    return World()


def requests(claim: Claim) -> list[str]:
    """Return who paid for each page of a claim, as its journal says."""
    return [line.request_id for line in claim.state.lines if line.event == "answered"]


class TestWhatItCosts:
    def test_a_new_content_costs_one_append_and_nothing_is_read(self, world):
        mine = world.claim("a")
        world.adopt(mine)
        assert world.holders() == [mine.document.key]
        assert world.store.reads == []
        assert world.list.key == layout.content(mine.document.etag, len(BYTES), plan_of("passport", TASK.options, {}))

    def test_the_list_is_that_of_the_content_the_operation_and_its_options(self, world):
        options = {"country_code": "GENERAL"}
        mine = world.claim("a")
        SharedContent(world.site, world.call, world.ledger.journals, world.answers).adopt(
            mine, Task(TASK.operation, options), (1, 2), lambda key: None
        )
        plan = plan_of("passport", options, {})
        assert world.list.key == layout.content(mine.document.etag, len(BYTES), plan)

    def test_where_no_page_is_missing_nothing_is_looked_at(self, world):
        # given
        mine = world.claim("a")
        for page in (1, 2):
            world.answered(mine, page)

        def unseen(verb, ref):
            raise AssertionError(f"{verb} {ref}")

        # when
        world.store.fail = unseen
        world.adopt(mine)

        # then
        assert world.store.keys(OUT, "contents/") == []


class TestWhatIsAdopted:
    def test_all_that_was_paid_for_and_then_it_is_not_the_last_of_the_list(self, world):
        # given
        first = world.claim("a")
        world.adopt(first)
        for page in (1, 2):
            world.answered(first, page)
        first.finish(first.line("finished", status="done"))

        # when
        copy = world.claim("b")
        world.adopt(copy)

        # then
        assert requests(copy) == ["owner-a-1", "owner-a-2"]
        assert world.holders() == [first.document.key]

    def test_only_what_is_missing_and_then_it_may_pay_for_the_rest(self, world):
        # given a copy that has its first page, of a document that has its second
        first = world.claim("a")
        world.adopt(first)
        world.answered(first, 1)
        first.release()
        copy = world.claim("b")
        world.answered(copy, 1)

        # when
        world.adopt(copy)

        # then
        assert requests(copy) == ["owner-b-1"]
        assert world.holders() == [first.document.key, copy.document.key]

    def test_a_page_that_could_not_be_read_with_the_reason_for_that(self, world):
        first = world.claim("a")
        world.adopt(first)
        reason = Reason("answer-unreadable", "It is no JSON.")
        world.answered(first, 1, b"<html>", state="dead", reason=reason, source="inline", note="by mail", frame=FRAME)
        first.release()
        copy = world.claim("b")
        world.adopt(copy)
        line = copy.state.page(1).answered
        assert line is not None
        assert (line.state, line.reason, line.source, line.note) == ("dead", reason, "inline", "by mail")
        assert line.frame == FRAME

    def test_a_line_that_cannot_be_read_hides_no_other(self, world):
        first = world.claim("a")
        world.adopt(first)
        world.answered(first, 1)
        first.release()
        world.store.land(world.list, b"", b"not ours\n" + world.store.objects[world.list][0])
        copy = world.claim("b")
        world.adopt(copy)
        assert requests(copy) == ["owner-a-1"]

    def test_an_answer_that_is_gone_is_not_and_the_log_says_why(self, world):
        first = world.claim("a")
        world.adopt(first)
        world.answered(first, 1)
        first.release()
        for key in world.store.keys(OUT, "answers/"):
            world.store.remove(ObjectRef(OUT, key))
        copy = world.claim("b")
        world.adopt(copy)
        (logged,) = world.log.lines
        assert requests(copy) == []
        assert (logged["event"], logged["key"], logged["reason"]) == (
            "not-adopted", copy.document.key, "answer-gone",
        )  # fmt: skip
        assert isinstance(logged["message"], str)
        assert "is gone" in logged["message"]

    def test_where_the_store_tells_no_digest_the_bytes_are_read_for_it(self, world):
        """In an encrypted bucket each upload has another etag."""
        world.store.encrypted.add(IN)
        first = world.claim("a")
        world.adopt(first)
        world.answered(first, 1)
        first.release()
        world.store.clock.pause(5)
        copy = world.claim("b")
        world.adopt(copy)
        assert copy.document.etag != first.document.etag
        assert requests(copy) == ["owner-a-1"]
        assert hashlib.md5(BYTES, usedforsecurity=False).hexdigest() in world.list.key


class TestBeforeThereWereLists:
    @pytest.mark.parametrize(("values", "adopts"), [({}, True), ({"etag": "other"}, False), ({"size": 1}, False)])
    def test_the_same_bytes_that_were_read_under_the_key_are_adopted(self, world, values, adopts):
        first = world.claim("a")
        world.answered(first, 1)
        first.release()
        copy = world.claim("b")
        world.adopt(copy, earlier=structs.replace(first.document, **values))
        assert requests(copy) == (["owner-a-1"] if adopts else [])

    def test_they_are_where_the_reply_to_the_first_line_of_the_list_was_lost(self, world):
        first = world.claim("a")
        world.answered(first, 1)
        first.release()
        copy, real = world.claim("b"), world.store.append

        def append(ref, position, body):
            end = real(ref, position, body)
            if ref.key.startswith("contents/"):
                raise AppendConflictError("It was sent twice.")
            return end

        world.store.append = append
        world.adopt(copy, earlier=first.document)
        assert requests(copy) == ["owner-a-1"]
        assert world.holders() == ["passport/b.png"]

    def test_they_are_not_looked_for_where_there_is_a_list(self, world):
        first, other = world.claim("a"), world.claim("c")
        world.answered(first, 1)
        first.release()
        world.adopt(other)
        other.release()
        copy = world.claim("b")
        world.adopt(copy, earlier=first.document)
        assert requests(copy) == []


class TestAnotherIsBeingRead:
    @pytest.mark.parametrize("seconds", [20, 60])
    def test_half_of_the_time_is_waited_for_it(self, world, seconds):
        # given
        first = world.claim("a")
        world.adopt(first)
        copy = world.claim("b")
        began = world.store.clock.now()

        # when
        with pytest.raises(BusyError, match="The same content") as busy:
            world.adopt(copy, seconds=seconds)

        # then
        assert world.store.clock.now() - began == timedelta(seconds=seconds / 2)
        assert "delivered again" in busy.value.advice
        assert began == START

    def test_what_it_pays_for_meanwhile_is_adopted(self, world):
        # given a document whose second page is answered while its copy waits
        first = world.claim("a")
        world.adopt(first)
        world.answered(first, 1)
        copy = world.claim("b")
        looks = []

        def later(verb, ref):
            looks.append(ref)
            if verb == "read" and ref == world.list and len([ref for ref in looks if ref == world.list]) == 3:
                world.answered(first, 2)

        # when
        world.store.after = later
        world.adopt(copy)

        # then
        assert requests(copy) == ["owner-a-1", "owner-a-2"]
        assert timedelta() < world.store.clock.now() - START <= timedelta(seconds=3)


class TestWhoDied:
    """A document of the same content whose invocation died after it had announced a call."""

    @pytest.fixture
    def dead(self, world) -> Claim:
        claim = world.claim("a")
        world.adopt(claim)
        claim.write("calling", page=1, source="inline")
        world.store.clock.pause(120)
        return claim

    def test_lends_the_answer_that_it_stored_with_the_id_of_its_request(self, world, dead):
        world.answers.keep(dead.document, 1, dead.owner, BODY, "request-9")
        other = world.claim("b")
        world.adopt(other)
        assert requests(other) == ["request-9"]

    def test_lends_nothing_where_it_stored_none(self, world, dead):
        other = world.claim("b")
        world.adopt(other)
        assert requests(other) == []
        assert world.holders() == ["passport/a.png", "passport/b.png"]


@pytest.mark.parametrize(("late", "free"), [(1.9, False), (2.0, True)])
def test_a_document_is_taken_for_idle_two_seconds_after_its_lease(world, late, free):
    world.adopt(world.claim("a"))
    world.store.clock.pause(60 + late)
    second = world.claim("b")
    if free:
        world.adopt(second, seconds=0)
        assert world.holders() == ["passport/a.png", "passport/b.png"]
    else:
        with pytest.raises(BusyError):
            world.adopt(second, seconds=0)


def test_who_is_the_last_of_the_list_by_an_append_whose_reply_was_lost_is_not_there_twice(world):
    # given a document that lends one page of two
    first = world.claim("a")
    world.adopt(first)
    world.answered(first, 1)
    first.release()
    real, lost = world.store.append, []

    def append(ref, position, body):
        end = real(ref, position, body)
        if ref.key.startswith("contents/") and b"b.png" in body and not lost:
            lost.append(ref)
            raise AppendConflictError("It was sent twice.")
        return end

    # when
    world.store.append = append
    world.adopt(world.claim("b"))

    # then
    assert lost
    assert world.holders() == ["passport/a.png", "passport/b.png"]


def test_an_answer_that_was_lent_before_names_who_paid(world):
    first, second, third = (world.claim(name) for name in "abc")
    world.adopt(first)
    world.answered(first, 1)
    world.answered(first, 2)
    world.adopt(second)
    world.store.remove(world.list)
    world.adopt(third, earlier=second.document)
    assert {line.adopted for line in third.state.lines if line.event == "answered"} == {
        name_of(layout.journal(first.document))
    }


def test_a_list_that_takes_no_line_is_logged_and_stops_nobody(world):
    def refuse(verb, ref):
        if ref.key.startswith("contents/"):
            raise HeldError("It takes no more lines.", code="not-appendable")

    mine = world.claim("a")
    world.store.fail = refuse
    world.adopt(mine)
    (logged,) = world.log.lines
    assert (logged["event"], logged["key"], logged["reason"]) == (
        "content-not-shared", mine.document.key, "not-appendable",
    )  # fmt: skip
    assert "no more lines" in logged["message"]
