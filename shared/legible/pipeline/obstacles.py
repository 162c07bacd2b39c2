"""What holds documents up until somebody mends it: an operation that may not be called, an enterprise project."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct

from legible.documents.projects import DISABLED, ELSEWHERE, MALFORMED, MISSING, UNCHECKED, UNKNOWN
from legible.errors import DocumentError
from legible.operations import subscribing
from legible.operations.operation import Task

#: The service refuses whoever calls an operation, whatever the document is (ocr_03_0028).
_CALLER = ("ModelArts.4106", "ModelArts.4203", "ModelArts.4204", "ModelArts.6201")
NOT_SUBSCRIBED = "not-subscribed"
_PROJECT, _SETTINGS = (UNKNOWN, DISABLED, UNCHECKED), (MISSING, MALFORMED, ELSEWHERE)

Kind = Literal["operation", "project", "settings"]


class Obstacle(Struct, frozen=True):
    """What holds documents up.

    ``operation`` may not be called in ``region``; ``project`` is one that may not be billed, as it was named under
    ``settings``, a hash: other settings may name another one; ``settings``: what they say of projects must change,
    ``subject`` is their hash.
    """

    kind: Kind
    subject: str
    region: str = ""
    settings: str = ""

    @property
    def name(self) -> str:
        """Its name, fit for a key."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()[:32]

    def __str__(self) -> str:
        """Say what is waited for."""
        if self.kind == "operation":
            return f"{self.subject} may be called in {self.region}"
        if self.kind == "project":
            return f"the project {self.subject} may be billed, or the settings change"
        return "the settings change"

    @property
    def promise(self) -> str:
        """The sentence for those who wait."""
        return f"It goes on by itself when {self}; that is looked at again and again, at the latest every half an hour."


class KnownObstacle(Struct, frozen=True):
    """An obstacle, as it was seen last: ``asked`` how often it was there, when it is looked at ``next``.

    ``gone`` once it was seen to be so: then ``together`` documents are let go in one walk.
    """

    obstacle: Obstacle
    asked: int = 0
    next: datetime | None = None
    gone: bool = False
    together: int = 0


def blocks(code: str, vendor_code: str) -> Kind | None:
    """Return what kind of obstacle a reason tells of; None for any other reason."""
    if code == NOT_SUBSCRIBED or vendor_code in _CALLER:
        return "operation"
    return "project" if code in _PROJECT else "settings" if code in _SETTINGS else None


def obstacle_of(error: DocumentError, task: Task | None, settings: str) -> Obstacle | None:
    """Return what holds a document up; None where its error is of another kind.

    Args:
        error: What ends it; only one that passes by itself is waited for.
        task: Its task.
        settings: The hash of what the settings say of projects.
    """
    kind = blocks(error.reason_code, error.vendor_code) if error.passes else None
    if kind is None or task is None:
        return None
    if kind == "operation":
        return Obstacle(kind, task.operation.slug, task.region)
    if kind == "project":
        return Obstacle(kind, task.project.id, settings=settings)
    return Obstacle(kind, settings)


def advised(error: DocumentError, task: Task | None) -> DocumentError:
    """Return the error, with what to do for this operation in this region where it is not subscribed to."""
    if error.reason_code != NOT_SUBSCRIBED or task is None:
        return error
    told = type(error).of(error)
    told.body, told.advice = error.body, subscribing.advice(task.operation, task.region)
    return told
