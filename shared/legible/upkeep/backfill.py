"""A backfill: the documents of an existing bucket go through the functions, a bounded number of them at a time.

Documents never pass through here: a function is called for each, and told its key. What is about to be sent is written
down before it is, so that a death at any point leaves no document out; a document that is sent twice is paid for once,
by its journal. The limits are held against what journals say was called for, and, of documents that are under way,
against what their like has taken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from msgspec import Struct, structs

from legible.errors import BusyError, UnavailableError
from legible.model.backfills import Backfill, BackfillReport, SentDocument
from legible.model.documents import Upload
from legible.ports import Invocation, Relay, Site
from legible.results.publication import Published
from legible.upkeep.expected import Expected
from legible.upkeep.limits import Price, affordable
from legible.upkeep.manifest import FIRST_LOOK, Ahead, Manifests, UnderWay
from legible.upkeep.sent import UNBEGUN, SentDocuments
from legible.workbooks.listing import Candidate, Selector

#: How many documents are under way at once, unless told otherwise: half of the calls at once that an account may make
#: if no more were granted (functiongraph_01_0150).
IN_FLIGHT = 50
#: How long somebody else who died is waited for, in seconds, and how often who lives writes that, at least.
_LEASE_SECONDS, _SAVED_SECONDS = 15.0, 5.0
#: How many documents are sent, and looked at, at once; how many are looked at ahead.
_AT_ONCE, _AHEAD = 8, 64
#: Seconds between two rounds.
_PAUSE = 0.5


class BackfillLimits(Struct, frozen=True):
    """What a backfill may cost, in the currency of the settings or in calls, and how many documents are under way."""

    cost: Decimal | None = None
    calls: int | None = None
    in_flight: int = IN_FLIGHT


class BackfillTools(NamedTuple):
    """What a backfill works with: who finds documents, who tells of them, who reads them, and what calls cost.

    ``operation`` returns the slug of the operation that reads a key; empty where none does.
    """

    selector: Selector
    sent: SentDocuments
    relay: Relay
    operation: Callable[[str], str]
    price: Price


class BackfillRun:
    """One session of a backfill: begins it, or goes on where the last session ended.

    Args:
        site: Where documents and results are.
        call: The invocation: gives its name, the time, and a way to wait.
        tools: What it works with.
        backfill: What is known of it so far.
        limits: How much it may cost.
    """

    def __init__(
        self, site: Site, call: Invocation, tools: BackfillTools, backfill: Backfill, limits: BackfillLimits
    ) -> None:
        """Send nothing yet."""
        self._manifests = Manifests(site)
        self._site = site
        self._call = call
        self._tools = tools
        self._limits = limits
        self._before = structs.replace(backfill, finished=None, stopped="")
        self._after = backfill.after
        self._under_way = {one.key: UnderWay(one, again=True) for one in backfill.under_way}
        self._known, self._sent = backfill.known, backfill.sent
        self._ended, self._calls = Counter(backfill.ended), Counter(backfill.calls)
        #: What this session's documents were called for: its price is what they cost beyond what was spent before.
        self._session = Counter[str]()
        self._expected = Expected()
        self._saved_at: datetime | None = None

    def total(self) -> int:
        """Return how many documents were not looked at yet, ended or not, and those under way. Raises as ``run``."""
        return sum(1 for _ in self._tools.selector.uploads(self._before.prefix, self._after)) + len(self._under_way)

    def preview(self) -> Iterator[bool]:
        """Yield, of each document that was not looked at, whether it has ended; send nothing. Raises as ``run``."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _, published in self._candidates(pool):
                yield published is not None

    def run(
        self, tell: Callable[[BackfillReport], None] = lambda report: None, stopping: Callable[[], bool] = lambda: False
    ) -> BackfillReport:
        """Send documents until all have ended, a limit is reached, or it is stopped.

        Args:
            tell: Is told how far it is.
            stopping: Says that no more is to be sent; what is under way ends by itself, and a next session counts it.

        Raises:
            BusyError: Another session of it is at work.
            SettingsError: There is a limit to the cost, and an operation without a price.
            HeldError: The functions may not be called, or a bucket refuses.
            UnavailableError: The store has a passing fault; begin again.
        """
        self._take_over()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            waiting = Ahead(self._candidates(pool))
            while True:
                moved = self._look(pool)
                why = self._fill(waiting, pool)
                tell(self.report)
                if stopping():
                    return self._close("interrupted")
                if not self._under_way and why:
                    return self._close("" if why == "all" else why)
                if not moved:
                    self._call.pause(_PAUSE)
                if self._late():
                    self._save()

    @property
    def report(self) -> BackfillReport:
        """How far it is."""
        cost = self._tools.price(self._session)
        amount = None if cost.amount is None else cost.amount + self._before.spent
        return BackfillReport(self._state(), structs.replace(cost, calls=self._calls.total(), amount=amount))

    def _take_over(self) -> None:
        """Wait until the session before, if it died, would have said that it lives."""
        known: Backfill | None = self._before
        until = known.until if known else None
        while known and known.owner not in ("", self._call.owner) and until is not None and self._call.now() < until:
            self._call.pause(_PAUSE)
            known = self._manifests.load(self._before.name)
            if known is not None and known.until is not None and known.until > until:
                raise BusyError(
                    f"The backfill {known.name} is at work elsewhere.", advice="Stop it there, or wait until it ends."
                )
        self._save()

    def _candidates(self, pool: ThreadPoolExecutor) -> Iterator[tuple[Candidate, Published | None]]:
        """Yield the documents that were not looked at yet, in the order of keys, each with its results."""
        uploads = self._tools.selector.uploads(self._before.prefix, self._after)
        while some := list(islice(uploads, _AHEAD)):
            looked = pool.map(lambda one: self._tools.sent.ended(one.key, one.uploaded_at), some)
            yield from zip(some, looked, strict=True)

    def _look(self, pool: ThreadPoolExecutor) -> bool:
        """Look at documents under way that are due; tell whether any has ended."""
        now = self._call.now()
        due = [one for one in self._under_way.values() if one.due is None or one.due <= now]
        ended = 0
        for one, end in zip(due, pool.map(self._end, due), strict=True):
            if end is None:
                continue
            status, calls = end
            ended += 1
            del self._under_way[one.sent.key]
            self._ended[status] += 1
            self._calls[one.sent.operation] += calls
            self._session[one.sent.operation] += calls
            self._expected.learn(one.sent, calls)
        return bool(ended)

    def _end(self, one: UnderWay) -> tuple[str, int] | None:
        """Return how a document ended, and how many calls it took; have it sent once more where its event was lost."""
        now = self._call.now()
        published = self._tools.sent.ended(one.sent.key, one.sent.uploaded_at)
        calls = self._tools.sent.calls(one.sent, published) if published is not None else None
        if published is not None and calls is not None:
            return published.status, calls
        one.later(now)
        if (one.again or now - one.sent.at >= UNBEGUN) and self._tools.sent.lost(one.sent, again=one.again):
            self._send(one)
        one.again = False
        return None

    def _fill(self, waiting: Ahead, pool: ThreadPoolExecutor) -> str:
        """Send documents as long as there are few under way; return why there is none to be sent: ``all``, a limit."""
        batch, why = list[UnderWay](), ""
        while not why and len(self._under_way) < self._limits.in_flight and len(batch) < _AHEAD:
            found = waiting.first()
            if found is None:
                why = "all"
                break
            candidate, published = found
            sent = self._planned(candidate)
            why = "" if published is not None else self._refusal(sent)
            if why:
                break
            waiting.take()
            self._after = candidate.key
            self._known += published is not None
            if published is None:
                batch.append(UnderWay(sent))
                self._under_way[sent.key] = batch[-1]
        if batch:
            self._sent += len(batch)
            self._save()  # before anything is sent
            list(pool.map(self._send, batch))
        return why

    def _planned(self, candidate: Candidate) -> SentDocument:
        operation = self._tools.operation(candidate.key)
        return SentDocument(
            candidate.key, candidate.etag, candidate.length or 0, candidate.uploaded_at, operation, self._call.now()
        )

    def _refusal(self, sent: SentDocument) -> str:
        """Say which limit would be passed if one more document were sent; empty for none."""
        if self._limits.cost is None and self._limits.calls is None:
            return ""
        under_way = [one.sent for one in self._under_way.values()]
        ahead = Counter[str]()
        for one in (*under_way, sent):
            ahead[one.operation] += self._expected.calls(one)
        if self._limits.calls is not None and self._calls.total() + ahead.total() > self._limits.calls:
            return "max-calls"
        if self._limits.cost is not None:
            cost = affordable(self._tools.price(self._session + ahead)) + self._before.spent
            return "max-cost" if cost > self._limits.cost else ""
        return ""

    def _send(self, one: UnderWay) -> None:
        """Call the function for a document; where the platform takes no call now, it is sent at a later look."""
        ref, now = self._site.in_input(one.sent.key), self._call.now()
        one.due, one.again = now + timedelta(seconds=FIRST_LOOK), False
        upload = Upload(ref, etag=one.sent.etag, size=one.sent.size, at=now, run=self._before.name)
        try:
            self._tools.relay.hand_on(upload)
        except UnavailableError:
            one.again = True

    def _late(self) -> bool:
        return self._saved_at is None or (self._call.now() - self._saved_at).total_seconds() >= _SAVED_SECONDS

    def _save(self) -> None:
        now = self._call.now()
        until = now + timedelta(seconds=_LEASE_SECONDS)
        self._manifests.save(structs.replace(self._state(), owner=self._call.owner, until=until))
        self._saved_at = now

    def _close(self, stopped: str) -> BackfillReport:
        """Keep where it ended, so that a next session goes on at once."""
        finished = None if stopped else self._call.now()
        self._before = structs.replace(self._before, finished=finished, stopped=stopped, owner="", until=None)
        self._manifests.save(self._state())
        return self.report

    def _state(self) -> Backfill:
        amount = self._tools.price(self._session).amount
        return structs.replace(
            self._before,
            after=self._after,
            under_way=tuple(one.sent for one in self._under_way.values()),
            known=self._known,
            sent=self._sent,
            ended=dict(self._ended),
            calls=dict(self._calls),
            spent=self._before.spent + (amount or 0),
        )
