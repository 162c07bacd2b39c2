"""The output bucket cannot be written to: what on_failure fails at is kept elsewhere, and gone on with."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from msgspec.structs import replace

from legible.errors import HeldError, LegibleError, PendingError, UnavailableError
from legible.huawei import functiongraph
from legible.model.documents import ObjectRef, Reason, Unreadable
from legible.pipeline.failures import Failures
from legible.ports import ListedObject
from tests.support.fakes import START, NextInvocation
from tests.support.platform import FAILURES, Platform
from tests.support.rig import OUT, TEXT, Rig, pdf, picture

GAVE_UP = Reason("platform-gave-up", "gave up")


DOWN = UnavailableError("503")
ALL = ("write", "append", "read", "list", "head")


def outage(rig, minutes, error=DOWN, verbs=ALL):
    """Have the output bucket refuse for so many minutes from now on."""
    end = rig.clock.now() + timedelta(minutes=minutes)

    def fail(verb, ref):
        if ref.bucket == OUT and verb in verbs and rig.clock.now() < end:
            rig.clock.pause(0.1)
            raise error

    rig.store.fail = fail


class TestAnOutageOfTheOutputBucket:
    @pytest.mark.parametrize(
        ("error", "verbs"),
        [
            (DOWN, ALL),
            (PendingError("403", code="obs-denied"), ALL),
            (PendingError("403", code="obs-denied"), ("write", "append")),
        ],
        ids=["down", "denied", "read-only"],
    )
    def test_of_ten_minutes_loses_no_document_and_costs_no_page_twice(self, error, verbs):
        """Given 20 documents, and a policy, or a key, that is wrong from before they come."""
        rig = Rig(TEXT)
        platform = Platform(rig)
        outage(rig, 10, error, verbs)
        uploads = [rig.upload(f"general-text/{number}.png", picture(60 + number)) for number in range(20)]
        for upload in uploads:
            platform.hand_on(upload)

        platform.run(60)

        assert {rig.record(upload.ref.key)["status"] for upload in uploads} == {"done"}
        assert rig.ocr.paid == 20
        assert len(platform.lost) >= 20
        assert rig.store.keys(FAILURES) == []
        assert rig.store.keys(OUT, "waiting/") == []

    def test_together_with_one_of_the_service_loses_nothing_either(self):
        rig = Rig(TEXT)
        platform = Platform(rig)
        outage(rig, 15)
        end = rig.clock.now() + timedelta(minutes=40)

        def during():
            if rig.clock.now() < end:
                raise UnavailableError("503")

        rig.ocr.during = during
        uploads = [rig.upload(f"general-text/{number}.pdf", pdf(2 + number)) for number in range(5)]
        platform.hand_on(*uploads)

        platform.run(3 * 60)

        assert {rig.record(upload.ref.key)["status"] for upload in uploads} == {"done"}
        assert rig.ocr.paid == 20

    def test_of_two_days_ends_its_tries_and_keeps_the_event(self):
        rig = Rig(TEXT)
        platform = Platform(rig)
        upload = rig.upload("general-text/a.png")
        outage(rig, 100_000)
        platform.hand_on(upload)
        platform.run(26 * 60)
        invocations = platform.invocations
        platform.run(6 * 60)

        assert platform.invocations == invocations < 1000
        (kept,) = rig.store.keys(FAILURES)
        arrivals = functiongraph.abandoned(rig.store.objects[ObjectRef(FAILURES, kept)][0])
        assert [arrival.ref for arrival in arrivals] == [upload.ref]


class TestTheWalk:
    def kept(self, arrivals, name="failures/on_failure/1.json"):
        rig = Rig(TEXT)
        (event,) = functiongraph.events_of(arrivals, GAVE_UP)
        rig.store.put(FAILURES, name, json.dumps({"request_payload": json.dumps(event)}).encode())
        return rig

    def walk(self, rig, relay, bucket=FAILURES):
        walks = Failures(rig.store, bucket, rig.call(), functiongraph.abandoned, lambda some: relay.hand_on(*some))
        return walks.walk()

    def test_hands_on_what_is_a_minute_old_and_gives_it_a_time(self):
        """Given an upload whose event names no time: its day begins when it was kept."""
        upload = Rig().upload("general-text/a.png")
        rig, relay = self.kept([upload, Unreadable(Reason("c", "m"), "0f" * 12)]), NextInvocation()
        began = rig.clock.now()

        early = self.walk(rig, relay)
        rig.clock.pause(60)
        due = self.walk(rig, relay)

        assert (early.handed_on, due.handed_on) == (0, 1)
        assert relay.handed == [replace(relay.handed[0], at=began), Unreadable(Reason("c", "m"), "0f" * 12)]
        assert relay.handed[0].ref == upload.ref
        assert rig.store.keys(FAILURES) == []

    def test_waits_half_as_long_as_the_upload_is_old(self):
        rig, relay = self.kept([Rig().upload("general-text/a.png")]), NextInvocation()
        old = replace(Rig().upload("general-text/b.png"), at=rig.clock.now() - timedelta(minutes=40))
        (event,) = functiongraph.events_of([old], GAVE_UP)
        rig.store.put(FAILURES, "failures/on_failure/2.json", json.dumps({"request_payload": event}).encode())
        rig.clock.pause(19 * 60)
        assert self.walk(rig, relay).handed_on == 1
        rig.clock.pause(60)
        assert self.walk(rig, relay).handed_on == 1
        assert relay.handed[-1].ref == old.ref

    @pytest.mark.parametrize(("kept", "handed"), [(29 * 60, 0), (30 * 60, 1)])
    def test_waits_for_half_an_hour_at_most(self, kept, handed):
        old = replace(Rig().upload("general-text/a.png"), at=START - timedelta(hours=3))
        rig, relay = self.kept([old]), NextInvocation()
        rig.clock.pause(kept)
        assert self.walk(rig, relay).handed_on == handed

    def test_asks_once_where_nobody_can_be_called(self):
        rig, relay = self.kept([Rig().upload("general-text/a.png")]), NextInvocation()
        rig.store.put(FAILURES, "failures/on_failure/2.json", b"not json")
        tries = []

        def refuse():
            tries.append(1)
            raise HeldError("403", code="relay-not-permitted")

        relay.fail = refuse
        rig.clock.pause(60)
        assert self.walk(rig, relay).left == 2
        assert len(tries) == 1
        relay.fail = lambda: None
        assert self.walk(rig, relay).handed_on == 2
        assert isinstance(relay.handed[-1], Unreadable)

    def test_passes_over_what_another_walk_took_and_ends_in_time(self):
        rig, relay = self.kept([Rig().upload("general-text/a.png")]), NextInvocation()
        rig.clock.pause(60)
        listed = list(rig.store.list(FAILURES, ""))
        rig.store.list = lambda bucket, prefix: iter(listed * 3)  # type: ignore[method-assign]
        relay.fail = lambda: rig.clock.pause(6)
        assert self.walk(rig, relay).handed_on == 1
        assert len(relay.handed) == 1
        rig.store.put(FAILURES, listed[0].key, b"{}")
        rig.clock.pause(60)
        relay.fail = lambda: rig.clock.pause(60)
        assert self.walk(rig, relay).left == 2

    @pytest.mark.parametrize(("seconds", "takes", "handed"), [(60, 10, 2), (60, 11, 1), (5, 3, 2), (5, 4, 1)], ids=str)
    def test_lasts_ten_seconds_and_leaves_two_of_a_short_time(self, seconds, takes, handed):
        rig, relay = self.kept([Rig().upload("general-text/a.png")]), NextInvocation()
        rig.store.put(FAILURES, "failures/on_failure/2.json", b"not json")
        rig.seconds = seconds
        rig.clock.pause(60)
        relay.fail = lambda: rig.clock.pause(takes)
        report = self.walk(rig, relay)
        assert (report.handed_on, report.left) == (handed, 2 - handed)

    def test_passes_over_what_has_no_time(self):
        rig, relay = self.kept([Rig().upload("general-text/a.png")]), NextInvocation()
        rig.clock.pause(60)
        (listed,) = rig.store.list(FAILURES, "")
        ageless = ListedObject(listed.key, listed.size, listed.etag)
        rig.store.list = lambda bucket, prefix: iter([ageless, listed])  # type: ignore[method-assign]
        assert self.walk(rig, relay).handed_on == 1

    def test_has_nothing_to_do_without_a_bucket(self):
        rig = Rig()

        def fail(verb, ref):
            raise HeldError("There is no bucket without a name.")

        rig.store.fail = fail
        assert self.walk(rig, NextInvocation(), bucket="").handed_on == 0

    def test_says_that_the_bucket_cannot_be_listed(self):
        rig = self.kept([Rig().upload("general-text/a.png")])

        def fail(verb, ref):
            raise HeldError("403", code="obs-denied")

        rig.store.fail = fail
        with pytest.raises(LegibleError):
            self.walk(rig, NextInvocation())
