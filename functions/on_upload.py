"""An upload to the input bucket becomes a record and a workbook in the output bucket."""

from typing import Any

from legible.huawei import functiongraph
from legible.wiring import functions


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Recognize every document of an OBS event, classic or through EventGrid.

    Returns:
        ``{"documents": [outcome, ...]}``, one for each document, in order.

    Raises:
        RetryableError: After all were tried, if any must be tried again.
    """
    return functions.documents(functions.uploads(context, functiongraph.uploads(event)))
