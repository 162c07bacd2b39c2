"""What is counted and listed of journals, made again from all of them: for what is older than that, or was lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice
from typing import Any, Protocol

from legible.ledger.changes import name_of
from legible.ledger.journals import Journals
from legible.ledger.state import State
from legible.model import layout
from legible.oversight.calls import JournalHour, hours
from legible.oversight.rollup import RollUp
from legible.ports import Invocation, Site

_BATCH, _AT_ONCE = 256, 8
_PART = re.compile(r"\.[0-9]+\.jsonl$")


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
) -> int:
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
        How many journals were read.

    Raises:
        UnavailableError: The store has a passing fault; begin again.
    """
    journals, names, count = Journals(site), _names(site, prefix), 0

    def read(name: str) -> tuple[dict[datetime, JournalHour], list[Any]]:
        at = call.now()
        state = journals.stored(name.removesuffix(".jsonl"))
        return hours(name_of(name), state, at), [one.rebuilt(name, state, at) for one in others]

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while batch := list(islice(names, _BATCH)):
            readings = list(pool.map(read, batch))
            rollup.keep(counted for counted, _ in readings)
            for number, one in enumerate(others):
                one.keep([said[number] for _, said in readings])
            count += len(batch)
            tell(count)
    return count


def _names(site: Site, prefix: str) -> Iterator[str]:
    """Yield the key of the first part of each journal."""
    for item in site.store.list(site.output, f"{layout.LEDGER}{site.input}/{prefix}"):
        last = item.key.rpartition("/")[2]
        if item.key.endswith(".jsonl") and not last.startswith(layout.NEWEST) and not _PART.search(last):
            yield item.key
