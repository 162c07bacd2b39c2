"""The machine readable zone: what is valid is read back, what was altered is refused or set right, nothing else."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from localcloud.engine.glyphs import Glyph
from localcloud.engine.mrz import birth_date, check_digit, expiry_date
from localcloud.engine.mrz_parsing import fits, parse, parse_text
from tests.localcloud.engine.zones import BUILDERS, LETTERS, Person, people, td1, td3

#: A busy machine is no failure.
unhurried = settings(deadline=None)

CHARSET = "0123456789" + LETTERS + "<"
#: The specimen printed in ICAO 9303 part 4.
ICAO = ("P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10")
#: Where a passport's second row holds check digits, and what each of them covers.
CHECKED = [*range(0, 10), *range(13, 20), *range(21, 44)]


@pytest.mark.parametrize(("text", "digit"), [("520727", "3"), ("AB2134<<<", "5"), ("L898902C3", "6"), ("<<<<", "0")])
def test_check_digit_is_that_of_icao_9303(text: str, digit: str) -> None:
    assert check_digit(text) == digit


def test_reads_the_specimen_of_icao_9303() -> None:
    zone = parse_text(*ICAO)

    assert zone is not None
    assert zone.failures() == ()
    assert zone.names == ("ERIKSSON", "ANNA MARIA")
    assert [zone.value(name) for name in ("number", "state", "nationality", "sex")] == ["L898902C3", "UTO", "UTO", "F"]
    assert (birth_date(zone.raw("birth"), date(2026, 1, 1)), expiry_date(zone.raw("expiry"))) == (
        "1974-08-12",
        "2012-04-15",
    )


@unhurried
@given(person=people(), kind=st.sampled_from(sorted(BUILDERS)))
def test_reads_back_every_valid_zone(person: Person, kind: str) -> None:
    zone = parse_text(*BUILDERS[kind](person))

    assert zone is not None
    assert zone.format.name == kind
    assert zone.failures() == ()
    assert zone.lines == BUILDERS[kind](person)
    assert zone.value("number") == person.number
    assert (zone.value("state"), zone.value("nationality")) == (person.state, person.nationality)
    assert birth_date(zone.raw("birth"), date(2026, 1, 1)) == person.birth.isoformat()
    assert expiry_date(zone.raw("expiry")) == person.expiry.isoformat()


@unhurried
@given(person=people(), place=st.sampled_from(CHECKED), character=st.sampled_from(CHARSET))
def test_one_altered_character_is_refused_or_set_right(person: Person, place: int, character: str) -> None:
    names, data = td3(person)
    altered = data[:place] + character + data[place + 1 :]
    # Check digits cannot tell characters whose values differ by a multiple of ten (0 and A, for one).
    assume((value(character) - value(data[place])) % 10)

    zone = parse_text(names, altered)

    assert zone is None or zone.failures() or zone.lines == (names, data)


def value(character: str) -> int:
    return 0 if character == "<" else int(character, 36)


@unhurried
@given(people())
def test_letters_and_digits_are_told_apart_by_their_place(person: Person) -> None:
    names, data = td3(person)
    mistaken = data[:13] + data[13:20].replace("0", "O").replace("1", "I") + data[20:]

    zone = parse_text(names.replace("O", "0").replace("I", "1"), mistaken)

    assert zone is not None
    assert zone.lines == (names, data)


@unhurried
@given(person=people(), lost=st.integers(1, 4))
def test_lost_fillers_are_put_back(person: Person, lost: int) -> None:
    names, data = td3(person)
    assume(names.endswith("<" * (lost + 1)) and "<" * (lost + 1) in data[28:42])
    run = data.index("<" * (lost + 1), 28)

    zone = parse_text(names[:-lost], data[:run] + data[run + lost :])

    assert zone is not None
    assert zone.lines == (names, data)


def test_a_number_longer_than_nine_characters_goes_on_in_the_optional_data() -> None:
    # GIVEN the layout ICAO 9303 part 5 gives for long numbers: D23145890<734 7 as digit
    first = "I<UTOD23145890<7349<<<<<<<<<<<"
    second = "3407127M9507122UTO<<<<<<<<<<<"
    second += check_digit(first[5:30] + second[0:7] + second[8:15] + second[18:29])

    zone = parse_text(first, second, "STEVENSON<<PETER<JOHN<<<<<<<<<")

    assert zone is not None
    assert zone.failures() == ()
    assert zone.value("number") == "D23145890734"


def rows(*lines: str, **possible: tuple[int, str, float]) -> list[list[Glyph]]:
    """Rows of certain glyphs, but for the second row's places named: the model held something else possible there."""
    glyphs = [[Glyph(c, 0.99, place, ((c, 0.99),)) for place, c in enumerate(line)] for line in lines]
    for place, character, probability in possible.values():
        glyph = glyphs[1][place]
        glyphs[1][place] = Glyph(glyph.character, 0.99, place, ((glyph.character, 0.99), (character, probability)))
    return glyphs


def test_a_repair_takes_what_the_model_held_possible() -> None:
    # GIVEN a digit read wrong, with the right one as second guess
    data = "L898902C36UTO7408122F1204159ZE184226B<<<<<10".replace("L898", "L893")

    zone = parse(rows(ICAO[0], data, right=(3, "8", 0.01)))

    assert zone is not None
    assert zone.lines == ICAO
    assert zone.certainty("number") == 0.01


def test_a_repair_never_takes_what_the_model_did_not_hold_possible() -> None:
    data = ICAO[1].replace("L898", "L893")

    zone = parse(rows(ICAO[0], data, right=(3, "8", 1e-6)))

    assert zone is not None
    assert "number_digit" in zone.failures()


def test_an_ambiguous_repair_is_left_alone() -> None:
    # GIVEN two replacements that would each mend the check digit: 3 -> 8 at place 3, and C -> H at place 7
    data = ICAO[1].replace("L898", "L893")

    zone = parse(rows(ICAO[0], data, right=(3, "8", 0.01), wrong=(7, "H", 0.01)))

    assert zone is not None
    assert "number_digit" in zone.failures()


def test_the_printed_number_decides_where_check_digits_are_blind() -> None:
    # GIVEN a zone with 8 where S is printed: both agree with the check digit
    names, data = td3(Person("UTO", "UTO", "AB12S4567", date(1990, 1, 2), date(2030, 1, 2), "F", "DOE", "JO", ""))
    read = rows(names, data.replace("AB12S", "AB128"), right=(4, "S", 0.2))

    alone, beside_print = parse(read), parse(read, frozenset({"AB12S4567"}))

    assert alone is not None
    assert alone.value("number") == "AB1284567"
    assert beside_print is not None
    assert beside_print.value("number") == "AB12S4567"


def test_a_state_no_one_has_becomes_the_documents_other_code() -> None:
    person = Person("GBR", "GBR", "123456789", date(1990, 1, 2), date(2030, 1, 2), "F", "DOE", "JO", "")
    names, data = td3(person)

    zone = parse_text(names.replace("GBR", "GBB"), data)

    assert zone is not None
    assert zone.value("state") == "GBR"
    assert zone.certainty("state") == 0


def test_stray_letters_behind_the_names_are_dropped() -> None:
    names, data = ICAO
    seen = frozenset({"ERIKSSON", "ANNA", "MARIA"})

    behind_fillers = parse([[Glyph(c) for c in names[:40] + "K" + names[41:]], [Glyph(c) for c in data]])
    behind_name = parse([[Glyph(c) for c in names.replace("MARIA<<", "MARIA<K")], [Glyph(c) for c in data]], seen)

    assert behind_fillers is not None
    assert behind_name is not None
    assert "K" in behind_fillers.lines[0]
    assert "K" in behind_name.lines[0]
    assert behind_fillers.names == behind_name.names == ("ERIKSSON", "ANNA MARIA")


@pytest.mark.parametrize(
    ("names", "surname", "given"),
    [
        ("VERMEULEN<<MARIA<<LUISE<ANNA", "VERMEULEN", "MARIA LUISE ANNA"),
        ("VERMEULEN<<MARIA<<LUISE<<ANNA", "VERMEULEN", "MARIA LUISE ANNA"),
        ("VAN<DEN<BERG<<MARIA<<LUISE", "VAN DEN BERG", "MARIA LUISE"),
        ("VERMEULEN<<<MARIA", "VERMEULEN", "MARIA"),
        ("VERMEULEN<<MARIA<<<<LUISE", "VERMEULEN", "MARIA LUISE"),
        ("VERMEULEN<<MARIA<<<K<<<CC<<", "VERMEULEN", "MARIA"),
        ("VERMEULEN<<MARIA<<<KKK<<<SSCCK", "VERMEULEN", "MARIA"),
        ("VERMEULEN<<<<<<K", "VERMEULEN", ""),
        ("VERMEULEN<<O", "VERMEULEN", "O"),
        ("VERMEULEN", "VERMEULEN", ""),
        ("", "", ""),
    ],
)
def test_names_behind_a_second_double_filler_are_names_and_the_row_stays_as_read(
    names: str, surname: str, given: str
) -> None:
    first = f"P<UTO{names}".ljust(44, "<")

    zone = parse_text(first, ICAO[1])

    assert zone is not None
    assert zone.names == (surname, given)
    assert zone.lines == (first, ICAO[1])


@pytest.mark.parametrize(("seen", "given"), [(frozenset({"MARIA", "JO"}), "MARIA JO"), (frozenset({"MARIA"}), "MARIA")])
def test_a_short_word_behind_a_second_double_filler_is_a_name_only_if_it_is_printed_too(
    seen: frozenset[str], given: str
) -> None:
    first = "P<UTOVERMEULEN<<MARIA<<JO".ljust(44, "<")

    zone = parse(rows(first, ICAO[1]), seen)

    assert zone is not None
    assert zone.names == ("VERMEULEN", given)
    assert zone.lines[0] == first


@pytest.mark.parametrize(
    ("field", "given_names"),
    [
        ("VERMEULEN<<MARIA<<LUISE<ANNA", "MARIA LUISE ANNA"),
        ("VERMEULEN<<MARIA<<LUISE<<ANNA", "MARIA LUISE ANNA"),
        ("VERMEULEN<<MARIA<<BO", "MARIA BO"),
        ("VERMEULEN<<<MARIA", "MARIA"),
        ("VERMEULEN<<MARIA<<<<<K<<<CC<<LLLL", "MARIA"),
        ("VERMEULEN", ""),
    ],
)
def test_given_names_behind_another_double_filler_are_names_and_the_lines_stay_as_they_are(
    field: str, given_names: str
) -> None:
    names = f"P<UTO{field}".ljust(44, "<")

    zone = parse([[Glyph(c) for c in names], [Glyph(c) for c in ICAO[1]]], frozenset({"VERMEULEN", "BO"}))

    assert zone is not None
    assert zone.names == ("VERMEULEN", given_names)
    assert zone.lines == (names, ICAO[1])


def test_a_character_read_twice_is_dropped_by_the_even_pitch() -> None:
    row = [Glyph(c, 0.9, float(place)) for place, c in enumerate("ABCDEFGH")]
    row.insert(4, Glyph("0", 0.3, 3.2))

    (fitted,) = fits(row, 8, is_names=False)

    assert "".join(glyph.character for glyph in fitted) == "ABCDEFGH"


@pytest.mark.parametrize(
    "lines",
    [(), ("", ""), ("HELLO", "WORLD"), ICAO[:1], (ICAO[0], ICAO[1][:30]), ("A" * 44, "B" * 44), ("P" * 44, "<" * 44)],
)
def test_what_is_no_zone_is_never_accepted(lines: tuple[str, ...]) -> None:
    zone = parse_text(*lines)

    assert zone is None or zone.failures()


@unhurried
@given(st.lists(st.text(CHARSET, min_size=20, max_size=52), min_size=1, max_size=4))
@example([*ICAO])
@example(["<" * 44] * 2)
@example(["0" * 30] * 3)
def test_whatever_rows_say_is_no_zone_or_has_the_shape_of_one_and_is_accepted_only_if_it_agrees(
    lines: list[str],
) -> None:
    zone = parse_text(*lines)

    lengths = {30: 3, 36: 2, 44: 2}
    if zone is None:
        assert tuple(lines) != ICAO
        return
    # it has the shape of its format, and as many rows as were read
    (length,) = {len(line) for line in zone.lines}
    assert lengths[length] == len(zone.lines) == len(lines)
    assert set("".join(zone.lines)) <= set(CHARSET)
    # it is accepted only if dates are dates and check digits those of ICAO 9303
    if not zone.failures():
        assert zone.raw("sex") in "MFX<"
        assert all(re.fullmatch("[0-9<]{6}", zone.raw(name)) for name in ("birth", "expiry"))
        assert zone.raw("birth_digit") == check_digit(zone.raw("birth"))
        assert zone.raw("expiry_digit") == check_digit(zone.raw("expiry"))
    # reading it again changes nothing
    again = parse_text(*zone.lines)
    assert again is not None
    assert (again.lines == zone.lines) or zone.failures()


def test_dates_keep_their_century() -> None:
    assert birth_date("260112", date(2026, 1, 12)) == "2026-01-12"
    assert birth_date("260113", date(2026, 1, 12)) == "1926-01-13"
    assert birth_date("7408<<", date(2026, 1, 12)) == ""
    assert expiry_date("991231") == "1999-12-31"
    assert expiry_date("310904") == "2031-09-04"


def test_a_date_that_does_not_exist_is_a_failure() -> None:
    names, data = td3(Person("UTO", "UTO", "AB1234567", date(1990, 1, 2), date(2030, 1, 2), "F", "DOE", "JO", ""))
    wrong = data[:13] + "900230" + check_digit("900230") + data[20:43]

    zone = parse_text(names, wrong + check_digit(wrong[0:10] + wrong[13:20] + wrong[21:43]))

    assert zone is not None
    assert zone.failures() == ("birth",)


def test_formats_are_told_apart() -> None:
    person = Person("KHM", "KHM", "090417253", date(1994, 3, 12), date(2033, 8, 11), "F", "SOKUN", "DARAVY", "")

    zone = parse_text(*td1(person))

    assert zone is not None
    assert zone.format.name == "TD1"
