"""Usage from two sides: what Cloud Eye counted stands beside the ledger's; where it cannot be told a remark does."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta, timezone

import pytest

from legible.errors import HeldError, ThrottledError, UnavailableError
from legible.model.account import Metric
from legible.model.prices import Reconcile
from legible.model.usage import ServiceRow, Totals, UsageReport, UsageRow
from legible.oversight.interfaces import FAILED, SUCCESSFUL
from legible.oversight.service_counts import ServiceCounts, both_sides
from tests.support.cloud_eye import CloudEye

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=timezone.utc)
FIRST, LAST = date(2026, 11, 21), NOW.date()
OURS = UsageReport(
    FIRST, LAST, NOW, 0, "USD",
    operations=(UsageRow("passport", Totals(answered=3)),), days=(UsageRow("2026-11-22", Totals(answered=3)),),
    projects=(UsageRow("", Totals(answered=3)),), notes=("before",),
)  # fmt: skip


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=timezone.utc)


@pytest.fixture
def eye() -> CloudEye:
    return CloudEye()


def told(eye: CloudEye, report: UsageReport = OURS, rules: Reconcile = Reconcile()) -> UsageReport:  # noqa: B008
    return both_sides(report, ServiceCounts(eye, rules), NOW)


def test_it_counts_by_operation_and_by_day(eye):
    eye.count("PASSPORT", at(22, 23, 59), 2)
    eye.count("PASSPORT", at(23, 12, 10))
    eye.count("PASSPORT", at(23, 0), 4, FAILED)
    eye.count("VIN", at(21, 0))
    side = told(eye).service
    assert side is not None
    assert side.operations == (ServiceRow("passport", 3, 4), ServiceRow("vin", 1))
    assert side.days == (ServiceRow("2026-11-21", 1), ServiceRow("2026-11-22", 2), ServiceRow("2026-11-23", 1, 4))


def test_what_lies_outside_of_the_days_does_not_count(eye):
    for minute in (at(20, 23, 59), at(24, 0)):
        eye.count("PASSPORT", minute)
    found = told(eye)
    assert found.service is not None and found.service.operations == ()
    assert found.notes == ("before",)


def test_what_only_the_service_counted_has_a_row_too_and_days_stay_in_their_order(eye):
    eye.count("PASSPORT", at(22, 5), 3)
    eye.count("VIN", at(21, 5))
    found = told(eye)
    assert [(row.name, row.totals.calls, service) for row, service in found.both("operation")] == [
        ("passport", 3, ServiceRow("passport", 3)), ("vin", 0, ServiceRow("vin", 1))
    ]  # fmt: skip
    assert [row.name for row, _ in found.both("day")] == ["2026-11-21", "2026-11-22"]


def test_it_knows_no_projects(eye):
    eye.count("PASSPORT", at(22, 5), 3)
    assert [service for _, service in told(eye).both("project")] == [None]


def test_an_operation_that_is_not_listed_any_more_counts_all_the_same(eye):
    eye.count("PASSPORT", at(22, 5), 3)
    eye.listed = set()
    side = told(eye).service
    assert side is not None and side.operations == (ServiceRow("passport", 3),)


def test_a_value_that_names_no_operation_is_told_of(eye):
    eye.count("Pass+", at(22, 5), 3)
    assert "3 calls of 'Pass+'" in told(eye).notes[-1]
    assert told(eye, rules=Reconcile(interfaces={"Pass+": "vin"})).notes == ("before",)


def test_of_days_that_cloud_eye_keeps_no_longer_it_says_from_when_on_it_tells(eye):
    eye.count("PASSPORT", at(22, 5), 3)
    found = told(eye, UsageReport(date(2025, 1, 1), LAST, NOW, 0, "USD"))
    assert found.service is not None
    assert found.service.begin == NOW.replace(hour=0, minute=0) - timedelta(days=154)
    assert "keeps 155 days: its side is from 2026-06-22 on" in found.notes[0]


@pytest.mark.parametrize(
    "error",
    [HeldError("403", advice="Let it do ces:metrics:list."), ThrottledError("429"), UnavailableError("nobody there")],
)
def test_where_it_cannot_be_asked_one_line_says_so_and_the_ledgers_side_is_whole(eye, error):
    def refuse(namespace):
        raise error

    eye.names = refuse
    found = told(eye)
    assert (found.service, found.operations, found.days) == (None, OURS.operations, OURS.days)
    assert found.notes == ("before", f"Cloud Eye's side is not known: {error}")
    assert [service for _, service in found.both("operation")] == [None]


@pytest.mark.parametrize("listed", [FAILED, SUCCESSFUL])
def test_a_series_that_stopped_is_asked_for_where_only_its_sister_is_listed(eye, listed):
    """Given five paid calls on one day and one failed probe on the next, and a list that forgets what stopped."""
    eye.count("PASSPORT", at(21, 5), 5)
    eye.count("PASSPORT", at(23, 5), 1, FAILED)
    eye.names = lambda namespace: [Metric(namespace, listed, (("call_of_interface", "PASSPORT"),))]
    side = told(eye).service
    assert side is not None and side.operations == (ServiceRow("passport", 5, 1),)
    assert len(eye.asked) == len(set(eye.asked)) == 2


def test_one_under_a_name_of_the_settings_hides_none_under_its_own(eye):
    """Given an operation with a second name, and a list that forgot its usual one."""
    eye.count("Pass+", at(22, 5), 2)
    eye.count("PASSPORT", at(21, 5), 5)
    eye.listed = {"Pass+"}
    side = told(eye, rules=Reconcile(interfaces={"Pass+": "passport"})).service
    assert side is not None and side.operations == (ServiceRow("passport", 7),)


class TestWhatIsNotKnown:
    """Cloud Eye keeps 155 days: what lies before is not known, which is not the same as no call."""

    KEPT = date(2026, 6, 22)

    def report(self, first: date, last: date = LAST) -> UsageReport:
        days = tuple(
            UsageRow(f"{first + timedelta(days=number)}", Totals(answered=2))
            for number in range((last - first).days + 1)
        )
        rows = (UsageRow("passport", Totals(answered=9)), UsageRow("dreams", Totals(answered=1)))
        return UsageReport(first, last, NOW, 0, "USD", operations=rows, days=days)

    def test_days_before_the_first_whole_one_have_no_number(self, eye):
        """Given calls on the day of which Cloud Eye keeps the afternoon alone, and on the next one."""
        for day in (self.KEPT - timedelta(days=1), self.KEPT):
            eye.count("PASSPORT", datetime.combine(day, time(20), timezone.utc), 2)
        found = told(eye, self.report(date(2026, 6, 20)))
        sides = {row.name: service for row, service in found.both("day")}
        assert [sides[f"2026-06-{day}"] for day in (20, 21)] == [None, None]
        assert sides["2026-06-22"] == ServiceRow("2026-06-22", 2)
        assert sides["2026-06-23"] == ServiceRow("2026-06-23")

    def test_sums_of_operations_say_since_when_they_count(self, eye):
        eye.count("PASSPORT", at(22, 5), 3)
        found = told(eye, self.report(date(2026, 6, 20)))
        assert found.service_heads("operation") == (
            "Cloud Eye since 2026-06-22: succeeded", "Cloud Eye since 2026-06-22: failed"
        )  # fmt: skip
        assert found.service_heads("day") == ("Cloud Eye: succeeded", "Cloud Eye: failed")
        assert found.service_heads("route") == ()
        assert told(eye, self.report(self.KEPT)).service_heads("operation")[0] == "Cloud Eye: succeeded"

    @pytest.mark.parametrize(
        ("first", "last"),
        [
            (date(2025, 1, 1), date(2025, 2, 1)),
            (date(2026, 6, 21), date(2026, 6, 21)),
            (date(2027, 1, 1), date(2027, 1, 9)),
        ],
    )
    def test_where_none_of_the_days_is_kept_there_is_no_side_and_a_remark(self, eye, first, last):
        found = told(eye, self.report(first, last))
        assert (found.service, eye.asked, found.service_heads("day")) == (None, [], ())
        assert "days, of whole days those from 2026-06-22 to 2026-11-23" in found.notes[-1]

    def test_an_operation_that_nobody_knows_how_to_ask_for_has_no_number_either(self, eye):
        eye.count("PASSPORT", at(22, 5), 3)
        sides = {row.name: service for row, service in told(eye, self.report(FIRST)).both("operation")}
        assert sides == {"passport": ServiceRow("passport", 3), "dreams": None}
