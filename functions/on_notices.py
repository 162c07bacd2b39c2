"""A timer sends the notices that are not delivered yet."""

from typing import Any

from legible.wiring import functions


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Send the notices in the outbox that are due; the timer's event is ignored.

    Returns:
        ``{"sent": ..., "failed": ..., "given_up": ..., "void": ..., "left": ...}``: how many notices.

    Raises:
        UnavailableError: The outbox cannot be listed.
    """
    return functions.as_json(functions.notices(context))
