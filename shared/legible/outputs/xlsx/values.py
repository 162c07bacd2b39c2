"""Values as a sheet can hold them: whole texts, numbers only where they stay exact, valid names of sheets."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Collection, Iterator
from datetime import date
from decimal import Decimal

#: Excel holds 32,767 UTF-16 units in a cell; what is left is room for the words that say where a text goes on.
MAX_UNITS = 32_000
MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384
_MAX_NAME = 31
_MAX_DECIMALS = 30
#: A number of so many digits is the same as a float and back again.
_EXACT_DIGITS = 15

# What XML cannot hold or nobody can see: C0 except tab and line feed, DEL, C1, half surrogate pairs, noncharacters.
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
# Excel dates begin here: before it, Excel's calendar has a day that never was.
_FIRST_DATE = date(1900, 3, 1)
_WIDE = ("W", "F")


def fit(text: str) -> tuple[str, int]:
    """Return a text in which characters that no worksheet can hold are made visible, and how many there were.

    Control characters become their pictures (``␀``), others U+FFFD.
    """
    return _UNFIT.subn(_picture, text)


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"


def pieces(text: str, limit: int = MAX_UNITS) -> Iterator[str]:
    """Yield a text in pieces of at most ``limit`` UTF-16 units, at a space or line end where one is near."""
    rest = text
    while _units(rest) > limit:
        cut = _within(rest, limit)
        near = max(rest.rfind(" ", cut - cut // 20, cut), rest.rfind("\n", cut - cut // 20, cut))
        cut = near + 1 if near > 0 else cut
        yield rest[:cut]
        rest = rest[cut:]
    yield rest


def _units(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _within(text: str, limit: int) -> int:
    """Return how many characters make at most that many units."""
    cut = min(len(text), limit)
    while _units(text[:cut]) > limit:
        cut -= (_units(text[:cut]) - limit + 1) // 2
    return cut


def shown(type_: str, typed: str | None) -> date | float | bool | None:
    """Return the value that a cell may hold instead of the text; None where the text itself must stand there.

    A number is one only if it has at most 15 significant digits, which is what Excel keeps; a date only if Excel's
    calendar has it.
    """
    if typed is None or type_ in ("enum", "datetime"):
        return None
    if type_ == "date":
        day = date.fromisoformat(typed)
        return day if day >= _FIRST_DATE else None
    if type_ == "boolean":
        return typed == "true"
    if len(typed) <= _EXACT_DIGITS:
        return float(typed)
    digits = typed.lstrip("-").replace(".", "").lstrip("0")
    number = float(typed) if len(digits) <= 15 and decimals(typed) <= _MAX_DECIMALS else math.nan
    return number if math.isfinite(number) and Decimal(repr(number)) == Decimal(typed) else None


def decimals(typed: str) -> int:
    """Return how many digits stand behind the point."""
    return len(typed.partition(".")[2])


def width(text: str) -> int:
    """Return how many columns of a fixed font the longest line takes; Chinese characters take two."""
    if text.isascii():
        return max(min(len(line), 200) for line in text.split("\n"))
    return max(sum(_columns(character) for character in line[:200]) for line in text.split("\n"))


def line_count(text: str, columns: int) -> int:
    """Return how many lines a text takes in a cell of that many columns, 100 at most."""
    return sum(1 + max(width(line) - 1, len(line[200:]) - 1, 0) // columns for line in text.split("\n")[:100])


def _columns(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1


def sheet_name(label: str, taken: Collection[str]) -> str:
    """Return a name that Excel takes for a sheet and that no other sheet has; case makes no difference to Excel."""
    plain = " ".join(re.sub(r"[\[\]:*?/\\]", " ", fit(label)[0]).split()).strip("' ") or "Table"
    lowered = {name.lower() for name in taken} | {"history"}
    number = 1
    while True:
        ending = "" if number == 1 else f" ({number})"
        name = plain[: _within(plain, _MAX_NAME - len(ending))].strip("' ") + ending
        if name.lower() not in lowered:
            return name
        number += 1
