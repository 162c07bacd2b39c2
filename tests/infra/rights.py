"""infra/policies/functions.yaml, put together as the Terraform module `agencies` does; both are held to policies.json.

``python -m tests.infra.rights`` writes that file again.
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from legible_cli.policy import agencies
from legible_cli.policy.grammar import Policy
from legible_cli.policy.grammar import written as policy_written
from tests.support.places import ROOT as ROOT

TABLE = agencies.TABLE
WRITTEN = Path(__file__).with_name("policies.json")
NAMES = agencies.Names("example-legible-in", "example-legible-out", "example-legible-out-failures")
NOTIFY = ("eventgrid", "smn")
agency = agencies.agency


def named(**names: str) -> agencies.Names:
    """Return the names that the table is filled in with, some of them others."""
    return agencies.Names(**{key: names.get(key, getattr(NAMES, key)) for key in agencies.Names.__struct_fields__})


def table(**names: str) -> dict[str, Any]:
    """Return the table of rights, filled in; it is the caller's own."""
    return copy.deepcopy(agencies.table(named(**names)))


def policies(notify: tuple[str, ...] = NOTIFY, **names: str) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return the statements of every agency, by scope."""
    return {
        name: {scope: policy_written(Policy(getattr(found, scope)))["Statement"] for scope in ("obs", "project")}
        for name, found in agencies.rights(named(**names), notify).items()
    }


def statements(function: str, **names: str) -> list[dict[str, Any]]:
    """Return everything a function may do."""
    found = policies(**names)[agency(function)]
    return found["obs"] + found["project"]


def written() -> str:
    """Return what policies.json holds."""
    return json.dumps(policies(), indent=2) + "\n"


if __name__ == "__main__":
    WRITTEN.write_text(written(), "utf-8")
