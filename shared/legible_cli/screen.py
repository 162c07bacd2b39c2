"""Where commands print: a console that takes nothing in a text for an order.

Names of files, folders, routes, packages and projects are other people's: ``[/x]`` in one of them is a part of the
name, neither a color nor an error. So no text is read as rich's markup; what has a color is a ``Text`` with a style.
"""

from __future__ import annotations

from typing import Any

import click
import msgspec
from rich.console import Console
from rich.text import Text


def screen(*, stderr: bool = False) -> Console:
    """Return a console that shows texts as they are.

    Args:
        stderr: Whether it prints beside what another program reads.
    """
    return Console(highlight=False, markup=False, emoji=False, stderr=stderr)


def colored(text: str, style: str) -> Text:
    """Return a text in a color, to print or as a cell."""
    return Text(text, style=style)


def show_json(value: Any) -> None:
    """Print what another program reads, as JSON with two blanks a level."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())
