"""``python -m bench``: measure, and print the ratios."""

from __future__ import annotations

import click
from rich.console import Console

from bench import cold, document, memory, pipeline, rendering, startup, table, workbook

PARTS = ("document", "rendering", "pipeline", "memory", "workbook", "startup", "cold")


@click.command()
@click.option("--part", "parts", multiple=True, type=click.Choice(PARTS), help="Only this part; may be repeated.")
@click.option("--pages", default=60, show_default=True, help="Pages of the document that is rendered and recognized.")
@click.option("--rounds", default=2, show_default=True, help="How often rendering is measured; the shortest counts.")
@click.option("--memory-pages", default=600, show_default=True, help="Pages of the long document for memory.")
@click.option(
    "--documents", multiple=True, default=[1_000, 100_000], show_default=True, help="Of a workbook over many."
)
@click.option("--long", is_flag=True, help="Memory for 2000 pages, and 2000 documents, too.")
def main(
    parts: tuple[str, ...], pages: int, rounds: int, memory_pages: int, documents: tuple[int, ...], long: bool
) -> None:
    """Measure what Legible costs, each thing beside what it is compared with."""
    console = Console()
    lines = []
    with console.status("") as status:
        if "document" in (parts or PARTS):
            lines += document.lines(status.update, console.print)
            if long:
                lines.append(document.memory(2000, status.update))
        if "rendering" in (parts or PARTS):
            lines += rendering.lines(pages, rounds, status.update)
        if "pipeline" in (parts or PARTS):
            lines += pipeline.lines(pages, status.update)
        if "memory" in (parts or PARTS):
            counts = [pages, memory_pages, *([2000] if long else [])]
            lines += memory.lines(["general-text"], counts, status.update)
        if "workbook" in (parts or PARTS):
            lines += workbook.lines(documents, status.update)
        if "startup" in (parts or PARTS):
            lines += startup.lines(status.update)
        if "cold" in (parts or PARTS):
            lines += cold.lines(status.update)
    table.show(console, lines)


if __name__ == "__main__":
    main()
