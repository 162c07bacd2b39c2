"""What a bucket's policy says to everybody: whom it lets read objects, and whom it shuts out (obs_40_0041).

A statement's principal is ``{"ID": [...]}``, its actions have no service (``GetObject``), its resources are
``bucket/key``; ``*`` stands for any characters. Only what is said to everybody is judged here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from legible_cli.doctor.answers import table, texts

_READS = "GetObject"
#: Plain HTTP may be forbidden, and is by infra/terraform; nobody reads by it.
_HARMLESS = "securetransport"


def lets_everybody_read(statements: Iterable[dict[str, Any]], place: str) -> bool:
    """Tell whether a policy lets everybody read an object, without any condition.

    Args:
        statements: The policy's.
        place: ``bucket/key``.
    """
    mine = [one for one in statements if _to_everybody(one) and _concerns(one, place)]
    allowed = any(one.get("Effect") == "Allow" and not one.get("Condition") for one in mine)
    return allowed and not any(one.get("Effect") == "Deny" and not one.get("Condition") for one in mine)


def shuts_out(statements: Iterable[dict[str, Any]], place: str) -> list[str]:
    """Return the circumstances under which a policy forbids everybody to read an object; ``always`` for no condition.

    Args:
        statements: The policy's.
        place: ``bucket/key``.
    """
    found: list[str] = []
    for one in statements:
        if one.get("Effect") == "Deny" and (_to_everybody(one) or "NotPrincipal" in one) and _concerns(one, place):
            keys = [key for tests in table(one.get("Condition")).values() for key in table(tests)]
            if not keys:
                found.append("always")
            elif not all(key.lower().endswith(_HARMLESS) for key in keys):
                found += keys
    return list(dict.fromkeys(found))


def _to_everybody(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal")
    names = [text for value in table(principal).values() for text in texts(value)] or texts(principal)
    return "*" in names


def _concerns(statement: dict[str, Any], place: str) -> bool:
    actions = (action.rpartition(":")[2] for action in texts(statement.get("Action")))
    return any(_like(one.lower(), _READS.lower()) for one in actions) and any(
        _like(one, place) for one in texts(statement.get("Resource"))
    )


def _like(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None
