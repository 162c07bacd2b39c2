"""Plan a deployment, judge the plan, and make it after asking: ``make plan`` and ``make deploy``.

Terraform knows nothing of ``legible.toml``, and the package nothing of user variables and secrets. Where both meet, in
the plan, each function's settings are judged as that function would read them. What was judged is what is made.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from infra.deploy import environments
from infra.deploy.environments import resources
from infra.deploy.terraform import Terraform
from infra.errors import DeploymentError
from infra.judged import judged
from legible.errors import LegibleError, SettingsError
from legible.notices.targets import EventGrid, Smn
from legible.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
#: What a target needs of the functions' agencies, and the value of the module's `notify` that gives it.
_RIGHTS = {Smn: ("smn:topic:publish", "smn"), EventGrid: ("eg:channels:putEvents", "eventgrid")}


def settings_of(plan: Mapping[str, Any], file: Path) -> Settings | None:
    """Return the settings of the functions that are planned, each judged by its own user variables.

    Args:
        plan: As ``terraform show -json`` tells it.
        file: ``legible.toml``.

    Returns:
        The settings of one of them; None where none is planned.

    Raises:
        SettingsError: A function would refuse to start, or send no notice.
    """
    settings = None
    for one in _planned(plan, "huaweicloud_fgs_function"):
        values = one["values"]
        if values.get("user_data") is None or ("encrypted_user_data" not in values):
            continue  # not known before something else is made: nothing can be said
        variables = {**json.loads(values["user_data"]), **json.loads(values["encrypted_user_data"] or "{}")}
        try:
            settings = judged(file, variables)
        except SettingsError as error:
            advice = error.advice
            if ".secret: " in error.message:
                advice = f"{advice} Put it under that name into the module's `secrets` (TF_VAR_secrets)."
            raise SettingsError(f"{values.get('name')}: {error.message}", advice=advice) from None
    return settings


def check_rights(plan: Mapping[str, Any], settings: Settings, origin: str) -> None:
    """Refuse targets and regions of the settings that the planned agencies have no rights for.

    Raises:
        SettingsError: Says which input of the module gives them.
    """
    policies = [str(one["values"].get("policy")) for one in _planned(plan, "huaweicloud_identity_role")]
    for name, target in settings.notify.items():
        action, kind = _RIGHTS.get(type(target), ("", ""))
        if policies and not any(action in policy for policy in policies):
            raise SettingsError(
                f"{origin}: notify.{name} is of the kind {kind}, and no agency may send there ({action}).",
                advice=f'Add "{kind}" to the module\'s `notify`.',
            )
    roles = [role for one in _planned(plan, "huaweicloud_identity_agency") for role in one["values"]["project_role"]]
    granted = {role["project"] for role in roles if any("OCR" in name for name in role["roles"])}
    for slug, own in settings.operations.items():
        if granted and own.region and own.region not in granted:
            raise SettingsError(
                f"{origin}: operations.{slug}.region is {own.region}, and no agency may call OCR there.",
                advice=f"Add it to the module's `ocr_regions`: those with OCR are {', '.join(sorted(granted))}.",
            )


def _planned(plan: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    root = (plan.get("planned_values") or {}).get("root_module") or {}
    return [one for one in resources(root) if one.get("type") == kind and one.get("mode", "managed") == "managed"]


def main(arguments: list[str], file: Path = ROOT / "legible.toml", typed: TextIO = sys.stdin) -> int:
    """Plan, and make it with ``--apply``; return 2 for a refusal, 1 where nobody agrees, else what Terraform does."""
    parser = argparse.ArgumentParser(prog="python -m infra.deploy.plan", description=__doc__.partition("\n")[0])
    parser.add_argument("settings", type=Path, help="the deployment's settings file, beside its templates")
    parser.add_argument("--terraform", default="terraform", metavar="COMMAND")
    parser.add_argument("--apply", action="store_true", help="make it, after asking")
    options = parser.parse_args(arguments)
    try:
        terraform = Terraform(options.terraform, options.settings)
        status = _plan(terraform, options.settings, file)
    except LegibleError as error:
        print(f"Not {'deployed' if options.apply else 'planned'}: {error}", file=sys.stderr)
        return 2
    if status or not options.apply:
        return status
    return _apply(terraform, typed)


def _plan(terraform: Terraform, settings: Path, file: Path) -> int:
    """Plan, and judge the plan; return Terraform's status. A plan that is refused is not kept."""
    try:
        return _judged_plan(terraform, settings, file)
    except LegibleError:
        terraform.forget()
        raise


def _judged_plan(terraform: Terraform, settings: Path, file: Path) -> int:
    environments.alone(settings)
    judged(file)
    status = terraform.init()
    if status:
        return status
    known = terraform.known()
    environments.same(settings, known)
    status = terraform.plan()
    if status:
        terraform.forget()
        return status
    plan = terraform.planned()
    if plan is None:
        raise DeploymentError("Terraform does not tell its plan.", advice="Run make plan again.")
    environments.same(settings, known, plan)
    found = settings_of(plan, file)
    if found is not None:
        check_rights(plan, found, file.name)
    return 0


def _apply(terraform: Terraform, typed: TextIO) -> int:
    """Make what was planned and judged, if somebody says so."""
    print('\nShall this be made? Only "yes" is: ', end="", flush=True)
    try:
        if typed.readline().strip() != "yes":
            print("Nothing was made.", file=sys.stderr)
            return 1
        return terraform.apply()
    finally:
        terraform.forget()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
