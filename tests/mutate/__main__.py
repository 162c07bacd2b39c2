"""``make mutate``: small faults in the modules that carry the promises, and which of them no test sees.

MODULES names rooms or files of legible (``make mutate MODULES="ledger/claim.py notices"``); without it, all that carry
a promise. ``--every=5`` tries one mutant of five, for a first look, and ``--every=5 --from=1``, up to 4, others: which
they are depends on their text alone, so that a change elsewhere leaves it as it is. It prints the mutants that survive
as differences, then a table, and fails where a room is below its bar.
"""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from msgspec import Struct

from tests.mutate import mutants, places
from tests.mutate.covering import measured
from tests.mutate.mutants import Mutant
from tests.mutate.runner import Runner, Verdict

#: How many of a room's mutants have to be killed, of those that can be.
BAR = 95.0
PROCESSES = 2
#: Where to print while pytest has the standard output.
_OUTPUT = os.dup(1)


class Row(NamedTuple):
    """The figures of one module, or of a room."""

    name: str
    mutants: int
    killed: int
    equivalent: int
    survived: int
    seconds: float

    @property
    def share(self) -> float:
        """How many of the mutants that can be killed are, in hundredths."""
        return 100.0 * self.killed / (self.killed + self.survived) if self.killed + self.survived else 100.0

    def __str__(self) -> str:
        return (
            f"{self.name:34} {self.mutants:>7} {self.killed:>7} {self.equivalent:>10} {self.survived:>8} "
            f"{self.share:>6.1f} % {self.seconds:>6.0f} s"
        )


class Equivalent(Struct, frozen=True, forbid_unknown_fields=True):
    """A mutant that no test can kill, and why: what it says instead of the code is as good."""

    module: str
    function: str
    was: str
    becomes: str
    why: str

    @property
    def name(self) -> tuple[str, str, str, str]:
        """What it is known by: the text of its lines, not their numbers."""
        return self.module, self.function, self.was, self.becomes


class Equivalents:
    """The mutants that no test can kill, each with its reason; a line that moves or is indented anew is the same."""

    def __init__(self) -> None:
        """Read the list."""
        entries = msgspec.toml.decode(places.EQUIVALENT.read_bytes(), type=dict[str, list[Equivalent]])
        self._known = {one.name for one in entries.get("equivalent", [])}
        self._met: set[tuple[str, str, str, str]] = set()

    def has(self, mutant: Mutant) -> bool:
        """Return whether a mutant is on the list."""
        name = (mutant.module, mutant.function, mutant.was, mutant.becomes)
        if name in self._known:
            self._met.add(name)
        return name in self._known

    def gone(self, modules: Iterable[str]) -> list[tuple[str, str, str, str]]:
        """Return the entries of these modules that no mutant has met."""
        return sorted(name for name in self._known - self._met if name[0] in modules)


def _rows(names: Iterable[str], equal: list[Mutant], verdicts: list[Verdict]) -> Iterator[Row]:
    figures: dict[str, list[float]] = defaultdict(lambda: [0, 0, 0, 0.0])
    for mutant in equal:
        figures[mutant.module][1] += 1
    for verdict in verdicts:
        mine = figures[verdict.mutant.module]
        mine[0 if verdict.killed else 2] += 1
        mine[3] += verdict.seconds
    for name in names:
        killed, equivalent, survived, seconds = figures[name]
        total = int(killed + equivalent + survived)
        yield Row(name, total, int(killed), int(equivalent), int(survived), seconds / PROCESSES)


def _room(name: str) -> str:
    return name.rpartition("/")[0]


def _rooms(rows: list[Row]) -> Iterator[Row]:
    for room in dict.fromkeys(_room(row.name) for row in rows):
        mine = [row for row in rows if _room(row.name) == room]
        counts = [sum(values) for values in zip(*(row[1:5] for row in mine), strict=True)]
        yield Row(room + "/", *counts, sum(row.seconds for row in mine))


def show(verdict: Verdict) -> None:
    """Print a mutant that survived, as a difference."""
    if not verdict.killed:
        mutant = verdict.mutant
        place = f"{mutant.module}:{mutant.line} {mutant.function} (after {verdict.tests} tests)"
        os.write(_OUTPUT, f"\n{place}\n- {mutant.was}\n+ {mutant.becomes}\n".encode())


def _number(names: list[str], option: str, default: int) -> int:
    return max([int(name.removeprefix(option)) for name in names if name.startswith(option)], default=default)


def main(names: list[str]) -> int:
    """Print survivors and figures; return 1 where a room is below the bar."""
    began = time.monotonic()
    step, start = _number(names, "--every=", 1), _number(names, "--from=", 0)
    modules = places.modules([name for name in names if not name.startswith("--")])
    every = [mutant for name, path in modules.items() for mutant in mutants.read(name, path)]
    equivalents = Equivalents()
    equal = [mutant for mutant in every if equivalents.has(mutant)]
    left = [mutant for mutant in every if not equivalents.has(mutant) and mutant.number % step == start]
    print(f"{len(left)} mutants of {len(modules)} modules", file=sys.stderr)
    covering = measured(PROCESSES)
    verdicts = Runner(left, covering, PROCESSES, show).run()
    for name in equivalents.gone(modules):
        print("\nIn equivalent.toml, but no mutant any more:", *name, sep="\n  ")
    rows = list(_rows(modules, equal, verdicts))
    print(f"\n{'module':34} {'mutants':>7} {'killed':>7} {'equivalent':>10} {'survived':>8} {'share':>8}")
    for row in rows:
        print(row)
    print()
    rooms = list(_rooms(rows))
    for row in rooms:
        print(row, "" if row.share >= BAR else f"  below {BAR:g} %")
    print(f"\n{time.monotonic() - began:.0f} seconds")
    return int(any(row.share < BAR for row in rooms))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
