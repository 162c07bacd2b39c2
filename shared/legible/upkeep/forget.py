"""Forgetting: everything of a document is removed from both buckets, and a tombstone without personal data is left.

A note is written first. Then the document's journals are closed, so that nothing is read again; the upload is removed,
so that nothing can be made anew; and everything that holds values, own and shared. The journals stay for a while: what
ran at that moment finds them closed, and what they counted is counted. Then everything is looked through once more, the
journals go, the tombstone is set, and the note is removed last. A run that dies at any step is ended by the next one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from msgspec import Struct, structs

from legible.ledger.changes import Changes, name_of
from legible.ledger.closing import close, held
from legible.ledger.journals import Journals
from legible.ledger.state import State
from legible.ledger.tombstones import PENDING, Erasure, Tombstones
from legible.model import layout
from legible.model.documents import Document
from legible.ports import Invocation, Site
from legible.ports.versions import ListedVersion
from legible.upkeep.eraser import Eraser
from legible.upkeep.forgotten_files import ForgottenFiles
from legible.upkeep.traces import DocumentTraces

#: How many documents are forgotten together: what many share is looked through once for all of them.
BATCH, _AT_ONCE = 100, 4
#: How long journals stay closed before they go: no invocation that began before works longer (as ``notices.sender``).
QUIET = timedelta(hours=1)
#: No further batch is begun when this much time is left, in seconds.
RESERVE = 60.0


class Asked(Struct, frozen=True):
    """Who asked for it, and why; ``at`` is when: what is uploaded later is another document. ``keep``: what stays."""

    by: str
    at: datetime
    reason: str = ""
    keep: tuple[str, ...] = ()


class Refused(NamedTuple):
    """A document that is being read, and until when at the latest; None where nobody knows."""

    key: str
    until: datetime | None


class ForgetReport(Struct):
    """What came of it.

    ``emptied`` documents have no values any more; of these so many ``wait`` until their journals may go; ``forgotten``
    ones are gone altogether. ``unknown`` keys name nothing. ``refused`` are being read. ``objects`` were removed, and
    these ``files`` over many documents ``built`` again, or ``gone``. ``left`` were not come to for lack of time.
    """

    emptied: int = 0
    waiting: int = 0
    forgotten: int = 0
    unknown: int = 0
    objects: int = 0
    left: int = 0
    refused: tuple[Refused, ...] = ()
    built: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()


class ForgetTools(NamedTuple):
    """What forgetting works with.

    ``counted`` returns what a journal counted, and ``mark`` has it counted. ``settle`` is after how many seconds a
    journal is read back, ``quiet`` how long journals stay closed.
    """

    traces: DocumentTraces
    eraser: Eraser
    files: ForgottenFiles
    journals: Journals
    tombstones: Tombstones
    counted: Callable[[Document, State], Iterable[dict[str, Any]]]
    mark: Callable[[Document], None]
    settle: float
    quiet: timedelta = QUIET


class Forgetting:
    """Forgets documents.

    Args:
        site: The buckets.
        call: The invocation: gives its name, time, the time left, and the log.
        tools: What it works with.
        batch: How many documents are forgotten together.
    """

    def __init__(self, site: Site, call: Invocation, tools: ForgetTools, batch: int = BATCH) -> None:
        """Forget nothing yet."""
        self._site = site
        self._call = call
        self._tools = tools
        self._batch = batch

    def forget(
        self, keys: Iterable[str], asked: Asked, tell: Callable[[int], None] = lambda count: None
    ) -> ForgetReport:
        """Forget documents.

        Args:
            keys: Their keys; each may come more than once.
            asked: Who asked, and why.
            tell: Is told of how many documents it was begun.

        Raises:
            HeldError: A bucket refuses; what was begun is gone on with by the next run.
            UnavailableError: The store has a passing fault, likewise.
        """
        self._tools.eraser.restore()
        report, keys = ForgetReport(), iter(keys)
        while batch := list(islice(keys, self._batch)):
            if self._call.remaining() < RESERVE:
                report.left += len(batch)
                break
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                begun = list(pool.map(lambda key: self._begin(key, asked), dict.fromkeys(batch)))
            self._take([one for one in begun if isinstance(one, Erasure)], report)
            report.refused += tuple(one for one in begun if isinstance(one, Refused))
            report.unknown += begun.count(None)
            tell(report.emptied + report.unknown + len(report.refused))
        return self._ended(report)

    def resume(self) -> ForgetReport:
        """Go on with every document that is being forgotten. Raises as ``forget`` does."""
        self._tools.eraser.restore()
        report = ForgetReport()
        notes = (item.key for item in self._site.store.list(self._site.output, PENDING))
        while batch := list(islice(notes, self._batch)):
            if self._call.remaining() < RESERVE:
                report.left += len(batch)
                break
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                noted = [one for one in pool.map(self._tools.tombstones.noted, batch) if one is not None]
                begun = list(pool.map(self._closed, noted))
            self._take([one for one in begun if isinstance(one, Erasure)], report)
            report.refused += tuple(one for one in begun if isinstance(one, Refused))
        return self._ended(report)

    def look(self, key: str, asked: Asked) -> Refused | bool:
        """Tell whether there is anything of a document, or why it cannot be forgotten now; nothing is changed."""
        found = self._tools.traces.find(key, asked.at)
        return self._running(key, found.versions) or not found.nothing

    def _begin(self, key: str, asked: Asked) -> Erasure | Refused | None:
        """Note a document, and close its journals; None where there is nothing of it."""
        noted = self._tools.tombstones.pending(key)
        if noted is not None and not (noted.keep and not asked.keep):
            return self._closed(noted)
        found = self._tools.traces.find(key, asked.at)
        if found.nothing:
            return None
        running = self._running(key, found.versions)
        if running is not None:
            return running
        erasure = Erasure(key, asked.at, asked.by, asked.reason, keep=asked.keep)
        self._tools.tombstones.note(erasure)
        return self._closed(erasure)

    def _running(self, key: str, versions: Iterable[str]) -> Refused | None:
        for version in versions:
            state = self._tools.journals.salvaged(Document(self._site.input, key, version))
            if held(state, self._call):
                return Refused(key, state.leases.busy_until)
        return None

    def _closed(self, erasure: Erasure) -> Erasure | Refused:
        """Close the journals of a document, and note what they counted. One that is thinned out is not closed."""
        if erasure.emptied is not None or erasure.closing:
            return erasure
        versions = erasure.versions or self._tools.traces.find(erasure.key, erasure.at).versions
        states = dict[str, State]()
        for document in (Document(self._site.input, erasure.key, version) for version in versions):
            uploaded_at = self._tools.journals.salvaged(document).uploaded_at
            if uploaded_at is not None and int(uploaded_at.timestamp()) > erasure.at.timestamp():
                continue  # it came later: another document
            if erasure.keep:
                states[document.version] = self._tools.journals.salvaged(document)
            else:
                states[document.version] = close(self._tools.journals, document, self._call, self._tools.settle)
            if held(states[document.version], self._call):
                return Refused(erasure.key, states[document.version].leases.busy_until)
        for version, state in states.items():
            if state.lines and not erasure.keep:
                self._tools.mark(Document(self._site.input, erasure.key, version))
        contents = erasure.contents or self._tools.traces.contents(erasure.key, erasure.at)
        closed = structs.replace(
            erasure, versions=tuple(states), contents=contents, **self._summed(erasure.key, states)
        )
        self._tools.tombstones.note(closed)
        return closed

    def _summed(self, key: str, states: dict[str, State]) -> dict[str, Any]:
        lines = [line for state in states.values() for line in state.lines]
        return {
            "counts": tuple(
                one
                for version, state in states.items()
                for one in self._tools.counted(Document(self._site.input, key, version), state)
            ),
            "since": min((line.at for line in lines), default=None),
            "ended": tuple(line.at for line in lines if line.event == "finished"),
        }

    def _take(self, batch: list[Erasure], report: ForgetReport) -> None:
        """Empty the documents of a batch, and finish those whose time has come."""
        fresh = [one for one in batch if one.emptied is None]
        report.objects += self._empty(fresh)
        now = self._call.now()
        for one in fresh:
            self._emptied(structs.replace(one, emptied=now))
        report.emptied += len(fresh)
        ready = self._ready(batch, now)
        report.objects += self._empty([one for one in ready if not one.closing])
        names = set[str]().union(*map(self._names, ready))
        if names:  # a bucket with versions keeps marks that were taken away
            report.objects += self._tools.eraser.remove(self._site.output, layout.CHANGES, _named(names))
        for one in ready:
            report.objects += self._finish(one)
        report.forgotten += len(ready)
        report.waiting += len(batch) - len(ready) - sum(bool(one.keep) for one in fresh)

    def _ready(self, batch: list[Erasure], now: datetime) -> list[Erasure]:
        """Return the documents whose journals may go: nobody can be at work any more, and they are counted."""
        due = [one for one in batch if one.emptied is not None and now >= one.emptied + self._tools.quiet]
        uncounted = Changes(self._site, self._call).marked().keys() if due else set[str]()
        return [one for one in due if one.closing or not self._names(one) & uncounted]

    def _emptied(self, erasure: Erasure) -> None:
        if erasure.keep:
            self._tools.eraser.one(self._tools.tombstones.note_key(erasure.key))
        else:
            self._tools.tombstones.note(erasure)

    def _empty(self, batch: list[Erasure]) -> int:
        """Remove what there is of documents but their journals; return how many objects that were."""
        if not batch:
            return 0
        count = 0
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for remove in (self._tools.traces.remove_upload, self._tools.traces.remove_own):
                count += sum(pool.map(remove, batch))
        whole = [one for one in batch if not one.keep]
        if whole:
            count += self._tools.traces.remove_shared(whole)
            self._tools.files.remove(whole)
        return count

    def _names(self, erasure: Erasure) -> set[str]:
        documents = (Document(self._site.input, erasure.key, version) for version in erasure.versions)
        return {name_of(layout.journal(document)) for document in documents}

    def _finish(self, erasure: Erasure) -> int:
        """Remove the journals, set the tombstone, and remove the note; return how many objects were removed."""
        tools = self._tools

        def state(document: Document) -> State:
            return tools.journals.salvaged(document)

        if not erasure.closing:  # from now on a journal that is not closed is that of a new upload
            states = {one: state(Document(self._site.input, erasure.key, one)) for one in erasure.versions}
            erasure = structs.replace(erasure, closing=True, **self._summed(erasure.key, states))
            tools.tombstones.note(erasure)
        count = tools.traces.remove_journals(erasure, lambda document: self._is_closed(erasure, state(document)))
        tools.tombstones.set(erasure, self._call.now())
        return count + tools.eraser.one(tools.tombstones.note_key(erasure.key))

    def _is_closed(self, erasure: Erasure, state: State) -> bool:
        """Tell whether a journal is that of what is forgotten; one of a new upload of the same bytes began later."""
        return state.forgotten is not None or min((line.at for line in state.lines), default=erasure.at) <= erasure.at

    def _ended(self, report: ForgetReport) -> ForgetReport:
        report.built, report.gone = self._tools.files.build_again()
        return report


def _named(names: set[str]) -> Callable[[ListedVersion], bool]:
    """Return what tells whether something that waits below ``changes/`` is the mark of one of these journals."""

    def named(version: ListedVersion) -> bool:
        place = layout.place_in_queue(layout.CHANGES, version.key)
        return place is not None and place[2] in names

    return named
