"""The repairs of the sweep: each is done once, and noted; what is handed on waits in the one waiting room there is."""

from __future__ import annotations

import hashlib
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Literal

import msgspec
from msgspec import Struct, structs

from legible.errors import DocumentError, LegibleError, SkippedError
from legible.ledger.journals import Journals
from legible.ledger.ledger import later_upload
from legible.ledger.lines import read
from legible.ledger.lists import LongList
from legible.ledger.state import State
from legible.model.documents import NEVER, Document, ObjectRef, Upload
from legible.ports import Invocation, ListedObject, Site
from legible.upkeep import keys
from legible.upkeep.findings import KINDS, Kind, SweepBounds, Told
from legible.upkeep.progress import stored_point

#: The sweep hands nothing on while so many uploads wait for another try: those come first.
MOST_WAITING = 2000
#: For so many days a repair is known, and not done again. Of uploads that nobody read there may be a million.
_KNOWN_DAYS: dict[Kind, int] = {"lost": 2}
_OTHERS_DAYS = 9
#: How long a line of the list of repairs is, in bytes: so its size tells how many there are.
LINE = 64


class Means(Struct, frozen=True):
    """What repairs are done with.

    ``locate`` finds the document that an upload is, as ``Uploads.locate`` does. ``parked`` returns key and version of
    each upload in the waiting room, None where there are more than so many; ``hand_on`` puts one there, due at once.
    ``obstructed`` tells whether what a document is held for is known to be there yet. ``shown`` tells whether the
    result on top is of this very upload, and ``publish`` puts its result there, free.
    """

    journals: Journals
    locate: Callable[[Upload], tuple[Document, DocumentError | None]]
    parked: Callable[[int], set[tuple[str, str]] | None]
    hand_on: Callable[[Upload, Document], None]
    obstructed: Callable[[State], bool]
    shown: Callable[[Document], bool]
    publish: Callable[[Document], None]


class Repaired(Struct, frozen=True):
    """A line of the list of repairs: what was repaired, as a digest, and when."""

    id: str
    at: datetime


class Repairs:
    """Decides what lists and notes leave open, and repairs it. Safe for several threads.

    Args:
        site: The buckets.
        call: The invocation: gives time and log.
        means: What repairs are done with.
        bounds: Which uploads are repaired.
        most: How many uploads may wait for another try.
        dry: Whether nothing is done, and only counted.
    """

    def __init__(
        self,
        site: Site,
        call: Invocation,
        means: Means,
        bounds: SweepBounds,
        most: int = MOST_WAITING,
        *,
        dry: bool = False,
    ) -> None:
        """Repair nothing yet."""
        self._site = site
        self._call = call
        self._means = means
        self._bounds = bounds
        self._most = most
        self._dry = dry
        self._lock = threading.Lock()
        self._known_repairs, self._lists_read = set[int](), False
        self._parked: set[tuple[str, str]] | None = None
        self._room_seen = False
        self._unwritten: dict[Kind, list[bytes]] = defaultdict(list)
        #: How many were found, repaired, found although they had been repaired, and left until fewer uploads wait.
        self.found, self.repaired = Counter[str](), Counter[str]()
        self.in_vain, self.left = Counter[str](), 0

    def listed(self, item: ListedObject, told: Told) -> bool:
        """Judge an upload of which lists tell that it is not in order; tell whether to look at it again soon."""
        uploaded_at = item.modified_at or NEVER
        if told != "unrecorded" and not self._bounds.overdue(uploaded_at):
            return True
        ref = self._site.in_input(item.key)
        upload = Upload(ref, etag=item.etag, size=item.size, at=item.modified_at)
        try:
            document, _ = self._means.locate(upload)
            state = self._means.journals.readable(document)
            kind = self._kind(document, state, told)
            return kind == "young" or (kind != "" and self._once(kind, document, state, upload))
        except SkippedError:
            return False
        except LegibleError as error:
            return self._failed(ref, error)

    def noted(self, document: Document, state: State) -> bool:
        """Judge a document that somebody left; tell whether to look at it again."""
        upload = Upload(
            document.ref, etag=document.etag, version_id=document.version_id, size=document.size,
            at=document.uploaded_at,
        )  # fmt: skip
        kind: Kind = "abandoned" if state.finished is None else "held"
        last = state.finished or state.lines[-1]
        if state.leases.held(self._bounds.now) or not self._bounds.still(last.at) or self._means.obstructed(state):
            return True
        try:
            self._once(kind, document, state, upload)
        except LegibleError as error:
            self._failed(document.ref, error)
        return True

    def flush(self) -> None:
        """Note what was repaired. Raises LegibleError where it cannot be noted."""
        with self._lock:
            unwritten, self._unwritten = self._unwritten, defaultdict(list)
        for kind, lines in unwritten.items():
            stem = keys.repairs(kind, self._call.now().date())
            LongList(self._site, self._call, stem).add(b"".join(lines), None)

    def _kind(self, document: Document, state: State, told: Told) -> Kind | Literal["", "young"]:
        """Return what is to be repaired of a document; nothing where it is in order, or not yet."""
        bounds, end = self._bounds, state.finished
        if not state.lines:
            return "lost" if bounds.overdue(document.uploaded_at or NEVER) else "young"
        if end is None:
            busy = state.leases.held(bounds.now) or not bounds.still(state.lines[-1].at)
            return "young" if busy else "abandoned"
        if self._means.shown(document):
            return ""
        if later_upload(document, state):
            return "again" if bounds.overdue(document.uploaded_at or NEVER) else "young"
        if told != "unrecorded":
            return ""
        return "unpublished" if bounds.still(end.at) else "young"

    def _once(self, kind: Kind, document: Document, state: State, upload: Upload) -> bool:
        """Repair a document unless that was done, or it waits; tell whether to look at it again soon."""
        name = _identity(kind, document, state)
        with self._lock:
            waits = kind != "unpublished" and not _done(state)
            if waits and not self._room_for(document):
                return True
            self.found[kind] += 1
            again = name in self._repaired_before()
            if again:
                self.in_vain[kind] += 1
            elif not self._dry:
                self._known_repairs.add(name)
        if again:
            self._call.log("repaired-in-vain", kind=kind, key=document.key)
        elif not self._dry:
            if waits:
                self._means.hand_on(structs.replace(upload, at=document.uploaded_at), document)
            else:
                self._means.publish(document)
            self._note(kind, document, name)
        return False

    def _note(self, kind: Kind, document: Document, name: int) -> None:
        self._call.log("repaired", kind=kind, key=document.key)
        now = self._call.now().replace(microsecond=0)
        line = msgspec.json.encode(Repaired(f"{name:016x}", now)).ljust(LINE - 1) + b"\n"
        with self._lock:
            self.repaired[kind] += 1
            self._unwritten[kind].append(line)
            if self._parked is not None:
                self._parked.add((document.key, document.version))

    def _room_for(self, document: Document) -> bool:
        """Tell whether a document does not wait yet, and there is room for it to wait."""
        if not self._room_seen:
            self._parked, self._room_seen = self._means.parked(self._most), True
        if self._parked is None or (document.key, document.version) in self._parked:
            self.left += self._parked is None
            return False
        if len(self._parked) >= self._most:
            self.left += 1
            return False
        return True

    def _repaired_before(self) -> set[int]:
        """Return what was repaired in the last days, as it was when it was first asked for, and since."""
        if not self._lists_read:
            self._lists_read = True
            today = self._call.now().date()
            for kind in KINDS:
                for ago in range(_KNOWN_DAYS.get(kind, _OTHERS_DAYS)):
                    self._known_repairs.update(self._list(keys.repairs(kind, today - timedelta(days=ago))))
        return self._known_repairs

    def _list(self, stem: str) -> Iterator[int]:
        for item in LongList(self._site, self._call, stem).objects():
            for line in read(self._site.store, self._site.in_output(item.key)).splitlines():
                try:
                    yield int(msgspec.json.decode(line, type=Repaired).id, 16)
                except (msgspec.MsgspecError, ValueError):
                    self._call.log("repair-unreadable", key=item.key)

    def _failed(self, ref: ObjectRef, error: LegibleError) -> bool:
        self._call.log("not-repaired", key=ref.key, reason=error.reason_code, message=str(error))
        return True


def told_of_sweeps(site: Site, call: Invocation) -> dict[str, float]:
    """Return how many repairs there were today (UTC), and how many were found again at the last look, for Cloud Eye.

    Raises:
        LegibleError: The store does not let us look.
    """
    stems = (keys.repairs(kind, call.now().date()) for kind in KINDS)
    lists = (item for stem in stems for item in LongList(site, call, stem).objects())
    return {"sweep_repaired": sum(item.size // LINE for item in lists), "sweep_in_vain": stored_point(site).in_vain}


def _done(state: State) -> bool:
    """Tell whether a document is done: then its result is put on top again, and nothing is left to be read."""
    return state.finished is not None and state.finished.status == "done"


def _identity(kind: Kind, document: Document, state: State) -> int:
    """Return the name of one repair: of what is done to one upload, or after one line of its journal."""
    last = state.finished or (state.lines[-1] if state.lines else None)
    at = document.uploaded_at if kind in ("lost", "again") else None
    named = [kind, document.ref, document.version, at, last.name if last and kind != "lost" else ""]
    return int(hashlib.sha256(msgspec.json.encode(named)).hexdigest()[:16], 16)
