"""Amounts and numbers: what stands for thousands, and what for decimals.

``1.234`` is a thousand and more in Berlin, one and a bit in Beijing: it is read only where its document's habit, the
``point``, is known. ``1.234,50``, ``1,234,567`` and ``0.123`` mean one thing wherever they are printed, and so does
``150.000 ₫``: a currency without a smaller unit (ISO 4217) has no decimals, so a group of three is one of thousands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: Currencies of which ISO 4217 says that they have no smaller unit; ``¥`` alone may be the yuan, which has one.
_WHOLE = ("₫", "Đ", "VND", "VNĐ", "₩", "KRW", "JPY", "CLP", "PYG")
_CODES = "RMB|CNY|HKD|MOP|TWD|USD|EUR|GBP|THB|SGD|INR|IDR|PHP"
_CURRENCY = rf"(?:[¥$€£฿₫₱₩₹៛Đ]|CN¥|HK\$|US\$|{_CODES}|VND|VNĐ|KRW|JPY|CLP|PYG)"
_DIGITS_ONLY = r"(?P<n>[0-9][0-9., '’]*)"
_AMOUNT = re.compile(rf"(?P<a>[+-]?) ?{_CURRENCY}? ?(?P<b>[+-]?){_DIGITS_ONLY}(?: ?(?:{_CURRENCY}|元|圆))?", re.I)
_NUMBER = re.compile(rf"(?P<a>[+-]?)(?P<b>){_DIGITS_ONLY}")
#: One separator before a last group of three: thousands, or decimals?
_EITHER = re.compile(r"([1-9][0-9]{0,2})([.,])([0-9]{3})")
#: Forms that mean one thing: what stands for thousands, and for decimals where the form shows it.
_FORMS = tuple(
    (re.compile(pattern), thousands, point)
    for pattern, thousands, point in (
        (r"[0-9]+", "", ""),
        (r"[0-9]+\.[0-9]+", "", "."),
        (r"[0-9]+,[0-9]{1,2}|0,[0-9]+", "", ","),
        (r"[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]+|[0-9]{1,3}(?:,[0-9]{3}){2,}", ",", "."),
        (r"[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?:\.[0-9]+)?", ",", "."),  # India: lakh and crore
        (r"[0-9]{1,3}(?:\.[0-9]{3})+,[0-9]+|[0-9]{1,3}(?:\.[0-9]{3}){2,}", ".", ","),
        (r"[0-9]{1,3}(?: [0-9]{3})+,[0-9]+", " ", ","),
        (r"[0-9]{1,3}(?: [0-9]{3})+\.[0-9]+", " ", "."),
        (r"[0-9]{1,3}(?: [0-9]{3})+", " ", ""),
        (r"[0-9]{1,3}(?:['’][0-9]{3})+,[0-9]+", "'’", ","),  # Switzerland
        (r"[0-9]{1,3}(?:['’][0-9]{3})+\.[0-9]+", "'’", "."),
        (r"[0-9]{1,3}(?:['’][0-9]{3})+", "'’", ""),
    )
)
#: The code of a tax beside its amount, as air tickets print it (IATA: CN, YQ, XT), and what says that none is due.
_TAX = re.compile(
    rf"(?:[A-Z]{{2}} ?|[A-Z][A-Z0-9] )?(?P<amount>EXEMPT|免[收征税]?|(?:{_CURRENCY} ?)?[0-9][0-9.,]*)"
    r"(?: ?[A-Z]{2}| [A-Z][A-Z0-9])?",
    re.I,
)
_EXEMPT = re.compile(r"EXEMPT|免[收征税]?", re.I)


def amount(text: str, point: str = "", *, taxed: bool = False) -> str | None:
    """Return an amount as plain decimal digits, or None where it reads as none, or as two.

    Args:
        text: With plain digits and signs, blanks single; a currency may stand before or behind it.
        point: What the document writes before decimals, ``.`` or ``,``; empty where that is not known.
        taxed: Whether it is a tax or fee of an air ticket: its code may stand beside it, and ``EXEMPT`` is nothing.
    """
    whole = any(sign in text.upper() for sign in _WHOLE)
    read = _read(text, _AMOUNT, "whole" if whole else point)
    if read is not None or not taxed:
        return read
    rest = _TAX.fullmatch(text)
    inner = rest["amount"] if rest else ""
    return "0" if _EXEMPT.fullmatch(inner) else _read(inner, _AMOUNT, point)


def number(text: str, point: str = "") -> str | None:
    """Return a number as plain decimal digits, or None; see ``amount``."""
    return _read(text, _NUMBER, point)


def integer(text: str, point: str = "") -> str | None:
    """Return a number without decimals, or with none but zeros, as plain digits, or None; see ``amount``."""
    read = number(text, point)
    digits, _, fraction = (read or "").partition(".")
    return None if read is None or fraction.strip("0") else digits


def decimal_point(texts: Iterable[str]) -> str:
    """Return what a document writes before decimals, by those of its amounts that mean one thing; empty if unclear."""
    points = {point for text in texts if (match := _AMOUNT.fullmatch(text)) for point in _shown(match["n"].strip())}
    return points.pop() if len(points) == 1 else ""


def _shown(digits: str) -> Iterable[str]:
    """Yield what digits show to stand before decimals."""
    form = None if _EITHER.fullmatch(digits) else _form(digits)
    if form is not None and form[1]:
        yield form[1]


def _read(text: str, pattern: re.Pattern[str], point: str) -> str | None:
    match = pattern.fullmatch(text)
    if match is None or (match["a"] and match["b"]):
        return None
    digits = _decimal(match["n"].rstrip(" "), point)
    sign = match["a"] or match["b"]
    return f"-{digits}" if digits is not None and sign == "-" and digits.strip("0.") else digits


def _decimal(text: str, point: str) -> str | None:
    """Return digits without groups; ``point`` is ``whole`` where a group of three can be no decimals."""
    if (either := _EITHER.fullmatch(text)) is not None:
        between = "." if either[2] == point else ""
        return f"{either[1]}{between}{either[3]}" if point else None
    form = _form(text)
    if form is None:
        return None
    whole, _, fraction = text.translate(dict.fromkeys(map(ord, form[0]))).partition(form[1] or ".")
    return f"{whole.lstrip('0') or '0'}.{fraction}" if fraction else whole.lstrip("0") or "0"


def _form(text: str) -> tuple[str, str] | None:
    return next(((thousands, point) for pattern, thousands, point in _FORMS if pattern.fullmatch(text)), None)
