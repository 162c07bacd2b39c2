"""``python -m bench.simulation``: simulate deployments, print their figures, and draw them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from bench.simulation import charts
from bench.simulation.summary import Summary, summary
from bench.simulation.world import Plan, World

DOCS = Path(__file__).resolve().parents[2] / "docs"
#: What is simulated: every pair of these.
INSTANCES, QUOTAS = (100, 300, 1000), (10, 100, 500)
#: Of what the deployment can do, so much is asked for where uploads come steadily.
LOAD = 0.8
#: What a sweep is told for: its time grows with the documents, and with nothing else.
SCALED = 10_000_000


def simulated(plan: Plan) -> Summary:
    """Simulate one deployment."""
    return summary(plan, World(plan).run())


def plans(documents: int, pairs: Sequence[tuple[int, int]]) -> list[Plan]:
    """Return what is simulated: uploads that come steadily, and all at once, for each pair of instances and quota."""
    found = []
    for instances, quota in pairs:
        plan = Plan(documents, instances, quota)
        rate = LOAD * min(quota, instances / plan.holding)
        found += [msgspec.structs.replace(plan, rate=rate), plan]
    return found


@click.command()
@click.option("--documents", default=10_000, show_default=True, help="Documents of each run.")
@click.option("--check", "larger", default=4, show_default=True, help="One pair once more, with so many times as many.")
@click.option("--draw/--no-draw", default=True, show_default=True, help="Whether docs/simulation*.svg are written.")
def main(documents: int, larger: int, draw: bool) -> None:
    """Simulate 100 to 1,000 instances with quotas of 10 to 500 calls a second, duplicates, losses and deaths."""
    console, begun = Console(), time.perf_counter()
    pairs = [(instances, quota) for instances in INSTANCES for quota in QUOTAS]
    small = plans(documents, pairs)
    large = plans(documents * larger, [(300, 100)]) if larger > 1 else []
    with ProcessPoolExecutor(2) as both:
        found = list(both.map(simulated, [*large, *small]))
    compared, runs = found[: len(large)], found[len(large) :]
    for flood in (False, True):
        title = "All uploads at once" if flood else f"Uploads come at {LOAD:.0%} of what the deployment can do"
        console.print(f"\n[bold]{title}[/]; {documents:,} documents each")
        console.print(_table([run for run in runs if run.flood == flood]))
    if compared:
        console.print(f"\n[bold]Whether size matters[/]: 300 instances, 100 calls a second, {larger} times as many")
        console.print(_table([run for run in runs if (run.instances, run.quota) == (300, 100)] + compared))
    for run in runs:
        if not run.flood and run.instances == INSTANCES[0] and run.quota == QUOTAS[0]:
            console.print(f"\nA sweep over 10 million documents: {run.sweep / documents * SCALED:.0f} s of lists.")
    if draw:
        charts.draw(DOCS, runs)
    console.print(f"{time.perf_counter() - begun:.0f} s")


def _table(runs: Sequence[Summary]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    titles = ("inst.", "quota /s", "documents", "quota used", "wait p50", "p99", "appends", "most", "turned")
    for title in titles:
        table.add_column(title, justify="right")
    for run in runs:
        table.add_row(
            f"{run.instances:,}", f"{run.quota}", f"{run.documents:,}", f"{run.quota_used:.0%}", f"{run.p50:.1f} s",
            f"{run.p99:.1f} s", f"{run.appends:.2f}", f"{run.most_appends}", f"{run.turned_away:.2f}",
        )  # fmt: skip
    return table


if __name__ == "__main__":
    main()
