"""Numbers of things that check themselves: bank cards, companies and taxpayers, vehicles."""

from __future__ import annotations

import re

from legible.extraction.checks.values import UnclearError, Values

#: The lengths that each network gives its cards, by their first digits (ISO/IEC 7812: at most 19).
_CARD_LENGTHS = (
    (re.compile("62"), range(16, 20), "16 to 19"),  # UnionPay
    (re.compile("4"), (13, 16, 19), "13, 16 or 19"),  # Visa
    (re.compile("5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720"), (16,), "16"),  # Mastercard
    (re.compile("3[47]"), (15,), "15"),  # American Express
    (re.compile("352[89]|35[3-8]"), range(16, 20), "16 to 19"),  # JCB
    (re.compile("3(?:0[0-5]|[689])"), range(14, 20), "14 to 19"),  # Diners Club
)
_CITIZEN = re.compile(r"[0-9]{17}[0-9X]")
#: GB 32100-2015: two characters of the registry (its letters: A, G, N, Y), six digits of the place, ten of the
#: organization. I, O, S, V and Z are never used. python-stdnum knows the check digit, but refuses a registry's letters.
_CREDIT_CODE = re.compile("[0-9A-HJ-NP-RTUWXY]{2}[0-9]{6}[0-9A-HJ-NP-RTUWXY]{10}")
_VIN = re.compile(r"[A-HJ-NPR-Z0-9]{17}")
_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)), strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
#: Countries whose VINs must have a check digit: North America (49 CFR 565) and China (GB 16735).
_CHECKED_VIN = re.compile(r"[1-5L]")


def bank_card(values: Values) -> str | None:
    """The last digit of a bank card's number (ISO/IEC 7812-1, Luhn)."""
    from stdnum import luhn

    number = re.sub(r"[ -]", "", values["number"].plain)
    if not re.fullmatch("[0-9]{12,19}", number):
        raise UnclearError
    return None if luhn.checksum(number) == 0 else "The last digit does not fit the others."


def bank_card_length(values: Values) -> str | None:
    """The number of digits that the card's network uses: UnionPay, Visa, Mastercard, American Express, JCB, Diners."""
    number = re.sub(r"[ -]", "", values["number"].whole())
    if not re.fullmatch("[0-9]{1,40}", number):
        raise UnclearError
    for first, lengths, right in _CARD_LENGTHS:
        if first.match(number):
            return (
                None if len(number) in lengths else f"It has {len(number)} digits; {right} are right for its network."
            )
    raise UnclearError


def social_credit_code(values: Values) -> str | None:
    """The 18th character of a unified social credit code (GB 32100-2015)."""
    from stdnum.cn import uscc

    code = values["code"].plain
    if not re.fullmatch("[0-9A-Z]{18}", code):
        raise UnclearError
    if not _CREDIT_CODE.fullmatch(code):
        return "Digits 3 to 8 are no place's number, or a letter is one that these codes never have (I, O, S, V, Z)."
    return None if uscc.calc_check_digit(code[:17]) == code[17] else "The last character does not fit the others."


def taxpayer_number(values: Values) -> str | None:
    """A taxpayer's number of 18 characters: a unified social credit code, or a citizen's number."""
    from stdnum.cn import ric

    code = values["code"].plain
    if _CITIZEN.fullmatch(code) and code[-1] == ric.calc_check_digit(code):
        return None
    return social_credit_code(values)


def vin_form(values: Values) -> str | None:
    """A vehicle identification number has 17 letters and digits without I, O and Q (ISO 3779)."""
    vin = values["vin"].whole()
    return None if _VIN.fullmatch(vin) else f"{len(vin)} characters; 17 letters and digits without I, O, Q are right."


def vin_check_digit(values: Values) -> str | None:
    """The ninth character of a VIN, where it must be a check digit: China (GB 16735), North America (49 CFR 565)."""
    vin = values["vin"].plain
    if not _VIN.fullmatch(vin) or not _CHECKED_VIN.match(vin):
        raise UnclearError
    ranks = [int(letter) if letter.isdigit() else _VIN_VALUES[letter] for letter in vin]
    rest = sum(rank * weight for rank, weight in zip(ranks, _VIN_WEIGHTS, strict=True)) % 11
    return None if vin[8] == ("X" if rest == 10 else str(rest)) else "The ninth character does not fit the others."
