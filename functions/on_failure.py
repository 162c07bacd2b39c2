"""A document that the platform gave up on gets a record, so that this is seen."""

from typing import Any

from legible.huawei import functiongraph
from legible.wiring import functions


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Record the documents of an event whose asynchronous call failed for good; the target of ``on_failure``.

    Returns:
        ``{"documents": [outcome, ...]}``; a document that ended otherwise meanwhile keeps its outcome.

    Raises:
        RetryableError: After all were tried, if any must be tried again.
    """
    return functions.documents(functions.ending(context).bury(*functiongraph.failure(event)))
