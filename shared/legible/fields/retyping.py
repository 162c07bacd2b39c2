"""A text that a reviewer wrote, read as the type of what it replaces."""

from __future__ import annotations

import re

from legible.fields.values import typed
from legible.operation import Operation


def retyped(operation: Operation, name: str, type_: str, text: str) -> str | None:
    """Return the text as its type says, or None where it does not read as that type.

    Args:
        operation: What was asked.
        name: The field's name; for a cell, its table's name with ``[]`` behind it.
        type_: The type of the field or cell.
        text: What the reviewer wrote.
    """
    path = re.sub(r"\[\d+\]", "[]", name)
    specs = [spec for spec in operation.fields if spec.path.startswith(path)]
    words = tuple(pair for spec in specs for pair in spec.values)
    return typed(text, type_, words, day_first=any(spec.day_first for spec in specs))
