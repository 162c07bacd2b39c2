"""Samples of documents by their like, and what they say of all. Values only.

Documents are put into strata by what makes them alike before they are opened: their operation, whether their kind has
pages, and their size. From each a sample is drawn by chance (reservoir sampling), and its mean counts for all of its
stratum; the intervals are those of a stratified sample without replacement, with Student's quantile for small ones.
"""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterable, Mapping
from math import ceil, floor, sqrt
from typing import Generic, NamedTuple, TypeVar

from legible.model.quotes import Estimate

_Item = TypeVar("_Item")
_Name = TypeVar("_Name", bound=Hashable)
#: The least number that a stratum gives, if it has so many.
_LEAST = 8
#: Sums of floats are believed up to this.
_TINY = 1e-6


class Reservoir(Generic[_Item]):
    """A sample of items that come one after the other, each as likely in it as any other.

    Args:
        most: How many it holds.
        chance: Decides which.
    """

    def __init__(self, most: int, chance: random.Random) -> None:
        """Hold nothing yet."""
        self._most = most
        self._chance = chance
        self.count = 0
        self.items: list[_Item] = []

    def add(self, item: _Item) -> None:
        """Take an item in, perhaps in the place of another."""
        self.count += 1
        if len(self.items) < self._most:
            self.items.append(item)
        elif (place := self._chance.randrange(self.count)) < self._most:
            self.items[place] = item

    def drawn(self, count: int) -> list[_Item]:
        """Return so many of the items, by chance; all where there are no more."""
        return self._chance.sample(self.items, min(count, len(self.items)))


def shares(counts: Mapping[_Name, int], weights: Mapping[_Name, float], total: int) -> dict[_Name, int]:
    """Return how many of each stratum are looked at, so many in all or little more.

    Args:
        counts: How many documents each has.
        weights: How much its documents are expected to differ from one another: the more, the more are looked at.
        total: How many are looked at in all.
    """
    whole = sum(counts[name] * weights[name] for name in counts) or 1.0
    wanted = {name: ceil(total * counts[name] * weights[name] / whole) for name in counts}
    return {name: min(counts[name], max(_LEAST, wanted[name])) for name in counts}


class Moments:
    """How many numbers there were, their sum, and the sum of their squares: all that an estimate needs of them."""

    def __init__(self) -> None:
        """Have seen none."""
        self.count = 0
        self.total = 0.0
        self.squares = 0.0

    def add(self, number: float) -> None:
        """Take a number in."""
        self.many(1, number, number * number)

    def many(self, count: int, total: float, squares: float) -> None:
        """Take so many numbers in, by their sum and the sum of their squares."""
        self.count += count
        self.total += total
        self.squares += squares


class SampledStratum(NamedTuple):
    """What was found in one stratum: how many documents it has, and the numbers of those looked at.

    ``doubt`` is by how much those numbers themselves may be wrong, together.
    """

    documents: int
    numbers: Moments
    doubt: float = 0.0


def estimate(strata: Iterable[SampledStratum]) -> Estimate:
    """Return the sum over all documents, with the interval in which it lies in 95 of 100 samples."""
    likely, variance, doubt, least = 0.0, 0.0, 0.0, 0.0
    for count, numbers, unsure in strata:
        if not numbers.count:
            continue
        likely += count * numbers.total / numbers.count
        least += numbers.total - unsure
        doubt += unsure * count / numbers.count
        variance += _variance(count, numbers)
    half = sqrt(variance) + doubt
    low, high = max(floor(least + _TINY), floor(likely - half + _TINY)), ceil(likely + half - _TINY)
    return Estimate(round(likely), max(0, low), high)


def _variance(count: int, numbers: Moments) -> float:
    """Return the variance of a stratum's sum, times the square of the quantile that makes an interval of it."""
    looked_at = numbers.count
    if looked_at >= count:
        return 0.0
    apart = max(0.0, numbers.squares - numbers.total**2 / looked_at) / max(1, looked_at - 1)
    # Where all are alike, the next may be the first that is not: as likely as one in so many and two more.
    alike = (1 / (looked_at + 2)) * (1 - 1 / (looked_at + 2))
    quantile = 1.96 + 3.3 / max(1, looked_at - 1)
    return quantile**2 * float(count) ** 2 * (1 - looked_at / count) * max(apart, alike) / looked_at
