"""Policies of buckets, as far as they speak of everybody: who without keys is let in, and who is shut out all the same.

The grammar is that of obs_40_0041: ``Principal`` (only everybody, ``*``, is judged), ``Action`` without a service,
``Resource`` as ``bucket`` or ``bucket/key``, ``Condition`` with the operators below. A deny beats every allow.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.obs.errors import ObsError
from localcloud.obs.request import ObsRequest

#: What a request for an object needs, by its method.
_OBJECT = {"GET": "GetObject", "HEAD": "GetObject", "PUT": "PutObject", "POST": "PutObject", "DELETE": "DeleteObject"}
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "Bool": lambda found, value: found == value,
    "StringEquals": lambda found, value: found == value,
    "StringNotEquals": lambda found, value: found != value,
    "StringLike": lambda found, value: _like(value, found),
    "StringNotLike": lambda found, value: not _like(value, found),
    "IpAddress": lambda found, value: found == value.partition("/")[0],
    "NotIpAddress": lambda found, value: found != value.partition("/")[0],
}


def read(document: str) -> list[dict[str, Any]]:
    """Return the statements of a policy; an empty text has none.

    Raises:
        ObsError: It is no policy, or has an operator that is not imitated.
    """
    if not document:
        return []
    try:
        statements = json.loads(document)["Statement"]
        operators = {operator for one in statements for operator in one.get("Condition", {})}
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ObsError(400, "MalformedPolicy", "The policy is not valid JSON of the expected form.") from None
    if operators - set(_OPERATORS):
        raise ObsError(400, "MalformedPolicy", f"Not imitated: {', '.join(sorted(operators - set(_OPERATORS)))}.")
    return list(statements)


def action(request: ObsRequest) -> str:
    """Return what a request does with an object; for one of the bucket, whether it lists it."""
    return _OBJECT.get(request.method, "") if request.key else "ListBucket"


def circumstances(request: ObsRequest) -> dict[str, str]:
    """Return what conditions look at."""
    return {
        "SecureTransport": "false", "SourceIp": request.source_ip, "UserAgent": request.headers.get("user-agent", ""),
        "Referer": request.headers.get("referer", ""),
    }  # fmt: skip


def judge(statements: list[dict[str, Any]], action: str, place: str, context: Mapping[str, str]) -> str:
    """Return ``Deny``, ``Allow`` or nothing: what a policy says to everybody.

    Args:
        statements: The policy's.
        action: Without a service, ``GetObject``.
        place: ``bucket`` or ``bucket/key``.
        context: What conditions look at.
    """
    effects = {str(one["Effect"]) for one in statements if _applies(one, action, place, context)}
    return "Deny" if "Deny" in effects else "Allow" if "Allow" in effects else ""


def public(statements: list[dict[str, Any]]) -> bool:
    """Tell whether a policy lets everybody in, without a condition."""
    return any(one["Effect"] == "Allow" and _everybody(one) and not one.get("Condition") for one in statements)


def _applies(statement: dict[str, Any], action: str, place: str, context: Mapping[str, str]) -> bool:
    return (
        _everybody(statement)
        and any(_like(one, action) for one in _texts(statement.get("Action")))
        and any(_like(one, place) for one in _texts(statement.get("Resource")))
        and all(
            any(_OPERATORS[operator](context.get(key, ""), value) for value in _texts(values))
            for operator, tests in statement.get("Condition", {}).items()
            for key, values in tests.items()
        )
    )


def _everybody(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal")
    return "*" in _texts(principal.get("ID") if isinstance(principal, dict) else principal)


def _texts(value: Any) -> list[str]:
    return list(value) if isinstance(value, list) else [str(value)]


def _like(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text, re.DOTALL) is not None
