"""Makes results anew from stored answers, after a rule, a form or a review changed. Nothing is paid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from legible.documents.intake import Intake, Job
from legible.errors import BusyError, DocumentError, HeldError, InternalError, UnavailableError
from legible.extraction.contents import Contents
from legible.ledger.journals import Journals
from legible.ledger.state import State
from legible.model import layout
from legible.model.documents import UNREADABLE_ANSWER, Document, ObjectRef, Outcome, Reason, Status
from legible.model.layout import RECORD
from legible.operations.operation import Extras, Task
from legible.operations.routing import Routing
from legible.outputs.record import HEAD_BYTES, document_of
from legible.ports import Site, Wanted
from legible.results.assembly import assemble, status_of, task_of
from legible.results.files import Publishing, Results
from legible.results.publication import Publisher

_TRIES = 10


class Rebuilder:
    """Makes results anew. Everything comes from the journal and the stored answers; no service is called.

    Args:
        site: Where results are stored.
        journals: Read the states of documents.
        intake: Opens a document again where its own pages are needed.
        publisher: Knows which results are published.
        results: Makes the files that people open.
        rules: Today's routes, which say what is made besides record and workbook.
    """

    def __init__(
        self, site: Site, journals: Journals, intake: Intake, publisher: Publisher, results: Results, rules: Routing
    ) -> None:
        """Make nothing yet."""
        self._site = site
        self._journals = journals
        self._intake = intake
        self._publisher = publisher
        self._results = results
        self._rules = rules

    def below(self, prefix: str) -> Iterator[str]:
        """Yield the result folder of every document whose key begins with the prefix: ``invoices/a.pdf``."""
        for item in self._site.store.list(self._site.output, layout.results_below(prefix)):
            name = layout.result_of(item.key, RECORD)
            if name is not None:
                yield name

    def current(self, name: str) -> Document:
        """Return the document whose results are in a result folder.

        Raises:
            ObjectGoneError: There is no such document.
            InternalError: Something else changed its record.
        """
        return recorded_document(self._site, self._site.in_output(layout.filed(name, RECORD)))

    def revision(self, name: str) -> int:
        """Return how many reviews the record in a result folder has."""
        known = self._publisher.filed(name)
        return known.revision if known else 0

    def rebuild(self, document: Document) -> Outcome:
        """Make the results of one document anew, and put them where people look unless newer ones are there.

        Raises:
            BusyError: It is being recognized.
            HeldError: Its record was written by a newer version.
            InternalError: A stored answer is gone, or not what was paid for.
            UnavailableError: The store has a passing fault.
        """
        for _ in range(_TRIES):
            state = self._finished(document)
            outcome = self._once(document, state)
            # Whoever added a line meanwhile may have published before us; our results, without that line, cover theirs.
            if len(self._finished(document).lines) == len(state.lines):
                return outcome
        raise UnavailableError(f"The journal of {document.ref} keeps growing while its results are made.")

    def _finished(self, document: Document) -> State:
        state = self._journals.load(document)
        if state.finished is None:
            raise BusyError(
                f"{document.ref} is being recognized, or was given back for a later try.",
                advice="Its results are made when it ends; try again then.",
            )
        return state

    def _once(self, document: Document, state: State) -> Outcome:
        line = state.finished
        assert line is not None and line.status is not None
        known = self._publisher.known(document)
        if known is not None and known.newer:
            raise HeldError(
                f"The record of {document.ref} was written by a newer version of Legible.",
                code="newer-record",
                advice="Make it anew with that version: this one would write less than it says.",
            )
        task = self.task(document, state)
        with self._opened(document, task) as job, Contents() as contents:
            attachments = self._results.read(document, task, state, {}, contents)
            status, reason = _ended(state, line.status, line.reason, task, contents.unreadable)
            record = assemble(
                document,
                task,
                state,
                contents.notes,
                attachments,
                contents.unreadable,
                empty=contents.empty,
                status=status,
                reason=reason,
                finished_at=line.at,
            )
            yields = known is not None and known.uploaded_at is None and document.uploaded_at is not None
            publishing = Publishing(task.extras if task else Extras(), job.sheets if job else None, yields)
            self._results.publish(record, contents, publishing)
        return Outcome(
            document.bucket, document.key, status, operation=record.operation, pages=state.answered,
            record=layout.version(document, RECORD), reason=record.reason,
        )  # fmt: skip

    def task(self, document: Document, state: State) -> Task | None:
        """Return the task of a document, by its journal and today's routes; None if no route was found."""
        return task_of(document, state, self._rules)

    @contextmanager
    def _opened(self, document: Document, task: Task | None) -> Iterator[Job | None]:
        """Open the document again if something is made of its own pages; None if it is gone or not needed."""
        job = None
        try:
            if task is not None and {"pdf", "crops"} & set(task.extras.outputs):
                try:
                    job = self._intake.examine(document, Task(task.operation, task.options))[1]
                except DocumentError:
                    job = None  # gone or replaced meanwhile; what needs it says so
            yield job
        finally:
            self._intake.put_away()


def _ended(
    state: State, status: Status, reason: Reason | None, task: Task | None, unreadable: Mapping[int, str]
) -> tuple[Status, Reason | None]:
    """Return how a document ended: as its journal says, unless answers can be read now that could not be, or not."""
    if task is None or not (unreadable or (reason and reason.code == UNREADABLE_ANSWER)):
        return status, reason
    whole = reason if status not in {"done", "partial"} and reason and reason.code != UNREADABLE_ANSWER else None
    return status_of(state, task.pages, whole, status, unreadable), whole


def recorded_document(site: Site, ref: ObjectRef) -> Document:
    """Return the document that a record in the output bucket tells of.

    Raises:
        ObjectGoneError: There is no such record.
        InternalError: It was changed by something else.
        UnavailableError: The store has a passing fault.
    """
    first = site.store.read(ref, Wanted(first=0, last=HEAD_BYTES - 1))
    try:
        return document_of(first)
    except ValueError:
        raise InternalError(
            f"{ref} is not a record of Legible.",
            code="record-unreadable",
            advice="Something else wrote it. Remove it and upload the same bytes once more: the record that is kept "
            "beside the answers is put back, without a call.",
        ) from None
