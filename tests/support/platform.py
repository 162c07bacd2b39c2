"""FunctionGraph over the fakes, as far as deliveries go: retries, what is given up, a timer."""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from legible.errors import LegibleError, RetryableError
from legible.huawei import functiongraph
from legible.model.documents import Arrival, Reason
from legible.pipeline.failures import Failures
from tests.support.rig import Rig

FAILURES = "legible-failures"
#: How long the platform pauses before each of an event's three retries, in seconds.
PAUSES = (2, 8, 30)


class Platform:
    """Delivers events, each up to four times; gives failed ones to on_failure; has a timer ring each minute.

    It is the relay of the rig's functions, too. ``lost`` has what on_failure gave up; a bucket of its own keeps it.
    """

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        rig.relay = self  # type: ignore[assignment]
        rig.waits = True
        self.lost: list[tuple[Arrival, ...]] = []
        self.invocations = 0
        self._queue: list[Any] = []
        self._order = itertools.count()

    def hand_on(self, *arrivals: Arrival, given_up: Reason | None = None) -> None:
        self._push(0, arrivals, given_up, 1)

    def run(self, minutes: float, walks: Callable[[], None] | None = None) -> None:
        """Let time pass, and do what is due."""
        end = self.rig.clock.now() + timedelta(minutes=minutes)
        ring = self.rig.clock.now() + timedelta(minutes=1)
        while (now := self.rig.clock.now()) < end:
            due = min(ring, self._queue[0][0]) if self._queue else ring
            self.rig.clock.pause(max(0.0, (due - now).total_seconds()))
            if due == ring:
                ring = max(ring, self.rig.clock.now()) + timedelta(minutes=1)
                (walks or self.timer)()
            else:
                self._deliver(*heapq.heappop(self._queue)[2:])

    def timer(self) -> None:
        for walk in (
            self.failures().walk, self.rig.release().walk,
            self.rig.redelivery(self).walk, self.rig.notices().walk,  # type: ignore
        ):  # fmt: skip
            try:
                walk()
            except LegibleError:
                continue

    def failures(self) -> Failures:
        hand_on = lambda arrivals: self.hand_on(*arrivals)  # noqa: E731 - the shortest way to say it
        return Failures(self.rig.store, FAILURES, self.rig.call("timer"), functiongraph.abandoned, hand_on)

    def _push(self, seconds: float, arrivals: tuple[Arrival, ...], given_up: Reason | None, attempt: int) -> None:
        at: datetime = self.rig.clock.now() + timedelta(seconds=seconds)
        heapq.heappush(self._queue, (at, next(self._order), arrivals, given_up, attempt))

    def _deliver(self, arrivals: tuple[Arrival, ...], given_up: Reason | None, attempt: int) -> None:
        self.invocations += 1
        call = self.rig.invocation()
        try:
            call.uploads(arrivals) if given_up is None else call.bury(arrivals, given_up)
        except RetryableError as error:
            if attempt <= len(PAUSES):
                self._push(PAUSES[attempt - 1], arrivals, given_up, attempt + 1)
            elif given_up is None:
                reason = Reason(
                    "platform-gave-up", f"FunctionGraph gave up after 4 calls: {error}", passes=error.passes
                )
                self._push(0, arrivals, reason, 1)
            else:
                (event,) = functiongraph.events_of(arrivals, given_up)
                payload = {"request_payload": json.dumps(event), "response_payload": f'{{"errorMessage": "{error}"}}'}
                self.lost.append(arrivals)
                name = f"failures/on_failure/{len(self.lost)}.json"
                self.rig.store.put(FAILURES, name, json.dumps(payload).encode())
