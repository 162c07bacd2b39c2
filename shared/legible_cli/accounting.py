"""``legible accounting``: what each enterprise project used and cost, beside what the vendor billed to it."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from legible.model.accounting import AccountingReport
from legible.model.audit import EXPORT
from legible.model.usage import Totals
from legible.outputs.xlsx import write_accounting
from legible.oversight.money import billing_day
from legible.ports import utc_now
from legible.wiring.parts import WORKBOOK_SECONDS
from legible_cli.as_of import as_of
from legible_cli.audited import audited
from legible_cli.connection import connect, settings_option, told
from legible_cli.files import write_file
from legible_cli.screen import screen, show_json

_DAY = click.DateTime(["%Y-%m-%d"])
_CALLS = ("calls", "succeeded", "failed", "unknown")


@click.command("accounting")
@click.option("--from", "begin", type=_DAY, help="The first day (UTC+8). Default: the first of this month.")
@click.option("--to", "end", type=_DAY, help="The last day (UTC+8), included. Default: today.")
@click.option(
    "--view",
    type=click.Choice(["months", "details", "distribution"]),
    default="months",
    show_default=True,
    help="What is shown: sums of months, each day and operation, or how calls are distributed.",
)
@click.option("--project", default="", help="Only this enterprise project, by its id; 0 is the default one.")
@click.option("--json", "as_json", is_flag=True, help="Print everything that is known as JSON.")
@click.option("--xlsx", type=click.Path(dir_okay=False, path_type=Path), help="Write a workbook with charts, too.")
@settings_option
def accounting_command(
    begin: datetime | None,
    end: datetime | None,
    view: str,
    project: str,
    as_json: bool,
    xlsx: Path | None,
    file: Path | None,
) -> None:
    """Show what each enterprise project used and cost: by month, in detail, over time, and how it is distributed.

    Days and months are those of the vendor's bills, in UTC+8. Costs are the project's part by the settings' prices;
    where the keys' user may see bills, what the vendor billed stands beside.
    """
    last = end.date() if end else billing_day(utc_now())
    first = begin.date() if begin else last.replace(day=1)
    if first > last:
        raise click.UsageError(f"--from {first} is after --to {last}.")
    connection = connect(file)
    oversight = connection.oversight(f"cli-{uuid.uuid4().hex[:12]}", WORKBOOK_SECONDS)
    report: AccountingReport = told(oversight.accounting.report, first, last)
    if project:
        report = report.of(project)
    if xlsx is not None:
        about = {"first": str(first), "last": str(last), "project": project}
        with audited(connection, EXPORT, "report", "accounting", **about):
            write_file(xlsx, lambda target: write_accounting(report, target))
    if as_json:
        show_json(report)
        return
    console = screen()
    {"months": _months, "details": _details, "distribution": _distribution}[view](console, report)
    for text in report.notes:
        console.print(text, soft_wrap=True)
    console.print(as_of(report.as_of, report.waiting))


def _months(console: Console, report: AccountingReport) -> None:
    table = _table("month (UTC+8)", "enterprise project", *_CALLS, "cost by settings", "billed")
    for one in report.months:
        amounts = _money(one.amount, report.currency, "no price"), _money(one.billed, report.bill_currency, "")
        table.add_row(f"{one.month:%Y-%m}", report.title(one.project), *_counts(one.totals), *amounts)
    console.print(table)
    nobodys: dict[date, Decimal] = {}
    for line in report.bill or ():
        if line.project is None:
            nobodys[line.month] = nobodys.get(line.month, Decimal(0)) + line.amount
    for month, amount in nobodys.items():
        console.print(f"{month:%Y-%m}: {_money(amount, report.bill_currency, '')} are attributed to no project.")


def _details(console: Console, report: AccountingReport) -> None:
    table = _table("day (UTC+8)", "enterprise project", "operation", *_CALLS)
    for one in report.days:
        table.add_row(f"{one.day}", report.title(one.project), one.operation, *_counts(one.totals))
    console.print(table)


def _distribution(console: Console, report: AccountingReport) -> None:
    table = _table("enterprise project", *_CALLS, "share of billed calls", "cost by settings", "billed")
    for one in report.projects:
        amounts = _money(one.amount, report.currency, "no price"), _money(one.billed, report.bill_currency, "")
        table.add_row(report.title(one.project), *_counts(one.totals), f"{one.share:.1%}", *amounts)
    console.print(table)


def _table(*columns: str) -> Table:
    table = Table()
    for name in columns:
        table.add_column(name, justify="right" if name in (*_CALLS, "cost by settings", "billed") else "left")
    return table


def _counts(totals: Totals) -> tuple[str, ...]:
    return tuple(f"{one:,}" for one in (totals.calls, totals.succeeded, totals.failed, totals.unknown))


def _money(amount: Decimal | None, currency: str, missing: str) -> str:
    return missing if amount is None else f"{currency} {amount.normalize():f}".strip()
