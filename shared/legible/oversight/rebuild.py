"""What is counted and listed of journals, made again from all of them: for what is older than that, or was lost.

What the audit trail has not of them is marked, so that the walk of the timer, which has the trail's key, tells it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, Protocol

from legible.ledger.changes import first_part, name_of, plain_name_of
from legible.ledger.journals import Journals
from legible.ledger.state import State
from legible.model import layout
from legible.model.sums import first_folder
from legible.oversight.calls import JournalHour, Whose, hours
from legible.oversight.forgotten import forgotten
from legible.oversight.rollup import RollUp
from legible.oversight.unmarked import UnmarkedJournals
from legible.ports import Invocation, Site

_BATCH, _AT_ONCE = 256, 8


class Rebuilt(NamedTuple):
    """How many journals were read, and how many of them tell what the audit trail has not; those were marked."""

    journals: int
    marked: int


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
        How many journals were read, and marked.

    Raises:
        HeldError: The bucket refuses.
        UnavailableError: The store has a passing fault; begin again.
    """
    journals, names, count, marked = Journals(site), _names(site, prefix), 0, 0
    unmarked, below = UnmarkedJournals(site, call), f"{layout.LEDGER}{site.input}/"
    if not prefix:  # whose these are nobody knows
        rollup.keep(forgotten(site))

    def read(name: str) -> tuple[dict[datetime, JournalHour], bool, list[Any]]:
        at, state = call.now(), journals.stored(name.removesuffix(".jsonl"))
        listed = [one.rebuilt(name, state, at) for one in others]
        folder = first_folder(name.removeprefix(below).rpartition("/")[0])
        whose = Whose(name_of(name), folder, plain_name_of(name))
        return hours(whose, state, at), unmarked.look(name, state), listed

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while batch := list(islice(names, _BATCH)):
            said = list(pool.map(read, batch))
            rollup.keep(hourly for hourly, _, _ in said)
            for number, one in enumerate(others):
                one.keep([listed[number] for _, _, listed in said])
            count, marked = count + len(batch), marked + sum(found for _, found, _ in said)
            tell(count)
    return Rebuilt(count, marked)


def _names(site: Site, prefix: str) -> Iterator[str]:
    """Yield the key of the first part of each journal."""
    for item in site.store.list(site.output, f"{layout.LEDGER}{site.input}/{prefix}"):
        if first_part(item.key) == item.key:
            yield item.key
