"""An event with more documents than one invocation has time for: each is read once, and every chain of calls ends."""

from __future__ import annotations

from contextlib import suppress

import pytest

from legible.errors import HeldError, OutOfTimeError, RetryableError, UnavailableError
from legible.model.documents import Ignored, Reason, Unreadable
from legible.model.documents import ObjectRef as Ref
from tests.support.fakes import NextInvocation
from tests.support.rig import IN, TEXT, Rig, picture

GAVE_UP = Reason("platform-gave-up", "FunctionGraph gave up.")


def slow(rig, seconds):
    rig.ocr.during = lambda: rig.clock.pause(seconds)


def deliver_all(rig, arrivals, given_up=None, most=2000):
    """Deliver an event, and each that is handed on, as the platform would: up to four times; count the invocations."""
    events, invocations, failed = [(tuple(arrivals), given_up)], 0, []
    while events:
        uploads, reason = events.pop(0)
        for _ in range(4):
            invocations += 1
            assert invocations < most, "the chain of events has no end"
            call = rig.invocation()
            try:
                call.uploads(uploads) if reason is None else call.bury(uploads, reason)
                break
            except RetryableError:
                rig.clock.pause(30)
        else:
            failed.append(uploads)
        events += rig.relay.events
        rig.relay.events = []
    return invocations, failed


def statuses(rig, uploads):
    return {rig.record(upload.ref.key)["status"] for upload in uploads}


def test_what_was_not_begun_in_time_is_handed_on_and_read_once():
    """Given 300 documents in one event, and time for less than half of them."""
    # given
    rig = Rig(TEXT, relay=NextInvocation(), seconds=60)
    slow(rig, 0.4)
    uploads = [rig.upload(f"general-text/{number}.png", picture(60 + number)) for number in range(300)]

    # when
    outcomes = rig.run(*uploads)
    handed, _ = rig.relay.events[0]
    invocations, failed = deliver_all(rig, rig.relay.events.pop()[0])

    # then
    assert [outcome["key"] for outcome in outcomes] == [upload.ref.key for upload in uploads]
    assert {outcome["status"] for outcome in outcomes} == {"done", "running"}
    assert handed == tuple(uploads[-len(handed) :])
    assert statuses(rig, uploads) == {"done"}
    assert (rig.ocr.paid, failed) == (300, [])
    assert invocations < 5


def test_what_must_be_tried_again_is_handed_on_beside_what_was_not_begun():
    """Given an event too long for one invocation, of which some documents fail for a while."""
    rig = Rig(TEXT, relay=NextInvocation(), seconds=60)
    uploads = [rig.upload(f"general-text/{number}.png", picture(60 + number)) for number in range(40)]
    troubled = {upload.ref.key for upload in uploads[:5]}

    def during():
        rig.clock.pause(2)
        key = rig.ocr.calls[-1][2].url.split(".obs.example/")[1]
        if key in troubled and len(rig.ocr.calls) < 16:
            raise UnavailableError("503")

    rig.ocr.during = during

    invocations, failed = deliver_all(rig, uploads)

    assert statuses(rig, uploads) == {"done"}
    assert (rig.ocr.paid, failed) == (40, [])
    assert invocations < 20


def test_events_that_no_document_of_ends_are_not_handed_on_for_ever():
    """Given a service that answers nothing, and documents that take all of an invocation's time."""
    rig = Rig(UnavailableError("503"), relay=NextInvocation(), seconds=60)
    slow(rig, 20)
    uploads = [rig.upload(f"general-text/{number}.png", picture(60 + number)) for number in range(12)]

    invocations, failed = deliver_all(rig, uploads)

    assert invocations <= 2 * 12 * 4
    assert sorted(key for event in failed for key in (upload.ref.key for upload in event)) == sorted(
        upload.ref.key for upload in uploads
    )


def test_what_was_given_up_is_handed_on_too_with_the_reason():
    rig = Rig(TEXT, relay=NextInvocation(), seconds=60)
    uploads = [rig.upload(f"general-text/{number}.png", picture(60 + number)) for number in range(60)]
    rig.store.after = lambda verb, ref: rig.clock.pause(0.2)

    call = rig.invocation()
    call.bury(uploads, GAVE_UP)
    rest, reason = rig.relay.events[0]
    rig.relay.events = []
    deliver_all(rig, rest, reason)

    assert reason == GAVE_UP
    assert statuses(rig, uploads) == {"dead"}
    assert {rig.record(upload.ref.key)["reason"]["code"] for upload in uploads} == {"platform-gave-up"}


def test_what_names_no_document_is_handed_on_under_its_own_name():
    """Given an upload that takes long, then a part of the event that could not be read, and a removal."""
    rig = Rig(TEXT, relay=NextInvocation(), seconds=60)
    slow(rig, 55)
    unreadable = Unreadable(Reason("event-unreadable", "?"), "0f" * 12)
    removal = Ignored(Ref(IN, "a"), Reason("not-a-creation", "Delete is no creation."))

    outcomes = rig.run(rig.upload("general-text/a.png"), unreadable, removal)

    assert rig.relay.handed == [unreadable]
    assert [outcome["status"] for outcome in outcomes] == ["done", "running", "skipped"]


@pytest.mark.parametrize("relay", [None, NextInvocation()])
def test_where_nobody_can_be_called_the_event_comes_again(relay):
    """Given no relay, or one that is refused: everything is tried, or the event is raised as a whole."""
    rig = Rig(TEXT, relay=relay, seconds=60)
    if relay is not None:

        def refuse():
            raise HeldError("403", code="relay-not-permitted")

        relay.fail = refuse
    slow(rig, 20)
    uploads = [rig.upload(f"general-text/{number}.png", picture(60 + number)) for number in range(6)]

    with pytest.raises(OutOfTimeError):
        rig.run(*uploads)
    for _ in range(3):
        with suppress(OutOfTimeError):
            rig.run(*uploads)

    assert statuses(rig, uploads) == {"done"}
    assert rig.ocr.paid == 6
