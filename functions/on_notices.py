"""A timer has what waits done that is due: uploads are tried again, and notices are sent."""

from typing import Any

from legible.wiring import functions


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Hand on events and uploads that are due, and send the notices; the timer's event is ignored.

    Returns:
        ``{"failures": {"handed_on": ..., "left": ...}, "uploads": {"handed_on": ..., "ended": ..., "left": ...},
        "notices": {"sent": ..., "failed": ..., "given_up": ..., "void": ..., "left": ...}}``: how many.

    Raises:
        LegibleError: What waits cannot be listed; the rest was done all the same.
    """
    return functions.minute(context)
