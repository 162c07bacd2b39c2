"""``legible quote``: what reading the documents below a prefix will cost, before anything is sent."""

from __future__ import annotations

import uuid
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from legible.model.ends import FurtherCost
from legible.model.quotes import Quote
from legible.operations import catalog
from legible.upkeep.quote import SAMPLE
from legible.wiring.parts import WORKBOOK_SECONDS
from legible.wiring.quote import quoter
from legible_cli.connection import connect, settings_option, told
from legible_cli.ends import priced
from legible_cli.screen import screen, show_json


@click.command("quote")
@click.argument("prefix")
@click.option("--operation", default="", metavar="SLUG", help="Only the documents that this operation reads.")
@click.option("--exact", is_flag=True, help="Look at every document, however many there are.")
@click.option(
    "--sample", type=click.IntRange(20, 100_000), default=SAMPLE, show_default=True,
    help="Of more documents than this, look at so many.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print the quote as JSON.")
@settings_option
def quote_command(prefix: str, operation: str, exact: bool, sample: int, as_json: bool, file: Path | None) -> None:
    """Say how many documents and pages lie in the input bucket where keys begin with PREFIX, and what they will cost.

    Nothing is sent, and nothing is paid. Pages that are paid for already, here or under another key, are not counted
    as calls. Documents are opened by bounded reads to count their pages.
    """
    if operation and operation not in catalog.slugs():
        raise click.BadParameter(f"There is no operation {operation!r}.", param_hint="--operation")
    connection, console = connect(file).patient, screen(stderr=as_json)
    owner = f"cli-{uuid.uuid4().hex[:12]}"
    price = connection.oversight(owner, WORKBOOK_SECONDS).price
    asked = quoter(connection.parts(owner, WORKBOOK_SECONDS), price)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task("Listing", total=None)

        def tell(what: str, done: int, total: int) -> None:
            progress.update(task, description=what.capitalize(), completed=done, total=total or None)

        quote: Quote = (
            told(asked.exact, prefix, operation, tell)
            if exact
            else told(asked.sampled, prefix, operation, sample, tell)
        )
    if as_json:
        show_json(quote)
        return
    _show(console, quote)


def _show(console: Console, quote: Quote) -> None:
    table = Table("operation")
    for name in ("documents", "MB", "pages", "paid for already", "copies", "end without a call", "calls"):
        table.add_column(name, justify="right")
    for row in quote.operations:
        table.add_row(
            row.operation or "(none reads it)", f"{row.documents:,}", f"{row.size / 1e6:,.1f}", str(row.pages),
            str(row.known), f"{row.copies:,}", str(row.refused), str(row.calls),
        )  # fmt: skip
    console.print(table)
    console.print(f"{quote.documents:,} documents: {priced(quote.cost)}{_between(quote.low, quote.high)}.")
    reasons = ", ".join(f"{count:,} {code}" for code, count in quote.reasons.items())
    if reasons:
        console.print(f"These end without a call: {reasons}.", soft_wrap=True)
    for note in quote.notes:
        console.print(note, soft_wrap=True)


def _between(low: FurtherCost, high: FurtherCost) -> str:
    if low.amount == high.amount or low.amount is None or high.amount is None:
        return ""
    return f" (between {low.amount:f} and {high.amount:f})"
