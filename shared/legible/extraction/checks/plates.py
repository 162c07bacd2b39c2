"""License plates by the form their country gives them."""

from __future__ import annotations

import re

from legible.extraction.checks.values import UnclearError, Values

_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_LETTER, _ANY = "A-HJ-NP-Z", "A-HJ-NP-Z0-9"
#: GA 36-2018: ordinary; new energy, small and large; police, coach, trailer, trial; border; embassy and consulate. The
#: notice of the State Council's office of 2018: fire and forest rescue. The armed forces', the armed police's and civil
#: aviation's own forms.
_CHINA = re.compile(
    rf"[{_PROVINCES}][A-Z][{_ANY}]{{5}}"
    rf"|[{_PROVINCES}][A-Z](?:[A-HJK][{_ANY}][0-9]{{4}}|[0-9]{{5}}[A-HJK])"
    rf"|[{_PROVINCES}][A-Z][{_ANY}]{{4}}[警学挂试超]"
    rf"|粤Z[{_ANY}]{{4}}[港澳]"
    rf"|使[0-9]{{6}}|[{_PROVINCES}][A-Z][0-9]{{4}}[使领]|[0-9]{{6}}使"
    rf"|[{_PROVINCES}][{_LETTER}][0-9]{{4}}应急|应急[{_PROVINCES}][0-9]{{3}}[{_LETTER}]"
    rf"|[A-Z]{{2}}[0-9]{{5}}|WJ[{_PROVINCES}0-9]?[0-9]{{4,5}}[A-Z0-9]?"
    rf"|民航[{_ANY}]{{5}}"
)
#: What papers print beside a plate: its color, as JT/T 697.7 and GA 36-2018 name them. 黑 alone is also a province.
_COLOR = "(?:渐变绿|绿渐变|黄绿双拼|黄绿|蓝白渐变|蓝白|[蓝藍黄黃黑白绿綠红紅])"
_COLOR_BESIDE = re.compile(
    rf"[(\[{{【〔]{_COLOR}[色牌底]{{0,2}}[)\]}}】〕]|{_COLOR}[色牌底]{{0,2}}$|^{_COLOR}[色牌底]{{1,2}}"
)
_THAILAND = re.compile("[0-9]{0,2}[ก-ฮ]{1,3}[0-9]{1,4}|[0-9]{6}")


def china(values: Values) -> str | None:
    """The form of a plate of mainland China, its color beside it or not (GA 36-2018; temporary plates are left out)."""
    plate = re.sub(r"[·•.\-]", "", values["plate"].whole())
    plate = re.sub(r"[(\[【〔](挂)[)\]】〕]", r"\1", _COLOR_BESIDE.sub("", plate, count=1))
    if "临" in plate or not plate:
        raise UnclearError
    return None if _CHINA.fullmatch(plate) else "No plate of mainland China has this form."


def thailand(values: Values) -> str | None:
    """The form of a Thai plate, loosely: up to three letters and four digits, or six digits (Vehicle Act 1979)."""
    plate = re.sub(r"[·.\-]", "", values["plate"].whole())
    return None if _THAILAND.fullmatch(plate) else "No Thai plate has this form."
