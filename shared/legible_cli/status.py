"""``legible status``: how all documents stand."""

from __future__ import annotations

import uuid
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from legible.model.sums import STANDINGS, By, DocumentSum, SumRow
from legible.wiring import upkeep
from legible.wiring.parts import WORKBOOK_SECONDS
from legible_cli.connection import connect, settings_option, told
from legible_cli.recount import recount
from legible_cli.screen import screen, show_json

_COLUMNS = ("uploaded", *STANDINGS)


@click.command("status")
@click.option("--by", type=click.Choice(["prefix", "operation"]), default="prefix", show_default=True,
              help="What documents are told apart by.")  # fmt: skip
@click.option("--prefix", help="Only documents in this first folder, such as passport/; '' for those in none.")
@click.option("--json", "as_json", is_flag=True, help="Print everything that is known as JSON.")
@click.option("--rebuild", is_flag=True, help="First count all journals again.")
@settings_option
def status_command(by: By, prefix: str | None, as_json: bool, rebuild: bool, file: Path | None) -> None:
    """Show how many documents were uploaded, and how they stand: done, partial, rejected, held, dead or running.

    What was uploaded is always the sum of the others. It is counted from journals by the function on_report, and from
    what the function on_sweep saw; journals that changed since are read for it.
    """
    folder = None if prefix is None else prefix.removesuffix("/")
    if folder is not None and "/" in folder:
        raise click.UsageError(f"Documents are summed up by their first folder: --prefix {folder.partition('/')[0]}/")
    connection, owner = connect(file), f"cli-{uuid.uuid4().hex[:12]}"
    console = screen(stderr=as_json)
    if rebuild:
        recount(connection, connection.oversight(owner, WORKBOOK_SECONDS), console)
    found: DocumentSum = told(upkeep.status(connection.parts(owner, WORKBOOK_SECONDS)).sum, by, folder)
    if as_json:
        show_json(found)
    else:
        _show(console, found, by)


def _show(console: Console, found: DocumentSum, by: By) -> None:
    table = Table(by, show_footer=True)
    table.columns[0].footer = "all"
    for name in _COLUMNS:
        table.add_column(name, footer=f"{getattr(found.total, name):,}", justify="right")
    for row in found.rows:
        table.add_row(_named(row, by), *(f"{getattr(row, name):,}" for name in _COLUMNS))
    console.print(table)
    total = found.total
    parts = " + ".join(f"{getattr(total, name):,} {name}" for name in STANDINGS)
    console.print(f"{total.uploaded:,} uploaded = {parts}.", soft_wrap=True)
    beside = [
        f"{found.skipped:,} objects are no documents" if found.skipped else "",
        f"{found.unread:,} older uploads were never read, and `legible sweep --days` reads them"
        if found.unread
        else "",
    ]
    for text in filter(None, beside):
        console.print(f"Beside these, {text}.", soft_wrap=True)
    for text in found.notes:
        console.print(text, soft_wrap=True)
    swept = f"swept {found.swept:%Y-%m-%d %H:%M}" if found.swept else "not swept as a whole yet"
    waiting = f"; {found.waiting:,} documents changed since and are not counted" if found.waiting else ""
    console.print(f"As of {found.as_of:%Y-%m-%d %H:%M} UTC, {swept}{waiting}.")


def _named(row: SumRow, by: By) -> str:
    return row.name or ("(none)" if by == "operation" else "(no folder)")
