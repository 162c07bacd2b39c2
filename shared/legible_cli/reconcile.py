"""``legible reconcile``: the ledger held against Cloud Eye."""

from __future__ import annotations

import sys
import uuid
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from legible.oversight.differences import Difference
from legible.oversight.reconciliation import Reconciled
from legible.wiring.parts import WORKBOOK_SECONDS
from legible_cli.connection import connect, settings_option, told
from legible_cli.screen import screen, show_json

_TIME = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"])


@click.command("reconcile")
@click.option("--from", "begin", type=_TIME, help="From when (UTC). Default: 7 days ago; with --minutes, a day ago.")
@click.option("--to", "end", type=_TIME, help="Until when (UTC). Default: now.")
@click.option("--minutes", is_flag=True, help="Compare minute by minute, within the last two days.")
@click.option("--json", "as_json", is_flag=True, help="Print the outcome as JSON.")
@settings_option
def reconcile_command(
    begin: datetime | None, end: datetime | None, minutes: bool, as_json: bool, file: Path | None
) -> None:
    """Compare the calls of the journals with those that Cloud Eye counted, hour by hour, and name each difference.

    Exit 1 if calls are billed by one side only and no known cause explains them, or if a side cannot be read; 2 if
    there was nothing to compare. The last hours are not judged: both sides may count late.
    """
    now = datetime.now(timezone.utc)
    since = begin.replace(tzinfo=timezone.utc) if begin else now - timedelta(days=1 if minutes else 7)
    until = end.replace(tzinfo=timezone.utc) if end else now
    if since >= until:
        raise click.UsageError(f"--from {since:%Y-%m-%d %H:%M} is not before --to {until:%Y-%m-%d %H:%M}.")
    oversight = connect(file).oversight(f"cli-{uuid.uuid4().hex[:12]}", WORKBOOK_SECONDS)
    reconciler = told(lambda: oversight.reconciler)
    found: Reconciled = told(reconciler.by_minute if minutes else reconciler.by_hour, since, until)
    if as_json:
        outcome = msgspec.to_builtins(found) | {"unexplained": found.unexplained, "compared": found.compared}
        show_json(outcome)
    else:
        _show(screen(), found)
    sys.exit(_code(found))


def _code(found: Reconciled) -> int:
    """Return how the command exits: that nothing differs is not said where nothing was compared."""
    if not found.compared:
        return 2
    return 1 if found.unexplained else 0


def _show(console: Console, found: Reconciled) -> None:
    if not found.compared:
        console.print("Nothing was compared.", *found.notes, soft_wrap=True)
        return
    if found.differences:
        table = Table(f"{found.period} (UTC)", "operation", "calls that", "ledger", "service", "what is known of it")
        for one in found.differences:
            times = (f"{one.begin:%Y-%m-%d %H:%M}", one.operation, one.kind, f"{one.ledger}", f"{one.service}")
            table.add_row(*times, _known(one))
        console.print(table)
    for text in found.notes:
        console.print(text, soft_wrap=True)
    moved = f" {found.moved} calls were counted in the {found.period} beside." if found.moved else ""
    console.print(
        f"{found.begin:%Y-%m-%d %H:%M} to {found.end:%Y-%m-%d %H:%M} UTC: {found.ledger} calls succeeded by the "
        f"ledger, {found.service} by Cloud Eye; {found.unexplained} are not explained.{moved}",
        soft_wrap=True,
    )


_CAUSES = {
    "unknown": "of which no answer came",
    "probes": "asked by doctor or health, unbilled",
    "throttled": "turned away, each try",
    "other-programs": "by other programs",
}


def _known(one: Difference) -> str:
    more = "the service counted more" if one.direction == "service-counted-more" else "the ledger counted more"
    causes = [f"{known.count} {_CAUSES[known.cause]}" for known in one.causes]
    causes += [f"{one.unexplained} not explained"] if one.unexplained else []
    return f"{more}: {', '.join(causes)}"
