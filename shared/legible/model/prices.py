"""What calls cost, as the settings say: prices by tier and date, packages that were bought. Money is decimal text."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

#: An amount of money: a text, because a number of TOML is a float.
Amount = Annotated[str, Meta(pattern=r"^[0-9]{1,9}(\.[0-9]{1,10})?$")]

Slugs = Annotated[tuple[str, ...], Meta(min_length=1)]

#: In a price: every operation that no other price names.
EVERY = "*"


class Tier(Struct, frozen=True, forbid_unknown_fields=True):
    """What each call costs beyond so many calls of its operation in one month."""

    each: Amount
    above: Annotated[int, Meta(ge=0)] = 0


class Price(Struct, frozen=True, forbid_unknown_fields=True):
    """The price of each of these operations from a day on (UTC+8), until a later price of the same operation."""

    slugs: Slugs
    since: date
    tiers: Annotated[tuple[Tier, ...], Meta(min_length=1)]


class BoughtPackage(Struct, frozen=True, forbid_unknown_fields=True):
    """A package: ``size`` calls of these operations together, from the day ``bought`` to ``until``, both included.

    ``product`` is its name in the billing API, which then says what is left of it. With ``refilled`` it has ``size``
    calls anew each month, from the day ``bought`` on: name the first of a month where calendar months count.
    """

    slugs: Slugs
    size: Annotated[int, Meta(ge=1)]
    bought: date
    until: date | None = None
    product: str = ""
    refilled: Literal["", "month"] = ""


class Prices(Struct, frozen=True, forbid_unknown_fields=True):
    """Prices and packages. It is warned of pay-per-use ``warn_days`` before a package is used up at its rate."""

    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")] = "USD"
    list: tuple[Price, ...] = ()
    packages: tuple[BoughtPackage, ...] = ()
    warn_days: Annotated[int, Meta(ge=1, le=365)] = 14


class Reconcile(Struct, frozen=True, forbid_unknown_fields=True):
    """How the ledger is held against Cloud Eye.

    The last ``late_hours`` are not judged. ``shared`` operations are called by other programs of the account, too.
    ``interfaces`` names the operation of a value of Cloud Eye's ``call_of_interface`` that the catalog does not know.
    """

    late_hours: Annotated[int, Meta(ge=1, le=48)] = 3
    shared: tuple[str, ...] = ()
    interfaces: dict[str, str] = {}
