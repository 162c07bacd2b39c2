"""``legible review``: values that need eyes go out as a workbook, and what people wrote in it comes back."""

from __future__ import annotations

import sys
import tempfile
import uuid
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import IO, cast

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from legible.errors import LegibleError
from legible.extraction.corrections import Change
from legible.model import layout, messages
from legible.model.audit import EXPORT
from legible.model.documents import ObjectRef
from legible.model.layout import RECORD
from legible.model.records import Record
from legible.outputs.xlsx import write_review
from legible.results.review import Applied, Conflict, Conflicts, Reviewer
from legible.wiring.parts import DOCUMENT_SECONDS
from legible_cli.audited import audited, person
from legible_cli.connection import Connection, connect, settings_option, told
from legible_cli.files import write_file
from legible_cli.review.reader import Reviewed, UnreadableWorkbookError, read
from legible_cli.screen import screen

#: Fewer documents than this need no progress bar.
_FEW = 20
_CHOICES = ("ask", "refuse", "mine", "theirs")


@click.group("review")
def review_group() -> None:
    """Let people correct in Excel what was recognized."""


@review_group.command("export")
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--prefix", default="", help="Only documents whose key begins with this.")
@click.option(
    "--findings/--all",
    default=True,
    show_default=True,
    help="Values that break a rule or have little confidence, or all.",
)
@settings_option
def export_command(target: Path, prefix: str, findings: bool, file: Path | None) -> None:
    """Write values to check into a workbook TARGET; people fill in its column Corrected."""
    connection = connect(file)
    names = told(lambda: list(connection.parts("export", DOCUMENT_SECONDS).rebuilder.below(prefix)))
    with audited(connection, EXPORT, "results", prefix, documents=str(len(names)), file="review.xlsx"):
        count = told(_export, connection, names, target, all_values=not findings)
    if not count:
        if target.is_file():
            target.unlink()  # an older one tells of what no longer needs eyes
        click.echo(f"Nothing needs eyes in {len(names)} documents; no workbook was written.")
        return
    click.echo(f"{count} values of {len(names)} documents: {target}")
    click.echo(f"Write what is right in the column Corrected, then: legible review import {target}")


def _export(connection: Connection, names: list[str], target: Path, *, all_values: bool) -> int:
    """Write the workbook, if there is anything to write; return how many values it has."""

    def write(output: IO[bytes]) -> int:
        with tempfile.TemporaryFile(prefix="legible-") as spool:
            newest = _fetch(connection, names, spool)
            return write_review(lambda: _records(spool), output, all_values=all_values, at=newest)

    return write_file(target, write, kept=bool)


def _fetch(connection: Connection, names: list[str], spool: IO[bytes]) -> datetime | None:
    """Read every record once, and keep them on the disk; return when the newest was finished."""
    newest: datetime | None = None
    with Progress(transient=True, disable=len(names) < _FEW) as progress:
        for name in progress.track(names, description="Reading records"):
            body = connection.store.read(ObjectRef(connection.output, layout.filed(name, RECORD)))
            record = msgspec.json.decode(body, type=Record)
            messages.send(spool, record)
            at = record.finished_at
            newest = at if newest is None or (at is not None and at > newest) else newest
    return newest


def _records(spool: IO[bytes]) -> Iterator[Record]:
    spool.seek(0)
    while (record := messages.receive(spool, Record)) is not None:
        yield record


@review_group.command("import")
@click.argument("workbook", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--author", default="", help="Who made the corrections. Default: this computer's user.")
@click.option(
    "--conflicts",
    type=click.Choice(_CHOICES),
    default="ask",
    show_default=True,
    help="Whose value counts if somebody else corrected it, too. Without a terminal, ask means refuse.",
)
@settings_option
def import_command(workbook: Path, author: str, conflicts: str, file: Path | None) -> None:
    """Apply what people wrote in the column Corrected of WORKBOOK, and write the results again.

    Exit 1 if any of it could not be applied.
    """
    try:
        reviewed = read(workbook)
    except UnreadableWorkbookError as error:
        raise click.ClickException(str(error)) from None
    connection, console = connect(file), screen()
    author = " ".join((author or person()).split())[:100]
    left = _import(connection, reviewed, author, conflicts, console)
    for problem in reviewed.problems:
        console.print(problem, soft_wrap=True)
    sys.exit(1 if left or reviewed.problems else 0)


def _import(connection: Connection, reviewed: Reviewed, author: str, conflicts: str, console: Console) -> int:
    """Apply the edits of one document after the other; return how many were not applied."""
    reviewer = connection.parts(f"review-{uuid.uuid4().hex[:12]}", DOCUMENT_SECONDS).reviewer
    applied = left = 0
    with Progress(console=console, transient=True, disable=len(reviewed.edits) < 2) as progress:
        for (document, version), edits in progress.track(reviewed.edits.items(), description="Applying"):
            try:
                found = _one(reviewer, document, version, edits, author, conflicts, console)
            except LegibleError as error:
                console.print(f"{document}: {error}", soft_wrap=True)
                left += len(edits)
                continue
            applied += found.applied + found.already
            left += len(edits) - found.applied - found.already
            _tell(document, found, console)
    console.print(f"{applied} corrections of {len(reviewed.edits)} documents count; {left} were not applied.")
    return left


def _one(
    reviewer: Reviewer,
    document: str,
    version: str,
    edits: list[Change],
    author: str,
    conflicts: str,
    console: Console,
) -> Applied:
    ask = conflicts == "ask"
    found = reviewer.apply(document, version, edits, author, cast(Conflicts, "refuse" if ask else conflicts))
    if not ask or not found.conflicts or not sys.stdin.isatty():
        return found
    chosen = list(edits)
    for conflict in found.conflicts:
        console.print(f"{document}, page {conflict.page}, {_told(conflict)}", soft_wrap=True)
        if not click.confirm("Does yours count?", default=False):
            chosen = [edit for edit in chosen if (edit.page, edit.name) != (conflict.page, conflict.name)]
    return reviewer.apply(document, version, chosen, author, "mine")


def _told(conflict: Conflict) -> str:
    who = f" (by {conflict.author})" if conflict.author else ""
    return f"{conflict.name}: by now it says {conflict.theirs!r}{who}; yours is {conflict.mine or ''!r}."


def _tell(document: str, applied: Applied, console: Console) -> None:
    for conflict in applied.conflicts:
        console.print(f"{document}, page {conflict.page}, {_told(conflict)}", soft_wrap=True)
    for name in applied.unknown:
        console.print(f"{document}, {name}: there is no such value (any more).", soft_wrap=True)
