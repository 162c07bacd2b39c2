"""A timer goes on with documents that are being forgotten, and forgets those that have reached their age."""

from typing import Any

from legible.wiring import forgetting


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Forget what is due; the timer's event is ignored.

    Returns:
        ``{"resumed": {...}, "expired": {...}}``: how many documents were emptied, wait, are forgotten, were refused.

    Raises:
        LegibleError: A bucket refuses, or the store has a passing fault; the next call goes on.
    """
    return forgetting.timed(context)
