"""What is counted and listed of journals, made again from all of them: for what is older than that, or was lost.

What the audit trail has not of them is marked, so that the walk of the timer, which has the trail's key, tells it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple, Protocol

from legible.errors import DocumentError, HeldError, LegibleError, ObjectGoneError, UnavailableError
from legible.ledger.changes import first_part, mark_of
from legible.ledger.journals import Journals
from legible.ledger.lines import SKEW_SECONDS
from legible.ledger.state import State
from legible.model import layout
from legible.oversight.calls import JournalHour, hours
from legible.oversight.forgotten import forgotten
from legible.oversight.rollup import RollUp
from legible.oversight.unmarked import UnmarkedJournals
from legible.oversight.walk import whose
from legible.ports import Invocation, Site

_BATCH, _AT_ONCE = 256, 8
#: So many journals that could not be read are named.
_NAMED = 20
_SECOND = timedelta(seconds=1)


class Rebuilt(NamedTuple):
    """How many journals were read, and how many of them tell what the audit trail has not; those were marked.

    ``refused`` journals could not be read, each for a reason of its own: what is counted of them stays as it was.
    ``named`` are the first of these.
    """

    journals: int
    marked: int
    refused: int = 0
    named: tuple[str, ...] = ()


class _JournalSaid(NamedTuple):
    """What one journal says: by the hour, since when the trail has it not, and to the others."""

    journal: str
    hourly: dict[datetime, JournalHour]
    since: datetime | None
    listed: list[Any]


class Rebuildable(Protocol):
    """Whoever lists what journals say, and can do so anew."""

    def rebuilt(self, journal: str, state: State, at: datetime) -> Any:
        """Return what is listed of a journal, by the key of its first part, its lines and when they were read."""
        ...

    def keep(self, digests: list[Any]) -> None:
        """Make what was returned durable."""
        ...


def rebuilt(
    site: Site,
    call: Invocation,
    rollup: RollUp,
    prefix: str = "",
    tell: Callable[[int], None] = lambda count: None,
    others: Sequence[Rebuildable] = (),
) -> Rebuilt:
    """Read every journal and append what it says to the roll-up, where the latest reading counts.

    What is in the lists already stays there; to begin with nothing, remove what lies below ``reports/.usage/`` first.

    Args:
        site: Where journals are.
        call: The invocation: gives the time.
        rollup: Takes what they say.
        prefix: Only those of documents whose key begins with this.
        tell: Is told how many were read so far.
        others: Take what else journals say.

    Returns:
        How many journals were read, and marked; and which could not be read.

    Raises:
        HeldError: The bucket refuses to list; or this computer's clock is wrong and nothing tells the right time.
        UnavailableError: The store has a passing fault; begin again.
    """
    names, unmarked = _names(site, prefix), UnmarkedJournals(site, call)
    reader = _JournalReader(site, call, unmarked, others)
    count = marked = 0
    refused = list[str]()
    if not prefix:  # whose these are nobody knows
        rollup.keep(forgotten(site))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while batch := list(islice(names, _BATCH)):
            if not count:
                by_the_stores_clock(site, call, batch[0])
            found = list(zip(batch, pool.map(reader.read, batch), strict=True))
            said = [one for _, one in found if one is not None]
            rollup.keep(one.hourly for one in said)
            for number, other in enumerate(others):
                other.keep([one.listed[number] for one in said])
            untold = [one.journal for one in said if one.since is not None]
            list(pool.map(unmarked.mark, untold))  # after it was counted: only the trail waits for it
            refused += [name for name, one in found if one is None]
            count, marked = count + len(batch), marked + len(untold)
            tell(count)
    return Rebuilt(count - len(refused), marked, len(refused), tuple(refused[:_NAMED]))


class _JournalReader:
    """Reads one journal after the other.

    Args:
        site: Where they are.
        call: Gives the time, and is told what could not be read.
        unmarked: Tells what the trail has not.
        others: Take what else journals say.
    """

    def __init__(self, site: Site, call: Invocation, unmarked: UnmarkedJournals, others: Sequence[Rebuildable]) -> None:
        """Read nothing yet."""
        self._journals = Journals(site)
        self._call = call
        self._unmarked = unmarked
        self._others = others

    def read(self, name: str) -> _JournalSaid | None:
        """Return what a journal says; None, and a line in the log, where it cannot be read."""
        try:
            at, state = self._call.now(), self._journals.stored(name.removesuffix(".jsonl"))
            listed = [one.rebuilt(name, state, at) for one in self._others]
            hourly = hours(whose(mark_of(name)), state, at)
            return _JournalSaid(name, hourly, self._unmarked.since(name, state), listed)
        except LegibleError as error:
            if not isinstance(error, DocumentError):
                raise
            self._call.log("journal-refused", key=name, reason=error.reason_code, message=str(error))
        except Exception as error:  # one journal that nobody understands is not in the way of the others
            self._call.log("defect", key=name, error=type(error).__name__, place="rebuild")
        return None


def by_the_stores_clock(site: Site, call: Invocation, key: str) -> None:
    """See to it that readings are made by the store's clock: of two readings of a journal the later one counts.

    One that was made by a clock that is fast would hide what is read after it, and one by a clock that is slow would
    count for nothing.

    Args:
        site: Its output bucket has the object.
        call: Its time learns from the store's answers.
        key: An object that may be looked at.

    Raises:
        HeldError: The clock differs from the store's, and the answers do not set it right; or do not tell the time.
        UnavailableError: The store has a passing fault.
    """
    sent = call.now()
    try:
        seen = site.store.head(site.in_output(key)).seen_at
    except ObjectGoneError as error:  # it was removed meanwhile
        raise UnavailableError.of(error) from error
    # The answer was made between now and then, and tells whole seconds: what differs more than that differs.
    apart = None if seen is None else max(sent - seen - _SECOND, seen - call.now())
    if apart is None or apart > timedelta(seconds=SKEW_SECONDS):
        raise HeldError(
            "The store does not say what time it is." if apart is None else
            f"This computer's clock differs from the store's by {apart.total_seconds():.0f} s.",
            code="clock-unknown",
            advice="Counted by a wrong clock, calls would be missing in the sums. Where something stands between here "
            "and OBS, have it pass on the header Date; and set this computer's clock.",
        )  # fmt: skip


def _names(site: Site, prefix: str) -> Iterator[str]:
    """Yield the key of the first part of each journal."""
    for item in site.store.list(site.output, f"{layout.LEDGER}{site.input}/{prefix}"):
        if first_part(item.key) == item.key:
            yield item.key
