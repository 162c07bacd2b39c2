"""Recognized text read as a date, an amount, a number: exactly, or not at all.

A text is typed only where it can mean one thing. ``03/04/2020`` stays untyped (March or April?), ``13/04/2020`` does
not; amounts are in ``amounts``. Years run from 1800 to 2199, so a year of another era is no date. Full-width digits and
signs count as their plain ones; digits of other scripts are left as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date

from legible.extraction.fields import amounts
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

#: Signs and words that only one currency has, longer ones first.
_CURRENCIES = (
    *(("CN¥", "CNY"), ("HK$", "HKD"), ("US$", "USD"), ("RMB", "CNY"), ("元", "CNY"), ("圆", "CNY")),
    *((code, code) for code in ("CNY", "HKD", "MOP", "TWD", "USD", "EUR", "GBP", "THB", "SGD", "JPY")),
    *((code, code) for code in ("INR", "IDR", "PHP", "VND", "KRW", "CLP", "PYG")),
    *(("VNĐ", "VND"), ("Đ", "VND")),
    *(("€", "EUR"), ("£", "GBP"), ("฿", "THB"), ("₫", "VND"), ("₱", "PHP"), ("₩", "KRW"), ("₹", "INR"), ("៛", "KHR")),
)
#: A date and the time behind it; only 日 may stand right before an hour. Train tickets write 开 (departs) behind it.
_MOMENT = re.compile(
    r"(?P<day>.+?(?:日 ?|T| ))(?P<h>[01]?[0-9]|2[0-3]) ?[:时時点] ?(?P<m>[0-5][0-9])"
    r"(?: ?[:分] ?(?P<s>[0-5][0-9])秒?|分)?(?: ?开)?"
)


def typed(
    text: str,
    type_: str,
    words: tuple[tuple[str, str], ...] = (),
    *,
    day_first: bool = False,
    point: str = "",
    taxed: bool = False,
) -> str | None:
    """Return the text as its type says, still exact text, or None where it does not read as that type.

    Args:
        text: As recognized.
        type_: A ``FieldType``.
        words: What an ``enum`` may read, in lower case, with the word it means.
        day_first: Whether a date of numbers only has its day first.
        point: What the document writes before decimals, ``.`` or ``,``; empty where that is not known.
        taxed: Whether an amount may have the code of its tax beside it, see ``amounts.amount``.
    """
    plain = plainly(text)
    if type_ == "enum":
        return next((word for read, word in words if plain.lower() in (read, word)), None)
    if type_ == "date" and day_first and (match := _EITHER_ORDER.fullmatch(plain)) is not None:
        return _day(int(match[4]), int(match[3]), int(match[1]))
    if type_ == "amount":
        return amounts.amount(plain, point, taxed=taxed)
    if type_ in ("number", "integer"):
        return (amounts.number if type_ == "number" else amounts.integer)(plain, point)
    reader = _READERS.get(type_)
    return reader(plain) if reader is not None and plain else None


def plainly(text: str) -> str:
    """Return a text with plain digits and signs for full-width ones, and single blanks."""
    return " ".join(text.translate(_PLAIN).split())


def money(text: str, currency: str = "") -> str:
    """Return the ISO 4217 code of an amount's currency: as the text says, else ``currency``; empty where unknown.

    A sign that several currencies share (``$``, ``¥``) says nothing.
    """
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


def _moment(text: str) -> str | None:
    match = _MOMENT.fullmatch(text)
    day = _date(match["day"].removesuffix("T").strip()) if match is not None else None
    if match is None or day is None:
        return None
    seconds = f":{match['s']}" if match["s"] else ""
    return f"{day}T{int(match['h']):02}:{match['m']}{seconds}"


def _confidence(text: str) -> str | None:
    return amounts.number(text, ".")


def _boolean(text: str) -> str | None:
    return text.lower() if text.lower() in ("true", "false") else None


_READERS: dict[str, Callable[[str], str | None]] = {
    "date": _date,
    "datetime": _moment,
    "confidence": _confidence,
    "boolean": _boolean,
}


def retyped(operation: Operation, name: str, type_: str, text: str, point: str = "") -> str | None:
    """Return the text as its type says, or None where it does not read as that type.

    Args:
        operation: What was asked.
        name: The field's name; for a cell, its table's name with ``[]`` behind it.
        type_: The type of the field or cell.
        text: What the reviewer wrote.
        point: What stands before decimals, where the operation does not say.
    """
    path = re.sub(r"\[\d+\]", "[]", name)
    specs = [spec for spec in operation.fields if spec.path.startswith(path)]
    words = tuple(pair for spec in specs for pair in spec.values)
    return typed(
        text,
        type_,
        words,
        day_first=any(spec.day_first for spec in specs),
        point=operation.decimal_point or point,
        taxed=any(spec.taxed for spec in specs if spec.path == path),
    )
