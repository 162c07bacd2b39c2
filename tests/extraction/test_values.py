"""Texts read as dates, amounts, numbers: exactly, or not at all."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legible.extraction.checks import checked
from legible.extraction.fields import extract, retyped
from legible.extraction.fields.amounts import decimal_point
from legible.extraction.fields.gathered import Value
from legible.extraction.fields.values import money, typed
from legible.model.records import Extract
from legible.operations import catalog
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
        ("1,23,456.00", "123456.00"),
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
        ("12,50 €", "", "EUR"),
    ],
)
def test_an_amount_has_the_currency_it_says_else_that_of_its_document(
    text: str, of_the_document: str, wanted: str
) -> None:
    assert money(text, of_the_document) == wanted


def test_nothing_but_an_amount_has_a_currency() -> None:
    kinds = {("12.00元", "amount"): "CNY", ("12.00元", "text"): "", ("on request", "amount"): ""}
    for (text, type_), wanted in kinds.items():
        assert Value("a", "A", text, type_, currency="CNY").money == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("03-06-1985", "1985-06-03"), ("3/6/1985", "1985-06-03"), ("13.12.1985", "1985-12-13"), ("12-13-1985", None)],
)
def test_a_document_that_prints_the_day_first_is_read_so(text: str, wanted: str | None) -> None:
    assert typed(text, "date", day_first=True) == wanted


# What stands for thousands

AMBIGUOUS = [
    "1.234",
    "1,234",
    "€ 1.234",
    "1.234 €",
    "$ 150.000",
    "-1.234",
    "999.999",
    "１．２３４",
    "￥1,234",
    "₱1.234",
]


@pytest.mark.parametrize("text", AMBIGUOUS)
@pytest.mark.parametrize("type_", ["amount", "number", "integer"])
def test_one_separator_before_three_digits_may_be_either_and_stays_text(text: str, type_: FieldType) -> None:
    assert typed(text, type_) is None


@pytest.mark.parametrize(
    ("text", "point", "wanted"),
    [
        ("1.234 €", ",", "1234"),
        ("1.234 €", ".", "1.234"),
        ("1,234 €", ".", "1234"),
        ("1,234 €", ",", "1.234"),
        ("-€1.234", ",", "-1234"),
        ("1.234,50", ".", "1234.50"),  # means one thing wherever it stands
        ("0.500", ",", "0.500"),
    ],
)
def test_the_habit_of_the_document_decides(text: str, point: str, wanted: str) -> None:
    assert typed(text, "amount", point=point) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("150.000 ₫", "150000"), ("150,000 ₫", "150000"), ("150.000đ", "150000"), ("VND 150.000", "150000"),
     ("150.000 VNĐ", "150000"), ("₩1,500", "1500"), ("JPY 1,234", "1234"), ("CLP 12.990", "12990"),
     ("PYG 150.000", "150000"), ("1.150.000 ₫", "1150000"), ("-150.000 ₫", "-150000")],
)  # fmt: skip
def test_a_currency_without_a_smaller_unit_has_no_decimals(text: str, wanted: str) -> None:
    assert typed(text, "amount") == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        *(("0.123", "0.123"), ("0,123", "0.123"), ("1234.567", "1234.567"), ("12.3456", "12.3456"), ("1 234", "1234")),
        *(("1'234", "1234"), ("1’234.50", "1234.50"), ("1'234'567,5", "1234567.5"), ("12.345.678", "12345678")),
        *(("₹1,23,456", "123456"), ("1,23,45,678.50", "12345678.50"), ("1\u2009234,50", "1234.50")),
        *(("١٬٢٣٤", None), ("١٢٫٥", None), ("12,3456", None), ("1,2345", None), ("1'23", None), ("(1,234.50)", None)),
        *(("13.000%", None), ("1.234.56", None), ("1,234.567,8", None), ("00,123", None)),
    ],
)
def test_forms_that_mean_one_thing_are_read_and_others_are_not(text: str, wanted: str | None) -> None:
    assert typed(text, "amount") == wanted


@pytest.mark.parametrize(
    ("text", "point", "wanted"),
    [("10.000", "", None), ("10.000", ".", "10"), ("10.000", ",", "10000"), ("1,234,567", "", "1234567"),
     ("1234.0", "", "1234"), ("-5.0", "", "-5"), ("0.000", "", "0"), ("1.5", "", None)],
)  # fmt: skip
def test_integers_are_read_by_the_same_habits(text: str, point: str, wanted: str | None) -> None:
    assert typed(text, "integer", point=point) == wanted


def test_a_confidence_is_a_number_of_json_and_has_a_point() -> None:
    assert typed("1.000", "confidence") == "1.000"


@pytest.mark.parametrize(
    ("texts", "point"),
    [
        (["1.234,50 €", "1.234 €"], ","),
        (["1,234.50", "1.234"], "."),
        (["12.345.678"], ","),
        (["1,23,456"], "."),
        (["12,5"], ","),
        (["1'234.50"], "."),
        (["1.234,50", "1,234.50"], ""),  # two habits are none
        (["1.234", "1 234", "12", "on request", ""], ""),
    ],
)
def test_amounts_that_mean_one_thing_show_what_stands_before_decimals(texts: list[str], point: str) -> None:
    assert decimal_point(texts) == point


@given(
    st.integers(1, 999), st.lists(st.integers(0, 999), min_size=1, max_size=4), st.sampled_from([",", ".", " ", "'"])
)
def test_groups_of_thousands_are_never_read_as_decimals(first: int, groups: list[int], mark: str) -> None:
    text = mark.join([str(first), *(f"{group:03}" for group in groups)])
    wanted = str(first) + "".join(f"{group:03}" for group in groups)
    assert typed(text, "amount") in ({wanted} if len(groups) > 1 or mark in " '" else {None})
    assert typed(f"{text} ₫", "amount") == wanted


def read(slug: str, result: Any) -> Extract:
    operation = catalog.find(slug)
    return checked(operation, extract(operation, [(1, json.dumps({"result": result}).encode())]))


def typed_of(found: Extract) -> dict[str, str | None]:
    return {field.name: field.typed for field in found.fields}


def test_a_chinese_document_writes_a_point_before_decimals() -> None:
    items = [{"quantity": "1.234", "unit_price": "1,234", "amount": "¥2.345"}]
    found = read("vat-invoice", {"item_list": items, "total": "¥1,234", "total_pages": "1.000"})
    assert (typed_of(found)["total"], typed_of(found)["total_pages"]) == ("1234", "1")
    cells = {cell.text: cell.typed for cell in found.tables[0].cells if cell.row}
    assert cells == {"1.234": "1.234", "1,234": "1234", "¥2.345": "2.345"}


def test_a_number_of_json_has_a_point_whatever_its_document_writes() -> None:
    body = b'{"result": {"words_block_count": 0, "direction": 1.234, "words_block_list": []}}'
    assert typed_of(extract(catalog.find("general-text"), [(1, body)]))["direction"] == "1.234"


def test_a_correction_is_read_as_its_document_writes() -> None:
    assert retyped(catalog.find("vat-invoice"), "total", "amount", "1,234") == "1234"
    assert retyped(catalog.find("general-text"), "total", "amount", "1,234") is None
    assert retyped(catalog.find("general-text"), "total", "amount", "1,234", ",") == "1.234"
    assert retyped(catalog.find("flight-itinerary"), "fuel_surcharge", "amount", "YQ EXEMPT") == "0"


# Air tickets


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        *(("CN 100.00", "100.00"), ("CN100.00", "100.00"), ("100.00CN", "100.00"), ("100.00 CN", "100.00")),
        *(("YQ EXEMPT", "0"), ("YQEXEMPT", "0"), ("EXEMPT", "0"), ("EXEMPT YQ", "0"), ("exempt", "0"), ("免税", "0")),
        *(("C4 30.00", "30.00"), ("YQ CNY 60.00", "60.00"), ("CNY 60.00", "60.00"), ("60.00", "60.00")),
        *(("CN 50.00 YQ 30.00", None), ("XXXX", None), ("PD 50.00 CNY PD", None), ("ABC 50.00", None), ("", None)),
    ],
)
def test_a_tax_of_an_air_ticket_may_have_its_code_beside_it(text: str, wanted: str | None) -> None:
    assert typed(text, "amount", taxed=True) == wanted
    if wanted in ("0", "100.00", "30.00"):
        assert typed(text, "amount") is None


@pytest.mark.parametrize(("total", "passed"), [("CNY 2440.00", True), ("CNY 2540.00", False)])
def test_the_total_of_an_itinerary_is_checked_with_its_taxes(total: str, passed: bool) -> None:
    itinerary = {"fare": "CNY 2340.00", "caac_development_fund": "CN 100.00", "fuel_surcharge": "YQ EXEMPT"}
    found = read("flight-itinerary", {**itinerary, "other_taxes": "", "total": total})
    assert [check.passed for check in found.checks if check.rule == "total"] == [passed]
    assert {f.name: (f.typed, f.currency) for f in found.fields if f.name in itinerary} == {
        "fare": ("2340.00", "CNY"),
        "caac_development_fund": ("100.00", "CNY"),
        "fuel_surcharge": ("0", "CNY"),
    }


# Dates with a time


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        *(("2017年12月12日20:39", "2017-12-12T20:39"), ("2017年12月12日 20:39", "2017-12-12T20:39")),
        *(("2017年12月12日20:39开", "2017-12-12T20:39"), ("2017 年 12 月 12 日 20：39 开", "2017-12-12T20:39")),
        *(("2017-12-12 20:39", "2017-12-12T20:39"), ("2017-12-12T20:39:05", "2017-12-12T20:39:05")),
        *(("2017/12/2 8:05:09", "2017-12-02T08:05:09"), ("２０１７．１２．１２　２０：３９", "2017-12-12T20:39")),
        *(("2017年12月12日20时39分", "2017-12-12T20:39"), ("2017年12月12日20时39分05秒", "2017-12-12T20:39:05")),
        *(("20171212 20:39", "2017-12-12T20:39"), ("12 Dec 2017 20:39", "2017-12-12T20:39")),
        *(("2017-12-1220:39", None), ("2017年12月12日", None), ("20:39", None), ("2017年12月12日24:00", None)),
        *(("2017年12月12日20:60", None), ("2017年13月12日20:39", None), ("03/04/2017 20:39", None), ("", None)),
        *(("2017-12-12 20:39 25:00", None), ("2017-12-12 20", None)),
    ],
)
def test_a_date_with_a_time(text: str, wanted: str | None) -> None:
    assert typed(text, "datetime") == wanted
    assert typed(text, "date") is None or wanted is None


@given(st.datetimes(datetime(1800, 1, 1), datetime(2199, 12, 31)))
def test_every_moment_is_read_in_every_form(moment: datetime) -> None:
    for form in ("%Y-%m-%d %H:%M:%S", "%Y年%m月%d日%H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S"):
        assert typed(moment.strftime(form), "datetime") == moment.isoformat(timespec="seconds")


def test_the_departure_of_a_train_is_a_date_and_a_time() -> None:
    found = read("train-ticket", {"departure_time": "2017年12月12日20:39"})
    assert [(field.type, field.typed) for field in found.fields] == [("datetime", "2017-12-12T20:39")]
