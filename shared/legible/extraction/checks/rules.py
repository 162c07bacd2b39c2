"""All rules, and which values of which operation each one checks."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from legible.extraction.checks import amounts, dates, mrz, numbers, persons, plates
from legible.extraction.checks.values import Judge

_FILE = Path(__file__).with_name("rules.toml")

#: Rule name to what judges it. A judge's docstring says what agrees with what, and where that is written down.
RULES: dict[str, Judge] = {
    "china-id-number": persons.china_id,
    "china-id-number-length": persons.china_id_length,
    "china-id-birth-date": persons.china_id_birth_date,
    "china-id-sex": persons.china_id_sex,
    "hong-kong-id-number": persons.hong_kong_id,
    "macao-id-number": persons.macao_id,
    "taiwan-id-number": persons.taiwan_id,
    "thailand-id-number": persons.thailand_id,
    "chile-rut": persons.chile_rut,
    "peru-cui": persons.peru_cui,
    "vietnam-id-number": persons.vietnam_id,
    "vietnam-id-sex": persons.vietnam_id_sex,
    "myanmar-nrc": persons.myanmar_nrc,
    "bank-card-number": numbers.bank_card,
    "bank-card-length": numbers.bank_card_length,
    "social-credit-code": numbers.social_credit_code,
    "taxpayer-number": numbers.taxpayer_number,
    "vin-form": numbers.vin_form,
    "vin-check-digit": numbers.vin_check_digit,
    "china-plate": plates.china,
    "thailand-plate": plates.thailand,
    "mrz-check-digits": mrz.digits,
    "mrz-number": mrz.number,
    "mrz-birth-date": mrz.birth,
    "mrz-expiry-date": mrz.expiry,
    "mrz-sex": mrz.sex,
    "mrz-nationality": mrz.nationality,
    "mrz-names": mrz.names,
    "dates-in-order": dates.in_order,
    "amount-in-words": amounts.in_words,
    "total": amounts.total,
    "column-sum": amounts.lines,
    "quantity-times-price": amounts.product,
    "amount-times-rate": amounts.tax,
}


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """One rule for one operation.

    ``fields`` gives the path of each role's value. ``at`` lists the objects they stand in: ``""`` is the answer itself,
    ``front`` an object of that name, ``[].content`` every element. ``when`` says what other values there must read, as
    regular expressions by path: otherwise the rule is about nothing. With ``rows`` the values are those of one row of
    that list of line items, judged row by row. With ``column`` the judge gets that whole column of ``rows``, and
    ``fields`` holds the ``sum``; ``pages`` is the number of pages such a sum may be about, and only one is judged. With
    ``pairs``, a list of keys and values, ``fields`` holds what a key reads, as a regular expression, brackets, colons
    and blanks left out.
    """

    rule: str
    fields: dict[str, str]
    at: tuple[str, ...] = ("",)
    when: dict[str, str] = {}
    rows: str = ""
    column: str = ""
    pages: str = ""
    pairs: str = ""


@cache
def rules_by_operation() -> dict[str, tuple[Rule, ...]]:
    """Return the rules of each operation, by its slug; the file is read once."""
    return msgspec.toml.decode(_FILE.read_bytes(), type=dict[str, tuple[Rule, ...]])
