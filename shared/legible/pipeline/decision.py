"""What is to be done with a document: which operation reads it, which pages are called for, or why none is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from msgspec import UNSET, Struct, structs

from legible.documents.intake import Intake, Job
from legible.documents.projects import ELSEWHERE, PROJECT_REASONS, ProjectChecker
from legible.documents.tickets import Tickets
from legible.documents.uploads import Uploads
from legible.errors import DocumentError
from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model.documents import Arrival, Document, Upload
from legible.operations import routing
from legible.operations.operation import Task
from legible.operations.projects import NamedProject
from legible.operations.routing import Routing
from legible.ports import Invocation
from legible.results.assembly import task_of


class Decision(Struct, frozen=True):
    """What is to be done with a document: its task, what is to be called for, or the error that forbids it.

    ``named`` is the enterprise project that the document names, whatever becomes of it in the task's region.
    """

    task: Task | None = None
    job: Job | None = None
    error: DocumentError | None = None
    named: NamedProject = NamedProject()

    @property
    def pages(self) -> int:
        """How many pages are to be called for."""
        return self.job.plan.count if self.job else 0


class Decider:
    """Routes and examines documents; nothing is paid for.

    Args:
        uploads: Finds the documents that events name.
        intake: Judges documents by their first bytes.
        tickets: Knows what signed uploads were used for.
        rules: Lead from a key to an operation.
        call: The invocation: gives the time.
        projects: Says which enterprise project may be billed.
    """

    def __init__(
        self,
        uploads: Uploads,
        intake: Intake,
        tickets: Tickets,
        rules: Routing,
        call: Invocation,
        projects: ProjectChecker,
    ) -> None:
        """Decide nothing yet."""
        self._projects = projects
        self._uploads = uploads
        self._intake = intake
        self._tickets = tickets
        self._rules = rules
        self._call = call

    @contextmanager
    def located(self, arrival: Arrival) -> Iterator[tuple[Document, DocumentError | None]]:
        """Find the document an event names, as ``Uploads.locate`` does; its pages are closed when the block ends.

        Raises:
            SkippedError: The object is not a document.
            UnavailableError: The store has a passing fault.
        """
        try:
            yield self._uploads.locate(arrival)
        finally:
            self._intake.put_away()

    def announced(self, upload: Upload) -> Document:
        """Return the document an event names, whatever the store has now. Raises as ``Uploads.announced`` does."""
        return self._uploads.announced(upload)

    def decide(self, document: Document, error: DocumentError | None = None) -> tuple[Document, Decision]:
        """Return the document, completed from its first bytes, and what is to be done with it.

        Args:
            document: Which document.
            error: Why the document cannot be read, if that is known already.

        Raises:
            UnavailableError: The store has a passing fault.
        """
        if error is not None:
            return document, Decision(error=error)
        task, named = None, NamedProject()
        try:
            metadata = "" if document.project is UNSET else document.project
            task = routing.route(document.key, self._rules, document.order, metadata)
            named = task.project
            routing.check(task.operation, self._rules, self._call.now().date())
            task = self._projects.checked(task)
        except DocumentError as refusal:
            return document, Decision(task, error=refusal, named=named)
        document, decision = self._examined(document, task)
        return document, structs.replace(decision, named=named)

    def admitted(self, document: Document, error: DocumentError | None = None) -> tuple[Document, Decision]:
        """Return what ``decide`` does for a document that may be paid for now: nothing, if its ticket was used before.

        Raises:
            UnavailableError: The store has a passing fault.
        """
        document, decision = self.decide(document, error)
        if decision.job is None:  # what cannot be read uses no ticket
            return document, decision
        try:
            self._tickets.use(document)
        except DocumentError as refusal:
            return document, Decision(decision.task, error=refusal)
        return document, decision

    def continued(self, document: Document, decision: Decision, claim: Line | None) -> Decision:
        """Return what is to be done with a document that has answers: it keeps the operation and options of those.

        Args:
            document: Which document.
            decision: What was decided by today's routes.
            claim: The claim that its answers belong to; None if it has no answers.
        """
        if claim is None:
            return decision
        begun = routing.resumed(document, claim.operation, claim.options, claim.pages, self._rules)
        job, error = decision.job, decision.error
        if job is None and (error is None or error.reason_code not in PROJECT_REASONS):
            return Decision(begun, error=error)
        if job is not None and (job.task.operation, job.task.options) == (begun.operation, begun.options):
            return decision
        try:  # the routes changed since: go on as it was begun
            begun = self._billed(begun, decision.named, claim.project)
        except DocumentError as refusal:
            return Decision(structs.replace(begun, project=decision.named), error=refusal)
        return _noted(self._examined(document, begun)[1], "" if job is None else job.task.note)

    def _billed(self, begun: Task, named: NamedProject, before: str) -> Task:
        """Return the task of a begun document with the project that is billed in its operation's own region.

        That is what the document names by now; where it may not be billed, what the document was begun with. What was
        begun with a project never goes on without one, nor to one that was not checked.

        Args:
            begun: The task.
            named: What the document names by now.
            before: The id of what was billed so far; empty for none.

        Raises:
            DocumentError: Neither may be billed.
        """
        try:
            return self._projects.checked(structs.replace(begun, project=named))
        except DocumentError as refusal:
            kept = begun
            if before:
                with suppress(DocumentError):
                    kept = self._projects.checked(structs.replace(begun, project=NamedProject(before)))
            if kept is begun and (before or refusal.reason_code != ELSEWHERE):
                raise
            payer = f"the enterprise project {before}" if kept.project.id else "the default project"
            note = f"Billed to {payer}, as it was begun: {refusal.message}"
            return structs.replace(kept, note=" ".join(filter(None, (note, kept.note))))

    def task_of(self, document: Document, state: State) -> Task | None:
        """Return the task of a document, by its journal; None if no route was found."""
        return task_of(document, state, self._rules)

    def _examined(self, document: Document, task: Task) -> tuple[Document, Decision]:
        try:
            document, job = self._intake.examine(document, task)
        except DocumentError as refusal:
            return document, Decision(task, error=refusal)
        return document, Decision(task, job)


def _noted(decision: Decision, claimed: str) -> Decision:
    """Return a decision whose pages say what is odd about who is billed, if their claim says something else."""
    job = decision.job
    if job is None or job.task.note in ("", claimed):
        return decision
    note = "; ".join(filter(None, (job.plan.note, job.task.note)))
    return structs.replace(decision, job=structs.replace(job, plan=structs.replace(job.plan, note=note)))
