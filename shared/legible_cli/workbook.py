"""``legible workbook``: one file over many documents."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from legible.model.audit import BUILD, EXPORT
from legible.model.documents import Format, Selection
from legible.wiring.parts import WORKBOOK_SECONDS
from legible.workbooks.collector import KINDS, Built, Collector
from legible_cli.audited import audited
from legible_cli.connection import connect, settings_option, told
from legible_cli.files import make_folder
from legible_cli.screen import screen


@click.command("workbook")
@click.argument("name")
@click.option("--prefix", default="", help="Documents whose key begins with this. Default: all.")
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="Documents that ended on that day (UTC).")
@click.option(
    "--keys",
    "listed",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file with one document's key on each line.",
)
@click.option(
    "--format",
    "formats",
    type=click.Choice(list(KINDS)),
    multiple=True,
    default=["xlsx"],
    show_default=True,
    help="Repeatable. csv is a zip with one file for each sheet.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write into this folder. Default: the output bucket, as workbooks/NAME.xlsx.",
)
@settings_option
def workbook_command(
    name: str,
    prefix: str,
    day: datetime | None,
    listed: Path | None,
    formats: tuple[Format, ...],
    out: Path | None,
    file: Path | None,
) -> None:
    """Build a workbook NAME over many documents: an index, a sheet for each operation, line items, what failed."""
    if listed is not None and (prefix or day):
        raise click.UsageError("--keys names the documents; --prefix and --day choose them otherwise.")
    selection = Selection(prefix, _day(day), _keys(listed))
    connection, console = connect(file), screen()
    collector = connection.parts(f"cli-{uuid.uuid4().hex[:12]}", WORKBOOK_SECONDS).collector
    told_of = {"prefix": prefix, "day": str(selection.day or ""), "formats": ", ".join(formats)}
    with audited(connection, EXPORT if out else BUILD, "workbook", name, **told_of):
        built = told(_build, collector, name, selection, tuple(dict.fromkeys(formats)), out, console)
    console.print(f"{built.documents} documents:", *built.files, sep="\n  ", soft_wrap=True)
    if built.running.count:
        console.print(f"{built.running.count} of them have no result yet; they are listed as running.")


def _build(
    collector: Collector,
    name: str,
    selection: Selection,
    formats: tuple[Format, ...],
    out: Path | None,
    console: Console,
) -> Built:
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task("Reading records", total=None)

        def tell(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        if out is None:
            return collector.build(name, selection, formats, tell)
        paths = {kind: out / f"{name}.{KINDS[kind][0]}" for kind in formats}
        for path in paths.values():
            make_folder(path.parent)
        built = collector.write(name, selection, paths, tell)
        return msgspec.structs.replace(built, files=tuple(map(str, paths.values())))


def _day(day: datetime | None) -> date | None:
    return day.date() if day else None


def _keys(file: Path | None) -> tuple[str, ...] | None:
    if file is None:
        return None
    lines = (line.strip() for line in file.read_text("utf-8-sig").splitlines())
    return tuple(dict.fromkeys(line for line in lines if line))
