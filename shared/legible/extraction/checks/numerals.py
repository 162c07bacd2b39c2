"""Amounts in Chinese financial numerals, as invoices and bills print them."""

from __future__ import annotations

import re
from decimal import Decimal

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_SIZES = (1000, 100, 10, 1)
#: Small, older and traditional forms, by the one that is read.
_FORMS = {
    **{"零": "〇○", "壹": "一壱弌", "贰": "二貳弐两兩", "叁": "三參参叄弎", "肆": "四", "伍": "五", "陆": "六陸"},
    **{"柒": "七漆", "捌": "八", "玖": "九", "拾": "十", "佰": "百", "仟": "千", "万": "萬", "亿": "億"},
    **{"元": "圆圓", "整": "正", "负": "負"},
}
_READ_AS = {ord(letter): form for form, letters in _FORMS.items() for letter in letters}
#: What may stand before an amount in words and means nothing.
_BEFORE = re.compile(r"^(?:人民币|金额|大写|价税合计|[:：¥￥⊗Ⓧⓧ×xX()（）])+")
#: A red invoice takes an amount back, and says so before it: ``（负数）``.
_NEGATIVE = re.compile(r"^负数?[)）]?")
_AMOUNT = re.compile(
    rf"(?:(?P<whole>[{_DIGITS}拾佰仟万亿]+)元零?)?(?:(?P<jiao>[{_DIGITS}])角零?)?(?:(?P<fen>[{_DIGITS}])分)?整?"
)
_GROUP = re.compile("零?" + "".join(rf"(?:([{_DIGITS}]){unit})?零?" for unit in "仟佰拾") + rf"([{_DIGITS}])?")
#: Longer than the longest amount; also bounds the work on a hostile text.
_LONGEST = 80


def amount(text: str) -> Decimal | None:
    """Read an amount in Chinese financial numerals; None where it is none.

    ``壹仟贰佰元零叁分``, ``负伍角``, ``叁万圆整``: large, small and older numerals, with what forms print around them.
    They are read as the rules for filling in bills write them (annex to the Payment and Settlement Measures, PBC 1997);
    a numeral that nobody would write (``壹贰元``, ``壹拾贰佰元``) is none.
    """
    if len(text) > _LONGEST:
        return None
    plain = _BEFORE.sub("", "".join(text.split()).translate(_READ_AS))
    match = _AMOUNT.fullmatch(_NEGATIVE.sub("", plain))
    if match is None or not any(match.groupdict().values()):
        return None
    whole = _whole(match["whole"] or "零")
    if whole is None:
        return None
    cents = 10 * _DIGITS.index(match["jiao"] or "零") + _DIGITS.index(match["fen"] or "零")
    value = whole + Decimal(cents) / 100
    return -value if plain.startswith("负") else value


def _whole(text: str) -> int | None:
    """Read a whole number: so many hundred millions, then so many ten thousands, then the rest."""
    total, rest = 0, text
    for unit, size in (("亿", 10**8), ("万", 10**4)):
        count, sign, rest = rest.rpartition(unit)
        if sign:
            read = _whole(count) if unit == "亿" else _group(count)
            if read is None or not count:
                return None
            total += read * size
    last = _group(rest)
    return None if last is None else total + last


def _group(text: str) -> int | None:
    """Read up to four digits with their units, nothing as 0; ``拾`` at the beginning is ten."""
    match = _GROUP.fullmatch(f"壹{text}" if text.startswith("拾") else text)
    if match is None:
        return None
    return sum(_DIGITS.index(digit or "零") * size for digit, size in zip(match.groups(), _SIZES, strict=True))
