"""Results made anew from stored answers: after a rule, a form or a review changed. Nothing is paid."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from legible.documents.intake import Documents, Job
from legible.errors import BusyError, DocumentError, InternalError, UnavailableError
from legible.extraction.contents import Contents
from legible.ledger.ledger import Ledger
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import Document, ObjectRef, Outcome
from legible.model.layout import RECORD
from legible.operations import catalog, routing
from legible.operations.operation import Extras, Task
from legible.operations.routing import Routed, Routing
from legible.outputs.record import HEAD_BYTES, document_of
from legible.ports import ObjectStore, Wanted
from legible.results.assembly import assemble
from legible.results.files import Publishing, Results
from legible.results.publication import Publisher

_TRIES = 10


class Rebuilder:
    """Makes results anew. Everything comes from the journal and the stored answers; no service is called.

    Args:
        store: Where results lie.
        output: The output bucket.
        ledger: What is known of documents.
        documents: Opens a document again where its own pages are needed.
        publisher: Knows what stands where people look.
        results: Makes what people open.
        rules: What the routes, as they are now, want made.
    """

    def __init__(
        self,
        store: ObjectStore,
        output: str,
        *,
        ledger: Ledger,
        documents: Documents,
        publisher: Publisher,
        results: Results,
        rules: Routing,
    ) -> None:
        """See the class."""
        self._store = store
        self._output = output
        self._ledger = ledger
        self._documents = documents
        self._publisher = publisher
        self._results = results
        self._rules = rules

    def below(self, prefix: str) -> Iterator[str]:
        """Yield the result folder of every document whose key begins with the prefix: ``invoices/a.pdf``."""
        for item in self._store.list(self._output, layout.results_below(prefix)):
            name = layout.result_of(item.key, RECORD)
            if name is not None:
                yield name

    def standing(self, name: str) -> Document:
        """Return the document whose results stand in a result folder.

        Raises:
            ObjectGoneError: There is none.
            InternalError: Its record was changed by something else.
        """
        return self._read(ObjectRef(self._output, layout.results(name, RECORD)))

    def of_version(self, document: Document) -> Document:
        """Return a document of this very version as its record tells of it. Raises as ``standing`` does."""
        return self._read(ObjectRef(self._output, layout.version(document, RECORD)))

    def _read(self, ref: ObjectRef) -> Document:
        first = self._store.read(ref, Wanted(first=0, last=HEAD_BYTES - 1))
        try:
            return document_of(first)
        except ValueError:
            raise InternalError(
                f"{ref} is no record of Legible.",
                code="record-unreadable",
                advice="Something else wrote it; remove it, and upload the document again.",
            ) from None

    def revision(self, name: str) -> int:
        """Return how many reviews the record has that stands in a result folder."""
        known = self._publisher.standing(name)
        return known.revision if known else 0

    def rebuild(self, document: Document) -> Outcome:
        """Make the results of one document anew, and put them where people look unless newer ones stand there.

        Raises:
            BusyError: It is being recognized.
            InternalError: A stored answer is gone, or not what was paid for.
            UnavailableError: The store has a passing fault.
        """
        for _ in range(_TRIES):
            state = self._finished(document)
            outcome = self._once(document, state)
            # Whoever added a line meanwhile may have published before us, and be covered by what we know less.
            if len(self._finished(document).lines) == len(state.lines):
                return outcome
        raise UnavailableError(f"The journal of {document.ref} keeps growing while its results are made.")

    def _finished(self, document: Document) -> State:
        state, _ = self._ledger.load(document)
        if state.finished is None:
            raise BusyError(
                f"{document.ref} is being recognized, or was given back for a later try.",
                advice="Its results are made when it ends; try again then.",
            )
        return state

    def _once(self, document: Document, state: State) -> Outcome:
        line = state.finished
        assert line is not None and line.status is not None
        asked = self.asked(document, state)
        with self._opened(document, asked) as job, Contents() as contents:
            attachments = self._results.read(document, asked, state, {}, contents)
            found = assemble(
                document,
                asked,
                state,
                contents.notes,
                attachments,
                status=line.status,
                reason=line.reason,
                finished_at=line.at,
            )
            known = self._publisher.known(document)
            yields = known is not None and known.uploaded_at is None and document.uploaded_at is not None
            making = Publishing(asked.made if asked else Extras(), job.sheets if job else None, yields)
            self._results.publish(found, contents, making)
        return Outcome(
            document.bucket, document.key, line.status, operation=found.operation, pages=state.answered,
            record=layout.version(document, RECORD), reason=line.reason,
        )  # fmt: skip

    def asked(self, document: Document, state: State) -> Task | None:
        """Return what was asked of a document, by its journal; None where no route was found."""
        claimed = state.committed or next((line for line in reversed(state.lines) if line.operation), None)
        if claimed is None:
            return None
        made = routing.made_of(document, claimed.operation, self._rules)
        return Task(catalog.find(claimed.operation), claimed.options, claimed.pages, made)

    @contextmanager
    def _opened(self, document: Document, asked: Task | None) -> Iterator[Job | None]:
        """Open the document again where something is made of its own pages; None where it is gone or not needed."""
        job = None
        try:
            if asked is not None and {"pdf", "crops"} & set(asked.made.outputs):
                try:
                    job = self._documents.examine(document, Routed(asked.operation, asked.options))[1]
                except DocumentError:
                    job = None  # gone or replaced meanwhile; what needs it says so
            yield job
        finally:
            self._documents.put_away()
