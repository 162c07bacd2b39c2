"""Asynchronous events: on disk before they are acknowledged, gone when they are finished (at-least-once)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

#: An asynchronous request has at most 256 KB (functiongraph_01_0150).
MAX_ASYNC_EVENT = 256 * 1024


class EventTooLargeError(ValueError):
    """FSS.0413: the event is larger than an asynchronous request may be."""


class AsyncEvent(Struct):
    """One accepted event. ``attempts`` counts invocations that ended; ``due`` is when it may run next (epoch)."""

    function: str
    payload: Any
    request_id: str
    accepted: float
    sequence: int
    attempts: int = 0
    due: float = 0.0


class Mailbox:
    """The accepted events that are not finished, in a folder or in memory only."""

    def __init__(self, folder: Path | None) -> None:
        """Use this folder, made when missing."""
        self._folder = folder
        self._last = 0
        if folder:
            folder.mkdir(parents=True, exist_ok=True)

    def pending(self) -> Iterator[AsyncEvent]:
        """Yield the events that an earlier run has left, in the order of acceptance."""
        for file in sorted(self._folder.glob("*.json")) if self._folder else ():
            event = msgspec.json.decode(file.read_bytes(), type=AsyncEvent)
            self._last = max(self._last, event.sequence)
            yield event

    def accept(self, function: str, payload: Any, limit: int | None = MAX_ASYNC_EVENT) -> AsyncEvent:
        """Accept an event; when this returns, the event is safe.

        Raises:
            EventTooLargeError: It has more bytes than ``limit`` as JSON.
        """
        size = len(msgspec.json.encode(payload))
        if limit is not None and size > limit:
            raise EventTooLargeError(f"FSS.0413: the event has {size} bytes, an asynchronous one may have {limit}")
        now = time.time()
        self._last = max(self._last + 1, time.time_ns())
        event = AsyncEvent(function, payload, str(uuid.uuid4()), accepted=now, sequence=self._last, due=now)
        self.save(event)
        return event

    def save(self, event: AsyncEvent) -> None:
        """Write an event's state."""
        if self._folder:
            temporary = self._path(event).with_suffix(".tmp")
            temporary.write_bytes(msgspec.json.encode(event))
            temporary.replace(self._path(event))

    def finish(self, event: AsyncEvent) -> None:
        """Forget an event."""
        if self._folder:
            self._path(event).unlink(missing_ok=True)

    def _path(self, event: AsyncEvent) -> Path:
        assert self._folder is not None
        return self._folder / f"{event.sequence:020d}-{event.request_id}.json"
