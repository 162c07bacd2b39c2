"""``legible usage``: how many calls there were, what they cost, and what is left of packages."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timezone
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from legible.model.audit import EXPORT
from legible.model.usage import Dimension, UsageReport
from legible.outputs.xlsx import write_usage
from legible.wiring.parts import WORKBOOK_SECONDS
from legible_cli.as_of import as_of
from legible_cli.audited import audited
from legible_cli.connection import connect, settings_option, told
from legible_cli.files import write_file
from legible_cli.recount import recount
from legible_cli.screen import colored, screen, show_json

_DAY = click.DateTime(["%Y-%m-%d"])
_LABELS: dict[Dimension, str] = {
    "operation": "operation",
    "day": "day (UTC)",
    "project": "enterprise project",
    "route": "route",
}


@click.command("usage")
@click.option("--from", "begin", type=_DAY, help="The first day (UTC). Default: the first of this month.")
@click.option("--to", "end", type=_DAY, help="The last day (UTC), included. Default: today.")
@click.option(
    "--by",
    type=click.Choice(list(_LABELS)),
    default="operation",
    show_default=True,
    help="What calls are told apart by.",
)
@click.option("--json", "as_json", is_flag=True, help="Print everything that is known as JSON.")
@click.option("--xlsx", type=click.Path(dir_okay=False, path_type=Path), help="Write a workbook with charts, too.")
@click.option(
    "--rebuild", is_flag=True, help="First count all journals again: for those from before there was a count."
)
@click.option("--prefix", default="", help="With --rebuild: only those of documents whose key begins with this.")
@settings_option
def usage_command(
    begin: datetime | None,
    end: datetime | None,
    by: Dimension,
    as_json: bool,
    xlsx: Path | None,
    rebuild: bool,
    prefix: str,
    file: Path | None,
) -> None:
    """Show how many calls were made, succeeded and failed, what they cost, and how long packages last.

    Calls are counted from journals by the function on_report, every ten minutes; days are those of UTC, months of money
    those of UTC+8. Beside them stands what Cloud Eye counted, of all programs of the project, where it can be asked.
    """
    today = datetime.now(timezone.utc).date()
    last = end.date() if end else today
    first = begin.date() if begin else last.replace(day=1)
    if first > last:
        raise click.UsageError(f"--from {first} is after --to {last}.")
    console = screen(stderr=as_json)
    connection = connect(file)
    oversight = connection.oversight(f"cli-{uuid.uuid4().hex[:12]}", WORKBOOK_SECONDS)
    if rebuild:
        recount(connection, oversight, console, prefix)
    report: UsageReport = told(oversight.two_sided, first, last)
    if xlsx is not None:
        with audited(connection, EXPORT, "report", "usage", first=str(first), last=str(last)):
            write_file(xlsx, lambda target: write_usage(report, target))
    if as_json:
        show_json(report)
        return
    _show(console, report, by)


def _show(console: Console, report: UsageReport, by: Dimension) -> None:
    console.print(_table(report, by))
    if report.service and report.service.rows(by) is None:
        console.print("Cloud Eye knows neither enterprise projects nor routes: its side is by operation and by day.")
    if not report.rows(by):
        console.print(f"No calls from {report.first} to {report.last}.")
    ended = ", ".join(f"{count} {status}" for status, count in report.ended.items())
    if ended:
        console.print(f"Documents that ended: {ended}.")
    for one in report.packages:
        how = "an estimate" if one.estimated else "by the billing API"
        until = f"; used up on {one.runs_out}" if one.runs_out else ""
        console.print(
            f"Package {one.name}: {one.left} of {one.size} left ({how}); {one.week} calls a day over 7 days, "
            f"{one.month} over 30{until}.",
            soft_wrap=True,
        )  # fmt: skip
    _money(console, report)
    for text in report.warnings:
        console.print(colored("Warning:", "yellow"), text, soft_wrap=True)
    for text in report.notes:
        console.print(text, soft_wrap=True)
    if report.service_heads(by):
        console.print("Cloud Eye counts some minutes late; `legible reconcile` compares only hours that are whole.")
    console.print(as_of(report.as_of, report.waiting))


def _money(console: Console, report: UsageReport) -> None:
    months: dict[date, list[str]] = {}
    for cost in report.costs:
        if cost.amount:
            months.setdefault(cost.month, []).append(f"{cost.operation} {cost.amount:f}")
    for month, amounts in months.items():
        total = sum(cost.amount for cost in report.costs if cost.month == month and cost.amount)
        console.print(
            f"Pay per use {month:%Y-%m} (UTC+8): {report.currency} {total:f} ({', '.join(amounts)}).", soft_wrap=True
        )


def _table(report: UsageReport, by: Dimension) -> Table:
    """Return the table; where the service's side is known, also what only that counted."""
    rows = report.both(by)
    table = Table(show_footer=bool(rows))
    table.add_column(_LABELS[by], overflow="fold")
    numbers: dict[str, list[int | None]] = {
        "calls": [row.totals.calls for row, _ in rows],
        "succeeded": [row.totals.succeeded for row, _ in rows],
        "failed": [row.totals.failed for row, _ in rows],
        "unknown": [row.totals.unknown for row, _ in rows],
        "not needed": [row.totals.surplus for row, _ in rows],
        "pages": [row.totals.pages for row, _ in rows],
    }
    if rows and (heads := report.service_heads(by)):
        counted = [(None, None) if service is None else (service.succeeded, service.failed) for _, service in rows]
        numbers |= {head: list(counts) for head, counts in zip(heads, zip(*counted, strict=True), strict=True)}
    table.columns[0].footer = "total"
    for name, counts in numbers.items():
        table.add_column(name, footer=f"{sum(filter(None, counts)):,}", justify="right")
    for number, (row, _) in enumerate(rows):
        table.add_row(row.name or "(none)", *(_shown(counts[number]) for counts in numbers.values()))
    return table


def _shown(count: int | None) -> str:
    """Return a cell: what is not known stays empty."""
    return "" if count is None else f"{count:,}"
