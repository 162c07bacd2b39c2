"""A timer has calls counted and audited, days summed up, workbooks about usage written, and Cloud Eye told."""

from typing import Any

from legible.wiring import oversight


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Read the journals that changed, and write sums and workbooks; the timer's event is ignored.

    Returns:
        What came of each part, by its name: ``changes`` (journals read), ``days`` (summed up), ``workbooks`` (written),
        ``settings`` (changed?), ``traces`` (of CTS), ``audit`` (events told, the trail's last line), ``metrics``.

    Raises:
        LegibleError: A part failed; the others were done all the same, and the next timer goes on.
    """
    return oversight.report(context)
