"""A step of a workflow: the pages that are missing, all of them or none, and the document's record."""

from typing import Any

from legible.huawei import flows
from legible.wiring import functions


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Recognize ``{"bucket", "key", "operation"?, "options"?}``, or what another step returned.

    Returns:
        ``{"bucket", "key", "status", "record": {"bucket", "key"}, ...}``; an end for good is a result.

    Raises:
        RetryableError: It must be tried again.
    """
    return functions.steps(context).recognize(flows.arrival(event))
