"""The rules that a simulated deployment goes by: those of Legible are imported, and more can be put beside them."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple, Protocol, cast

from tenacity import RetryCallState

from legible.errors import ThrottledError, UnavailableError
from legible.ledger.ledger import _LONGEST_PAUSE
from legible.pipeline.claims import _PATIENCE
from legible.ports import Invocation
from legible.recognition.context import CallContext
from legible.recognition.policy import Policy
from legible.recognition.retries import UNKNOWN_TRIES, AgainError, retrying
from localcloud.functiongraph import AsyncPolicy, load
from localcloud.functiongraph.runner import backoff

__all__ = ["UNKNOWN_TRIES", "Backoff", "Budget", "NoBudget", "NoRate", "Rate", "busy_pause", "patience", "platform"]

#: When simulated time begins; the date means nothing.
EPOCH = datetime(2026, 1, 1, tzinfo=timezone.utc)


class Rate(Protocol):
    """When a call may be sent. What Legible itself will have as a rule of rate goes here."""

    def wait(self, now: float) -> float:
        """Return how many seconds a call must wait; it asks again then. 0 lets it go now."""

    def told(self, now: float, *, throttled: bool) -> None:
        """Learn how the service took a call."""


class Budget(Protocol):
    """Whether a call may be paid for. What Legible itself will have as a budget goes here."""

    def may_pay(self, now: float) -> bool:
        """Tell it; asked just before a call is announced."""


class NoRate:
    """No rule of rate: a call is sent when it is ready, and what the service turns away is tried again."""

    def wait(self, now: float) -> float:
        """Wait for nothing."""
        return 0.0

    def told(self, now: float, *, throttled: bool) -> None:
        """Learn nothing."""


class NoBudget:
    """No budget."""

    def may_pay(self, now: float) -> bool:
        """Pay."""
        return True


class _Shared(NamedTuple):
    policy: Policy
    invocation: Invocation


class Backoff:
    """How Legible tries one call again: ``recognition.retries``, asked step by step.

    Args:
        policy: How calls are made.
        remaining: Returns how many seconds the invocation has left.
    """

    def __init__(self, policy: Policy, remaining: Callable[[], float]) -> None:
        """Begin with the first try."""
        call = Invocation("simulated", remaining, lambda: EPOCH, lambda seconds: None, lambda event, **values: None)
        self._retrying = retrying(cast(CallContext, _Shared(policy, call)), lambda: False)
        self._state = RetryCallState(self._retrying, None, (), {})

    def after(self, *, throttled: bool) -> float | None:
        """Return how long to wait after a call that was turned away, or had a passing fault; None to give up."""
        error = AgainError((ThrottledError if throttled else UnavailableError)("simulated"))
        self._state.set_exception((type(error), error, None))
        stop, wait = cast(Any, self._retrying.stop), cast(Any, self._retrying.wait)
        if stop(self._state):
            return None
        seconds = float(wait(self._state))
        self._state.attempt_number += 1
        return seconds


def busy_pause(tries: int) -> float:
    """Return how long Legible pauses before it looks again at a document that somebody holds (``ledger.claim``)."""
    longest = min(0.05 * 2**tries, _LONGEST_PAUSE)
    return random.uniform(longest / 2, longest)


def patience(remaining: float) -> float:
    """Return how long an invocation waits for a document that somebody holds."""
    return remaining * _PATIENCE


class Platform(NamedTuple):
    """What the deployment tells FunctionGraph: seconds of an invocation, retries, age of an event, waits between."""

    timeout: float
    policy: AsyncPolicy
    backoff: Callable[[int], float]


def platform() -> Platform:
    """Return it for ``on_upload``, as serverless.yml has it; the waits between retries are the local cloud's."""
    function = load(Path(__file__).resolve().parents[2] / "serverless.yml")["on_upload"]
    return Platform(float(function.timeout), function.policy, backoff)
