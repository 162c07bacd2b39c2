"""``legible dead``: documents that are not done, by their causes, with the evidence."""

from __future__ import annotations

import uuid
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from legible.model.ends import Cause, UndoneEnd, UndoneReport
from legible.upkeep.causes import by_cause
from legible.wiring import redrive
from legible.wiring.parts import WORKBOOK_SECONDS
from legible_cli.connection import connect, settings_option, told
from legible_cli.ends import choice_of, choosing, priced, refuse_nothing
from legible_cli.screen import screen, show_json


@click.command("dead")
@click.argument("prefix", default="")
@choosing
@click.option("--limit", type=click.IntRange(0, 100_000), default=20, show_default=True, help="How many are named.")
@click.option("--json", "as_json", is_flag=True, help="Print all of it as JSON.")
@settings_option
def dead_command(
    prefix: str,
    reasons: tuple[str, ...],
    statuses: tuple[str, ...],
    operation: str,
    since: datetime | None,
    limit: int,
    as_json: bool,
    file: Path | None,
) -> None:
    """List documents that are dead, rejected, held or partial, by their causes; their keys begin with PREFIX.

    Each of the latest is named with when it ended, the service's request, the page, how often it was tried, and where
    what came is stored; `legible redrive` has the documents of a cause tried again, at the price that is shown.
    """
    choice = choice_of(prefix, reasons, statuses, operation, since)
    connection, owner = connect(file), f"cli-{uuid.uuid4().hex[:12]}"
    parts = connection.parts(owner, WORKBOOK_SECONDS)
    price = connection.oversight(owner, WORKBOOK_SECONDS).price
    report: UndoneReport = told(by_cause, redrive.ends(parts), choice, price, parts.call.now(), limit)
    if not report.total and prefix:
        told(refuse_nothing, parts.site, prefix)
    if as_json:
        show_json(report)
        return
    _show(screen(), report)


def _show(console: Console, report: UndoneReport) -> None:
    if not report.total:
        console.print("Every document that ended is done.")
    else:
        console.print(_table(report.causes))
        console.print(f"{report.total:,} documents are not done. To try all again takes {priced(report.cost)}.")
    uncounted = sum(cause.uncounted for cause in report.causes)
    if uncounted:
        console.print(f"{uncounted:,} of them have pages that nobody has counted; each is reckoned as one page.")
    for end in report.documents:
        console.print(f"\n{end.key}", soft_wrap=True)
        console.print(f"  {_evidence(end)}", soft_wrap=True)
        if end.message:
            console.print(f"  {end.message}", soft_wrap=True)
    if report.total > len(report.documents):
        console.print(f"\nThese are the latest; {report.total - len(report.documents):,} more: --limit, --json.")
    if report.unread:
        console.print(
            f"{report.unread:,} journals changed since the lists were written and are not in them yet: look again in "
            "ten minutes.",
            soft_wrap=True,
        )


def _table(causes: tuple[Cause, ...]) -> Table:
    table = Table("cause", "status", "operation", "from", "to")
    for name in ("documents", "calls", "price"):
        table.add_column(name, justify="right")
    for cause in causes:
        amount = cause.cost.amount
        table.add_row(
            " ".join(filter(None, (cause.code or "(none)", cause.vendor_code))) + (" *" if cause.lasting else ""),
            ", ".join(f"{count:,} {status}" for status, count in sorted(cause.statuses.items())),
            ", ".join(name or "(none)" for name in sorted(cause.operations)[:3]) + _more(len(cause.operations) - 3),
            f"{cause.first:%Y-%m-%d %H:%M}",
            f"{cause.last:%Y-%m-%d %H:%M}",
            f"{cause.documents:,}",
            f"{cause.calls:,}",
            "?" if amount is None else f"{amount:f}",
        )
    if any(cause.lasting for cause in causes):
        table.caption = "* the same would come of another try: `legible redrive` leaves these unless the cause is named"
    return table


def _more(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def _evidence(end: UndoneEnd) -> str:
    told = {
        "page": str(end.page or ""), "request": end.request_id, "tried": f"{end.tries} times",
        "stored": end.body,
    }  # fmt: skip
    cause = " ".join(filter(None, (end.code, end.vendor_code)))
    named = ", ".join(f"{name} {value}" for name, value in told.items() if value)
    return f"{end.status} at {end.at:%Y-%m-%d %H:%M:%S} UTC: {cause}; {named}"
