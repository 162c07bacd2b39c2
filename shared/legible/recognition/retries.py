"""When a call for a page is repeated, after how long, and when it is not."""

from __future__ import annotations

from collections.abc import Callable

from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random

from legible.errors import LegibleError, RetryableError, ThrottledError, UnavailableError
from legible.recognition.context import SHORTEST_CALL, CallContext

#: A page is sent at most this many times if no answer came and each of the calls may have been paid.
UNKNOWN_TRIES = 2
#: Waits for a rate limit grow with each try up to this many times the first; the limit is counted by the minute.
_GROWTH = 5


class AgainError(Exception):
    """The call itself may be made again; nothing that happens after an answer came is ever retried this way."""

    def __init__(self, error: LegibleError) -> None:
        """Carry the error that the call ended with."""
        super().__init__(error.message)
        self.error = error

    @property
    def throttled(self) -> bool:
        """Whether the call only came too early: such a try does not count."""
        return isinstance(self.error, ThrottledError)

    def later(self) -> RetryableError:
        """Return the error to raise to the platform, so that the next delivery continues."""
        if isinstance(self.error, RetryableError):
            return self.error
        return UnavailableError.of(self.error)


def retrying(context: CallContext, halted: Callable[[], bool]) -> Retrying:
    """Return what repeats a page's call as long as it raises ``AgainError``, and then raises the last one.

    Args:
        context: The policy of tries and waits, and the time left.
        halted: Tells whether all pages must stop.
    """
    wait = wait_random(*context.policy.wait)
    return Retrying(
        retry=retry_if_exception_type(AgainError),
        wait=lambda state: wait(state) * min(state.attempt_number, _GROWTH),
        stop=_Stop(context, halted),
        sleep=context.invocation.pause,
        reraise=True,
    )


class _Stop:
    """Ends the tries: after ``policy.attempts`` that were not throttled, without time for more, or when all stop."""

    def __init__(self, context: CallContext, halted: Callable[[], bool]) -> None:
        self._context = context
        self._halted = halted
        self._counted = 0

    def __call__(self, state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if not (isinstance(error, AgainError) and error.throttled):
            self._counted += 1
        policy = self._context.policy
        longest = policy.wait[1] * min(state.attempt_number, _GROWTH)
        late = self._context.invocation.remaining() < longest + policy.reserve + SHORTEST_CALL
        return self._counted >= policy.attempts or late or self._halted()
