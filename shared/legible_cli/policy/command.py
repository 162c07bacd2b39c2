"""``legible policy``: least-privilege policies for each role, and what a policy grants and lacks."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from legible.operations.catalog import OPERATIONS
from legible.operations.operation import Operation
from legible.settings import Settings
from legible_cli.connection import settings_of, settings_option, told
from legible_cli.policy import needs
from legible_cli.policy.grammar import Policy, Statement, read, written
from legible_cli.policy.roles import ROLES, lacking, role

_HELP = {
    "operator": "who runs Legible: uploads, rebuilds, workbooks, doctor, subscriptions",
    "reviewer": "who corrects results: no upload, no call",
    "deployer": "who runs make deploy and make destroy: as good as an administrator",
    "function": "the execution agency of the functions",
    "auditor": "who reads journals and settings, but nothing recognized",
    "forget": "who removes documents for good, and the agency of on_forget",
    "ocr-full-access": "what OCR FullAccess grants, operation by operation",
    "ocr-read-only": "what OCR ReadOnlyAccess grants, operation by operation",
}
_SERVICES = {
    "obs": "OBS",
    "ocr": "OCR",
    "functiongraph": "FunctionGraph",
    "smn": "SMN",
    "eg": "EventGrid",
    "eps": "Enterprise projects",
    "iam": "IAM",
    "*": "Every service",
}
_operations = click.option(
    "--operation", "slugs", metavar="SLUG", multiple=True,
    help="Allow subscribing to this operation only (repeatable). Default: those in the settings, or all.",
)  # fmt: skip
_package = click.option(
    "--package", default="default", show_default=True, help="The functions' FunctionGraph application."
)


@click.group("policy")
def policy_group() -> None:
    """Print the least rights a role needs on Huawei Cloud as custom policies (version 1.1), or check a policy."""


def _role_command(name: str) -> click.Command:
    @click.command(name, help=f"Print the policies of {name}: {_HELP[name]}.", short_help=_HELP[name])
    @settings_option
    @_operations
    @_package
    @click.option(
        "--scope", type=click.Choice(["global", "project"]), help="Print only this scope's policy, ready for IAM."
    )
    def command(file: Path | None, slugs: tuple[str, ...], package: str, scope: str | None) -> None:
        settings = settings_of(file)
        found = role(name, settings, _chosen(settings, slugs), package)
        policies: dict[str, Any] = {kind: written(policy) for kind, policy in found.policies.items()}
        if scope:
            click.echo(_json(policies.get(scope) or {"Version": "1.1", "Statement": []}))
        else:
            click.echo(_json({"role": name, "policies": policies, "attach": found.attach, "notes": found.notes}))

    return command


for _name in ROLES:
    policy_group.add_command(_role_command(_name))


@policy_group.command("check")
@click.argument("policy", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--role", "name", type=click.Choice(list(ROLES)), help="Exit 1 if this role would lack anything.")
@settings_option
@_operations
@_package
def check_command(policy: Path, name: str | None, file: Path | None, slugs: tuple[str, ...], package: str) -> None:
    """Say what POLICY grants, by service, and what each role of Legible would lack.

    POLICY holds one policy, a list of them, or what `legible policy ROLE` prints.
    """
    settings = settings_of(file)
    policies = told(read, policy.read_text("utf-8"))
    click.echo("\n".join(in_words(policies)))
    operations = _chosen(settings, slugs)
    missing = {one: lacking(one, policies, settings, operations, package) for one in ([name] if name else ROLES)}
    for one, found in missing.items():
        click.echo(f"\n{one}: lacks nothing." if not found else f"\n{one} lacks:")
        for need in found:
            click.echo(f"  {need.action}" + (f" on {need.resource}" if need.resource else ""))
        if not found and one in ("operator", "function"):
            click.echo(f"  Beside it: the system policy {needs.CALLS_OCR}, without which no OCR API may be called.")
    sys.exit(1 if name and missing[name] else 0)


def in_words(policies: Iterable[Policy]) -> list[str]:
    """Return what policies grant, a paragraph for each service."""
    by_service: dict[str, list[str]] = defaultdict(list)
    for statement in (one for policy in policies for one in policy.statement):
        for service in sorted({action.partition(":")[0].lower() for action in statement.action}):
            by_service[service] += _said(statement, service)
    lines = []
    for service in sorted(by_service):
        lines += [f"{_SERVICES.get(service, service)}:", *(f"  {line}" for line in by_service[service])]
    return lines or ["It grants nothing."]


def _said(statement: Statement, service: str) -> list[str]:
    verb = "may" if statement.effect == "Allow" else "may not"
    places = ", ".join(_place(one) for one in statement.resource) if statement.resource is not None else "everything"
    under = f", under {', '.join(sorted(statement.condition))}" if statement.condition else ""
    actions = [action for action in statement.action if action.partition(":")[0].lower() == service]
    return [f"{verb} {_verb(action)} ({action}) on {places}{under}" for action in actions]


def _place(resource: str) -> str:
    """Return a resource as people name it: a bucket, objects, a function."""
    parts = resource.split(":", 4)
    return f"{parts[3]} {parts[4]}" if len(parts) == 5 else ("everything" if resource == "*" else resource)


def _verb(action: str) -> str:
    """Return an action in words: ``GetBucketLocation`` is "get bucket location"."""
    name = action.rpartition(":")[2]
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
    return "do anything" if name == "*" else words.replace("*", " ...")


def _chosen(settings: Settings, slugs: tuple[str, ...]) -> list[Operation]:
    for slug in slugs:
        if slug not in OPERATIONS:
            raise click.BadParameter(f"There is no operation {slug!r}. Operations are: {', '.join(OPERATIONS)}.")
    return [OPERATIONS[slug] for slug in (slugs or needs.in_use(settings))]


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
