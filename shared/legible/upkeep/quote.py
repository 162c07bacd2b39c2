"""A quote: what reading the documents below a prefix would take, before anything is sent.

Few documents are all looked at; of many a sample is, whose interval is told. Memory holds the sample, and digests of
the first of the contents that lie there, so that copies are counted once.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from legible.errors import RejectedError
from legible.model.documents import Upload
from legible.model.quotes import Quote
from legible.ports import Site
from legible.upkeep.limits import Price
from legible.upkeep.look import DocumentLook, Looked
from legible.upkeep.sampling import Reservoir, shares
from legible.upkeep.tally import Likeness, ListedUpload, Sorter, Tallies
from legible.workbooks.listing import Candidate, Selector

#: Of more documents than this a sample of so many is looked at.
SAMPLE = 500
#: How many documents are looked at, at once.
_AT_ONCE = 4
#: Is told what is done, how much of it, and of how much; 0 where that is not known.
Tell = Callable[[str, int, int], None]


class Quoter:
    """Makes quotes.

    Args:
        site: Its input bucket holds the documents.
        selector: Finds them.
        look: Looks at one.
        operation: Returns the slug of the operation that reads a key by the routes; empty where none does.
        price: Says what calls cost.
    """

    def __init__(
        self, site: Site, selector: Selector, look: DocumentLook, operation: Callable[[str], str], price: Price
    ) -> None:
        """Look at nothing yet."""
        self._site = site
        self._selector = selector
        self._look = look
        self._operation = operation
        self._price = price

    def sampled(self, prefix: str, operation: str = "", most: int = SAMPLE, tell: Tell = lambda *told: None) -> Quote:
        """Return what it would take to read the documents below a prefix, by looking at so many of them at most.

        Args:
            prefix: The beginning of their keys.
            operation: Only those that this operation reads; empty for all.
            most: How many are looked at; a few more, so that some are of each kind and size.
            tell: Is told how far it is.

        Raises:
            RejectedError: There are no such documents.
            UnavailableError: The store has a passing fault.
            HeldError: The bucket refuses.
        """
        tallies, chance = Tallies(), random.Random(prefix)
        kept: dict[Likeness, Reservoir[ListedUpload]] = {}
        for number, listed in enumerate(self._listed(prefix, operation), 1):
            tallies.count(listed)
            kept.setdefault(listed.like, Reservoir(most, chance)).add(listed)
            if number % 1000 == 0:
                tell("listing", number, 0)
        self._refuse_nothing(tallies, prefix, operation)
        wanted = {like: one.count for like, one in kept.items()}
        if tallies.documents > most:
            wanted = shares(wanted, {like: like.weight for like in kept}, most)
        chosen = [listed for like, one in kept.items() for listed in one.drawn(wanted[like])]
        self._open(chosen, len(chosen), tallies, tell)
        return tallies.quote(prefix, self._price)

    def exact(self, prefix: str, operation: str = "", tell: Tell = lambda *told: None) -> Quote:
        """Return the same by looking at all of them. Arguments and errors are those of ``sampled``."""
        tallies = Tallies()
        total = sum(1 for _ in self._listed(prefix, operation))

        def counted() -> Iterator[ListedUpload]:
            for listed in self._listed(prefix, operation):
                tallies.count(listed)
                yield listed

        self._open(counted(), total, tallies, tell)
        self._refuse_nothing(tallies, prefix, operation)
        return tallies.quote(prefix, self._price)

    def _listed(self, prefix: str, operation: str) -> Iterator[ListedUpload]:
        sorter = Sorter()
        for one in self._selector.uploads(prefix):
            slug = self._operation(one.key)
            if not operation or slug == operation:
                yield sorter.sort(one, slug)

    def _refuse_nothing(self, tallies: Tallies, prefix: str, operation: str) -> None:
        if not tallies.documents:
            which = f" that {operation} reads" if operation else ""
            raise RejectedError(
                f"There are no documents{which} below {prefix!r} in the bucket {self._site.input}.",
                code="nothing-there",
            )

    def _open(self, chosen: Iterable[ListedUpload], total: int, tallies: Tallies, tell: Tell) -> None:
        """Look at documents, several at once, and take in what is found."""
        rest, done = iter(chosen), 0
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while some := list(islice(rest, 4 * _AT_ONCE)):
                for listed, looked in zip(some, pool.map(self._looked, some), strict=True):
                    tallies.take(listed, looked)
                done += len(some)
                tell("opening", done, total)

    def _looked(self, listed: ListedUpload) -> Looked:
        one: Candidate = listed.candidate
        return self._look.look(Upload(self._site.in_input(one.key), etag=one.etag, size=one.length))
