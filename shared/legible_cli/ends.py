"""What commands about documents that are not done have in common: which of them, and how they are shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from typing import Any, cast

import click

from legible.errors import RejectedError
from legible.model import layout
from legible.model.documents import Status
from legible.model.ends import EndChoice, FurtherCost
from legible.operations import catalog
from legible.ports import Site

_AGO = re.compile(r"(\d{1,6})\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_STATUSES = ("dead", "rejected", "held", "partial")


class Moment(click.ParamType[datetime]):
    """A time: how long ago (``90m``, ``2h``, ``3d``), or a day or time in UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the time."""
        if isinstance(value, datetime):
            return value
        ago = _AGO.fullmatch(value.strip())
        if ago:
            return datetime.now(timezone.utc) - timedelta(seconds=int(ago[1]) * _SECONDS[ago[2]])
        try:
            at = datetime.fromisoformat(value.strip().replace("Z", "+00:00"))
        except ValueError:
            self.fail(f"{value!r} is no time. Write 90m, 2h or 3d for so long ago, or a day such as 2026-11-23.")
        return at if at.tzinfo else at.replace(tzinfo=timezone.utc)


class Money(click.ParamType[Decimal]):
    """An amount of money in the currency of the settings, as exact decimal text."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the amount."""
        try:
            amount = Decimal(value)
        except InvalidOperation:
            self.fail(f"{value!r} is no amount of money. Write it as 5 or 2.50.")
        if not amount.is_finite() or amount < 0:
            self.fail(f"{value!r} is no amount that may be spent.")
        return amount


_OPTIONS = (
    click.option(
        "--reason", "reasons", multiple=True, metavar="CODE", help="Only this cause, by our code or the service's."
    ),
    click.option("--status", "statuses", multiple=True, type=click.Choice(_STATUSES), help="Only this status."),
    click.option("--operation", default="", metavar="SLUG", help="Only documents of this operation."),
    click.option("--since", type=Moment(), help="Only what ended since: 90m, 2h, 3d, or a day (UTC)."),
)


def choosing(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that choose documents which are not done; ``choice_of`` takes them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def choice_of(
    prefix: str, reasons: tuple[str, ...], statuses: tuple[str, ...], operation: str, since: datetime | None
) -> EndChoice:
    """Return what the options choose.

    Raises:
        click.ClickException: There is no such operation.
    """
    if operation and operation not in catalog.slugs():
        raise click.BadParameter(f"There is no operation {operation!r}.", param_hint="--operation")
    return EndChoice(prefix, reasons, cast(tuple[Status, ...], statuses), operation, since)


def refuse_nothing(site: Site, prefix: str) -> None:
    """Refuse a prefix below which there neither is nor was a document: it may be misspelled.

    Raises:
        RejectedError: There is none.
        UnavailableError: The store has a passing fault.
    """
    lists = (site.store.list(site.input, prefix), site.store.list(site.output, layout.results_below(prefix)))
    if not any(True for one in lists for _ in one):
        raise RejectedError(f"There are no documents below {prefix!r} in the bucket {site.input}.")


def priced(cost: FurtherCost) -> str:
    """Return what calls cost, in words."""
    calls = f"{cost.calls:,} calls"
    if cost.amount is None:
        return f"{calls}, whose price no setting names ({', '.join(cost.unpriced)}; [[prices.list]])"
    packaged = f", {cost.packaged:,} of them out of packages" if cost.packaged else ""
    return f"{calls}{packaged}: {cost.currency} {cost.amount:f}"
