"""The check of an operation: whether it runs where it is called."""

from __future__ import annotations

from datetime import date

from legible.operations.operation import Operation
from legible.recognition.probe import HealthCheck
from legible.settings import Settings
from legible_cli.doctor.outcomes import unknown


def region(operation: Operation, settings: Settings, today: date) -> HealthCheck:
    """Whether an operation runs where it is called."""
    own = settings.operations.get(operation.slug)
    where, name = (own.region if own else "") or settings.cloud.region, f"region {operation.slug}"
    if operation.removed(today) and not (own and own.live):
        advice = f"Use {operation.life.replaced_by}." if operation.life.replaced_by else "Route to another operation."
        return HealthCheck(name, "failed", f"{operation.title} was removed.", advice)
    if not operation.regions:
        return unknown(name, f"No table lists a region of {operation.title}.", "See the OCR console of the region.")
    if where not in operation.regions:
        advice = f"Set operations.{operation.slug}.region to one of: {', '.join(operation.regions)}."
        return HealthCheck(name, "failed", f"{operation.title} does not run in {where}.", advice)
    return HealthCheck(name, "ok", f"{operation.title} runs in {where}.")
