"""Checks of the OCR service: where operations run, and whether it may read the input bucket; none is billed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from legible.model.documents import ObjectRef
from legible.operations.operation import Operation
from legible.ports import ObjectStore, Recognizer
from legible.recognition import probe
from legible.recognition.probe import HealthCheck
from legible.settings import Settings
from legible_cli.doctor.outcomes import unknown

#: No upload is called so: what is asked for is never there.
_NOWHERE = ".legible-doctor/not-there.png"


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


def authorization(
    recognizer: Recognizer, store: ObjectStore, operation: Operation, settings: Settings, note: Callable[[str], None]
) -> HealthCheck:
    """Whether the OCR service may read the input bucket's objects by their URLs."""
    if settings.ocr.source != "url":
        return HealthCheck("obs-authorization", "ok", f"Not needed: ocr.source is {settings.ocr.source!r}.")
    return probe.authorization(recognizer, operation, store.url(ObjectRef(settings.buckets.input, _NOWHERE)), note)
