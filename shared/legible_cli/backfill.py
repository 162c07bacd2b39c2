"""``legible backfill``: the documents that lie in the input bucket already are read, by the functions."""

from __future__ import annotations

import hashlib
import re
import signal
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from legible.model.audit import BACKFILL
from legible.model.backfills import Backfill, BackfillReport
from legible.upkeep.backfill import IN_FLIGHT, BackfillLimits, BackfillRun
from legible.upkeep.manifest import Manifests
from legible.wiring.backfill import backfill_run, uploads_function
from legible.wiring.parts import WORKBOOK_SECONDS, Parts
from legible_cli.audited import audited
from legible_cli.connection import connect, settings_option, told
from legible_cli.ends import Money, priced
from legible_cli.screen import screen, show_json

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_UNFIT = re.compile(r"[^A-Za-z0-9._-]+")
_WHY = {
    "max-cost": "the next document might cost more than --max-cost",
    "max-calls": "the next document might take more than --max-calls",
    "interrupted": "it was interrupted",
}


@click.command("backfill")
@click.argument("prefix")
@click.option("--name", help="The name of this backfill, and of its run. Default: made of PREFIX.")
@click.option("--max-cost", type=Money(), help="Stop before more is spent, by the prices of the settings.")
@click.option("--max-calls", type=click.IntRange(0), help="Stop before more calls are made.")
@click.option(
    "--in-flight", type=click.IntRange(1, 1000), default=IN_FLIGHT, show_default=True,
    help="How many documents are under way at once.",
)  # fmt: skip
@click.option("--package", default="default", show_default=True, help="The functions' FunctionGraph application.")
@click.option("--dry-run", is_flag=True, help="Count what would be sent; send nothing.")
@click.option("--yes", is_flag=True, help="Do not ask before money is spent.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@settings_option
def backfill_command(
    prefix: str,
    name: str | None,
    max_cost: Decimal | None,
    max_calls: int | None,
    in_flight: int,
    package: str,
    dry_run: bool,
    yes: bool,
    as_json: bool,
    file: Path | None,
) -> None:
    """Have the documents read that lie in the input bucket, where keys begin with PREFIX, and have no results yet.

    A function is called for each, so many at a time; none of them passes through this machine. Ctrl-C ends it safely;
    begun again, it goes on where it was: no document is left out, none is paid for twice. Exit 1 if it was stopped
    before the last document. `legible quote` says what it will cost.
    """
    connection, console = connect(file).patient, screen(stderr=as_json)
    parts = connection.parts(f"cli-{uuid.uuid4().hex[:12]}", WORKBOOK_SECONDS)
    backfill = _begun(parts, _named(prefix, name), prefix)
    relay = told(uploads_function, connection.settings, connection.credentials, package)
    limits = BackfillLimits(max_cost, max_calls, in_flight)
    run = backfill_run(parts, relay, connection.oversight(parts.call.owner, WORKBOOK_SECONDS).price, backfill, limits)
    total = told(run.total)
    if not total:
        raise click.ClickException(f"There are no documents below {prefix!r} in the bucket {parts.site.input}.")
    done = backfill.known + sum(backfill.ended.values())
    console.print(f"{total:,} documents lie below {prefix!r} and were not looked at yet.")
    if dry_run:
        _show_preview(console, run, total, as_json)
        return
    if not yes and not click.confirm("Send those without results? Their calls are billed.", err=as_json):
        raise click.Abort
    details = {"run": backfill.name, "documents": str(total), "most": f"{max_cost or max_calls or ''}"}
    with audited(connection, BACKFILL, "documents", prefix, **details):
        report = _run(run, total + done, console)
    _show(console, report)
    if as_json:
        show_json(report)
    if report.backfill.stopped:
        raise SystemExit(1)


def _named(prefix: str, name: str | None) -> str:
    """Return the name of a backfill: as it was given, or made of the prefix, another for each prefix."""
    if name is not None:
        if not _NAME.fullmatch(name):
            raise click.BadParameter("Use letters, digits, dots and dashes, 80 at most.", param_hint="--name")
        return name
    plain = _UNFIT.sub("-", prefix).strip("-.")[:40]
    digest = hashlib.sha256(prefix.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return "-".join(filter(None, (plain, digest)))


def _begun(parts: Parts, name: str, prefix: str) -> Backfill:
    """Return what is known of a backfill; a new one where there is none, or its last one came to its end."""
    known: Backfill | None = told(Manifests(parts.site).load, name)
    if known is not None and known.prefix != prefix:
        raise click.ClickException(f"The backfill {name} is one of {known.prefix!r}; give this one another --name.")
    if known is None or known.finished is not None:
        return Backfill(name, prefix, parts.call.now())
    return known


def _show_preview(console: Console, run: BackfillRun, total: int, as_json: bool) -> None:
    """Say how many documents would be sent."""
    counts = {"to send": 0, "ended before": 0}

    def look() -> None:
        with console.status("Looking at documents") as status:
            for number, ended in enumerate(run.preview(), 1):
                counts["ended before" if ended else "to send"] += 1
                if number % 100 == 0:
                    status.update(f"Looking at documents: {number:,} of {total:,}")

    told(look)
    console.print(f"{counts['to send']:,} would be sent; {counts['ended before']:,} ended before. Nothing was sent.")
    if as_json:
        show_json(counts)


def _run(run: BackfillRun, total: int, console: Console) -> BackfillReport:
    stop = threading.Event()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with _interrupted(stop), Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task("Sending", total=total)

        def tell(report: BackfillReport) -> None:
            state = report.backfill
            said = f"{len(state.under_way)} under way, {sum(state.calls.values()):,} calls"
            progress.update(task, completed=state.known + sum(state.ended.values()), description=said)

        report: BackfillReport = told(run.run, tell, stop.is_set)
    return report


@contextmanager
def _interrupted(stop: threading.Event) -> Iterator[None]:
    """Have Ctrl-C, and a polite end, stop what runs here at a point where nothing is left half done."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda *_: stop.set()) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _show(console: Console, report: BackfillReport) -> None:
    state = report.backfill
    ended = ", ".join(f"{count:,} {status}" for status, count in sorted(state.ended.items())) or "none"
    console.print(f"{state.sent:,} documents were sent; {ended} have ended, {len(state.under_way):,} are under way.")
    console.print(f"{state.known:,} had ended before. It took {priced(report.cost)}.", soft_wrap=True)
    if state.stopped:
        console.print(
            f"It stopped because {_WHY[state.stopped]}. Call it again to go on; the run is called {state.name}.",
            soft_wrap=True,
        )  # fmt: skip
