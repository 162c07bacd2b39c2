"""Usage from two sides: what Cloud Eye counted stands beside the ledger's; where it cannot be told a remark does."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

import pytest

from legible.errors import HeldError, ThrottledError, UnavailableError
from legible.model.prices import Reconcile
from legible.model.usage import ServiceRow, Totals, UsageReport, UsageRow
from legible.oversight.interfaces import FAILED
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
    assert found.service.begin == NOW.replace(minute=0) - timedelta(days=155) + timedelta(hours=1)
    assert "keeps 155 days" in found.notes[0]
    gone = told(eye, UsageReport(date(2025, 1, 1), date(2025, 2, 1), NOW, 0, "USD")).service
    assert gone is not None and gone.days == ()


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
