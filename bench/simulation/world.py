"""A simulated deployment: uploads, events that come twice or never, instances, journals, and a service with a quota.

Journals hold the very lines that Legible writes, and ``ledger.state`` tells from them who may pay.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Generator
from datetime import datetime, timedelta
from typing import Any

import simpy
from msgspec import Struct

from bench.simulation.rules import (
    EPOCH,
    UNKNOWN_TRIES,
    Backoff,
    Budget,
    NoBudget,
    NoRate,
    Platform,
    Rate,
    busy_pause,
    patience,
    platform,
)
from legible.ledger.journal import Event as LineEvent
from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.pipeline.waiting import AGE, LADDER
from legible.recognition.policy import Policy

#: What a process of simpy yields.
Steps = Generator[simpy.Event, Any, Any]
#: Keys that a list returns at once (api-obs obs_04_0022).
KEYS_A_LIST = 1000


class Plan(Struct, frozen=True):
    """What is simulated. Times in seconds.

    ``documents`` come at ``rate`` a second, in no order; 0 has them all come at once. An event is lost with the share
    ``loss``, comes twice with ``duplicates``; an invocation dies somewhere with ``deaths``. ``quota`` is how many calls
    the service takes in a second; a call takes ``call``. A request to OBS takes ``storing``; ``before`` and ``after``
    are what an invocation takes around its call besides.
    """

    documents: int
    instances: int
    quota: int
    rate: float = 0.0
    loss: float = 0.001
    duplicates: float = 0.01
    deaths: float = 0.001
    call: float = 0.3
    storing: float = 0.02
    before: float = 0.05
    after: float = 0.15
    seed: int = 1

    @property
    def holding(self) -> float:
        """How long a document holds an instance if nothing makes it wait."""
        return self.before + 2 * self.storing + Policy().settle + self.call + self.after


class Figures:
    """What came of it."""

    def __init__(self) -> None:
        """Begin with nothing."""
        #: Seconds from an upload to the call that was answered; appends to the journal of each document that ended.
        self.waits: list[float] = []
        self.appends: list[int] = []
        self.ended: dict[str, int] = {"done": 0, "dead": 0, "held": 0}
        self.calls = self.turned_away = self.unknown = self.surplus = 0
        self.lost_events = self.parked = self.swept = 0
        #: Accepted calls, by the second in which they came; seconds that a sweep took.
        self.by_second: dict[int, int] = {}
        self.sweep_seconds = 0.0
        #: The most calls that one document was paid for, and how often each ended without an answer.
        self.paid_more_than_told = 0


class _Document:
    """One document: its journal as lines and state, and what the service did for it."""

    __slots__ = ("appends", "kept", "paid", "state", "uploaded")

    def __init__(self, uploaded: float) -> None:
        self.uploaded = uploaded
        self.state = State()
        self.appends = 0
        #: Names of owners whose answer is stored; how many calls were answered, so that they are billed.
        self.kept: list[str] = []
        self.paid = 0


class _DiedError(Exception):
    """The instance died."""


class Service:
    """The service: takes so many calls in each second, and turns the others away.

    Args:
        plan: Has the quota.
        figures: Is told of each call.
    """

    def __init__(self, plan: Plan, figures: Figures) -> None:
        """Take no call yet."""
        self._quota, self._figures = plan.quota, figures

    def admits(self, now: float) -> bool:
        """Take a call, or turn it away."""
        second, figures = int(now), self._figures
        if figures.by_second.get(second, 0) >= self._quota:
            figures.turned_away += 1
            return False
        figures.by_second[second] = figures.by_second.get(second, 0) + 1
        figures.calls += 1
        return True


class World:
    """Runs a plan.

    Args:
        plan: What is simulated.
        rate: When a call may be sent; Legible has no such rule yet.
        budget: Whether it may be paid for; likewise.
        of: What FunctionGraph is told.
    """

    def __init__(
        self, plan: Plan, rate: Rate | None = None, budget: Budget | None = None, of: Platform | None = None
    ) -> None:
        """Run nothing yet."""
        self.plan, self.figures = plan, Figures()
        self._rate, self._budget = rate or NoRate(), budget or NoBudget()
        self._platform, self._policy = of or platform(), Policy()
        self._chance = random.Random(plan.seed)
        self._env = simpy.Environment()
        self._instances = simpy.Resource(self._env, plan.instances)
        self._service = Service(plan, self.figures)
        self._owners = 0
        self._open: dict[int, _Document] = {}
        self._lost: deque[int] = deque()

    def run(self) -> Figures:
        """Run until each document has ended; return the figures."""
        random.seed(self.plan.seed)  # Legible's own waits are random too
        self._env.process(self._uploads())
        self._env.run()
        return self.figures

    @property
    def left(self) -> int:
        """How many documents have not ended."""
        return len(self._open)

    def _uploads(self) -> Steps:
        plan, chance = self.plan, self._chance
        for number in range(plan.documents):
            if plan.rate:
                yield self._env.timeout(chance.expovariate(plan.rate))
            self._open[number] = _Document(self._env.now)
            if chance.random() < plan.loss:
                self.figures.lost_events += 1
                self._lost.append(number)
                continue
            self._env.process(self._delivered(number, 0.0))
            if chance.random() < plan.duplicates:
                self._env.process(self._delivered(number, chance.expovariate(1.0)))
        yield from self._sweep()

    def _sweep(self) -> Steps:
        """List both buckets side by side, and have what no event came for be read."""
        begun = self._env.now
        for _ in range(-(-self.plan.documents // KEYS_A_LIST)):
            yield self._env.timeout(self.plan.storing)
        self.figures.sweep_seconds = self._env.now - begun
        while self._lost:
            self.figures.swept += 1
            self._env.process(self._delivered(self._lost.popleft(), 0.0))

    def _delivered(self, number: int, late: float) -> Steps:
        """Deliver an event: tried as often as the platform does, and then as often as the waiting room has it."""
        yield self._env.timeout(late)
        born, policy = self._env.now, self._platform.policy
        waits = [self._platform.backoff(n + 1) for n in range(policy.max_retry_attempts)]
        tries = 0
        while (document := self._open.get(number)) is not None:
            if (yield from self._invoked(number, document)):
                return
            wait = waits[tries] if tries < len(waits) else LADDER[min(tries - len(waits), len(LADDER) - 1)]
            self.figures.parked += tries == len(waits)
            if self._env.now + wait - born > max(policy.max_event_age, AGE.total_seconds()):
                self._end(number, document, "dead")
                return
            yield self._env.timeout(wait)
            tries += 1
        with self._instances.request() as instance:  # an event of what has ended: found by a look
            yield instance
            yield self._env.timeout(self.plan.before)

    def _invoked(self, number: int, document: _Document) -> Steps:
        """Run one invocation; return whether the event needs no other one."""
        with self._instances.request() as instance:
            yield instance
            self._owners += 1
            owner, ends = f"{self._owners}", self._env.now + self._platform.timeout
            death = self._env.now + self._chance.uniform(0, self.plan.holding)
            dies = death if self._chance.random() < self.plan.deaths else float("inf")
            one = _Invocation(self, number, document, owner, ends, dies)
            try:
                return (yield from one.run())
            except _DiedError:
                return False

    # --- what an invocation does to the world

    def now(self) -> datetime:
        """Return the time as journals have it."""
        return EPOCH + timedelta(seconds=self._env.now)

    def pause(self, seconds: float, dies: float) -> Steps:
        """Let time pass, or have the instance die meanwhile."""
        if self._env.now + seconds >= dies:
            yield self._env.timeout(max(0.0, dies - self._env.now))
            raise _DiedError
        yield self._env.timeout(seconds)

    def _end(self, number: int, document: _Document, status: str) -> None:
        if self._open.pop(number, None) is None:
            return
        figures, state = self.figures, document.state
        figures.ended[status] += 1
        figures.appends.append(document.appends)
        figures.unknown += state.unknown
        figures.surplus += state.surplus
        told = state.answered + state.unknown + state.surplus
        figures.paid_more_than_told += max(0, document.paid - told)


class _Invocation:
    """One invocation of ``on_upload`` for a document of one page."""

    def __init__(self, world: World, number: int, document: _Document, owner: str, ends: float, dies: float) -> None:
        self._world, self._number, self._document = world, number, document
        self._owner, self._ends, self._dies, self._lines = owner, ends, dies, 0

    def run(self) -> Steps:
        """Return whether the document needs no other invocation of this event."""
        world, plan, state = self._world, self._world.plan, self._document.state
        yield from self._pass(plan.before)
        if not (yield from self._claimed()):
            return state.finished is not None
        yield from self._pass(world._policy.settle)
        yield from self._adopted()
        if not state.has_answer(1):
            if state.page(1).spent >= UNKNOWN_TRIES:
                return (yield from self._finished("dead"))
            if not world._budget.may_pay(world._env.now):
                return (yield from self._finished("held"))
            if not (yield from self._called()):
                yield from self._write("released")
                return False
        return (yield from self._finished("done"))

    @property
    def _left(self) -> float:
        return self._ends - self._world._env.now

    def _pass(self, seconds: float) -> Steps:
        yield from self._world.pause(seconds, self._dies)

    def _claimed(self) -> Steps:
        """Claim the document as ``Ledger.claim`` does; return whether it is claimed."""
        world, state = self._world, self._document.state
        until, tries = world._env.now + patience(self._left), 0
        while state.finished is None:
            known = len(state.lines)
            if not state.leases.held(world.now()):
                yield from self._pass(world.plan.storing)
                if known == len(state.lines):  # else the append met another one
                    self._take("claimed", lease_until=world.now() + timedelta(seconds=self._left))
                    return True
                continue
            if world._env.now >= until:
                return False
            yield from self._pass(busy_pause(tries))
            tries += 1
        return False

    def _adopted(self) -> Steps:
        """Settle the calls of owners that died: a stored answer counts, any other call may have been paid."""
        for page, line in self._document.state.orphans(self._owner):
            if line.owner in self._document.kept:
                yield from self._write("answered", page=page, of=line.owner, answer=line.owner)
            else:
                yield from self._write("unknown", page=page, of=line.owner, throttled=line.throttled)

    def _called(self) -> Steps:
        """Announce and make the call, as often as it may be made; return whether there is an answer."""
        world, plan, document = self._world, self._world.plan, self._document
        backoff = Backoff(world._policy, lambda: self._left)
        yield from self._write("calling", page=1)
        while True:
            while (wait := world._rate.wait(world._env.now)) > 0:
                yield from self._pass(wait)
            admitted = world._service.admits(world._env.now)
            world._rate.told(world._env.now, throttled=not admitted)
            if admitted:
                document.paid += 1
                began = world._env.now
                yield from self._pass(plan.call)
                yield from self._pass(plan.storing)
                document.kept.append(self._owner)
                world.figures.waits.append(began - document.uploaded)
                yield from self._write("answered", page=1, answer=self._owner)
                return True
            open_call = document.state.page(1).open
            if open_call is None or not open_call.throttled:
                yield from self._write("calling", page=1, throttled=True)
            again = backoff.after(throttled=True)
            if again is None:
                yield from self._write("refused", page=1)
                return False
            yield from self._pass(again)

    def _finished(self, status: str) -> Steps:
        yield from self._pass(self._world.plan.after)
        yield from self._write("finished", status=status)
        self._world._end(self._number, self._document, status)
        return True

    def _write(self, event: LineEvent, **values: Any) -> Steps:
        yield from self._pass(self._world.plan.storing)
        self._take(event, **values)

    def _take(self, event: LineEvent, **values: Any) -> None:
        self._lines += 1
        self._document.appends += 1
        self._document.state.take(Line(event, self._world.now(), self._owner, self._lines, **values))
