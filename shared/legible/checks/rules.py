"""Which rule there is, and which values of which operation it is about."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from legible.checks import amounts, dates, mrz, numbers, plates
from legible.checks.seen import Judge

_FILE = Path(__file__).with_name("rules.toml")

#: Rule name to what judges it. A judge's docstring says what agrees with what, and where that is written down.
RULES: dict[str, Judge] = {
    "china-id-number": numbers.china_id,
    "china-id-number-length": numbers.china_id_length,
    "china-id-birth-date": numbers.china_id_birth_date,
    "china-id-sex": numbers.china_id_sex,
    "hong-kong-id-number": numbers.hong_kong_id,
    "macao-id-number": numbers.macao_id,
    "thailand-id-number": numbers.thailand_id,
    "chile-rut": numbers.chile_rut,
    "peru-cui": numbers.peru_cui,
    "vietnam-id-number": numbers.vietnam_id,
    "myanmar-nrc": numbers.myanmar_nrc,
    "bank-card-number": numbers.bank_card,
    "social-credit-code": numbers.social_credit_code,
    "taxpayer-number": numbers.taxpayer_number,
    "vin-form": numbers.vin_form,
    "vin-check-digit": numbers.vin_check_digit,
    "china-plate": plates.china,
    "mrz-check-digits": mrz.digits,
    "mrz-number": mrz.number,
    "mrz-birth-date": mrz.birth,
    "mrz-expiry-date": mrz.expiry,
    "mrz-sex": mrz.sex,
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
    ``front`` an object of that name, ``[].content`` every element. With ``rows`` the values are those of one row of
    that list of line items, judged row by row. With ``column`` the judge gets that whole column of ``rows``, and
    ``fields`` holds the ``sum``.
    """

    rule: str
    fields: dict[str, str]
    at: tuple[str, ...] = ("",)
    rows: str = ""
    column: str = ""


@cache
def rules() -> dict[str, tuple[Rule, ...]]:
    """Return the rules of each operation, by its slug; the file is read once."""
    return msgspec.toml.decode(_FILE.read_bytes(), type=dict[str, tuple[Rule, ...]])
