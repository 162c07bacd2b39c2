"""A timer has the input bucket held against the ledger: lost uploads are found, and what was left is repaired."""

from typing import Any

from legible.wiring import upkeep


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Look at the parts of the input bucket that are due; the timer's event is ignored.

    Returns:
        ``{"objects": ..., "segments": ..., "found": {kind: ...}, "repaired": {kind: ...}, ...}``: how many; what is 0
        is left out. ``{"busy_until": ...}`` while another sweep has the turn.

    Raises:
        LegibleError: Something could not be looked at or repaired; the rest was done all the same.
    """
    return upkeep.swept(context)
