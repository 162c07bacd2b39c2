"""Uploads that are held up until something outside is mended, and the walk that lets them go when it is.

What holds them up is asked about once for all of them, not once a document. When it is gone, they are moved to the
waiting room, due at once, a few at first and then ever more in one walk: if what was asked does not hold for the
documents after all, few of them find out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Literal

import msgspec
from msgspec import Struct, structs

from legible.errors import DocumentError, ObjectGoneError
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document, Upload
from legible.operations.catalog import OPERATIONS
from legible.operations.operation import Task
from legible.operations.routing import Routing
from legible.pipeline.obstacles import Kind, KnownObstacle, Obstacle, blocks, obstacle_of
from legible.pipeline.waiting import AGE, LADDER, ParkedUpload, WaitingRoom, upload_name
from legible.ports import Invocation, ObjectStore, Site

_JSON = "application/json"
#: How many documents are let go in the first walk after an obstacle is gone, and in one walk at most.
FIRST, MOST = 10, 160
#: How long a walk lasts, in seconds: others share the minute; and how much an invocation keeps for its end.
_WALK_SECONDS, _SPARE_SECONDS = 12.0, 2.0

#: What is found out about an obstacle: it is gone, it is there, or that cannot be told by asking.
Finding = Literal["gone", "there", "unclear"]


class Holding:
    """Keeps uploads that are held up, each with its obstacle.

    Args:
        site: Its output bucket holds them.
        call: The invocation: gives the time.
        rules: The rules by which keys are routed: what they say of projects may be the obstacle.
    """

    def __init__(self, site: Site, call: Invocation, rules: Routing) -> None:
        """Keep nothing yet."""
        self._site = site
        self._call = call
        self._rules = rules

    @property
    def settings(self) -> str:
        """The hash of what the settings say of enterprise projects, and of where operations are called."""
        rules = self._rules
        said = [rules.projects, rules.project, rules.region, rules.routes, rules.operations]
        return Obstacle("settings", msgspec.json.encode(said, order="sorted").decode()).name

    def obstacle_of(self, error: DocumentError, task: Task | None) -> Obstacle | None:
        """Return what holds a document up; None where its error is of another kind."""
        return obstacle_of(error, task, self.settings)

    def keep(self, obstacle: Obstacle, upload: Upload, document: Document) -> None:
        """Keep an upload until an obstacle is gone.

        Raises:
            HeldError: The bucket refuses the object.
            UnavailableError: The store has a passing fault.
        """
        parked = ParkedUpload(structs.replace(upload, wait=None), document.version, self._call.now() + AGE)
        self._write(layout.held(obstacle.name, upload_name(upload, document)), parked)
        known = self.known(obstacle)
        if known is None or known.gone:  # also where it is there again
            self.put(structs.replace(known or KnownObstacle(obstacle), gone=False), again=True)

    def takes_over(self, parked: ParkedUpload, state: State) -> bool:
        """Tell whether an upload in the waiting room is held up since it was put there, and need not wait there, too.

        One that version 0.1 left there is kept here first.

        Raises:
            HeldError: The bucket refuses the object.
            UnavailableError: The store has a passing fault.
        """
        end = state.finished
        reason = end.reason if end else None
        if end is None or reason is None or not reason.passes or end.status == "done":
            return False
        kind = blocks(reason.code, reason.vendor_code)
        if kind is None or (parked.released is not None and end.at <= parked.released):
            return False
        if parked.released is None and kind == "operation" and state.operation in OPERATIONS:
            obstacle = Obstacle(kind, state.operation, self._rules.region_of(state.operation))
            self.keep(obstacle, parked.upload, parked.document)
        return True

    def known(self, obstacle: Obstacle) -> KnownObstacle | None:
        """Return what is known of an obstacle; None if nothing waits for it."""
        return self._noted(layout.obstacle(obstacle.name)) or None

    def obstacles(self) -> list[KnownObstacle]:
        """Return all obstacles that uploads wait for, those first that are to be looked at first."""
        return self.looked_through()[0]

    def looked_through(self) -> tuple[list[KnownObstacle], list[str]]:
        """Return the same, and the names of obstacles of which nobody can read what they are."""
        found, odd = [], []
        for item in self._store.list(self._site.output, layout.obstacle()):
            known = self._noted(item.key)
            if isinstance(known, KnownObstacle):
                found.append(known)
            else:  # None: another walk forgot it just now
                name = item.key.removeprefix(layout.obstacle()).removesuffix(".json")
                odd += [name] if known is False else []
        return sorted(found, key=lambda known: known.next or self._call.now()), odd

    def put(self, known: KnownObstacle, *, again: bool = False) -> None:
        """Note what is known of an obstacle; ``again``: it was there once more, and is looked at after a while."""
        if again:
            wait = timedelta(seconds=LADDER[min(known.asked, len(LADDER) - 1)])
            known = structs.replace(known, asked=known.asked + 1, next=self._call.now() + wait, together=0)
        self._write(layout.obstacle(known.obstacle.name), known)

    def drop(self, known: KnownObstacle) -> None:
        """Forget an obstacle that nothing waits for; if something came meanwhile, it stays."""
        self._store.remove(self._site.in_output(layout.obstacle(known.obstacle.name)))
        if self.waits(known.obstacle):
            self.put(known)

    def waits(self, obstacle: Obstacle) -> bool:
        """Tell whether any upload waits for an obstacle to go."""
        return any(True for _ in self.uploads(obstacle.name))

    def uploads(self, name: str) -> Iterator[str]:
        """Yield the keys of the uploads that the obstacle of that name holds up."""
        for item in self._store.list(self._site.output, layout.held(name)):
            yield item.key

    def let_go(self, key: str, room: WaitingRoom) -> bool:
        """Move an upload to the waiting room, where it is due now; tell whether it was there and could be read."""
        ref = self._site.in_output(key)
        try:
            parked = msgspec.json.decode(self._store.read(ref), type=ParkedUpload)
        except ObjectGoneError:
            return False
        except ValueError as error:
            self._call.log("held-unreadable", key=key, kind=type(error).__name__)
            return False
        now = self._call.now()
        due = structs.replace(parked, until=now + AGE, released=now)
        room.keep(due, upload_name(due.upload, due.document), due=now)
        self._store.remove(ref)
        return True

    @property
    def _store(self) -> ObjectStore:
        return self._site.store

    def _write(self, key: str, value: Struct) -> None:
        self._store.write(self._site.in_output(key), msgspec.json.encode(value), _JSON)

    def _noted(self, key: str) -> KnownObstacle | Literal[False] | None:
        """Return what is noted of an obstacle; None if nothing is there, False if it cannot be read.

        Raises:
            UnavailableError: The store has a passing fault.
        """
        try:
            return msgspec.json.decode(self._store.read(self._site.in_output(key)), type=KnownObstacle)
        except ObjectGoneError:
            return None
        except (ValueError, DocumentError) as error:  # something else, or the bucket refuses this one object
            self._call.log("obstacle-unreadable", key=key, kind=type(error).__name__)
            return False


class ReleaseReport(Struct):
    """The result of a walk: obstacles that are there yet, uploads that were let go, obstacles left for lack of time."""

    there: int = 0
    let_go: int = 0
    left: int = 0


class Release:
    """Lets uploads go whose obstacle is gone.

    Args:
        holding: Where they are held.
        room: Gets those that are let go.
        ask: Find out about obstacles, by their kind; each is asked once a walk at most, ever less often.
        call: The invocation: gives the time, the time left, and the log.
    """

    def __init__(
        self,
        holding: Holding,
        room: WaitingRoom,
        ask: Mapping[Kind, Callable[[Obstacle], Finding]],
        call: Invocation,
    ) -> None:
        """Walk nowhere yet."""
        self._holding = holding
        self._room = room
        self._ask = ask
        self._call = call
        self._end = 0.0

    def walk(self) -> ReleaseReport:
        """Look at the obstacles that are due, and let go what waits for those that are gone, so many at a time.

        Raises:
            LegibleError: The bucket cannot be listed or written to.
        """
        report = ReleaseReport()
        self._end = max(self._call.remaining() - _WALK_SECONDS, _SPARE_SECONDS)
        obstacles, odd = self._holding.looked_through()
        for known in obstacles:
            if self._late():
                report.left += 1
            else:
                self._look(known, report)
        # What is waited for cannot be told: one document a walk finds out, and notes it anew if it is held up again.
        for name in odd:
            report.let_go += self._let_go(self._holding.uploads(name), 1)[0]
            report.there += 1
        return report

    def _late(self) -> bool:
        return self._call.remaining() < self._end

    def _look(self, known: KnownObstacle, report: ReleaseReport) -> None:
        now = self._call.now()
        if not known.gone and known.next is not None and now < known.next:
            report.there += 1
            return
        if not self._holding.waits(known.obstacle):
            self._holding.drop(known)
            return
        finding: Finding = "gone" if known.gone else self._found(known.obstacle)
        if finding != "gone":
            # Where asking does not tell, one document finds out for all.
            waiting = self._holding.uploads(known.obstacle.name)
            report.let_go += self._let_go(waiting, 1)[0] if finding == "unclear" else 0
            report.there += 1
            self._holding.put(known, again=True)
            return
        together = min(max(known.together * 2, FIRST), MOST)
        count, all_gone = self._let_go(self._holding.uploads(known.obstacle.name), together)
        report.let_go += count
        after = structs.replace(known, gone=True, together=together)
        self._holding.drop(after) if all_gone else self._holding.put(after)

    def _found(self, obstacle: Obstacle) -> Finding:
        finding = self._ask[obstacle.kind](obstacle)
        self._call.log("obstacle", kind=obstacle.kind, subject=obstacle.subject, region=obstacle.region, found=finding)
        return finding

    def _let_go(self, waiting: Iterator[str], most: int) -> tuple[int, bool]:
        """Let uploads go, so many at most; return how many, and whether these were all."""
        count = 0
        for key in waiting:
            if count == most or self._late():
                return count, False
            count += self._holding.let_go(key, self._room)
        return count, True
