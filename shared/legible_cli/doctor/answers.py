"""Reads answers of the vendor's APIs as they come: what has another form than it should is as good as not there."""

from __future__ import annotations

from typing import Any


def table(value: Any) -> dict[str, Any]:
    """Return a JSON object, an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def tables(value: Any, name: str = "") -> list[dict[str, Any]]:
    """Return the JSON objects of a list: of the value itself, or of what it calls ``name``."""
    items = table(value).get(name) if name else value
    return [one for one in items if isinstance(one, dict)] if isinstance(items, list) else []


def texts(value: Any) -> list[str]:
    """Return the texts of a list, a single text as a list of one."""
    return [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
