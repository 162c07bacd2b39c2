"""``legible run``: a few documents, once, through the whole local cloud."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from legible.extraction.emptiness import EMPTY_RULE
from legible.model.records import Record
from legible.operations import catalog
from legible_cli.local.buckets import Buckets
from legible_cli.screen import colored
from localcloud.cloud import LocalCloud

#: What reads a document whose folder names no operation.
DEFAULT = "general-text"
_LOOK_SECONDS = 0.1
#: So many pages that gave nothing are told of each document.
_MOST_TOLD = 3
_COLORS = {"done": "green", "partial": "yellow", "rejected": "yellow", "held": "yellow"}


@dataclass
class Item:
    """One document on its way. ``seconds`` is the time from its upload to its record."""

    file: Path
    key: str
    etag: str = ""
    begun: float = 0.0
    seconds: float = 0.0
    record: Record | None = None
    workbook: Path | None = None
    recorded: bool = False
    problem: str = ""

    @property
    def status(self) -> str:
        """The record's status; ``unread`` for a file that cannot be read, ``lost`` where no record came."""
        return self.record.status if self.record else "unread" if self.problem else "lost"


@dataclass
class Items:
    """The documents of one run, each under a key of its own."""

    items: list[Item] = field(default_factory=list)

    def add(self, file: Path, operation: str | None, recorded: Sequence[str]) -> None:
        """Take a file in: read by ``operation``, else by what its folder names, else as general text."""
        slug = operation or (file.resolve().parent.name if file.resolve().parent.name in catalog.slugs() else DEFAULT)
        taken = {item.key for item in self.items}
        key = next(key for key in _keys(slug, file.name) if key not in taken)
        self.items.append(Item(file, key, recorded=slug in recorded))


def _keys(slug: str, name: str) -> Iterator[str]:
    yield f"{slug}/{name}"
    number = 2
    while True:
        yield f"{slug}/{number}/{name}"
        number += 1


def files_of(paths: Iterable[Path]) -> list[Path]:
    """Return the files among ``paths`` and below the folders among them, sorted, without hidden ones."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(
                file
                for file in path.rglob("*")
                if file.is_file() and not any(part.startswith(".") for part in file.relative_to(path).parts)
            )
        else:
            found.append(path)
    return found


def run(cloud: LocalCloud, items: Sequence[Item], out: Path, console: Console) -> None:
    """Upload every document, wait for its record, write its results below ``out``.

    Args:
        cloud: A running local cloud.
        items: The documents; each gets its record, time and workbook.
        out: Where results go: ``out/<operation>/<name>/record.xlsx``.
        console: Where progress is shown.
    """
    buckets = Buckets(cloud)
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console, transient=True,
    ) as progress:  # fmt: skip
        task = progress.add_task("Recognizing", total=len(items))
        for item in items:
            item.begun = time.monotonic()
            try:
                item.etag = buckets.upload(item.file, item.key)
            except OSError as error:
                item.problem = f"The file cannot be read: {error.strerror}."
        waiting = [item for item in items if not item.problem]
        while waiting:
            idle = cloud.wait_idle(_LOOK_SECONDS)
            answered = sum(call.units for call in cloud.ocr.journal.calls)
            progress.update(task, description=f"Recognizing: {answered} pages answered, documents")
            for item in waiting:
                item.record = buckets.record(item.key, item.etag)
                if item.record is not None:
                    item.seconds = time.monotonic() - item.begun
                    item.workbook = buckets.download(item.record, out / item.key)
                    progress.advance(task)
            waiting = [item for item in waiting if item.record is None]
            if idle:
                break


def summary(items: Sequence[Item]) -> Table:
    """Return one line a document: status, operation, pages, fields, time."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("document", "status", "operation"):
        table.add_column(name, overflow="fold")
    for name in ("pages", "fields", "time"):
        table.add_column(name, justify="right")
    for item in items:
        record = item.record
        color = _COLORS.get(item.status, "red")
        fields = len(record.fields) + len(record.text) + sum(len(part.cells) for part in record.tables) if record else 0
        table.add_row(
            str(item.file.name),
            colored(item.status, color),
            (record.operation if record else "") + (" (recorded)" if item.recorded else ""),
            _pages(record) if record else "",
            str(fields),
            f"{item.seconds:.1f} s" if record else "",
        )
    return table


def why(item: Item) -> str:
    """Return why a document is not done and what to do about it, or why pages of it gave nothing."""
    if item.problem:
        return item.problem
    if item.record is None:
        return "No record came; the functions' log says why."
    reason = item.record.reason
    told = [f"{reason.message} {reason.advice}".strip()] if reason else []
    empty = [f"Page {check.page}: {check.message}" for check in item.record.checks if check.rule == EMPTY_RULE]
    return " ".join([*told, *empty[:_MOST_TOLD]])


def _pages(record: Record) -> str:
    """Return how many pages were read, and how many of them gave nothing."""
    empty = sum(bool(page.empty) for page in record.pages)
    return str(sum(page.state == "done" for page in record.pages)) + (f" ({empty} empty)" if empty else "")
