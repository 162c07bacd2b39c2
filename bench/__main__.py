"""``python -m bench``: measure, and print the ratios."""

from __future__ import annotations

import re
from collections.abc import Callable

import click
from rich.console import Console

from bench import cold, document, memory, pages, pipeline, rendering, startup, table, throughput, workbook

#: What is left out of a key in a chain of requests, so that it stands on one line: digests, owners.
_NAMES = re.compile(r"[0-9a-f]{16,}(-[0-9a-f-]+)?")
PARTS = ("document", "pages", "throughput", "rendering", "pipeline", "memory", "workbook", "startup", "cold")


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this part; may be repeated.")
@click.option(
    "--pages", "count", default=60, show_default=True, help="Pages of the document that is rendered and read."
)
@click.option("--rounds", default=5, show_default=True, help="How often rendering is measured; the shortest counts.")
@click.option("--memory-pages", default=600, show_default=True, help="Pages of the long document for memory.")
@click.option("--documents", multiple=True, default=[1_000, 20_000], show_default=True, help="Of a workbook over many.")
@click.option("--throughput", "many", default=300, show_default=True, help="Documents of the part throughput.")
@click.option("--instances", default=50, show_default=True, help="Concurrent instances of the part throughput.")
@click.option(
    "--long",
    is_flag=True,
    help="The full sizes: 2,000 pages for memory, 100,000 documents in a workbook, 2,000 through instances.",
)
def main(
    parts: tuple[str, ...], count: int, rounds: int, memory_pages: int, documents: tuple[int, ...],
    many: int, instances: int, long: bool,
) -> None:  # fmt: skip
    """Measure what Legible costs, each thing beside what it is compared with."""
    console = Console()
    if long:
        documents, many = (1_000, 100_000), 2_000
    with console.status("") as status:
        say = status.update
        measures: dict[str, Callable[[], list[table.Line]]] = {
            "document": lambda: [
                *document.lines(say, lambda one: console.print(_NAMES.sub("...", one), highlight=False)),
                *([document.memory(2000, say)] if long else []),
            ],
            "pages": lambda: pages.lines(count, say),
            "throughput": lambda: throughput.lines(many, instances, say),
            "rendering": lambda: rendering.lines(count, rounds, say),
            "pipeline": lambda: pipeline.lines(count, say),
            "memory": lambda: memory.lines(["general-text"], [count, memory_pages, *([2000] if long else [])], say),
            "workbook": lambda: workbook.lines(documents, say),
            "startup": lambda: startup.lines(say),
            "cold": lambda: cold.lines(say),
        }
        lines = [line for part in PARTS if part in (parts or PARTS) for line in measures[part]()]
    table.show(console, lines)


if __name__ == "__main__":
    main()
