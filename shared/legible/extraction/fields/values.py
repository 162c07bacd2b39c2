"""Recognized text read as a date, an amount, a number: exactly, or not at all.

A text is typed only where it can mean one thing. ``03/04/2020`` stays untyped (March or April?), ``13/04/2020`` does
not; ``1,234`` stays untyped (a thousand or one and a bit?), ``1,234.50`` and ``1 234,50`` do not. Years run from 1800
to 2199, so a year of another era is no date. Full-width digits and signs count as their plain ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from legible.operations.operation import Operation

_PLAIN = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {
    0x3000: 0x20,
    0xA0: 0x20,
    0x202F: 0x20,
    0x2212: 0x2D,
    0xFFE5: 0xA5,
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_MONTH_NUMBERS = {name: number for names in (_MONTHS, _FULL_MONTHS) for number, name in enumerate(names, 1)} | {
    "sept": 9
}

_DATES = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?P<y>[0-9]{4})(?P<s>[-./])(?P<m>[0-9]{1,2})(?P=s)(?P<d>[0-9]{1,2})",
        r"(?P<y>[0-9]{4})(?P<m>[0-9]{2})(?P<d>[0-9]{2})",
        r"(?P<y>[0-9]{4}) ?年 ?(?P<m>[0-9]{1,2}) ?月 ?(?P<d>[0-9]{1,2}) ?日",
        r"(?P<d>[0-9]{1,2})(?P<s>[ -./]?)(?P<name>[A-Za-z]{3,9})\.?(?P=s)(?P<y>[0-9]{4})",
        r"(?P<name>[A-Za-z]{3,9})\.? (?P<d>[0-9]{1,2}),? (?P<y>[0-9]{4})",
    )
)
_EITHER_ORDER = re.compile(r"([0-9]{1,2})([-./])([0-9]{1,2})\2([0-9]{4})")

_CURRENCY = r"(?:[¥$€£฿₫₱₩₹៛]|CN¥|HK\$|US\$|RMB|CNY|HKD|MOP|TWD|USD|EUR|GBP|THB|SGD|JPY)"
#: Signs and words that only one currency has, longer ones first.
_CURRENCIES = (
    *(("CN¥", "CNY"), ("HK$", "HKD"), ("US$", "USD"), ("RMB", "CNY"), ("元", "CNY"), ("圆", "CNY")),
    *((code, code) for code in ("CNY", "HKD", "MOP", "TWD", "USD", "EUR", "GBP", "THB", "SGD", "JPY")),
    *(("€", "EUR"), ("£", "GBP"), ("฿", "THB"), ("₫", "VND"), ("₱", "PHP"), ("₩", "KRW"), ("₹", "INR"), ("៛", "KHR")),
)
_AMOUNT = re.compile(
    rf"(?P<a>[+-]?) ?{_CURRENCY}? ?(?P<b>[+-]?)(?P<n>[0-9][0-9., ]*)(?: ?(?:{_CURRENCY}|元|圆))?", re.I
)
_NUMBER = re.compile(r"(?P<a>[+-]?)(?P<b>)(?P<n>[0-9][0-9., ]*)")
_DIGITS = tuple(
    (re.compile(pattern), thousands, point)
    for pattern, thousands, point in (
        (r"[0-9]+(?:\.[0-9]+)?", "", "."),
        (r"[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+|[0-9]{1,3}(?:,[0-9]{3}){2,}", ",", "."),
        (r"[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[0-9]{1,3}(?:\.[0-9]{3}){2,}", ".", ","),
        (r"[0-9]{1,3}(?: [0-9]{3})+,[0-9]+", " ", ","),
        (r"[0-9]{1,3}(?: [0-9]{3})+(?:\.[0-9]+)?", " ", "."),
        (r"[0-9]+,[0-9]{1,2}", "", ","),
    )
)
_INTEGER = re.compile(r"([+-]?)([0-9]+)(?:\.0+)?")


def typed(text: str, type_: str, words: tuple[tuple[str, str], ...] = (), *, day_first: bool = False) -> str | None:
    """Return the text as its type says, still exact text, or None where it does not read as that type.

    Args:
        text: As recognized.
        type_: A ``FieldType``.
        words: What an ``enum`` may read, in lower case, with the word it means.
        day_first: Whether a date of numbers only has its day first.
    """
    plain = " ".join(text.translate(_PLAIN).split())
    if type_ == "enum":
        return next((word for read, word in words if plain.lower() in (read, word)), None)
    if type_ == "date" and day_first and (match := _EITHER_ORDER.fullmatch(plain)) is not None:
        return _day(int(match[4]), int(match[3]), int(match[1]))
    reader = _READERS.get(type_)
    return reader(plain) if reader is not None and plain else None


def money(text: str, type_: str, currency: str = "") -> str:
    """Return the ISO 4217 code of an amount's currency: as the text says, else ``currency``; empty where unknown.

    A sign that several currencies share (``$``, ``¥``) says nothing.
    """
    if type_ != "amount" or typed(text, type_) is None:
        return ""
    plain = text.translate(_PLAIN).upper()
    return next((code for sign, code in _CURRENCIES if sign in plain), currency)


def _date(text: str) -> str | None:
    for pattern in _DATES:
        if (match := pattern.fullmatch(text)) is not None:
            parts = match.groupdict()
            month = parts.get("m") or _MONTH_NUMBERS.get(parts.get("name", "").lower(), 0)
            return _day(int(parts["y"]), int(month), int(parts["d"]))
    return _either_order(text)


def _either_order(text: str) -> str | None:
    match = _EITHER_ORDER.fullmatch(text)
    if match is None:
        return None
    first, second, year = int(match[1]), int(match[3]), int(match[4])
    readings = {_day(year, second, first), _day(year, first, second)} - {None}
    return readings.pop() if len(readings) == 1 else None


def _day(year: int, month: int, day: int) -> str | None:
    if not 1800 <= year <= 2199:
        return None
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def _number(text: str, pattern: re.Pattern[str] = _NUMBER) -> str | None:
    match = pattern.fullmatch(text)
    if match is None or (match["a"] and match["b"]):
        return None
    digits = _decimal(match["n"].rstrip(" "))
    return None if digits is None else _signed(match["a"] or match["b"], digits)


def _decimal(text: str) -> str | None:
    for pattern, thousands, point in _DIGITS:
        if pattern.fullmatch(text) is not None:
            whole, _, fraction = (text.replace(thousands, "") if thousands else text).partition(point)
            return f"{whole.lstrip('0') or '0'}.{fraction}" if fraction else whole.lstrip("0") or "0"
    return None


def _signed(sign: str, digits: str) -> str:
    return f"-{digits}" if sign == "-" and digits.strip("0.") else digits


def _amount(text: str) -> str | None:
    return _number(text, _AMOUNT)


def _integer(text: str) -> str | None:
    match = _INTEGER.fullmatch(text)
    return None if match is None else _signed(match[1], match[2].lstrip("0") or "0")


def _boolean(text: str) -> str | None:
    return text.lower() if text.lower() in ("true", "false") else None


_READERS: dict[str, Callable[[str], str | None]] = {
    "date": _date,
    "amount": _amount,
    "number": _number,
    "confidence": _number,
    "integer": _integer,
    "boolean": _boolean,
}


def retyped(operation: Operation, name: str, type_: str, text: str) -> str | None:
    """Return the text as its type says, or None where it does not read as that type.

    Args:
        operation: What was asked.
        name: The field's name; for a cell, its table's name with ``[]`` behind it.
        type_: The type of the field or cell.
        text: What the reviewer wrote.
    """
    path = re.sub(r"\[\d+\]", "[]", name)
    specs = [spec for spec in operation.fields if spec.path.startswith(path)]
    words = tuple(pair for spec in specs for pair in spec.values)
    return typed(text, type_, words, day_first=any(spec.day_first for spec in specs))
