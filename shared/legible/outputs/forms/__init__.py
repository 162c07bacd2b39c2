"""Results in the user's own form: a template that is filled, or columns with the user's own names."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import IO

from msgspec import Struct

from legible.errors import SettingsError
from legible.model.records import Recognized, Record
from legible.outputs.forms import filled
from legible.outputs.forms.columns import write as write_columns
from legible.outputs.forms.mapping import MappedColumn, Mapping, load
from legible.outputs.forms.template import check

__all__ = ["Form", "MappedColumn", "Mapping", "load", "opened"]


class Form(Struct, frozen=True):
    """A form, ready to be filled: a column ``mapping``, or the bytes of a ``template``."""

    name: str
    mapping: Mapping | None = None
    template: bytes = b""

    def write(
        self,
        record: Record,
        parts: Recognized,
        file: IO[bytes],
        limits: filled.FormLimits = filled.USUAL,
    ) -> list[str]:
        """Write ``form.xlsx`` of one document; return one sentence for each thing that did not fit into it.

        Args:
            record: What is known of the document.
            parts: What was recognized.
            file: Where to.
            limits: How much of a document becomes a form, where it is a template.

        Raises:
            SettingsError: The template could not be filled.
        """
        mapping = self.mapping
        if mapping is not None:
            write_columns(mapping.header, lambda: mapping.rows(record, parts), file, at=record.finished_at)
            return []
        try:
            return filled.fill(self.template, self.name, record, parts, file, limits)
        except SettingsError:
            raise
        except Exception as error:  # a form is never worth a record
            raise SettingsError(
                f"{self.name} could not be filled ({type(error).__name__}).", advice="Make it simpler, then rebuild."
            ) from error


def opened(folder: Path, name: str, slug: str = "", read: Callable[[Path], bytes] = Path.read_bytes) -> Form:
    """Open a form that a setting names.

    Args:
        folder: Where ``legible.toml`` is; a form lies there or below.
        name: The setting: a path, ``.xlsx`` for a template, ``.toml`` for a column mapping.
        slug: The operation whose fields it asks for; empty where that is not known.
        read: Reads the file.

    Raises:
        SettingsError: It is not there, lies elsewhere, is no form, or asks for what the operation does not have.
    """
    # No file is called so, and asking for one is an error of its own.
    path = (folder / name.replace("\0", "\ufffd")).resolve()
    if folder.resolve() not in path.parents:
        raise SettingsError(
            f"form = {name!r} leads out of the folder of legible.toml.", advice="Put it beside legible.toml, or below."
        )
    if path.suffix not in {".xlsx", ".toml"}:
        raise SettingsError(f"form = {name!r} is neither .xlsx nor .toml.", advice="A template, or a column mapping.")
    try:
        body = read(path)
    except OSError as error:
        raise SettingsError(
            f"form = {name!r} cannot be read: {error.strerror}.", advice="Put it beside legible.toml, into the zip too."
        ) from None
    return _checked(body, name, slug)


@lru_cache(maxsize=32)
def _checked(body: bytes, name: str, slug: str) -> Form:
    """Return a form that can be filled; the same file is checked only once."""
    if name.endswith(".toml"):
        mapping = load(body, name)
        if slug:
            mapping.check(slug)
        return Form(name, mapping)
    return Form(name, template=check(body, name, slug))
