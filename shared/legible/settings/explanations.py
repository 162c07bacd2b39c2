"""Explains a wrong setting: its place, what was found there, and what is allowed."""

from __future__ import annotations

import re
from typing import Any, get_args

import msgspec
from msgspec import Struct

from legible.errors import SettingsError
from legible.model.prices import Prices, Reconcile
from legible.notices.targets import Target
from legible.operations.projects import ProjectRules
from legible.operations.routing import OperationSettings, Route
from legible.settings.tables import (
    AuditSettings,
    BillingSettings,
    Buckets,
    Cloud,
    Functions,
    Http,
    LedgerSettings,
    LogSettings,
    Obs,
    Ocr,
    PageLimits,
    RetentionRule,
    ServiceEndpoint,
    Settings,
    SweepSettings,
    Telemetry,
    Workbooks,
)

#: What a pattern means in words, for the person who met it; by the setting, or its table and the setting.
MEANS = {
    "buckets": "a bucket's name: 3 to 63 of a-z, 0-9, '.' and '-'",
    "region": "a region's id, such as ap-southeast-1",
    "endpoint": "http:// or https:// and a host, with no path, such as https://obs.ap-southeast-1.myhuaweicloud.com",
    "account_endpoint": "http:// or https:// and a host, with no path, such as http://127.0.0.1:8080",
    "telemetry.endpoint": "a collector's URL with its path, such as https://collector.example.com/v1/traces",
    "project_id": "the project's id: letters, digits and '-'",
    "domain_id": "the account's id: letters, digits and '-'",
    "upload": "a function's name, and behind a colon a version or !alias",
    "timer": "a function's name, and behind a colon a version or !alias",
    "key": "the name of the user variable that holds the key, in capitals; never the key itself; empty for no seals",
    "app_header": "a header's name in lower case",
    "tenants": "a list of tables with an app's id and a prefix, a folder with its slash",
    "marker": "a name without '/', such as _complete; empty for none",
    "formats": "a list of one or more of xlsx, csv, jsonl",
    "currency": "three capitals, such as USD",
    "list": "a list of tables with slugs, since (a day) and tiers",
    "packages": "a list of tables with slugs, size, bought (a day), and perhaps until (a day), product and refilled",
    "slugs": "a list of one or more operations",
    "tiers": "a list of tables with each (an amount) and above (calls of the month; 0 for the first)",
    "each": 'an amount as text, such as "0.012": numbers with a point are not exact',
    "since": "a day, such as 2026-01-31",
    "bought": "a day, such as 2026-01-31",
    "until": "a day, such as 2026-01-31",
    "size": "how many calls, from 1 on",
    "refilled": "month, or nothing",
    "shared": "a list of operations",
    "after_days": "a number of days, from 1 to 36500",
    "keep": "a list of what stays: results",
    "interfaces": "a table of values of call_of_interface, each with its operation",
    "wait_seconds": "a list of two numbers of seconds, the shortest and the longest, each more than 0, at most 900",
    "prefix": "a folder with its slash, such as acme/",
    "match": "a pattern of keys, such as mail/*",
    "enterprise_project": "the enterprise project's id: letters, digits and '-'",
    "regions": "a list of regions' ids",
    "folders": "a table of prefixes of keys, each with the id of an enterprise project",
}

#: The same for targets.
TARGET_MEANS = {
    "match": "a pattern of keys; * also crosses /",
    "on": "a list of one or more of done, partial, rejected, held, dead",
    "fields": "a list of the names of fields whose values go with the notice",
    "topic_urn": "a topic's URN, urn:smn:<region>:<project>:<topic>",
    "channel_id": "a custom channel's id",
    "source": "the name of the channel's custom event source",
    "url": "an https:// URL on port 443 or 8443, of a public host",
    "secret": "the name of the user variable that holds the secret, in capitals; never the secret itself",
}


def explained(message: str, values: dict[str, Any], origin: str, set_by: dict[tuple[str, str], str]) -> SettingsError:
    """Turn a validation error into place, value found, and what is allowed.

    Args:
        message: The message of msgspec, which ends with the place.
        values: The settings as they were read.
        origin: The file's name.
        set_by: The user variable that set each place, for those that one did.
    """
    what, _, path = message.partition(" - at `$")
    steps = re.findall(r"\.([\w-]+)|\[(\d+)\]|\[(\.\.\.)\]", path.rstrip("`"))
    keys = _named([name or number or "..." for name, number, _ in steps], values)
    place = _place(keys)
    unknown = re.search(r"unknown field `(.+)`", what, re.DOTALL)
    if unknown:
        return SettingsError(
            f"{origin}: {_table(keys)} has no setting {unknown[1]!r}.", advice=f"It has: {_allowed_keys(keys)}."
        )
    value = _value_at(values, keys)
    name = set_by.get((keys[0], keys[1])) if len(keys) == 2 else None
    return SettingsError(
        f"{name or f'{origin}: {place}'} is {value!r}." if value is not None else f"{origin}: {place or what}.",
        advice=f"Allowed is: {choices(keys) or _meaning(keys, what)}.",
    )


def _named(keys: list[str], values: dict[str, Any]) -> list[str]:
    """Return the steps to a place with an operation's name: a validation of a table of tables does not tell it."""
    if keys[:2] != ["operations", "..."]:
        return keys
    name = next(one for one, table in values["operations"].items() if not _is_operation(table))
    return ["operations", name, *keys[2:]]


def _is_operation(table: Any) -> bool:
    try:
        msgspec.convert(table, OperationSettings)
    except msgspec.ValidationError:
        return False
    return True


def _place(keys: list[str]) -> str:
    """Return a place as people find it: a table of a list by its number from one; of plain values, the list."""
    if keys[:1] == ["routes"] and len(keys) > 1:
        return ": ".join([f"route {int(keys[1]) + 1}", *([".".join(keys[2:])] if keys[2:] else [])])
    if keys[:2] == ["http", "tenants"] and len(keys) > 2:
        return ": ".join([f"http.tenants: tenant {int(keys[2]) + 1}", *keys[3:]])
    return ".".join(keys[:-1] if keys and keys[-1].isdigit() else keys)


def _table(keys: list[str]) -> str:
    """Return a table as people find it: with its brackets, unless it is one of a list."""
    place = _place(keys)
    return place if any(key.isdigit() for key in keys) else f"[{place}]" if place else "the file"


def _value_at(values: Any, keys: list[str]) -> Any:
    """Return the value at a place; None if there is none."""
    for key in keys:
        if isinstance(values, list):
            values = values[int(key)] if key.isdecimal() else None
        else:
            values = values.get(key) if isinstance(values, dict) else None
    return values


#: What a validation calls the kinds of values.
_KINDS = {
    "str": "text, in quotes", "int": "a whole number", "float": "a number", "bool": "true or false",
    "object": "a table", "array": "a list",
}  # fmt: skip


def _meaning(keys: list[str], what: str) -> str:
    """Return in words what is allowed at a place; without such words, the validation's own message."""
    if keys[:1] == ["buckets"]:
        return MEANS["buckets"]
    said = MEANS.get(".".join(keys)) or next((MEANS[key] for key in reversed(keys) if key in MEANS), "")
    return said or number(keys) or _kinds(what)


def _kinds(what: str) -> str:
    """Return in words which kind of value a validation expected."""
    lacking = re.fullmatch(r"Object missing required field `(.+)`", what)
    if lacking:
        return f"a table with {lacking[1]!r}"
    expected = re.fullmatch(r"Expected `([a-z]+)(?: \| null)?`(?:, got `.+`)?", what)
    return _KINDS.get(expected[1], what) if expected else what


def number(keys: list[str]) -> str:
    """Return what a place allows whose value is a number; empty where it is something else."""
    field = _field(keys)
    info = msgspec.inspect.type_info(field.type) if field else None
    if not isinstance(info, (msgspec.inspect.IntType, msgspec.inspect.FloatType)):
        return ""
    kind = "a whole number" if isinstance(info, msgspec.inspect.IntType) else "a number"
    return f"{kind}, {bounds(info)}"


def bounds(info: msgspec.inspect.IntType | msgspec.inspect.FloatType) -> str:
    """Return between what a number must be."""
    low = f"{info.ge:g} to " if info.ge is not None else "more than 0, at most "
    return f"{low}{info.le:g}"


_TABLES: dict[str, type[Struct]] = {
    "cloud": Cloud,
    "buckets": Buckets,
    "obs": Obs,
    "ocr": Ocr,
    "functions": Functions,
    "http": Http,
    "smn": ServiceEndpoint,
    "eventgrid": ServiceEndpoint,
    "cloudeye": ServiceEndpoint,
    "cts": ServiceEndpoint,
    "eps": ServiceEndpoint,
    "iam": ServiceEndpoint,
    "billing": BillingSettings,
    "ledger": LedgerSettings,
    "limits": PageLimits,
    "audit": AuditSettings,
    "log": LogSettings,
    "telemetry": Telemetry,
    "sweep": SweepSettings,
    "workbooks": Workbooks,
    "prices": Prices,
    "reconcile": Reconcile,
    "projects": ProjectRules,
    "routes": Route,
    "retention": RetentionRule,
    "operations": OperationSettings,
}


def table_at(keys: list[str]) -> type[Struct] | None:
    """Return the table whose name a place begins with; ``Settings`` for an empty place, None for an unknown table."""
    return _TABLES.get(keys[0]) if keys else Settings


def _allowed_keys(keys: list[str]) -> str:
    kind = table_at(keys)
    return ", ".join(field.name for field in msgspec.structs.fields(kind)) if kind else "nothing"


def choices(keys: list[str]) -> str:
    """Return the values that a place allows, separated by commas; empty if they are not a fixed few."""
    field = _field(keys)
    info = msgspec.inspect.type_info(field.type) if field else None
    if isinstance(info, msgspec.inspect.LiteralType):
        return ", ".join(str(value) for value in info.values)
    return "true, false" if isinstance(info, msgspec.inspect.BoolType) else ""


def _field(keys: list[str]) -> msgspec.structs.FieldInfo | None:
    """Return the setting at a place in one of the tables; None where it is none."""
    kind = table_at(keys[:1]) if len(keys) == 2 else None
    return next((one for one in msgspec.structs.fields(kind) if one.name == keys[1]), None) if kind else None


def target_error(place: str, table: Any, message: str) -> SettingsError:
    """Return the error for a wrong target. Only its kind is quoted: it may hold a secret by mistake."""
    what, _, path = message.partition(" - at `$")
    key = path.strip("`.").partition("[")[0]
    kind = table.get("kind") if isinstance(table, dict) else None
    kinds = {str(one.__struct_config__.tag): one for one in get_args(Target)}
    if not isinstance(kind, str) or kind not in kinds:
        said = repr(kind) if kind is None or isinstance(kind, str) else f"a {type(kind).__name__}"
        return SettingsError(f"{place}.kind is {said}.", advice=f"Allowed is: {', '.join(kinds)}.")
    has = ", ".join(field.name for field in msgspec.structs.fields(kinds[kind]))
    if not key:
        return SettingsError(f"{place}: {what}.", advice=f"It has: {has}.")
    what = "it is something else" if " matching regex " in what else what
    return SettingsError(f"{place}.{key}: {what}.", advice=f"Allowed is: {TARGET_MEANS[key]}.")
