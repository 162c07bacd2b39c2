"""Makes sure that what one owner wrote into a journal stands there, although a simultaneous append may overwrite it.

An append that began before ours was answered may end later, and then takes the place of ours (``lines`` has the facts).
So a line is looked for once more after the settling time, and appended again if it is gone.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime

from msgspec import structs

from legible.errors import RetryableError, UnavailableError
from legible.ledger.journal import Line
from legible.ledger.journals import OpenJournal
from legible.ledger.lines import TRIES
from legible.ports import Invocation

#: Who was overtaken, or met others, has time: it looks for its lines after so many times the settling time.
_LONG = 15
#: What was paid for; these lines are written even by a claim that was lost.
_PAID = ("answered", "surplus", "unknown")
#: With these a claim ends.
_LAST = ("released", "handed", "finished")


class Standing:
    """The lines of one owner in a journal, and how long ago they were appended.

    Args:
        owner: The owner.
        journal: The journal, as its owner knows it.
        call: The invocation: gives the time and a way to wait.
        settle: How long, in seconds, an append that began earlier may take to overwrite one that was answered.
        plan: What the owner pays by (``Wish.plan``).
        renumber: Returns a number that no line of the owner has.
    """

    def __init__(
        self, owner: str, journal: OpenJournal, call: Invocation, settle: float, plan: str, renumber: Callable[[], int]
    ) -> None:
        """Know of no line yet."""
        self._owner = owner
        self._journal = journal
        self._call = call
        self._settle = settle
        self._plan = plan
        self._renumber = renumber
        #: When the claim was answered, and the last line; and how many seconds our slowest append took.
        self._begun = self._appended = call.now()
        self._slowest = 0.0
        #: Whether nobody has paid for this document before: its journal began with this claim, as far as appends tell;
        #: who looks for flags (``flags``) corrects it.
        self.first = False
        #: Whether the claim was looked for after the settling time.
        self._settled = False

    def begun(self, since: datetime) -> None:
        """Note that the claim line, whose append began then, was answered just now."""
        self._took(since)
        self._begun = self._appended
        self.first = self.first and self.quick

    @property
    def undisputed(self) -> bool:
        """Whether nobody else can write into the journal before the lease ends.

        It began with this claim, which was seen to stand after the settling time: claims made at the same time have
        lost, and whoever comes later finds this one. Only who paid for an earlier claim writes without one.
        """
        return self.first and self._settled and self.quick and not self._crowded()

    @property
    def quick(self) -> bool:
        """Whether none of our own appends took as long as the settling time."""
        return self._slowest < self._settle

    def append(self, line: Line, refusal: Callable[[], RetryableError | None] = lambda: None) -> None:
        """Append a line, as ``OpenJournal.append`` does."""
        since = self._call.now()
        self._journal.append(line, refusal)
        self._took(since)

    def settle(self, age: float) -> None:
        """Wait until the claim is so many seconds old, and no append that met it can still be under way."""
        self._wait(self._begun, max(age, self._patience))
        self._settled = self._settled or age >= self._settle

    @property
    def owes(self) -> bool:
        """Whether the owner wrote of something that was paid for."""
        return any(line.event in _PAID for line in self._journal.mine)

    def in_force(self) -> bool:
        """Tell whether the owner's claim is in the journal, and no other one takes its place, as last read."""
        state = self._journal.state
        return state.leases.in_force(self._owner) and any(
            line.event == "claimed" and state.has(line) for line in self._journal.mine
        )

    def confirm(self) -> None:
        """Make sure, without a wait, that all lines are there. Raises as ``confirm_settled`` does."""
        self._confirm(0.0)

    def confirm_settled(self) -> None:
        """Make sure that all lines are there after the settling time; where others wrote too, after a longer one.

        Raises:
            UnavailableError: The journal cannot be read, or keeps losing lines.
        """
        self._confirm(self._patience)
        if self._crowded() or self._given_way():
            self._confirm(_LONG * self._settle)

    @property
    def _patience(self) -> float:
        """How long after an append its line is looked for, in seconds: longer where our own appends were slow."""
        return max(self._settle, min(2 * self._slowest, _LONG * self._settle))

    def _took(self, since: datetime) -> None:
        self._appended = self._call.now()
        self._slowest = max(self._slowest, (self._appended - since).total_seconds())

    def _wait(self, since: datetime, seconds: float) -> None:
        self._call.pause(max(0.0, seconds - (self._call.now() - since).total_seconds()))

    def _confirm(self, patience: float) -> None:
        for _ in range(TRIES):
            self._wait(self._appended, patience)
            self._journal.reload()
            swallowed = self._swallowed()
            if not swallowed:
                return
            for line in swallowed:
                self.append(line)
            self._call.pause(random.uniform(0.01, 0.1))
        raise UnavailableError(f"{self._journal.name} keeps losing lines.")

    def _swallowed(self) -> list[Line]:
        """Take the lines out of ``mine`` that are gone, and return what must be appended in their place."""
        mine, state, lost = self._journal.mine, self._journal.state, self._given_way()
        gone = [line for line in mine if not state.has(line) and line.event != "claimed"]
        for line in gone:
            mine.remove(line)
        told = {line.page for line in [*mine, *gone] if line.event not in ("claimed", "calling")}
        # An announcement whose call has its outcome is not opened again.
        gone = [line for line in gone if line.event != "calling" or line.page not in told]
        return [paid for line in gone if (paid := self._as_surplus(line))] if lost else gone

    def _as_surplus(self, line: Line) -> Line | None:
        """Return what a claim that was lost still says: what was paid for, unless another owner has named it."""
        named = line.answer and any(line.answer == other.answer for other in self._journal.state.lines)
        if line.event not in _PAID or named:
            return None
        if line.event == "answered":
            return structs.replace(line, event="surplus", plan=self._plan, at=self._call.now(), n=self._renumber())
        return line

    def _given_way(self) -> bool:
        """Tell whether the claim was lost before it ended."""
        ended = any(line.event in _LAST and self._journal.state.has(line) for line in self._journal.mine)
        return not ended and not self.in_force()

    def _crowded(self) -> bool:
        """Tell whether somebody else wrote since the claim began; then more of theirs may be on its way."""
        lines = self._journal.state.lines
        first = next((number for number, line in enumerate(lines) if line.owner == self._owner), 0)
        return any(line.owner not in ("", self._owner) for line in lines[first:])
