"""What a request to forget a document holds, and its reply."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct


class NewForgetting(Struct, frozen=True, forbid_unknown_fields=True):
    """Why a document is to be forgotten, for its tombstone; it names no person."""

    reason: Annotated[str, Meta(max_length=200)] = ""


class ForgettingTicket(Struct, frozen=True):
    """A document that is going to be forgotten: in ten minutes or so nothing of its content is left."""

    id: str
    status: Literal["forgetting"]
    links: dict[str, str]
