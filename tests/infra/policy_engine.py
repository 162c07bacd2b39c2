"""A small engine for policies: which calls they allow.

It knows what this repository's policies use, and refuses what it does not know. Two kinds: custom policies of IAM in
syntax 1.1 (``Action`` service:type:name, ``Resource`` service:region:domain:type:path), and bucket policies of OBS
(``Action`` without a service, ``Resource`` bucket/key, ``Condition``). A deny beats every allow, and what nothing
allows is denied (iam_01_0017, obs_40_0041).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Statement = Mapping[str, Any]
_KNOWN = {"Sid", "Effect", "Principal", "Action", "Resource", "Condition"}
#: service:region:domain:type:path; a path may hold colons.
_PARTS = 5


class UnknownPolicyError(ValueError):
    """A policy says something that this engine cannot judge."""


def allows(
    statements: Iterable[Statement], action: str, resource: str = "", context: Mapping[str, str] | None = None
) -> bool:
    """Tell whether a call is allowed.

    Args:
        statements: All statements of all policies that apply.
        action: What is called, ``obs:object:GetObject``.
        resource: On what, ``obs:*:*:object:bucket/key``; empty where the service knows none.
        context: What conditions look at, ``{"SecureTransport": "true"}``.
    """
    effects = {one["Effect"] for one in statements if _applies(one, action, resource, context or {})}
    return "Allow" in effects and "Deny" not in effects


def denies(statements: Iterable[Statement], action: str, resource: str, context: Mapping[str, str]) -> bool:
    """Tell whether a call is denied outright, whatever else allows it."""
    return any(one["Effect"] == "Deny" and _applies(one, action, resource, context) for one in statements)


def _applies(statement: Statement, action: str, resource: str, context: Mapping[str, str]) -> bool:
    if surplus := set(statement) - _KNOWN:
        raise UnknownPolicyError(f"not judged: {', '.join(sorted(surplus))}")
    if statement["Effect"] not in ("Allow", "Deny"):
        raise UnknownPolicyError(f"Effect is {statement['Effect']!r}")
    return (
        any(_like(pattern.lower(), action.lower()) for pattern in statement["Action"])
        and ("Resource" not in statement or any(_is(pattern, resource) for pattern in statement["Resource"]))
        and _met(statement.get("Condition", {}), context)
    )


def _is(pattern: str, resource: str) -> bool:
    wanted, found = pattern.split(":", _PARTS - 1), resource.split(":", _PARTS - 1)
    if len(wanted) != len(found):
        return False
    # The service's name is told in either case (FUNCTIONGRAPH, obs); paths are not.
    if len(wanted) == _PARTS:
        wanted[0], found[0] = wanted[0].lower(), found[0].lower()
    return all(_like(one, other) for one, other in zip(wanted, found, strict=True))


def _like(pattern: str, text: str) -> bool:
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text, re.DOTALL) is not None


def _met(condition: Mapping[str, Mapping[str, list[str]]], context: Mapping[str, str]) -> bool:
    if surplus := set(condition) - {"Bool"}:
        raise UnknownPolicyError(f"not judged: {', '.join(sorted(surplus))}")
    return all(context.get(key) in values for key, values in condition.get("Bool", {}).items())
