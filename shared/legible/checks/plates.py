"""License plates by the form their country gives them."""

from __future__ import annotations

import re

from legible.checks.seen import UnclearError, Values

_PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_LETTER, _ANY = "A-HJ-NP-Z", "A-HJ-NP-Z0-9"
#: GA 36-2018: ordinary; new energy, small and large; police, coach, trailer, temporary; border; embassy; military;
#: civil aviation.
_CHINA = re.compile(
    rf"[{_PROVINCES}][A-Z][{_ANY}]{{5}}"
    rf"|[{_PROVINCES}][A-Z](?:[A-HJK][{_ANY}][0-9]{{4}}|[0-9]{{5}}[A-HJK])"
    rf"|[{_PROVINCES}][A-Z][{_ANY}]{{4}}[警学挂试超]"
    rf"|粤Z[{_ANY}]{{4}}[港澳]"
    rf"|使[0-9]{{6}}|[{_PROVINCES}][A-Z][0-9]{{4}}[使领]|[0-9]{{6}}使"
    rf"|[A-Z]{{2}}[0-9]{{5}}|WJ[{_PROVINCES}0-9]?[0-9]{{4,5}}[A-Z0-9]?"
    rf"|民航[{_ANY}]{{5}}"
)


def china(values: Values) -> str | None:
    """The form of a plate of mainland China (GA 36-2018)."""
    plate = re.sub(r"[·.\-]", "", values["plate"].plain)
    if "*" in plate or not plate:
        raise UnclearError
    return None if _CHINA.fullmatch(plate) else "No plate of mainland China has this form."
