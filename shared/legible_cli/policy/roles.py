"""Roles as policies with the least they need, and what a policy leaves them without."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import get_args

from msgspec import Struct

from legible.operations.operation import Operation
from legible.settings import Settings
from legible_cli.policy import needs, templates
from legible_cli.policy.forgetting import of_forget
from legible_cli.policy.grammar import Call, Policy, Statement, allowed
from legible_cli.policy.needs import Need, Scope

ROLES: dict[str, Callable[[Settings, Iterable[Operation], str], set[Need]]] = {
    "operator": needs.of_operator,
    "reviewer": needs.of_reviewer,
    "deployer": needs.of_deployer,
    "function": needs.of_function,
    "auditor": needs.of_auditor,
    "forget": of_forget,
    "ocr-full-access": lambda settings, operations, package: needs.ocr(operations, needs.SUBSCRIBE),
    "ocr-read-only": lambda settings, operations, package: needs.ocr(operations, needs.READ),
}
_CALLING = ("operator", "function", "ocr-full-access", "ocr-read-only")
#: Roles that have nothing to do with subscriptions.
_APART = ("reviewer", "function", "forget")
_AGENCIES = (
    "`make deploy` makes agencies and custom policies, and who can make them can grant anything: whoever holds these "
    "rights is as good as an administrator. Give them for the time of a deployment."
)
_STATE = (
    "Terraform's state is looked for in the bucket <output bucket>-state (infra/ci/backend.tf.example); where it is "
    "kept elsewhere, change that name. For buckets under a key of KMS, kms:cmk:get and kms:cmk:list come on top."
)
_OWN_TRIGGERS = (
    "A trigger is a resource by its id, which nobody knows before it is made; these name the functions instead. Where "
    f"IAM refuses to make one, functiongraph:trigger:* is needed on {needs.TRIGGERS}: on all triggers of the project."
)


class Role(Struct, frozen=True):
    """A role's policies by scope, the system policies it needs beside them, and what remains to be said.

    Global and project actions do not mix in one policy: OBS is global, everything else belongs to a region's project.
    """

    name: str
    policies: dict[Scope, Policy]
    attach: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def role(name: str, settings: Settings, operations: Iterable[Operation], package: str = "default") -> Role:
    """Return a role with the least it needs.

    Args:
        name: One of ``ROLES``.
        settings: Name buckets, functions and targets.
        operations: What it may subscribe to.
        package: The application (group) of the functions.
    """
    operations = tuple(operations)
    wanted = ROLES[name](settings, operations, package)
    policies = {scope: _policy(one for one in wanted if one.scope == scope) for scope in get_args(Scope)}
    nameless = sorted(one.slug for one in operations if not one.iam)
    notes = [_AGENCIES, _STATE, _OWN_TRIGGERS] if name == "deployer" else []
    if nameless and name not in _APART:
        notes.append(f"No page names the IAM actions of: {', '.join(nameless)}. Subscribe to them with the account.")
    return Role(
        name,
        {scope: policy for scope, policy in policies.items() if policy.statement},
        (needs.CALLS_OCR,) if name in _CALLING else (templates.GUEST,) if name == "deployer" else (),
        tuple(notes),
    )


def lacking(
    name: str, policies: Iterable[Policy], settings: Settings, operations: Iterable[Operation], package: str = "default"
) -> list[Need]:
    """Return what a role needs and these policies do not allow.

    A need for many resources is tried with one of them.
    """
    policies = tuple(policies)
    return sorted(
        need
        for need in ROLES[name](settings, tuple(operations), package)
        if not allowed(policies, Call(tried(need.action), tried(need.resource)))
    )


def tried(pattern: str) -> str:
    """Return one of the many that a pattern is for, whose name nobody would permit by itself."""
    return pattern.replace("*", "x-legible-policy-check")


def _policy(wanted: Iterable[Need]) -> Policy:
    """Group needs into statements: actions with the same resources stand together."""
    resources: dict[str, set[str]] = defaultdict(set)
    for need in wanted:
        resources[need.action].add(need.resource)
    actions: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for action in sorted(resources):
        actions[tuple(sorted(resources[action]))].append(action)
    return Policy(
        tuple(
            Statement("Allow", tuple(names), None if places == ("",) else places)
            for places, names in sorted(actions.items(), key=lambda pair: pair[1])
        )
    )
