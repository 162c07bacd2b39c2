"""Invocations at the same time, without chance: each in a thread, and only the one runs whose time comes first."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from legible.model.documents import ObjectRef
from tests.support.fakes import Clock, MemoryStore


class _Player:
    """One of those that work at the same time: until when it waits, and its turn."""

    def __init__(self, number: int, at: datetime) -> None:
        self.number, self.at = number, at
        self.turn = threading.Event()


class SharedClock(Clock):
    """Time that passes only when somebody waits, for several at once: whoever waits, another one goes on meanwhile."""

    def __init__(self) -> None:
        super().__init__()
        self._players: dict[int, _Player] = {}

    def run(self, *works: Callable[[], Any]) -> list[Any]:
        """Run all of them from now on; return what each returned or raised, in their order."""
        ends: list[Any] = [None] * len(works)
        ready = threading.Barrier(len(works) + 1)

        def play(player: _Player, work: Callable[[], Any]) -> None:
            self._players[threading.get_ident()] = player
            ready.wait(10)
            player.turn.wait(60)
            try:
                ends[player.number] = work()
            except BaseException as error:
                ends[player.number] = error
            del self._players[threading.get_ident()]
            self._next()

        threads = [
            threading.Thread(target=play, args=(_Player(number, self.at), work)) for number, work in enumerate(works)
        ]
        for thread in threads:
            thread.start()
        ready.wait(10)
        self._next()
        for thread in threads:
            thread.join(60)
        return ends

    def pause(self, seconds: float) -> None:
        player = self._players.get(threading.get_ident())
        if player is None:  # a helper's thread, for which its invocation waits: no time passes for it
            if not self._players:
                super().pause(seconds)
            return
        player.at = self.at + timedelta(seconds=seconds)
        player.turn.clear()
        self._next()
        player.turn.wait(60)

    def _next(self) -> None:
        if self._players:
            first = min(self._players.values(), key=lambda player: (player.at, player.number))
            self.at = max(self.at, first.at)
            first.turn.set()


class SlowStore(MemoryStore):
    """A store whose appends take a while: ``fastest`` to ``slowest`` seconds, drawn from a seed.

    What OBS does not exclude (obs_faq_0165): appends at one position that meet all succeed, and the one that ends last
    stands; whatever came after that position until then is overwritten.
    """

    def __init__(self, clock: Clock, seed: int, slowest: float, fastest: float = 0.02) -> None:
        super().__init__(clock)
        self.delays, self.range = random.Random(seed), (fastest, slowest)

    def append(self, ref: ObjectRef, position: int, body: bytes) -> int:
        self.fail("append", ref)
        before = self.appended_to(ref, position)
        self.clock.pause(self.delays.uniform(*self.range))
        self.land(ref, before, body)
        self.after("append", ref)
        return position + len(body)
