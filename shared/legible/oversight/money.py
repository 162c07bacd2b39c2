"""What calls cost, and how long packages last: by the settings' prices, and by what was billed. Values only.

Days and months of money are those of UTC+8, as the vendor's are. Only what was answered with 2xx is billed (price page,
ocr_12_0007); it is first taken out of packages. Calls beyond them count for the tiers of their month.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal

from legible.model.ends import FurtherCost
from legible.model.prices import EVERY, BoughtPackage, Price, Prices
from legible.model.usage import MonthCost
from legible.oversight.calls import BILLED
from legible.oversight.rollup import DaySum

#: The zone of the vendor's days and months.
BILLING = timezone(timedelta(hours=8))
#: Billed, and perhaps billed, calls of each day (UTC+8) and operation.
Billed = Mapping[tuple[date, str], tuple[int, int]]


def billed(days: Iterable[DaySum]) -> dict[tuple[date, str], tuple[int, int]]:
    """Return how many calls of each day (UTC+8) and operation were billed, and how many perhaps."""
    counts: dict[tuple[date, str], list[int]] = defaultdict(lambda: [0, 0])
    for day in days:
        at = [billing_day(datetime.combine(day.day, time(hour), timezone.utc)) for hour in range(24)]
        for call in day.calls:
            if call.outcome in BILLED or call.outcome == "unknown":
                counts[at[call.hour], call.operation][call.outcome == "unknown"] += call.count
    return {key: (sure, perhaps) for key, (sure, perhaps) in sorted(counts.items())}


def billing_day(at: datetime) -> date:
    """Return the vendor's day of a time."""
    return at.astimezone(BILLING).date()


class Spending:
    """What was taken out of packages, and what the rest cost, in the order of days.

    Args:
        prices: Prices and packages.
    """

    def __init__(self, prices: Prices) -> None:
        """Take nothing yet."""
        self._prices = prices
        #: What is left of each package, by its place in the settings.
        self.left = [package.size for package in prices.packages]
        self._cycles = [0 for _ in prices.packages]
        self._beyond: dict[tuple[date, str], int] = defaultdict(int)

    def costs(self, calls: Billed, first: date, last: date) -> tuple[MonthCost, ...]:
        """Return what each operation cost in each month, from one day to another; others only use up packages."""
        found: dict[tuple[date, str], MonthCost] = {}
        for (day, slug), (sure, perhaps) in sorted(calls.items()):
            month = day.replace(day=1)
            packaged = self._packaged(slug, day, sure)
            amount = self._amount(slug, day, sure - packaged)
            if first <= day <= last:
                so_far = found.get((month, slug), MonthCost(month, slug, 0, 0, 0, Decimal(0)))
                found[month, slug] = MonthCost(
                    month, slug, so_far.billed + sure, so_far.packaged + packaged, so_far.perhaps + perhaps,
                    _sum(so_far.amount, amount),
                )  # fmt: skip
        return tuple(found[key] for key in sorted(found))

    def left_on(self, day: date) -> list[int]:
        """Return what is left of each package on a day that no call is later than: those due by then are refilled."""
        for number, package in enumerate(self._prices.packages):
            now = cycle(package, day)
            if now > self._cycles[number]:
                self._cycles[number], self.left[number] = now, package.size
        return self.left

    def further(self, calls: Mapping[str, int], day: date) -> FurtherCost:
        """Return what so many more calls of each operation would cost on a day (UTC+8); nothing is taken for them."""
        tried = Spending(self._prices)
        tried.left, tried._cycles = list(self.left), list(self._cycles)
        tried._beyond = defaultdict(int, self._beyond)
        packaged, amount, unpriced = 0, Decimal(0), list[str]()
        for slug, count in sorted(calls.items()):
            part = tried._packaged(slug, day, count)
            cost = tried._amount(slug, day, count - part)
            packaged += part
            amount += cost or 0
            unpriced += [slug] if cost is None else []
        return FurtherCost(
            sum(calls.values()), packaged, self._prices.currency, None if unpriced else amount, tuple(unpriced)
        )

    def _packaged(self, slug: str, day: date, count: int) -> int:
        """Take calls out of the packages that are good for them, first those that expire first; return how many."""
        taken = 0
        self.left_on(day)
        for number in sorted(range(len(self.left)), key=lambda one: _expires(self._prices.packages[one])):
            package = self._prices.packages[number]
            if slug in package.slugs and package.bought <= day <= _expires(package):
                part = min(self.left[number], count - taken)
                self.left[number] -= part
                taken += part
        return taken

    def _amount(self, slug: str, day: date, count: int) -> Decimal | None:
        """Return what calls beyond the packages cost; None where no price is named."""
        if not count:
            return Decimal(0)
        price = price_of(slug, day, self._prices.list)
        if price is None:
            return None
        month = day.replace(day=1)
        before = self._beyond[month, slug]
        self._beyond[month, slug] = before + count
        return _tiered(price, before + count) - _tiered(price, before)


def cycle(package: BoughtPackage, day: date) -> int:
    """Return how often a package was refilled until a day: each month on the day it was bought, or the month's last."""
    if not package.refilled or day < package.bought:
        return 0
    months = (day.year - package.bought.year) * 12 + day.month - package.bought.month
    last = (day + timedelta(days=1)).month != day.month
    return months - (day.day < package.bought.day and not last)


def price_of(slug: str, day: date, prices: Iterable[Price]) -> Price | None:
    """Return the price of an operation on a day (UTC+8): its own, else that of every operation; the latest of each."""
    in_force = [price for price in prices if price.since <= day]
    for name in (slug, EVERY):
        named = [price for price in in_force if name in price.slugs]
        if named:
            return max(named, key=lambda price: price.since)
    return None


def _tiered(price: Price, count: int) -> Decimal:
    """Return what so many calls of one month cost."""
    total = Decimal(0)
    tiers = sorted(price.tiers, key=lambda tier: tier.above)
    for tier, end in zip(tiers, [*(tier.above for tier in tiers[1:]), count], strict=True):
        total += Decimal(tier.each) * max(0, min(end, count) - tier.above)
    return total


def _sum(first: Decimal | None, second: Decimal | None) -> Decimal | None:
    return None if first is None or second is None else first + second


def _expires(package: BoughtPackage) -> date:
    return package.until or date.max
