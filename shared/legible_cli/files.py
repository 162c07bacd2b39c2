"""Files that commands write on this computer: whole under their name, or not there; and one line where that fails."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn, TypeVar

from legible.errors import HeldError
from legible_cli.connection import told

_Made = TypeVar("_Made")


def write_file(
    target: Path, write: Callable[[IO[bytes]], _Made], *, kept: Callable[[_Made], bool] = lambda _: True
) -> _Made:
    """Write a file beside its place, and put it there when it is whole; what was there before stays until then.

    Args:
        target: Its place. What is no file, such as ``/dev/stdout``, is written to as it is.
        write: Writes it; what it returns is returned.
        kept: Tells by that whether the file is wanted after all.

    Raises:
        click.ClickException: It cannot be written here.
    """
    try:
        place = Path(os.path.realpath(target))  # a link stays one: what it leads to is written
        if place.exists() and not place.is_file():
            with place.open("wb") as special:
                return write(special)
        return _beside(place, write, kept)
    except OSError as error:
        refuse(target, error)


def make_folder(folder: Path) -> None:
    """Make a folder, and those that it lies in, where they are not there yet. Raises as ``write_file`` does."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        refuse(folder, error)


def refuse(target: Path, error: OSError) -> NoReturn:
    """Say in one line why a file cannot be written here.

    Raises:
        click.ClickException: Always.
    """
    raise told(_refusal, f"{target} cannot be written: {error.strerror or str(error) or type(error).__name__}.")


def _refusal(message: str) -> NoReturn:
    raise HeldError(message, code="file-not-written", advice="Name a folder that is there, has room, and is yours.")


def _beside(place: Path, write: Callable[[IO[bytes]], _Made], kept: Callable[[_Made], bool]) -> _Made:
    part = place.with_name(f".legible-{uuid.uuid4().hex[:12]}.part")
    try:
        with part.open("xb") as file:
            made = write(file)
        if kept(made):
            part.replace(place)
        return made
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
