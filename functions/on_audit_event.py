"""What CTS recorded of the OCR service, a subscription for example, joins the audit trail."""

from typing import Any

from legible.huawei import cts
from legible.wiring import functions


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Keep the event of a CTS trigger; the same event again changes nothing.

    Returns:
        ``{"trace": id}``.

    Raises:
        EventError: There is no trace in the event.
        LegibleError: It cannot be kept now; it must be tried again.
    """
    return functions.traced(context, cts.event(event))
