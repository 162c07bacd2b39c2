"""Events that even on_failure failed at: the platform kept them in a bucket of their own, and they are gone on with.

Nothing else may depend on the output bucket here: that it cannot be written to is why such events are there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, structs

from legible.errors import LegibleError, ObjectGoneError
from legible.model.documents import Arrival, ObjectRef, Upload
from legible.pipeline.waiting import AGE
from legible.ports import Invocation, ListedObject, ObjectStore

#: Where the platform keeps them (infra/terraform/modules/async).
PREFIX = "failures/on_failure"
#: How long an event lies there before it is tried again: half of its age, so that it is tried ever less often.
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(minutes=30)
#: How long a walk lasts, in seconds, and how much time an invocation keeps for its own end.
_WALK_SECONDS, _SPARE_SECONDS = 10.0, 2.0


class FailureReport(Struct):
    """The result of a walk: how many events were handed on, and how many are left that were due."""

    handed_on: int = 0
    left: int = 0


class Failures:
    """Goes on with events that were given up, for a day from when their uploads were made.

    Args:
        store: Holds the bucket.
        bucket: Where the platform keeps such events; empty for nowhere.
        call: The invocation: gives the time, the time left, and the log.
        read: Reads what the platform wrote: the arrivals of the event that was given up.
        hand_on: Has arrivals handled: by a fresh invocation, or here.
    """

    def __init__(
        self,
        store: ObjectStore,
        bucket: str,
        call: Invocation,
        read: Callable[[bytes], Sequence[Arrival]],
        hand_on: Callable[[Sequence[Arrival]], None],
    ) -> None:
        """Walk nowhere yet."""
        self._store = store
        self._bucket = bucket
        self._call = call
        self._read = read
        self._hand_on = hand_on

    def walk(self) -> FailureReport:
        """Hand on what is due; what was handed on is removed, and what is older than a day is left for a person.

        Raises:
            LegibleError: The bucket cannot be listed.
        """
        report = FailureReport()
        end = max(self._call.remaining() - _WALK_SECONDS, _SPARE_SECONDS)
        refused = False
        for item in self._store.list(self._bucket, PREFIX) if self._bucket else ():
            if refused or self._call.remaining() < end:
                report.left += 1
                continue
            try:
                report.handed_on += self._tried_again(item)
            except LegibleError as error:
                self._call.log("not-handed-on", key=item.key, reason=error.reason_code, message=str(error))
                report.left += 1
                refused = True
        return report

    def _tried_again(self, item: ListedObject) -> bool:
        """Hand on an event if it is due, and remove it; tell whether this was done."""
        kept = item.modified_at or self._call.now()
        ref = ObjectRef(self._bucket, item.key)
        try:
            arrivals = [_dated(arrival, kept) for arrival in self._read(self._store.read(ref))]
        except ObjectGoneError:  # another walk was faster
            return False
        age = kept - min((one.at or kept for one in arrivals if isinstance(one, Upload)), default=kept)
        if age >= AGE or self._call.now() < kept + min(max(age / 2, _SHORTEST), _LONGEST):
            return False
        self._hand_on(arrivals)
        self._store.remove(ref)
        return True


def _dated(arrival: Arrival, kept: datetime) -> Arrival:
    """Return an arrival with a time: the day in which it is tried begins with that."""
    if not isinstance(arrival, Upload):
        return arrival
    return structs.replace(arrival, at=min(arrival.at or kept, kept))
