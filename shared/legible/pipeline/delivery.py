"""One event and all of its documents: each is tried, then one error is raised if any must be tried again.

An event may have more documents than one invocation has time for. Those that were not begun are handed on to a fresh
invocation as an event of their own, and those that must be tried again as another: each of the two is smaller than the
event was, so that every chain of events ends.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Sequence

import msgspec
from msgspec import Struct

from legible.errors import InternalError, LegibleError, OutOfTimeError, RetryableError, SkippedError, UnavailableError
from legible.model.documents import Arrival, Ignored, ObjectRef, Outcome, Reason, Unreadable
from legible.ports import Invocation, Log

#: A document is begun only with more time left than this, in seconds, and than this many times the longest so far.
_SHORTEST_SECONDS = 10.0
_MARGIN = 1.5


class _Untreated(Struct):
    """An upload without an outcome: why it must be tried again, or None where it was not begun."""

    arrival: Arrival
    error: RetryableError | None = None

    @property
    def raised(self) -> RetryableError:
        return self.error or OutOfTimeError(
            "The function's time ended before the event's next document could be begun.",
            advice="The event is delivered again; send fewer documents in one, or give the function more time.",
        )

    @property
    def outcome(self) -> Outcome:
        ref = _ref(self.arrival)
        reason = Reason.of(self.error) if self.error else Reason("handed-on", "A fresh invocation begins with it.")
        return Outcome(ref.bucket, ref.key, "running", reason=reason)


class Delivery:
    """Handles the documents of an event.

    Args:
        log: Gets a line about each document.
        call: The invocation, whose time may end before the event's documents do; None where it cannot.
        hand_on: Calls a fresh invocation for some of the documents; None leaves them to the platform's retry.
    """

    def __init__(
        self, log: Log, call: Invocation | None = None, hand_on: Callable[[Sequence[Arrival]], None] | None = None
    ) -> None:
        """Handle nothing yet."""
        self._log = log
        self._call = call if hand_on else None
        self._hand_on = hand_on
        self._longest = 0.0

    def each(self, arrivals: Iterable[Arrival], treat: Callable[[Arrival], Outcome]) -> tuple[Outcome, ...]:
        """Handle every document, whatever becomes of the others.

        Returns:
            One outcome for each document, in order; ``running`` for one that a fresh invocation was called for.

        Raises:
            RetryableError: After all were tried, if any must be tried again.
        """
        results: list[Outcome | _Untreated] = []
        begun = False
        for arrival in arrivals:
            document = not isinstance(arrival, Ignored)
            if document and begun and self._late():
                results.append(_Untreated(arrival))
                continue
            results.append(self._treated(arrival, treat))
            begun = begun or document
        again = [result for result in results if isinstance(result, _Untreated)]
        if again and not self._handed_on(again):
            raise _once([one.raised for one in again], len(results))
        return tuple(result.outcome if isinstance(result, _Untreated) else result for result in results)

    def _treated(self, arrival: Arrival, treat: Callable[[Arrival], Outcome]) -> Outcome | _Untreated:
        before = self._remaining()
        try:
            return self._told(treat(arrival))
        except SkippedError as error:
            return self._skipped(arrival, error)
        except Exception as error:  # even a defect of ours must not lose the event's other documents
            return _Untreated(arrival, self._later(arrival, error))
        finally:
            self._longest = max(self._longest, before - self._remaining())

    def _remaining(self) -> float:
        return self._call.remaining() if self._call else 0.0

    def _late(self) -> bool:
        """Tell whether too little time is left for another document; never where nobody can be called for it."""
        return self._call is not None and self._remaining() < max(_SHORTEST_SECONDS, _MARGIN * self._longest)

    def _handed_on(self, again: list[_Untreated]) -> bool:
        """Call fresh invocations if some documents were not begun: for these, and for those to be tried again.

        An event whose documents were all tried is the platform's to deliver again, or to give up.
        """
        rest = [one.arrival for one in again if one.error is None]
        if not rest or self._hand_on is None:
            return False
        try:
            for arrivals in (rest, [one.arrival for one in again if one.error is not None]):
                if arrivals:
                    self._hand_on(arrivals)
                    self._log("handed-on", documents=len(arrivals))
        except LegibleError as error:
            self._log("not-handed-on", documents=len(again), reason=error.reason_code, message=str(error))
            return False
        return True

    def _told(self, outcome: Outcome) -> Outcome:
        self._log("document", **msgspec.to_builtins(outcome))
        return outcome

    def _skipped(self, arrival: Arrival, error: SkippedError) -> Outcome:
        ref = _ref(arrival)
        self._log("skipped", bucket=ref.bucket, key=ref.key, reason=error.reason_code, message=error.message)
        return Outcome(ref.bucket, ref.key, "skipped", reason=Reason.of(error))

    def _later(self, arrival: Arrival, error: Exception) -> RetryableError:
        key = arrival.digest if isinstance(arrival, Unreadable) else arrival.ref.key
        raised = _retryable(error)
        self._log("retry", key=key, reason=raised.reason_code, message=raised.message, vendor_code=raised.vendor_code)
        return raised


def _ref(arrival: Arrival) -> ObjectRef:
    return ObjectRef("", "") if isinstance(arrival, Unreadable) else arrival.ref


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
