"""``legible subscriptions``: which operations in use may be called, and how to subscribe to the others."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from legible.huawei.ocr import OcrRecognizer
from legible.ledger.probes import ProbeLog
from legible.operations import catalog, subscribing
from legible.oversight.subscriptions import Subscription, Subscriptions
from legible.ports import utc_now
from legible.wiring import adapters
from legible.wiring.account import require_project
from legible.wiring.parts import DOCUMENT_SECONDS
from legible_cli.connection import Connection, connect, settings_option, told
from legible_cli.screen import colored, screen, show_json

_COLORS = {"subscribed": "green", "unknown": "yellow"}


@click.command("subscriptions")
@click.option(
    "--operation", "slugs", metavar="SLUG", multiple=True,
    help="Ask for this one (repeatable). Default: those in use, by routes, folders with uploads, the default.",
)  # fmt: skip
@click.option(
    "--explain", metavar="TEXT", default="",
    help='Ask nobody: say which role or policy helps against what the console or the service said, such as '
    '"ocr:webImage:subscribe permission required".',
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON.")
@settings_option
def subscriptions_command(slugs: tuple[str, ...], explain: str, as_json: bool, file: Path | None) -> None:
    """Show which operations may be called in the region where they are called, and how to subscribe to the others.

    Each is asked for by one call that cannot be billed; the service counts it as a failed one. Exit 1 if any may not be
    called.
    """
    if explain:
        _explain(explain, as_json=as_json)
        return
    for slug in slugs:
        if slug not in catalog.slugs():
            raise click.BadParameter(f"There is no operation {slug!r}. Operations are: {', '.join(catalog.slugs())}.")
    connection = connect(file)
    found: list[Subscription] = told(lambda: _subscriptions(connection).asked(slugs, utc_now().date()))
    if as_json:
        show_json(found)
    else:
        _show(screen(), found)
    sys.exit(0 if all(one.state == "subscribed" for one in found) else 1)


def _subscriptions(connection: Connection) -> Subscriptions:
    settings = connection.settings
    require_project(settings.cloud.project_id, "the OCR service")
    recognizer = OcrRecognizer(
        lambda slug: adapters.ocr_endpoint(settings, slug),
        connection.credentials,
        settings.cloud.project_id,
        connect_seconds=settings.ocr.connect_seconds,
    )
    parts = connection.parts(f"cli-{uuid.uuid4().hex[:12]}", DOCUMENT_SECONDS)
    note = ProbeLog(parts.site, parts.call, "subscriptions").note
    return Subscriptions(parts.site, parts.rules, recognizer, note)


def _explain(text: str, *, as_json: bool) -> None:
    said = subscribing.explained(text)
    if not said:
        raise click.ClickException(
            "The text names no right of OCR. Give what was said as it was said, an action (ocr:passport:subscribe), a "
            "code (ModelArts.4204), or an operation's slug."
        )
    if as_json:
        click.echo(msgspec.json.encode(said).decode())
        return
    for sentence in said:
        click.echo(sentence)


def _show(console: Console, found: list[Subscription]) -> None:
    if not found:
        console.print("No operation is in use yet. Name one: legible subscriptions --operation passport")
        return
    table = Table("operation", "region", "may be called", "used by")
    for one in found:
        color = _COLORS.get(one.state, "red")
        used = ", ".join(one.used_by[:4]) + (", ..." if len(one.used_by) > 4 else "")
        table.add_row(one.operation, one.region, colored(one.state, color), used)
    console.print(table)
    for one in found:
        if one.state != "subscribed":
            console.print(f"\n{one.operation} in {one.region}: {one.said}", soft_wrap=True)
            for sentence in filter(None, one.advice):
                console.print(f"  {sentence}", soft_wrap=True)
    console.print(
        f"\nAsked as the keys' user. The functions call as their agency: it may where {subscribing.EVERYONE} is "
        "subscribed. Documents that are held go on by themselves.",
            soft_wrap=True,
    )  # fmt: skip
