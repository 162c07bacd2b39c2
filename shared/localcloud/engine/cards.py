"""Identity cards that are read from their print: mainland China (front) and Hong Kong. The number must prove itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from localcloud.engine.errors import EngineError, refused_option
from localcloud.engine.mrz import full_date
from localcloud.engine.options import Options, choice, flag, refuse
from localcloud.engine.quads import hull, pixels
from localcloud.engine.reading import Line, Reading, read_image, rows

Result = dict[str, Any]

#: The model writes some simplified characters as traditional ones. Text on a mainland card is simplified;
#: only labels and the 56 names of peoples are put right, never a name or an address.
_SIMPLIFIED = str.maketrans(
    "別漢滿壯維爾藏黎傈僳畲羅錫鮮納彝臘達儂烏魯倫東裏蘇號碼", "别汉满壮维尔藏黎傈僳畲罗锡鲜纳彝腊达侬乌鲁伦东里苏号码"
)
_SWITCHES = (
    "detect_reproduce",
    "detect_copy",
    "return_portrait_location",
    "return_portrait_image",
    "return_adjusted_image",
    "detect_tampering",
    "detect_border_integrity",
    "detect_blocking_within_border",
    "detect_blur",
    "detect_interim",
    "detect_glare",
)


@dataclass(frozen=True)
class Value:
    """A value and the lines it was read from."""

    text: str
    lines: tuple[Line, ...] = ()

    @property
    def confidence(self) -> float:
        """The confidence of the least certain line."""
        return round(min((line.confidence for line in self.lines), default=0.0), 4)


def is_identity_number(number: str) -> bool:
    """Tell whether 18 characters are a number of the mainland: check character (ISO 7064, MOD 11-2) and a real date."""
    if not re.fullmatch(r"\d{17}[\dX]", number) or not _date_in(number):
        return False
    total = sum(int(digit) * 2 ** (17 - place) for place, digit in enumerate(number[:17]))
    return "10X98765432"[total % 11] == number[17]


def _date_in(number: str) -> str:
    return full_date(number[8:14], int(number[6:8]) * 100)


def is_hong_kong_number(letters: str, digits: str, check: str) -> bool:
    """Tell whether a Hong Kong number agrees with the check digit in its parentheses."""
    # One letter counts as if a space stood before it, worth 36.
    prefix = [36, *(int(letter, 36) for letter in letters)][-2:]
    values = [*prefix, *(int(digit) for digit in digits), int(check, 16)]
    return sum(value * weight for value, weight in zip(values, range(9, 0, -1), strict=True)) % 11 == 0


def id_card(image: bytes, options: Options) -> Result:
    """Read the front of a mainland identity card."""
    refuse(options, *_SWITCHES)
    if choice(options, "side", "front", "back", "double_side") not in ("", "front"):
        raise refused_option("side", "only the front is recognized here")
    with_verification = flag(options, "return_verification")
    with_location = flag(options, "return_text_location")
    reading = read_image(image)
    values = _front(rows(reading.lines, reading.angle or 0.0))
    if not is_identity_number(values["number"].text):
        raise EngineError("AIS.0105", "no citizen number that agrees with its check character was found")
    result: Result = {name: value.text for name, value in values.items()}
    if with_verification:
        result["verification_result"] = _verified(result)
    if with_location:
        result["text_location"] = _locations(values, reading)
    return result


def _front(card: Sequence[Sequence[Line]]) -> dict[str, Value]:
    address = _address(card)
    birth = _labeled(card, r"出生(\d{4}年\d{1,2}月\d{1,2}日)")
    return {
        "name": _labeled(card, r"姓名(\w+)"),
        "sex": _labeled(card, r"性别([男女])", fold=True),
        "birth": Value(_iso(birth.text), birth.lines),
        "ethnicity": _labeled(card, r"民族(\w{1,6})", fold=True),
        "address": address,
        "number": _labeled(card, r"(\d{17}[\dXx])(?!\w)"),
    }


def _labeled(card: Iterable[Sequence[Line]], pattern: str, *, fold: bool = False) -> Value:
    """Return what follows a label in its row."""
    for row in card:
        text = _joined(row)
        if match := re.search(pattern, text.translate(_SIMPLIFIED)):
            start, end = match.span(1)
            # The table of simplified characters is one to one, so places in both texts are the same.
            return Value(match[1].upper() if fold else text[start:end].upper(), tuple(row))
    return Value("")


def _joined(row: Iterable[Line]) -> str:
    return "".join(line.text for line in row).replace(" ", "")


def _address(card: Sequence[Sequence[Line]]) -> Value:
    """Return the rows from the label of the address to the number."""
    texts = [_joined(row).translate(_SIMPLIFIED) for row in card]
    first = next((place for place, text in enumerate(texts) if "住址" in text), None)
    if first is None:
        return Value("")
    last = next((p for p in range(first, len(texts)) if re.search(r"公民|号码|\d{17}", texts[p])), len(texts))
    address = "".join(_joined(row) for row in card[first:last])
    lines = tuple(line for row in card[first:last] for line in row)
    return Value(address[address.index("住址") + 2 :], lines)


def _iso(text: str) -> str:
    """Write a Chinese date as YYYY-MM-DD; nothing if it is not a date."""
    parts = [int(part) for part in re.findall(r"\d+", text)]
    if len(parts) != 3:
        return ""
    year, month, day = parts
    return full_date(f"{year % 100:02}{month:02}{day:02}", year // 100 * 100)


def _verified(result: Mapping[str, str]) -> dict[str, bool]:
    """Compare the front with its number; values of the back are left out."""
    number = result["number"]
    return {
        "valid_number": True,
        "valid_birth": result["birth"] == _date_in(number),
        "valid_sex": result["sex"] == ("男" if int(number[16]) % 2 else "女"),
    }


def _locations(values: Mapping[str, Value], reading: Reading) -> dict[str, list[list[int]]]:
    return {
        name: pixels(hull([line.quad for line in value.lines], reading.angle or 0.0), reading.width, reading.height)
        for name, value in values.items()
        if value.lines
    }


def hk_id_card(image: bytes, options: Options) -> Result:
    """Read a Hong Kong identity card; dates as they are printed."""
    refuse(options, "return_portrait_image", "return_portrait_location")
    lines = read_image(image).lines
    number = _matching(lines, r"([A-Z]{1,2}\d{6}\([\dA]\))")
    parts = re.fullmatch(r"([A-Z]+)(\d+)\((.)\)", number.text)
    if parts is None or not is_hong_kong_number(*parts.groups()):
        raise EngineError("AIS.0105", "no identity card number that agrees with its check digit was found")
    values = {
        "name": _matching(lines, r"^([\u4e00-\u9fff]{2,5})$"),
        "name_en": _matching(lines, r"^([A-Z][A-Z' -]*, ?[A-Z][A-Za-z' -]*)$"),
        "sex": _matching(lines, r"[男女] ?([MF])$"),
        "birth_date": _matching(lines, r"^(\d\d-\d\d-\d{4})"),
        "number": number,
        "symbols": _matching(lines, r"^(\*{1,3}[A-Z]{1,3})$"),
        "name_telegraph_code": _matching(lines, r"^(\d{4}(?: ?\d{4}){1,5})$"),
        "initial_issue_date": _matching(lines, r"^\((\d\d-\d\d)\)"),
        "issue_date": _matching(lines, r"^(\d\d-\d\d-\d\d)$"),
    }
    result: Result = {name: value.text for name, value in values.items()}
    if (permanent := _is_permanent(lines)) is not None:
        result["permanent"] = permanent
    return result | {"confidence": {name: value.confidence for name, value in values.items() if value.lines}}


def _matching(lines: Iterable[Line], pattern: str) -> Value:
    """Return the first match among lines; spaces beside parentheses and hyphens are the model's."""
    for line in lines:
        if match := re.search(pattern, re.sub(r" *([(),-]) *", r"\1", line.text).replace(",", ", ")):
            return Value(match[1], (line,))
    return Value("")


def _is_permanent(lines: Iterable[Line]) -> bool | None:
    """Tell the kind of card by its title; None if the title was not read."""
    text = " ".join(line.text for line in lines).upper()
    if "永久" in text or "PERMANENT" in text:
        return True
    return False if "居民身份" in text or "IDENTITY CARD" in text else None
