"""Steps of workflows: several share one document, each page is paid for once, and results are references."""

from __future__ import annotations

import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec
import pytest

from legible.errors import BusyError, EventError, HeldError, RetryableError, ThrottledError, UnavailableError
from legible.huawei import flows
from legible.ledger import journal
from legible.ledger.claim import Wish
from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model.documents import Document, ObjectRef, Order, Reason, Unreadable, Upload
from legible.model.pages import Share
from legible.operations.routing import OperationSettings, Routing
from legible.recognition.policy import Policy
from tests.support.rig import IN, OUT, PASSPORT, TEXT, Rig, picture, tiff

KEY = "general-text/long.tiff"
NOON = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
GAVE_UP = Reason("flow-gave-up", "The flow gave up: no message", "Mend it.")


class Killed(BaseException):
    """The instance is gone."""


class WallClock:
    """The real time: whoever waits beside others must not make theirs pass."""

    def now(self) -> datetime:
        return datetime.now(timezone.utc)

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)


@pytest.fixture
def rig() -> Rig:
    return Rig(TEXT)


@pytest.fixture
def real() -> Rig:
    """A world in real time, for steps that run side by side."""
    found = Rig(TEXT, policy=Policy(window=2, settle=0.02))
    found.clock = found.store.clock = WallClock()  # type: ignore[assignment]
    found.ocr.during = lambda: time.sleep(0.01)
    return found


def again(do: Any, most: int = 50) -> Any:
    """Do something until it is not raised any more, as a flow does."""
    for _ in range(most):
        try:
            return do()
        except RetryableError:
            time.sleep(0.02)
    return do()


def called(rig: Rig) -> Counter[int]:
    """Count the calls that were announced, by page."""
    return Counter(line["page"] for line in rig.journal(KEY) if line["event"] == "calling")


def done(rig: Rig, pages: int) -> None:
    """See that every page was paid for once, and all of them are in the record."""
    record = rig.record(KEY)
    assert record["status"] == "done"
    assert [page["page"] for page in record["pages"]] == list(range(1, pages + 1))
    assert record["calls"] == {"answered": pages, "unknown": 0, "surplus": 0}
    assert len(rig.ocr.calls) == pages


class TestSideBySide:
    def test_each_share_calls_for_its_own_pages(self, real: Rig) -> None:
        # given
        upload = real.upload(KEY, tiff(12))

        # when
        with ThreadPoolExecutor(4) as together:
            parts = list(together.map(lambda n: real.steps().recognize_pages(upload, Share(n, 4)), range(1, 5)))
        end = real.steps().recognize(upload)

        # then
        assert {part["status"] for part in parts} == {"running"}
        assert (end["status"], end["pages"]) == ("done", 12)
        done(real, 12)
        assert set(called(real).values()) == {1}
        owners = {line["owner"]: set() for line in real.journal(KEY) if line.get("share")}
        for line in real.journal(KEY):
            if line["event"] == "answered":
                owners[line["owner"]].add(line["page"])
        assert sorted(map(sorted, owners.values())) == [[1, 5, 9], [2, 6, 10], [3, 7, 11], [4, 8, 12]]

    def test_what_comes_twice_and_in_any_order_is_paid_once(self, real: Rig) -> None:
        # given
        upload = real.upload(KEY, tiff(12))
        steps = [lambda n=n: real.steps().recognize_pages(upload, Share(n, 4)) for n in (4, 1, 3, 1, 2, 4, 2, 3)]
        steps += [lambda: real.steps().recognize(upload)] * 2

        # when all of it is tried until nothing is raised
        with ThreadPoolExecutor(len(steps)) as together:
            results = list(together.map(again, steps))

        # then
        assert {result["status"] for result in results} <= {"running", "done"}
        assert results[-1]["status"] == "done"
        done(real, 12)

    def test_appends_that_meet_lose_no_line(self, real: Rig) -> None:
        # given a journal that several write to at every moment
        real.ocr.during = lambda: None
        upload = real.upload(KEY, tiff(24))

        # when
        with ThreadPoolExecutor(8) as together:
            list(together.map(lambda n: again(lambda: real.steps().recognize_pages(upload, Share(n, 8))), range(1, 9)))
        real.steps().recognize(upload)

        # then
        done(real, 24)
        assert called(real) == Counter(range(1, 25))


class TestDeaths:
    @pytest.mark.parametrize("call", [1, 2, 3])
    def test_a_step_that_dies_in_a_call_is_taken_over_from_its_answers(self, rig: Rig, call: int) -> None:
        # given a share whose instance dies while a call is under way
        upload = rig.upload(KEY, tiff(12))
        rig.ocr.during = self.dying(rig, call)
        with pytest.raises(Killed):
            rig.steps().recognize_pages(upload, Share(2, 4))

        # when it comes again: others go on meanwhile, it waits for the lease
        rig.ocr.during = lambda: None
        for number in (1, 3, 4):
            rig.steps().recognize_pages(upload, Share(number, 4))
        again(lambda: rig.steps().recognize_pages(upload, Share(2, 4)))
        rig.steps().recognize(upload)

        # then the call that was cut is the only one that was made again, and it is on the record
        record = rig.record(KEY)
        assert record["status"] == "done"
        assert record["calls"] == {"answered": 12, "unknown": 1, "surplus": 0}
        assert len(rig.ocr.calls) == 13
        assert Counter(called(rig).values()) == {1: 11, 2: 1}

    def test_an_answer_that_a_dead_step_stored_counts(self, rig: Rig) -> None:
        # given a step that dies between storing its answer and saying so
        upload = rig.upload(KEY, tiff(12))

        def dies(verb: str, ref: ObjectRef) -> None:
            if verb == "write" and ref.key.startswith("answers/"):
                raise Killed

        rig.store.after = dies
        with pytest.raises(Killed):
            rig.steps().recognize_pages(upload, Share(2, 4))
        rig.store.after = lambda verb, ref: None

        # when
        for number in (1, 2, 3, 4):
            again(lambda n=number: rig.steps().recognize_pages(upload, Share(n, 4)))
        rig.steps().recognize(upload)

        # then
        done(rig, 12)

    def test_whoever_ends_the_document_waits_for_every_share(self, rig: Rig) -> None:
        # given a share whose instance died just now
        upload = rig.upload(KEY, tiff(4))
        rig.ocr.during = self.dying(rig, 1)
        with pytest.raises(Killed):
            rig.steps().recognize_pages(upload, Share(1, 2))
        rig.ocr.during = lambda: None

        # then nobody ends it before its lease has ended, and then all of it is there
        with pytest.raises(BusyError, match="Another invocation holds"):
            rig.steps().recognize(upload)
        assert rig.steps().recognize(upload)["status"] == "done"
        assert rig.record(KEY)["calls"] == {"answered": 4, "unknown": 1, "surplus": 0}

    def test_a_step_that_wakes_up_too_late_pays_for_nothing_more(self, rig: Rig) -> None:
        # given a share whose lease ends during its first call, while another takes the document and ends it
        upload = rig.upload(KEY, tiff(4))

        def asleep() -> None:
            rig.ocr.during = lambda: None
            rig.clock.pause(65)
            assert rig.steps().recognize(upload)["status"] == "done"

        rig.ocr.during = asleep

        # when
        with pytest.raises(RetryableError):
            rig.steps().recognize_pages(upload, Share(1, 2))

        # then what it had paid for is named, and nothing else was
        lines = rig.journal(KEY)
        assert len(rig.ocr.calls) == 5
        assert Counter(line["event"] for line in lines)["answered"] == 4
        assert [line["event"] for line in lines if line["event"] in ("unknown", "surplus")] == ["unknown", "surplus"]

    @staticmethod
    def dying(rig: Rig, call: int) -> Any:
        def during() -> None:
            if len(rig.ocr.calls) == call:
                raise Killed

        return during


class TestTrouble:
    def test_a_share_that_is_given_back_is_taken_at_once(self, rig: Rig) -> None:
        # given
        upload = rig.upload(KEY, tiff(4))
        rig.ocr.script = [TEXT, *[UnavailableError("5xx")] * 9, TEXT]

        # when
        with pytest.raises(UnavailableError):
            rig.steps().recognize_pages(upload, Share(1, 2))
        before = rig.clock.now()
        rig.ocr.script = [TEXT]
        assert rig.steps().recognize_pages(upload, Share(1, 2))["pages"] == 2

        # then
        assert rig.clock.now() - before < timedelta(seconds=5)

    def test_a_defect_gives_the_share_back(self, rig: Rig) -> None:
        upload = rig.upload(KEY, tiff(4))

        def broken() -> None:
            rig.ocr.during = lambda: None
            raise ZeroDivisionError

        rig.ocr.during = broken
        with pytest.raises(RetryableError, match="ZeroDivisionError"):
            rig.steps().recognize_pages(upload, Share(1, 2))
        assert rig.steps().recognize_pages(upload, Share(1, 2))["pages"] == 2

    def test_what_cannot_be_called_now_is_ended_by_the_last_step(self, rig: Rig) -> None:
        # given
        upload = rig.upload(KEY, tiff(4))
        rig.ocr.script = [HeldError("Not subscribed.", code="not-subscribed")]

        # when
        part = rig.steps().recognize_pages(upload, Share(1, 2))
        end = rig.steps().recognize(upload)

        # then
        assert (part["status"], part["pages"]) == ("running", 0)
        assert (end["status"], end["reason"]["code"]) == ("held", "not-subscribed")

    def test_a_document_that_was_replaced_is_left_to_the_last_step(self, rig: Rig) -> None:
        old = rig.upload(KEY, tiff(4))
        rig.upload(KEY, tiff(3))
        assert rig.steps().recognize_pages(old, Share(1, 2))["pages"] == 0
        assert rig.ocr.calls == []
        assert rig.steps().recognize(old)["pages"] == 3

    def test_a_document_that_ended_has_its_record(self, rig: Rig) -> None:
        upload = rig.upload(KEY, tiff(4))
        end = rig.steps().recognize(upload)
        part = rig.steps().recognize_pages(upload, Share(1, 2))
        assert (part["status"], part["duplicate"]) == ("done", True)
        assert rig.store.json(OUT, part["record"]["key"]) == rig.store.json(OUT, end["record"]["key"])

    @pytest.mark.parametrize("body", [b"no document", b""])
    def test_what_is_no_document_is_rejected_by_the_last_step(self, rig: Rig, body: bytes) -> None:
        upload = rig.upload(KEY, body)
        assert rig.steps().split(upload)["page_count"] == 0
        assert rig.steps().recognize_pages(upload, Share(1, 2))["status"] == "running"
        assert rig.steps().recognize(upload)["status"] == "rejected"

    def test_an_object_that_is_gone(self, rig: Rig) -> None:
        gone = Upload(ObjectRef(IN, KEY))
        assert rig.steps().split(gone)["page_count"] == 0
        assert rig.steps().recognize_pages(gone, Share(1, 1))["status"] == "running"
        assert rig.steps().recognize(gone)["reason"]["code"] == "object-gone"

    def test_routes_that_changed_between_two_steps_change_nothing(self, rig: Rig) -> None:
        # given a document that one step began with other options than the next one would
        upload = rig.upload(KEY, tiff(4))
        rig.steps().recognize_pages(upload, Share(1, 2))
        settings = OperationSettings(options={"detect_direction": True})
        rig.rules = Routing(region="cn-north-4", operations={"general-text": settings})

        # when
        rig.steps().recognize_pages(upload, Share(2, 2))
        rig.steps().recognize(upload)

        # then
        assert {json.dumps(options) for _, options, _ in rig.ocr.calls} == {"{}"}
        done(rig, 4)

    def test_a_document_that_cannot_be_looked_at_as_it_was_begun_is_left_to_the_last_step(self, rig: Rig) -> None:
        # given a document that was begun otherwise, and is denied when it is looked at that way again
        upload = rig.upload(KEY, tiff(4))
        rig.steps().recognize_pages(upload, Share(1, 2))
        rig.rules = Routing(
            region="cn-north-4", operations={"general-text": OperationSettings(options={"detect_direction": True})}
        )
        looks: list[str] = []

        def denied(verb: str, ref: ObjectRef) -> None:
            if (verb, ref.bucket) == ("read", IN):
                looks.append(verb)
                if len(looks) > 1:
                    raise HeldError("403", code="obs-denied")

        rig.store.fail = denied

        # when
        part = rig.steps().recognize_pages(upload, Share(2, 2))
        rig.store.fail = lambda verb, ref: None

        # then
        assert (part["status"], part["pages"]) == ("running", 2)
        assert rig.steps().recognize(upload)["status"] == "done"
        done(rig, 4)


class TestResults:
    def test_a_reference_is_pinned_to_what_lies_there_now(self, rig: Rig) -> None:
        # given
        etag = rig.upload(KEY, tiff(4)).etag
        order = Order("web-image", {"detect_direction": True})

        # when
        found = rig.steps().split(Upload(ObjectRef(IN, KEY), order=order))

        # then
        assert found == {
            "bucket": IN, "key": KEY, "etag": etag, "order": msgspec.to_builtins(order),
            "status": "running", "operation": "web-image", "page_count": 4, "pages": 0, "record": None,
        }  # fmt: skip
        assert flows.arrival(found) == Upload(ObjectRef(IN, KEY), etag=etag, order=order)

    def test_a_result_is_the_event_of_the_next_step(self, rig: Rig) -> None:
        # given
        upload = rig.upload("passport/a b+ü.png")
        rig.ocr.script = [PASSPORT]

        # when every step is given what the one before returned, as JSON
        event = json.loads(json.dumps(rig.steps().split(upload)))
        event = json.loads(json.dumps(rig.steps().recognize_pages(flows.arrival([event, event]), Share(1, 4))))
        end = rig.steps().recognize(flows.arrival({"result": [event]}))

        # then
        assert (end["status"], end["operation"], end["pages"]) == ("done", "passport", 1)
        assert end["record"] == {"bucket": OUT, "key": "results/passport/a b+ü.png/record.json"}
        assert flows.arrival(end).order is None
        assert len(rig.ocr.calls) == 1

    def test_no_documents_are_told(self, rig: Rig) -> None:
        folder = Upload(ObjectRef(IN, "folder/"))
        for found in (
            rig.steps().split(folder),
            rig.steps().recognize_pages(folder, Share(1, 1)),
            rig.steps().recognize(folder),
        ):
            assert (found["status"], found["reason"]["code"], found["record"]) == ("skipped", "folder", None)
            assert (found["bucket"], found["key"]) == (IN, "folder/")

    def test_an_order_that_cannot_be_kept_is_an_end(self, rig: Rig) -> None:
        upload = rig.upload(KEY, picture())
        found = rig.steps().recognize(msgspec.structs.replace(upload, order=Order("no-such-operation")))
        assert (found["status"], len(rig.ocr.calls)) == ("rejected", 0)

    def test_what_was_given_up_ends_as_its_pages_say(self, rig: Rig) -> None:
        # given
        upload = rig.upload(KEY, tiff(4))
        rig.steps().recognize_pages(upload, Share(1, 2))

        # when
        end = rig.steps().give_up(upload, GAVE_UP)

        # then
        assert (end["status"], end["pages"], end["reason"]["code"]) == ("partial", 2, "flow-gave-up")
        assert [page["state"] for page in rig.record(KEY)["pages"]] == ["done", "held", "done", "held"]
        assert rig.steps().give_up(upload, GAVE_UP)["status"] == "partial"

    def test_throttling_is_the_flows_to_try_again(self, rig: Rig) -> None:
        upload = rig.upload(KEY, tiff(2))
        rig.ocr.script = [ThrottledError("slow")]
        with pytest.raises(RetryableError):
            rig.steps().recognize(upload)


class TestEvents:
    @pytest.mark.parametrize(
        ("event", "order"),
        [
            ({}, None),
            ({"order": None, "operation": "passport"}, None),
            ({"operation": "passport"}, Order("passport")),
            ({"options": {"a": [1]}}, Order("", {"a": [1]})),
            ({"order": {"operation": "passport"}, "operation": "web-image"}, Order("passport")),
        ],
    )
    def test_a_reference(self, event: dict[str, Any], order: Order | None) -> None:
        named = {"bucket": "b", "key": "a b+%20ü", "etag": "E" * 32, "version_id": "v1", "again": "x#1"} | event
        found = flows.arrival({"document": named, "share": 1})
        assert isinstance(found, Upload)
        assert (found.ref, found.etag, found.version_id) == (ObjectRef("b", "a b+%20ü"), "e" * 32, "v1")
        assert (found.order, found.again) == (order, "x#1")

    def test_an_event_of_obs(self) -> None:
        event = {"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": "a+b"}}}]}
        assert flows.arrival(event) == Upload(ObjectRef("b", "a b"), raw_key="a+b")

    @pytest.mark.parametrize(
        ("event", "said"),
        [
            ({"Records": [{"s3": {"bucket": {"name": "b"}, "object": {"key": "a"}}}] * 2}, "names 2 objects"),
            ({"bucket": "b"}, "has no Records"),
            ("no JSON", "not JSON"),
            ({"bucket": "b", "key": "a", "operation": 1}, "order that cannot be read"),
            ({"a": {"b": {"c": {"d": {"e": {"f": {"bucket": "b", "key": "a"}}}}}}}, "has no Records"),
        ],
    )
    def test_what_names_no_document_or_several(self, event: Any, said: str, rig: Rig) -> None:
        found = flows.arrival(event)
        assert isinstance(found, Unreadable)
        assert said in found.reason.message
        end = rig.steps().recognize(found)
        assert end["status"] == "rejected"
        assert end["record"]["key"].startswith("results/")
        assert rig.steps().split(found)["page_count"] == 0

    @pytest.mark.parametrize("event", [{"Bucket": "b", "key": "a"}, {}, "no JSON"])
    def test_what_a_step_takes_is_said_and_not_only_what_obs_sends(self, event: Any) -> None:
        found = flows.arrival(event)
        assert isinstance(found, Unreadable)
        assert found.reason.advice.startswith('Give the step {"bucket": ..., "key": ...}')

    def test_half_a_character_in_a_key(self) -> None:
        assert isinstance(flows.arrival({"bucket": "b", "key": "\ud800"}), (Upload, Unreadable))

    def test_a_share(self) -> None:
        assert flows.share({"share": 2, "shares": 4}) == Share(2, 4)

    @pytest.mark.parametrize("event", [None, {}, {"share": 0, "shares": 4}, {"share": 5, "shares": 4},
                                       {"share": 1, "shares": 21}, {"share": "1", "shares": 4},
                                       {"share": True, "shares": 1}])  # fmt: skip
    def test_what_is_no_share(self, event: Any) -> None:
        with pytest.raises(EventError, match="The step's share is"):
            flows.share(event)

    @pytest.mark.parametrize(
        ("event", "said"),
        [
            ({"bucket": "b", "key": "a"}, "The flow gave up: no message"),
            ({"document": {"bucket": "b", "key": "a"}, "error": {"errorMessage": "it failed"}}, "it failed"),
        ],
    )
    def test_what_a_flow_gave_up(self, event: Any, said: str) -> None:
        found, reason = flows.given_up(event)
        assert isinstance(found, Upload)
        assert (reason.code, said in reason.message) == ("flow-gave-up", True)


class TestShares:
    def line(self, owner: str, share: Share | None, plan: str = "p", seconds: float = 60) -> Line:
        until = NOON + timedelta(seconds=seconds)
        return Line("claimed", NOON, owner, 1, share=share, plan=plan, lease_until=until)

    @pytest.mark.parametrize("of", [1, 2, 3, 20])
    def test_each_page_is_in_one_share(self, of: int) -> None:
        for page in range(1, 50):
            assert [Share(n, of).covers(page) for n in range(1, of + 1)].count(True) == 1

    @pytest.mark.parametrize(
        ("share", "plan", "held"),
        [
            (Share(2, 2), "p", False),
            (Share(1, 2), "p", True),
            (Share(2, 2), "q", True),
            (Share(3, 3), "p", True),
            (None, "p", True),
        ],
    )
    def test_who_stands_beside_a_share(self, share: Share | None, plan: str, held: bool) -> None:
        state = State([self.line("a", Share(1, 2))])
        assert state.leases.held(NOON, share, plan) is held
        assert not state.leases.held(NOON + timedelta(seconds=61), share, plan)
        assert state.leases.busy_until == NOON + timedelta(seconds=60)

    def test_a_share_stands_until_another_claim_that_it_does_not_stand_beside(self) -> None:
        for share, stands in ((Share(2, 2), True), (Share(1, 2), False), (Share(1, 3), False), (None, False)):
            state = State([self.line("a", Share(1, 2)), self.line("b", share)])
            assert state.leases.in_force("b")
            assert state.leases.in_force("a") is stands

    def test_a_share_takes_the_place_of_an_owner_whose_lease_has_ended(self) -> None:
        state = State([self.line("whole", None), self.line("a", Share(1, 2))])
        assert (state.leases.owner, state.leases.in_force("whole"), state.leases.in_force("a")) == ("", False, True)
        state.take(Line("released", NOON, "a", 2))
        assert (state.leases.held(NOON), state.leases.busy_until) == (False, None)

    def test_a_swallowed_announcement_is_written_again_before_the_call(self, rig: Rig) -> None:
        # given an append of another share, simultaneous with the announcement of a call, that stands in its place
        upload = rig.upload(KEY, tiff(2))
        other = self.line("other", Share(2, 2))
        seen: list[list[str]] = []

        def swallow(verb: str, ref: ObjectRef) -> None:
            body = rig.store.objects[ref][0]
            mine = verb == "append" and ref.key.startswith("ledger/")
            last = journal.decode(journal.last_line(body), "") if mine else ()
            if last and last[0].event == "calling":
                rig.store.after = lambda verb, ref: None
                announced = journal.last_line(body)
                plan = journal.decode(body, "")[0].plan
                theirs = journal.encode(msgspec.structs.replace(other, plan=plan))
                rig.store.objects[ref] = (body[: -len(announced)] + theirs, *rig.store.objects[ref][1:])

        rig.store.after = swallow
        rig.ocr.during = lambda: seen.append([line["event"] for line in rig.journal(KEY)])

        # when
        rig.steps().recognize_pages(upload, Share(1, 2))

        # then
        assert seen == [["claimed", "claimed", "calling"]]

    def test_a_share_that_is_let_go_is_seen_to_be(self, rig: Rig) -> None:
        # given an append of another share that stands in the place of the line that gives this one back
        upload = rig.upload(KEY, tiff(4))

        def swallow(verb: str, ref: ObjectRef) -> None:
            body = rig.store.objects[ref][0]
            mine = verb == "append" and ref.key.startswith("ledger/")
            last = journal.decode(journal.last_line(body), "") if mine else ()
            if last and last[0].event == "released":
                rig.store.after = lambda verb, ref: None
                theirs = journal.encode(Line("refused", NOON, "other", 1, page=2))
                kept = body[: -len(journal.last_line(body))]
                rig.store.objects[ref] = (kept + theirs, *rig.store.objects[ref][1:])

        rig.store.after = swallow

        # when
        rig.steps().recognize_pages(upload, Share(1, 2))
        begun = rig.clock.now()
        assert rig.steps().recognize(upload)["status"] == "done"

        # then nobody waits for its lease
        assert rig.clock.now() - begun < timedelta(seconds=5)

    def test_a_journal_that_grew_by_more_than_is_read_at_once_is_read_whole(self, rig: Rig) -> None:
        # given two shares, one of which writes more than a longest line while the other waits
        ledger = rig.parts().ledger
        document = Document(IN, "k", "v", "e")
        one, two = (ledger.claim(document, Wish(f"o{n}", plan="p", pages=4, share=Share(n, 2)), 1) for n in (1, 2))
        for _ in range(40):
            two.write("refused", page=2, reason=Reason("x", "y" * 3000))

        # then
        assert one.in_force()
        one.write("calling", page=1)
        assert len(one.state.lines) == 43
