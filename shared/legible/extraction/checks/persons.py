"""Numbers of people that check themselves: check digits, birth dates and sexes inside them, forms."""

from __future__ import annotations

import re
from datetime import date

from legible.extraction.checks.values import UnclearError, Values

_CHINA = re.compile(r"[0-9]{17}[0-9X]")
_HONG_KONG = re.compile(r"([A-Z]{1,2})([0-9]{6})\(?([0-9A])\)?")
_MACAO = re.compile(r"[1-8]/?[0-9]{6}/?\(?[0-9]\)?")
_TAIWAN = re.compile("([A-Z])([1289][0-9]{8})")
#: The letters of Taiwan's counties from 10 on, in the order of their numbers.
_TAIWAN_LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO"
_NRC = re.compile(r"([0-9]{1,2})/([A-Z]+)\(([A-Z]+)\)([0-9]{6})")
#: Century of birth by the fourth digit of a Vietnamese number (Circular 59/2021/TT-BCA, article 7).
_VIETNAM_CENTURIES = (1900, 2000, 2100, 2200, 2300)
_CHECK_DIGIT = "The last character does not fit the others."


def china_id(values: Values) -> str | None:
    """The 18th character of a citizen's number (GB 11643-1999, ISO 7064 MOD 11-2)."""
    from stdnum.cn import ric

    number = _citizen(values)
    return None if number[-1] == ric.calc_check_digit(number) else _CHECK_DIGIT


def china_id_length(values: Values) -> str | None:
    """A citizen's number has 18 characters, older ones 15."""
    number = values["number"].whole()
    if _CHINA.fullmatch(number) or re.fullmatch("[0-9]{15}", number):
        return None
    return f"It has {len(number)} characters; 17 digits and a digit or X are right."


def china_id_birth_date(values: Values) -> str | None:
    """The date of birth inside a citizen's number."""
    number = _citizen(values)
    inside = _date(number[6:14])
    born = values["birth"].day()
    return None if inside == born else f"The number says {_shown(number[6:14])}, the date of birth {born}."


def china_id_sex(values: Values) -> str | None:
    """The sex inside a citizen's number: the 17th digit is odd for men."""
    number = _citizen(values)
    return _same_sex(values, male=int(number[16]) % 2 == 1)


def hong_kong_id(values: Values) -> str | None:
    """The check digit of a Hong Kong identity card (letters from 10, a blank is 36, weights 9 to 1, modulus 11)."""
    match = _HONG_KONG.fullmatch(values["number"].whole())
    if match is None:
        return "One or two letters, six digits and a check digit in brackets are right: A123456(3)."
    letters, digits, check = match[1].rjust(2), match[2], match[3]
    ranks = [36 if letter == " " else ord(letter) - 55 for letter in letters] + [int(digit) for digit in digits]
    total = sum(rank * weight for rank, weight in zip(ranks, range(9, 1, -1), strict=True))
    total += 10 if check == "A" else int(check)
    return None if total % 11 == 0 else "The check digit does not fit the number."


def macao_id(values: Values) -> str | None:
    """The form of a Macao identity number: seven digits and one in brackets; its check rule is not published."""
    right = _MACAO.fullmatch(values["number"].whole())
    return None if right else "Seven digits and a check digit in brackets are right: 1234567(8)."


def taiwan_id(values: Values) -> str | None:
    """The last digit of a Taiwan identity or resident number (letters from 10, weights 1 and 9 to 1, modulus 10)."""
    match = _TAIWAN.fullmatch(values["number"].whole())
    if match is None:
        return "A letter, 1, 2, 8 or 9, and eight more digits are right: A123456789."
    tens, ones = divmod(_TAIWAN_LETTERS.index(match[1]) + 10, 10)
    digits = (tens, ones, *map(int, match[2]))
    total = sum(digit * weight for digit, weight in zip(digits, (1, *range(9, 0, -1), 1), strict=True))
    return None if total % 10 == 0 else _CHECK_DIGIT


def thailand_id(values: Values) -> str | None:
    """The 13th digit of a Thai identity number (python-stdnum, th.pin)."""
    from stdnum.th import pin

    number = re.sub("[ -]", "", values["number"].whole())
    if not re.fullmatch("[0-9]{13}", number):
        return _other_form(number, "13 digits")
    return None if pin.calc_check_digit(number[:-1]) == number[-1] else _CHECK_DIGIT


def chile_rut(values: Values) -> str | None:
    """The character behind the dash of a Chilean RUN or RUT (python-stdnum, cl.rut)."""
    from stdnum.cl import rut

    number = re.sub("[ .-]", "", values["number"].whole())
    if not re.fullmatch("[0-9]{6,8}[0-9K]", number):
        return _other_form(number, "six to eight digits, and a digit or K,")
    return None if rut.calc_check_digit(number[:-1]) == number[-1] else _CHECK_DIGIT


def peru_cui(values: Values) -> str | None:
    """The character behind the dash of a Peruvian DNI (python-stdnum, pe.cui); eight digits alone are not checked."""
    from stdnum.pe import cui

    number = re.sub("[ -]", "", values["number"].whole())
    if re.fullmatch("[0-9]{8}", number):
        raise UnclearError
    if not re.fullmatch("[0-9]{8}[0-9A-K]", number):
        return _other_form(number, "eight digits, and a digit or letter to K,")
    return None if number[-1] in cui.calc_check_digits(number) else _CHECK_DIGIT


def vietnam_id(values: Values) -> str | None:
    """The year of birth in a Vietnamese number, fourth to sixth digit (Circular 59/2021/TT-BCA, article 7)."""
    number = re.sub("[ .-]", "", values["number"].whole())
    if not re.fullmatch("[0-9]{9}(?:[0-9]{3})?", number):
        return _other_form(number, "12 digits, nine on older cards,")
    if len(number) == 9:
        raise UnclearError
    year, born = _VIETNAM_CENTURIES[int(number[3]) // 2] + int(number[4:6]), values["birth"].day()
    return None if year == born.year else f"The number says {year}, the date of birth {born.year}."


def vietnam_id_sex(values: Values) -> str | None:
    """The sex in a Vietnamese number of 12 digits: the fourth is even for men (Circular 59/2021/TT-BCA, article 7)."""
    number = re.sub("[ .-]", "", values["number"].plain)
    if not re.fullmatch("[0-9]{12}", number):
        raise UnclearError
    return _same_sex(values, male=int(number[3]) % 2 == 0)


def myanmar_nrc(values: Values) -> str | None:
    """The form of a Myanmar registration number in Latin letters: 12/ABCDEF(N)123456, with states from 1 to 14."""
    match = _NRC.fullmatch(values["number"].whole())
    if match is None:
        return "A state, a township, a kind and six digits are right: 12/ABCDEF(N)123456."
    return None if 1 <= int(match[1]) <= 14 else f"There is no state {match[1]}; 1 to 14 are right."


def _citizen(values: Values) -> str:
    number = values["number"].plain
    if not _CHINA.fullmatch(number):
        raise UnclearError
    return number


def _date(text: str) -> date | None:
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def _shown(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"


def _other_form(number: str, right: str) -> str:
    return f"It has {len(number)} characters; {right} are right."


def _same_sex(values: Values, *, male: bool) -> str | None:
    printed, inside = values["sex"].sex(), "male" if male else "female"
    return None if printed == inside else f"The number says {inside}, the sex {printed}."
