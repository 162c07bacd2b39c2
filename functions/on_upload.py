"""An upload to the input bucket becomes a record and a workbook in the output bucket."""

from typing import Any

from legible import wiring
from legible.huawei import functiongraph


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Recognize every document of an OBS event, classic or through EventGrid.

    Returns:
        ``{"documents": [outcome, ...]}``, one a document, in order.

    Raises:
        RetryableError: After all were tried, if any must be tried again.
    """
    return wiring.pipeline(context).uploads(functiongraph.uploads(event))
