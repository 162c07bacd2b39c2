"""Amounts in Chinese numerals: every amount that is written out is read back, and what nobody writes is none."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from legible.extraction.checks.numerals import amount

SMALL, LARGE = "零壹贰叁肆伍陆柒捌玖", ("仟", "佰", "拾", "")


def in_words(value: Decimal) -> str:
    """Write an amount as invoices do."""
    yuan, cents = divmod(int(abs(value) * 100), 100)
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
        return ("负" if value < 0 else "") + (text or "零圆") + "整"
    text += f"{SMALL[jiao]}角" if jiao else ("零" if text else "")
    return ("负" if value < 0 else "") + text + (f"{SMALL[fen]}分" if fen else "")


AMOUNTS = st.decimals(Decimal("-999999999999.99"), Decimal("999999999999.99"), places=2)


@given(AMOUNTS)
@example(Decimal("10.00"))
@example(Decimal("100000.05"))
@example(Decimal("100010001.00"))
@example(Decimal("70101000.00"))
@example(Decimal("0.50"))
def test_an_amount_that_is_written_out_is_read_back(value: Decimal) -> None:
    assert amount(in_words(value)) == value


@given(AMOUNTS.map(abs), st.data())
def test_another_numeral_is_another_amount_or_none(value: Decimal, data: st.DataObject) -> None:
    words = in_words(value)
    place = data.draw(st.sampled_from([place for place, letter in enumerate(words) if letter in SMALL[1:]] or [0]))
    other = data.draw(st.sampled_from([letter for letter in SMALL if letter != words[place]]))
    assert amount(words[:place] + other + words[place + 1 :]) != value


@given(st.text(SMALL + "拾佰仟万亿元圆角分整正负⊗（）零〇十百", max_size=90))
def test_no_text_is_too_odd(text: str) -> None:
    found = amount(text)
    assert found is None or found == found.quantize(Decimal("0.01"))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("壹佰壹拾叁圆整", "113"),
        ("⊗壹佰壹拾叁圆整", "113"),
        ("ⓧ壹佰壹拾叁元正", "113"),
        ("人民币（大写）壹拾元整", "10"),
        ("人民币：伍佰元整", "500"),
        ("拾元整", "10"),
        ("壹万零伍佰元零叁分", "10500.03"),
        ("壹拾贰万元整", "120000"),
        ("伍角", "0.5"),
        ("零元伍角整", "0.5"),
        ("伍圆零角贰分", "5.02"),
        ("三百元", "300"),
        ("參仟圓正", "3000"),
        ("叄萬貳仟陸佰圓", "32600"),
        ("〇万〇仟伍佰零拾零元零角零分", "500"),
        ("壹亿贰仟万元", "120000000"),
        ("壹万亿元整", "1000000000000"),
        ("（负数）壹佰圆整", "-100"),
        ("负伍角", "-0.5"),
        ("零圆整", "0"),
    ],
)
def test_amounts_as_forms_print_them(text: str, wanted: str) -> None:
    assert amount(text) == Decimal(wanted)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "整",
            "元",
            "元整",
            "一百",
            "ABC元",
            "壹元Ａ角",
            "5元",
            "壹贰叁元",
            "壹拾贰佰元",
            "壹佰贰佰元",
            "万元",
            "亿万元",
        ),
        *("壹亿万元", "壹元贰", "壹角贰元", "壹" + "亿" * 200 + "元"),
    ],
)
def test_what_nobody_writes_is_none(text: str) -> None:
    assert amount(text) is None


@pytest.mark.parametrize("text", ["零" * 80, "零仟" * 40, "亿" * 80, "(" * 80, "壹" * 10**6])
def test_a_hostile_text_is_none(text: str) -> None:
    assert amount(text) is None


def test_spaces_between_its_letters_are_passed_over():
    assert amount("壹 佰 元 整") == amount("壹佰元整") == 100
