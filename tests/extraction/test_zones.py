"""Zones by the standard, with whatever a state puts into their optional data: right ones have no finding."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from legible.extraction.checks import RULES, checked
from legible.extraction.checks.values import Seen, UnclearError, Values
from legible.extraction.fields import extract
from legible.model.records import Extract
from legible.operations import catalog

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
ALPHABET = "0123456789" + LETTERS
UNCLEAR = "unclear"
MRZ_RULES = tuple(rule for rule in RULES if rule.startswith("mrz-"))


def digit(text: str) -> str:
    """The check digit of ICAO 9303-3, 4.9, written anew: what is checked does not make its own tests."""
    return str(sum((7, 3, 1)[place % 3] * (0 if c == "<" else int(c, 36)) for place, c in enumerate(text)) % 10)


def signed(text: str) -> str:
    return text + digit(text)


@dataclass(frozen=True)
class Holder:
    """What a zone is made of; ``counted`` says whether the filler in the middle of a long number counts."""

    number: str
    optional: str
    second: str
    counted: bool
    kind: str = "I"
    state: str = "UTO"


def lines(zone: tuple[str, ...]) -> dict[str, str]:
    return {f"line{number}": line for number, line in enumerate(zone, 1)}


def numbered(holder: Holder, room: int) -> tuple[str, str]:
    """The ten places of the number, and the optional data of ``room`` characters behind it (ICAO 9303-5, note j)."""
    short, rest = holder.number[:9], holder.number[9:]
    if not rest:
        return signed(short.ljust(9, "<")), holder.optional[:room].ljust(room, "<")
    own = digit(f"{short}<{rest}" if holder.counted else short + rest)
    return f"{short}<", f"{rest}{own}<{holder.optional}"[:room].ljust(room, "<")


def td1(holder: Holder) -> tuple[str, ...]:
    number, optional = numbered(holder, 15)
    first = f"{holder.kind}D{holder.state.ljust(3, '<')}{number}{optional}"
    second = f"{signed('900102')}F{signed('300102')}UTO{holder.second[:11].ljust(11, '<')}"
    whole = digit(first[5:30] + second[:7] + second[8:15] + second[18:29])
    return first, second + whole, "DOE<<JO".ljust(30, "<")


def two(holder: Holder, width: int, room: int) -> tuple[str, str]:
    number, optional = numbered(holder, room)
    first = f"{holder.kind}<{holder.state.ljust(3, '<')}DOE<<JO".ljust(width, "<")
    return first, f"{number}UTO{signed('900102')}F{signed('300102')}{optional}"


def td2(holder: Holder) -> tuple[str, ...]:
    first, second = two(holder, 36, 7)
    return first, second + digit(second[:10] + second[13:20] + second[21:35])


def td3(holder: Holder) -> tuple[str, ...]:
    first, second = two(holder, 44, 14)
    second += digit(second[28:42])
    return f"P{first[1:]}", second + digit(second[:10] + second[13:20] + second[21:43])


def mrv_a(holder: Holder) -> tuple[str, ...]:
    first, second = two(holder, 44, 16)
    return f"V{first[1:]}", second


def mrv_b(holder: Holder) -> tuple[str, ...]:
    first, second = two(holder, 36, 8)
    return f"V{first[1:]}", second


LONG = {"TD1": td1, "TD2": td2}  # the others have no room for a number longer than nine characters
FORMATS = LONG | {"TD3": td3, "MRV-A": mrv_a, "MRV-B": mrv_b}


def holders(longest: int) -> st.SearchStrategy[Holder]:
    return st.builds(
        Holder,
        number=st.text(ALPHABET, min_size=1, max_size=longest),
        optional=st.text(ALPHABET + "<", max_size=16),
        second=st.text(ALPHABET + "<", max_size=11),
        counted=st.booleans(),
    )


def judged(rule: str, **texts: str) -> str | None:
    try:
        return RULES[rule](Values({role: Seen(role, text) for role, text in texts.items()}))
    except UnclearError:
        return UNCLEAR


def findings(zone: tuple[str, ...], **printed: str) -> list[str]:
    return [rule for rule in MRZ_RULES if judged(rule, **lines(zone), **printed) not in (None, UNCLEAR)]


PRINTED = {"birth": "1990-01-02", "expiry": "2030-01-02", "sex": "F", "nationality": "UTO", "name": "Jo Doe"}


@given(st.sampled_from(sorted(FORMATS)).flatmap(lambda kind: st.tuples(st.just(kind), holders(9))))
def test_a_zone_by_the_standard_has_no_finding_whatever_its_optional_data(made: tuple[str, Holder]) -> None:
    kind, holder = made
    assert findings(FORMATS[kind](holder), number=holder.number, **PRINTED) == []


@given(kind=st.sampled_from(["TD1", "TD2"]), holder=holders(14))
def test_a_long_number_has_no_finding_with_whatever_stands_behind_its_digit(kind: str, holder: Holder) -> None:
    assume(len(holder.number) <= {"TD1": 23, "TD2": 15}[kind])
    assert findings(FORMATS[kind](holder), number=holder.number, **PRINTED) == []


#: Where each format has characters that a check digit covers, by line.
COVERED = {
    "TD1": [(0, place) for place in range(5, 30)] + [(1, p) for p in (*range(7), *range(8, 15), *range(18, 30))],
    "TD2": [(1, p) for p in (*range(10), *range(13, 20), *range(21, 36))],
    "TD3": [(1, p) for p in (*range(10), *range(13, 20), *range(21, 44))],
    "MRV-A": [(1, p) for p in (*range(10), *range(13, 20), *range(21, 28))],
    "MRV-B": [(1, p) for p in (*range(10), *range(13, 20), *range(21, 28))],
}


@given(data=st.data(), kind=st.sampled_from(sorted(FORMATS)))
def test_one_other_character_is_a_finding_wherever_a_check_digit_covers_it(data: Any, kind: str) -> None:
    zone = FORMATS[kind](data.draw(holders(13 if kind in LONG else 9)))
    line, place = data.draw(st.sampled_from(COVERED[kind]))
    letter = data.draw(st.sampled_from(ALPHABET + "<"))
    worth = [0 if c == "<" else int(c, 36) for c in (letter, zone[line][place])]
    # A check digit is blind to characters whose values are ten apart (ICAO 9303-3, 4.9).
    assume((worth[0] - worth[1]) % 10)
    changed = tuple(f"{t[:place]}{letter}{t[place + 1 :]}" if n == line else t for n, t in enumerate(zone))

    assert judged("mrz-check-digits", **lines(changed)) is not None


@pytest.mark.parametrize(
    ("first", "number"),
    [
        # numbers of invented people, in the form that each state gives its cards
        ("IDKHM123456789<0122<ABC12<<<<<", "123456789012"),  # a long number, and data of the state behind it
        ("IDBEL000590111<2227<<<<<<<<<<<", "000590111222"),
        ("IDVNM1950123452079195012345<<2", "079195012345"),  # the whole number and its own digit beside nine of it
        ("IDVNM1950123452079195012345<<2", "195012345"),
        ("IDESTAA00000024<38001085718<<<", "AA0000002"),  # a personal code
        ("INCHLA012345673<<<<<<<<<<<<<<<", "A01234567"),
        ("I<PER12345678<8<<<<<<<<<<<<<<<", "12345678-9"),  # a digit of the state's own behind the printed number
        ("IDKGZAN12345672<21234567890123", "AN1234567"),
    ],
)
def test_what_a_state_puts_beside_its_number_is_no_finding(first: str, number: str) -> None:
    zone = td1(Holder("A", "", "", False))
    assert judged("mrz-number", **lines((first, *zone[1:])), number=number) is None
    wrong = number[:3] + str((int(number[3]) + 1) % 10) + number[4:]
    assert judged("mrz-number", **lines((first, *zone[1:])), number=wrong) not in (None, UNCLEAR)


def test_belgium_counted_the_filler_in_the_middle_of_a_long_number_and_later_did_not() -> None:
    for counted in (True, False):
        zone = td1(Holder("000590448301", "", "85010100200", counted, state="BEL"))
        assert zone[0].startswith("IDBEL000590448<301" + ("6" if counted else "2"))
        assert findings(zone, number="000590448301") == []
    for other in "01345789":  # and no third way
        assert judged("mrz-check-digits", **lines((f"{zone[0][:18]}{other}{zone[0][19:]}", *zone[1:])))


def test_a_french_card_of_before_2021_has_the_size_of_td2_and_is_not_judged_as_one() -> None:
    first = f"IDFRADUVAL{'<' * 20}952042"
    second = "0509952018746NICOLE<<PAULE<8206152F3"
    assert (len(first), len(second)) == (36, 36)
    for rule in MRZ_RULES:
        assert judged(rule, line1=first, line2=second, number="050995201874", **PRINTED) == UNCLEAR


def test_a_visa_has_no_check_digit_of_the_whole() -> None:
    zone = mrv_a(Holder("L8988901C", "6ZE184226B", "", False))
    assert zone[1][28:] == "6ZE184226B<<<<<<"
    assert findings(zone, number="L8988901C", **PRINTED) == []


@pytest.mark.parametrize(
    ("names", "printed", "agree"),
    [
        ("VERMEULEN<<MARIA<<LUISE<ANNA", "VERMEULEN MARIA LUISE ANNA", True),
        ("VERMEULEN<<MARIA<<LUISE<ANNA", "Maria Luise Anna Vermeulen", True),
        ("VERMEULEN<<MARIA<<LUISE<ANNA", "VERMEULEN MARIA", False),
        ("VERMEULEN<<MARIA<<LUISE<ANNA", "VERMEULEN MARIA LUISE", False),
        ("VERMEULEN<<<MARIA", "VERMEULEN MARIA", True),
    ],
)
def test_names_behind_a_second_double_filler_are_names(names: str, printed: str, agree: bool) -> None:
    first = f"P<UTO{names}".ljust(44, "<")
    zone = (first, td3(Holder("L89890123", "", "", False))[1])
    assert (judged("mrz-names", **lines(zone), name=printed) is None) == agree


# Passports


def read(result: Any) -> Extract:
    operation = catalog.find("passport")
    return checked(operation, extract(operation, [(1, json.dumps({"result": result}).encode())]))


#: As the vendor's page shows a foreign passport: blanks inside a line, and no nationality.
FOREIGN = {
    "country_code": "UTO",
    "surname": "MOREAU",
    "given_name": "ELISE MARTHE ",
    "passport_number": "EP1234567",
    "date_of_birth": "1985-09-18",
    "sex": "F",
    "date_of_expiry": "2032-01-15",
    "machine_code": "P<UTOMOREAU<< ELISE <MARTHE<<<<<<<<<<<<<<<<<<<",
    "machine_code2": "EP12345671UTO8509185F3201152<<<<<<<<<<<<<<08",
    "extra_info": {},
}


def test_the_two_lines_of_a_foreign_passport_are_checked() -> None:
    found = read(FOREIGN)
    assert {check.rule for check in found.checks if check.rule.startswith("mrz")} == {
        "mrz-check-digits", "mrz-number", "mrz-birth-date", "mrz-expiry-date", "mrz-sex", "mrz-names",
    }  # fmt: skip
    assert [check.message for check in found.checks if not check.passed] == []
    labels = {field.name: (field.label, field.label_zh) for field in found.fields}
    assert labels["machine_code"] == ("MRZ line 1", "机读码第一行")
    assert labels["machine_code2"] == ("MRZ line 2", "机读码第二行")


@pytest.mark.parametrize(
    ("change", "rule", "marked"),
    [
        ({"machine_code2": "EP12345671UTO8509185F3201152<<<<<<<<<<<<<<09"}, "mrz-check-digits", "machine_code2"),
        ({"passport_number": "EP1234568"}, "mrz-number", "passport_number"),
        ({"date_of_birth": "1985-09-19"}, "mrz-birth-date", "date_of_birth"),
        ({"date_of_expiry": "2032-01-16"}, "mrz-expiry-date", "date_of_expiry"),
        ({"sex": "M"}, "mrz-sex", "sex"),
        ({"nationality": "FRA"}, "mrz-nationality", "nationality"),
        ({"given_name": "ELIAS MARTHE"}, "mrz-names", "given_name"),
    ],
)
def test_what_disagrees_with_the_zone_of_a_passport_is_found(change: dict[str, str], rule: str, marked: str) -> None:
    found = read({**FOREIGN, **change})
    assert [check.rule for check in found.checks if not check.passed] == [rule]
    assert rule in next(field for field in found.fields if field.name == marked).findings


def test_a_passport_without_a_zone_is_not_checked_against_one() -> None:
    found = read({key: value for key, value in FOREIGN.items() if not key.startswith("machine")})
    assert not any(check.rule.startswith("mrz") for check in found.checks)


def test_what_a_chinese_passport_prints_in_chinese_has_labels_in_both_languages() -> None:
    local = {"name": "林若溪", "sex": "女", "place_of_birth": "云川", "place_of_issue": "云川",
             "issuing_authority": "云川市出入境管理局", "nationality": "中国"}  # fmt: skip
    found = read({"passport_type": "P", "extra_info": {"local_language": local}})
    assert {(field.label, field.label_zh) for field in found.fields if "local" in field.name} == {
        ("Local language: Name", "本国文字: 姓名"),
        ("Local language: Sex", "本国文字: 性别"),
        ("Local language: Place of birth", "本国文字: 出生地"),
        ("Local language: Place of issue", "本国文字: 签发地点"),
        ("Local language: Issuing authority", "本国文字: 签发机关"),
        ("Local language: Nationality", "本国文字: 国籍"),
    }
    assert found.notes == ()
    assert next(field for field in found.fields if field.name.endswith("local_language.sex")).typed == "female"
