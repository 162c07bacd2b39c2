"""What the vendor's services tell: values that answer for what is not there."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from legible.model import account
from legible.model.account import Metric, MetricSeries

NOON = datetime(2026, 11, 30, 12, tzinfo=timezone.utc)
METRIC = Metric("SYS.OCR", "failed_call_times_of_service", (("call_of_interface", "PASSPORT"),))


def test_a_period_without_a_point_had_no_call():
    series = MetricSeries(METRIC, {NOON: 3.0})
    assert (series.at(NOON), series.at(NOON + timedelta(hours=1)), series.total) == (3.0, 0.0, 3.0)


def test_a_metric_says_the_values_of_its_dimensions():
    assert (METRIC.value("call_of_interface"), METRIC.value("other")) == ("PASSPORT", "")


def test_longer_periods_may_be_asked_for_at_longer_windows_and_are_kept_longer():
    periods = [
        account.RAW, account.FIVE_MINUTES, account.TWENTY_MINUTES, account.HOUR, account.FOUR_HOURS, account.DAY,
    ]  # fmt: skip
    for name in ("asked", "step", "window", "kept"):
        values = [getattr(one, name) for one in periods]
        assert values == sorted(values)
    assert all(one.kept >= one.window or one is account.DAY for one in periods)
