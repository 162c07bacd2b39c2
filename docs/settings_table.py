"""The table of all settings, for docs/settings.md."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from legible.notices.targets import Target
from legible.operations.routing import OperationSettings, Route
from legible.settings.explanations import MEANS, TARGET_MEANS, bounds, choices, table_at
from legible.settings.tables import Settings
from legible.settings.toml_file import VARIABLES


def reference() -> str:
    """Return the settings as a Markdown table, for docs/settings.md."""
    variables = {place: name for name, place in VARIABLES.items()}
    rows = ["| setting | user variable | default | allowed |", "|---|---|---|---|"]
    for section in msgspec.structs.fields(Settings):
        kind = table_at([section.name])
        if kind is None or kind in (Route, OperationSettings):
            continue
        for field in msgspec.structs.fields(kind):
            place = (section.name, field.name)
            allowed = (
                choices(list(place)) or MEANS.get(".".join(place)) or MEANS.get(field.name, "") or _plain(field.type)
            )
            if section.name == "buckets":
                allowed = MEANS["buckets"]
            name = f"`{variables[place]}`" if place in variables else ""
            default = "" if field.required else f"`{_default(field)}`"
            rows.append(f"| `{section.name}.{field.name}` | {name} | {default} | {allowed} |")
    return "\n".join(rows + _target_rows())


def _target_rows() -> list[str]:
    """Return a row for each setting of a target, with the kinds that have it."""
    kinds: dict[str, list[str]] = {}
    defaults: dict[str, str] = {}
    for one in get_args(Target):
        for field in msgspec.structs.fields(one):
            kinds.setdefault(field.name, []).append(str(one.__struct_config__.tag))
            defaults[field.name] = "" if field.required else f"`{_default(field)}`"
    rows = [f"| `notify.<name>.kind` |  |  | {', '.join(kinds['match'])} |"]
    for name, having in kinds.items():
        only = "" if having == kinds["match"] else f"{', '.join(having)}: "
        rows.append(f"| `notify.<name>.{name}` |  | {defaults[name]} | {only}{TARGET_MEANS[name]} |")
    return rows


def _default(field: msgspec.structs.FieldInfo) -> str:
    made = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return msgspec.json.encode(made).decode()


def _plain(kind: Any) -> str:
    info = msgspec.inspect.type_info(kind)
    if isinstance(info, (msgspec.inspect.IntType, msgspec.inspect.FloatType)):
        return bounds(info)
    return "text"
