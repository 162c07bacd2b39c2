"""Leases go by the store's clock: an instance whose own clock is wrong neither locks a document nor takes one early."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest

from legible.errors import BusyError
from legible.huawei.store_clock import StoreClock
from tests.support.fakes import START
from tests.support.rig import PASSPORT, Rig

KEY = "passport/a.png"
SKEWS = [timedelta(minutes=5), timedelta(minutes=-5), timedelta(0)]


class Killed(BaseException):
    """The instance is gone."""


def on_an_instance(rig: Rig, skew: timedelta) -> None:
    """Have the next invocations run where the clock is wrong by so much, over a store that dates its replies."""
    clock = StoreClock(lambda: rig.clock.now() + skew)
    rig.now = clock.now
    rig.store.fail = lambda verb, ref: clock.heard(format_datetime(rig.clock.now(), usegmt=True), clock.own())


@pytest.mark.parametrize("first", SKEWS)
@pytest.mark.parametrize("second", SKEWS)
def test_a_killed_document_goes_on_as_soon_as_its_lease_ends_by_the_store_s_time(first, second):
    # given a document whose invocation was killed, and had 60 seconds
    rig = Rig(PASSPORT)
    upload = rig.upload(KEY)
    on_an_instance(rig, first)

    def die():
        rig.ocr.during = lambda: None
        raise Killed

    rig.ocr.during = die
    with pytest.raises(Killed):
        rig.run(upload)
    on_an_instance(rig, second)

    # then nobody takes it before that time, and the next delivery after it does
    rig.clock.at = START + timedelta(seconds=10)
    with pytest.raises(BusyError):
        rig.run(upload)
    rig.clock.at = START + timedelta(seconds=64)
    (outcome,) = rig.run(upload)
    assert outcome["status"] == "done"
    assert rig.clock.now() < START + timedelta(seconds=66)


class TestTheStoresClock:
    def clock(self, skew: float) -> tuple[StoreClock, list]:
        time = [START]
        return StoreClock(lambda: time[0] + timedelta(seconds=skew)), time

    @pytest.mark.parametrize("skew", [0.0, 0.4, -0.4])
    def test_a_clock_that_is_right_is_never_moved(self, skew):
        clock, time = self.clock(skew)
        time[0] += timedelta(seconds=0.5)
        for _ in range(50):
            sent = clock.own()
            date = format_datetime(time[0].replace(microsecond=0), usegmt=True)
            time[0] += timedelta(seconds=0.03)
            clock.heard(date, sent)
            time[0] += timedelta(seconds=0.97)
            assert clock.now() == clock.own()

    @pytest.mark.parametrize("skew", [300.0, -300.0, 3.0, -3.0, 86400.0])
    def test_a_clock_that_is_wrong_is_right_within_a_second(self, skew):
        clock, time = self.clock(skew)
        for _ in range(50):
            sent = clock.own()
            time[0] += timedelta(seconds=0.02)
            date = format_datetime(time[0].replace(microsecond=0), usegmt=True)
            clock.heard(date, sent)
            assert abs((clock.now() - time[0]).total_seconds()) <= 1.1
            time[0] += timedelta(seconds=0.13)

    def test_a_reply_that_took_long_proves_little(self):
        clock, time = self.clock(4.0)
        sent = clock.own()
        time[0] += timedelta(seconds=30)
        clock.heard(format_datetime(START + timedelta(seconds=20), usegmt=True), sent)
        assert clock.now() == clock.own()

    @pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Foo 2026"])
    def test_what_is_no_date_tells_nothing(self, date):
        clock, _ = self.clock(300.0)
        clock.heard(date, clock.own())
        assert clock.now() == clock.own()
