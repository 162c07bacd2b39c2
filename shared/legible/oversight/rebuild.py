"""The roll-up made again from all journals: for what was counted before there was one, or was lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from itertools import islice

from legible.ledger.changes import name_of, plain_name_of
from legible.ledger.journals import Journals
from legible.model import layout
from legible.model.sums import first_folder
from legible.oversight.calls import JournalHour, Whose, hours
from legible.oversight.rollup import RollUp
from legible.ports import Invocation, Site

_BATCH, _AT_ONCE = 256, 8
_PART = re.compile(r"\.[0-9]+\.jsonl$")


def rebuilt(
    site: Site, call: Invocation, rollup: RollUp, prefix: str = "", tell: Callable[[int], None] = lambda count: None
) -> int:
    """Read every journal and append what it says to the roll-up, where the latest reading counts.

    What is in the lists already stays there; to begin with nothing, remove what lies below ``reports/.usage/`` first.

    Args:
        site: Where journals are.
        call: The invocation: gives the time.
        rollup: Takes what they say.
        prefix: Only those of documents whose key begins with this.
        tell: Is told how many were read so far.

    Returns:
        How many journals were read.

    Raises:
        UnavailableError: The store has a passing fault; begin again.
    """
    journals, names, count = Journals(site), _names(site, prefix), 0
    below = f"{layout.LEDGER}{site.input}/"

    def read(name: str) -> dict[datetime, JournalHour]:
        at = call.now()
        folder = first_folder(name.removeprefix(below).rpartition("/")[0])
        whose = Whose(name_of(name), folder, plain_name_of(name))
        return hours(whose, journals.stored(name.removesuffix(".jsonl")), at)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while batch := list(islice(names, _BATCH)):
            rollup.keep(pool.map(read, batch))
            count += len(batch)
            tell(count)
    return count


def _names(site: Site, prefix: str) -> Iterator[str]:
    """Yield the key of the first part of each journal."""
    for item in site.store.list(site.output, f"{layout.LEDGER}{site.input}/{prefix}"):
        last = item.key.rpartition("/")[2]
        if item.key.endswith(".jsonl") and not last.startswith(layout.NEWEST) and not _PART.search(last):
            yield item.key
