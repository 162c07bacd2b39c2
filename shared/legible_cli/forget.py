"""``legible forget``: everything of a document is removed from both buckets, for good."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console

from legible.model.audit import FORGET
from legible.upkeep.forget import QUIET, Asked, ForgetReport, Refused
from legible.wiring.forgetting import ForgettingParts
from legible.wiring.parts import WORKBOOK_SECONDS
from legible_cli.audited import audited, operator
from legible_cli.connection import Connection, connect, settings_option, told
from legible_cli.screen import screen

#: So many documents that cannot be forgotten now are named.
_NAMED = 20


@click.command("forget")
@click.argument("wanted", metavar="[KEY|PREFIX]", default="")
@click.option("--reason", default="", help="Why, for the tombstone and the audit trail; name no person.")
@click.option("--dry-run", is_flag=True, help="Say what would be forgotten, and change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--expired", is_flag=True, help="Forget what has reached the age of its [[retention]] rule.")
@settings_option
def forget_command(wanted: str, reason: str, file: Path | None, *, dry_run: bool, yes: bool, expired: bool) -> None:
    """Remove everything of a document, for good: its upload, results, answers, pages, corrections, notices.

    KEY is a document's key. PREFIX is a folder with its slash (scans/2026/), or the beginning of keys with * behind it
    (scans/2026-*); * alone is everything. Without either it goes on with what is being forgotten.

    Files over many documents that may hold it are built again without it. All versions are removed from both buckets,
    and a tombstone without personal data is left. A document that is being read is refused, with the time when it can
    be forgotten. Exit 1 if any was refused.
    """
    if expired and wanted:
        raise click.UsageError("--expired goes by the settings; leave KEY or PREFIX out.")
    connection, console = connect(file), screen()
    made = ForgettingParts(connection.parts("forget", WORKBOOK_SECONDS), connection.credentials, operator())
    if dry_run:
        sys.exit(_looked(connection, made, wanted, console, expired=expired))
    if not yes and (wanted or expired):
        what = "what has reached its age" if expired else f"everything of {wanted}"
        click.confirm(f"Remove {what} for good from both buckets?", abort=True)
    name = told(made.tombstones.digest, wanted) if wanted else ("retention" if expired else "resumed")
    with audited(connection, FORGET, "documents", name, reason=reason):
        sys.exit(told(_forgotten, connection, made, wanted, reason, console, expired=expired))


def _looked(connection: Connection, made: ForgettingParts, wanted: str, console: Console, *, expired: bool) -> int:
    """Say what would be forgotten; return the exit code."""
    if expired:
        by_rule = told(lambda: Counter(one.rule for one in made.retention.expired()))
        for number, rule in enumerate(connection.settings.retention, 1):
            what = f"keep {', '.join(rule.keep)}" if rule.keep else "forget"
            console.print(
                f"rule {number}: {rule.match}, after {rule.after_days} days, {what}: {by_rule[number]} documents",
                soft_wrap=True,
            )  # fmt: skip
        return 0
    asked = _asked(connection, "")
    seen = Counter[str]()

    def each() -> Iterator[Refused]:
        for key in made.scope.keys(wanted):
            found = made.forgetting.look(key, asked)
            seen["refused" if isinstance(found, Refused) else "found" if found else "unknown"] += 1
            if isinstance(found, Refused):
                yield found

    refused = told(lambda: list(each()))
    console.print(f"{seen['found']} documents would be forgotten; {seen['unknown']} keys name nothing.")
    _tell_refused(tuple(refused), console)
    return 1 if refused else 0


def _forgotten(
    connection: Connection, made: ForgettingParts, wanted: str, reason: str, console: Console, *, expired: bool
) -> int:
    """Forget; return the exit code."""
    shown = console.status("Forgetting")
    with shown:

        def tell(count: int) -> None:
            shown.update(f"Forgetting: {count} documents")

        if expired:
            report = made.retention.run(tell)
        elif wanted:
            report = made.forgetting.forget(made.scope.keys(wanted), _asked(connection, reason), tell)
        else:
            report = made.forgetting.resume()
    _tell(report, console)
    return 1 if report.refused or report.gone else 0


def _asked(connection: Connection, reason: str) -> Asked:
    return Asked(operator(), connection.store.now(), reason)


def _tell(report: ForgetReport, console: Console) -> None:
    said = [f"{report.emptied} documents have no content any more ({report.objects} objects and versions removed)."]
    if report.forgotten:
        said.append(f"{report.forgotten} are forgotten altogether.")
    if report.waiting:
        minutes = int(QUIET.total_seconds() / 60)
        said.append(
            f"Of {report.waiting} the closed journals go {minutes} minutes after, when their calls are counted: by the "
            "timer of on_forget, or `legible forget` once more."
        )
    if report.unknown:
        said.append(f"{report.unknown} keys name nothing.")
    said += [f"Built again without them: {name}" for name in report.built]
    said += [f"Removed, and not built again: {name}" for name in report.gone]
    for line in said:
        console.print(line, soft_wrap=True)
    _tell_refused(report.refused, console)


def _tell_refused(refused: tuple[Refused, ...], console: Console) -> None:
    for one in refused[:_NAMED]:
        until = f"until {one.until:%Y-%m-%d %H:%M:%S} UTC" if one.until else "now"
        console.print(f"{one.key}: it is being read {until}; try again then.", soft_wrap=True)
    if len(refused) > _NAMED:
        console.print(f"{len(refused) - _NAMED} more are being read.")
