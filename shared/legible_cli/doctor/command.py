"""``legible doctor``: whether a deployment is as it must be, before the first call is paid for."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from legible.errors import LegibleError
from legible.huawei.credentials import Credentials
from legible.operations.catalog import OPERATIONS
from legible.operations.operation import Operation
from legible.recognition.probe import HealthCheck
from legible.settings import Settings, load
from legible.wiring import adapters
from legible_cli.connection import KEYS, settings_option
from legible_cli.doctor import account, packages, recognition
from legible_cli.doctor.deployment import Deployment
from legible_cli.doctor.endpoints import Endpoints
from legible_cli.policy import needs
from legible_cli.screen import colored, screen, show_json

_ROOT = Path(__file__).resolve().parents[3]
_LOCK = _ROOT / "requirements" / "ship.txt"
_COLORS = {"ok": "green", "failed": "red", "unknown": "yellow"}


@click.command("doctor")
@settings_option
@click.option(
    "--operation", "slugs", metavar="SLUG", multiple=True,
    help="Ask whether this operation may be called (repeatable). Default: those in the settings.",
)  # fmt: skip
@click.option("--package", default="default", show_default=True, help="The functions' FunctionGraph application.")
@click.option("--lock", type=click.Path(dir_okay=False, path_type=Path), default=_LOCK, hidden=True)
@click.option(
    "--appends", "appending", is_flag=True,
    help="Also measure how far simultaneous appends are apart, by a probe in the output bucket that is removed.",
)  # fmt: skip
@click.option(
    "--flows", is_flag=True, help="Function flows are to be used: fail where they do not run (see infra/workflows)."
)
@click.option("--json", "as_json", is_flag=True, help="Print the checks as a JSON array.")
def doctor_command(
    file: Path | None, slugs: tuple[str, ...], package: str, lock: Path, appending: bool, flows: bool, as_json: bool
) -> None:
    """Check a deployment from outside, and say what to mend; nothing is paid for.

    Nothing is written but a note of each question to the OCR service, which counts it as a failed call, and what
    --appends writes.

    Exit 1 if any check failed. A check that cannot be made is "unknown", and says why.
    """
    for slug in slugs:
        if slug not in OPERATIONS:
            raise click.BadParameter(f"There is no operation {slug!r}. Operations are: {', '.join(OPERATIONS)}.")
    environment = os.environ  # noqa: TID251 - a command has nothing else
    checked = [*_checks(file, slugs, package, environment, appending, flows), packages.versions(lock)]
    if as_json:
        show_json(checked)
    else:
        _show(screen(), checked)
    sys.exit(1 if any(one.status == "failed" for one in checked) else 0)


def _checks(
    file: Path | None,
    slugs: tuple[str, ...],
    package: str,
    environment: Mapping[str, str],
    appending: bool,
    flows: bool,
) -> Iterator[HealthCheck]:
    """Yield the checks; what hangs on one that failed is not made, for it would only fail for the same reason."""
    try:
        settings = load(file or adapters.settings_file(), environment.get)
    except LegibleError as error:
        yield HealthCheck("settings", "failed", error.message, error.advice)
        return
    yield HealthCheck("settings", "ok", f"Read; the region is {settings.cloud.region}.")
    used = [OPERATIONS[slug] for slug in (slugs or (needs.in_use(settings) if _named(settings) else ()))]
    yield from _regions(used, settings)
    keys = Credentials(*(environment.get(name, "") for name in KEYS))
    if not (keys.access_key and keys.secret_key):
        advice = f"Set {KEYS[0]} and {KEYS[1]}, and {KEYS[2]} for temporary keys."
        yield HealthCheck("credentials", "failed", "There are no keys to look with.", advice)
        return
    deployment = Deployment(Endpoints(settings, keys, environment), used, package)
    taken = account.credentials(deployment.inspector, bool(keys.token), datetime.now(timezone.utc))
    yield taken
    if taken.status != "failed":
        yield from deployment.checks(appending, flows)


def _named(settings: Settings) -> bool:
    return bool(settings.routes or settings.operations or settings.default)


def _regions(used: Iterable[Operation], settings: Settings) -> Iterator[HealthCheck]:
    today = datetime.now(timezone.utc).date()
    for operation in used:
        yield recognition.region(operation, settings, today)
    if not used:
        here = sum(settings.cloud.region in one.regions and not one.removed(today) for one in OPERATIONS.values())
        message = f"The settings name no operation; {here} of {len(OPERATIONS)} run in {settings.cloud.region}."
        yield HealthCheck("region", "ok" if here else "failed", message, "" if here else "Check cloud.region.")


def _show(console: Console, checked: Iterable[HealthCheck]) -> None:
    table = Table("check", "", "what was seen", "what to do", show_lines=False)
    for one in checked:
        table.add_row(one.name, colored(one.status, _COLORS[one.status]), one.message, one.advice)
    console.print(table)
