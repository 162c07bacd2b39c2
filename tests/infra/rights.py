"""infra/policies/functions.yaml, put together as the Terraform module `agencies` does; both are held to policies.json.

``python -m tests.infra.rights`` writes that file again.
"""

from __future__ import annotations

import copy
import functools
import json
from pathlib import Path
from string import Template
from typing import Any

import yaml

from tests.support.places import ROOT

TABLE = ROOT / "infra" / "policies" / "functions.yaml"
WRITTEN = Path(__file__).with_name("policies.json")
NAMES = {
    "input": "example-legible-in",
    "output": "example-legible-out",
    "failures": "example-legible-out-failures",
    "app": "default",
    "name": "legible",
    "key": "",
}
NOTIFY = ("eventgrid", "smn")


def table(**names: str) -> dict[str, Any]:
    """Return the table of rights, filled in; it is the caller's own."""
    return copy.deepcopy(_read(Template(TABLE.read_text("utf-8")).substitute(NAMES | names)))


@functools.cache
def _read(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def policies(notify: tuple[str, ...] = NOTIFY, **names: str) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return the statements of every agency, by scope."""
    rights = table(**names)
    duties = {agency(key): list(found) for key, found in rights["functions"].items()}
    for key in rights["telling"]:
        duties[agency(key)] += [f"tell-{kind}" for kind in notify]
    duties |= {"config": rights["configuration"], "eventgrid": rights["eventgrid"]}
    return {
        name: {scope: _statements(rights, found, scope) for scope in ("obs", "project")}
        for name, found in sorted(duties.items())
    }


def agency(function: str) -> str:
    """Return what a function's execution agency is called, behind the prefix of all names."""
    return f"exec-{function.replace('_', '-')}"


def statements(function: str, **names: str) -> list[dict[str, Any]]:
    """Return everything a function may do."""
    found = policies(**names)[agency(function)]
    return found["obs"] + found["project"]


def _statements(rights: dict[str, Any], duties: list[str], scope: str) -> list[dict[str, Any]]:
    return [
        {"Effect": "Allow", "Action": one["actions"]} | ({"Resource": one["resources"]} if "resources" in one else {})
        for duty in duties
        for one in rights["duties"][duty].get(scope, ())
    ]


def written() -> str:
    """Return what policies.json holds."""
    return json.dumps(policies(), indent=2) + "\n"


if __name__ == "__main__":
    WRITTEN.write_text(written(), "utf-8")
