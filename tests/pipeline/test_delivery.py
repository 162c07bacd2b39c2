"""One event of many documents: each is tried, none is begun too late, and nothing of it is lost or told wrongly."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from legible.errors import (
    HeldError,
    InternalError,
    OutOfTimeError,
    RejectedError,
    RetryableError,
    SkippedError,
    ThrottledError,
    UnavailableError,
)
from legible.model.documents import Arrival, Ignored, ObjectRef, Outcome, Reason, Unreadable, Upload
from legible.pipeline.delivery import Delivery
from legible.ports import Invocation
from tests.support.fakes import START, Clock
from tests.support.rig import IN, Logged

IGNORED = Ignored(ObjectRef(IN, "folder/"), Reason("folder", "It is a folder."))


def upload(name: str) -> Upload:
    return Upload(ObjectRef(IN, name), raw_key=name)


class World:
    """An invocation with so many seconds, documents that take a while each, and a relay that may refuse."""

    def __init__(self, seconds: float = 100, takes: float = 1) -> None:
        self.clock, self.log = Clock(), Logged()
        self.takes = takes
        self.refusal: Exception | None = None
        self.handed: list[list[str]] = []
        self.treated: list[str] = []
        self.errors: dict[str, Exception] = {}
        self.call = Invocation(
            "test",
            lambda: seconds - (self.clock.now() - START).total_seconds(),
            self.clock.now,
            self.clock.pause,
            self.log,
        )

    def hand_on(self, arrivals: Sequence[Arrival]) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.handed.append([one.ref.key for one in arrivals if not isinstance(one, Unreadable)])

    def treat(self, arrival: Arrival) -> Outcome:
        if isinstance(arrival, Ignored):
            raise SkippedError(arrival.reason.message, code=arrival.reason.code)
        key = arrival.digest if isinstance(arrival, Unreadable) else arrival.ref.key
        self.treated.append(key)
        self.clock.pause(self.takes)
        if key in self.errors:
            raise self.errors[key]
        return Outcome(IN, key, "done")

    def each(self, *arrivals: Arrival, relay: bool = True) -> list[str]:
        """Return what became of each."""
        delivery = Delivery(self.log, self.call, self.hand_on if relay else None)
        return [outcome.status for outcome in delivery.each(arrivals, self.treat)]

    def events(self) -> list[str]:
        return [line["event"] for line in self.log.lines]


class TestTooLate:
    def test_the_first_document_is_begun_however_little_time_is_left_so_that_every_chain_ends(self):
        world = World(seconds=2)
        assert world.each(upload("a"), upload("b")) == ["done", "running"]
        assert (world.treated, world.handed) == (["a"], [["b"]])

    def test_what_is_no_document_is_not_the_first_one(self):
        world = World(seconds=2)
        assert world.each(IGNORED, upload("a"), upload("b")) == ["skipped", "done", "running"]

    def test_what_is_no_document_is_always_told_and_never_handed_on(self):
        world = World(seconds=2)
        assert world.each(upload("a"), IGNORED, upload("b"), IGNORED) == ["done", "skipped", "running", "skipped"]
        assert world.handed == [["b"]]

    @pytest.mark.parametrize(("seconds", "begun"), [(10.9, 1), (11, 2)])
    def test_another_one_is_begun_with_ten_seconds_left(self, seconds, begun):
        world = World(seconds)
        world.each(upload("a"), upload("b"))
        assert len(world.treated) == begun

    @pytest.mark.parametrize(("seconds", "begun"), [(49.9, 1), (50, 2)])
    def test_and_with_one_and_a_half_of_the_longest_so_far(self, seconds, begun):
        world = World(seconds, takes=20)
        world.each(upload("a"), upload("b"))
        assert len(world.treated) == begun

    def test_the_longest_so_far_need_not_be_the_last_one(self):
        world = World(seconds=60, takes=30)

        def faster(arrival: Arrival) -> Outcome:
            outcome = world.treat(arrival)
            world.takes = 0.5
            return outcome

        arrivals = [upload(name) for name in "abc"]
        world.clock.pause(-16)
        outcomes = Delivery(world.log, world.call, world.hand_on).each(arrivals, faster)
        assert [outcome.status for outcome in outcomes] == ["done", "done", "done"]
        world = World(seconds=75.2, takes=30)
        outcomes = Delivery(world.log, world.call, world.hand_on).each(arrivals, faster)
        assert [outcome.status for outcome in outcomes] == ["done", "done", "running"]

    def test_where_nobody_can_be_called_every_document_is_tried(self):
        world = World(seconds=2)
        assert world.each(upload("a"), upload("b"), upload("c"), relay=False) == ["done"] * 3


class TestHandedOn:
    def test_an_event_that_could_not_be_read_has_neither_bucket_nor_key(self):
        world = World(seconds=2)
        unread = Unreadable(Reason("event-unreadable", "It names nothing."), "d1g")
        outcomes = Delivery(world.log, world.call, world.hand_on).each([upload("a"), unread], world.treat)
        assert (outcomes[1].bucket, outcomes[1].key, outcomes[1].status) == ("", "", "running")

    def test_what_was_not_begun_is_one_event_and_what_must_be_tried_again_another(self):
        # given
        world = World(seconds=12.5)
        world.errors = {"b": ThrottledError("slow", code="throttled")}

        # when
        delivery = Delivery(world.log, world.call, world.hand_on)
        outcomes = delivery.each([upload(name) for name in "abcd"], world.treat)

        # then
        assert world.handed == [["d"], ["b"]] or world.handed == [["c", "d"], ["b"]]
        assert [outcome.status for outcome in outcomes][:2] == ["done", "running"]
        told = [outcome.reason.code for outcome in outcomes if outcome.reason is not None]
        assert (told[0], told[-1]) == ("throttled", "handed-on")
        assert [line["documents"] for line in world.log.lines if line["event"] == "handed-on"] == [
            len(world.handed[0]), 1,
        ]  # fmt: skip

    def test_where_all_were_tried_the_platform_delivers_again(self):
        world = World()
        world.errors = {"b": ThrottledError("slow", code="throttled")}
        with pytest.raises(ThrottledError, match=r"1 of 2 documents must be tried again\. First: slow"):
            world.each(upload("a"), upload("b"))
        assert world.handed == []

    @pytest.mark.parametrize("error", [UnavailableError("busy", code="relay-busy"), HeldError("no", code="denied")])
    def test_where_the_relay_refuses_the_platform_delivers_all_of_it_again(self, error):
        world = World(seconds=2)
        world.refusal = error
        with pytest.raises(OutOfTimeError, match=r"2 of 3 documents .* next document could be begun") as late:
            world.each(upload("a"), upload("b"), upload("c"))
        assert "send fewer documents in one" in late.value.advice
        (line,) = [line for line in world.log.lines if line["event"] == "not-handed-on"]
        assert (line["documents"], line["reason"]) == (2, error.reason_code)
        assert error.message in line["message"]


class TestEachIsTried:
    def test_whatever_becomes_of_the_others(self):
        world = World()
        world.errors = {"a": ZeroDivisionError("secret"), "b": RejectedError("its end could not be written")}
        with pytest.raises(RetryableError, match="2 of 3"):
            world.each(upload("a"), upload("b"), upload("c"))
        assert world.treated == ["a", "b", "c"]

    def test_a_defect_is_told_by_its_place_and_not_by_its_text(self):
        world = World()
        world.errors = {"a": ZeroDivisionError("secret")}
        with pytest.raises(InternalError, match=r"ZeroDivisionError in treat \(test_delivery\.py:\d+\) < ") as defect:
            world.each(upload("a"))
        assert "secret" not in str(defect.value) + world.log.text()
        assert "please report it" in defect.value.advice

    def test_an_end_that_could_not_be_written_passes_whatever_the_error(self):
        world = World()
        world.errors = {"a": RejectedError("not written", code="odd", vendor_code="OBS.1")}
        with pytest.raises(UnavailableError, match="not written"):
            world.each(upload("a"))
        (line,) = world.log.lines
        assert line == {
            "event": "retry", "key": "a", "reason": "odd", "message": "not written", "vendor_code": "OBS.1",
        }  # fmt: skip

    def test_each_is_logged_as_what_became_of_it(self):
        world = World()
        world.each(upload("a"), IGNORED)
        done, skipped = world.log.lines
        assert (done["event"], done["key"], done["status"]) == ("document", "a", "done")
        assert skipped == {
            "event": "skipped", "bucket": IN, "key": "folder/", "reason": "folder", "message": "It is a folder.",
        }  # fmt: skip

    def test_an_event_that_could_not_be_read_is_told_by_its_digest(self):
        world = World()
        world.errors = {"d1g": UnavailableError("busy")}
        with pytest.raises(UnavailableError):
            world.each(Unreadable(Reason("event-unreadable", "It names nothing."), "d1g"))
        assert world.log.lines[0]["key"] == "d1g"
