"""What is left of packages, and when pay-per-use begins at today's rate. Values only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from msgspec import structs

from legible.model.account import Package
from legible.model.prices import BoughtPackage, Prices
from legible.model.usage import PackageState
from legible.oversight.money import Billed, billing_day, cycle

#: Over how many whole days the rate of calls is taken.
WEEK, MONTH = 7, 30
#: For so many days it is looked at when packages that are refilled run out.
_LOOKED_AT = 366
_SHOWN = Decimal("0.1")
#: It is warned where less than such a part of a package is left, whatever the rate.
_SCARCE = 10


class Stock(NamedTuple):
    """One package: what was bought, what is left of it, and whether only the ledger says so."""

    package: BoughtPackage
    left: int
    estimated: bool


class ToldPackages(NamedTuple):
    """What the billing API says: items of packages, and whether they are OCR's alone: then unnamed ones are told of.

    ``region_of`` returns where an operation is called, empty where that is not known: a package is good for one region.
    ``today`` is the day (UTC+8) on which it says so.
    """

    packages: Sequence[Package]
    ours: bool = True
    region_of: Callable[[str], str] = lambda slug: ""
    today: date = date.min

    def places(self, slugs: Iterable[str]) -> set[str]:
        """Return the regions in which any of some operations is called; none where that is not known of each."""
        found = {self.region_of(slug) for slug in slugs}
        return set() if "" in found else found

    def over(self, bought: BoughtPackage) -> bool:
        """Tell whether a package has expired: the billing API tells nothing more of it."""
        return bought.until is not None and bought.until < self.today


class _Sold(NamedTuple):
    """One package of the billing API, all its items together."""

    product: str
    left: int
    size: int
    region: str
    starts: date | None
    ends: date | None
    refilled: bool


def stocks(prices: Prices, left: Sequence[int], told: ToldPackages | None) -> tuple[list[Stock], list[str]]:
    """Return what is left of each package, and remarks on what could not be told apart.

    Of several packages of one product each is told apart by region, time, size and days. One that the settings name no
    second time is not counted with the first; one that has expired is none of them.

    Args:
        prices: The packages that the settings name.
        left: What is left of each by the ledger.
        told: What the billing API says; None where it could not be asked.
    """
    if told is None:
        return [Stock(one, rest, estimated=True) for one, rest in zip(prices.packages, left, strict=True)], []
    sold = _sold(told.packages)
    matched = _matched(prices.packages, sold, told)
    found, notes = [], list[str]()
    for number, (bought, estimate) in enumerate(zip(prices.packages, left, strict=True)):
        known = sold[matched[number]] if number in matched else None
        if known is not None:
            found.append(Stock(_as_sold(bought, known), known.left, estimated=False))
            notes += _refills(bought, known)
        else:
            found.append(Stock(bought, estimate, estimated=True))
            notes += [] if told.over(bought) else _missing(bought, told)
    taken = set(matched.values())
    everywhere = told.places(slug for one in prices.packages for slug in one.slugs)
    over = [one for place, one in enumerate(sold) if place not in taken and _here(one, everywhere)]
    return found, [*notes, *_unnamed(over, prices, ours=told.ours)]


def _matched(named: Sequence[BoughtPackage], sold: Sequence[_Sold], told: ToldPackages) -> dict[int, int]:
    """Return which package of the billing API each of the settings is, by their places: first those most alike."""
    pairs = []
    for number, bought in enumerate(named):
        if told.over(bought):
            continue
        places = told.places(bought.slugs)
        for place, other in enumerate(sold):
            if bought.product and bought.product == other.product and _here(other, places):
                pairs.append((_unlike(bought, other), number, place))
    matched: dict[int, int] = {}
    for _, number, place in sorted(pairs):
        if number not in matched and place not in matched.values():
            matched[number] = place
    return matched


def _sold(told: Iterable[Package]) -> list[_Sold]:
    """Return the packages that are of use, or will be, each with its items together."""
    items: dict[tuple[str, str, str], list[Package]] = {}
    for one in told:
        if one.state not in ("expired", "unsubscribed"):
            items.setdefault((one.product, one.region, one.instance or one.id), []).append(one)
    return [
        _Sold(
            product, int(sum(one.left for one in some)), int(sum(one.bought for one in some)), region,
            _day(some[0].starts), _day(some[0].ends), any(one.refilled for one in some),
        )
        for (product, region, _), some in items.items()
    ]  # fmt: skip


def _day(at: datetime | None) -> date | None:
    return None if at is None else billing_day(at)


def _here(sold: _Sold, places: set[str]) -> bool:
    """Tell whether a package may be good for calls in some regions; where one of both is not known it may."""
    return not sold.region or not places or sold.region in places


def _unlike(bought: BoughtPackage, sold: _Sold) -> tuple[bool, bool, int]:
    """Return how much a package of the settings differs from one of the billing API: in time, in size, then in days."""
    days = [
        (one - other).days for one, other in ((bought.bought, sold.starts), (bought.until, sold.ends)) if one and other
    ]
    return _apart(bought, sold), bought.size != sold.size, sum(map(abs, days))


def _apart(bought: BoughtPackage, sold: _Sold) -> bool:
    """Tell whether two packages are good at different times: not even half of the shorter one is in both.

    Settings may be some days beside what was bought, and a package may begin on the day on which another one expires.
    """
    starts = (bought.bought, sold.starts or bought.bought)
    ends = tuple(end or date.max for end in (bought.until, sold.ends or bought.until))
    shorter = min((end - start).days for start, end in zip(starts, ends, strict=True)) + 1
    return 2 * ((min(ends) - max(starts)).days + 1) < shorter


def _as_sold(bought: BoughtPackage, sold: _Sold) -> BoughtPackage:
    """Return a package of the settings, refilled if the billing API says so."""
    return structs.replace(bought, refilled="month") if sold.refilled and not bought.refilled else bought


def _refills(bought: BoughtPackage, sold: _Sold) -> list[str]:
    if sold.refilled == bool(bought.refilled):
        return []
    says, remedy = (
        ("is refilled", 'set refilled = "month"') if sold.refilled else ("is not refilled", "remove refilled")
    )
    return [
        f"The billing API says that package {bought.product!r} {says}: {remedy} in [[prices.packages]], else its costs "
        "are wrong."
    ]


def _missing(bought: BoughtPackage, told: ToldPackages) -> list[str]:
    if not bought.product:
        return []
    places = sorted(told.places(bought.slugs))
    where = f" for {', '.join(places)}" if places else ""
    return [f"The billing API names no package {bought.product!r}{where}: what is left of it is an estimate."]


def _unnamed(over: Iterable[_Sold], prices: Prices, *, ours: bool) -> Iterator[str]:
    """Yield remarks on packages that the settings do not name, or name less often than they were bought."""
    named = {package.product for package in prices.packages}
    for product, count in sorted(Counter(one.product for one in over).items()):
        if product in named:
            more = "one more package" if count == 1 else f"{count} more packages"
            yield (
                f"The billing API names {more} {product!r} than [[prices.packages]] does: name each by itself, with "
                "its size and days; it is not counted here."
            )
        elif ours:
            yield (
                f"The billing API names a package {product!r} that no [[prices.packages]] names as its product: it is "
                "not counted here."
            )


def states(stocked: Iterable[Stock], calls: Billed, today: date) -> tuple[PackageState, ...]:
    """Return what is left of the packages in force, those together that are good for the same operations.

    Args:
        stocked: What is left of each.
        calls: What was billed.
        today: The day (UTC+8); rates are of the days before it.
    """
    groups: list[list[Stock]] = []
    for stock in stocked:
        if stock.package.bought <= today <= (stock.package.until or today):
            own = set(stock.package.slugs)
            joined = [group for group in groups if any(own & set(other.package.slugs) for other in group)]
            groups = [group for group in groups if group not in joined]
            groups.append([*(other for group in joined for other in group), stock])
    return tuple(_state(group, calls, today) for group in groups)


def _state(group: Sequence[Stock], calls: Billed, today: date) -> PackageState:
    slugs = tuple(dict.fromkeys(slug for stock in group for slug in stock.package.slugs))
    left = sum(stock.left for stock in group)
    week, month = (_rate(slugs, calls, today, days) for days in (WEEK, MONTH))
    rate = max(week, month)
    ends = [stock.package.until for stock in group if stock.package.until is not None]
    return PackageState(
        ", ".join(dict.fromkeys(stock.package.product or ", ".join(stock.package.slugs) for stock in group)),
        slugs,
        sum(stock.package.size for stock in group),
        left,
        any(stock.estimated for stock in group),
        week.quantize(_SHOWN, ROUND_HALF_UP),
        month.quantize(_SHOWN, ROUND_HALF_UP),
        _runs_out(group, today, rate),
        max(ends) if len(ends) == len(group) else None,
        _counted(slugs, calls, today, range(1)),
    )


def _rate(slugs: Sequence[str], calls: Billed, today: date, days: int) -> Decimal:
    """Return calls a day over the last whole days."""
    return Decimal(_counted(slugs, calls, today, range(1, days + 1))) / days


def _counted(slugs: Sequence[str], calls: Billed, today: date, ago: range) -> int:
    """Return how many calls were billed on the days that lie so many days before today."""
    return sum(sure for (day, slug), (sure, _) in calls.items() if slug in slugs and (today - day).days in ago)


def _runs_out(group: Sequence[Stock], today: date, rate: Decimal) -> date | None:
    """Return the day on which nothing is left; None if that never is, is beyond the calendar, or a refill comes before.

    With a package that is refilled a year is looked at, day by day: what is left then lasts.
    """
    left = sum(stock.left for stock in group)
    if left <= 0:
        return today
    if not rate:
        return None
    if not any(stock.package.refilled for stock in group):
        days = int(Decimal(left) / rate)
        return today + timedelta(days=days) if days < (date.max - today).days else None
    return _refilled_until(group, today, rate)


def _refilled_until(group: Sequence[Stock], today: date, rate: Decimal) -> date | None:
    """Return the day on which packages, some of them refilled, do not have what a day needs; None if none is near."""
    left = [Decimal(one.left) for one in group]
    refilled_first = sorted(range(len(group)), key=lambda place: not group[place].package.refilled)
    for day in (today + timedelta(days=number) for number in range(_LOOKED_AT)):
        wanted = rate
        for place in refilled_first:
            package = group[place].package
            if day > today and cycle(package, day) != cycle(package, day - timedelta(days=1)):
                left[place] = Decimal(package.size)
            taken = min(wanted, left[place])
            left[place], wanted = left[place] - taken, wanted - taken
        if wanted > 0:
            return day
    return None


def warning(state: PackageState, today: date, days: int) -> str:
    """Return the warning that pay-per-use is near; empty if it is not.

    Rates are of whole days: where use begins or jumps today, what is left is held against today's calls, and its size.

    Args:
        state: What is left.
        today: The day (UTC+8).
        days: How long before it is warned.
    """
    if state.left <= 0:
        return f"Package {state.name} is used up: calls are paid per use."
    if state.left <= state.today:
        return (
            f"Package {state.name}: {state.left} calls are left, and there were {state.today} today so far: "
            "pay-per-use may begin today."
        )
    if state.runs_out is not None and (state.runs_out - today).days <= days:
        rate = f"at {max(state.week, state.month)} calls a day"
        return f"Package {state.name}: {state.left} calls are left; {rate} pay-per-use begins on {state.runs_out}."
    if state.ends is not None and (state.ends - today).days <= days:
        return f"Package {state.name} expires on {state.ends}: {state.left} calls are left, and then paid per use."
    if state.left * _SCARCE < state.size:
        return f"Package {state.name}: {state.left} of {state.size} calls are left, less than a tenth."
    return ""
