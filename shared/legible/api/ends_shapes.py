"""What requests about documents that are not done take and return, as JSON. See ``shapes``."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from legible.api.audit_shapes import Moment
from legible.api.shapes import Prefix, Slug
from legible.model.prices import Amount

Code = Annotated[
    str, Meta(max_length=100, pattern=r"^[\w.-]*$(?!\n)", description="Our code of a cause, or the service's.")
]
Undone = Literal["dead", "rejected", "held", "partial"]


class UndoneAsking(Struct, frozen=True, forbid_unknown_fields=True):
    """Which documents that are not done; ``limit`` of them are named, the latest first, and all are counted."""

    prefix: Prefix = ""
    reason: Code = ""
    status: Undone | Literal[""] = ""
    operation: Slug = ""
    since: Moment | None = None
    until: Moment | None = None
    limit: Annotated[int, Meta(ge=0, le=500)] = 50


class NewRedrive(Struct, frozen=True, forbid_unknown_fields=True):
    """Which documents are tried once more, and what that may cost.

    Something must narrow them, and ``max_cost`` (by the prices of the settings) or ``max_calls`` be named, unless it is
    a ``dry_run``, which says what would be done. ``documents`` are moved at most; send the request again, with another
    Idempotency-Key, for the rest.
    """

    reasons: Annotated[tuple[Code, ...], Meta(max_length=50)] = ()
    statuses: Annotated[tuple[Undone, ...], Meta(max_length=4)] = ()
    operation: Slug = ""
    prefix: Prefix = ""
    since: Moment | None = None
    until: Moment | None = None
    max_cost: Amount | None = None
    max_calls: Annotated[int, Meta(ge=0)] | None = None
    documents: Annotated[int, Meta(ge=1, le=5000)] = 1000
    dry_run: bool = False
