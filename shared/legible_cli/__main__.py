"""The command line: ``legible run``, ``up``, ``demo``, and what works on a deployed Legible."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from legible.errors import LegibleError
from legible.model.records import Record
from legible.operations import catalog
from legible.settings import load as load_settings
from legible.settings.checks import check_secrets
from legible.wiring import adapters
from legible_cli.accounting import accounting_command
from legible_cli.audit.command import audit_group
from legible_cli.backfill import backfill_command
from legible_cli.console import console_command
from legible_cli.dead import dead_command
from legible_cli.doctor.command import doctor_command
from legible_cli.forget import forget_command
from legible_cli.local.run import Item, Items, files_of, run, summary, why
from legible_cli.local.up import Folders
from legible_cli.policy.command import policy_group
from legible_cli.quote import quote_command
from legible_cli.rebuild import rebuild_command
from legible_cli.reconcile import reconcile_command
from legible_cli.redrive import redrive_command
from legible_cli.review.command import review_group
from legible_cli.screen import screen, show_json
from legible_cli.status import status_command
from legible_cli.subscriptions import subscriptions_command
from legible_cli.sweep import sweep_command
from legible_cli.usage import usage_command
from legible_cli.workbook import workbook_command
from localcloud.cloud import INPUT_BUCKET, OUTPUT_BUCKET, LocalCloud
from localcloud.engine import check_models
from localcloud.engine.models import ModelFileError
from localcloud.functiongraph import load
from localcloud.functiongraph.config import Function

_ROOT = Path(__file__).resolve().parents[2]
_SAMPLES = _ROOT / "tests" / "data" / "documents"
#: The documents of the demo, with how each must end.
_DEMO = (
    ("passport/specimen.png", "done"),
    ("general-text/letter.png", "done"),
    ("web-image/screenshot.png", "done"),
    ("general-table/table.png", "done"),
    ("passport/tiny.png", "rejected"),
)

#: A function's time on a laptop, in seconds: after a hard stop a document is held no longer than this.
_SECONDS = 120.0
#: What a local cloud gives its functions, as far as settings are judged by it.
_LOCAL = {
    "LEGIBLE_REGION": "cn-north-4",
    "LEGIBLE_INPUT_BUCKET": INPUT_BUCKET,
    "LEGIBLE_OUTPUT_BUCKET": OUTPUT_BUCKET,
    "LEGIBLE_OBS_ENDPOINT": "http://127.0.0.1:1",
    "LEGIBLE_OCR_ENDPOINT": "http://127.0.0.1:2",
}
#: How much of the functions' log is shown where a document came to nothing.
_LOG_LINES = 12

_operation = click.option(
    "--operation",
    metavar="SLUG",
    help="Read every file with this operation. Default: its folder's name, or general-text.",
)
_recorded = click.option(
    "--recorded", metavar="SLUG", multiple=True, help="Answer this operation from a recorded sample (repeatable)."
)


@click.group()
@click.version_option("0.1.0", prog_name="legible")
def main() -> None:
    """Documents become data: JSON, and a workbook that is safe to open.

    `run`, `up` and `demo` need no account: they start a local cloud. The others work on a deployed Legible, or on what
    `up` runs.
    """


main.add_command(accounting_command)
main.add_command(audit_group)
main.add_command(backfill_command)
main.add_command(console_command)
main.add_command(dead_command)
main.add_command(doctor_command)
main.add_command(forget_command)
main.add_command(policy_group)
main.add_command(quote_command)
main.add_command(rebuild_command)
main.add_command(reconcile_command)
main.add_command(redrive_command)
main.add_command(review_group)
main.add_command(status_command)
main.add_command(subscriptions_command)
main.add_command(sweep_command)
main.add_command(usage_command)
main.add_command(workbook_command)


@main.command("run")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@_operation
@_recorded
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), default=Path("results"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the records as a JSON array.")
def run_command(
    files: tuple[Path, ...], operation: str | None, recorded: tuple[str, ...], out: Path, as_json: bool
) -> None:
    """Recognize FILES (or every file below a folder) and write their results; exit 1 if any is not done."""
    items = _items(files, operation, recorded)
    _run(items, recorded, out, as_json)
    sys.exit(0 if all(item.status == "done" for item in items) else 1)


@main.command("demo")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), default=Path("demo-results"), show_default=True
)
def demo_command(out: Path) -> None:
    """Recognize the sample documents; exit 1 unless each ends as expected (one of them rejected)."""
    expected = {_SAMPLES / name: status for name, status in _DEMO}
    items = _items(tuple(expected), None, ())
    _run(items, (), out, as_json=False)
    wrong = [item.file.name for item in items if item.status != expected[item.file]]
    if wrong:
        raise click.ClickException(f"These did not end as they must: {', '.join(wrong)}.")


@main.command("up")
@click.option("--inbox", type=click.Path(file_okay=False, path_type=Path), default=Path("inbox"), show_default=True)
@click.option("--outbox", type=click.Path(file_okay=False, path_type=Path), default=Path("outbox"), show_default=True)
@click.option(
    "--state",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".legible"),
    show_default=True,
    help="Where the local cloud keeps its data.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65529),
    help="Port of OBS; the next six are used, too. Default: free ports.",
)
@_recorded
def up_command(inbox: Path, outbox: Path, state: Path, port: int | None, recorded: tuple[str, ...]) -> None:
    """Keep the local cloud running: a file dropped into INBOX/<operation>/ comes back as results in OUTBOX."""
    if outbox.resolve() == inbox.resolve() or inbox.resolve() in outbox.resolve().parents:
        raise click.UsageError(f"The outbox {outbox} lies in the inbox {inbox}: results would become documents.")
    console = screen()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with _cloud(state, port, recorded) as cloud:
        folders = Folders(
            cloud, inbox, outbox, state / "sent.json", lambda record, folder: _told(console, record, folder)
        )
        _endpoints(console, cloud, inbox, outbox, _variables(cloud, state))
        folders.watch(ended)
        console.print("\nEnding; what is under way goes on at the next start.")


def _items(files: Sequence[Path], operation: str | None, recorded: Sequence[str]) -> list[Item]:
    for slug in (*recorded, *([operation] if operation else [])):
        if slug not in catalog.slugs():
            raise click.BadParameter(f"There is no operation {slug!r}. Operations are: {', '.join(catalog.slugs())}.")
    items = Items()
    for file in files_of(files):
        items.add(file, operation, recorded)
    if not items.items:
        raise click.UsageError("No files were found.")
    return items.items


def _run(items: list[Item], recorded: Sequence[str], out: Path, as_json: bool) -> None:
    console = screen(stderr=as_json)
    with _cloud(None, None, recorded) as cloud:
        run(cloud, items, out, console)
        if any(item.status == "lost" for item in items):
            console.print("The functions' last lines:")
            for function, line in list(cloud.functions.log)[-_LOG_LINES:]:
                console.print(f"  {function}: {line}", soft_wrap=True)
    if as_json:
        show_json([item.record for item in items])
        return
    console.print(summary(items))
    for item in items:
        told = why(item)
        if told:
            console.print(f"\n{item.file.name}: {told}", soft_wrap=True)
    done = sum(item.status == "done" for item in items)
    console.print(f"\n{done} of {len(items)} done. Workbooks:")
    for item in items:
        if item.workbook:
            console.print(f"  {item.workbook}", soft_wrap=True)


@contextmanager
def _cloud(state: Path | None, port: int | None, recorded: Sequence[str]) -> Iterator[LocalCloud]:
    answers = {slug: _SAMPLES.parent / "answers" / slug / "answer.json" for slug in recorded}
    missing = [slug for slug, file in answers.items() if not file.is_file()]
    if missing:
        raise click.ClickException(f"No recorded answer for: {', '.join(missing)}.")
    try:
        check_models()
        listed = load(_ROOT / "serverless.yml")
        functions = {key: replace(function, timeout=_SECONDS) for key, function in listed.items()}
        _check_settings(functions)
        with LocalCloud(state, port, recorded=answers, functions=functions) as cloud:
            yield cloud
    except (LegibleError, ModelFileError, RuntimeError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _check_settings(functions: Mapping[str, Function]) -> None:
    """Refuse settings that a function would refuse to start with, or send no notice, before any begins what waits."""
    file = adapters.settings_file()
    for function in functions.values():
        data = {**function.user_data, **_LOCAL}
        check_secrets(load_settings(file, data.get), "legible.toml", data.get)


def _endpoints(console: Console, cloud: LocalCloud, inbox: Path, outbox: Path, variables: Path) -> None:
    console.print(f"Legible is up. Drop a file into {inbox}/<operation>/; results appear in {outbox}/.", style="bold")
    console.print(f"  OBS  {cloud.obs_endpoint}   (signature v2, path style)")
    console.print(f"  OCR  {cloud.ocr_endpoint}")
    if any(function.apis for function in cloud.functions.functions.values()):
        console.print(f"  API  {cloud.api_endpoint}   (app code in {variables})", soft_wrap=True)
        console.print(f"\nIn a browser on this machine: {cloud.console}", style="bold", soft_wrap=True)
    console.print(
        f"\nFor the real SDKs, and for `legible rebuild` and `legible review`:\n  . {variables}", soft_wrap=True
    )
    console.print("\nCtrl-C ends it; nothing is lost.\n")


def _variables(cloud: LocalCloud, state: Path) -> Path:
    """Write the variables that lead other commands to this cloud, its keys among them, for its owner only."""
    file = state / "environment"
    file.unlink(missing_ok=True)  # whoever may read an older one may not read this one
    file.touch(mode=0o600, exist_ok=False)
    file.write_text("".join(f"export {name}={value}\n" for name, value in cloud.environment().items()), "utf-8")
    return file


def _told(console: Console, record: Record, folder: Path) -> None:
    reason = f"  {record.reason.message}" if record.reason else ""
    console.print(f"{record.status:<9} {record.operation:<20} {folder}{reason}", soft_wrap=True)


if __name__ == "__main__":
    main()
