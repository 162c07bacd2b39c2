"""``--rebuild`` of counts: all journals are counted again, before anything is shown of them."""

from __future__ import annotations

from rich.console import Console

from legible.model.audit import RECOUNT
from legible.wiring.oversight import Oversight
from legible_cli.audited import audited
from legible_cli.connection import Connection, told


def recount(connection: Connection, oversight: Oversight, console: Console, prefix: str = "") -> None:
    """Count journals again, with progress, and say how many there were.

    Args:
        connection: The deployment; its audit trail is told.
        oversight: Counts.
        console: Shows progress.
        prefix: Only journals of documents whose key begins with this.
    """
    with (
        audited(connection, RECOUNT, "report", "usage", prefix=prefix),
        console.status("Counting journals") as status,
    ):
        counted = told(oversight.rebuild, prefix, lambda done: status.update(f"Counting journals: {done}"))
    console.print(f"{counted.journals} journals were counted again.")
    if counted.refused:
        named = ", ".join(counted.named) + (", ..." if counted.refused > len(counted.named) else "")
        console.print(f"{counted.refused} could not be read and count as they did: {named}")
    if counted.marked:
        console.print(f"{counted.marked} of them tell what the audit trail has not: on_report puts it there next.")
