"""Results in the user's own form: a template that is filled, or columns with the user's own names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import IO

from msgspec import Struct

from legible.contents import Parts
from legible.errors import SettingsError
from legible.forms import filling
from legible.forms.mapping import Column, Mapping, load
from legible.model import Record
from legible.workbook import write_columns

__all__ = ["Column", "Form", "Mapping", "load", "opened"]


class Form(Struct, frozen=True):
    """A form, ready to be filled: a column ``mapping``, or the bytes of a ``template``."""

    name: str
    mapping: Mapping | None = None
    template: bytes = b""

    def write(self, record: Record, parts: Parts, file: IO[bytes]) -> list[str]:
        """Write ``form.xlsx`` of one document; return what could not be filled, in words."""
        mapping = self.mapping
        if mapping is None:
            return filling.fill(self.template, record, parts, file)
        write_columns(mapping.header, lambda: mapping.rows(record, parts), file, at=record.finished_at)
        return [f"form.xlsx: {text}." for text in mapping.unknown(record.operation)]


def opened(folder: Path, name: str, read: Callable[[Path], bytes] = Path.read_bytes) -> Form:
    """Open a form that a setting names.

    Args:
        folder: Where ``legible.toml`` is; a form lies there or below.
        name: The setting: a path, ``.xlsx`` for a template, ``.toml`` for a column mapping.
        read: Reads the file.

    Raises:
        SettingsError: It is not there, lies elsewhere, or is no form.
    """
    path = (folder / name).resolve()
    if folder.resolve() not in path.parents:
        raise SettingsError(f"form = {name!r} leads out of {folder.name}.", advice="Put it beside legible.toml.")
    if path.suffix not in {".xlsx", ".toml"}:
        raise SettingsError(f"form = {name!r} is neither .xlsx nor .toml.", advice="A template, or a column mapping.")
    try:
        body = read(path)
    except OSError as error:
        raise SettingsError(f"form = {name!r} cannot be read: {error.strerror}.") from None
    if path.suffix == ".toml":
        return Form(name, load(body, name))
    filling.check(body, name)
    return Form(name, template=body)
