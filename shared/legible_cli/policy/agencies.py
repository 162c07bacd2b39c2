"""What each agency of a deployment may do: infra/policies/functions.yaml, put together as Terraform does it.

The Terraform module ``agencies`` makes custom policies of it, the tests judge calls by it, and ``legible doctor`` looks
whether the agencies of a deployment have it.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

import yaml
from msgspec import Struct

from legible_cli.policy.grammar import Statement

TABLE = Path(__file__).resolve().parents[3] / "infra" / "policies" / "functions.yaml"
#: The agencies beside those of the functions.
CONFIGURATION, DELIVERING = "config", "eventgrid"


class Names(Struct, frozen=True):
    """What the table is filled in with: buckets, application and prefix of the functions, the id of a key."""

    input: str
    output: str
    failures: str
    app: str = "default"
    name: str = "legible"
    key: str = ""


class Rights(Struct, frozen=True):
    """What an agency may do: statements for OBS, which is global, statements for the project, and system policies."""

    obs: tuple[Statement, ...] = ()
    project: tuple[Statement, ...] = ()
    roles: tuple[str, ...] = ()


def table(names: Names) -> dict[str, Any]:
    """Return the table, filled in; it is nobody's to change."""
    values = {key: str(getattr(names, key)) for key in Names.__struct_fields__}
    return _read(Template(TABLE.read_text("utf-8")).substitute(values))


@cache
def _read(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def agency(function: str) -> str:
    """Return what a function's execution agency is called, behind the prefix of all names.

    Args:
        function: The function's key in serverless.yml, such as ``on_upload``.
    """
    return f"exec-{function.replace('_', '-')}"


def rights(names: Names, notify: Collection[str]) -> dict[str, Rights]:
    """Return what each agency may do, by its name behind the prefix of all names.

    Args:
        names: What the table is filled in with.
        notify: The kinds of targets in the settings that need a right: smn, eventgrid.
    """
    said = table(names)
    duties = {agency(key): list(found) for key, found in said["functions"].items()}
    for key in said["telling"]:
        duties[agency(key)] += [f"tell-{kind}" for kind in notify]
    duties |= {CONFIGURATION: said["configuration"], DELIVERING: said["eventgrid"]}
    return {name: _rights(said, found) for name, found in sorted(duties.items())}


def _rights(said: dict[str, Any], duties: list[str]) -> Rights:
    mine = [said["duties"][duty] for duty in duties]
    return Rights(
        obs=tuple(_statement(one) for duty in mine for one in duty.get("obs", ())),
        project=tuple(_statement(one) for duty in mine for one in duty.get("project", ())),
        roles=tuple(role for duty in mine for role in duty.get("roles", ())),
    )


def _statement(said: dict[str, Any]) -> Statement:
    places = said.get("resources")
    return Statement("Allow", tuple(said["actions"]), None if places is None else tuple(places))
