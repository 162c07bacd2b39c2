"""Subscriptions of EventGrid, read: which objects of OBS they tell a function of.

FunctionGraph does not say which bucket a trigger of EventGrid watches (the SDK marks ``bucket`` as OBS only). EventGrid
does: such a trigger is a subscription there that has the function as its target (api-eg, ListTriggers).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from legible_cli.doctor.answers import table, tables, texts

#: The event source that tells of objects of OBS.
SOURCE = "HC.OBS.DWR"


def watched(subscription: dict[str, Any]) -> Iterator[tuple[bool, dict[str, Any]]]:
    """Yield whether a subscription is on, and what it watches in OBS, by the names that a trigger has for it.

    There is no ``bucket`` where the subscription does not name it in a way that is known.
    """
    active = str(subscription.get("status") or "").upper() != "DISABLED"
    for source in tables(subscription, "sources"):
        if source.get("name") == SOURCE:
            yield active, _named(table(source.get("detail")), table(source.get("filter")))


def _named(detail: dict[str, Any], rule: dict[str, Any]) -> dict[str, Any]:
    """Return what a source watches, by the names that a trigger of FunctionGraph has for it.

    The rule is that of the provider's page (eg_event_subscription): lists of ``{"op", "values"}`` below the names of
    an event's parts.
    """
    name = table(table(table(rule.get("data")).get("obs")).get("bucket")).get("name")
    buckets = [*texts(detail.get("bucket")), *_values(name, "StringIn")]
    subject = tables(table(rule.get("subject")), "and") or tables(rule.get("subject"))
    ends = {"prefix": "StringStartsWith", "suffix": "StringEndsWith"}
    return {
        **({"bucket": buckets[0]} if buckets else {}),
        "event_types": _values(rule.get("type"), "StringIn"),
        **{key: next(iter(_values(subject, op)), "") for key, op in ends.items()},
    }


def _values(rules: Any, op: str) -> list[str]:
    return [value for one in tables(rules) if one.get("op") == op for value in texts(one.get("values"))]
