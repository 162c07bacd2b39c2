"""Corrections by people: each becomes a line of the journal, and overrules what was recognized."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec
from msgspec import Struct

from legible.errors import RejectedError
from legible.extraction import corrections
from legible.extraction.corrections import Change, Review
from legible.ledger.answers import digest
from legible.ledger.journal import Line
from legible.ledger.ledger import Ledger
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document, Outcome
from legible.model.records import Extract
from legible.ports import Invocation, Site
from legible.results.files import Results
from legible.results.rebuild import Rebuilder

#: What is done where somebody else corrected the same value meanwhile: nothing at all is applied (``refuse``), or
#: ``mine`` counts, or ``theirs`` stays.
Conflicts = Literal["refuse", "mine", "theirs"]


class Conflict(Struct, frozen=True):
    """A value that is another one by now than the reviewer saw: ``theirs`` counts now, ``mine`` shall."""

    page: int
    name: str
    mine: str | None
    theirs: str
    author: str = ""


class Applied(Struct, frozen=True):
    """The outcome of a review.

    ``applied`` edits count from now on; ``already`` edits asked for the text that counts anyway. ``unknown`` names
    values that are not there (any more). ``outcome`` is that of the results made anew; None if they were left alone.
    """

    applied: int = 0
    already: int = 0
    conflicts: tuple[Conflict, ...] = ()
    unknown: tuple[str, ...] = ()
    outcome: Outcome | None = None


class Reviewer:
    """Applies reviews.

    Args:
        site: Where reviews are kept.
        call: The invocation: gives the time, and a name no other one has.
        ledger: Takes the reviews, in their order.
        results: Reads what was recognized.
        rebuilder: Makes results anew.
        settle: Seconds after which the journal is read back.
    """

    def __init__(
        self, site: Site, call: Invocation, ledger: Ledger, results: Results, rebuilder: Rebuilder, settle: float
    ) -> None:
        """Apply nothing yet."""
        self._site = site
        self._call = call
        self._ledger = ledger
        self._results = results
        self._rebuilder = rebuilder
        self._settle = settle

    def apply(self, name: str, version: str, edits: Iterable[Change], author: str, conflicts: Conflicts) -> Applied:
        """Apply what one reviewer changed in one document, and make its results anew.

        Args:
            name: The document's result folder: its key, shortened if it is very long.
            version: The document's version that the reviewer saw.
            edits: What was changed, each with the digest of the text it replaces.
            author: Who changed it.
            conflicts: What to do if somebody else changed the same value meanwhile.

        Raises:
            RejectedError: The published results are those of another version; nothing was changed.
            BusyError: The document is being recognized.
            InternalError: A stored answer or review is gone.
            UnavailableError: The store has a passing fault.
        """
        document = self._rebuilder.current(name)
        if document.version != version:
            raise RejectedError(
                f"{document.ref} was uploaded again since: its results are those of version {document.version}, "
                f"the review is of {version}.",
                code="other-version",
                advice="Export the review again; what was corrected belongs to the earlier upload.",
            )
        wanted, compared = tuple(edits), _Compared()

        def line(state: State) -> Line | None:
            nonlocal compared
            compared = self._compared(document, state, wanted)
            chosen = compared.chosen(conflicts)
            return self._line(document, chosen, author) if chosen else None

        state = self._ledger.add(document, line, self._settle)
        applied = Applied(
            len(compared.chosen(conflicts)), compared.already, tuple(compared.conflicts), compared.unknown
        )
        if not applied.applied and self._rebuilder.revision(name) == len(state.reviews):
            return applied
        return msgspec.structs.replace(applied, outcome=self._rebuilder.rebuild(document))

    def _compared(self, document: Document, state: State, wanted: tuple[Change, ...]) -> _Compared:
        """Compare a reviewer's edits with the texts that count now."""
        task, compared = self._rebuilder.task(document, state), _Compared()
        for page in sorted({edit.page for edit in wanted}):
            extract = self._results.corrected(task, state, page) if task else Extract()
            now = {text.name: text for text in corrections.texts(extract)}
            for edit in wanted:
                if edit.page == page:
                    compared.take(edit, now.get(edit.name))
        return compared

    def _line(self, document: Document, edits: tuple[Change, ...], author: str) -> Line:
        """Store the edits, and return the line that names them."""
        body = msgspec.json.encode(Review(edits))
        key = layout.review(document, self._call.owner)
        self._site.store.write(self._site.in_output(key), body, "application/json")
        sha256 = digest(body)
        return Line("corrected", self._call.now(), self._call.owner, 1, answer=key, sha256=sha256, author=author)


class _Compared:
    """The edits of one review, sorted by what they find in their place."""

    def __init__(self) -> None:
        self.free: list[Change] = []
        self.conflicts: list[Conflict] = []
        self.already = 0
        self.unknown: tuple[str, ...] = ()
        self._met: list[Change] = []

    def take(self, edit: Change, now: corrections.Text | None) -> None:
        """Sort one edit in by the text that counts now; None where there is no such value."""
        if now is None:
            self.unknown += (f"page {edit.page}: {edit.name}",)
        elif edit.value == (now.text if edit.value is not None or now.author else None):
            self.already += 1
        elif edit.was == corrections.digest(now.text):
            self.free.append(edit)
        else:
            self.conflicts.append(Conflict(edit.page, edit.name, edit.value, now.text, now.author))
            self._met.append(edit)

    def chosen(self, conflicts: Conflicts) -> tuple[Change, ...]:
        """Return the edits to apply."""
        if conflicts == "refuse" and self.conflicts:
            return ()
        return (*self.free, *(self._met if conflicts == "mine" else ()))
