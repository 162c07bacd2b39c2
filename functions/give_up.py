"""A step of a workflow: a document that the workflow gave up ends with the status its pages give it."""

from typing import Any

from legible.huawei import flows
from legible.wiring import functions


def handler(event: Any, context: Any) -> dict[str, Any]:
    """End the document of a step that failed for good.

    Returns:
        As ``recognize`` does; a document that ended otherwise meanwhile keeps its end.

    Raises:
        RetryableError: It must be tried again.
    """
    return functions.steps(context, ending=True).give_up(*flows.given_up(event))
