"""What finds out whether that is mended which holds documents up, made of the objects of a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from legible.ledger.probes import ProbeLog
from legible.operations import catalog
from legible.pipeline.holding import Finding
from legible.pipeline.obstacles import NOT_SUBSCRIBED, Kind, Obstacle
from legible.ports import Recognizer
from legible.recognition import probe
from legible.wiring.parts import AskAccount, Parts, checker


def asking(
    parts: Parts, now: str, recognizer: Callable[[], Recognizer], account: AskAccount
) -> Mapping[Kind, Callable[[Obstacle], Finding]]:
    """Return what finds out about each kind of obstacle.

    Args:
        parts: The objects of the request.
        now: The hash of what the settings say of projects now (``Holding.settings``).
        recognizer: Returns what calls operations; no such call is billed.
        account: Returns what asks the account about enterprise projects.
    """
    note = ProbeLog(parts.site, parts.call, "held").note

    def operation(obstacle: Obstacle) -> Finding:
        called = parts.rules.region_of(obstacle.subject)
        if obstacle.subject not in catalog.slugs() or called != obstacle.region:
            return "gone"  # it is called elsewhere by now: each document says anew what becomes of it
        error = probe.refusal(recognizer(), catalog.find(obstacle.subject), note)
        if error is None:
            return "gone"
        # Who asks may lack a right that the documents' function has.
        return "there" if error.reason_code == NOT_SUBSCRIBED else "unclear"

    def project(obstacle: Obstacle) -> Finding:
        if obstacle.settings != now:
            return "gone"  # each document says anew which project it names by now
        return "gone" if checker(parts, account).mended(obstacle.subject) else "there"

    def settings(obstacle: Obstacle) -> Finding:
        return "there" if obstacle.subject == now else "gone"

    return {"operation": operation, "project": project, "settings": settings}
