"""Claims, appends and calls as a small model, explored breadth-first over all its states: none is left out by chance.

Some invocations are delivered one document of one page, and each may be anywhere on its way; an append lands up to
``SPREAD`` after it was sent, and of several that meet the last one stands (obs_faq_0165); any step may be the last one
of an invocation; time passes whenever it likes. What a journal means, who holds it, whether a claim is in force, what
must be written again and what is told of a lost call is decided by the product's own pieces: ``State``, ``Leases``,
``Standing``. The model only has the order of steps, and the world around them.

One tick is a second of the model. Whoever outlives its lease is killed, as the platform does; with ``sleepers`` it is
not: it was asleep, and goes on.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from legible.ledger.journal import Line
from legible.ledger.journals import OpenJournal
from legible.ledger.standing import Standing
from legible.ledger.state import State
from legible.ports import Invocation
from tests.support.fakes import START

#: In ticks: how far apart appends that meet may be, the settling time, and how long a claim lasts.
SPREAD, SETTLE, LEASE = 1, 2, 6
#: So long nothing takes that goes on at all.
_ENOUGH = 100
#: Without leases they may claim for ever: then there is no end of states.
_MOST = 2_000_000
_NAMES = "ABC"
#: By which all of them pay.
_PLAN = "p"


class Rules(NamedTuple):
    """Which rules are in force; a test takes one away to see that it is missed."""

    settles: bool = True
    reads_back: bool = True
    heeds_leases: bool = True
    own_clocks: bool = False
    strict: bool = False
    sleepers: bool = False


class Payer(NamedTuple):
    """One invocation: where it is, when its last append was answered, what it knows, and what it wrote."""

    at: str = "look"
    since: int = 0
    length: int = 0
    ends: int = 0
    fence: int = 0
    first: bool = False
    mine: tuple[_Key, ...] = ()
    paid: int = 0
    tries: int = 0


class Sent(NamedTuple):
    """An append on its way: whose it is, since when, and after which lines it lands."""

    owner: int
    since: int
    before: tuple[Line, ...]
    line: Line


class World(NamedTuple):
    """Everything at one moment. ``stored`` are the owners whose answer is kept; ``crashes`` are yet to come."""

    now: int
    journal: tuple[Line, ...]
    sent: tuple[Sent, ...]
    payers: tuple[Payer, ...]
    stored: tuple[str, ...]
    holder: tuple[int, int]
    fence: int
    crashes: int
    #: How many died between a paid call and its stored answer.
    lost: int = 0


class Explored(NamedTuple):
    """How many states there were, and of the first that breaks a promise: which one, and the steps that lead to it."""

    states: int
    broken: str = ""
    trace: tuple[str, ...] = ()


def explore(rules: Rules, payers: int = 3, crashes: int = 1, until: int = 3) -> Explored:
    """Visit every state that can be reached, nearest first, and stop at one that breaks a promise.

    Args:
        rules: Which rules are in force.
        payers: How many invocations there are.
        crashes: How many of them may die at any step.
        until: When time stands still.
    """
    first = World(0, (), (), (Payer(),) * payers, (), (-1, 0), 0, crashes)
    came: dict[World, tuple[World | None, str]] = {first: (None, "")}
    queue = deque([first])
    while queue:
        world = queue.popleft()
        following = list(_steps(world, rules, until))
        broken = _broken(world, rules, ended=not following)
        if broken:
            return Explored(len(came), broken, _trace(came, world))
        if len(came) > _MOST:
            raise RuntimeError(f"There are more than {_MOST} states.")
        for text, after in following:
            if after not in came:
                came[after] = (world, text)
                queue.append(after)
    return Explored(len(came))


def _trace(came: dict[World, tuple[World | None, str]], world: World) -> tuple[str, ...]:
    steps: list[str] = []
    found: World | None = world
    while found is not None:
        found, text = came[found]
        steps.append(text)
    return tuple(reversed(steps[:-1]))


@lru_cache(maxsize=200_000)
def _state(journal: tuple[Any, ...]) -> State:
    return State(cast("tuple[Line, ...]", tuple(one.line for one in journal)))


class _Key:
    """A line that can be looked up: two of one name are one line."""

    __slots__ = ("line", "name")

    def __init__(self, line: Line) -> None:
        self.line = line
        self.name = (line.event, line.owner, line.n, line.of)

    def __hash__(self) -> int:
        return hash(self.name)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.name == other.name


def _name(world: World, number: int) -> str:
    """Return the name of an invocation's claim: each delivery has another one."""
    return f"{_NAMES[number]}{world.payers[number].tries}"


def _time(now: int) -> datetime:
    return START + timedelta(seconds=now)


def _standing(world: World, number: int) -> Standing:
    """Return the product's own judge of an invocation's lines, for the journal as it is now."""
    payer = world.payers[number]
    journal = SimpleNamespace(state=_state(world.journal), mine=[one.line for one in payer.mine], new=payer.first)
    name, n = _name(world, number), 1 + len(payer.mine)
    call = Invocation(name, lambda: 60.0, lambda: _time(world.now), lambda seconds: None, lambda *_, **__: None)
    standing = Standing(
        name, cast("OpenJournal", journal), call, float(SETTLE), _PLAN, itertools.count(10 * n).__next__
    )
    standing.first = payer.first
    standing.alone_until = _time(payer.ends) if payer.fence else None
    return standing


def _set(world: World, number: int, payer: Payer, **values: Any) -> World:
    payers = (*world.payers[:number], payer, *world.payers[number + 1 :])
    return world._replace(payers=payers, **values)


def _line(world: World, number: int, event: str, **values: Any) -> _Key:
    n = len(world.payers[number].mine) + 1
    return _Key(Line(event, _time(world.now), _name(world, number), n, **values))


def _steps(world: World, rules: Rules, until: int) -> Iterator[tuple[str, World]]:
    """Yield what can happen next, and what comes of it; after ``until`` nobody is slow any more, and nobody dies."""
    moves = list(_moves(world, rules))
    yield from moves
    if world.crashes and world.now < until:
        for number, payer in enumerate(world.payers):
            if payer.at not in ("dead", "done"):
                died = _killed(world, number, payer)
                yield f"{_name(world, number)} dies", died._replace(crashes=world.crashes - 1)
    waiting = any(payer.at not in ("dead", "done") for payer in world.payers)
    landing = any(world.now - sent.since >= SPREAD for sent in world.sent)
    if waiting and not landing and (world.now < until or not moves):
        yield "a second passes", world._replace(now=world.now + 1)


def _moves(world: World, rules: Rules) -> Iterator[tuple[str, World]]:
    for place, sent in enumerate(world.sent):
        yield _land(world, place, sent)
    for number, payer in enumerate(world.payers):
        if payer.at in ("dead", "done"):
            continue
        if payer.ends and world.now >= payer.ends and not rules.sleepers:
            yield f"{_name(world, number)} is ended by the platform", _killed(world, number, payer)
        elif not any(sent.owner == number for sent in world.sent):
            yield from _MOVES[payer.at](world, number, payer, rules)


def _killed(world: World, number: int, payer: Payer) -> World:
    return _set(world, number, payer._replace(at="dead"), lost=world.lost + (payer.at == "keep"))


def _land(world: World, place: int, sent: Sent) -> tuple[str, World]:
    """Let an append land: what was written after its position meanwhile is gone."""
    payer = world.payers[sent.owner]
    after = world._replace(journal=(*sent.before, sent.line), sent=world.sent[:place] + world.sent[place + 1 :])
    if payer.at != "dead":
        quick = world.now - sent.since < SETTLE
        first = payer.first and quick if payer.at == "claiming" else payer.first
        payer = payer._replace(mine=(*payer.mine, sent.line), since=world.now, first=first, at=_AFTER[payer.at])
        after = _set(after, sent.owner, payer)
    return f"the line {sent.line.line.event!r} of {sent.line.line.owner} lands", after


def _send(world: World, number: int, payer: Payer, line: _Key, at: str) -> tuple[str, World]:
    """Send an append after all lines that there are: it is checked when it is sent, and lands later."""
    sent = Sent(number, world.now, world.journal, line)
    text = f"{_name(world, number)} sends {line.line.event!r}"
    return text, _set(world, number, payer._replace(at=at), sent=(*world.sent, sent))


def _look(world: World, number: int, payer: Payer, rules: Rules) -> Iterator[tuple[str, World]]:
    """Read the journal, and ask for the document if nobody holds it."""
    state = _state(world.journal)
    if state.finished:
        yield f"{_name(world, number)} finds the result", _set(world, number, payer._replace(at="done"))
        return
    # An instance's own clock may be wrong by more than a lease.
    now = world.now + (LEASE + 1 if rules.own_clocks and number else 0)
    if rules.heeds_leases and state.leases.held(_time(now - 1)):  # a little later, as clocks differ
        return
    fence = 0
    if rules.strict:
        owner, ends = world.holder
        if owner not in (-1, number) and world.now < ends:
            return
        fence = max(world.fence, state.fence) + 1
        world = world._replace(holder=(number, world.now + LEASE + 1), fence=fence)
    after = payer._replace(
        at="claim", length=len(world.journal), ends=now + LEASE, fence=fence, first=not world.journal, mine=()
    )
    yield f"{_name(world, number)} sees that nobody holds it", _set(world, number, after)


def _claim(world: World, number: int, payer: Payer, rules: Rules) -> Iterator[tuple[str, World]]:
    if len(world.journal) != payer.length:  # the append's position is not the length any more
        yield f"{_name(world, number)} comes too late", _again(world, number, payer)
        return
    line = _line(world, number, "claimed", fence=payer.fence, lease_until=_time(payer.ends), pages=1)
    yield _send(world, number, payer, line, "claiming")


def _confirm(world: World, number: int, payer: Payer, rules: Rules) -> Iterator[tuple[str, World]]:
    """Look, after the settling time, whether the claim is in force, before anything is paid for."""
    standing = _standing(world, number)
    if rules.settles and not standing.alone and world.now - payer.since < SETTLE:
        return
    if rules.reads_back and not standing.in_force():
        yield f"{_name(world, number)} finds that its claim is gone", _again(world, number, payer)
        return
    yield f"{_name(world, number)} finds its claim in force", _set(world, number, payer._replace(at="adopt"))


def _adopt(world: World, number: int, payer: Payer, rules: Rules) -> Iterator[tuple[str, World]]:
    """Settle the call of somebody who died, by the answer that it stored or as possibly paid; then announce one."""
    name = _name(world, number)
    standing, state = _standing(world, number), _state(world.journal)
    if rules.reads_back and standing._given_way():
        yield f"{name} gives way", _again(world, number, payer)
        return
    named = {line.answer for line in state.lines}
    announced = [line.owner for _, line in state.orphans(name)]
    unnamed = [owner for owner in world.stored if owner != name and owner not in {*named, *announced}]
    for owner in ([] if payer.first else [*announced, *unnamed])[:1]:
        if owner in world.stored:
            event = "surplus" if state.has_answer(1) else "answered"
            yield _send(world, number, payer, _line(world, number, event, page=1, of=owner, answer=owner), "adopting")
        else:
            yield _send(world, number, payer, _line(world, number, "unknown", page=1, of=owner), "adopting")
        return
    lost = [line for line in state.lines if line.event == "surplus" and line.plan == _PLAN]
    if lost and not state.page(1).known:  # who paid for it only lost its claim
        line = _line(world, number, "answered", page=1, of=lost[0].owner, answer=lost[0].answer)
        yield _send(world, number, payer, line, "adopting")
    elif state.page(1).known:
        yield f"{name} finds the page answered", _set(world, number, payer._replace(at="finish"))
    elif name in world.stored:
        yield f"{name} has an answer", _set(world, number, payer._replace(at="tell"))
    else:
        yield _send(world, number, payer, _line(world, number, "calling", page=1), "calling")


def _pay(world: World, number: int, payer: Payer, rules: Rules) -> Iterator[tuple[str, World]]:
    yield f"{_name(world, number)} pays", _set(world, number, payer._replace(at="keep", paid=payer.paid + 1))


def _keep(world: World, number: int, payer: Payer, rules: Rules) -> Iterator[tuple[str, World]]:
    stored = tuple(sorted({*world.stored, _name(world, number)}))
    yield f"{_name(world, number)} stores its answer", _set(world, number, payer._replace(at="tell"), stored=stored)


def _tell(world: World, number: int, payer: Payer, rules: Rules) -> Iterator[tuple[str, World]]:
    """Say what was paid for: the answer that counts, or a surplus call where the claim was lost."""
    name, state = _name(world, number), _state(world.journal)
    standing = _standing(world, number)
    others = {line.answer for line in state.lines if line.owner != name}
    if not rules.reads_back or standing.in_force() and not state.has_answer(1):
        yield _send(world, number, payer, _line(world, number, "answered", page=1, answer=name), "answering")
    elif name in others:  # whoever took it for dead has said so
        yield f"{name} finds its answer told", _set(world, number, payer._replace(at="leave"))
    else:
        line = _line(world, number, "surplus", page=1, answer=name, plan=_PLAN)
        yield _send(world, number, payer, line, "leaving")


def _leave(world: World, number: int, payer: Payer, rules: Rules) -> Iterator[tuple[str, World]]:
    """See after a while that what was paid for is told, and go."""
    yield from _settled(world, number, payer, rules, "done", "leaving")


def _finish(world: World, number: int, payer: Payer, rules: Rules) -> Iterator[tuple[str, World]]:
    if not _standing(world, number).in_force():
        yield f"{_name(world, number)} may not end it", _set(world, number, payer._replace(at="leave"))
        return
    yield _send(world, number, payer, _line(world, number, "finished", status="done"), "finishing")


def _ended(world: World, number: int, payer: Payer, rules: Rules) -> Iterator[tuple[str, World]]:
    yield from _settled(world, number, payer, rules, "done", "finishing")


def _settled(
    world: World, number: int, payer: Payer, rules: Rules, done: str, again: str
) -> Iterator[tuple[str, World]]:
    """Wait for the settling time, and write again what an append has overwritten, as the product's own judge says."""
    if rules.settles and world.now - payer.since < SETTLE:
        return
    standing = _standing(world, number)
    if rules.reads_back and (swallowed := standing._swallowed()):
        # What is not sent yet is missing still, and found the next time.
        mine = tuple(_Key(line) for line in [*standing._journal.mine, *swallowed[1:]])
        yield _send(world, number, payer._replace(mine=mine), _Key(swallowed[0]), again)
        return
    after = payer._replace(at=done)
    yield (
        f"{_name(world, number)} goes",
        _again(world, number, payer) if again == "leaving" else _released(world, number, after),
    )


def _again(world: World, number: int, payer: Payer) -> World:
    """Let an invocation that gave way be delivered again."""
    return _released(world, number, Payer(tries=payer.tries + 1, paid=payer.paid))


def _released(world: World, number: int, payer: Payer) -> World:
    holder = (-1, 0) if world.holder[0] == number else world.holder
    return _set(world, number, payer, holder=holder)


#: What an invocation does next, by where it is.
_MOVES: dict[str, Callable[[World, int, Payer, Rules], Iterator[tuple[str, World]]]] = {
    "look": _look, "claim": _claim, "confirm": _confirm, "adopt": _adopt, "pay": _pay, "keep": _keep, "tell": _tell,
    "leave": _leave, "finish": _finish, "ended": _ended,
}  # fmt: skip
#: Where it is when an append was answered.
_AFTER = {
    "claiming": "confirm", "adopting": "adopt", "calling": "pay", "answering": "finish", "leaving": "leave",
    "finishing": "ended",
}  # fmt: skip


def _broken(world: World, rules: Rules, *, ended: bool) -> str:
    """Return which promise a state breaks; empty for none."""
    paid, state = sum(payer.paid for payer in world.payers), _state(world.journal)
    if paid > 1 + world.lost and not rules.sleepers:
        return f"the page was paid for {paid} times, and {world.lost} died before an answer was stored"
    claims = {line.owner: line.fence for line in state.lines if line.event == "claimed"}
    if rules.strict and claims.get(state.leases.owner, state.fence) < state.fence:
        return "a claim is in force although what it claims was given to somebody else since"
    if not ended and world.now < _ENOUGH:
        return ""
    if any(payer.at != "dead" for payer in world.payers) and not state.finished:
        return "nobody goes on with the document"
    told = {line.answer for line in state.lines}
    if any(owner not in told for owner in world.stored):
        return "an answer is lost"
    counted = state.answered + state.unknown + state.surplus
    if paid > counted:
        return f"{paid} calls were paid for, and {counted} are counted"
    return ""
