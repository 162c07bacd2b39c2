"""Expressions of a flow over its data: paths, arguments, conditions (functiongraph_06_1004, functiongraph_01_0309)."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.functiongraph.flows.definition import FlowError

_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[([0-9]+)\]")
_PATH = re.compile(rf"\$(?P<constant>CONST)?(?P<steps>(?:{_STEP.pattern})*)")
_TERM = re.compile(r"\s*(\$\S*?)\s*(==|!=|<=|>=|<|>)\s*('[^']*'|-?[0-9.]+|true|false)\s*")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
#: The value of a path that leads nowhere.
MISSING = object()


def select(path: str, data: Any, constants: Mapping[str, Any]) -> Any:
    """Return what a path such as ``$.a[0].b`` or ``$CONST.a`` leads to; ``MISSING`` if it leads nowhere.

    Raises:
        FlowError: The text is not a path.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise FlowError(f"{path!r} is no path such as $.a[0].b")
    value: Any = constants if match["constant"] else data
    for name, index in _STEP.findall(match["steps"]):
        if name:
            value = value.get(name, MISSING) if isinstance(value, Mapping) else MISSING
        else:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else MISSING
    return value


def value(expression: Any, data: Any, constants: Mapping[str, Any]) -> Any:
    """Return what an argument stands for: a path, a text in single quotes, a number, true or false."""
    if not isinstance(expression, str):
        return expression
    if expression.startswith("$"):
        selected = select(expression, data, constants)
        return None if selected is MISSING else selected
    return _literal(expression)


def holds(condition: str, data: Any, constants: Mapping[str, Any]) -> bool:
    """Tell whether a condition such as ``$.a == 'x' && $.n > 2`` holds; a comparison with a missing value does not.

    Raises:
        FlowError: The text is not a condition.
    """
    for text in condition.split("&&"):
        term = _TERM.fullmatch(text)
        if term is None:
            raise FlowError(f"{text!r} is not a condition such as $.a == 'x'")
        selected, literal = select(term[1], data, constants), _literal(term[3])
        if any(isinstance(selected, kind) != isinstance(literal, kind) for kind in (bool, str)):
            return False
        if selected is MISSING or selected is None or not _COMPARE[term[2]](selected, literal):
            return False
    return True


def _literal(text: str) -> Any:
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1]
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        raise FlowError(f"{text!r} is not a constant: a text is put in single quotes") from None
