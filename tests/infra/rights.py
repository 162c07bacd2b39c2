"""infra/policies/functions.yaml, put together as the Terraform module `agencies` does; both are held to policies.json.

``python -m tests.infra.rights`` writes that file again.
"""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from localcloud.iam import rights
from tests.support.places import ROOT as ROOT

TABLE = rights.TABLE
WRITTEN = Path(__file__).with_name("policies.json")
NAMES = rights.Names("example-legible-in", "example-legible-out", "example-legible-out-failures")
NOTIFY = rights.TARGETS
agency = rights.agency


def table(**names: str) -> dict[str, Any]:
    """Return the table of rights, filled in; it is the caller's own."""
    return copy.deepcopy(rights.table(replace(NAMES, **names)))


def policies(notify: tuple[str, ...] = NOTIFY, **names: str) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Return the statements of every agency, by scope."""
    return {
        name: {"obs": list(found.obs), "project": list(found.project)}
        for name, found in rights.rights(replace(NAMES, **names), notify).items()
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
