"""Explains a wrong setting: its place, what was found there, and what is allowed."""

from __future__ import annotations

import re
from typing import Any, get_args

import msgspec
from msgspec import Struct

from legible.errors import SettingsError
from legible.model.prices import Prices, Reconcile
from legible.notices.targets import Target
from legible.operations.routing import OperationSettings, Route
from legible.settings.tables import (
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
    ServiceEndpoint,
    Settings,
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
    "app_header": "a header's name in lower case",
    "tenants": "a list of tables with an app's id and a prefix, a folder with its slash",
    "marker": "a name without '/', such as _complete; empty for none",
    "formats": "a list of one or more of xlsx, csv, jsonl",
    "currency": "three capitals, such as USD",
    "list": "a list of tables with slugs, since (a day) and tiers",
    "packages": "a list of tables with slugs, size, bought (a day), and perhaps until (a day) and product",
    "slugs": "a list of one or more operations",
    "tiers": "a list of tables with each (an amount) and above (calls of the month; 0 for the first)",
    "each": 'an amount as text, such as "0.012": numbers with a point are not exact',
    "since": "a day, such as 2026-01-31",
    "bought": "a day, such as 2026-01-31",
    "until": "a day, such as 2026-01-31",
    "size": "how many calls, from 1 on",
    "shared": "a list of operations",
    "interfaces": "a table of values of call_of_interface, each with its operation",
    "enterprise_project": "the enterprise project's id: letters, digits and '-'",
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
    keys = [name or number or "..." for name, number, _ in steps]
    place = ".".join(keys)
    unknown = re.search(r"unknown field `(.+)`", what)
    if unknown:
        where = f"[{place}]" if place else "the file"
        return SettingsError(
            f"{origin}: {where} has no setting {unknown[1]!r}.", advice=f"It has: {_allowed_keys(keys)}."
        )
    value = _value_at(values, keys)
    name = set_by.get((keys[0], keys[1])) if len(keys) == 2 else None
    return SettingsError(
        f"{name or f'{origin}: {place}'} is {value!r}." if value is not None else f"{origin}: {place or what}.",
        advice=f"Allowed is: {choices(keys) or _meaning(keys, what)}.",
    )


def _value_at(values: Any, keys: list[str]) -> Any:
    """Return the value at a place; None if there is none."""
    for key in keys:
        values = values.get(key) if isinstance(values, dict) else None
    return values


def _meaning(keys: list[str], what: str) -> str:
    """Return in words what is allowed at a place; without such words, the validation's own message."""
    if keys[:1] == ["buckets"]:
        return MEANS["buckets"]
    return MEANS.get(".".join(keys)) or MEANS.get(keys[-1] if keys else "", what)


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
    "log": LogSettings,
    "telemetry": Telemetry,
    "workbooks": Workbooks,
    "prices": Prices,
    "reconcile": Reconcile,
    "routes": Route,
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
    kind = table_at(keys[:1])
    for field in msgspec.structs.fields(kind) if kind and len(keys) == 2 else ():
        if field.name == keys[1]:
            info = msgspec.inspect.type_info(field.type)
            if isinstance(info, msgspec.inspect.LiteralType):
                return ", ".join(str(value) for value in info.values)
            if isinstance(info, msgspec.inspect.BoolType):
                return "true, false"
    return ""


def target_error(place: str, table: Any, message: str) -> SettingsError:
    """Return the error for a wrong target. Only its kind is quoted: it may hold a secret by mistake."""
    what, _, path = message.partition(" - at `$")
    key = path.strip("`.").partition("[")[0]
    kind = table.get("kind") if isinstance(table, dict) else None
    kinds = {str(one.__struct_config__.tag): one for one in get_args(Target)}
    if kind not in kinds:
        return SettingsError(f"{place}.kind is {kind!r}.", advice=f"Allowed is: {', '.join(kinds)}.")
    has = ", ".join(field.name for field in msgspec.structs.fields(kinds[kind]))
    if not key:
        return SettingsError(f"{place}: {what}.", advice=f"It has: {has}.")
    return SettingsError(f"{place}.{key}: {what}.", advice=f"Allowed is: {TARGET_MEANS[key]}.")
