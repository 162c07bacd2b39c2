"""What is left of packages, and when pay-per-use begins at today's rate. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from legible.model.account import Package
from legible.model.prices import BoughtPackage, Prices
from legible.model.usage import PackageState
from legible.oversight.money import Billed

#: Over how many whole days the rate of calls is taken.
WEEK, MONTH = 7, 30
_SHOWN = Decimal("0.1")


class Stock(NamedTuple):
    """One package: what was bought, what is left of it, and whether only the ledger says so."""

    package: BoughtPackage
    left: int
    estimated: bool


def stocks(prices: Prices, left: Sequence[int], told: Iterable[Package] | None) -> tuple[list[Stock], list[str]]:
    """Return what is left of each package, and remarks on what could not be told apart.

    Args:
        prices: The packages that the settings name.
        left: What is left of each by the ledger.
        told: The packages that the billing API names; None where it could not be asked.
    """
    by_product: dict[str, list[Package]] = {}
    for package in told or ():
        if package.state in ("in-force", "used-up", "unknown"):
            by_product.setdefault(package.product, []).append(package)
    found, notes = [], []
    for bought, estimate in zip(prices.packages, left, strict=True):
        known = by_product.pop(bought.product, []) if bought.product else []
        if known:
            found.append(Stock(bought, int(sum(one.left for one in known)), estimated=False))
            continue
        found.append(Stock(bought, estimate, estimated=True))
        if bought.product and told is not None:
            notes.append(f"The billing API names no package {bought.product!r}: what is left of it is an estimate.")
    for product in sorted(by_product):
        notes.append(
            f"The billing API names a package {product!r} that no [[prices.packages]] names as its product: it is not "
            "counted here."
        )
    return found, notes


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
        _in_days(today, left, rate),
        max(ends) if len(ends) == len(group) else None,
    )


def _rate(slugs: Sequence[str], calls: Billed, today: date, days: int) -> Decimal:
    """Return calls a day over the last whole days."""
    counted = sum(sure for (day, slug), (sure, _) in calls.items() if slug in slugs and 0 < (today - day).days <= days)
    return Decimal(counted) / days


def _in_days(today: date, left: int, rate: Decimal) -> date | None:
    """Return the day on which nothing is left; None if that never is, or is beyond the calendar."""
    if left <= 0:
        return today
    if not rate:
        return None
    days = int(Decimal(left) / rate)
    return today + timedelta(days=days) if days < (date.max - today).days else None


def warning(state: PackageState, today: date, days: int) -> str:
    """Return the warning that pay-per-use is near; empty if it is not.

    Args:
        state: What is left.
        today: The day (UTC+8).
        days: How long before it is warned.
    """
    if state.left <= 0:
        return f"Package {state.name} is used up: calls are paid per use."
    if state.runs_out is not None and (state.runs_out - today).days <= days:
        rate = f"at {max(state.week, state.month)} calls a day"
        return f"Package {state.name}: {state.left} calls are left; {rate} pay-per-use begins on {state.runs_out}."
    if state.ends is not None and (state.ends - today).days <= days:
        return f"Package {state.name} expires on {state.ends}: {state.left} calls are left, and then paid per use."
    return ""
