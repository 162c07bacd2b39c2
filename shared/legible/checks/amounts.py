"""Amounts that must agree: in words and in figures, parts and their sum, quantity and price, rate and tax."""

from __future__ import annotations

import re
from decimal import Decimal

from legible.checks.seen import UnclearError, Values

_NUMERALS = ("零〇", "壹一壱", "贰二貳", "叁三參", "肆四", "伍五", "陆六陸", "柒七", "捌八", "玖九")
_DIGITS = {letter: rank for rank, letters in enumerate(_NUMERALS) for letter in letters}
_TENS = {"拾": 10, "十": 10, "佰": 100, "百": 100, "仟": 1000, "千": 1000}
_GROUPS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_PARTS = re.compile(r"(?:(?P<yuan>[^元圆圓角分整正]+)[元圆圓])?(?:(?P<jiao>[^角分])角)?(?:(?P<fen>[^分])分)?[整正]?")
#: What may stand before an amount in words and means nothing.
_BEFORE = re.compile(r"^(?:人民币|金额|大写|价税合计|[:：¥￥⊗ⓧ×xX\s()（）])+")
#: Printed amounts are rounded to the hundredth.
_CENT = Decimal("0.01")
#: How far the tax of one line may be from amount times rate: it is rounded for each of the things sold together.
_TAX_LEEWAY = Decimal("0.06")


def words(text: str) -> Decimal | None:
    """Read an amount in Chinese financial numerals; None where it is none.

    ``壹仟贰佰元零叁分``, ``负伍角``, ``叁万圆整``: large and small numerals, with what forms print around them.
    """
    plain = _BEFORE.sub("", "".join(text.split()))
    negative = plain.startswith(("负", "負"))
    match = _PARTS.fullmatch(plain.removeprefix("负").removeprefix("負").replace("元零", "元").replace("圆零", "圆"))
    if match is None or not any(match.groupdict().values()):
        return None
    yuan = _integer(match["yuan"]) if match["yuan"] else 0
    parts = [_DIGITS.get(match[name] or "零") for name in ("jiao", "fen")]
    if yuan is None or None in parts:
        return None
    jiao, fen = (part or 0 for part in parts)
    value = Decimal(yuan) + Decimal(jiao) / 10 + Decimal(fen) / 100
    return -value if negative else value


def _integer(text: str) -> int | None:
    total = group = 0
    digit: int | None = None
    for letter in text:
        if letter in _DIGITS:
            digit = _DIGITS[letter]
        elif letter in _TENS:
            group += (1 if digit is None or digit == 0 else digit) * _TENS[letter]
            digit = None
        elif letter in _GROUPS:
            group += digit or 0
            total = (total + group) * _GROUPS[letter] if _GROUPS[letter] > 10**4 else total + group * 10**4
            group, digit = 0, None
        else:
            return None
    return total + group + (digit or 0)


def in_words(values: Values) -> str | None:
    """An amount in Chinese words and the same in figures."""
    said, figures = words(values["words"].text), values["figures"].number()
    if said is None:
        raise UnclearError
    return None if said == figures else f"In words it is {said}, in figures {figures}."


def total(values: Values) -> str | None:
    """Parts and their sum; a part that is not there counts as nothing, one that reads as no amount stops the check."""
    whole = values["total"].number()
    parts = [values[role].number() for role in values if role != "total"]
    if len(values) < 3:
        raise UnclearError
    return None if sum(parts) == whole else f"The parts make {sum(parts)}, the total is {whole}."


def product(values: Values) -> str | None:
    """Quantity times unit price and the amount, as exactly as the printed price is rounded."""
    quantity, price, amount = (values[role].number() for role in ("quantity", "price", "amount"))
    exponent = price.as_tuple().exponent
    rounded = Decimal(1).scaleb(min(int(exponent), 0)) / 2
    leeway = _CENT + abs(quantity) * rounded
    made = quantity * price
    return (
        None if abs(made - amount) <= leeway else f"Quantity times price is {made.normalize():f}, the amount {amount}."
    )


def tax(values: Values) -> str | None:
    """Amount times tax rate and the tax, to six hundredths: tax is rounded piece by piece."""
    rate = re.fullmatch(r"([0-9]{1,2}(?:\.[0-9]+)?)%", values["rate"].plain)
    if rate is None:
        raise UnclearError
    amount, said = values["amount"].number(), values["tax"].number()
    made = (amount * Decimal(rate[1]) / 100).quantize(_CENT)
    return None if abs(made - said) <= _TAX_LEEWAY else f"{rate[1]} % of {amount} is {made}, the tax {said}."


def lines(values: Values) -> str | None:
    """The lines of a column and their sum; a line that reads as no amount stops the check."""
    whole = values["sum"].number()
    parts = [values[role].number() for role in values if role != "sum"]
    if not parts:
        raise UnclearError
    return None if sum(parts) == whole else f"The lines make {sum(parts)}, the sum is {whole}."
