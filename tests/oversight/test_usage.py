"""Usage as it is shown, the monthly workbooks, and what services that fail make of them: a remark, no failure."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import openpyxl
import pytest

from legible.errors import HeldError
from legible.ledger.changes import Changes
from legible.model.account import Package
from legible.model.documents import Document, ObjectRef
from legible.model.prices import BoughtPackage, Price, Prices, Tier
from legible.model.usage import Totals, UsageReport
from legible.outputs.xlsx import write_usage
from legible.oversight.calls import CallCount, Ended, JournalHour
from legible.oversight.monthly import MonthlyWorkbooks
from legible.oversight.usage import UsageReader
from tests.support.counting import rollup
from tests.support.rig import IN, OUT, TEXT, Rig

NINE = datetime(2026, 11, 23, 9, tzinfo=timezone.utc)
TODAY, NOV = NINE.date(), date(2026, 11, 1)


def package(number: int, left: int, **more: object) -> Package:
    """Return what is left of a package P of 9 calls."""
    values = {"product": "P", "item": "Calls", "bought": Decimal(9), "state": "in-force", "service": "ocr", **more}
    return Package(id=f"{number}", left=Decimal(left), **values)  # type: ignore[arg-type]


class Bills:
    """A billing API with some packages, or with none that may be seen; it tells OCR's code, or refuses to."""

    def __init__(self, *packages: Package, refused: str = "", code: str | None = "ocr") -> None:
        self.refused, self.code = refused, code
        self._packages = packages or (package(1, 7),)

    def service_code(self, name: str) -> str:
        if self.code is None:
            raise HeldError("403", advice="Let it do bss:bill:view.")
        return self.code if name == "OCR" else ""

    def packages(self, service: str = "") -> list[Package]:
        if self.refused:
            raise HeldError("403", advice=self.refused)
        return [one for one in self._packages if service in ("", one.service)]


@pytest.fixture
def rig() -> Rig:
    return Rig()


def count(rig: Rig, *calls: tuple[datetime, str, str, str, str, int], status: str = "") -> None:
    for number, (at, slug, project, route, outcome, times) in enumerate(calls):
        ended = Ended(status, slug, project, route) if status else None
        said = JournalHour(
            f"{number:032x}", at, 1, (CallCount(at.minute, slug, project, route, outcome, times),), ended
        )
        rollup(rig).keep([{at.replace(minute=0): said}])


def report(rig: Rig, first: date = NOV, last: date = TODAY, prices: Prices = Prices(), billing=None) -> UsageReport:  # noqa: B008
    changes = Changes(rig.site, rig.call())
    return UsageReader(rollup(rig), changes, prices, billing, rig.clock.now).report(first, last)


class TestReport:
    def test_calls_are_told_apart_in_each_way(self, rig):
        count(
            rig,
            (NINE, "passport", "p", "passport/*", "answered", 3),
            (NINE, "vin", "", "mail/*", "refused", 9),
            (NINE - timedelta(days=1), "passport", "", "mail/*", "unknown", 1),
            (NINE - timedelta(days=40), "passport", "", "mail/*", "answered", 50),
            status="done",
        )
        found = report(rig)
        assert [(row.name, row.totals) for row in found.rows("operation")] == [
            ("vin", Totals(refused=9)), ("passport", Totals(answered=3, unknown=1))
        ]  # fmt: skip
        assert [row.name for row in found.rows("day")] == ["2026-11-22", "2026-11-23"]
        assert [row.name for row in found.rows("project")] == ["", "p"]
        assert [row.name for row in found.rows("route")] == ["mail/*", "passport/*"]
        assert [(row.name, row.operation) for row in found.details] == [
            ("2026-11-22", "passport"), ("2026-11-23", "passport"), ("2026-11-23", "vin")
        ]  # fmt: skip
        assert found.ended == {"done": 3}
        assert [(one.day.day, one.counts) for one in found.ends] == [(22, {"done": 1}), (23, {"done": 2})]
        totals = found.operations[1].totals
        assert (totals.calls, totals.succeeded, totals.failed, totals.pages) == (4, 3, 0, 3)

    @pytest.mark.parametrize("lease", [0, 60, 86_400])
    def test_it_is_as_of_the_first_claim_that_is_not_counted_however_long_it_lasts(self, rig, lease):
        assert (report(rig).as_of, report(rig).waiting) == (rig.clock.now(), 0)
        changes, claimed = Changes(rig.site, rig.call()), rig.clock.now()
        changes.mark(Document(IN, "a", "v"), changes.after(lease))
        rig.clock.pause(30)
        changes.mark(Document(IN, "b", "v"), changes.after(1))
        for wait in (0, 3600):
            rig.clock.pause(wait)
            assert claimed - timedelta(seconds=5) < report(rig).as_of <= claimed
            assert report(rig).waiting == 2

    def test_what_is_called_under_a_running_claim_is_not_said_to_be_counted(self):
        """Given a document that is being read, for ten minutes at the most."""
        rig = Rig(TEXT)
        begun = rig.clock.now()
        rig.run(rig.upload("general-text/a.png"))
        rig.clock.pause(120)
        assert report(rig, last=TODAY + timedelta(days=400)).operations == ()
        assert report(rig).as_of <= begun

    def test_what_a_newer_version_counts_is_passed_over(self, rig):
        count(rig, (NINE, "passport", "", "", "dreamt", 3), (NINE, "passport", "", "", "answered", 1))
        assert report(rig).operations[0].totals == Totals(answered=1)

    def test_operations_without_a_price_are_named(self, rig):
        count(rig, (NINE, "vin", "", "", "answered", 3), (NINE, "passport", "", "", "answered", 1))
        prices = Prices(list=(Price(("passport",), NOV, (Tier("1"),)),))
        assert report(rig, prices=prices).notes == (
            "No price is set for vin: their cost is not known ([[prices.list]]).",
        )
        assert report(rig).notes == ()

    def test_days_whose_lists_were_spoilt_are_named(self, rig):
        for number in range(7):
            count(rig, (NINE - timedelta(days=number), "vin", "", "", "answered", 3))
        for key in rig.store.keys(OUT, "reports/.usage/"):
            rig.store.put(OUT, key, b"spoilt\n")
        assert "counted on 2026-11-17, 2026-11-18" in report(rig).notes[0]
        assert report(rig).notes[0].endswith("`legible usage --rebuild` to count it again.")
        assert ", ...:" in report(rig).notes[0]

    def test_packages_are_asked_for_only_where_one_is_named_by_its_product(self, rig):
        plain = BoughtPackage(("vin",), 9, NOV)
        assert report(rig, prices=Prices(packages=(plain,)), billing=Bills(refused="unseen")).notes == ()
        named = Prices(packages=(BoughtPackage(("vin",), 9, NOV, product="P"),))
        assert report(rig, prices=named, billing=Bills()).packages[0].left == 7
        refused = report(rig, prices=named, billing=Bills(refused="Grant bss:order:view."))
        assert refused.packages[0].estimated and "bss:order:view" in refused.notes[0]

    NAMED = Prices(packages=(BoughtPackage(("vin",), 9, NOV, product="P"),))

    @pytest.mark.parametrize("code", ["ocr", "", None])
    def test_packages_of_other_services_are_nothing_to_remark_on(self, rig, code):
        bills = Bills(package(1, 7), package(2, 5, product="Storage 40 GB", service="obs"), code=code)
        found = report(rig, prices=self.NAMED, billing=bills)
        assert (found.packages[0].left, found.packages[0].estimated, found.notes) == (7, False, ())

    def test_one_of_ocr_that_no_setting_names_is_remarked_on(self, rig):
        bills = Bills(package(1, 7), package(2, 5, product="Other"))
        assert "'Other'" in report(rig, prices=self.NAMED, billing=bills).notes[0]

    def test_one_of_the_same_name_in_another_region_is_not_added(self, rig):
        bills = Bills(package(1, 7, region="ap-southeast-1"), package(2, 5, region="cn-north-4"))
        changes = Changes(rig.site, rig.call())
        regions = {"vin": "cn-north-4"}
        reader = UsageReader(
            rollup(rig), changes, self.NAMED, bills, rig.clock.now, region_of=lambda slug: regions.get(slug, "")
        )
        found = reader.report(NOV, TODAY)
        assert (found.packages[0].left, found.notes) == (5, ())
        regions["vin"] = "ap-southeast-3"
        found = reader.report(NOV, TODAY)
        assert found.packages[0].estimated
        assert found.notes == (
            "The billing API names no package 'P' for ap-southeast-3: what is left of it is an estimate.",
        )

    def test_it_is_warned(self, rig):
        count(rig, (NINE, "vin", "", "", "answered", 9))
        prices = Prices(packages=(BoughtPackage(("vin",), 9, date(2026, 1, 1)),))
        assert report(rig, prices=prices).warnings == ("Package vin is used up: calls are paid per use.",)


class TestWorkbooks:
    def written(self, rig: Rig) -> list[str]:
        reader = UsageReader(rollup(rig), Changes(rig.site, rig.call()), Prices(), None, rig.clock.now)
        return MonthlyWorkbooks(rig.site, rig.call(), reader, write_usage).written()

    def test_this_months_is_written_once_a_day(self, rig):
        count(rig, (NINE, "vin", "", "", "answered", 9))
        assert self.written(rig) == ["reports/2026-11/usage.xlsx"]
        assert self.written(rig) == []
        rig.clock.pause(24 * 3600)
        assert self.written(rig) == ["reports/2026-11/usage.xlsx"]

    def test_last_months_is_written_while_calls_may_come_late(self, rig):
        count(rig, (NINE, "vin", "", "", "answered", 9))
        rig.clock.pause(8 * 24 * 3600)  # December 1
        assert self.written(rig) == ["reports/2026-11/usage.xlsx"]
        rig.clock.pause(3 * 24 * 3600)
        assert self.written(rig) == []

    def test_of_a_month_without_calls_there_is_none(self, rig):
        assert self.written(rig) == []

    @pytest.mark.parametrize(
        ("fault", "code"), [(HeldError("403", code="obs-denied"), "obs-denied"), (OSError("disk"), "OSError")]
    )
    def test_one_that_could_not_be_written_is_told_to_have_failed(self, rig, fault, code):
        count(rig, (NINE, "vin", "", "", "answered", 9))
        told = []

        def fail(report, file):
            raise fault

        reader = UsageReader(rollup(rig), Changes(rig.site, rig.call()), Prices(), None, rig.clock.now)
        tell = lambda key, word: told.append((key, word))  # noqa: E731 - the shortest way to say it
        with pytest.raises(type(fault)):
            MonthlyWorkbooks(rig.site, rig.call(), reader, fail, tell).written()
        assert told == [("reports/2026-11/usage.xlsx", ""), ("reports/2026-11/usage.xlsx", code)]

    def test_it_says_what_was_counted(self, rig, tmp_path):
        count(rig, (NINE, "vin", "", "", "answered", 9))
        self.written(rig)
        (tmp_path / "u.xlsx").write_bytes(rig.store.objects[ObjectRef(OUT, "reports/2026-11/usage.xlsx")][0])
        assert openpyxl.load_workbook(tmp_path / "u.xlsx")["By operation"]["B2"].value == 9
