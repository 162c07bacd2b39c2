"""When a call for a page is made again, and when it is not."""

from __future__ import annotations

from collections.abc import Callable

from tenacity import RetryCallState

from legible.errors import LegibleError, RetryableError, ThrottledError, UnavailableError
from legible.recognition.context import SHORTEST_CALL, CallContext

#: Waits for a rate limit grow with each try up to so many times the first; the limit is counted by the minute.
GROWTH = 5


class Stop:
    """Ends the tries: after so many that say something, when there is no time for another one, or when all stop."""

    def __init__(self, desk: CallContext, halted: Callable[[], bool]) -> None:
        """Take what knows the time left, and what tells whether everything stops."""
        self._desk = desk
        self._halted = halted
        self._counted = 0

    def __call__(self, state: RetryCallState) -> bool:
        """Tell whether the last try was the last one."""
        error = state.outcome.exception() if state.outcome else None
        if not (isinstance(error, AgainError) and error.throttled):
            self._counted += 1
        policy = self._desk.policy
        longest = policy.wait[1] * min(state.attempt_number, GROWTH)
        late = self._desk.remaining() < longest + policy.reserve + SHORTEST_CALL
        return self._counted >= policy.attempts or late or self._halted()


class AgainError(Exception):
    """The call itself may be made again; nothing that happens after an answer came is ever retried this way."""

    def __init__(self, error: LegibleError) -> None:
        """Carry what happened."""
        super().__init__(error.message)
        self.error = error

    @property
    def throttled(self) -> bool:
        """Tell whether it was only too early: such a try does not count."""
        return isinstance(self.error, ThrottledError)

    def later(self) -> RetryableError:
        """Return the error for the platform: the next delivery goes on."""
        if isinstance(self.error, RetryableError):
            return self.error
        return UnavailableError.of(self.error)
