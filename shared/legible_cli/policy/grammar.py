"""Policies of IAM in their grammar 1.1, and what they decide.

The rules are those of the grammar's pages (iam_01_0017, "Policy Syntax"): what no statement allows is denied, and a
Deny stands above every Allow. ``*`` stands for any characters in actions and resources. Services and actions are
compared without regard to case, because the vendor's own pages spell them both ways (``FunctionGraph:function:list``,
``functiongraph:function:invokeAsync``); names of buckets, objects and functions are not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal

import msgspec
from msgspec import Struct

from legible.errors import LegibleError


class PolicyError(LegibleError):
    """A text is no policy."""

    code = "policy"


class Statement(Struct, frozen=True, forbid_unknown_fields=True, rename="pascal"):
    """What is allowed or denied: actions on resources, all of them where none are named, under conditions."""

    effect: Literal["Allow", "Deny"]
    action: tuple[str, ...]
    resource: tuple[str, ...] | None = None
    condition: dict[str, dict[str, tuple[str, ...]]] = {}


class Policy(Struct, frozen=True, forbid_unknown_fields=True, rename="pascal"):
    """A custom policy."""

    statement: tuple[Statement, ...]
    version: Literal["1.1"] = "1.1"


class Call(Struct, frozen=True):
    """What somebody wants to do: an action, on a resource (empty for services without any), under circumstances."""

    action: str
    resource: str = ""
    context: dict[str, str] = {}


def allowed(policies: Iterable[Policy], call: Call) -> bool:
    """Tell whether the policies together allow a call."""
    statements = [statement for policy in policies for statement in policy.statement]
    if any(one.effect == "Deny" and _concerns(one, call) for one in statements):
        return False
    return any(one.effect == "Allow" and _concerns(one, call) for one in statements)


def read(text: str) -> tuple[Policy, ...]:
    """Return the policies of a JSON text: one policy, a list of them, or what ``legible policy`` prints.

    Raises:
        PolicyError: It holds none, or one in another grammar.
    """
    try:
        found = json.loads(text)
    except ValueError as error:
        raise PolicyError(f"The file is not JSON: {error}.") from None
    return tuple(_policy(one) for one in _listed(found))


def written(policy: Policy) -> Any:
    """Return a policy ready for JSON, its keys in the grammar's order and without what it does not say."""
    statements = []
    for one in policy.statement:
        entry: dict[str, Any] = {"Effect": one.effect, "Action": list(one.action)}
        if one.resource is not None:
            entry["Resource"] = list(one.resource)
        if one.condition:
            entry["Condition"] = msgspec.to_builtins(one.condition)
        statements.append(entry)
    return {"Version": policy.version, "Statement": statements}


def _listed(value: Any) -> list[Any]:
    if isinstance(value, dict) and isinstance(value.get("policies"), dict):
        return list(value["policies"].values())
    return value if isinstance(value, list) else [value]


def _policy(value: Any) -> Policy:
    if isinstance(value, dict) and value.get("Version") == "5.0":
        raise PolicyError(
            "This is an identity policy (version 5.0), which names its actions otherwise.",
            advice='Give a policy of version "1.1".',
        )
    try:
        policy = msgspec.convert(value, Policy)
    except msgspec.ValidationError as error:
        raise PolicyError(
            f"This is no policy: {error}.", advice='It has "Version": "1.1" and "Statement", a list.'
        ) from None
    for action in (action for one in policy.statement for action in one.action):
        if action != "*" and action.count(":") != 2:
            raise PolicyError(f"{action!r} is no action.", advice="An action is service:type:action.")
    return policy


def _concerns(statement: Statement, call: Call) -> bool:
    return (
        any(_pattern(one.lower()).fullmatch(call.action.lower()) for one in statement.action)
        and (statement.resource is None or any(_covers(one, call.resource) for one in statement.resource))
        and _met(statement, call.context)
    )


def _covers(pattern: str, resource: str) -> bool:
    """Compare a resource, ``service:region:domain:type:path``; a path may hold colons."""
    (wanted, *rest), (service, *others) = pattern.split(":", 1), resource.split(":", 1)
    if not _pattern(wanted.lower()).fullmatch(service.lower()):
        return False
    return wanted == "*" if not rest else bool(others) and _pattern(rest[0]).fullmatch(others[0]) is not None


@lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile("".join(".*" if letter == "*" else re.escape(letter) for letter in text), re.DOTALL)


#: How a circumstance is compared with the values of a condition; one value that fits is enough.
_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda found, value: found == value,
    "StringStartWith": lambda found, value: found.startswith(value),
    "StringEndWith": lambda found, value: found.endswith(value),
    "StringLike": lambda found, value: _pattern(value).fullmatch(found) is not None,
    "Bool": lambda found, value: found.lower() == value.lower(),
}


def _met(statement: Statement, context: Mapping[str, str]) -> bool:
    """Tell whether all conditions are met.

    An operator that is not known here is not met by an Allow and met by a Deny: nothing is promised that might be
    refused.
    """
    for operator, tests in statement.condition.items():
        compare = _OPERATORS.get(operator)
        for key, values in tests.items():
            if compare is None:
                if statement.effect == "Allow":
                    return False
            elif key not in context or not any(compare(context[key], value) for value in values):
                return False
    return True
