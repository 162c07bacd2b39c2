"""A text that a reviewer wrote, read as the type of what it replaces."""

from __future__ import annotations

import re
from typing import cast

from legible.fields.values import typed
from legible.operation import FieldType, Operation


def retyped(operation: Operation, name: str, type_: str, text: str) -> str | None:
    """Return the text as its type says, or None where it does not read as that type.

    Args:
        operation: What was asked.
        name: The field's name; for a cell, its table's name with ``[]`` behind it.
        type_: The type of the field or cell.
        text: What the reviewer wrote.
    """
    if type_ == "enum":
        return _word(operation, re.sub(r"\[\d+\]", "[]", name), text)
    return typed(text, cast(FieldType, type_))


def _word(operation: Operation, path: str, text: str) -> str | None:
    """Return the word an enum's text means, or that it is already."""
    plain = " ".join(text.split()).lower()
    specs = (spec for spec in operation.fields if spec.values and spec.path.startswith(path))
    return next((word for spec in specs for read, word in spec.values if plain in (read, word)), None)
