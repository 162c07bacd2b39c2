"""Amounts that must agree: in words and in figures, parts and their sum, quantity and price, rate and tax."""

from __future__ import annotations

import re
from decimal import Decimal

from legible.extraction.checks import numerals
from legible.extraction.checks.values import UnclearError, Values

#: Printed amounts are rounded to the hundredth.
_CENT = Decimal("0.01")
#: How far the tax of one line may be from amount times rate: it is rounded for each of the things sold together.
_TAX_LEEWAY = Decimal("0.06")


def in_words(values: Values) -> str | None:
    """An amount in Chinese words and the same in figures."""
    words, figures = numerals.amount(values["words"].text), values["figures"].number()
    if words is None:
        raise UnclearError
    return None if words == figures else f"In words it is {words}, in figures {figures}."


def total(values: Values) -> str | None:
    """Parts and their sum; a part that is not there counts as nothing, one that reads as no amount stops the check."""
    whole = values["total"].number()
    parts = [values[role].number() for role in values if role != "total"]
    if len(values) < 3:
        raise UnclearError
    return None if sum(parts) == whole else f"The parts make {sum(parts)}, the total is {whole}."


def product(values: Values) -> str | None:
    """Quantity times unit price and the amount, as exactly as printed decimals are rounded; whole numbers are exact."""
    quantity, price, amount = (values[role].number() for role in ("quantity", "price", "amount"))
    leeway = _CENT + abs(quantity) * _rounding(price) + abs(price) * _rounding(quantity)
    expected = quantity * price
    if abs(expected - amount) <= leeway:
        return None
    return f"Quantity times price is {expected.normalize():f}, the amount {amount}."


def tax(values: Values) -> str | None:
    """Amount times tax rate and the tax, to six hundredths: tax is rounded piece by piece."""
    rate = re.fullmatch(r"([0-9]{1,2}(?:\.[0-9]{1,4})?)%", values["rate"].plain)
    if rate is None:
        raise UnclearError
    amount, printed = values["amount"].number(), values["tax"].number()
    expected = (amount * Decimal(rate[1]) / 100).quantize(_CENT)
    return (
        None if abs(expected - printed) <= _TAX_LEEWAY else f"{rate[1]} % of {amount} is {expected}, the tax {printed}."
    )


def lines(values: Values) -> str | None:
    """The lines of a column and their sum; a line that reads as no amount stops the check."""
    whole = values["sum"].number()
    parts = [values[role].number() for role in values if role != "sum"]
    if not parts:
        raise UnclearError
    return None if sum(parts) == whole else f"The lines make {sum(parts)}, the sum is {whole}."


def _rounding(value: Decimal) -> Decimal:
    """Return how far the value that was printed may be from the true one: half of its last decimal place."""
    exponent = int(value.as_tuple().exponent)
    return Decimal(1).scaleb(exponent) / 2 if exponent < 0 else Decimal(0)
