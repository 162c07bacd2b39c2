"""Checks at their edges: each place of a zone, each letter that is spelt anew, the lengths on both sides of a limit."""

from __future__ import annotations

import pytest

from legible.extraction.checks import RULES, checked, mrz, rules_by_operation
from legible.extraction.checks.mrz import Checked, Zone
from legible.extraction.checks.rules import Rule
from legible.extraction.checks.values import Seen, UnclearError, Values
from legible.model.records import Cell, Extract, Field, Table
from legible.operations import catalog

# The specimens of ICAO 9303-4, -5 and -6, and the long number of 9303-5.
TD3 = ["P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<", "L898902C36UTO7408122F1204159ZE184226B<<<<<10"]
TD2 = ["I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<", "D231458907UTO7408122F1204159<<<<<<<6"]
TD1 = ["I<UTOD231458907<<<<<<<<<<<<<<<", "7408122F1204159UTO<<<<<<<<<<<6", "ERIKSSON<<ANNA<MARIA<<<<<<<<<<"]
LONG = ["I<UTOD23145890<7349<<<<<<<<<<<", "3407127M9507122UTO<<<<<<<<<<<2", "STEVENSON<<PETER<JOHN<<<<<<<<<"]
UNCLEAR = "unclear"


def judged(rule: str, **texts: str) -> str | None:
    """Return what a rule says of values by role; ``unclear`` where it cannot say."""
    try:
        return RULES[rule](Values({role: Seen(role, text) for role, text in texts.items()}))
    except UnclearError:
        return UNCLEAR


def lines(zone: list[str]) -> dict[str, str]:
    return {f"line{number}": line for number, line in enumerate(zone, 1)}


def with_at(zone: list[str], line: int, place: int, text: str) -> list[str]:
    """Return a zone with other characters at a place."""
    changed = list(zone)
    changed[line] = changed[line][:place] + text + changed[line][place + len(text) :]
    return changed


class TestPlacesInAZone:
    """ICAO 9303-4 to -6: what stands where."""

    def test_td3(self):
        assert mrz.zone(TD3) == Zone(
            "L898902C3",
            "740812",
            "F",
            "120415",
            "UTO",
            "ERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
            "",
            (
                Checked("document number", "6", ("L898902C3",)),
                Checked("date of birth", "2", ("740812",)),
                Checked("date of expiry", "9", ("120415",)),
                Checked("personal number", "1", ("ZE184226B<<<<<",)),
                Checked("whole", "0", ("L898902C36" + "7408122" + "1204159ZE184226B<<<<<1",)),
            ),
        )

    def test_td2(self):
        assert mrz.zone(TD2) == Zone(
            "D23145890",
            "740812",
            "F",
            "120415",
            "UTO",
            "ERIKSSON<<ANNA<MARIA<<<<<<<<<<<",
            "",
            (
                Checked("document number", "7", ("D23145890",)),
                Checked("date of birth", "2", ("740812",)),
                Checked("date of expiry", "9", ("120415",)),
                Checked("whole", "6", ("D231458907" + "7408122" + "1204159<<<<<<<",)),
            ),
        )

    def test_td1(self):
        assert mrz.zone(TD1) == Zone(
            "D23145890",
            "740812",
            "F",
            "120415",
            "UTO",
            "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
            "<<<<<<<<<<<<<<<",
            (
                Checked("document number", "7", ("D23145890",)),
                Checked("date of birth", "2", ("740812",)),
                Checked("date of expiry", "9", ("120415",)),
                Checked("whole", "6", ("D231458907<<<<<<<<<<<<<<<" + "7408122" + "1204159" + "<<<<<<<<<<<",)),
            ),
        )

    def test_a_number_that_is_longer_than_its_place_goes_on_in_the_optional_part(self):
        assert mrz.zone(LONG).number == "D23145890734"
        assert mrz.zone(LONG).checked[0] == Checked("document number", "9", ("D23145890734", "D23145890<734"))
        two = with_at(with_at(TD2, 1, 9, "<"), 1, 28, "7349<<<")
        assert mrz.zone(two).checked[0] == Checked("document number", "9", ("D23145890734", "D23145890<734"))

    @pytest.mark.parametrize(
        ("zone", "line", "number", "nation"), [(TD3, 1, 0, 10), (TD2, 1, 0, 10), (TD1, 0, 5, None)], ids=["3", "2", "1"]
    )
    def test_letters_at_the_end_are_no_fillers(self, zone, line, number, nation):
        read = mrz.zone(with_at(zone, line, number, "D2314589X"))
        assert read.number == "D2314589X"
        abroad = with_at(zone, 1, 15 if nation is None else nation, "UTX")
        assert mrz.zone(abroad).nationality == "UTX"

    @pytest.mark.parametrize("zone", [TD3, TD2, TD1, LONG])
    def test_every_specimen_agrees_with_itself(self, zone):
        assert judged("mrz-check-digits", **lines(zone)) is None

    @pytest.mark.parametrize(("zone", "places"), [(TD3, (0, 13, 21, 28, 43)), (TD2, (0, 13, 21, 35))])
    def test_one_other_digit_in_any_checked_place_is_seen(self, zone, places):
        for place in places:
            other = "8" if zone[1][place] == "7" else "7"
            assert judged("mrz-check-digits", **lines(with_at(zone, 1, place, other)))

    def test_what_does_not_fit_is_named(self):
        message = judged("mrz-check-digits", **lines(with_at(TD3, 1, 43, "1")))
        assert message == "The check digit does not fit: whole."
        message = judged("mrz-check-digits", **lines(with_at(TD1, 1, 29, "1")))
        assert message == "The check digit does not fit: whole."

    def test_short_values_have_no_filler(self):
        """Given Germany's nationality, D, and a number of six characters."""
        for zone, line, number, nation in ((TD3, 1, 0, 10), (TD2, 1, 0, 10)):
            short = with_at(with_at(zone, line, number, "L89890<<<"), line, nation, "D<<")
            assert (mrz.zone(short).number, mrz.zone(short).nationality) == ("L89890", "D")
        short = with_at(with_at(TD1, 0, 5, "L89890<<<"), 1, 15, "D<<")
        assert (mrz.zone(short).number, mrz.zone(short).nationality) == ("L89890", "D")

    @pytest.mark.parametrize(("zone", "line", "place"), [(TD3, 1, 10), (TD2, 1, 10), (TD1, 1, 15)])
    def test_an_unspecified_nationality_is_xxx(self, zone, line, place):
        """ICAO 9303-3, 5: XXX is a code, and its letters are no fillers."""
        assert mrz.zone(with_at(zone, line, place, "XXX")).nationality == "XXX"

    def test_an_empty_personal_number_may_have_a_filler_for_its_digit_and_a_given_one_may_not(self):
        def parts(personal: str) -> list[str]:
            return [part.name for part in mrz.zone(with_at(TD3, 1, 28, personal)).checked]

        assert "personal number" not in parts("<" * 15)
        assert "personal number" in parts("<" * 14 + "0")
        assert "personal number" in parts("ZE184226B<<<<<<")
        assert "personal number" in parts("ZE184226B<<<<<1")
        assert mrz.check_digit("<" * 14) == "0"

    @pytest.mark.parametrize("zone", [TD3[:1], TD1[:2], [TD3[0], TD2[1]], [line[:-1] for line in TD3], []])
    def test_another_size_is_not_judged(self, zone):
        assert judged("mrz-check-digits", **lines(zone)) == UNCLEAR

    def test_a_letter_that_zones_have_not_is_not_judged(self):
        assert judged("mrz-check-digits", **lines(with_at(TD3, 1, 0, "É"))) == UNCLEAR

    @pytest.mark.parametrize(
        ("text", "digit"), [("<", "0"), ("A", "0"), ("B", "7"), ("Z", "5"), ("9", "3"), ("00A", "0")]
    )
    def test_letters_count_from_ten(self, text, digit):
        assert mrz.check_digit(text) == digit


class TestPrintedNumbers:
    def test_the_optional_part_of_three_lines_may_be_the_number_and_of_two_may_not(self):
        zone = with_at(TD1, 0, 15, "034012345678<<<")
        assert judged("mrz-number", number="034012345678", **lines(zone)) is None
        assert judged("mrz-number", number="034012345679", **lines(zone)) is not None
        for two in (TD3, TD2):
            name = two[0][15:30].replace("<", "")
            assert judged("mrz-number", number=name, **lines(two)) is not None

    def test_nothing_printed_that_counts_is_not_judged(self):
        assert judged("mrz-number", number="-", **lines(TD3)) == UNCLEAR
        assert judged("mrz-number", number="护照", **lines(TD3)) == UNCLEAR


LETTERS = [
    *(("Đ", "D"), ("Ð", "D"), ("Ł", "L"), ("Ħ", "H"), ("Ŧ", "T"), ("Ø", "OE"), ("Ø", "O"), ("Æ", "AE"), ("Œ", "OE")),
    *(("ẞ", "SS"), ("ß", "SS"), ("Þ", "TH"), ("İ", "I"), ("Ä", "AE"), ("Ä", "A"), ("Å", "AA"), ("Å", "A")),
    *(("Ö", "OE"), ("Ö", "O"), ("Ü", "UE"), ("Ü", "U"), ("Ñ", "NXX"), ("Ñ", "N"), ("É", "E"), ("Č", "C")),
    *(("'", ""), ("’", ""), ("‘", ""), ("ʼ", ""), ("ʹ", ""), ("´", ""), ("`", "")),
]


class TestNames:
    """ICAO 9303-3, section 6: which letters a zone writes for those that it has not."""

    def zone(self, names: str) -> dict[str, str]:
        return lines([("P<UTO" + names).ljust(44, "<"), TD3[1]])

    @pytest.mark.parametrize(("letter", "spelt"), LETTERS)
    def test_a_letter_is_spelt_as_the_standard_says(self, letter, spelt):
        assert judged("mrz-names", name=f"B{letter}K", **self.zone(f"B{spelt}K")) is None
        assert judged("mrz-names", name=f"B{letter}K", **self.zone(f"B{spelt}QK"))

    def test_a_name_that_fills_its_line_may_be_cut_and_another_may_not(self):
        printed = "NILAVADHANANANDA CHAYAPA DEJTHAMRONG KRASUANG"
        full = ("P<UTO" + "NILAVADHANANANDA<<CHAYAPA<DEJTHAMRONG<KRASUANG")[:44]
        assert judged("mrz-names", name=printed, **lines([full, TD3[1]])) is None
        assert judged("mrz-names", name=printed, **self.zone("NILAVADHANANANDA<<CHAYAPA<DEJ"))

    @pytest.mark.parametrize("name", ["安娜", "123", "-"])
    def test_what_has_no_latin_letters_is_not_judged(self, name):
        assert judged("mrz-names", name=name, **lines(TD3)) == UNCLEAR

    def test_a_zone_without_names_is_not_judged(self):
        assert judged("mrz-names", name="ANNA", **self.zone("")) == UNCLEAR


class TestLengths:
    @pytest.mark.parametrize(
        ("first", "right", "said"),
        [
            ("62", (16, 17, 18, 19), "16 to 19"),
            ("4", (13, 16, 19), "13, 16 or 19"),
            ("51", (16,), "16"),
            ("55", (16,), "16"),
            ("2221", (16,), "16"),
            ("2720", (16,), "16"),
            ("34", (15,), "15"),
            ("37", (15,), "15"),
            ("3528", (16, 17, 18, 19), "16 to 19"),
            ("3589", (16, 17, 18, 19), "16 to 19"),
            ("300", (14, 15, 16, 17, 18, 19), "14 to 19"),
            ("305", (14, 15, 16, 17, 18, 19), "14 to 19"),
            ("36", (14, 15, 16, 17, 18, 19), "14 to 19"),
        ],
    )
    def test_of_cards_by_network(self, first, right, said):
        for length in range(11, 23):
            message = judged("bank-card-length", number=first.ljust(length, "0"))
            expected = None if length in right else f"It has {length} digits; {said} are right for its network."
            assert message == expected

    @pytest.mark.parametrize("first", ["1", "2220", "2721", "306", "31", "3527", "3590", "50", "56", "61", "7"])
    def test_of_other_networks_are_not_judged(self, first):
        if first != "3590":
            assert judged("bank-card-length", number=first.ljust(16, "0")) == UNCLEAR

    def test_blanks_and_dashes_are_no_digits(self):
        assert judged("bank-card-number", number="4111-1111 1111-1111") is None
        assert judged("bank-card-length", number="4111-1111 1111-1111") is None
        assert judged("bank-card-number", number="4111-1111 1111-1112")

    @pytest.mark.parametrize(("length", "clear"), [(11, False), (12, True), (19, True), (20, False)])
    def test_of_numbers_whose_last_digit_is_judged(self, length, clear):
        assert (judged("bank-card-number", number="0" * length) != UNCLEAR) == clear


@pytest.mark.parametrize("plate", ["·", "-.", "京A·临123"])
def test_a_plate_without_a_sign_that_counts_or_a_temporary_one_is_not_judged(plate):
    assert judged("china-plate", plate=plate) == UNCLEAR


class TestVins:
    """ISO 3779: 17 characters without I, O, Q. 49 CFR 565 and GB 16735: the ninth is a check digit."""

    GOOD = "1M8GDM9AXKP042788"

    @pytest.mark.parametrize("vin", [GOOD, "11111111111111111", "LVSHCAMB0CE054249"])
    def test_right_ones(self, vin):
        assert judged("vin-form", vin=vin) is None
        if vin != "LVSHCAMB0CE054249":
            assert judged("vin-check-digit", vin=vin) is None

    @pytest.mark.parametrize("length", [16, 18])
    def test_one_character_more_or_less(self, length):
        vin = (self.GOOD + "0")[:length]
        assert judged("vin-form", vin=vin) == f"{length} characters; 17 letters and digits without I, O, Q are right."
        assert judged("vin-check-digit", vin=vin) == UNCLEAR

    @pytest.mark.parametrize("letter", "IOQ")
    def test_letters_that_none_has(self, letter):
        vin = self.GOOD[:-1] + letter
        assert judged("vin-form", vin=vin)
        assert judged("vin-check-digit", vin=vin) == UNCLEAR

    @pytest.mark.parametrize("place", range(17))
    def test_another_character_in_any_place_is_seen(self, place):
        other = "2" if self.GOOD[place] not in "2BKS" else "3"
        vin = self.GOOD[:place] + other + self.GOOD[place + 1 :]
        assert judged("vin-check-digit", vin=vin) not in (None, UNCLEAR)

    @pytest.mark.parametrize("country", "WVSZJK06789")
    def test_of_other_countries_the_digit_is_not_judged(self, country):
        assert judged("vin-check-digit", vin=country + self.GOOD[1:]) == UNCLEAR

    @pytest.mark.parametrize("country", "12345L")
    def test_of_these_it_is(self, country):
        assert judged("vin-check-digit", vin=country + self.GOOD[1:]) != UNCLEAR

    @pytest.mark.parametrize(
        ("letter", "value"),
        [*zip("ABCDEFGHJKLMNPRSTUVWXYZ", [*range(1, 9), 1, 2, 3, 4, 5, 7, 9, *range(2, 10)], strict=True)],
    )
    def test_each_letter_has_its_value(self, letter, value):
        rest = (8 + 2 * value) % 11  # weights: 8 of the first place, 2 of the last
        digit = "X" if rest == 10 else str(rest)
        assert judged("vin-check-digit", vin="1" + "0" * 7 + digit + "0" * 7 + letter) is None


class TestNumbersOfPeople:
    @pytest.mark.parametrize(("state", "right"), [("0", False), ("1", True), ("14", True), ("15", False)])
    def test_myanmar_has_fourteen_states(self, state, right):
        assert (judged("myanmar-nrc", number=f"{state}/ABCDEF(N)123456") is None) == right

    @pytest.mark.parametrize(
        ("digit", "year", "sex"),
        [
            *((0, 1999, "male"), (1, 1999, "female"), (2, 2099, "male"), (3, 2099, "female"), (4, 2199, "male")),
            *((5, 2199, "female"), (6, 2299, "male"), (7, 2299, "female"), (8, 2399, "male"), (9, 2399, "female")),
        ],
    )
    def test_vietnam_counts_centuries_and_sexes_by_one_digit(self, digit, year, sex):
        number = f"001{digit}99000001"
        for said, right in ((year, True), (year - 100, False), (year + 1, False)):
            birth = Seen("birth", "a day", f"{said}-01-02")
            verdict = RULES["vietnam-id-number"](Values({"number": Seen("number", number), "birth": birth}))
            assert (verdict is None) == right
        other = "female" if sex == "male" else "male"
        assert judged("vietnam-id-sex", number=number, sex=sex) is None
        assert judged("vietnam-id-sex", number=number, sex=other) is not None

    def test_blanks_dots_and_dashes_are_no_digits(self):
        assert judged("vietnam-id-number", number="001.099-000 001", birth="1999-01-02") is None
        assert judged("vietnam-id-sex", number="001.099-000 001", sex="nam") is None
        assert judged("thailand-id-number", number="1 1017-00230 70 8") == judged(
            "thailand-id-number", number="1101700230708"
        )

    @pytest.mark.parametrize("digit", range(10))
    def test_in_china_the_17th_digit_is_odd_for_men(self, digit):
        number = f"1101011990030700{digit}X"
        right, wrong = ("男", "女") if digit % 2 else ("女", "男")
        assert judged("china-id-sex", number=number, sex=right) is None
        assert judged("china-id-sex", number=number, sex=wrong) is not None

    @pytest.mark.parametrize(("number", "right"), [("A123456(3)", True), ("AB987654(3)", None), ("A123456(4)", False)])
    def test_hong_kong(self, number, right):
        verdict = judged("hong-kong-id-number", number=number) is None
        if right is not None:
            assert verdict == right

    def test_a_citizen_may_be_a_taxpayer(self):
        assert judged("taxpayer-number", code="11010519491231002X") is None
        assert judged("taxpayer-number", code="110105194912310021") is not None


class TestAmounts:
    @pytest.mark.parametrize(
        ("quantity", "price", "amount", "right"),
        [
            ("3", "3.33", "9.99", True),
            ("3", "3.33", "10.015", True),  # a cent, and three times half a cent
            ("3", "3.33", "10.02", False),
            ("1.5", "2", "3.11", True),  # a cent, and twice half a tenth
            ("1.5", "2", "3.12", False),
            ("2", "2", "4.01", True),  # whole numbers are exact
            ("2", "2", "4.02", False),
            ("20", "20", "400.02", False),
            ("-3", "3.33", "-10.015", True),  # a red invoice
            ("-3", "3.33", "-10.02", False),
            ("1.5", "-2", "-3.11", True),
            ("1.5", "-2", "-3.12", False),
        ],
    )
    def test_quantity_times_price_is_as_exact_as_what_is_printed(self, quantity, price, amount, right):
        assert (judged("quantity-times-price", quantity=quantity, price=price, amount=amount) is None) == right

    @pytest.mark.parametrize(
        ("tax", "right"), [("13.00", True), ("13.06", True), ("12.94", True), ("13.07", False), ("12.93", False)]
    )
    def test_a_tax_is_right_to_six_hundredths_up_and_down(self, tax, right):
        message = judged("amount-times-rate", amount="100.00", rate="13%", tax=tax)
        assert message == (None if right else f"13 % of 100.00 is 13.00, the tax {tax}.")

    @pytest.mark.parametrize("rate", ["13", "免税", "***", "100%", "1.23456%"])
    def test_a_rate_that_is_none_is_not_judged(self, rate):
        assert judged("amount-times-rate", amount="100.00", rate=rate, tax="99.00") == UNCLEAR

    @pytest.mark.parametrize(("length", "read"), [(79, True), (80, True), (81, False)])
    def test_words_are_read_up_to_a_length_that_no_amount_has(self, length, read):
        message = judged("amount-in-words", words="壹元整".rjust(length, "¥"), figures="1.00")
        assert message == (None if read else UNCLEAR)


class TestDates:
    def test_a_message_names_what_is_meant(self):
        message = judged("dates-in-order", date_of_birth="2001-01-02", date_of_issue="2000-01-02")
        assert message == "The date of issue 2000-01-02 is before the date of birth 2001-01-02."

    def test_a_date_is_one_date_and_a_period_two(self):
        assert judged("dates-in-order", birth="2001-01-02") == UNCLEAR
        assert judged("dates-in-order", valid="2001.01.02-2011.01.02") is None
        message = judged("dates-in-order", valid="2011.01.02-2001.01.02")
        assert message == "The end of the valid 2001-01-02 is before the start of the valid 2011-01-02."

    def test_the_ends_of_a_period_are_read_once(self):
        """Given more than one sign that may stand between: the first that leaves two dates is the one."""
        assert judged("dates-in-order", valid="2001-01-02至2011-01-02") is None
        assert judged("dates-in-order", valid="2011-01-02至2001-01-02")

    @pytest.mark.parametrize(("length", "read"), [(21, True), (60, True), (61, False)])
    def test_a_text_that_is_too_long_for_a_period_is_none(self, length, read):
        text = "2001.01.02-2011.01.02".ljust(length)
        assert (judged("dates-in-order", valid=text) is None) == read


class TestValues:
    def test_a_blank_is_no_value(self):
        assert list(Values({"a": Seen("a", " \n"), "b": Seen("b", ""), "c": Seen("c", "x")})) == ["c"]

    @pytest.mark.parametrize("code", range(0x21, 0x7F))
    def test_wide_signs_are_read_as_narrow_ones(self, code):
        assert Seen("a", chr(code + 0xFEE0)).plain == chr(code).upper()

    def test_a_wide_blank_is_a_blank(self):
        assert Seen("a", "a\u3000b").plain == "AB"
        assert Seen("a", "\uff00\uff5f").plain == "\uff00\uff5f"

    @pytest.mark.parametrize(("text", "number"), [("1" * 20, True), ("1" * 21, False)])
    def test_a_number_has_at_most_twenty_places(self, text, number):
        seen = Seen("a", "unread", text)
        if number:
            assert str(seen.number()) == text
        else:
            with pytest.raises(UnclearError):
                seen.number()

    def test_what_was_typed_counts_and_not_the_text(self):
        assert str(Seen("a", "1", "2").number()) == "2"
        assert str(Seen("a", "2000-01-01", "2001-02-03").day()) == "2001-02-03"
        assert Seen("a", "?", "female").sex() == "female"

    def test_nothing_is_neither_number_nor_day_nor_sex(self):
        for ask in (Seen("a", "x", "").number, Seen("a", "x", "").day, Seen("a", "x").sex):
            with pytest.raises(UnclearError):
                ask()

    @pytest.mark.parametrize(
        ("word", "sex"),
        [
            *(("male", "male"), ("M", "male"), ("男", "male"), (" Nam ", "male")),
            *(("Female", "female"), ("f", "female"), ("女", "female"), ("NỮ", "female"), ("nu", "female")),
        ],
    )
    def test_words_for_a_sex(self, word, sex):
        assert Seen("a", word).sex() == sex


class TestWhatIsJudged:
    """From an answer's values to what a rule is given."""

    def test_without_any_check_the_page_stays_as_it_is(self):
        operation = catalog.find("general-text")
        page = Extract()
        assert checked(operation, page) is page

    def test_a_check_is_of_its_page_and_names_only_values_that_are_there(self):
        operation = catalog.find("passport")
        page = Extract(
            fields=(
                Field("date_of_birth", "Born", "2001-01-02", "date", "2001-01-02", page=7),
                Field("date_of_issue", "Issued", "2000-01-02", "date", "2000-01-02", page=7),
                Field("date_of_expiry", "Expires", " ", "date", None, page=7),
            )
        )
        found = checked(operation, page)
        (check,) = [check for check in found.checks if check.rule == "dates-in-order"]
        assert (check.page, check.passed) == (7, False)
        assert set(check.fields) == {"date_of_birth", "date_of_issue"}
        assert isinstance(found.checks, tuple)
        assert [field.findings for field in found.fields] == [("dates-in-order",), ("dates-in-order",), ()]

    def test_where_nothing_is_wrong_no_value_is_written_anew(self):
        operation = catalog.find("passport")
        page = Extract(
            fields=(
                Field("date_of_birth", "Born", "2000-01-02", "date", "2000-01-02"),
                Field("date_of_issue", "Issued", "2001-01-02", "date", "2001-01-02"),
            )
        )
        found = checked(operation, page)
        assert [check.passed for check in found.checks] == [True]
        assert found.fields is page.fields

    def test_a_table_without_a_header_has_no_columns(self):
        operation = catalog.find("vat-invoice")
        rule = next(rule for rule in rules_by_operation()["vat-invoice"] if rule.rule == "quantity-times-price")
        labels = {spec.path: spec.label for spec in operation.fields}
        heads = [labels[f"{rule.rows}[].{rule.fields[role]}"] for role in ("quantity", "price", "amount")]
        cells = [Cell(0, column, text) for column, text in enumerate(heads)]
        cells += [Cell(1, column, text, type="number", typed=text) for column, text in enumerate(("2", "3", "7"))]
        table = Table(rule.rows, "Items", 1, 2, 3, tuple(cells), header=True)
        found = checked(operation, Extract(tables=(table,)))
        assert [check.rule for check in found.checks if not check.passed] == ["quantity-times-price"]
        assert [cell.findings for cell in found.tables[0].cells if cell.row == 0] == [()] * 3
        assert all(cell.findings == ("quantity-times-price",) for cell in found.tables[0].cells if cell.row == 1)
        read_like_a_label = (*cells, Cell(2, 0, heads[2]))
        found = checked(
            operation, Extract(tables=(Table(rule.rows, "Items", 1, 3, 3, read_like_a_label, header=True),))
        )
        assert [check.rule for check in found.checks if not check.passed] == ["quantity-times-price"]
        plain = Table(rule.rows, "Items", 1, 2, 3, tuple(cells), header=False)
        assert checked(operation, Extract(tables=(plain,))).checks == ()

    def test_a_rule_is_about_the_answer_itself_unless_it_says_more(self):
        assert Rule("total", {}) == Rule("total", {}, at=("",), when={}, rows="", column="", pages="", pairs="")
