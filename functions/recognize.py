"""A step of a workflow: calls for the pages that have no outcome yet, and makes the document's record."""

from typing import Any

from legible.huawei import flows
from legible.wiring import functions


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Recognize ``{"bucket", "key", "operation"?, "options"?}``, or what another step returned.

    Returns:
        ``{"bucket", "key", "status", "record": {"bucket", "key"}, ...}``; every end of the document is a result.

    Raises:
        RetryableError: It must be tried again.
    """
    return functions.steps(context).recognize(flows.arrival(event))
