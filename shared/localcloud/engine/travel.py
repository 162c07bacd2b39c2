"""Documents that are read from their machine readable zone: passports, and cards that carry one."""

from __future__ import annotations

from datetime import date
from typing import Any

from localcloud.engine.errors import EngineError, refused_option
from localcloud.engine.mrz import TD1, TD3, Zone, birth_date, expiry_date
from localcloud.engine.options import Options, choice, refuse
from localcloud.engine.reading import read_image
from localcloud.engine.zones import find_zone

Result = dict[str, Any]

#: The service's own letters: P ordinary, W diplomatic, G service. Other kinds keep the code of their zone.
_PASSPORT_TYPES = {"P": "P", "PP": "P", "PD": "W"}
#: China writes PO for ordinary and PS for service passports; elsewhere these mean official and stateless.
_CHINESE_TYPES = {"PO": "P", "PS": "G"}

#: Fields of a passport that no zone holds. Chinese passports have some in print, which is not read here.
_UNREAD = ("date_of_issue", "place_of_birth", "place_of_issue", "issuing_authority")


def passport(image: bytes, options: Options) -> Result:
    """Read a passport from its zone. The answer has its lines as read, so that a check digit that is wrong can be seen.

    A field's confidence is the model's probability of its least certain character. Check digits are blind to some
    look-alikes, and names have none.
    """
    choice(options, "country_code", "GENERAL")
    zone = find_zone(read_image(image))
    if zone.format is not TD3:
        raise EngineError(
            "AIS.0104", f"this is not a passport: its machine readable zone is of the kind {zone.format.name}"
        )
    surname, given_name = zone.names
    fields = {
        "passport_type": _passport_type(zone),
        "country_code": zone.value("state"),
        "passport_number": zone.value("number"),
        "nationality": zone.value("nationality"),
        "surname": surname,
        "given_name": given_name,
        "sex": zone.value("sex"),
        "date_of_birth": birth_date(zone.raw("birth"), _today()),
        "date_of_expiry": expiry_date(zone.raw("expiry")),
    }
    sources = dict(zip(fields, _PASSPORT_SOURCES, strict=True))
    confidence = {name: _certainty(zone, sources[name]) for name, value in fields.items() if value}
    lines = dict(zip(("machine_code", "machine_code2"), zone.lines, strict=True))
    return fields | dict.fromkeys(_UNREAD, "") | lines | {"confidence": confidence, "extra_info": {}}


_PASSPORT_SOURCES = ("type", "state", "number", "nationality", "names", "names", "sex", "birth", "expiry")


def _passport_type(zone: Zone) -> str:
    code = zone.value("type")
    known = _PASSPORT_TYPES | (_CHINESE_TYPES if zone.value("state") == "CHN" else {})
    return known.get(code, code)


def _certainty(zone: Zone, name: str) -> float:
    return round(zone.certainty(name), 4)


def _today() -> date:
    return date.today()


def cambodian_id_card(image: bytes, options: Options) -> Result:
    """Read a Cambodian identity card from its zone; Khmer text is not read here."""
    refuse(options, *_CAMBODIAN_SWITCHES)
    zone = _card_zone(image, "a Cambodian identity card", "KHM")
    fields = {
        "id_number": zone.value("number"),
        "name_kh": "",
        "name_en": " ".join(zone.names).strip(),
        "birth_date": birth_date(zone.raw("birth"), _today()),
        "sex": zone.value("sex"),
        "height": "",
        "birth_place": "",
        "address": "",
        "issue_date": "",
        "expiry_date": expiry_date(zone.raw("expiry")),
        "description": "",
        **_machine_codes(zone),
    }
    sources = {"id_number": "number", "name_en": "names", "birth_date": "birth", "sex": "sex", "expiry_date": "expiry"}
    return fields | {"confidence": _confidence(zone, fields, sources)}


_CAMBODIAN_SWITCHES = (
    "return_portrait_image",
    "return_portrait_location",
    "return_idcard_type",
    "detect_border_integrity",
    "detect_blocking_within_border",
    "detect_blur",
    "detect_glare",
    "return_adjusted_image",
    "detect_tampering",
    "detect_reproduce",
)


def macao_id_card(image: bytes, options: Options) -> Result:
    """Read the back of a Macao identity card, where its zone is; the front is not read here."""
    refuse(options, "return_portrait_image")
    if choice(options, "side", "front", "back") == "front":
        raise refused_option("side", "only the back, which carries the machine readable zone, is recognized here")
    zone = _card_zone(image, "a Macao identity card", "MAC", "CHN")
    fields = {
        "side": "back",
        "name": "",
        "name_en": " ".join(zone.names).strip(),
        "sex": {"M": "男", "F": "女"}.get(zone.value("sex"), ""),
        "issue_date": "",
        "expiry_date": expiry_date(zone.raw("expiry")),
        "birth_date": birth_date(zone.raw("birth"), _today()),
        "initial_issue_date": "",
        "height": "",
        "number": zone.value("number"),
        "symbols": "",
        **_machine_codes(zone),
    }
    sources = {"name_en": "names", "sex": "sex", "expiry_date": "expiry", "birth_date": "birth", "number": "number"}
    return fields | {"confidence": _confidence(zone, fields, sources)}


def _card_zone(image: bytes, what: str, *states: str) -> Zone:
    zone = find_zone(read_image(image))
    if zone.format is not TD1 or zone.value("state") not in states:
        raise EngineError(
            "AIS.0104",
            f"this is not {what}: its machine readable zone is of the kind {zone.format.name}, "
            f"issued by {zone.value('state')}",
        )
    return zone


def _machine_codes(zone: Zone) -> dict[str, str]:
    return {f"machine_code{number}": line for number, line in enumerate(zone.lines, 1)}


def _confidence(zone: Zone, fields: Result, sources: dict[str, str]) -> dict[str, float]:
    return {name: _certainty(zone, source) for name, source in sources.items() if fields[name]}
