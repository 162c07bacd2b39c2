"""One event and all of its documents: each is tried, then one error is raised if any must be tried again."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable

import msgspec

from legible.errors import InternalError, LegibleError, RetryableError, SkippedError, UnavailableError
from legible.model.documents import Arrival, ObjectRef, Outcome, Reason, Unreadable
from legible.ports import Log


class Delivery:
    """Handles the documents of an event.

    Args:
        log: Gets a line about each document.
    """

    def __init__(self, log: Log) -> None:
        """Handle nothing yet."""
        self._log = log

    def each(self, arrivals: Iterable[Arrival], treat: Callable[[Arrival], Outcome]) -> tuple[Outcome, ...]:
        """Handle every document, whatever becomes of the others.

        Returns:
            One outcome for each document, in order.

        Raises:
            RetryableError: After all were tried, if any must be tried again.
        """
        outcomes: list[Outcome] = []
        again: list[RetryableError] = []
        for arrival in arrivals:
            try:
                outcomes.append(self._told(treat(arrival)))
            except SkippedError as error:
                outcomes.append(self._skipped(arrival, error))
            except Exception as error:  # even a defect of ours must not lose the event's other documents
                again.append(self._later(arrival, error))
        if again:
            raise _once(again, len(outcomes) + len(again))
        return tuple(outcomes)

    def _told(self, outcome: Outcome) -> Outcome:
        self._log("document", **msgspec.to_builtins(outcome))
        return outcome

    def _skipped(self, arrival: Arrival, error: SkippedError) -> Outcome:
        ref = ObjectRef("", "") if isinstance(arrival, Unreadable) else arrival.ref
        self._log("skipped", bucket=ref.bucket, key=ref.key, reason=error.reason_code, message=error.message)
        return Outcome(ref.bucket, ref.key, "skipped", reason=Reason.of(error))

    def _later(self, arrival: Arrival, error: Exception) -> RetryableError:
        key = arrival.digest if isinstance(arrival, Unreadable) else arrival.ref.key
        raised = _retryable(error)
        self._log("retry", key=key, reason=raised.reason_code, message=raised.message, vendor_code=raised.vendor_code)
        return raised


def _retryable(error: Exception) -> RetryableError:
    """Return the error to raise: a document whose end could not be recorded is tried again, whatever the error."""
    if isinstance(error, RetryableError):
        return error
    if isinstance(error, LegibleError):
        return UnavailableError.of(error)
    return internal(error)


def internal(error: Exception) -> InternalError:
    """Return an error that says where a defect occurred, without the exception's text, which may quote values."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    places = " < ".join(f"{frame.name} ({frame.filename.rsplit('/', 1)[-1]}:{frame.lineno})" for frame in frames)
    return InternalError(
        f"{type(error).__name__} in {places}.", advice="This is a defect of Legible; please report it with this line."
    )


def _once(errors: list[RetryableError], total: int) -> RetryableError:
    first = errors[0]
    return type(first).of(first, f"{len(errors)} of {total} documents must be tried again. First: {first.message}")
