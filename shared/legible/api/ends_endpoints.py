"""Documents that are not done over HTTP: listed by their causes, and those of a cause tried once more."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from legible.api import bodies, ends_shapes
from legible.api.calls import Answer, Call, Callers, Endpoint
from legible.api.once import Once, once_of
from legible.errors import RejectedError
from legible.model.ends import EndChoice, RedriveReport
from legible.ports import Invocation
from legible.upkeep.causes import by_cause
from legible.upkeep.ends import UndoneEnds
from legible.upkeep.limits import Price, RedriveLimits
from legible.upkeep.redrive import Redrive

#: With less time left than this, in seconds, no further document is counted.
_LOOK_SECONDS = 6.0


class EndsEndpoints:
    """Answers requests about documents that are not done.

    Args:
        call: The invocation: gives the time, and how much of it is left.
        callers: Tells who the caller is.
        ends: Returns what finds the documents; called for each request.
        redrive: Returns what has them tried once more, likewise.
        price: Says what calls cost.
        once: Does each request once.
    """

    def __init__(
        self,
        call: Invocation,
        callers: Callers,
        ends: Callable[[], UndoneEnds],
        redrive: Callable[[], Redrive],
        price: Price,
        once: Once,
    ) -> None:
        """Find nothing yet."""
        self._call = call
        self._callers = callers
        self._ends = ends
        self._redrive = redrive
        self._price = price
        self._once = once

    def by_route(self) -> dict[str, Endpoint]:
        """Return the endpoint of each route, by the route's name."""
        return {"dead": self.dead, "redrive": self.redrive}

    def dead(self, call: Call) -> Answer:
        """Documents that are not done, by their causes."""
        asked: ends_shapes.UndoneAsking = call.query
        choice = EndChoice(
            self._callers.prefix(call) + asked.prefix,
            (asked.reason,) if asked.reason else (),
            (asked.status,) if asked.status else (),
            asked.operation, asked.since, asked.until,
        )  # fmt: skip
        return by_cause(self._ends(), choice, self._price, self._call.now(), asked.limit, self._timely)

    def redrive(self, call: Call) -> Answer:
        """Have documents tried once more."""
        asked: ends_shapes.NewRedrive = call.body
        choice = EndChoice(asked.prefix, asked.reasons, asked.statuses, asked.operation, asked.since, asked.until)
        if choice == EndChoice():
            raise bodies.unfit("body", "something must say which documents are meant")
        if not asked.dry_run and asked.max_cost is None and asked.max_calls is None:
            raise bodies.unfit("body", "`max_cost` or `max_calls` must say how much it may cost")
        mine = self._callers.prefix(call)
        choice = EndChoice(
            mine + asked.prefix, asked.reasons, asked.statuses, asked.operation, asked.since, asked.until
        )  # fmt: skip
        cost = None if asked.max_cost is None else Decimal(asked.max_cost)
        limits = RedriveLimits(cost, asked.max_calls, asked.documents)
        drive = self._redrive()
        if asked.dry_run:
            return drive.plan(choice, limits)
        return self._once.done(once_of(call), mine, asked, lambda: drive.run(choice, limits), RedriveReport)

    def _timely(self) -> None:
        if self._call.remaining() < _LOOK_SECONDS:
            raise RejectedError(
                "There are too many documents to count in the time of one request.",
                code="too-much-to-count",
                advice="Ask for those `since` a later time; `legible dead` has all the time it needs.",
            )
