"""Which of the times in an event is the upload's."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from legible.huawei import functiongraph
from tests.support.places import DATA


def grid() -> dict:
    (path,) = [path for path in (DATA / "events").glob("*.json") if path.stem == "eventgrid"]
    return json.loads(path.read_text("utf-8"))


class TestEventGrid:
    """A CloudEvent's own time is right; the one in its data was Beijing's time marked Z, 8 hours ahead (2026-09-30)."""

    @pytest.mark.parametrize("wrong", ["2026-11-23T15:50:50Z", "2026-11-22T00:00:00Z", "yesterday", ""])
    def test_its_own_time_counts_whatever_stands_in_its_data(self, wrong):
        event = grid()
        event["time"] = "2026-11-23T07:50:50Z"
        event["data"]["eventTime"] = wrong
        assert functiongraph.uploads(event)[0].at == datetime(2026, 11, 23, 7, 50, 50, tzinfo=timezone.utc)

    def test_where_it_has_none_the_time_of_its_data_is_better_than_nothing(self):
        event = grid()
        del event["time"]
        event["data"]["eventTime"] = "2026-11-23T07:50:50Z"
        assert functiongraph.uploads(event)[0].at == datetime(2026, 11, 23, 7, 50, 50, tzinfo=timezone.utc)
