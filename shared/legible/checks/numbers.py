"""Numbers that check themselves: check digits, birth dates and sexes inside them, formats."""

from __future__ import annotations

import re
from datetime import date

from stdnum import luhn
from stdnum.cl import rut
from stdnum.cn import ric, uscc
from stdnum.pe import cui
from stdnum.th import pin

from legible.checks.seen import UnclearError, Values

_CHINA = re.compile(r"[0-9]{17}[0-9X]")
_HONG_KONG = re.compile(r"([A-Z]{1,2})([0-9]{6})\(?([0-9A])\)?")
_MACAO = re.compile(r"[1-8]/?[0-9]{6}/?\(?[0-9]\)?")
_NRC = re.compile(r"([0-9]{1,2})/([A-Z]+)\(([A-Z]+)\)([0-9]{6})")
_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
#: Countries whose VINs must have a check digit: North America (49 CFR 565) and China (GB 16735).
_CHECKED_VIN = re.compile(r"[1-5L]")
_MALE, _FEMALE = {"male", "m", "男", "nam"}, {"female", "f", "女", "nữ", "nu"}
#: Century of birth by the fourth digit of a Vietnamese number (Circular 59/2021/TT-BCA, article 7).
_VIETNAM_CENTURIES = (1900, 2000, 2100, 2200, 2300)


def china_id(values: Values) -> str | None:
    """The 18th character of a citizen's number (GB 11643-1999, ISO 7064 MOD 11-2)."""
    number = _citizen(values)
    return None if number[-1] == ric.calc_check_digit(number) else "The last character does not fit the others."


def china_id_length(values: Values) -> str | None:
    """A citizen's number has 18 characters, older ones 15."""
    number = values["number"].plain
    if "*" in number:
        raise UnclearError
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
    match = _HONG_KONG.fullmatch(values["number"].plain)
    if match is None:
        raise UnclearError
    letters, digits, check = match[1].rjust(2), match[2], match[3]
    ranks = [36 if letter == " " else ord(letter) - 55 for letter in letters] + [int(digit) for digit in digits]
    total = sum(rank * weight for rank, weight in zip(ranks, range(9, 1, -1), strict=True))
    total += 10 if check == "A" else int(check)
    return None if total % 11 == 0 else "The check digit does not fit the number."


def macao_id(values: Values) -> str | None:
    """The form of a Macao identity number: seven digits and one in brackets; its check rule is not published."""
    number = values["number"].plain.replace(" ", "")
    return None if _MACAO.fullmatch(number) else "Seven digits and a check digit in brackets are right: 1234567(8)."


def bank_card(values: Values) -> str | None:
    """The last digit of a bank card's number (ISO/IEC 7812-1, Luhn)."""
    number = re.sub(r"[ -]", "", values["number"].plain)
    if not re.fullmatch("[0-9]{12,19}", number):
        raise UnclearError
    return None if luhn.checksum(number) == 0 else "The last digit does not fit the others."


def social_credit_code(values: Values) -> str | None:
    """The 18th character of a unified social credit code (GB 32100-2015)."""
    code = values["code"].plain
    if not re.fullmatch("[0-9A-Z]{18}", code):
        raise UnclearError
    return None if uscc.is_valid(code) else "The last character does not fit the others."


def taxpayer_number(values: Values) -> str | None:
    """A taxpayer's number of 18 characters: a unified social credit code, or a citizen's number."""
    code = values["code"].plain
    if _CHINA.fullmatch(code) and code[-1] == ric.calc_check_digit(code):
        return None
    return social_credit_code(values)


def vin_form(values: Values) -> str | None:
    """A vehicle identification number has 17 letters and digits without I, O and Q (ISO 3779)."""
    vin = values["vin"].plain
    if "*" in vin:
        raise UnclearError
    return None if _VIN.fullmatch(vin) else f"{len(vin)} characters; 17 letters and digits without I, O, Q are right."


def vin_check_digit(values: Values) -> str | None:
    """The ninth character of a VIN, where it must be a check digit: China (GB 16735), North America (49 CFR 565)."""
    vin = values["vin"].plain
    if not _VIN.fullmatch(vin) or not _CHECKED_VIN.match(vin):
        raise UnclearError
    ranks = [int(letter) if letter.isdigit() else _VIN_VALUES[letter] for letter in vin]
    rest = sum(rank * weight for rank, weight in zip(ranks, _VIN_WEIGHTS, strict=True)) % 11
    return None if vin[8] == ("X" if rest == 10 else str(rest)) else "The ninth character does not fit the others."


def thailand_id(values: Values) -> str | None:
    """The 13th digit of a Thai identity number (python-stdnum, th.pin)."""
    number = re.sub(r"[ -]", "", values["number"].plain)
    if not re.fullmatch("[0-9]{13}", number):
        raise UnclearError
    return None if pin.calc_check_digit(number[:-1]) == number[-1] else "The last digit does not fit the others."


def chile_rut(values: Values) -> str | None:
    """The character behind the dash of a Chilean RUN or RUT (python-stdnum, cl.rut)."""
    number = re.sub(r"[ .-]", "", values["number"].plain)
    if not re.fullmatch("[0-9]{7,8}[0-9K]", number):
        raise UnclearError
    return None if rut.calc_check_digit(number[:-1]) == number[-1] else "The last character does not fit the others."


def peru_cui(values: Values) -> str | None:
    """The character behind the dash of a Peruvian DNI (python-stdnum, pe.cui); without it nothing is checked."""
    number = re.sub(r"[ -]", "", values["number"].plain)
    if not re.fullmatch("[0-9]{8}[0-9A-K]", number):
        raise UnclearError
    return None if number[-1] in cui.calc_check_digits(number) else "The last character does not fit the others."


def vietnam_id(values: Values) -> str | None:
    """A Vietnamese number's fourth to sixth digit: sex and century, and year of birth (59/2021/TT-BCA, article 7)."""
    number = re.sub(r"\D", "", values["number"].plain)
    if len(number) != 12:
        raise UnclearError
    century, born = int(number[3]), values["birth"].day()
    year = _VIETNAM_CENTURIES[century // 2] + int(number[4:6])
    if year != born.year:
        return f"The number says {year}, the date of birth {born.year}."
    return _same_sex(values, male=century % 2 == 0) if "sex" in values else None


def myanmar_nrc(values: Values) -> str | None:
    """The form of a Myanmar registration number in Latin letters: 12/ABCDEF(N)123456, with states from 1 to 14."""
    match = _NRC.fullmatch(values["number"].plain)
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


def _same_sex(values: Values, *, male: bool) -> str | None:
    said = (values["sex"].typed or values["sex"].text).strip().lower()
    if said not in _MALE | _FEMALE:
        raise UnclearError
    return None if (said in _MALE) == male else f"The number says {'male' if male else 'female'}, the sex {said}."
