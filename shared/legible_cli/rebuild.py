"""``legible rebuild``: results made anew from stored answers, free of charge."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from legible.errors import LegibleError
from legible.model.audit import REBUILD
from legible.wiring.parts import DOCUMENT_SECONDS
from legible_cli.audited import audited
from legible_cli.connection import Connection, connect, settings_option, told
from legible_cli.screen import screen

_AT_ONCE = 8


@click.command("rebuild")
@click.argument("prefix", default="")
@settings_option
def rebuild_command(prefix: str, file: Path | None) -> None:
    """Make new results for every document whose key begins with PREFIX, from stored answers: nothing is paid.

    Use it after a rule, route or form changed. Exit 1 if any document's results could not be made.
    """
    connection = connect(file)
    console = screen()
    names = told(lambda: list(connection.parts("rebuild", DOCUMENT_SECONDS).rebuilder.below(prefix)))
    if not names:
        raise click.ClickException(f"There are no results below {prefix!r} in the bucket {connection.output}.")
    with audited(connection, REBUILD, "results", prefix, documents=str(len(names))) as fail:
        failed = _rebuild(connection, names, console)
        if failed:
            fail("documents-failed")
    for name, reason in failed:
        console.print(f"{name}: {reason}", soft_wrap=True)
    console.print(f"{len(names) - len(failed)} of {len(names)} documents have their results anew. Paid calls: 0.")
    sys.exit(1 if failed else 0)


def _rebuild(connection: Connection, names: list[str], console: Console) -> list[tuple[str, str]]:
    """Make the results of documents anew, several at a time; return those that could not be made, and why."""
    failed = []
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task("Rebuilding", total=len(names))
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            waiting = {pool.submit(_one, connection, name): name for name in names}
            for done in as_completed(waiting):
                reason = done.result()
                if reason:
                    failed.append((waiting[done], reason))
                progress.advance(task)
    return sorted(failed)


def _one(connection: Connection, name: str) -> str:
    rebuilder = connection.parts("rebuild", DOCUMENT_SECONDS).rebuilder
    try:
        rebuilder.rebuild(rebuilder.current(name))
    except LegibleError as error:
        return str(error)
    return ""
