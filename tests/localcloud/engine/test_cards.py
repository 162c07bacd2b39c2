"""Passports and identity cards: true to their check digits, or refused."""

from __future__ import annotations

import json
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from legible.extraction.checks import checked
from legible.extraction.fields import extract
from legible.operations import catalog
from localcloud.engine import EngineError, recognize
from localcloud.engine.cards import is_hong_kong_number, is_identity_number
from tests.localcloud.engine.samples import answer, document, encoded, opened, png, sheet, turned

SPECIMEN = {
    "passport_type": "P",
    "country_code": "UTO",
    "passport_number": "XU4729105",
    "nationality": "UTO",
    "surname": "LINDQVIST",
    "given_name": "MAJA ELEONORA",
    "sex": "F",
    "date_of_birth": "1984-02-17",
    "date_of_expiry": "2031-09-04",
}
SPECIMEN_ZONE = ("P<UTOLINDQVIST<<MAJA<ELEONORA<<<<<<<<<<<<<<<", "XU47291051UTO8402172F3109041<<<<<<<<<<<<<<00")
TURNED = {
    "passport_type": "P",
    "country_code": "UTO",
    "passport_number": "UT8306254",
    "nationality": "UTO",
    "surname": "OKONJO VARGA",
    "given_name": "TOMAS",
    "sex": "M",
    "date_of_birth": "1991-06-23",
    "date_of_expiry": "2029-01-18",
}


def filled(result: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in result.items() if isinstance(value, str) and value}


def printed(result: dict[str, Any]) -> dict[str, str]:
    """Return what a passport's answer says beside the lines of its zone."""
    return {name: value for name, value in filled(result).items() if not name.startswith("machine_code")}


def painted_over(name: str, *boxes: tuple[int, int, int, int], color: str = "#f6f5ee") -> bytes:
    image = opened(name)
    for box in boxes:
        ImageDraw.Draw(image).rectangle(box, fill=color)
    return png(image)


def test_reads_a_passport() -> None:
    result = answer("passport", "passport/specimen.png")

    assert printed(result) == SPECIMEN
    assert (result["machine_code"], result["machine_code2"]) == SPECIMEN_ZONE
    assert set(result["confidence"]) == set(SPECIMEN)
    assert all(0 < value <= 1 for value in result["confidence"].values())


def test_reads_a_passport_scanned_on_its_side() -> None:
    assert printed(answer("passport", "passport/rotated-90.jpg")) == TURNED


@pytest.mark.parametrize(
    "degrees", [180, 270, pytest.param(90, marks=pytest.mark.slow), pytest.param(11, marks=pytest.mark.slow)]
)
def test_reads_a_passport_whichever_way_it_lies(degrees: int) -> None:
    small = opened("passport/specimen.png").resize((1000, 704))

    assert printed(recognize("passport", turned(small, degrees), {})) == SPECIMEN


def photo(name: str, seed: int) -> bytes:
    """A sample as a phone sees it: from an angle, unevenly lit, blurred, grainy, compressed."""
    random = np.random.default_rng(seed)
    image = opened(name)
    width, height = image.size
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    seen = corners * 0.9 + random.uniform(-0.04, 0.04, (4, 2)) * (width, height) + (0.05 * width, 0.05 * height)
    matrix = cv2.getPerspectiveTransform(corners, seen.astype(np.float32))
    table = np.full((height, width, 3), (120, 100, 80), np.uint8)
    view = cv2.warpPerspective(np.asarray(image), matrix, (width, height), dst=table, borderMode=cv2.BORDER_TRANSPARENT)
    blurred = cv2.GaussianBlur(view, (0, 0), random.uniform(0.4, 1.0))
    lit = blurred * np.linspace(0.75, 1.05, width)[None, :, None] + random.normal(0, 5, blurred.shape)
    shot = Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8)).rotate(random.uniform(-15, 15), expand=True)
    return encoded(shot, "JPEG", quality=80)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
def test_reads_photos_of_passports(seed: int) -> None:
    name, expected = (("specimen.png", SPECIMEN), ("rotated-90.jpg", TURNED))[seed % 2]

    assert printed(recognize("passport", photo(f"passport/{name}", seed), {})) == expected


def test_fields_no_zone_holds_stay_empty() -> None:
    result = answer("passport", "passport/specimen.png")

    assert [result[name] for name in ("date_of_issue", "place_of_birth", "place_of_issue", "issuing_authority")] == [
        ""
    ] * 4


def reprinted(**changes: int) -> bytes:
    """The specimen whose second row has another character at a place: that of the place named after it, ``at43=0``."""
    image = opened("passport/specimen.png")

    def cell(place: int) -> tuple[int, int, int, int]:
        left = round(66 + 25.4 * place)
        return left, 786, left + 25, 850

    for place, other in changes.items():
        image.paste(image.crop(cell(other)), cell(int(place.removeprefix("at"))))
    return png(image)


@pytest.mark.parametrize(
    ("changes", "row"),
    [
        ({"at9": 7}, "XU47291050UTO8402172F3109041<<<<<<<<<<<<<<00"),
        pytest.param({"at19": 13}, "XU47291051UTO8402178F3109041<<<<<<<<<<<<<<00", marks=pytest.mark.slow),
        pytest.param({"at43": 9}, "XU47291051UTO8402172F3109041<<<<<<<<<<<<<<01", marks=pytest.mark.slow),
    ],
)
def test_a_passport_with_one_wrong_check_digit_is_read_as_it_stands(changes: dict[str, int], row: str) -> None:
    result = recognize("passport", reprinted(**changes), {})

    assert printed(result) == SPECIMEN
    assert result["machine_code2"] == row


def test_one_wrong_check_digit_is_a_finding_on_what_was_read() -> None:
    operation = catalog.find("passport")
    body = json.dumps({"result": recognize("passport", reprinted(at9=7), {})}).encode()

    found = checked(operation, extract(operation, [(1, body)]))

    assert {check.message for check in found.checks if not check.passed} == {
        "The check digit does not fit: document number, whole."
    }
    assert next(field for field in found.fields if field.name == "machine_code2").findings == ("mrz-check-digits",)
    assert next(field for field in found.fields if field.name == "passport_number").value == "XU4729105"


def test_a_passport_that_contradicts_itself_throughout_is_refused_and_gives_no_fields() -> None:
    # GIVEN a passport whose number has lost a digit under a stain, in print and in the zone
    stained = painted_over("passport/specimen.png", (140, 796, 172, 842), (960, 132, 985, 166))

    with pytest.raises(EngineError) as refused:
        recognize("passport", stained, {})

    assert refused.value.code == "AIS.0105"
    assert refused.value.message.startswith("embedded engine: ")


def test_what_has_no_zone_is_no_passport() -> None:
    with pytest.raises(EngineError, match=r"AIS\.0105 embedded engine: no machine readable zone"):
        recognize("passport", png(sheet("Library card", "No. 5512")), {})


def test_a_card_is_no_passport() -> None:
    with pytest.raises(EngineError, match=r"AIS\.0104 embedded engine: this is not a passport.*TD1"):
        recognize("passport", document("macao-id-card/back.png"), {})


def test_all_fields_of_chinese_passports_are_not_promised() -> None:
    with pytest.raises(EngineError, match=r"AIS\.0101 .*country_code"):
        recognize("passport", document("passport/specimen.png"), {"country_code": "CHN"})


def test_reads_a_cambodian_card_from_its_zone() -> None:
    assert filled(answer("cambodian-idcard", "cambodian-idcard/back.png")) == {
        "id_number": "090417253",
        "name_en": "SOKUN DARAVY",
        "birth_date": "1994-03-12",
        "sex": "F",
        "expiry_date": "2033-08-11",
        "machine_code1": "IDKHM0904172537<<<<<<<<<<<<<<<",
        "machine_code2": "9403121F3308110KHM<<<<<<<<<<<6",
        "machine_code3": "SOKUN<<DARAVY<<<<<<<<<<<<<<<<<",
    }


def test_reads_a_macao_card_from_its_zone() -> None:
    assert filled(answer("macao-id-card", "macao-id-card/back.png")) == {
        "side": "back",
        "name_en": "LEONG KA HOU",
        "sex": "男",
        "birth_date": "1988-07-26",
        "expiry_date": "2034-11-30",
        "number": "15307428",
        "machine_code1": "IDMAC15307428<8<<<<<<<<<<<<<<<",
        "machine_code2": "8807261M3411300MAC<<<<<<<<<<<0",
        "machine_code3": "LEONG<<KA<HOU<<<<<<<<<<<<<<<<<",
    }


def test_a_card_of_another_state_is_refused() -> None:
    with pytest.raises(EngineError, match=r"AIS\.0104 .*issued by MAC"):
        recognize("cambodian-idcard", document("macao-id-card/back.png"), {})


def test_reads_the_front_of_a_mainland_card() -> None:
    result = answer("id-card", "id-card/front.png", return_verification=True, return_text_location=True)

    assert filled(result) == {
        "name": "林若溪",
        "sex": "女",
        "birth": "1992-11-03",
        "ethnicity": "汉",
        "address": "云岭省青石市白桦区枫林路208号6栋502室",
        "number": "990099199211031723",
    }
    assert result["verification_result"] == {"valid_number": True, "valid_birth": True, "valid_sex": True}
    assert set(result["text_location"]) == set(filled(result))


def test_a_mainland_card_without_its_number_is_refused() -> None:
    covered = painted_over("id-card/front.png", (820, 515, 860, 580), color="#eaf1f4")

    with pytest.raises(EngineError, match=r"AIS\.0105 .*number"):
        recognize("id-card", covered, {})


def test_reads_a_hong_kong_card() -> None:
    result = answer("hk-id-card", "hk-id-card/card.png")

    assert filled(result) == {
        "name": "陳穎琳",
        "name_en": "CHAN, Wing Lam",
        "sex": "F",
        "birth_date": "14-08-1987",
        "number": "A123456(3)",
        "symbols": "***AZ",
        "name_telegraph_code": "7115 4481 2651",
        "initial_issue_date": "08-98",
        "issue_date": "21-05-19",
    }
    assert result["permanent"] is True


def test_a_hong_kong_card_without_its_number_is_refused() -> None:
    with pytest.raises(EngineError, match=r"AIS\.0105 .*number"):
        recognize("hk-id-card", png(Image.new("RGB", (400, 300), "white")), {})


@settings(deadline=None)
@given(st.integers(0, 9), st.integers(0, 17))
def test_a_wrong_digit_never_passes_a_mainland_number(digit: int, place: int) -> None:
    number = "11010519491231002X"

    altered = number[:place] + str(digit) + number[place + 1 :]

    assert is_identity_number(altered) == (altered == number)


@settings(deadline=None)
@given(st.integers(0, 9), st.integers(0, 5))
def test_a_wrong_digit_never_passes_a_hong_kong_number(digit: int, place: int) -> None:
    altered = "123456"[:place] + str(digit) + "123456"[place + 1 :]

    assert is_hong_kong_number("A", altered, "3") == (altered == "123456")


def test_hong_kong_numbers_of_two_letters_count_both() -> None:
    assert is_hong_kong_number("AB", "987654", "3")
    assert not is_hong_kong_number("AC", "987654", "3")
