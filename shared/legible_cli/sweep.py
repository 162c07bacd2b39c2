"""``legible sweep``: the whole input bucket against the ledger, from the command line."""

from __future__ import annotations

import uuid
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import click
from msgspec import structs
from rich.console import Console
from rich.table import Table

from legible.model.audit import SWEEP
from legible.upkeep.findings import KINDS
from legible.upkeep.sweep import SweepReport
from legible.wiring import upkeep
from legible.wiring.parts import WORKBOOK_SECONDS
from legible_cli.audited import audited
from legible_cli.connection import connect, settings_option, told
from legible_cli.screen import screen, show_json

#: What each kind of finding means.
MEANS = {
    "lost": "nobody had begun to read the upload: its event was lost",
    "again": "the same bytes were uploaded again, and nobody had noticed",
    "abandoned": "whoever had begun to read it is gone",
    "held": "it was held, and nothing waited for what holds it up",
    "unpublished": "its result had been removed",
}


@click.command("sweep")
@click.option("--dry-run", is_flag=True, help="Say what would be repaired, and change nothing.")
@click.option("--young", type=click.FloatRange(0, 1440), metavar="MINUTES",
              help="Leave younger uploads to their events. Default: sweep.young_minutes of the settings.")  # fmt: skip
@click.option("--days", type=click.IntRange(1, 3650), metavar="DAYS",
              help="Leave older uploads unread. Default: sweep.days of the settings.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON.")
@settings_option
def sweep_command(dry_run: bool, young: float | None, days: int | None, as_json: bool, file: Path | None) -> None:
    """Hold the whole input bucket against the ledger, and repair what was lost, each once.

    Uploads that nobody has read are parked where those wait that are tried again; the function on_notices hands them
    on, a few at a time. The function on_sweep does the same every ten minutes, for what is due of a large bucket.
    """
    connection = connect(file)
    rules = connection.settings.sweep
    rules = structs.replace(
        rules, young_minutes=rules.young_minutes if young is None else young, days=rules.days if days is None else days,
        since=rules.since if days is None else None,
    )  # fmt: skip
    connection = connection._replace(settings=structs.replace(connection.settings, sweep=rules))
    parts = connection.parts(f"cli-{uuid.uuid4().hex[:12]}", WORKBOOK_SECONDS)
    console = screen(stderr=as_json)
    trail = nullcontext() if dry_run else audited(connection, SWEEP, "bucket", connection.settings.buckets.input)
    with console.status("Sweeping") as shown, trail:
        made = told(
            upkeep.sweep, parts, all_of_it=True, dry=dry_run, tell=lambda count: shown.update(f"Sweeping: {count:,}")
        )  # fmt: skip
        report: SweepReport = told(made.run)
    if report.busy_until is not None:
        raise click.ClickException(
            f"Another sweep is at work, until {report.busy_until + timedelta(seconds=2):%H:%M:%S} UTC at the latest."
        )
    if as_json:
        show_json(report)
    else:
        _show(console, report, dry=dry_run)


def _show(console: Console, report: SweepReport, *, dry: bool) -> None:
    table = Table("found", "documents", "repaired", "in vain before", "what it means")
    for kind in KINDS:
        count = report.found.get(kind, 0)
        if count:
            done, vain = (counts.get(kind, 0) for counts in (report.repaired, report.in_vain))
            table.add_row(kind, f"{count:,}", "" if dry else f"{done:,}", f"{vain:,}" if vain else "", MEANS[kind])
    if table.row_count:
        console.print(table)
    console.print(f"{report.objects:,} objects were looked at; {'nothing' if not report.found else 'these'} was found.")
    if report.waits:
        console.print(f"{report.waits:,} were left: so many uploads wait already that these come first. Sweep again.")
    if dry and report.found:
        console.print("Nothing was changed.")
