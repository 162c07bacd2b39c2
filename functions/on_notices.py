"""A timer sends the notices that nobody has taken yet."""

from typing import Any

from legible.wiring import functions


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Send what waits in the outbox and is due; what the timer's event says does not matter.

    Returns:
        ``{"sent": ..., "failed": ..., "given_up": ..., "void": ..., "left": ...}``: how many notices.

    Raises:
        UnavailableError: The outbox cannot be listed.
    """
    return functions.as_json(functions.notices(context))
