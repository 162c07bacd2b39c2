"""Windows of Cloud Eye: whatever is asked for, each call is about so much that it is answered whole."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from legible.huawei.cloudeye import MOST_POINTS, MOST_SERIES, windows
from legible.model.account import DAY, FIVE_MINUTES, FOUR_HOURS, HOUR, RAW, TWENTY_MINUTES, Period

EPOCH = datetime(2026, 11, 1, tzinfo=timezone.utc)


@given(
    period=st.sampled_from([RAW, FIVE_MINUTES, TWENTY_MINUTES, HOUR, FOUR_HOURS, DAY]),
    series=st.integers(1, MOST_SERIES), first=st.integers(0, 1000), count=st.integers(0, 2000),
)  # fmt: skip
def test_windows_cover_the_span_once_and_none_is_cut(period: Period, series: int, first: int, count: int):
    begin = EPOCH + first * period.step
    found = list(windows(begin, begin + count * period.step, period, series))
    step = period.step // timedelta(milliseconds=1)
    asked = [at for one in found for at in range(*one, step)]
    assert asked == [int(begin.timestamp() * 1000) + number * step for number in range(count)]
    for low, high in found:
        assert series * (high - low) // step <= MOST_POINTS
        assert high - low <= period.window // timedelta(milliseconds=1)


def test_all_operations_of_ocr_by_the_hour_take_28_hours_a_call():
    found = list(windows(EPOCH, EPOCH + timedelta(days=7), HOUR, 104))
    assert (len(found), found[0][1] - found[0][0]) == (6, 28 * 3600 * 1000)
