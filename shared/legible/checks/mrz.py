"""The machine-readable zone of a travel document (ICAO 9303): its check digits, and whether printed values agree."""

from __future__ import annotations

import re
from datetime import date
from typing import NamedTuple

from legible.checks.seen import Seen, UnclearError, Values

_WEIGHTS = (7, 3, 1)
_ALPHABET = re.compile("[A-Z0-9<]+")
_SEXES = {"M": {"male", "m", "男"}, "F": {"female", "f", "女"}}


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
        return _two(lines[0], lines[1], 35, ())
    if shape == [44, 44]:
        personal, digit = lines[1][28:42], lines[1][42]
        # An empty personal number may have a filler for its check digit.
        extra = () if digit == "<" and not personal.strip("<") else (("personal number", personal, digit),)
        return _two(lines[0], lines[1], 43, extra)
    raise UnclearError


def _td1(first: str, second: str, third: str) -> Zone:
    number, digit = first[5:14], first[14]
    if digit == "<":  # a longer number goes on in the optional part, its check digit behind it
        rest = first[15:30].rstrip("<")
        number, digit = number + rest[:-1], rest[-1:]
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


def _two(first: str, second: str, last: int, extra: tuple[tuple[str, str, str], ...]) -> Zone:
    """Read two lines; ``last`` is the place of the check digit of the whole."""
    return Zone(
        second[:9].rstrip("<"),
        second[13:19],
        second[20],
        second[21:27],
        second[10:13].rstrip("<"),
        first[5:],
        (
            ("document number", second[:9], second[9]),
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
    """The document number of the zone and the printed one."""
    said, printed = _zone(values).number, _letters(values["number"])
    return None if printed in (said, _whole_number(values)) else f"The zone says {said}, the number {printed}."


def birth(values: Values) -> str | None:
    """The date of birth of the zone and the printed one."""
    return _same_day(_zone(values).birth, values["birth"])


def expiry(values: Values) -> str | None:
    """The date of expiry of the zone and the printed one."""
    return _same_day(_zone(values).expiry, values["expiry"])


def sex(values: Values) -> str | None:
    """The sex of the zone and the printed one."""
    said = _zone(values).sex
    printed = (values["sex"].typed or values["sex"].text).strip().lower()
    if said not in _SEXES or printed not in _SEXES["M"] | _SEXES["F"]:
        raise UnclearError
    return None if printed in _SEXES[said] else f"The zone says {said}, the sex {printed}."


def names(values: Values) -> str | None:
    """The names of the zone, as far as they go, and the printed ones in Latin letters."""
    said = [word for word in re.split("<+", _zone(values).names.rstrip("<")) if word]
    printed = re.findall("[A-Z]+", " ".join(values[role].text for role in values if role.startswith("name")).upper())
    if not said or not printed:
        raise UnclearError
    left = [word for word in said[:-1] if word not in printed]  # the last may be cut
    last = said[-1]
    if any(word.startswith(last) or last.startswith(word) for word in printed):
        return f"The zone says {' '.join(said)}." if left else None
    return f"The zone says {' '.join(said)}."


def _zone(values: Values) -> Zone:
    lines = [values[role].plain for role in ("line1", "line2", "line3") if role in values]
    return zone(lines)


def _whole_number(values: Values) -> str:
    """Return the optional part of the first line: some states print that as the number (Vietnam)."""
    first = values["line1"].plain
    return re.sub("[^A-Z0-9]", "", first[15:30]) if len(first) == 30 else ""


def _letters(seen: Seen) -> str:
    return re.sub("[^A-Z0-9]", "", seen.plain)


def _same_day(said: str, printed: Seen) -> str | None:
    day: date = printed.day()
    if not said.isdigit():
        raise UnclearError
    return None if said == day.strftime("%y%m%d") else f"The zone says {said}, the printed date is {day}."
