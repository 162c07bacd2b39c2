"""A step of a workflow: finds a document, and how many of its pages are to be called for; nothing is paid."""

from typing import Any

from legible.huawei import flows
from legible.wiring import functions


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Find and examine the document that an event names.

    Returns:
        Its reference, with ``page_count``; see ``legible.pipeline.steps``.
    """
    return functions.steps(context).split(flows.arrival(event))
