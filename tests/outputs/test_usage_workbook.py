"""The usage workbook: what it says, and charts that stay readable however many days and operations there are."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from legible.model.usage import MonthCost, PackageState, ServiceRow, ServiceSide, Totals, UsageReport, UsageRow
from legible.outputs.xlsx import charts, write_usage
from tests.support.usage import report

NOV = date(2026, 11, 1)


def book(found: UsageReport) -> Any:
    file = io.BytesIO()
    write_usage(found, file)
    return openpyxl.load_workbook(io.BytesIO(file.getvalue()))


def cells(found: Any, name: str) -> list[list[Any]]:
    return [[cell.value for cell in row] for row in found[name].iter_rows()]


class TestTheServicesSide:
    SIDE = ServiceSide(
        datetime(2025, 11, 1, tzinfo=timezone.utc),
        (ServiceRow("vin", 7, 1), ServiceRow("an-operation-of-others", 3)),
        (ServiceRow("2025-11-02", 9, 1), ServiceRow("2025-11-07", 1)),
    )

    def test_stands_beside_operations_and_days_with_what_only_the_service_counted(self):
        found = book(report(days=5, operations=3, projects=2, service=self.SIDE))
        assert cells(found, "By operation")[0][-2:] == ["Cloud Eye: succeeded", "Cloud Eye: failed"]
        assert cells(found, "By operation")[-1][-2:] == [3, 0]
        days = {row[0].date().isoformat(): row[-2:] for row in cells(found, "By day")[1:]}
        assert (days["2025-11-02"], days["2025-11-03"], days["2025-11-06"], days["2025-11-07"]) == (
            [9, 1], [0, 0], [0, 0], [1, 0]
        )  # fmt: skip
        assert "Cloud Eye: succeeded" not in cells(found, "By project")[0]
        summary = [row[0] for row in cells(found, "Summary")]
        assert "Cloud Eye: failed" in summary
        assert any("neither enterprise projects nor routes" in str(text) for text in summary)

    def test_stays_empty_before_the_first_day_that_is_known(self):
        """Given 400 days, of which the service knows the last 155."""
        first = date(2025, 11, 1) + timedelta(days=245)
        begin = datetime(first.year, first.month, first.day, tzinfo=timezone.utc)
        side = ServiceSide(begin, (ServiceRow("vin", 7, 1),), (ServiceRow(f"{first}", 7, 1),))
        found = book(report(days=400, operations=52, projects=2, service=side))
        days = [row[-2:] for row in cells(found, "By day")[1:]]
        assert days[:245] == [[None, None]] * 245
        assert days[245:] == [[7, 1], *[[0, 0]] * 154]
        heads = [f"Cloud Eye since {first}: succeeded", f"Cloud Eye since {first}: failed"]
        assert cells(found, "By operation")[0][-2:] == heads
        summary = [row[:2] for row in cells(found, "Summary")]
        assert [heads[0], 7] in summary and [heads[1], 1] in summary

    def test_is_not_there_where_it_is_not_known(self):
        found = book(report(days=5, operations=3, projects=2))
        assert all("Cloud Eye" not in str(row) for name in found.sheetnames for row in cells(found, name))


class TestSheets:
    def test_each_way_of_telling_calls_apart_has_one(self):
        costs = (MonthCost(NOV, "vin", 9, 1, 0, Decimal(0)),)
        states = (PackageState("P", ("vin",), 9, 4, True, Decimal(1), Decimal(1)),)
        found = book(report(days=5, operations=3, projects=2, costs=costs, packages=states))
        assert found.sheetnames == [
            "Summary", "By day", "By operation", "By project", "By route", "Costs", "Packages", "Days and operations"
        ]  # fmt: skip
        assert cells(found, "By project")[1][0] == "(none)"
        assert len(cells(found, "Days and operations")) == 1 + 15

    def test_days_without_calls_are_there_too(self):
        rows = (UsageRow("2026-11-01", Totals(answered=1)), UsageRow("2026-11-04", Totals(answered=2)))
        listed = cells(book(UsageReport(NOV, NOV, datetime.now(timezone.utc), 0, "USD", days=rows)), "By day")[1:]
        assert [(row[0].day, row[1]) for row in listed] == [(1, 1), (2, 0), (3, 0), (4, 2)]

    def test_very_many_days_and_operations_are_summed_up_by_the_month(self):
        found = book(report(days=70, operations=45, projects=1))
        assert found.sheetnames[-1] == "Months and operations"
        assert len(cells(found, "Months and operations")) == 1 + 3 * 45

    def test_what_was_asked_for_without_a_call_says_so_much(self):
        found = book(UsageReport(NOV, NOV, datetime(2026, 12, 1, tzinfo=timezone.utc), 4, "USD"))
        assert found.sheetnames == ["Summary"]
        assert ["Documents not counted yet", 4] in [row[:2] for row in cells(found, "Summary")]

    def test_warnings_and_remarks_stand_on_the_first_sheet(self):
        found = book(report(2, 1, 1, warnings=("Soon!",), notes=("An estimate.",)))
        texts = [row[0] for row in cells(found, "Summary")]
        assert "Soon!" in texts and "An estimate." in texts

    def test_money_is_exact_and_what_is_not_priced_says_so(self):
        costs = (
            MonthCost(NOV, "vin", 9, 1, 0, Decimal("0.0123")),
            MonthCost(NOV, "passport", 9, 1, 0, None),
            MonthCost(NOV, "id-card", 9, 1, 0, Decimal("1.5")),
        )
        found = book(report(2, 1, 1, costs=costs))
        assert [row[-1] for row in cells(found, "Costs")[1:]] == [0.0123, "no price", 1.5]
        assert ["2026-11", 1.5123] in [row[:2] for row in cells(found, "Summary")]

    def test_where_nothing_was_paid_per_use_no_month_is_listed(self):
        free = (MonthCost(NOV, "vin", 9, 9, 0, Decimal(0)),)
        assert "Month (UTC+8)" not in [row[0] for row in cells(book(report(2, 1, 1, costs=free)), "Summary")]

    def test_packages_say_who_says_so(self):
        states = tuple(
            PackageState("P", ("vin",), 9, 4, estimated, Decimal("1.5"), Decimal(1), ends, ends)
            for estimated, ends in ((True, NOV), (False, None))
        )
        listed = cells(book(report(2, 1, 1, packages=states)), "Packages")[1:]
        assert [(row[3], row[4], row[5]) for row in listed] == [(4, "estimate", 1.5), (4, "billing API", 1.5)]
        assert listed[1][7] is None

    def test_a_name_is_never_a_formula(self):
        rows = tuple(UsageRow(name, Totals(answered=1)) for name in ("=1+1", "@x"))
        found = book(UsageReport(NOV, NOV, datetime.now(timezone.utc), 0, "USD", routes=rows))
        assert [cell.data_type for cell in found["By route"]["A"]] == ["s"] * 3


def drawn(found: Any) -> list[Any]:
    return list(found["Summary"]._charts)


def written(found: UsageReport, number: int = 1) -> str:
    """Return a chart as it is written: openpyxl does not read all of it."""
    file = io.BytesIO()
    write_usage(found, file)
    with zipfile.ZipFile(file) as packed:
        return packed.read(f"xl/charts/chart{number}.xml").decode()


class TestCharts:
    @pytest.mark.parametrize(
        ("days", "kind"), [(2, "barChart"), (62, "barChart"), (63, "areaChart"), (400, "areaChart")]
    )
    def test_many_days_are_a_band(self, days, kind):
        first = drawn(book(report(days, 1, 1)))[0]
        assert first.tagname == kind
        assert len(first.series) == 3

    @pytest.mark.parametrize(("days", "unit"), [(63, 1), (400, 1), (900, 2)])
    def test_the_axis_of_many_days_has_months(self, days, unit):
        said = written(report(days, 1, 1))
        assert f'<c:majorUnit val="{unit}"/><c:majorTimeUnit val="months"/>' in said
        assert 'formatCode="yyyy-mm"' in said

    def test_one_day_has_no_chart_of_days(self):
        assert drawn(book(report(1, 1, 1))) == []

    def test_of_many_operations_the_first_twelve_are_shown_and_the_rest_is_one(self):
        many = report(3, 52, 1)
        found = book(many)
        names = [row[0] for row in cells(found, "Summary")]
        first = names.index("Operation") + 1
        assert names[first + charts.MOST_NAMES] == "40 others"
        assert f"<c:f>Summary!$A${first + 1}:$A${first + 13}</c:f>" in written(many, 2)

    def test_each_chart_is_about_one_thing(self):
        months = tuple(MonthCost(date(2026, month, 1), "vin", 9, 1, 0, Decimal(month)) for month in (10, 11))
        assert len(drawn(book(report(3, 2, 2, costs=months)))) == 4

    def test_it_is_made_the_same_way_again(self):
        files = [io.BytesIO(), io.BytesIO()]
        for file in files:
            write_usage(report(3, 2, 2), file)
        assert files[0].getvalue() == files[1].getvalue()
        assert report(3, 2, 2).last == report(3, 2, 2).first + timedelta(days=2)
