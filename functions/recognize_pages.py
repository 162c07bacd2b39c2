"""A step of a workflow: calls for one share of a document's pages while other steps call for the others."""

from typing import Any

from legible.huawei import flows
from legible.wiring import functions


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Call for the pages of ``share`` out of ``shares``.

    Returns:
        The document's reference, with ``pages``: how many are answered so far.

    Raises:
        RetryableError: It must be tried again.
    """
    return functions.steps(context).recognize_pages(flows.arrival(event), flows.share(event))
