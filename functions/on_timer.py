"""A timer builds a workbook over many documents, as the trigger's ``user_event`` says."""

from typing import Any

from legible.huawei import functiongraph
from legible.wiring import functions


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Build the workbook that a timer's event asks for.

    Returns:
        ``{"documents": ..., "running": {"count": ..., "first": [...]}, "files": [...], "reason": null}``; a reason
        where it cannot be built.

    Raises:
        EventError: The event asks for nothing that can be built.
        RetryableError: It must be tried again.
    """
    return functions.as_json(functions.timed(context, *functiongraph.timed(event)))
