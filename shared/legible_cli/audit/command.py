"""``legible audit``: who did what; ``legible audit verify``: whether that is still what was written."""

from __future__ import annotations

import os
import re
import sys
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import cast, get_args

import click
import msgspec
from rich.table import Table

from legible.model.audit import AuditStatus, audit_text
from legible.oversight.audit_line import AuditLine
from legible.oversight.audit_search import MOST_WAITING, AuditFilters, AuditSearch, FoundEvents
from legible.oversight.audit_verify import AuditVerifier, ChainReport, Witness
from legible.wiring import audit
from legible_cli.connection import connect, settings_option, told
from legible_cli.screen import screen

#: A time of day may be left out.
_TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
_DEFAULT = timedelta(days=7)
_SHOWN = "%Y-%m-%d %H:%M:%S"
_CONTROLS = re.compile(r"[\x7f-\x9f]")


def _heads(context: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> tuple[Witness, ...]:
    """Return the lines that were written down, each as ``verify`` printed it."""
    heads = []
    for text in texts:
        number, _, sha256 = text.partition(":")
        if not number.isdecimal() or not re.fullmatch("[0-9a-fA-F]{64}", sha256):
            raise click.BadParameter(f"{text} is not as verify prints it: a number, ':' and 64 hexadecimal digits.")
        heads.append(Witness(int(number), sha256.lower()))
    return tuple(heads)


@click.group("audit", invoke_without_command=True)
@click.option("--source", default="", help="The trace source: Legible, or a service that CTS tells of, such as OCR.")
@click.option(
    "--type", "kind", default="", help="The resource type: document, call, workbook, settings, ai_service ..."
)
@click.option("--trace-name", default="", help="What was done: callOcr, correctDocument, subscribeAISubService ...")
@click.option("--resource-id", default="", help="A document's version, or the service's id of a call.")
@click.option("--resource-name", default="", help="A document's key, a workbook's name ...")
@click.option("--operator", default="", help="Who did it: a reviewer, app:ID, cli:USER, function, a user of the cloud.")
@click.option("--status", type=click.Choice(get_args(AuditStatus)), help="How it came out.")
@click.option("--since", type=click.DateTime(_TIMES), help="Not before this time (UTC). Default: seven days ago.")
@click.option("--until", type=click.DateTime(_TIMES), help="Before this time (UTC). Default: now.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="The newest so many.")
@click.option("--json", "as_json", is_flag=True, help="Print the events whole, as JSON, each on a line of its own.")
@settings_option
@click.pass_context
def audit_group(
    context: click.Context,
    source: str,
    kind: str,
    trace_name: str,
    resource_id: str,
    resource_name: str,
    operator: str,
    status: str | None,
    since: datetime | None,
    until: datetime | None,
    limit: int,
    as_json: bool,
    file: Path | None,
) -> None:
    """Who did what, the newest first: calls, corrections, reruns, exports, settings, and what CTS recorded.

    All filters that are given must fit.
    """
    if context.invoked_subcommand is not None:
        return
    end = until.replace(tzinfo=timezone.utc) if until else datetime.now(timezone.utc) + timedelta(minutes=1)
    filters = AuditFilters(
        since=since.replace(tzinfo=timezone.utc) if since else end - _DEFAULT, until=end, service=source,
        resource_type=kind, name=trace_name, resource_id=resource_id, resource_name=resource_name, operator=operator,
        status=cast("AuditStatus | None", status),
    )  # fmt: skip
    if filters.since >= filters.until:
        raise click.UsageError(f"--since {filters.since:{_SHOWN}} is not before --until {filters.until:{_SHOWN}}.")
    search = AuditSearch(connect(file).parts("audit", 3600.0).site)
    found: FoundEvents = told(search.find, filters, limit)
    if as_json:
        for line in found.lines:
            click.echo(_escaped(msgspec.json.encode(line).decode()))
        return
    _show(found, told(search.waiting))


@audit_group.command("verify")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="Begin with that day: earlier ones are gone.")
@click.option(
    "--head",
    "heads",
    metavar="N:SHA256",
    multiple=True,
    callback=_heads,
    help="What an earlier verify said (repeatable).",
)
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@settings_option
def verify_command(first: datetime | None, heads: tuple[Witness, ...], as_json: bool, file: Path | None) -> None:
    """Whether the trail is as it was written; else which byte of which object is the first that is not. Exit 1 then.

    Keep what it says of the trail's end where nobody who can write the bucket can change it, and give it with --head
    the next time: only so it is seen if all of the trail was made anew, or an earlier state of it was put back.
    """
    connection = connect(file)
    keys = told(audit.seal_keys, connection.settings, os.environ.get)  # noqa: TID251 - a command has nothing else
    day: date | None = first.date() if first else None
    verifier = AuditVerifier(connection.parts("audit", 3600.0).site, keys, heads, day)
    report: ChainReport = told(verifier.verify)
    if as_json:
        click.echo(_escaped(msgspec.json.encode(report).decode()))
    else:
        _tell(report)
    sys.exit(1 if report.fault else 0)


def _show(found: FoundEvents, waiting: int) -> None:
    console = screen()
    table = Table(box=None)
    table.add_column("time (UTC)", min_width=len("2026-12-01"))
    for name in ("source", "type", "name", "resource", "operator", "status", "details"):
        table.add_column(name, overflow="fold")  # what is cut cannot be looked up
    for line in found.lines:
        table.add_row(*map(audit_text, _cells(line)))  # the terminal takes nothing in it for an order either
    console.print(table if found.lines else "No such events.")
    if found.cursor is not None:
        console.print(f"There are more: ask for those before {found.cursor.at:%Y-%m-%dT%H:%M:%S}, or with a --limit.")
    if waiting:
        more = " or more" if waiting == MOST_WAITING else ""
        console.print(f"{waiting}{more} events wait to be put into the trail, and are not among these.")


def _cells(line: AuditLine) -> tuple[str, ...]:
    details = " ".join(f"{name}={text}" for name, text in line.details.items() if name not in ("invocation", "version"))
    return (
        f"{line.at.astimezone(timezone.utc):{_SHOWN}}", line.service, line.resource_type, line.name,
        line.resource_name, line.operator, line.status, details,
    )  # fmt: skip


def _escaped(text: str) -> str:
    """Return JSON without the control characters that it may hold as they are, to which terminals listen."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _tell(report: ChainReport) -> None:
    click.echo(f"{report.lines} lines in {report.parts} whole objects hold, up to line {report.n}.")
    if report.sealed:
        checked = (
            "and their seals hold" if report.sealed_checked else "but their seals were not checked without the key"
        )
        click.echo(f"{report.sealed} of them are sealed, {checked}.")
    if report.fault is not None:
        fault = report.fault
        said = f"{fault.key}: byte {fault.byte} (line {fault.line}): {fault.damage}. {fault.message}"
        click.echo(audit_text(said, 4_096))
        click.echo("What is behind it was not looked at; --from DAY does that.")
    elif report.n:
        click.echo(f"Its end, to be kept elsewhere: --head {report.n}:{report.sha256}")
