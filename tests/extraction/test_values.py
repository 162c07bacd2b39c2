"""Texts read as dates, amounts, numbers: exactly, or not at all."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legible.extraction.fields.values import money, typed
from legible.operations.operation import FieldType


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2019-01-02", "2019-01-02"),
        ("2019.01.02", "2019-01-02"),
        ("2019/1/2", "2019-01-02"),
        ("20190102", "2019-01-02"),
        ("2019年1月2日", "2019-01-02"),
        ("2019 年 01 月 02 日", "2019-01-02"),
        ("２０１９年１月２日", "2019-01-02"),
        ("02 JAN 2020", "2020-01-02"),
        ("2-Feb-2020", "2020-02-02"),
        ("02MAR2020", "2020-03-02"),
        ("1 september 2020", "2020-09-01"),
        ("1 Sept. 2020", "2020-09-01"),
        ("Jan 2, 2020", "2020-01-02"),
        ("January 2 2020", "2020-01-02"),
        ("13/04/2020", "2020-04-13"),
        ("04/13/2020", "2020-04-13"),
        ("04.04.2020", "2020-04-04"),
        (" 2019-01-02\n", "2019-01-02"),
        ("03/04/2020", None),
        ("13/14/2020", None),
        ("2019-13-01", None),
        ("2019-02-29", None),
        ("2019-01.02", None),
        ("02 JAX 2020", None),
        ("2563-01-02", None),
        ("02012019", None),
        ("26-11-18", None),
        ("(06-96)", None),
        ("长期", None),
        ("2020年1月", None),
        ("2020-01-02 10:11", None),
        ("၂၀၁၉-၀၁-၀၂", None),
        ("", None),
    ],
)
def test_dates(text: str, wanted: str | None) -> None:
    assert typed(text, "date") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("¥1,234.50", "1234.50"),
        ("￥１，２３４．５０", "1234.50"),
        ("¥ 12,345,678.00", "12345678.00"),
        ("1,234,567", "1234567"),
        ("1 234,50", "1234.50"),
        ("1 234.50", "1234.50"),
        ("1.234,50", "1234.50"),
        ("1.234.567", "1234567"),
        ("12,5", "12.5"),
        ("1234567890123456789.01", "1234567890123456789.01"),
        ("CNY12,356.00", "12356.00"),
        ("12.00 USD", "12.00"),
        ("500元", "500"),
        ("-¥12.50", "-12.50"),
        ("¥-12.50", "-12.50"),
        ("\u221212.50", "-12.50"),
        ("+5", "5"),
        ("-0.00", "0.00"),
        ("007", "7"),
        ("1,234", None),
        ("1,23,456.00", None),
        ("1,234,56", None),
        ("--5", None),
        ("-¥-5", None),
        ("13%", None),
        ("壹拾元整", None),
        ("12.", None),
        ("1.2.3", None),
        ("(12.50)", None),
        ("=1+1", None),
        ("¥", None),
    ],
)
def test_amounts(text: str, wanted: str | None) -> None:
    assert typed(text, "amount") == wanted


@pytest.mark.parametrize(
    ("text", "type_", "wanted"),
    [
        ("0.9712", "confidence", "0.9712"),
        ("1.934512", "number", "1.934512"),
        ("¥5", "number", None),
        ("1E5", "number", None),
        ("12", "integer", "12"),
        ("012.00", "integer", "12"),
        ("-0", "integer", "0"),
        ("12.5", "integer", None),
        ("1" * 6000, "integer", "1" * 6000),
        ("True", "boolean", "true"),
        ("false", "boolean", "false"),
        ("1", "boolean", None),
        ("2019-01-02", "text", None),
        ("5", "object", None),
    ],
)
def test_other_types(text: str, type_: FieldType, wanted: str | None) -> None:
    assert typed(text, type_) == wanted


@given(st.dates(date(1800, 1, 1), date(2199, 12, 31)))
def test_every_day_is_read_in_every_form(day: date) -> None:
    forms = ("%Y-%m-%d", "%Y.%m.%d", "%Y%m%d", "%Y年%m月%d日", "%d %b %Y", "%d%b%Y", "%B %d, %Y")
    assert {typed(day.strftime(form), "date") for form in forms} == {day.isoformat()}


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**18), max_value=10**18))
def test_every_printed_amount_is_read_exactly(amount: Decimal) -> None:
    for text in (f"{amount:f}", f"¥{amount:,f}", f"{amount:,f}".replace(",", " ").replace(".", ",")):
        assert Decimal(typed(text, "amount") or "nan") == amount


@given(st.text(max_size=20), st.sampled_from(["date", "amount", "number", "integer", "boolean"]))
def test_no_text_raises(text: str, type_: FieldType) -> None:
    read = typed(text, type_)
    assert read is None or read.isascii()


SEX = (("男", "male"), ("m", "male"), ("女", "female"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("男", "male"), (" M ", "male"), ("Ｍ", "male"), ("female", "female"), ("X", None), ("", None)],
)
def test_enums_read_one_of_their_words(text: str, wanted: str | None) -> None:
    assert typed(text, "enum", SEX) == wanted


@pytest.mark.parametrize(
    ("text", "of_the_document", "wanted"),
    [
        ("¥1,234.50", "CNY", "CNY"),
        ("¥1,234.50", "", ""),
        ("￥12.00", "CNY", "CNY"),
        ("12.00元", "", "CNY"),
        ("HK$ 12.00", "CNY", "HKD"),
        ("$12.00", "", ""),
        ("US$12.00", "", "USD"),
        ("THB 12.00", "", "THB"),
        ("12.00", "CNY", "CNY"),
        ("no amount", "CNY", ""),
        ("12,50 €", "", "EUR"),
    ],
)
def test_an_amount_has_the_currency_it_says_else_that_of_its_document(
    text: str, of_the_document: str, wanted: str
) -> None:
    assert money(text, "amount", of_the_document) == wanted


def test_nothing_but_an_amount_has_a_currency() -> None:
    assert money("12.00元", "text", "CNY") == ""


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("03-06-1985", "1985-06-03"), ("3/6/1985", "1985-06-03"), ("13.12.1985", "1985-12-13"), ("12-13-1985", None)],
)
def test_a_document_that_prints_the_day_first_is_read_so(text: str, wanted: str | None) -> None:
    assert typed(text, "date", day_first=True) == wanted
