"""What calls cost, exactly; what is left of packages; and the warning before pay-per-use begins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from legible.model.account import Package
from legible.model.prices import BoughtPackage, Price, Prices, Tier
from legible.model.usage import MonthCost, PackageState
from legible.oversight.money import Spending, billed, cycle, price_of
from legible.oversight.packages import Stock, ToldPackages, states, stocks, warning
from legible.oversight.rollup import DaySum, HourCount

NOV, YEAR = date(2026, 11, 1), (date(2026, 1, 1), date(2026, 12, 31))
PASSPORT = Price(("passport",), date(2026, 1, 1), (Tier("0.010"), Tier("0.007", 10), Tier("0.001", 20)))


def day(number: int) -> date:
    return date(2026, 11, number)


def costs(prices: Prices, *calls: tuple[date, int], slug: str = "passport") -> tuple[MonthCost, ...]:
    return Spending(prices).costs({(at, slug): (count, 0) for at, count in calls}, *YEAR)


class TestCost:
    @pytest.mark.parametrize(
        ("count", "amount"),
        [(0, "0"), (1, "0.010"), (10, "0.100"), (11, "0.107"), (20, "0.170"), (21, "0.171"), (1020, "1.170")],
    )
    def test_each_tier_costs_what_it_says(self, count, amount):
        (cost,) = costs(Prices(list=(PASSPORT,)), (NOV, count))
        assert cost.amount == Decimal(amount)

    @given(some.lists(some.integers(0, 40), max_size=8))
    def test_a_months_calls_cost_the_same_however_they_come(self, counts):
        prices = Prices(list=(PASSPORT,))
        spread = costs(prices, *((day(number + 1), count) for number, count in enumerate(counts)))
        at_once = costs(prices, (NOV, sum(counts)))
        assert sum(cost.amount or 0 for cost in spread) == at_once[0].amount

    def test_tiers_begin_anew_with_each_month(self):
        first, second = costs(Prices(list=(PASSPORT,)), (day(30), 15), (date(2026, 12, 1), 15))
        assert first.amount == second.amount == Decimal("0.135")

    def test_a_new_price_counts_from_its_day(self):
        later = Price(("passport",), day(10), (Tier("1"),))
        (cost,) = costs(Prices(list=(PASSPORT, later)), (day(9), 1), (day(10), 2))
        assert cost.amount == Decimal("2.010")

    def test_an_operations_own_price_comes_before_that_of_every_one(self):
        every = Price(("*",), date(2026, 6, 1), (Tier("5"),))
        assert price_of("passport", NOV, [every, PASSPORT]) == PASSPORT
        assert price_of("vin", NOV, [every, PASSPORT]) == every
        assert price_of("vin", date(2025, 1, 1), [every]) is None

    def test_without_a_price_the_cost_is_not_known(self):
        (cost,) = costs(Prices(), (NOV, 3), (day(2), 1))
        assert (cost.billed, cost.amount) == (4, None)

    def test_days_outside_of_what_is_asked_for_only_count_for_tiers(self):
        found = Spending(Prices(list=(PASSPORT,))).costs(
            {(day(1), "passport"): (10, 1), (day(2), "passport"): (1, 2), (day(3), "passport"): (9, 9)}, day(2), day(2)
        )
        assert found == (MonthCost(NOV, "passport", 1, 0, 2, Decimal("0.007")),)


class TestBilled:
    def test_days_are_those_of_the_vendor_and_only_what_was_answered_is_billed(self):
        calls = [
            HourCount(15, "passport", "", "", "answered", 3),
            HourCount(16, "passport", "p", "", "surplus", 2),
            HourCount(16, "passport", "", "", "unknown", 1),
            HourCount(16, "passport", "", "", "refused", 9),
            HourCount(16, "passport", "", "", "adopted", 9),
        ]
        assert billed([DaySum(day(1), calls=tuple(calls))]) == {
            (day(1), "passport"): (3, 0),
            (day(2), "passport"): (2, 1),
        }


class TestPackages:
    def test_calls_are_first_taken_out_of_what_expires_first(self):
        prices = Prices(
            list=(PASSPORT,),
            packages=(
                BoughtPackage(("passport",), 5, day(1)),
                BoughtPackage(("passport", "vin"), 5, day(1), day(20)),
                BoughtPackage(("passport",), 5, day(25)),
            ),
        )
        spending = Spending(prices)
        (cost,) = spending.costs({(day(2), "passport"): (8, 0), (day(21), "passport"): (4, 0)}, *YEAR)
        assert spending.left == [0, 0, 5]
        assert (cost.billed, cost.packaged, cost.amount) == (12, 10, Decimal("0.020"))

    def test_a_package_is_for_its_operations_alone(self):
        spending = Spending(Prices(packages=(BoughtPackage(("vin",), 5, day(1)),)))
        spending.costs({(day(2), "passport"): (8, 0)}, *YEAR)
        assert spending.left == [5]


def told(product: str, left: int, state: str = "in-force") -> Package:
    return Package(id=product, product=product, item="Calls", left=Decimal(left), bought=Decimal(9), state=state)  # type: ignore[arg-type]


class TestStocks:
    PRICES = Prices(
        packages=(BoughtPackage(("vin",), 9, day(1), product="VIN 9"), BoughtPackage(("passport",), 9, day(1)))
    )

    def test_the_billing_api_comes_before_the_estimate(self):
        found, notes = stocks(
            self.PRICES, [1, 2], ToldPackages([told("VIN 9", 7), told("VIN 9", 1), told("VIN 9", 5, "expired")])
        )
        assert [(stock.left, stock.estimated) for stock in found] == [(8, False), (2, True)]
        assert notes == []

    def test_what_cannot_be_told_apart_is_named(self):
        found, notes = stocks(self.PRICES, [1, 2], ToldPackages([told("OCR 100", 7)]))
        assert [stock.estimated for stock in found] == [True, True]
        assert len(notes) == 2 and "'VIN 9'" in notes[0] and "'OCR 100'" in notes[1]

    def test_where_it_was_not_asked_nothing_is_remarked(self):
        assert stocks(self.PRICES, [1, 2], None)[1] == []


def sold(number: int, left: int, **more: Any) -> Package:
    """Return a package of VIN calls as the billing API tells it."""
    values = {"product": "VIN", "item": "Calls", "bought": Decimal(9), "state": "in-force", **more}
    return Package(id=f"{number}", left=Decimal(left), **values)


def starts(number: int) -> datetime:
    return datetime(2026, 11, number, 3, tzinfo=timezone.utc)


def found_of(packages: Sequence[BoughtPackage], *told_of: Package) -> tuple[list[tuple[int, bool]], list[str]]:
    found, notes = stocks(Prices(packages=tuple(packages)), [1] * len(packages), ToldPackages(told_of))
    return [(stock.left, stock.estimated) for stock in found], notes


class TestSeveralPackagesOfOneProduct:
    ONE = BoughtPackage(("vin",), 9, day(1), product="VIN")
    LATER = BoughtPackage(("vin",), 9, day(20), product="VIN")
    LARGE = BoughtPackage(("vin",), 90, day(20), product="VIN")

    @pytest.mark.parametrize("turned", [False, True])
    def test_each_has_its_own_rest(self, turned):
        for other, more in ((self.LATER, {"starts": starts(20)}), (self.LARGE, {"bought": Decimal(90)})):
            told_of = [sold(1, 7, starts=starts(1)), sold(2, 5, **more)]
            packages = [self.ONE, other][:: -1 if turned else 1]
            found, notes = found_of(packages, *told_of)
            assert (found, notes) == ([(7, False), (5, False)][:: -1 if turned else 1], [])

    def test_one_that_was_bought_once_more_is_named_and_not_added(self):
        found, notes = found_of([self.ONE], sold(1, 7, starts=starts(1)), sold(2, 5, starts=starts(20)))
        assert found == [(7, False)]
        assert "names one more package 'VIN'" in notes[0]
        assert "names 2 more packages" in found_of([self.ONE], *(sold(number, 7) for number in range(3)))[1][0]

    def test_one_that_billing_does_not_know_yet_is_an_estimate(self):
        found, notes = found_of([self.LATER, self.ONE], sold(1, 7, starts=starts(1)))
        assert found == [(1, True), (7, False)]
        assert len(notes) == 1

    def test_one_that_begins_later_is_told_apart_too(self):
        told_of = [sold(1, 7, starts=starts(1)), sold(2, 9, starts=starts(20), state="not-yet")]
        assert found_of([self.LATER, self.ONE], *told_of) == ([(9, False), (7, False)], [])

    def test_items_of_one_package_are_one_package(self):
        told_of = [sold(number, 2, bought=Decimal(3), instance="order-1") for number in range(3)]
        assert found_of([self.ONE], *told_of) == ([(6, False)], [])

    @given(some.lists(some.integers(0, 9), max_size=5), some.integers(0, 5))
    def test_none_is_counted_twice(self, lefts, named):
        found, notes = found_of([self.ONE] * named, *(sold(number, left) for number, left in enumerate(lefts)))
        known = sorted(left for left, estimated in found if not estimated)
        assert len(known) == min(named, len(lefts))
        assert Counter(known) <= Counter(lefts)
        assert bool(notes) == (named != len(lefts))


class TestTime:
    """Which package is which hangs on when it is good, before it hangs on its size."""

    TODAY = day(15)

    def found(self, packages: Sequence[BoughtPackage], *told_of: Package) -> tuple[list[tuple[int, bool]], list[str]]:
        found, notes = stocks(
            Prices(packages=tuple(packages)), [1] * len(packages), ToldPackages(told_of, today=self.TODAY)
        )
        return [(stock.left, stock.estimated) for stock in found], notes

    def test_one_that_is_over_today_takes_none_from_its_successor_and_is_not_remarked_on(self):
        """Given a package that expired yesterday; the billing API tells of the smaller one in its place."""
        old = BoughtPackage(("vin",), 9, day(1), day(14), product="VIN")
        new = BoughtPackage(("vin",), 5, day(15), product="VIN")
        known = sold(1, 4, bought=Decimal(9), starts=starts(15))
        assert self.found([old, new], known) == ([(1, True), (4, False)], [])
        assert self.found([old]) == ([(1, True)], [])

    def test_on_its_last_day_it_is_still_that(self):
        last = BoughtPackage(("vin",), 9, day(1), day(15), product="VIN")
        assert self.found([last], sold(1, 4, ends=starts(15))) == ([(4, False)], [])
        assert len(self.found([last])[1]) == 1

    def test_one_that_was_renewed_and_is_not_named_again_is_remarked_on(self):
        old = BoughtPackage(("vin",), 9, day(1), day(14), product="VIN")
        found, notes = self.found([old], sold(1, 4, starts=starts(15)))
        assert found == [(1, True)] and "one more package 'VIN'" in notes[0]

    @pytest.mark.parametrize("turned", [False, True])
    def test_time_comes_before_size(self, turned):
        """Given one package after the other, the sizes of which the settings have the wrong way round."""
        first = BoughtPackage(("vin",), 5, day(1), day(20), product="VIN")
        second = BoughtPackage(("vin",), 9, day(20), day(30), product="VIN")
        known = [
            sold(1, 7, bought=Decimal(9), starts=starts(1), ends=starts(20)),
            sold(2, 3, bought=Decimal(5), starts=starts(20), ends=starts(30)),
        ]
        assert self.found([first, second], *known[:: -1 if turned else 1])[0] == [(7, False), (3, False)]

    @pytest.mark.parametrize("turned", [False, True])
    def test_of_the_same_time_size_decides_though_a_day_is_mistaken(self, turned):
        small, large = (BoughtPackage(("vin",), size, day(1), product="VIN") for size in (5, 9))
        known = [
            sold(1, 3, bought=Decimal(5), starts=starts(4), ends=starts(30)),
            sold(2, 7, bought=Decimal(9), starts=starts(1), ends=starts(30)),
        ]
        assert self.found([small, large], *known[:: -1 if turned else 1])[0] == [(3, False), (7, False)]


class TestRefilledPackages:
    def package(self, bought: date = date(2026, 1, 31), **more: Any) -> BoughtPackage:
        return BoughtPackage(("passport",), 10, bought, refilled="month", **more)

    def test_each_month_has_its_own_calls(self):
        spending = Spending(Prices(packages=(self.package(NOV),), list=(PASSPORT,)))
        calls = {(date(2026, month, 5), "passport"): (12, 0) for month in (11, 12)}
        assert [cost.packaged for cost in spending.costs(calls, *YEAR)] == [10, 10]
        assert spending.left_on(date(2026, 12, 31)) == [0]
        assert spending.left_on(date(2027, 1, 1)) == [10]

    def test_it_is_refilled_on_the_day_it_was_bought_or_the_months_last(self):
        cycles = [
            cycle(self.package(), date(2026, *at)) for at in ((1, 31), (2, 27), (2, 28), (3, 30), (3, 31), (4, 30))
        ]
        assert cycles == [0, 0, 1, 1, 2, 3]
        assert cycle(self.package(), date(2025, 1, 1)) == cycle(BoughtPackage(("vin",), 1, NOV), date(2027, 1, 1)) == 0

    @given(some.dates(date(2026, 1, 31), date(2030, 1, 1)))
    def test_cycles_only_grow(self, at):
        assert 0 <= cycle(self.package(), at + timedelta(days=1)) - cycle(self.package(), at) <= 1

    @pytest.mark.parametrize(
        ("left", "a_day", "ends"),
        [(10, 1, date(2026, 12, 11)), (3, 1, date(2026, 12, 4)), (0, 1, date(2026, 12, 1)), (9, 0, None)],
    )
    def test_it_runs_out_before_it_is_refilled(self, left, a_day, ends):
        today = date(2026, 12, 1)
        used = {(today - timedelta(days=n + 1), "passport"): (a_day, 0) for n in range(30)}
        (state,) = states([Stock(self.package(NOV), left, estimated=True)], used, today)
        assert state.runs_out == ends

    def test_it_lasts_where_a_month_needs_less(self):
        today = date(2026, 12, 1)
        used = {(today - timedelta(days=n + 1), "passport"): (1, 0) for n in range(7)}
        large = BoughtPackage(("passport",), 100, NOV, refilled="month")
        (state,) = states([Stock(large, 100, estimated=True)], used, today)
        assert state.runs_out is None

    def test_what_is_not_refilled_is_used_when_the_rest_is(self):
        today = date(2026, 12, 1)
        used = {(today - timedelta(days=n + 1), "passport"): (1, 0) for n in range(30)}
        spare = Stock(BoughtPackage(("passport",), 30, NOV), 30, estimated=True)
        (state,) = states([spare, Stock(self.package(NOV), 10, estimated=True)], used, today)
        assert state.runs_out == date(2027, 1, 20)

    @pytest.mark.parametrize(
        ("settings", "said", "word"), [("", True, "is refilled"), ("month", False, "is not refilled")]
    )
    def test_the_billing_api_may_say_otherwise(self, settings, said, word):
        bought = BoughtPackage(("vin",), 9, day(1), product="VIN", refilled=settings)
        found, notes = stocks(Prices(packages=(bought,)), [1], ToldPackages([sold(1, 7, refilled=said)]))
        assert word in notes[0]
        assert found[0].package.refilled == "month"


class TestWhenItEnds:
    TODAY = date(2026, 12, 1)

    def stock(self, left: int, *slugs: str, until: date | None = None, bought: date = NOV) -> Stock:
        return Stock(BoughtPackage(slugs or ("passport",), 100, bought, until), left, estimated=True)

    def used(self, a_day: int, days: int) -> dict[tuple[date, str], tuple[int, int]]:
        return {(self.TODAY - timedelta(days=n + 1), "passport"): (a_day, 0) for n in range(days)}

    def test_the_greater_rate_of_a_week_and_a_month_counts(self):
        (state,) = states([self.stock(100)], self.used(10, 7), self.TODAY)
        assert (state.week, state.month) == (Decimal("10.0"), Decimal("2.3"))
        assert state.runs_out == self.TODAY + timedelta(days=10)

    def test_calls_of_today_are_no_whole_day(self):
        (state,) = states([self.stock(100)], {(self.TODAY, "passport"): (99, 0)}, self.TODAY)
        assert (state.week, state.runs_out) == (Decimal("0.0"), None)

    def test_packages_for_the_same_operation_are_one(self):
        stocked = [
            self.stock(10, "passport", until=day(30) + timedelta(days=9)), self.stock(10, "vin"),
            self.stock(10, "vin", "passport"), self.stock(10, "id-card"),
        ]  # fmt: skip
        found = states(stocked, {}, self.TODAY)
        assert sorted((state.left, state.ends) for state in found) == [(10, None), (30, None)]

    def test_those_not_in_force_do_not_count(self):
        stocked = [self.stock(9, until=day(20)), self.stock(9, bought=self.TODAY + timedelta(days=1))]
        assert states(stocked, {}, self.TODAY) == ()

    def test_an_end_that_is_out_of_the_calendar_is_none(self):
        (state,) = states([self.stock(10**12)], self.used(1, 1), self.TODAY)
        assert state.runs_out is None

    @pytest.mark.parametrize(
        ("left", "ends", "said"),
        [
            (100, None, ""),
            (14, None, "14 calls are left; at 1.0 calls a day pay-per-use begins on 2026-12-15"),
            (0, None, "is used up: calls are paid per use"),
            (100, date(2026, 12, 9), "expires on 2026-12-09: 100 calls are left"),
            (100, date(2027, 12, 9), ""),
        ],
    )
    def test_it_is_warned_in_time(self, left, ends, said):
        (state,) = states([self.stock(left, until=ends)], self.used(1, 30), self.TODAY)
        text = warning(state, self.TODAY, 14)
        assert said in text and bool(said) == bool(text)

    @pytest.mark.parametrize(
        ("left", "today", "said"),
        [
            (100, 99, ""),
            (99, 99, "99 calls are left, and there were 99 today so far: pay-per-use may begin today"),
            (40, 60, "40 calls are left, and there were 60 today so far: pay-per-use may begin today"),
            (10, 0, ""),
            (9, 0, "9 of 100 calls are left, less than a tenth"),
        ],
    )
    def test_it_is_warned_where_use_begins_or_jumps_today(self, left, today, said):
        """Given no call before today."""
        (state,) = states([self.stock(left)], {(self.TODAY, "passport"): (today, 0)}, self.TODAY)
        text = warning(state, self.TODAY, 14)
        assert (state.today, state.runs_out) == (today, None)
        assert said in text and bool(said) == bool(text)

    def test_a_state_is_named_by_its_product_or_operations(self):
        (state,) = states([Stock(BoughtPackage(("vin",), 9, NOV, product="VIN 9"), 4, estimated=False)], {}, self.TODAY)
        assert state == PackageState("VIN 9", ("vin",), 9, 4, False, Decimal("0.0"), Decimal("0.0"))
