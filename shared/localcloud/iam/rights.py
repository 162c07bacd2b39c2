"""What each agency of a deployment may do: infra/policies/functions.yaml, put together as Terraform does it.

The Terraform module ``agencies`` makes custom policies of it, the local cloud has such agencies, the tests judge calls
by it, and ``legible doctor`` looks whether the agencies of a deployment have it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import yaml

TABLE = Path(__file__).resolve().parents[3] / "infra" / "policies" / "functions.yaml"
#: What the functions' execution agencies are called, without the prefix of all names and a function's own; the others.
EXECUTING, CONFIGURATION, DELIVERING = "exec-", "config", "eventgrid"
#: The kinds of targets of notices that need a right.
TARGETS = ("eventgrid", "smn")


@dataclass(frozen=True)
class Names:
    """What the table is filled in with: buckets, application and prefix of the functions, the id of a key."""

    input: str
    output: str
    failures: str
    app: str = "default"
    name: str = "legible"
    key: str = ""


@dataclass(frozen=True)
class Rights:
    """What an agency may do: statements for OBS, which is global, statements for the project, and system policies.

    Statements are as IAM has them, syntax 1.1.
    """

    obs: tuple[dict[str, Any], ...] = ()
    project: tuple[dict[str, Any], ...] = ()
    roles: tuple[str, ...] = ()


def table(names: Names) -> dict[str, Any]:
    """Return the table, filled in; it is nobody's to change."""
    return _read(Template(TABLE.read_text("utf-8")).substitute(asdict(names)))


@cache
def _read(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def agency(function: str) -> str:
    """Return what a function's execution agency is called, behind the prefix of all names.

    Args:
        function: The function's key in serverless.yml, such as ``on_upload``.
    """
    return f"{EXECUTING}{function.replace('_', '-')}"


def rights(names: Names, notify: Collection[str] = TARGETS) -> dict[str, Rights]:
    """Return what each agency may do, by its name behind the prefix of all names.

    Args:
        names: What the table is filled in with.
        notify: The kinds of targets in the settings that need a right.
    """
    said = table(names)
    duties = {agency(key): list(found) for key, found in said["functions"].items()}
    for key in said["telling"]:
        duties[agency(key)] += [f"tell-{kind}" for kind in notify]
    duties |= {CONFIGURATION: said["configuration"], DELIVERING: said["eventgrid"]}
    return {name: _rights([said["duties"][duty] for duty in found]) for name, found in sorted(duties.items())}


def _rights(duties: list[dict[str, Any]]) -> Rights:
    return Rights(
        obs=tuple(_statement(one) for duty in duties for one in duty.get("obs", ())),
        project=tuple(_statement(one) for duty in duties for one in duty.get("project", ())),
        roles=tuple(role for duty in duties for role in duty.get("roles", ())),
    )


def _statement(said: dict[str, Any]) -> dict[str, Any]:
    places = {"Resource": list(said["resources"])} if "resources" in said else {}
    return {"Effect": "Allow", "Action": list(said["actions"]), **places}
