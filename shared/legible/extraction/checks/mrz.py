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


class Checked(NamedTuple):
    """A part of a zone that has a check digit; ``texts`` are the characters that the digit may have been made from."""

    name: str
    digit: str
    texts: tuple[str, ...]

    @property
    def fits(self) -> bool:
        """Whether the digit is that of the characters."""
        return self.digit in map(check_digit, self.texts)


class Zone(NamedTuple):
    """What a zone says. ``optional`` is what the state put beside the number, ``checked`` what has a check digit."""

    number: str
    birth: str
    sex: str
    expiry: str
    nationality: str
    names: str
    optional: str
    checked: tuple[Checked, ...]


def check_digit(text: str) -> str:
    """Return the check digit of characters of a zone (ICAO 9303-3, 4.9)."""
    total = sum(_rank(letter) * _WEIGHTS[place % 3] for place, letter in enumerate(text))
    return str(total % 10)


def _rank(letter: str) -> int:
    if letter == "<":
        return 0
    return int(letter) if letter.isdigit() else ord(letter) - 55


def zone(lines: list[str]) -> Zone:
    """Read the lines of a zone: three of 30 characters, two of 36 or two of 44 (ICAO 9303-4 to -7).

    Raises:
        UnclearError: They have another size, or are those of a French identity card of before 2021, which has the size
            of TD2 and a layout of its own.
    """
    shape = [len(line) for line in lines]
    if not all(_ALPHABET.fullmatch(line) for line in lines):
        raise UnclearError
    if shape == [30, 30, 30]:
        return _td1(*lines)
    if shape not in ([36, 36], [44, 44]) or (shape[0] == 36 and lines[0].startswith("IDFRA")):
        raise UnclearError
    first, second = lines
    if first.startswith("V"):
        return _two(first, second, (second[:9], second[9], ""))
    return _td2(first, second) if shape[0] == 36 else _td3(first, second)


def _long_number(number: str, digit: str, optional: str) -> tuple[str, str, str]:
    """Return a document number, its check digit, and what of it stands in the optional part.

    A longer number goes on there up to the first filler, its digit last; behind the filler a state may put data of its
    own (ICAO 9303-5, 4.2.2, note j).
    """
    rest = optional.partition("<")[0]
    return (number, digit, "") if digit != "<" or not rest else (number, rest[-1], rest[:-1])


def _number_check(numbered: tuple[str, str, str]) -> Checked:
    """Return the check of a document number.

    Of a long one the digit is made without the filler in its middle, as the example of ICAO 9303-5 has it. Belgium's
    first cards, and others, count the filler as a character.
    """
    number, digit, rest = numbered
    return Checked("document number", digit, (number + rest, f"{number}<{rest}") if rest else (number,))


def _td1(first: str, second: str, third: str) -> Zone:
    numbered = _long_number(first[5:14], first[14], first[15:30])
    return Zone(
        (numbered[0] + numbered[2]).rstrip("<"),
        second[:6],
        second[7],
        second[8:14],
        second[15:18].rstrip("<"),
        third,
        first[15:30],
        (
            _number_check(numbered),
            Checked("date of birth", second[6], (second[:6],)),
            Checked("date of expiry", second[14], (second[8:14],)),
            Checked("whole", second[29], (first[5:30] + second[:7] + second[8:15] + second[18:29],)),
        ),
    )


def _td2(first: str, second: str) -> Zone:
    numbered = _long_number(second[:9], second[9], second[28:35])
    return _two(first, second, numbered, Checked("whole", second[35], (_covered(second, 35),)))


def _td3(first: str, second: str) -> Zone:
    personal, digit = second[28:42], second[42]
    checks = [Checked("personal number", digit, (personal,)), Checked("whole", second[43], (_covered(second, 43),))]
    if digit == "<" and not personal.strip("<"):  # an empty personal number may have a filler for its check digit
        checks = checks[1:]
    return _two(first, second, (second[:9], second[9], ""), *checks)


def _covered(second: str, end: int) -> str:
    """Return the characters that the last check digit of two lines is made from."""
    return second[:10] + second[13:20] + second[21:end]


def _two(first: str, second: str, numbered: tuple[str, str, str], *more: Checked) -> Zone:
    """Read two lines; ``numbered`` is the number, see ``_long_number``. Visas have no check digit of the whole."""
    return Zone(
        (numbered[0] + numbered[2]).rstrip("<"),
        second[13:19],
        second[20],
        second[21:27],
        second[10:13].rstrip("<"),
        first[5:],
        "",
        (
            _number_check(numbered),
            Checked("date of birth", second[19], (second[13:19],)),
            Checked("date of expiry", second[27], (second[21:27],)),
            *more,
        ),
    )


def digits(values: Values) -> str | None:
    """Every check digit of a zone of three lines (TD1) or two (TD2, TD3, visas; ICAO 9303-3, 4.9)."""
    wrong = [part.name for part in _zone(values).checked if not part.fits]
    return f"The check digit does not fit: {', '.join(wrong)}." if wrong else None


def number(values: Values) -> str | None:
    """The document number of the zone and the printed one, which may have a check character behind a dash."""
    read, printed = _zone(values), values["number"].whole()
    forms = {_letters(printed), _letters(printed.rpartition("-")[0])} - {""}
    if not forms:
        raise UnclearError
    # Some states print what stands in the optional part as the number (Vietnam), up to the first filler.
    in_zone = {_letters(read.number), _letters(read.optional.partition("<")[0])}
    return None if forms & in_zone else f"The zone says {read.number}, the number {printed}."


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


def _letters(text: str) -> str:
    return re.sub("[^A-Z0-9]", "", text)


def _same_day(in_zone: str, printed: Seen) -> str | None:
    day: date = printed.day()
    if not in_zone.isdigit():
        raise UnclearError
    return None if in_zone == day.strftime("%y%m%d") else f"The zone says {in_zone}, the printed date is {day}."
