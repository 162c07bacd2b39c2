"""One folder and one state an environment: a plan for another one would replace buckets that hold documents.

What an environment is stands in three places: in its state, in its plan, and in the file that is named. A file's values
are literals (Terraform, "Variable Definitions Files"), so the few that tell environments apart are read from its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.errors import DeploymentError

#: A value of a settings file, on a line of its own; inside another value it is indented.
_VALUE = r'^{name}[ \t]*=[ \t]*"([^"\\]*)"'
#: What tells environments apart, as settings files call it.
_TELLING = ("region", "project_id", "name", "input_bucket", "output_bucket", "failures_bucket")
_BUCKETS = ("input", "output", "failures")


def alone(settings: Path) -> None:
    """Refuse a settings file beside another one: both have one state.

    Raises:
        DeploymentError: There is another one.
    """
    folder = settings.parent
    found = {one.name for pattern in ("*.tfvars", "*.tfvars.json") for one in folder.glob(pattern)}
    others = sorted(found - {settings.name})
    if others:
        raise DeploymentError(
            f"{', '.join(others)} lies beside {settings.name} in {folder}: two environments would "
            "have one state, and one would be made into the other.",
            advice=_apart(folder),
        )


def same(settings: Path, known: Mapping[str, Any] | None, planned: Mapping[str, Any] | None = None) -> None:
    """Refuse to go on where a state is another environment's than is meant.

    Args:
        settings: The settings file.
        known: The state, as ``terraform show -json`` tells it.
        planned: The plan, likewise; None where there is none yet: then the file's text is compared.

    Raises:
        DeploymentError: It is another one's; says in what.
    """
    has = _values((known or {}).get("values") or {})
    wants = _written(settings) if planned is None else _values(planned.get("planned_values") or {})
    both = [name for name in _TELLING if name in has and name in wants]
    other = [f"{name} is {has[name]}, not {wants[name]}" for name in both if has[name] != wants[name]]
    if other:
        raise DeploymentError(
            f"The state in {settings.parent} is not of the environment that {settings.name} says: in it, "
            f"{'; '.join(other)}. Documents and results would be left behind or destroyed.",
            advice=_apart(settings.parent),
        )


def resources(part: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the resources of a state or a plan, as JSON has them, with those of its modules."""
    yield from part.get("resources") or ()
    for module in part.get("child_modules") or ():
        yield from resources(module)


def _values(values: Mapping[str, Any]) -> dict[str, str]:
    """Return what a state or a plan says of its environment."""
    found: dict[str, str] = {}
    where = ((values.get("outputs") or {}).get("where") or {}).get("value") or {}
    found |= {name: str(where[name]) for name in ("region", "project_id") if where.get(name)}
    if str(where.get("tag", "")).startswith("legible="):
        found["name"] = str(where["tag"]).partition("=")[2]
    for one in resources(values.get("root_module") or {}):
        if one.get("type") == "huaweicloud_obs_bucket" and one.get("index") in _BUCKETS and one["values"].get("bucket"):
            found[f"{one['index']}_bucket"] = str(one["values"]["bucket"])
    return found


def _written(settings: Path) -> dict[str, str]:
    """Return what a settings file says of its environment, as far as its text tells."""
    text = settings.read_text("utf-8")
    found = {name: re.findall(_VALUE.format(name=name), text, re.MULTILINE) for name in _TELLING}
    return {name: values[-1] for name, values in found.items() if values and values[-1]}


def _apart(folder: Path) -> str:
    return (
        f"Give each environment a folder of its own: copy main.tf of {folder} to a folder beside it, with its own "
        "terraform.tfvars and nothing else (no .terraform, no state), and name that file: make deploy "
        f"SETTINGS={folder.parent}/<environment>/terraform.tfvars."
    )
