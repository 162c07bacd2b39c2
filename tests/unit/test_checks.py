"""Checks: what agrees passes, a single changed digit does not, and nothing that was recognized is ever changed."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from legible import catalog
from legible.checks import RULES, amounts, checked, mrz, numbers, plates, rules
from legible.checks.seen import Seen, UnclearError, Values
from legible.fields import extract
from legible.model import Check, Extract, Field

GOLDENS = Path(__file__).resolve().parent.parent / "catalog"
DIGITS = "0123456789"


def read(slug: str, result: Any) -> Extract:
    """Check one page of a result."""
    operation = catalog.find(slug)
    return checked(operation, extract(operation, [(1, json.dumps({"result": result}).encode())]))


def judged(rule: str, **texts: str) -> str | None:
    """Return what a rule says of values by role; ``unclear`` where it cannot say."""
    try:
        return RULES[rule](Values({role: Seen(role, text) for role, text in texts.items()}))
    except UnclearError:
        return "unclear"


def of(found: Extract, rule: str) -> list[Check]:
    return [check for check in found.checks if check.rule == rule]


# Every rule of the table


def test_every_rule_names_values_that_its_operation_has() -> None:
    for slug, given_rules in rules().items():
        paths = {field.path for field in catalog.find(slug).fields}
        for rule in given_rules:
            assert rule.rule in RULES
            for at in rule.at:
                base = (f"{at}." if at else "") + (f"{rule.rows}[]." if rule.rows and not rule.column else "")
                assert {f"{base}{path}" for path in rule.fields.values()} <= paths, (slug, rule.rule)
            if rule.column:
                assert f"{rule.rows}[].{rule.column}" in paths


def test_every_rule_is_used_and_says_where_it_is_written_down() -> None:
    assert {rule.rule for found in rules().values() for rule in found} == set(RULES)
    assert all(judge.__doc__ and judge.__doc__.count("\n") == 0 for judge in RULES.values())


@pytest.mark.parametrize("slug", sorted(path.parent.name for path in GOLDENS.glob("*/answer.json")))
def test_a_recorded_answer_agrees_with_itself(slug: str) -> None:
    operation = catalog.find(slug)
    found = checked(operation, extract(operation, [(1, (GOLDENS / slug / "answer.json").read_bytes())]))
    assert [(check.rule, check.fields, check.message) for check in found.checks if not check.passed] == []


_TEXTS = st.text(max_size=30) | st.text(DIGITS + "X-/() .*元圆整零壹拾万<", max_size=44)


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_no_text_makes_a_rule_fail_and_no_value_is_changed(data: st.DataObject) -> None:
    slug = data.draw(st.sampled_from(sorted(rules())))
    names = sorted(
        {
            (f"{at}." if at else "").replace("[]", "[0]") + path
            for rule in rules()[slug]
            if not rule.rows
            for at in rule.at
            for path in rule.fields.values()
        }
    )
    before = tuple(Field(name, name, data.draw(_TEXTS)) for name in names)
    after = checked(catalog.find(slug), Extract(fields=before))
    assert tuple(structs.replace(field, findings=()) for field in after.fields) == before


# Check digits

BIRTHS = st.dates(date(1900, 1, 1), date(2025, 12, 31))


@st.composite
def china_ids(draw: st.DrawFn) -> str:
    stem = draw(st.from_regex(r"[1-6][0-9]{5}", fullmatch=True)) + draw(BIRTHS).strftime("%Y%m%d")
    stem += draw(st.from_regex(r"[0-9]{3}", fullmatch=True))
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return stem + "10X98765432"[sum(int(d) * w for d, w in zip(stem, weights, strict=True)) % 11]


def changed(draw: st.DrawFn, text: str, letters: str = DIGITS) -> str:
    """Return the text with one of its digits another one."""
    places = [place for place, letter in enumerate(text) if letter in letters]
    place = draw(st.sampled_from(places))
    return (
        text[:place] + draw(st.sampled_from([digit for digit in letters if digit != text[place]])) + text[place + 1 :]
    )


@given(china_ids(), st.data())
def test_a_citizens_number(number: str, data: st.DataObject) -> None:
    assert judged("china-id-number", number=number) is None
    assert judged("china-id-number", number=changed(data.draw, number)) is not None


def test_a_citizens_number_that_is_another_or_covered_says_nothing() -> None:
    for number in ("A123456789", "11010119900307****", "110101900307123", ""):
        assert judged("china-id-number", number=number) == "unclear"


@pytest.mark.parametrize(
    ("number", "wanted"),
    [
        ("11010519491231002X", None),
        ("110105491231002", None),
        ("1101051949123100", "It has 16"),
        ("1101051949****002X", "unclear"),
    ],
)
def test_the_length_of_a_citizens_number(number: str, wanted: str | None) -> None:
    said = judged("china-id-number-length", number=number)
    assert said is None if wanted is None else str(said).startswith(wanted)


def test_birth_date_and_sex_stand_in_a_citizens_number() -> None:
    number = "11010519491231002X"
    assert judged("china-id-birth-date", number=number, birth="1949年12月31日") is None
    assert "1949-12-31" in str(judged("china-id-birth-date", number=number, birth="1949-12-30"))
    assert "says 1949-13-31" in str(judged("china-id-birth-date", number="11010519491331002X", birth="1949-12-30"))
    assert judged("china-id-birth-date", number=number, birth="nobody knows") == "unclear"
    assert judged("china-id-sex", number=number, sex="女") is None
    assert "female" in str(judged("china-id-sex", number=number, sex="男"))
    assert judged("china-id-sex", number=number, sex="?") == "unclear"


@st.composite
def hong_kong_ids(draw: st.DrawFn) -> str:
    letters, digits = (
        draw(st.from_regex(r"[A-Z]{1,2}", fullmatch=True)),
        draw(st.from_regex(r"[0-9]{6}", fullmatch=True)),
    )
    ranks = [36] * (2 - len(letters)) + [ord(letter) - 55 for letter in letters] + [int(digit) for digit in digits]
    rest = -sum(rank * weight for rank, weight in zip(ranks, range(9, 1, -1), strict=True)) % 11
    return f"{letters}{digits}({'A' if rest == 10 else rest})"


@given(hong_kong_ids(), st.data())
@example("A123456(3)", None)
def test_a_hong_kong_number(number: str, data: st.DataObject | None) -> None:
    assert judged("hong-kong-id-number", number=number) is None
    if data is not None:
        assert judged("hong-kong-id-number", number=changed(data.draw, number)) is not None


def test_a_hong_kong_number_of_another_form_says_nothing() -> None:
    assert judged("hong-kong-id-number", number="123") == "unclear"


@pytest.mark.parametrize(("number", "right"), [("1234567(8)", True), ("5/123456/7", True), ("123", False)])
def test_the_form_of_a_macao_number(number: str, right: bool) -> None:
    assert (judged("macao-id-number", number=number) is None) == right


@given(st.from_regex(r"[1-9][0-9]{11,17}", fullmatch=True), st.data())
def test_a_bank_cards_number(stem: str, data: st.DataObject) -> None:
    twice = [int(d) * (2 - place % 2) for place, d in enumerate(reversed(stem))]
    number = stem + str(-sum(value // 10 + value % 10 for value in twice) % 10)
    assert judged("bank-card-number", number=number) is None
    assert judged("bank-card-number", number=changed(data.draw, number)) is not None


def test_a_bank_cards_number_that_is_covered_says_nothing() -> None:
    assert judged("bank-card-number", number="6222 **** **** 1234") == "unclear"


_CODES = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@given(st.from_regex(r"91[0-9]{6}[0-9ABCDEFGHJKLMNPQRTUWXY]{9}", fullmatch=True), st.data())
def test_a_social_credit_code(stem: str, data: st.DataObject) -> None:
    code = stem + _CODES[-sum(_CODES.index(c) * pow(3, place, 31) for place, c in enumerate(stem)) % 31]
    assert judged("social-credit-code", code=code) is None
    assert judged("social-credit-code", code=changed(data.draw, code)) is not None
    assert judged("taxpayer-number", code=code) is None


def test_a_taxpayer_may_be_a_citizen_and_older_numbers_say_nothing() -> None:
    assert judged("taxpayer-number", code="11010519491231002X") is None
    assert judged("taxpayer-number", code="110105194912310") == "unclear"
    assert judged("taxpayer-number", code="110105194912310021") is not None


@given(st.from_regex(r"L[A-HJ-NPR-Z0-9]{16}", fullmatch=True), st.data())
def test_a_vehicle_identification_number(vin: str, data: st.DataObject) -> None:
    values = {
        **{d: int(d) for d in DIGITS},
        **dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", [*range(1, 9), *range(1, 6), 7, 9, *range(2, 10)], strict=True)),
    }
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    rest = sum(values[letter] * weight for letter, weight in zip(vin, weights, strict=True)) % 11
    vin = vin[:8] + "0123456789X"[rest] + vin[9:]
    assert judged("vin-check-digit", vin=vin) is None
    if any(letter in DIGITS for letter in vin):
        assert judged("vin-check-digit", vin=changed(data.draw, vin)) is not None


@pytest.mark.parametrize(
    ("vin", "form", "digit"),
    [
        ("WVWZZZ1JZXW000001", None, "unclear"),  # Europe has no check digit
        ("LSVAU2180N2183294X", "18 characters", "unclear"),
        ("LSVAU218ON2183294", "17 characters", "unclear"),
        ("LSV*************4", "unclear", "unclear"),
    ],
)
def test_the_form_of_a_vehicle_identification_number(vin: str, form: str | None, digit: str) -> None:
    said = judged("vin-form", vin=vin)
    assert said is None if form is None else str(said).startswith(form)
    assert judged("vin-check-digit", vin=vin) == digit


@given(st.from_regex(r"[1-8][0-9]{11}", fullmatch=True), st.data())
def test_a_thai_number(stem: str, data: st.DataObject) -> None:
    """The rule itself lets pass what changes only the third digit (its weight is 11), or 0 for 10 of its remainders."""
    rest = sum(int(d) * weight for d, weight in zip(stem, range(13, 1, -1), strict=True)) % 11
    number = stem + str((11 - rest) % 10)
    assert judged("thailand-id-number", number=number) is None
    other = changed(data.draw, number)
    shared = sum(int(d) * weight for d, weight in zip(other, range(13, 1, -1), strict=False)) % 11
    assert judged("thailand-id-number", number=other) is not None or {rest, shared} <= {0, 10} or rest == shared
    assert judged("thailand-id-number", number="12345") == "unclear"


@given(st.from_regex(r"[1-9][0-9]{6,7}", fullmatch=True), st.data())
def test_a_chilean_number(stem: str, data: st.DataObject) -> None:
    total = sum(int(d) * (2 + place % 6) for place, d in enumerate(reversed(stem)))
    number = f"{int(stem):,}".replace(",", ".") + "-" + "0K987654321"[total % 11]
    assert judged("chile-rut", number=number) is None
    assert judged("chile-rut", number=changed(data.draw, number)) is not None
    assert judged("chile-rut", number="12") == "unclear"


@given(st.from_regex(r"[0-9]{8}", fullmatch=True), st.data())
def test_a_peruvian_number(stem: str, data: st.DataObject) -> None:
    total = sum(int(d) * weight for d, weight in zip(stem, (3, 2, 7, 6, 5, 4, 3, 2), strict=True)) % 11
    number = f"{stem}-{'65432110987'[total]}"
    assert judged("peru-cui", number=number) is None
    other = changed(data.draw, number)
    after = sum(int(d) * weight for d, weight in zip(other, (3, 2, 7, 6, 5, 4, 3, 2), strict=False)) % 11
    assert judged("peru-cui", number=other) is not None or {total, after} == {5, 6}  # both are 1
    assert judged("peru-cui", number=stem) == "unclear"


@pytest.mark.parametrize(
    ("number", "birth", "sex", "wanted"),
    [
        ("001099012345", "1999-01-02", "Nam", None),
        ("001199012345", "1999-01-02", "Nữ", None),
        ("001304012345", "2004-01-02", "female", None),
        ("001099012345", "1998-01-02", "Nam", "The number says 1999"),
        ("001099012345", "1999-01-02", "Nữ", "The number says male"),
        ("001099012345", "1999-01-02", "", None),
        ("12345", "1999-01-02", "", "unclear"),
    ],
)
def test_a_vietnamese_number(number: str, birth: str, sex: str, wanted: str | None) -> None:
    said = judged("vietnam-id-number", number=number, birth=birth, sex=sex)
    assert said is None if wanted is None else str(said).startswith(wanted)


@pytest.mark.parametrize(
    ("number", "right"), [("12/ABCDEF(N)123456", True), ("15/ABCDEF(N)123456", False), ("12/ABC123456", False)]
)
def test_the_form_of_a_myanmar_number(number: str, right: bool) -> None:
    assert (judged("myanmar-nrc", number=number) is None) == right


# Machine-readable zones; the specimens are those of ICAO 9303, parts 4 to 6.

TD1 = ("I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<")
TD2 = ("I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6")
TD3 = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
LONG = ("I<UTOD23145890<7349<<<<<<<<<<<", "3407127M9507122UTO<<<<<<<<<<<2", "STEVENSON<<PETER<JOHN<<<<<<<<<")


def lines(zone: tuple[str, ...]) -> dict[str, str]:
    return {f"line{number}": line for number, line in enumerate(zone, 1)}


@pytest.mark.parametrize("zone", [TD1, TD2, TD3, LONG])
def test_the_specimens_agree(zone: tuple[str, ...]) -> None:
    assert judged("mrz-check-digits", **lines(zone)) is None


@given(st.sampled_from([TD1, TD2, TD3]), st.data())
def test_one_changed_digit_of_a_zone_is_caught(zone: tuple[str, ...], data: st.DataObject) -> None:
    checked_lines = list(zone)
    place = 0 if len(zone) == 3 and data.draw(st.booleans()) else 1
    checked_lines[place] = changed(data.draw, checked_lines[place])
    assert judged("mrz-check-digits", **lines(tuple(checked_lines))) is not None


def test_an_empty_personal_number_may_have_a_filler_for_its_digit() -> None:
    first, second = TD3
    bare = second[:28] + "<" * 14
    whole = bare[:10] + bare[13:20] + bare[21:42] + "<"
    assert judged("mrz-check-digits", **lines((first, f"{bare}<{mrz.check_digit(whole)}"))) is None


@pytest.mark.parametrize("zone", [("ABC", "DEF"), (TD3[0], TD3[1][:-1]), (TD3[0], "?" * 44), ()])
def test_what_is_no_zone_says_nothing(zone: tuple[str, ...]) -> None:
    assert judged("mrz-check-digits", **lines(zone)) == "unclear"


@pytest.mark.parametrize(
    ("rule", "value", "wanted"),
    [
        ("mrz-number", {"number": "D23145890"}, None),
        ("mrz-number", {"number": "D23145891"}, "The zone says D23145890"),
        ("mrz-birth-date", {"birth": "1974-08-12"}, None),
        ("mrz-birth-date", {"birth": "1974-08-13"}, "The zone says 740812"),
        ("mrz-expiry-date", {"expiry": "2012-04-15"}, None),
        ("mrz-expiry-date", {"expiry": "soon"}, "unclear"),
        ("mrz-sex", {"sex": "F"}, None),
        ("mrz-sex", {"sex": "male"}, "The zone says F"),
        ("mrz-sex", {"sex": "?"}, "unclear"),
        ("mrz-names", {"name": "Anna Maria Eriksson"}, None),
        ("mrz-names", {"name": "Eriksson", "name_given": "Anna Maria"}, None),
        ("mrz-names", {"name": "Anna Mary Eriksson"}, "The zone says ERIKSSON"),
        ("mrz-names", {"name": "Maria Berg"}, "The zone says ERIKSSON"),
        ("mrz-names", {"name": "安娜"}, "unclear"),
    ],
)
def test_printed_values_are_those_of_the_zone(rule: str, value: dict[str, str], wanted: str | None) -> None:
    said = judged(rule, **lines(TD1), **value)
    assert said is None if wanted is None else str(said).startswith(wanted)


def test_a_zone_without_a_date_says_nothing() -> None:
    unknown = (TD1[0], "<<<<<<0" + TD1[1][7:], TD1[2])
    assert judged("mrz-birth-date", **lines(unknown), birth="1974-08-12") == "unclear"


def test_a_number_that_stands_in_the_optional_part_is_the_printed_one_too() -> None:
    vietnam = ("IDVNM099012345" + mrz.check_digit("099012345") + "001099012345<<<", TD1[1], TD1[2])
    assert judged("mrz-number", **lines(vietnam), number="001099012345") is None
    assert judged("mrz-number", **lines(vietnam), number="099012345") is None


# Amounts

SMALL, LARGE = "零壹贰叁肆伍陆柒捌玖", ("仟", "佰", "拾", "")


def in_words(amount: Decimal) -> str:
    """Write an amount as invoices do."""
    yuan, cents = divmod(int(abs(amount) * 100), 100)
    text, pending = "", False
    for group, unit in ((yuan // 10**8, "亿"), (yuan // 10**4 % 10**4, "万"), (yuan % 10**4, "")):
        for digit, size in zip(f"{group:04d}", LARGE, strict=True):
            if digit == "0":
                pending = bool(text)
                continue
            text += ("零" if pending else "") + SMALL[int(digit)] + size
            pending = False
        text += unit if group else ""
    text = f"{text}圆" if text else ""
    jiao, fen = divmod(cents, 10)
    if not cents:
        return ("负" if amount < 0 else "") + (text or "零圆") + "整"
    text += f"{SMALL[jiao]}角" if jiao else ("零" if text else "")
    return ("负" if amount < 0 else "") + text + (f"{SMALL[fen]}分" if fen else "")


@given(st.decimals(Decimal("-99999999999.99"), Decimal("99999999999.99"), places=2))
@example(Decimal("10.00"))
@example(Decimal("100000.05"))
@example(Decimal("0.50"))
def test_an_amount_in_words_is_the_amount(amount: Decimal) -> None:
    assert amounts.words(in_words(amount)) == amount
    assert judged("amount-in-words", words=in_words(amount), figures=str(amount)) is None
    assert judged("amount-in-words", words=in_words(amount), figures=str(amount + 1)) is not None


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("壹佰壹拾叁圆整", "113"),
        ("⊗壹佰壹拾叁圆整", "113"),
        ("人民币（大写）壹拾元整", "10"),
        ("拾元整", "10"),
        ("壹万零伍佰元零叁分", "10500.03"),
        ("伍角", "0.5"),
        ("三百元", "300"),
        ("壹亿贰仟万元", "120000000"),
        ("一百", None),
        ("", None),
        ("ABC元", None),
        ("壹元Ａ角", None),
    ],
)
def test_amounts_as_forms_print_them(text: str, amount: str | None) -> None:
    assert amounts.words(text) == (None if amount is None else Decimal(amount))


def test_what_is_no_amount_says_nothing() -> None:
    assert judged("amount-in-words", words="on request", figures="1") == "unclear"
    assert judged("amount-in-words", words="壹元整", figures="one") == "unclear"
    assert judged("total", amount="1.00", total="1.00") == "unclear"
    assert judged("column-sum", sum="1.00") == "unclear"
    assert judged("amount-times-rate", amount="1", rate="exempt", tax="***") == "unclear"


INVOICE = {
    "subtotal_amount": "¥100.00",
    "subtotal_tax": "¥13.00",
    "total": "¥113.00",
    "total_in_words": "壹佰壹拾叁圆整",
    "item_list": [
        {"name": "Tea", "quantity": "3", "unit_price": "20", "amount": "60.00", "tax_rate": "13%", "tax": "7.80"},
        {"name": "Cups", "quantity": "1", "unit_price": "40", "amount": "40.00", "tax_rate": "13%", "tax": "5.20"},
    ],
}


def test_an_invoice_agrees_with_itself() -> None:
    found = read("vat-invoice", INVOICE)
    assert [check.rule for check in found.checks if not check.passed] == []
    assert {check.rule for check in found.checks} == {
        "total", "amount-in-words", "column-sum", "quantity-times-price", "amount-times-rate",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "rules_broken"),
    [
        ({"total": "¥114.00"}, {"total", "amount-in-words"}),
        ({"subtotal_tax": "¥12.00"}, {"total", "column-sum"}),
        ({"total_in_words": "壹佰壹拾肆圆整"}, {"amount-in-words"}),
    ],
)
def test_what_disagrees_on_an_invoice_is_found(change: dict[str, str], rules_broken: set[str]) -> None:
    found = read("vat-invoice", {**INVOICE, **change})
    assert {check.rule for check in found.checks if not check.passed} == rules_broken
    (name,) = change
    assert set(next(field for field in found.fields if field.name == name).findings) == rules_broken


def test_a_line_that_disagrees_is_found_in_its_cells() -> None:
    items = [{**INVOICE["item_list"][0], "quantity": "4"}, INVOICE["item_list"][1]]  # type: ignore[index]
    found = read("vat-invoice", {**INVOICE, "item_list": items})
    (check,) = [check for check in found.checks if not check.passed]
    assert (check.rule, check.message) == ("quantity-times-price", "Quantity times price is 80, the amount 60.00.")
    marked = [(cell.row, cell.text) for cell in found.tables[0].cells if cell.findings]
    assert marked == [(1, "4"), (1, "20"), (1, "60.00")]
    assert check.fields[0] == f"item_list#1,{[c.column for c in found.tables[0].cells if c.text == '4'][0]}"


def test_lines_of_one_page_of_several_need_not_make_the_sum() -> None:
    items = INVOICE["item_list"][:1]
    assert of(read("vat-invoice", {**INVOICE, "item_list": items}), "column-sum")[0].passed is False
    assert of(read("vat-invoice", {**INVOICE, "item_list": items, "total_pages": 2}), "column-sum") == []


# Dates and plates


@pytest.mark.parametrize(
    ("dates", "wanted"),
    [
        ({"birth": "1990-01-01", "issue": "2020-01-01", "expiry": "2030-01-01"}, None),
        ({"birth": "1990-01-01", "issue": "2020-01-01", "expiry": "2010-01-01"}, "The expiry 2010-01-01 is before"),
        ({"birth": "1990-01-01", "issue": "?", "expiry": "1980-01-01"}, "The expiry 1980-01-01 is before the birth"),
        ({"valid_from": "2020-01-01", "valid_to": "长期"}, "unclear"),
    ],
)
def test_dates_stand_in_their_order(dates: dict[str, str], wanted: str | None) -> None:
    said = judged("dates-in-order", **dates)
    assert said is None if wanted is None else str(said).startswith(wanted)


@pytest.mark.parametrize(
    "plate",
    [
        "京A12345",
        "京A·12345",
        "粤BD12345",
        "粤B12345D",
        "沪A1234警",
        "粤Z1234港",
        "使123456",
        "京A1234领",
        "WJ京1234A",
        "民航A1234",
    ],
)
def test_plates_of_mainland_china(plate: str) -> None:
    assert judged("china-plate", plate=plate) is None


@pytest.mark.parametrize("plate", ["京12345", "示A12345", "京AI2345", "京A123456789", "HK 1234"])
def test_what_is_no_plate_of_mainland_china(plate: str) -> None:
    assert judged("china-plate", plate=plate) is not None


def test_a_plate_that_is_covered_says_nothing() -> None:
    assert judged("china-plate", plate="京A***45") == "unclear"
    assert plates.china.__doc__ and numbers.china_id.__doc__


# Where documents stand inside others


def test_elements_and_sides_are_checked_each() -> None:
    side = {"number": "11010519491231002X", "birth": "1949-12-31", "sex": "男"}
    found = read("id-card", {"front": side})
    assert [check.fields for check in found.checks if not check.passed] == [("front.number", "front.sex")]
    people = [
        {"type": "member", "content": {"id_card_number": number}}
        for number in ("11010519491231002X", "110105194912310020")
    ]
    found = read("household-register", people)
    assert [(check.fields, check.passed) for check in of(found, "china-id-number")] == [
        (("[0].content.id_card_number",), True),
        (("[1].content.id_card_number",), False),
    ]


def test_a_document_inside_an_answer_is_checked_by_its_own_rules() -> None:
    answer = [
        {"type": "vat_invoice", "content": {**INVOICE, "total": "114.00"}},
        {"type": "no_such", "content": {"a": "b"}},
    ]
    found = read("auto-classification", answer)
    assert {check.rule for check in found.checks if not check.passed} == {"total", "amount-in-words"}
    assert all(name.startswith("[0].content.") for check in found.checks for name in check.fields)


def test_an_operation_without_rules_is_left_as_it_is() -> None:
    found = read("general-text", {"words_block_list": [{"words": "11010519491231002X"}]})
    assert found.checks == ()


def test_a_corrected_value_is_the_one_that_is_checked() -> None:
    from datetime import datetime, timezone

    from legible.correcting import corrected
    from legible.model import Correction

    operation = catalog.find("vat-invoice")
    body = json.dumps({"result": {**INVOICE, "total": "¥114.00"}}).encode()
    said = {"total": Correction("¥113.00", "Wang Fang", datetime(2026, 1, 1, tzinfo=timezone.utc))}
    found = checked(operation, corrected(operation, extract(operation, [(1, body)]), said))
    assert [check.rule for check in found.checks if not check.passed] == []
