"""Accounts by enterprise project: calls, their part of the costs, and the vendor's bill beside them."""

from __future__ import annotations

import io
from datetime import date, datetime, timezone
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from legible.errors import HeldError
from legible.ledger.changes import Changes
from legible.ledger.lists import LongList
from legible.model import layout
from legible.model.account import BillLine, EnterpriseProject
from legible.model.accounting import AccountingReport, ProjectDay, ProjectMonth
from legible.model.documents import Document
from legible.model.prices import BoughtPackage, Price, Prices, Tier
from legible.model.usage import MonthCost, Totals
from legible.outputs.xlsx import write_accounting
from legible.oversight.accounting import AccountingReader, Told, parts, shares
from legible.oversight.calls import CallCount, JournalHour
from legible.oversight.rollup import RollUp
from tests.support.fakes import AccountProjects
from tests.support.rig import IN, Rig

CLAIMS = "a1111111-0000-4000-8000-000000000001"
SALES = "b1111111-0000-4000-8000-000000000001"
MARCH, APRIL = date(2026, 3, 1), date(2026, 4, 1)
PRICES = Prices(list=(Price(("passport",), date(2026, 1, 1), (Tier("0.01"), Tier("0.005", above=5))),))


class Bills:
    """A billing API that has some lines."""

    def __init__(self, *lines, code="hws.ocr", fail=None):
        self.lines_of, self.code, self.fail = lines, code, fail

    def service_code(self, name):
        if self.fail:
            raise self.fail
        return self.code

    def lines(self, first, last, service=""):
        return [line for line in self.lines_of if first <= line.day <= last]


def line(day, amount, project=None, resource="passport"):
    return BillLine(
        day=day,
        amount=Decimal(amount),
        currency="USD",
        enterprise_project=project,
        project_name="sold",
        resource=resource,
    )


def reader(*calls, billing=None, projects=None, prices=PRICES):
    """Return a reader of these calls: time, operation, project, outcome, count."""
    rig = Rig()
    call = rig.call()
    rollup = RollUp(rig.site, call, 0.0)
    for number, (at, slug, project, outcome, count) in enumerate(calls):
        hour = at.replace(minute=0)
        counted = CallCount(at.minute, slug, project, "", outcome, count)
        rollup.keep([{hour: JournalHour(f"{number:032x}", at, 1, (counted,))}])
    now = lambda: datetime(2026, 5, 1, tzinfo=timezone.utc)  # noqa: E731 - the shortest way to say it
    return AccountingReader(rollup, Changes(rig.site, call), prices, Told(projects, billing), now)


def at(day, hour=3, month=3):
    return datetime(2026, month, day, hour, tzinfo=timezone.utc)


CALLS = [
    (at(2), "passport", CLAIMS, "answered", 6), (at(2), "passport", SALES, "answered", 2),
    (at(3), "web-image", SALES, "refused", 4), (at(31, 17), "passport", "", "answered", 1),
    (at(9, month=4), "passport", CLAIMS, "unknown", 3), (at(28, month=2), "passport", CLAIMS, "answered", 90),
]  # fmt: skip


def test_calls_are_told_apart_by_month_and_project_in_the_vendors_zone():
    report = reader(*CALLS).report(MARCH, date(2026, 4, 30))
    assert [(one.month, one.project, one.totals.calls, one.totals.succeeded) for one in report.months] == [
        (MARCH, CLAIMS, 6, 6), (MARCH, SALES, 6, 2), (APRIL, "0", 1, 1), (APRIL, CLAIMS, 3, 0),
    ]  # fmt: skip
    assert [(one.project, round(one.share, 3)) for one in report.projects][0] == (CLAIMS, Decimal("0.667"))
    assert [one.operation for one in report.days] == ["passport", "passport", "web-image", "passport", "passport"]


def test_costs_are_parts_of_the_whole_by_billed_calls():
    report = reader(*CALLS).report(MARCH, date(2026, 4, 30))
    amounts = {(one.month, one.project): one.amount for one in report.months}
    assert amounts[MARCH, CLAIMS] + amounts[MARCH, SALES] == Decimal("0.065")
    assert amounts[MARCH, CLAIMS] == Decimal("0.04875")
    assert amounts[APRIL, "0"] == Decimal("0.01")


def test_what_was_billed_stands_beside_with_what_is_attributed_to_none():
    bills = Bills(line(date(2026, 3, 2), "0.05", CLAIMS), line(date(2026, 3, 9), "0.5"), line(APRIL, "1", SALES))
    found = reader(*CALLS, billing=bills, projects=AccountProjects(EnterpriseProject(CLAIMS, "claims")))
    report = found.report(MARCH, date(2026, 4, 30))
    billed = {(one.month, one.project): one.billed for one in report.months}
    assert (billed[MARCH, CLAIMS], billed[MARCH, SALES]) == (Decimal("0.05"), None)
    assert [(one.project, one.amount) for one in report.bill] == [
        (None, Decimal("0.5")), (CLAIMS, Decimal("0.05")), (SALES, Decimal(1)),
    ]  # fmt: skip
    assert report.title(CLAIMS) == f"claims ({CLAIMS})"
    assert (report.title(SALES), report.title(None), report.title("0"), report.title("x")) == (
        f"sold ({SALES})", "(attributed to none)", "(default)", "x",
    )  # fmt: skip


def test_what_the_account_refuses_is_a_note_and_holds_up_nothing():
    refusal = HeldError("403", advice="Let it do bss:bill:view.")
    projects = AccountProjects()
    projects.fail = HeldError("403", advice="Let it do eps:enterpriseProjects:list.")
    report = reader(*CALLS, billing=Bills(fail=refusal), projects=projects).report(MARCH, APRIL)
    assert report.bill is None
    assert ["bss:bill:view" in note or "eps:enterpriseProjects:list" in note for note in report.notes] == [True, True]
    assert "cloud.account_endpoint" in reader(*CALLS).report(MARCH, APRIL).notes[0]


def test_an_account_that_knows_no_ocr_has_no_bill_and_says_why():
    found = reader(*CALLS, billing=Bills(line(MARCH, "9"), code="")).report(MARCH, APRIL)
    assert found.bill is None
    assert "knows no service named Optical Character Recognition" in found.notes[0]
    assert all(one.billed is None for one in found.months)


def test_a_bill_without_lines_is_an_empty_one():
    assert reader(billing=Bills()).report(MARCH, APRIL).bill == ()


def test_a_package_that_is_refilled_is_drawn_anew_each_month():
    """Given a package of five calls that is refilled, six and eight calls in two months, and a price beyond it."""
    package = BoughtPackage(("passport",), 5, date(2026, 1, 1), refilled="month")
    prices = Prices(list=(Price(("passport",), date(2026, 1, 1), (Tier("0.01"),)),), packages=(package,))
    calls = [(at(2), "passport", CLAIMS, "answered", 6), (at(2, month=4), "passport", CLAIMS, "answered", 8)]
    report = reader(*calls, prices=prices).report(MARCH, date(2026, 4, 30))
    assert [one.amount for one in report.months] == [Decimal("0.01"), Decimal("0.03")]


@pytest.mark.parametrize(
    ("prices", "word"), [(PRICES, "No price is set for web-image"), (Prices(), "No prices are set")]
)
def test_an_operation_without_a_price_has_no_cost_and_says_so(prices, word):
    report = reader((at(2), "web-image", CLAIMS, "answered", 1), prices=prices).report(MARCH, APRIL)
    assert report.months[0].amount is None is report.projects[0].amount
    assert word in report.notes[-1]


def test_one_project_can_be_looked_at_alone():
    bills = Bills(line(MARCH, "1", CLAIMS), line(MARCH, "2", SALES))
    report = reader(*CALLS, billing=bills).report(MARCH, date(2026, 4, 30)).of(SALES)
    assert {one.project for one in (*report.months, *report.days, *report.projects, *report.bill)} == {SALES}
    assert reader(*CALLS).report(MARCH, APRIL).of(SALES).bill is None


@pytest.mark.parametrize(
    ("project", "known"), [(SALES, True), (CLAIMS, True), ("0", True), ("c1111111-typo", False), ("", False)]
)
def test_a_project_that_nobody_knows_of_is_remarked_on(project, known):
    """Given calls of one project, a bill that names another one, and neither of a third."""
    calls = [call for call in CALLS if call[2] != SALES]
    report = reader(*calls, billing=Bills(line(MARCH, "2", SALES))).report(MARCH, date(2026, 4, 30)).of(project)
    assert any("Nobody knows of an enterprise project" in note for note in report.notes) == (not known)


def test_one_that_is_known_by_name_alone_is_none_of_these():
    report = AccountingReport(MARCH, MARCH, at(1), 0, "USD", names={SALES: "sales"})
    assert report.of(SALES).notes == ()


@pytest.mark.parametrize(("spoilt", "named"), [(at(5), True), (at(31, 17, 1), False), (at(28, 17, 2), True)])
def test_days_of_which_not_all_could_be_read_are_named(spoilt, named):
    """Given a line that something else spoilt, on one of the days, before them, or where the first begins in UTC+8."""
    rig = Rig()
    call = rig.call()
    LongList(rig.site, call, layout.usage_part(spoilt)).add(b"no line\n", 0)
    counted = AccountingReader(
        RollUp(rig.site, call, 0.0), Changes(rig.site, call), PRICES, Told(None, None), lambda: at(20)
    )
    notes = [note for note in counted.report(MARCH, date(2026, 3, 31)).notes if note.startswith("Something changed")]
    assert len(notes) == named
    assert all(f"{spoilt.date()}: run `legible usage --rebuild`" in note for note in notes)


def test_it_is_as_of_the_first_claim_that_is_not_counted():
    """Given a claim whose lease ends after the report."""
    rig = Rig()
    changes, claimed = Changes(rig.site, rig.call()), rig.clock.now()
    changes.mark(Document(IN, "a", "v"), changes.after(86_400))
    rig.clock.pause(3600)
    made = AccountingReader(RollUp(rig.site, rig.call(), 0.0), changes, PRICES, Told(None, None), rig.clock.now)
    report = made.report(MARCH, APRIL)
    assert (report.as_of <= claimed, report.waiting) == (True, 1)


@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 10**6)), min_size=1, max_size=6),
    st.decimals(0, 10**6, places=6),
)
def test_the_parts_are_exactly_the_whole(counts, amount):
    paid = {name: count for name, count in counts if count}
    found = parts([MonthCost(MARCH, "passport", 1, 0, 0, amount)], {(MARCH, "passport"): paid})
    assert sum(found.values(), Decimal(0)) == (amount if paid else 0)
    assert all(part >= -Decimal("0.00001") for part in found.values())


def test_a_project_that_is_only_billed_is_named_too():
    (one,) = shares([], {(MARCH, CLAIMS): Decimal(3)})
    assert (one.project, one.billed, one.share, one.amount) == (CLAIMS, Decimal(3), 0, None)


def book(report):
    file = io.BytesIO()
    write_accounting(report, file)
    return openpyxl.load_workbook(io.BytesIO(file.getvalue()))


def cells(sheet):
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


class TestTheWorkbook:
    def test_has_summary_months_trend_details_and_the_bill(self):
        bills = Bills(line(date(2026, 3, 2), "0.05", CLAIMS), line(date(2026, 3, 9), "0.123456"))
        report = reader(*CALLS, billing=bills).report(MARCH, date(2026, 4, 30))
        found = book(report)
        assert found.sheetnames == ["Summary", "By month", "Trend by month", "Trend by day", "Details", "Bill"]
        assert cells(found["Trend by month"])[1:] == [["2026-03", 6, 2, 0], ["2026-04", 0, 0, 1]]
        assert len(cells(found["Trend by day"])) == 1 + 39
        assert cells(found["Bill"])[1][1:] == ["(attributed to none)", "passport", 0.123456]
        assert len(found["Summary"]._charts) == 3

    def test_of_one_project_has_no_distribution(self):
        report = reader(CALLS[0]).report(MARCH, APRIL)
        found = book(report)
        assert found["Summary"]._charts == []
        assert [row[0] for row in cells(found["Summary"])][-1] == CLAIMS

    def test_without_anything_has_a_summary_that_says_so(self):
        assert book(reader().report(MARCH, APRIL)).sheetnames == ["Summary"]

    def test_with_many_projects_and_days_stays_readable(self):
        """Given 30 projects, 400 days and 52 operations."""
        days = [date.fromordinal(date(2025, 3, 1).toordinal() + number) for number in range(400)]
        projects = [f"{number:08x}-0000-4000-8000-000000000000" for number in range(30)]
        lines = tuple(
            ProjectDay(day, projects[(number * slug) % 30], f"operation-{slug}", Totals(answered=1 + slug))
            for number, day in enumerate(days)
            for slug in range(52)
        )
        months = tuple(
            ProjectMonth(day.replace(day=1), project, Totals(answered=9), Decimal("1.5"), Decimal("1.2"))
            for day in days[::31]
            for project in projects
        )
        now = datetime(2026, 5, 1, tzinfo=timezone.utc)
        report = AccountingReport(
            days[0], days[-1], now, 0, "USD", months, lines, shares(months, {(MARCH, projects[0]): Decimal(1)}),
            names={projects[0]: "claims"},
        )  # fmt: skip
        found = book(report)
        assert cells(found["Details"])[0][0] == "Month (UTC+8)"
        assert cells(found["Trend by month"])[0][-1] == "others"
        assert len(found["Summary"]._charts) == 2
        assert "18 others" in [row[0] for row in cells(found["Summary"])]
