"""The machine-readable zone of a travel document (ICAO 9303): its check digits, and whether printed values agree."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import NamedTuple

from legible.extraction.checks.values import Seen, UnclearError, Values

_WEIGHTS = (7, 3, 1)
_ALPHABET = re.compile("[A-Z0-9<]+")
_SEXES = {"M": "male", "F": "female"}
#: Letters that zones write as several, or as another (ICAO 9303-3, section 6); accents are simply left out.
_LETTERS = {
    "Đ": "D",
    "Ð": "D",
    "Ł": "L",
    "Ħ": "H",
    "Ŧ": "T",
    "Ø": "OE",
    "Æ": "AE",
    "Œ": "OE",
    "ẞ": "SS",
    "Þ": "TH",
    "İ": "I",
}
_SPELT_OUT = str.maketrans(_LETTERS | {"Ä": "AE", "Å": "AA", "Ö": "OE", "Ü": "UE", "Ñ": "NXX"})
_PLAIN = str.maketrans(_LETTERS | {"Ø": "O"})
#: Left out of names in a zone: parts of a name that an apostrophe joins are one.
_APOSTROPHES = str.maketrans("", "", "'’‘ʼʹ´`")


class Zone(NamedTuple):
    """What a zone says. ``checked`` has name, characters and check digit of each part that has one."""

    number: str
    birth: str
    sex: str
    expiry: str
    nationality: str
    names: str
    checked: tuple[tuple[str, str, str], ...]


def check_digit(text: str) -> str:
    """Return the check digit of characters of a zone (ICAO 9303-3, 4.9)."""
    total = sum(_rank(letter) * _WEIGHTS[place % 3] for place, letter in enumerate(text))
    return str(total % 10)


def _rank(letter: str) -> int:
    if letter == "<":
        return 0
    return int(letter) if letter.isdigit() else ord(letter) - 55


def zone(lines: list[str]) -> Zone:
    """Read two or three lines as TD1, TD2 or TD3. Raises ``UnclearError`` for any other size."""
    shape = [len(line) for line in lines]
    if not all(_ALPHABET.fullmatch(line) for line in lines):
        raise UnclearError
    if shape == [30, 30, 30]:
        return _td1(*lines)
    if shape == [36, 36]:
        optional = lines[1][28:35]
        return _two(lines[0], lines[1], 35, _long_number(lines[1][:9], lines[1][9], optional), ())
    if shape == [44, 44]:
        personal, digit = lines[1][28:42], lines[1][42]
        # An empty personal number may have a filler for its check digit.
        extra = () if digit == "<" and not personal.strip("<") else (("personal number", personal, digit),)
        return _two(lines[0], lines[1], 43, (lines[1][:9], lines[1][9]), extra)
    raise UnclearError


def _long_number(number: str, digit: str, optional: str) -> tuple[str, str]:
    """Return a document number and its check digit; a longer one goes on in the optional part, its digit behind it."""
    if digit != "<":
        return number, digit
    rest = optional.rstrip("<")
    return number + rest[:-1], rest[-1:]


def _td1(first: str, second: str, third: str) -> Zone:
    number, digit = _long_number(first[5:14], first[14], first[15:30])
    return Zone(
        number.rstrip("<"),
        second[:6],
        second[7],
        second[8:14],
        second[15:18].rstrip("<"),
        third,
        (
            ("document number", number, digit),
            ("date of birth", second[:6], second[6]),
            ("date of expiry", second[8:14], second[14]),
            ("whole", first[5:30] + second[:7] + second[8:15] + second[18:29], second[29]),
        ),
    )


def _two(
    first: str, second: str, last: int, numbered: tuple[str, str], extra: tuple[tuple[str, str, str], ...]
) -> Zone:
    """Read two lines; ``last`` is the place of the check digit of the whole, ``numbered`` the number and its digit."""
    return Zone(
        numbered[0].rstrip("<"),
        second[13:19],
        second[20],
        second[21:27],
        second[10:13].rstrip("<"),
        first[5:],
        (
            ("document number", *numbered),
            ("date of birth", second[13:19], second[19]),
            ("date of expiry", second[21:27], second[27]),
            *extra,
            ("whole", second[:10] + second[13:20] + second[21:last], second[last]),
        ),
    )


def digits(values: Values) -> str | None:
    """Every check digit of a zone of three lines (TD1) or two (TD2, TD3)."""
    wrong = [name for name, text, digit in _zone(values).checked if check_digit(text) != digit]
    return f"The check digit does not fit: {', '.join(wrong)}." if wrong else None


def number(values: Values) -> str | None:
    """The document number of the zone and the printed one, which may have a check character behind a dash."""
    in_zone, printed = _zone(values).number, values["number"].whole()
    forms = {_letters(printed), _letters(printed.rpartition("-")[0])} - {""}
    if not forms:
        raise UnclearError
    return None if forms & {in_zone, _whole_number(values)} else f"The zone says {in_zone}, the number {printed}."


def birth(values: Values) -> str | None:
    """The date of birth of the zone and the printed one."""
    return _same_day(_zone(values).birth, values["birth"])


def expiry(values: Values) -> str | None:
    """The date of expiry of the zone and the printed one."""
    return _same_day(_zone(values).expiry, values["expiry"])


def sex(values: Values) -> str | None:
    """The sex of the zone and the printed one."""
    in_zone, printed = _SEXES.get(_zone(values).sex), values["sex"].sex()
    if in_zone is None:
        raise UnclearError
    return None if in_zone == printed else f"The zone says {in_zone}, the sex {printed}."


def nationality(values: Values) -> str | None:
    """The nationality of the zone and the printed one, where that is a code of three letters too (ICAO 9303-3, 5)."""
    in_zone, printed = _zone(values).nationality, values["nationality"].plain
    if not re.fullmatch("[A-Z]{3}", printed):
        raise UnclearError
    return None if in_zone == printed else f"The zone says {in_zone}, the nationality {printed}."


def names(values: Values) -> str | None:
    """The names of the zone, as far as they go, and the printed ones, without accents (ICAO 9303-3, section 6)."""
    zone_names = _zone(values).names
    words = [word for word in zone_names.split("<") if word]
    text = " ".join(values[role].text for role in values if role.startswith("name"))
    spellings = [_latin(text, _PLAIN), _latin(text, _SPELT_OUT)]
    if not words or not any(spellings):
        raise UnclearError
    cut = not zone_names.endswith("<")  # names that fill the zone may be shortened
    return None if _agree(words, spellings, cut) else f"The zone says {' '.join(words)}."


def _agree(words: list[str], spellings: list[list[str]], cut: bool) -> bool:
    """Tell whether a zone's words are printed ones in some spelling, or the beginnings of such where they are cut."""
    if "".join(words) in ("".join(spelling) for spelling in spellings):  # parts joined or apart
        return True
    printed = tuple(word for spelling in spellings for word in spelling)
    return all(word in printed or (cut and any(whole.startswith(word) for whole in printed)) for word in words)


def _latin(text: str, letters: dict[int, str]) -> list[str]:
    """Return the words of a printed name as a zone would spell them."""
    composed = unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).upper().translate(letters)
    return re.findall(
        "[A-Z]+", "".join(c for c in unicodedata.normalize("NFD", composed) if not unicodedata.combining(c))
    )


def _zone(values: Values) -> Zone:
    lines = [values[role].plain for role in ("line1", "line2", "line3") if role in values]
    return zone(lines)


def _whole_number(values: Values) -> str:
    """Return the optional part of the first line: some states print that as the number (Vietnam)."""
    first = values["line1"].plain
    return re.sub("[^A-Z0-9]", "", first[15:30]) if len(first) == 30 else ""


def _letters(text: str) -> str:
    return re.sub("[^A-Z0-9]", "", text)


def _same_day(in_zone: str, printed: Seen) -> str | None:
    day: date = printed.day()
    if not in_zone.isdigit():
        raise UnclearError
    return None if in_zone == day.strftime("%y%m%d") else f"The zone says {in_zone}, the printed date is {day}."
