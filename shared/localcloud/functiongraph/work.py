"""Invocations to come, and invocations that ended."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from localcloud.functiongraph.events import AsyncEvent
from localcloud.functiongraph.instance import Outcome


@dataclass(frozen=True)
class Invocation:
    """One invocation that ended. ``state`` is ``SUCCESS``, ``FAIL`` or ``DISCARD`` (too old, or dropped on purpose).

    Times are in seconds since the epoch.
    """

    function: str
    request_id: str
    attempt: int
    state: str
    outcome: Outcome
    payload: Any = field(repr=False, default=None)
    accepted: float = 0.0
    ended: float = 0.0


@dataclass(order=True)
class Work:
    """One invocation to come: due first, and in the order of acceptance."""

    due: float
    order: int
    event: Any = field(compare=False)
    request_id: str = field(compare=False)
    accepted: AsyncEvent | None = field(compare=False, default=None)
    answer: Future[Outcome] | None = field(compare=False, default=None)
    #: A second delivery of an event that is queued already; it is not retried and does not change the event.
    copy: bool = field(compare=False, default=False)
