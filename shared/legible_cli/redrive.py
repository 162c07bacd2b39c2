"""``legible redrive``: documents that are not done for a chosen cause, tried once more."""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import click
from rich.console import Console

from legible.model.audit import REDRIVE
from legible.model.ends import EndChoice, RedriveReport
from legible.upkeep.limits import A_MINUTE, RedriveLimits
from legible.upkeep.redrive import Redrive
from legible.wiring import redrive
from legible.wiring.parts import WORKBOOK_SECONDS
from legible_cli.audited import audited
from legible_cli.connection import connect, settings_option, told
from legible_cli.ends import Money, choice_of, choosing, priced
from legible_cli.screen import screen, show_json


@click.command("redrive")
@click.argument("prefix", default="")
@choosing
@click.option("--max-cost", type=Money(), help="Begin nothing that would cost more, by the prices of the settings.")
@click.option("--max-calls", type=click.IntRange(0), help="Begin nothing that takes more calls.")
@click.option(
    "--per-minute",
    type=click.IntRange(1, 10_000),
    default=A_MINUTE,
    show_default=True,
    help="How many documents are tried in a minute.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be tried again and what it would cost; move nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before money is spent.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@settings_option
def redrive_command(
    prefix: str,
    reasons: tuple[str, ...],
    statuses: tuple[str, ...],
    operation: str,
    since: datetime | None,
    max_cost: Decimal | None,
    max_calls: int | None,
    per_minute: int,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    file: Path | None,
) -> None:
    """Try once more what is not done for a cause, where keys begin with PREFIX; `legible dead` lists the causes.

    Each document is tried once after the end that it has now, however often this is called. What is chosen waits with
    the other uploads that wait for another try, and is read in the minutes that follow. Documents of which the same
    would come again stay, unless --reason names their cause.
    """
    choice = choice_of(prefix, reasons, statuses, operation, since)
    if choice == EndChoice():
        raise click.UsageError("Name what is to be tried again: --reason, --status, --operation, --since or a PREFIX.")
    limits = RedriveLimits(max_cost, max_calls, None, per_minute)
    connection, owner = connect(file), f"cli-{uuid.uuid4().hex[:12]}"
    parts = connection.parts(owner, WORKBOOK_SECONDS)
    drive = redrive.redrive(parts, connection.oversight(owner, WORKBOOK_SECONDS).price)
    console = screen(stderr=as_json)
    report: RedriveReport = told(drive.plan, choice, limits)
    _show(console, report)
    if not report.chosen and not report.left:
        raise click.ClickException(f"No document that is not done fits this choice below {prefix!r}.")
    if not dry_run and report.chosen:
        if not yes and not click.confirm("Try these again?", err=as_json):
            raise click.Abort
        details = {"reasons": " ".join(reasons), "statuses": " ".join(statuses), "operation": operation}
        with audited(connection, REDRIVE, "documents", prefix, **details, documents=str(report.chosen)):
            report = _run(drive, choice, limits, console)
        _show(console, report)
    if as_json:
        show_json(report)


def _run(drive: Redrive, choice: EndChoice, limits: RedriveLimits, console: Console) -> RedriveReport:
    with console.status("Moving documents") as status:
        report: RedriveReport = told(
            drive.run, choice, limits, lambda so_far: status.update(f"Moving documents: {so_far.chosen:,}")
        )
    return report


def _show(console: Console, report: RedriveReport) -> None:
    verb = "would be tried" if report.dry else "are tried"
    causes = ", ".join(f"{count:,} {code or '(none)'}" for code, count in sorted(report.causes.items()))
    assert report.cost is not None  # a report that is whole
    console.print(
        f"{report.chosen:,} documents {verb} once more{f' ({causes})' if causes else ''}: {priced(report.cost)}.",
            soft_wrap=True,
    )  # fmt: skip
    if report.uncounted:
        console.print(f"{report.uncounted:,} of them have pages that nobody has counted; each is reckoned as one page.")
    for why, count in sorted(report.left.items()):
        console.print(f"{count:,} are left: {why}.")
    if not report.dry and report.moved and report.last is not None:
        console.print(f"The last of them is due at {report.last:%Y-%m-%d %H:%M} UTC.")
