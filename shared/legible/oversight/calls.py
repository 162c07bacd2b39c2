"""The calls that a journal tells of, hour by hour: what is counted of a document. Values only.

A call is counted as ``State`` counts it: one that was told twice once, and one that became known later as what it was.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from typing import Literal, NamedTuple

from msgspec import Struct

from legible.errors import ThrottledError
from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model.sums import DocumentStanding
from legible.model.times import Moment
from legible.oversight.origins import Origin, Origins

#: What came of a call. ``answered``: billed, and the answer counts. ``surplus``: billed, the answer was not needed.
#: ``unknown``: no answer came, or an error as a success; perhaps billed. ``refused``: the service said no.
#: ``throttled``: a page that was turned away because there were too many calls, however often before its turn came.
#: ``adopted``: no call, an answer that another document of the same content paid for.
CallOutcome = Literal["answered", "surplus", "unknown", "refused", "throttled", "adopted"]
#: What is billed: only what was answered with 2xx (price page, ocr_12_0007).
BILLED = ("answered", "surplus")


class CallCount(Struct, frozen=True, array_like=True):
    """How many calls one document had in one minute of an hour, of one origin and outcome."""

    minute: int
    operation: str
    project: str
    route: str
    outcome: str
    count: int


class Ended(Struct, frozen=True, array_like=True):
    """How a document ended, of which origin, in which minute of the hour, and how many checks had failed then.

    ``told`` says that the journal's first hour tells how the document stands; version 0.2 did not say that yet.
    """

    status: str
    operation: str
    project: str
    route: str
    minute: int = 0
    findings: int = 0
    told: bool = False


class JournalHour(Struct, frozen=True, omit_defaults=True):
    """What one journal says of one hour.

    ``journal`` is its name (``changes.name_of``), ``at`` when it was read, ``n`` how many lines it had. Of two readings
    the later one counts. ``ended`` is the document's last end, if that was in this hour; ``stands`` is how it stands,
    if its journal began in this hour: so each document has one place in all lists, whatever becomes of it.
    """

    journal: str
    at: Moment
    n: int
    calls: tuple[CallCount, ...] = ()
    ended: Ended | None = None
    stands: DocumentStanding | None = None


class Whose(NamedTuple):
    """Whose journal it is: its name, the first folder of its document's key, and its name without an order, if any."""

    journal: str
    folder: str = ""
    plain: str = ""


class _Told(NamedTuple):
    """One call, when it was, by whom, the answer it brought, and whose it is."""

    at: datetime
    owner: str
    page: int
    outcome: CallOutcome
    answer: str
    origin: Origin


def hours(whose: Whose, state: State, at: datetime) -> dict[datetime, JournalHour]:
    """Return what a journal says of each hour in which it has a line.

    An hour without calls is there too: what was read of it earlier no longer counts.

    Args:
        whose: Which journal it is.
        state: Its lines.
        at: When they were read.
    """
    told = _Calls()
    for line in state.lines:
        told.take(line)
    counts: dict[datetime, Counter[tuple[int, str, str, str, CallOutcome]]] = {
        hour_of(line.at): Counter() for line in state.lines
    }
    for call in told.calls:
        counts.setdefault(hour_of(call.at), Counter())[(call.at.minute, *told.origin(call), call.outcome)] += 1
    end = told.state.finished
    ended = Ended(end.status or "", *told.counted, end.at.minute, end.findings, told=True) if end else None
    stands = DocumentStanding(ended.status if ended else "running", told.counted.operation, whose.folder, whose.plain)
    return {
        hour: JournalHour(
            whose.journal, at, len(state.lines),
            tuple(CallCount(*key, count) for key, count in sorted(found.items())),
            ended if end and hour_of(end.at) == hour else None,
            stands if hour_of(state.lines[0].at) == hour else None,
        )
        for hour, found in counts.items()
    }  # fmt: skip


def hour_of(at: datetime) -> datetime:
    """Return the hour (UTC) of a time."""
    return at.astimezone(timezone.utc).replace(minute=0, second=0, microsecond=0)


class _Calls:
    """The calls of a journal, found by what each line changes in its state."""

    def __init__(self) -> None:
        self.state = State()
        self.calls: list[_Told] = []
        self._origins = Origins()
        self._announced: dict[tuple[int, str], datetime] = {}

    @property
    def counted(self) -> Origin:
        """What the document as a whole counts under."""
        claim = self.state.counted_claim
        return Origin(claim.operation, claim.project, claim.route) if claim else Origin()

    def origin(self, call: _Told) -> Origin:
        """Return whose a call is; where nothing before it tells, because a claim is lost, that of the document."""
        return call.origin if any(call.origin) else self.counted

    def take(self, line: Line) -> None:
        if self.state.has(line):
            self.state.take(line)
            return
        self._origins.take(line)
        if not line.page:
            self.state.take(line)
            return
        page = self.state.page(line.page)
        answered, unknown, surplus, waits = page.answered, page.unknown, self.state.surplus, _waits(page.open, line)
        self.state.take(line)
        self._surplus(line, self.state.surplus - surplus)
        self._unknown(line, page.unknown - unknown)
        if answered is None and page.answered is not None:
            self._add(line, "adopted" if line.adopted else "answered")
        elif line.event == "refused" and _was_sent(line) and not waits:
            self._add(line, "refused")
        elif line.event in ("calling", "claimed"):
            self._calling(line)

    def _calling(self, line: Line) -> None:
        self._announced[line.page, line.owner] = line.at
        if line.throttled:
            self._add(line, "throttled")

    def _surplus(self, line: Line, more: int) -> None:
        if more > 0:
            self._add(line, "surplus")
        elif more < 0:
            self._drop(lambda call: call.outcome == "surplus" and call.answer == line.answer)

    def _unknown(self, line: Line, more: int) -> None:
        if more > 0:
            self._add(line, "unknown")
        elif more < 0:
            payer = line.of or line.owner
            self._drop(lambda call: (call.outcome, call.page, call.owner) == ("unknown", line.page, payer))

    def _add(self, line: Line, outcome: CallOutcome) -> None:
        """Add a call; what another owner found out about it later is told at the time at which it was announced."""
        owner = line.of or line.owner
        at = self._announced.get((line.page, owner), line.at) if line.of else line.at
        self.calls.append(_Told(at, owner, line.page, outcome, line.answer, self._origins.of(line)))

    def _drop(self, which: Callable[[_Told], bool]) -> None:
        """Remove the last call of those: it is known by now as something else."""
        self.calls.remove(next(call for call in reversed(self.calls) if which(call)))


def _waits(announced: Line | None, line: Line) -> bool:
    """Tell whether a line says once more that a page, which waited for its turn, was turned away."""
    mine = announced is not None and announced.owner == line.owner and announced.throttled
    return mine and line.reason is not None and line.reason.code == ThrottledError.code


def _was_sent(line: Line) -> bool:
    """Tell whether the service itself refused: what failed before or on the way has no code and no request."""
    return line.reason is not None and bool(line.reason.vendor_code or line.reason.request_id)


def merged(readings: Iterable[JournalHour]) -> dict[str, JournalHour]:
    """Return the latest reading of each journal."""
    latest: dict[str, JournalHour] = {}
    for reading in readings:
        known = latest.get(reading.journal)
        if known is None or (reading.at, reading.n) > (known.at, known.n):
            latest[reading.journal] = reading
    return latest
