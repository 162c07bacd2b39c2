"""What can be used of wrong settings: enough to end a document and to tell of it, nothing that could be paid for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from legible.errors import SettingsError
from legible.settings.checks import check_targets, check_urls
from legible.settings.tables import Settings
from legible.settings.toml_file import load, override, read

#: Tables of which all is kept that is as it must be; for the rest their defaults do. Routes, operations and tenants are
#: not among them: nothing is read, and nobody is let in, by half of these.
_TABLES = ("cloud", "buckets", "obs", "ocr", "functions", "smn", "eventgrid", "ledger", "limits", "log", "workbooks")
#: Nothing stands for a wrong one of these: another bucket, or another host, would be written to.
_WHERE = {("cloud", "region"), ("buckets", "input"), ("buckets", "output"), ("obs", "endpoint")}
#: Where one of these is wrong, nobody outside is told: it is not known whether this is a setup apart from the cloud.
_APART = {("ocr", "endpoint"), ("smn", "endpoint"), ("eventgrid", "endpoint")}


class Usable(NamedTuple):
    """Settings, and what is wrong with them; then they are only what can be used all the same.

    ``partial`` names the tables of which something was left out, or may have been.
    """

    settings: Settings
    fault: SettingsError | None
    partial: frozenset[str] = frozenset()


def usable(file: Path | None, variable: Callable[[str], str | None]) -> Usable:
    """Return the settings as ``load`` does, and where they are wrong, what can be used of them.

    Raises:
        SettingsError: Not even region, buckets and OBS are known.
    """
    try:
        return Usable(load(file, variable), None)
    except SettingsError as fault:
        return _reduced(file, variable, fault)


def _reduced(file: Path | None, variable: Callable[[str], str | None], fault: SettingsError) -> Usable:
    try:
        values, partial = read(file), set[str]()
    except SettingsError:
        values, partial = {}, set(_TABLES)
    override(values, variable)
    tables: dict[str, dict[str, Any]] = {}
    wrong: set[tuple[str, str]] = set()
    for name, key, value in _each(values):
        if _converted({name: {key: value}}) is None:
            wrong.add((name, key))
        else:
            tables.setdefault(name, {})[key] = value
    settings = msgspec.convert(tables, Settings)
    if wrong & _WHERE or not all((settings.cloud.region, settings.buckets.input, settings.buckets.output)):
        raise fault
    if not wrong & _APART:
        settings = msgspec.structs.replace(settings, notify=_targets(values.get("notify"), settings))
    partial |= {name for name, _ in wrong} | {name for name in _TABLES if not isinstance(values.get(name, {}), dict)}
    return Usable(settings, fault, frozenset(partial))


def _each(values: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Yield table, key and value of each setting in the tables that can be used in part."""
    for name in _TABLES:
        table = values.get(name)
        for key, value in table.items() if isinstance(table, dict) else ():
            yield name, key, value


def _targets(tables: Any, settings: Settings) -> dict[str, Any]:
    """Return the targets that are as they must be."""
    found: dict[str, Any] = {}
    for name, table in tables.items() if isinstance(tables, dict) else ():
        try:
            check_targets({name: table}, "")
            only = msgspec.convert({"notify": {name: table}}, Settings)
            alone = msgspec.structs.replace(settings, notify=only.notify)
            check_urls(alone, "")
        except SettingsError:
            continue
        found |= alone.notify
    return found


def _converted(values: dict[str, Any]) -> Settings | None:
    try:
        return msgspec.convert(values, Settings)
    except msgspec.ValidationError:
        return None
