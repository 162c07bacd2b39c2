"""What passes by itself waits: an upload is parked, tried again at growing times, and dead only after a day."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime, timedelta

import pytest
import yaml
from msgspec.structs import replace

from legible.errors import (
    AnswerUnknownError,
    HeldError,
    InternalError,
    LegibleError,
    PendingError,
    RejectedError,
    UnavailableError,
)
from legible.model.documents import Document, ObjectRef, Reason, Unreadable, Wait
from legible.model.pages import Share
from legible.notices.targets import Smn
from legible.pipeline.waiting import AGE, LADDER, Redelivery, when
from legible.recognition.policy import Policy
from tests.support.fakes import START, NextInvocation, Receiver
from tests.support.places import ROOT
from tests.support.platform import Platform
from tests.support.rig import IN, OUT, TEXT, Rig, pdf, picture

KEY = "general-text/a.png"
DOWN = UnavailableError("503", code="service-unavailable")
GAVE_UP = Reason("platform-gave-up", "gave up", passes=True)
KILLED = Reason("platform-gave-up", "timed out")


def outage(rig, minutes, error=DOWN):
    """Have the service fail for so many minutes from now on."""
    end = rig.clock.now() + timedelta(minutes=minutes)

    def during():
        rig.clock.pause(0.5)
        if rig.clock.now() < end:
            raise error

    rig.ocr.during = during


def parked(rig):
    return rig.store.keys(OUT, "waiting/")


def stopped(rig, error=DOWN):
    """Return an upload whose only delivery so far failed for that reason."""
    upload = rig.upload(KEY)
    outage(rig, 10_000, error)
    with pytest.raises(LegibleError):
        rig.run(upload)
    return upload


@pytest.mark.parametrize(("code", "place"), [("obs-denied", "waiting/"), ("not-subscribed", "held/uploads/")])
def test_what_waits_is_the_upload_whose_document_waits_not_the_one_that_it_replaced(code, place):
    # given an event whose upload was replaced before it was read, and a reason that passes
    rig = Rig(TEXT, waits=True, relay=NextInvocation())
    replaced_one = rig.upload(KEY)
    rig.clock.pause(5)
    lying = rig.upload(KEY, picture(61, 41))
    outage(rig, 10_000, PendingError("403", code=code))

    # when
    rig.run(replaced_one)

    # then a third upload does not leave the second one without an end
    (name,) = rig.store.keys(OUT, place)
    assert rig.store.json(OUT, name)["upload"]["etag"] == lying.etag


class TestAnOutage:
    def test_of_ten_minutes_kills_no_document_and_costs_no_page_twice(self):
        """Given 20 documents, and a service that is down from before they come."""
        rig = Rig(TEXT)
        platform = Platform(rig)
        outage(rig, 10)
        uploads = [rig.upload(f"general-text/{number}.png", picture(60 + number)) for number in range(20)]
        for upload in uploads:
            platform.hand_on(upload)

        platform.run(60)

        assert {rig.record(upload.ref.key)["status"] for upload in uploads} == {"done"}
        assert rig.ocr.paid == 20
        assert parked(rig) == []
        assert platform.lost == []

    def test_in_the_middle_of_a_document_pays_only_for_what_is_missing(self):
        rig = Rig(TEXT)
        platform = Platform(rig)
        upload = rig.upload("general-text/a.pdf", pdf(4))
        rig.ocr.script = [TEXT, TEXT, DOWN]
        platform.hand_on(upload)
        platform.run(5)
        rig.ocr.script = [TEXT]

        platform.run(40)

        assert rig.record(upload.ref.key)["status"] == "done"
        assert rig.ocr.paid == 4

    def test_that_lasts_a_day_ends_as_dead_and_the_next_delivery_goes_on(self):
        """Given a document of two pages, one of which is answered before the service fails for more than a day."""
        # given
        rig = Rig(TEXT, policy=Policy(attempts=1))
        platform = Platform(rig)
        upload = rig.upload("general-text/a.pdf", pdf(2))
        rig.ocr.script = [TEXT, DOWN]
        platform.hand_on(upload)
        platform.run(23 * 60)
        assert "finished" not in [line["event"] for line in rig.journal(upload.ref.key)]
        platform.run(3 * 60)
        ended = rig.record(upload.ref.key)
        left = parked(rig)

        # when
        rig.ocr.script = [TEXT]
        rig.run(upload)

        # then
        assert (ended["status"], ended["reason"]["code"], ended["reason"]["passes"]) == (
            "partial", "service-unavailable", True,
        )  # fmt: skip
        assert left == []
        assert rig.record(upload.ref.key)["status"] == "done"
        assert rig.ocr.paid == 2

    def test_is_tried_ever_less_often(self):
        rig = Rig(DOWN, policy=Policy(attempts=1))
        platform = Platform(rig)
        platform.hand_on(rig.upload(KEY))
        platform.run(24 * 60 + 90)
        assert rig.record(KEY)["status"] == "dead"
        assert platform.invocations < 5 * (24 * 2 + 10)


class TestWhatWaits:
    def test_says_so_in_the_journal_with_the_time_of_the_next_try(self):
        rig = Rig(TEXT, waits=True)
        upload = stopped(rig)

        (outcome,) = rig.bury(upload, KILLED)

        assert (outcome["status"], outcome["reason"]["code"]) == ("running", "service-unavailable")
        assert outcome["reason"]["passes"]
        assert outcome["reason"]["advice"].startswith("It is tried again by itself, next at 2026-11-23 09:")
        last = rig.journal(KEY)[-1]
        assert (last["event"], last["reason"]["code"]) == ("released", "service-unavailable")
        assert "until 2026-11-24 09:" in last["note"]
        assert len(parked(rig)) == 1

    def test_is_handed_on_when_it_is_due_and_moved_to_its_next_try(self):
        rig, relay = Rig(TEXT, waits=True), NextInvocation()
        upload = stopped(rig)
        rig.bury(upload, GAVE_UP)
        (before,) = parked(rig)

        early = rig.redelivery(relay).walk()
        rig.clock.pause(LADDER[0])
        due = rig.redelivery(relay).walk()

        assert (early.handed_on, due.handed_on) == (0, 1)
        (handed,) = relay.handed
        assert (handed.ref, handed.etag) == (upload.ref, upload.etag)
        assert handed.wait.next == rig.clock.now() + timedelta(seconds=LADDER[1])
        (after,) = parked(rig)
        assert after > before

    def test_is_not_parked_anew_when_its_next_try_fails_too(self):
        rig, relay = Rig(TEXT, waits=True), NextInvocation()
        rig.bury(stopped(rig), GAVE_UP)
        rig.clock.pause(LADDER[0])
        rig.redelivery(relay).walk()

        with pytest.raises(LegibleError):
            rig.run(*relay.handed)
        (outcome,) = rig.bury(relay.handed[0], GAVE_UP)

        assert outcome["status"] == "running"
        assert len(parked(rig)) == 1

    @pytest.mark.parametrize(
        ("error", "reason"), [(InternalError("defect"), KILLED), (RejectedError("no"), GAVE_UP)], ids=["defect", "no"]
    )
    def test_is_nothing_that_does_not_pass(self, error, reason):
        """Given a document that a defect stopped, and one that has ended."""
        rig = Rig(TEXT, waits=True)
        upload = rig.upload(KEY)
        rig.ocr.during = lambda: (_ for _ in ()).throw(error)
        with contextlib.suppress(InternalError):
            rig.run(upload)
        (outcome,) = rig.bury(upload, reason)
        assert outcome["status"] in ("dead", "rejected")
        assert parked(rig) == []

    def test_is_nothing_that_was_begun_and_killed(self):
        rig = Rig(TEXT, waits=True)
        upload = rig.upload(KEY)

        class KilledError(BaseException):
            pass

        def kill():
            raise KilledError

        rig.ocr.during = kill
        with pytest.raises(KilledError):
            rig.run(upload)
        rig.clock.pause(120)
        assert rig.bury(upload, KILLED)[0]["status"] == "dead"

    def test_is_what_no_invocation_has_begun(self):
        """Given an event that was killed before this document's turn came."""
        rig = Rig(TEXT, waits=True)
        (outcome,) = rig.bury(rig.upload(KEY), KILLED)
        assert (outcome["status"], outcome["reason"]["advice"][:20]) == ("running", "No invocation has be")
        assert len(parked(rig)) == 1

    def test_is_no_upload_that_was_replaced_or_is_gone_and_no_event_that_cannot_be_read(self):
        rig = Rig(TEXT, waits=True)
        replaced = rig.upload(KEY)
        rig.upload(KEY, picture(90))
        gone = rig.upload("general-text/gone.png")
        rig.store.remove(gone.ref)
        unreadable = Unreadable(Reason("event-unreadable", "?"), "0f" * 12)

        outcomes = [rig.bury(arrival, GAVE_UP)[0]["status"] for arrival in (replaced, gone, unreadable)]

        assert outcomes == ["dead", "dead", "dead"]
        assert parked(rig) == []

    def test_is_nothing_whose_day_is_over(self):
        rig = Rig(TEXT, waits=True)
        upload = stopped(rig)
        at = rig.clock.now()
        rig.clock.pause(AGE.total_seconds())
        (outcome,) = rig.bury(replace(upload, at=at), GAVE_UP)
        assert (outcome["status"], outcome["reason"]["code"]) == ("dead", "service-unavailable")
        assert parked(rig) == []

    @pytest.mark.parametrize(
        ("age", "left"), [(timedelta(hours=-1), AGE), (timedelta(hours=1), AGE - timedelta(hours=1)), (AGE, None)]
    )
    def test_waits_for_a_day_from_its_first_event_whose_time_is_not_in_the_future(self, age, left):
        rig = Rig(TEXT)
        upload = rig.upload(KEY)
        now = rig.clock.now()
        wait = rig.room().park(replace(upload, at=now - age), Document(IN, KEY, upload.etag))
        assert wait == (left and Wait(now + timedelta(seconds=LADDER[0]), now + left))
        assert len(parked(rig)) == (left is not None)

    @pytest.mark.parametrize(("left", "waits"), [(1, True), (0, False)])
    def test_that_was_parked_before_waits_on_until_its_day_is_over(self, left, waits):
        rig = Rig(TEXT)
        upload, now = rig.upload(KEY), rig.clock.now()
        known = Wait(now, now + timedelta(seconds=left))
        wait = rig.room().park(replace(upload, wait=known), Document(IN, KEY, upload.etag))
        assert (wait, parked(rig)) == (known if waits else None, [])


class TestDeaths:
    """Whatever step an invocation or a walk dies at, the upload is parked still, or its document has ended."""

    class KilledError(BaseException):
        """The instance is gone."""

    def dying_at(self, rig, step):
        count = iter(range(10_000))

        def fail(verb, ref):
            if next(count) == step:
                raise self.KilledError

        rig.store.fail = fail

    @pytest.mark.parametrize("step", range(12))
    def test_a_walk_that_dies_loses_nothing(self, step):
        rig, relay = Rig(TEXT, waits=True), NextInvocation()
        uploads = [stopped(rig)]
        rig.bury(uploads[0], GAVE_UP)
        rig.clock.pause(LADDER[0])
        self.dying_at(rig, step)
        died = False
        try:
            rig.redelivery(relay).walk()
        except self.KilledError:
            died = True
        rig.store.fail = lambda verb, ref: None
        assert died or step > 3
        assert 1 <= len(parked(rig)) <= 2

        outage(rig, 0)
        for _ in range(3):
            rig.clock.pause(LADDER[2])
            rig.redelivery().walk()
        assert rig.record(KEY)["status"] == "done"
        assert parked(rig) == []
        assert rig.ocr.paid == 1

    @pytest.mark.parametrize("step", range(12))
    def test_a_burial_that_dies_is_delivered_again(self, step):
        rig = Rig(TEXT, waits=True)
        upload = stopped(rig)
        self.dying_at(rig, step)
        try:
            rig.bury(upload, GAVE_UP)
        except self.KilledError:
            rig.store.fail = lambda verb, ref: None
            rig.clock.pause(70)
            rig.bury(upload, GAVE_UP)
        rig.store.fail = lambda verb, ref: None
        assert 1 <= len(parked(rig)) <= 2

        outage(rig, 0)
        for _ in range(3):
            rig.clock.pause(LADDER[2])
            rig.redelivery().walk()
        assert rig.record(KEY)["status"] == "done"
        assert parked(rig) == []


class TestTheWalk:
    def waiting(self, **values):
        rig = Rig(TEXT, waits=True, **values)
        rig.bury(stopped(rig), GAVE_UP)
        rig.clock.pause(LADDER[0])
        return rig

    def test_leaves_what_nobody_takes_and_asks_once(self):
        """Given thirty uploads that are due, and a function that may not be called."""
        rig, relay = Rig(TEXT, waits=True), NextInvocation()
        for number in range(30):
            rig.bury(rig.upload(f"general-text/{number}.png"), GAVE_UP)
        rig.clock.pause(LADDER[0])
        tries = []

        def refuse():
            tries.append(1)
            raise HeldError("403", code="relay-not-permitted")

        relay.fail = refuse
        report = rig.redelivery(relay).walk()
        assert (report.handed_on, report.left, len(tries), len(parked(rig))) == (0, 30, 1, 30)

    def test_hands_on_in_events_of_ten_as_far_as_there_is_time(self):
        rig, relay = Rig(TEXT, waits=True, seconds=60), NextInvocation()
        for number in range(30):
            rig.bury(rig.upload(f"general-text/{number}.png"), GAVE_UP)
        rig.clock.pause(LADDER[0])
        relay.fail = lambda: rig.clock.pause(11)
        report = rig.redelivery(relay).walk()
        assert (report.handed_on, report.left) == (30, 0)
        assert [len(arrivals) for arrivals, _ in relay.events] == [10, 10, 10]
        rig.clock.pause(LADDER[1])
        relay.fail = lambda: rig.clock.pause(30)
        report = rig.redelivery(relay).walk()
        assert (report.handed_on, report.left) == (10, 20)

    @pytest.mark.parametrize(("seconds", "takes", "handed"), [(60, 25, 2), (60, 26, 1), (5, 3, 2), (5, 4, 1)], ids=str)
    def test_lasts_25_seconds_and_leaves_two_of_a_short_time(self, seconds, takes, handed):
        rig = Rig(waits=True)
        for number in range(2):
            upload = rig.upload(f"general-text/{number}.png")
            rig.room().park(upload, Document(IN, upload.ref.key, upload.etag))
        rig.clock.pause(LADDER[0])
        rig.seconds, parts = seconds, rig.parts()
        walk = Redelivery(
            rig.room(), parts.ledger.journals, rig.call(), lambda uploads: rig.clock.pause(takes), together=1
        )
        report = walk.walk()
        assert (report.handed_on, report.left) == (handed, 2 - handed)

    def test_leaves_what_somebody_works_on(self):
        rig, relay = self.waiting(), NextInvocation()
        (before,) = parked(rig)
        waiting = rig.store.json(OUT, before)
        lines = rig.journal(KEY)
        now = rig.clock.now()
        claimed = {**lines[0], "owner": "x", "at": now.isoformat(), "lease_until": (now + timedelta(1)).isoformat()}
        (name,) = [key for key in rig.store.keys(OUT, f"ledger/{IN}/{KEY}/") if "newest-" not in key]
        ref = ObjectRef(OUT, name)
        rig.store.append(ref, len(rig.store.objects[ref][0]), json.dumps(claimed).encode() + b"\n")

        report = rig.redelivery(relay).walk()

        assert (report.left, relay.handed) == (1, [])
        (after,) = parked(rig)
        assert after > before
        assert rig.store.json(OUT, after) == waiting

    def test_hands_on_once_what_waits_twice(self):
        """Given a walk that died between the next place of an upload and its last."""
        rig, relay = self.waiting(), NextInvocation()
        (place,) = rig.room().due()
        rig.store.copy(ObjectRef(OUT, place.key), ObjectRef(OUT, place.key.replace(".1.", ".2.")))
        report = rig.redelivery(relay).walk()
        assert (report.handed_on, report.ended, len(relay.handed), len(parked(rig))) == (1, 0, 1, 1)

    def test_hands_on_at_most_ten_in_one_event(self):
        rig, events = Rig(waits=True), []
        for number in range(11):
            upload = rig.upload(f"general-text/{number}.png")
            rig.room().park(upload, Document(IN, upload.ref.key, upload.etag))
        rig.clock.pause(LADDER[0])
        journals = rig.parts().ledger.journals
        Redelivery(rig.room(), journals, rig.call(), lambda uploads: events.append(len(uploads))).walk()
        assert events == [10, 1]

    @pytest.mark.parametrize(("early", "waits"), [(1, 1), (0, 0)])
    def test_removes_what_has_ended_for_a_passing_reason_when_its_day_is_over(self, early, waits):
        rig = Rig(PendingError("403", code="obs-denied"), waits=True)
        rig.run(rig.upload(KEY))
        (place,) = parked(rig)
        until = datetime.fromisoformat(rig.store.json(OUT, place)["until"])
        rig.clock.at = until - timedelta(seconds=early)
        report = rig.redelivery(NextInvocation()).walk()
        assert (report.ended, len(parked(rig))) == (1 - waits, waits)

    def test_is_stopped_by_nothing_that_somebody_else_put_there(self):
        rig, relay = self.waiting(), NextInvocation()
        rig.store.put(OUT, "waiting/20200101T000000.1.x.json", b"not json")
        rig.store.put(OUT, "waiting/hello.txt", b"hello")
        report = rig.redelivery(relay).walk()
        assert (report.handed_on, report.left) == (1, 1)
        (line,) = [line for line in rig.log.lines if line["event"] == "parked-unreadable"]
        assert (line["key"], line["kind"]) == ("waiting/20200101T000000.1.x.json", "DecodeError")

    def test_passes_over_what_another_walk_took(self):
        rig, relay = self.waiting(), NextInvocation()
        listed = list(rig.store.list(OUT, "waiting/"))
        rig.store.list = lambda bucket, prefix: iter(listed)  # type: ignore[method-assign]
        rig.store.remove(ObjectRef(OUT, listed[0].key))
        report = rig.redelivery(relay).walk()
        assert (report.handed_on, relay.handed) == (0, [])

    def test_says_what_it_could_not_move_and_hands_it_on_once_more(self):
        rig, relay = self.waiting(), NextInvocation()

        def fail(verb, ref):
            if verb == "write" and ref.key.startswith("waiting/"):
                raise UnavailableError("503")

        rig.store.fail = fail
        assert rig.redelivery(relay).walk().handed_on == 1
        assert "not-moved" in rig.log.text()
        rig.store.fail = lambda verb, ref: None
        assert rig.redelivery(relay).walk().handed_on == 1

    def test_has_a_document_tried_whose_journal_cannot_be_read_and_gives_it_up_a_day_later(self):
        rig, relay = self.waiting(), NextInvocation()
        (name,) = [key for key in rig.store.keys(OUT, f"ledger/{IN}/{KEY}/") if "newest-" not in key]
        rig.store.put(OUT, name, b"not json\n")
        assert rig.redelivery(relay).walk().handed_on == 1
        (place,) = parked(rig)
        rig.clock.at = datetime.fromisoformat(rig.store.json(OUT, place)["until"]) + AGE
        assert rig.redelivery(relay).walk().ended == 1
        assert {"event": "wait-expired", "key": KEY} in rig.log.lines
        assert parked(rig) == []

    def test_without_a_relay_a_try_that_fails_is_recorded_here(self):
        rig = self.waiting()
        assert rig.redelivery().walk().handed_on == 1
        assert rig.journal(KEY)[-1]["event"] == "released"
        rig.clock.pause(AGE.total_seconds())
        rig.redelivery().walk()
        assert rig.record(KEY)["status"] == "dead"


class TestALaterDelivery:
    """Of a document that was given up after a day, for a reason that passes by itself."""

    def outlasted(self, *script):
        rig = Rig(*script, DOWN, waits=True)
        upload = replace(rig.upload("general-text/a.pdf", pdf(2)), at=rig.clock.now())
        with pytest.raises(UnavailableError):
            rig.run(upload)
        rig.clock.pause(AGE.total_seconds())
        rig.bury(upload, GAVE_UP)
        rig.ocr.script = [TEXT]
        return rig, upload

    def test_keeps_pages_that_were_settled_and_never_pays_for_an_unknown_one_again(self):
        """Given a page that was sent twice without an answer."""
        lost = AnswerUnknownError("timeout")
        rig, upload = self.outlasted(lost, lost)
        assert rig.record(upload.ref.key)["reason"]["code"] == "service-unavailable"
        calls = len(rig.ocr.calls)

        rig.run(upload)

        assert len(rig.ocr.calls) == calls + 1
        assert rig.record(upload.ref.key)["status"] == "partial"
        assert [page["state"] for page in rig.record(upload.ref.key)["pages"]] == ["dead", "done"]

    def test_of_new_bytes_tries_all_of_it_again(self):
        lost = AnswerUnknownError("timeout")
        rig, upload = self.outlasted(lost, lost)
        rig.upload(upload.ref.key, pdf(2))
        rig.run(upload)
        assert rig.record(upload.ref.key)["status"] == "done"

    def test_of_a_share_opens_nothing(self):
        rig, upload = self.outlasted()
        result = rig.steps().recognize_pages(upload, Share(1, 2))
        assert result["status"] == "dead"
        assert rig.journal(upload.ref.key)[-1]["event"] == "finished"


class TestWhatIsHeld:
    """For a reason that passes by itself: rights that take a quarter of an hour to act, a subscription just bought."""

    PENDING = PendingError("403", code="obs-denied", advice="Give rights.")

    def denied(self, rig, minutes):
        """Have the input bucket refuse for so many minutes from now on."""
        end = rig.clock.now() + timedelta(minutes=minutes)

        def fail(verb, ref):
            if ref.bucket == IN and rig.clock.now() < end:
                raise self.PENDING

        rig.store.fail = fail

    def test_one_refusal_of_the_input_bucket_is_seen_and_goes_on_by_itself(self):
        rig = Rig(TEXT)
        platform = Platform(rig)
        upload = replace(rig.upload(KEY), at=rig.clock.now())
        self.denied(rig, 0.5)
        platform.hand_on(upload)
        platform.run(0.9)
        held = rig.record(KEY)

        platform.run(10)

        assert (held["status"], held["reason"]["code"]) == ("held", "obs-denied")
        assert "Give rights. It is tried again by itself, next at 2026-11-23 09:" in held["reason"]["advice"]
        assert rig.record(KEY)["status"] == "done"
        assert rig.ocr.paid == 1
        assert parked(rig) == []

    def test_a_subscription_that_is_bought_an_hour_later_ends_all_that_was_held(self):
        rig = Rig(TEXT)
        platform = Platform(rig)
        outage(rig, 60, PendingError("ModelArts.4204", code="not-subscribed"))
        uploads = [rig.upload(f"general-text/{number}.pdf", pdf(1 + number)) for number in range(6)]
        for upload in uploads:
            platform.hand_on(upload)

        platform.run(3 * 60)

        assert {rig.record(upload.ref.key)["status"] for upload in uploads} == {"done"}
        assert rig.ocr.paid == 21
        assert parked(rig) == []

    def test_pages_that_are_answered_are_not_paid_for_again(self):
        rig = Rig(TEXT, self.PENDING, TEXT)
        platform = Platform(rig)
        upload = rig.upload("general-text/a.pdf", pdf(3))
        platform.hand_on(upload)
        platform.run(0.5)
        assert rig.record(upload.ref.key)["status"] == "partial"
        platform.run(30)
        assert rig.record(upload.ref.key)["status"] == "done"
        assert rig.ocr.paid == 3

    def test_for_more_than_a_day_stays_held_until_a_later_delivery(self):
        rig = Rig(self.PENDING)
        platform = Platform(rig)
        upload = rig.upload(KEY)
        platform.hand_on(upload)
        platform.run(26 * 60)
        calls = len(rig.ocr.calls)
        platform.run(26 * 60)

        assert (rig.record(KEY)["status"], parked(rig), len(rig.ocr.calls)) == ("held", [], calls)
        assert calls < 60
        rig.ocr.script = [TEXT]
        assert rig.run(upload)[0]["status"] == "done"

    def test_is_told_once_and_its_end_once(self):
        """Given a target for notices, and an upload that is held for an hour before it is done."""
        rig, receiver = Rig(TEXT), Receiver()
        rig.targets, rig.notifiers = {"desk": Smn(topic_urn="urn:smn:a:b:c")}, {"desk": receiver}
        platform = Platform(rig)
        outage(rig, 60, self.PENDING)
        platform.hand_on(rig.upload(KEY))
        platform.run(3 * 60)
        assert [notice.data.status for notice in receiver.notices] == ["held", "done"]

    def test_for_another_reason_is_told_too(self):
        rig, receiver = Rig(self.PENDING), Receiver()
        rig.targets, rig.notifiers = {"desk": Smn(topic_urn="urn:smn:a:b:c")}, {"desk": receiver}
        platform = Platform(rig)
        platform.hand_on(rig.upload(KEY))
        platform.run(2)
        rig.ocr.script = [HeldError("no region", code="api-not-found")]
        platform.run(30)
        assert [notice.data.reason for notice in receiver.notices] == ["obs-denied", "api-not-found"]
        assert parked(rig) == []

    @pytest.mark.parametrize(
        "error", [HeldError("no", code="api-not-found"), RejectedError("no", code="image-refused")]
    )
    def test_or_rejected_for_a_reason_that_does_not_pass_is_not_tried_again(self, error):
        rig = Rig(error, waits=True)
        rig.run(rig.upload(KEY))
        assert parked(rig) == []

    @pytest.mark.parametrize("verb", ["write", "append"])
    def test_never_ends_without_being_parked(self, verb):
        """Given an output bucket that takes nothing after the call."""
        rig = Rig(self.PENDING, waits=True)
        upload = rig.upload(KEY)

        def fail(done, ref):
            if rig.ocr.calls and done == verb and ref.bucket == OUT:
                raise UnavailableError("503")

        rig.store.fail = fail
        with pytest.raises(UnavailableError):
            rig.run(upload)
        rig.store.fail = lambda verb, ref: None
        rig.clock.pause(70)
        rig.run(upload)
        assert len(parked(rig)) in (1, 2)

    def test_without_a_room_to_wait_in_stays_as_it_is(self):
        """Given a step of a workflow, which tries again by itself."""
        rig = Rig(self.PENDING)
        (outcome,) = rig.run(rig.upload(KEY))
        assert (outcome["status"], outcome["reason"]["advice"]) == ("held", "Give rights.")
        assert parked(rig) == []


def test_what_waited_for_a_day_says_that_somebody_must_ask_for_it():
    told = when(Wait(START + AGE, START + AGE))
    assert told == "It was tried again by itself until 2026-11-24 09:00 UTC; now somebody must ask for it."


def test_a_day_is_what_the_platform_keeps_an_event():
    policy = yaml.safe_load((ROOT / "serverless.yml").read_text())["custom"]["asyncInvocation"]["on_upload"]
    assert timedelta(seconds=policy["maxAsyncEventAgeInSeconds"]) == AGE
    assert LADDER == (60, 120, 300, 600, 1800)
