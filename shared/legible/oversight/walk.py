"""The walk over journals that changed: each is read once, and whoever counts something takes what it needs of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, Protocol, TypeVar

from msgspec import Struct

from legible.errors import DocumentError, InternalError, LegibleError
from legible.ledger.changes import Changes, Mark, name_of, plain_name_of
from legible.ledger.due import Slot
from legible.ledger.journals import Journals
from legible.ledger.state import State
from legible.model.sums import first_folder
from legible.oversight.calls import JournalHour, Whose, hours
from legible.oversight.rollup import RollUp
from legible.ports import Invocation

_Found = TypeVar("_Found")
#: How many journals are read before anything of them is kept, and how many at once: memory holds that many states.
BATCH, _AT_ONCE = 256, 8
#: No further journals are begun when this much time is left, in seconds.
RESERVE = 45.0


class Reading(NamedTuple):
    """A journal as it was read: its document, its lines, and when that was."""

    document: Mark
    state: State
    at: datetime


class Consumer(Protocol):
    """Whoever counts, or writes down, what journals say. The same journal may come again and again."""

    def digest(self, reading: Reading) -> Any:
        """Return what is needed of a journal, small enough that many are kept. Runs in several threads at once."""
        ...

    def keep(self, digests: list[Any]) -> None:
        """Make what was digested durable; only then are the journals no longer marked."""
        ...


class UsageConsumer:
    """Has the calls of journals counted.

    Args:
        rollup: Takes them.
    """

    def __init__(self, rollup: RollUp) -> None:
        """Count nothing yet."""
        self._rollup = rollup

    def digest(self, reading: Reading) -> dict[datetime, JournalHour]:
        """Return the calls of a journal, by the hour."""
        return hours(whose(reading.document), reading.state, reading.at)

    def keep(self, digests: list[dict[datetime, JournalHour]]) -> None:
        """Append them to the lists of their hours. Raises as ``RollUp.keep`` does."""
        self._rollup.keep(digests)


def whose(mark: Mark) -> Whose:
    """Return whose journal that of a mark is, as sums name it."""
    return Whose(name_of(mark.first_part), first_folder(mark.key), plain_name_of(mark.first_part))


class Walked(Struct, frozen=True, omit_defaults=True):
    """What came of a walk: how many journals were read, and how many marks are left for the next one.

    ``refused`` journals could not be read, each for a reason of its own: their marks stay, too.
    """

    journals: int
    left: int
    refused: int = 0


class ChangeWalk:
    """Reads the journals that changed.

    Args:
        changes: Names them.
        journals: Reads them.
        consumers: Take what they need of each.
        call: The invocation: gives time and log.
        batch: How many journals are read before anything of them is kept.
        at_once: How many are read at once.
    """

    def __init__(
        self,
        changes: Changes,
        journals: Journals,
        consumers: Sequence[Consumer],
        call: Invocation,
        batch: int = BATCH,
        at_once: int = _AT_ONCE,
    ) -> None:
        """Read nothing yet."""
        self._changes = changes
        self._journals = journals
        self._consumers = consumers
        self._call = call
        self._batch = batch
        self._at_once = at_once
        #: Why journals could not be read, by their names; their marks stay.
        self._unread: dict[str, LegibleError | None] = {}

    def walk(self) -> Walked:
        """Read each journal whose mark is due, have it counted, and remove the mark; end early if time ends.

        A journal that the bucket refuses, or that nobody understands, is named in the log and keeps its mark.

        Raises:
            UnavailableError: The store has a passing fault; the marks are there for the next walk.
            HeldError: The bucket refuses what is counted, or each journal.
        """
        read = left = 0
        fault: LegibleError | None = None
        for batch in _batches(self._changes.due(), self._batch):
            if self._call.remaining() < RESERVE:
                left += len(batch)
                continue
            try:
                read += self._take(batch)
            except LegibleError as error:  # what one batch meets, or one consumer, is not in the way of the others
                fault = fault or error
        errors = [error for error in self._unread.values() if error is not None]
        lasting = [error for error in errors if isinstance(error, DocumentError)]
        fault = fault or next((error for error in errors if error not in lasting or not read), None)
        if fault is not None:
            raise fault
        return Walked(read, left, len(self._unread))

    def _take(self, batch: list[Slot]) -> int:
        """Have the journals of a batch counted, then remove their marks; return how many there are."""
        names = {slot.name: slot for slot in batch}
        digests = [found for found in self._each(self._digested, list(names.values())) if found is not None]
        fault: LegibleError | None = None
        for number, consumer in enumerate(self._consumers):
            try:
                consumer.keep([found[number] for found in digests])
            except LegibleError as error:  # the others keep what they have; the marks stay for this one
                fault = fault or error
        if fault is not None:
            raise fault
        faults = self._each(self._removed, [slot for slot in batch if slot.name not in self._unread])
        for fault in filter(None, faults):
            raise fault
        return len(digests)

    def _removed(self, slot: Slot) -> LegibleError | None:
        """Remove a mark; return why it stays."""
        try:
            self._changes.remove(slot)
        except LegibleError as error:
            return error
        return None

    def _each(self, do: Callable[[Slot], _Found], slots: list[Slot]) -> list[_Found]:
        """Do something with each mark, several at once."""
        if self._at_once == 1:
            return [do(slot) for slot in slots]
        with ThreadPoolExecutor(self._at_once) as pool:
            return list(pool.map(do, slots))

    def _digested(self, slot: Slot) -> list[Any] | None:
        """Return what each consumer needs of a journal; None if another walk was faster, or if it cannot be read."""
        key = slot.key
        try:
            document = self._mark(slot)
            if document is None:
                return None
            key, at = document.key, self._call.now()
            reading = Reading(document, self._state(document), at)
            return [consumer.digest(reading) for consumer in self._consumers]
        except LegibleError as error:  # one journal is not in the way of the others
            if isinstance(error, DocumentError):
                self._call.log("journal-refused", key=key, reason=error.reason_code, message=str(error))
            self._unread[slot.name] = error
        except Exception as error:  # one journal that nobody understands must not stop all counting; its mark stays
            self._call.log("defect", key=key, error=type(error).__name__, place="walk")
            self._unread[slot.name] = None
        return None

    def _mark(self, slot: Slot) -> Mark | None:
        """Return whose journal a mark is about; None for what is none, and where another walk was faster."""
        try:
            return self._changes.read(slot)
        except ValueError:
            self._call.log("not-a-mark", key=slot.key)
            return None

    def _state(self, mark: Mark) -> State:
        """Return the state of a journal; what can be read of it counts."""
        if mark.journal:
            return self._journals.stored(mark.journal.removesuffix(".jsonl"))
        try:
            return self._journals.load(mark)
        except InternalError as error:
            self._call.log("journal-unreadable", key=mark.key, message=str(error))
            return self._journals.salvaged(mark)


def _batches(slots: Iterable[Slot], size: int) -> Iterator[list[Slot]]:
    """Yield the marks in groups, so that memory holds one."""
    slots = iter(slots)
    while batch := list(islice(slots, size)):
        yield batch
