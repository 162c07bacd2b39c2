"""What is to be done with a document: which operation reads it, which pages are called for, or why none is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from msgspec import UNSET, Struct, structs

from legible.documents.intake import Intake, Job
from legible.documents.projects import ProjectChecker
from legible.documents.tickets import Tickets
from legible.documents.uploads import Uploads
from legible.errors import DocumentError
from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model.documents import Arrival, Document, Upload
from legible.operations import routing
from legible.operations.operation import Task
from legible.operations.routing import Routing
from legible.ports import Invocation
from legible.results.assembly import task_of


class Decision(Struct, frozen=True):
    """What is to be done with a document: its task, what is to be called for, or the error that forbids it."""

    task: Task | None = None
    job: Job | None = None
    error: DocumentError | None = None

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
        task = None
        try:
            named = "" if document.project is UNSET else document.project
            task = routing.route(document.key, self._rules, document.order, named)
            routing.check(task.operation, self._rules, self._call.now().date())
            task = self._projects.checked(task)
        except DocumentError as refusal:
            return document, Decision(task, error=refusal)
        return self._examined(document, task)

    def admitted(self, document: Document, decision: Decision) -> Decision:
        """Return what is to be done with a document that may be paid for now: nothing, if its ticket was used before.

        Raises:
            UnavailableError: The store has a passing fault.
        """
        if decision.job is None:  # what cannot be read uses no ticket
            return decision
        try:
            self._tickets.use(document)
        except DocumentError as refusal:
            return Decision(decision.task, error=refusal)
        return decision

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
        if decision.task is not None:  # what is billed by now; its pages are called for in the operation's own region
            begun = structs.replace(begun, project=decision.task.project, note=decision.task.note)
        if decision.job is None:
            return Decision(begun, error=decision.error)
        task = decision.job.task
        if (task.operation, task.options) == (begun.operation, begun.options):
            return decision
        return self._examined(document, begun)[1]  # the routes changed since: go on as it was begun

    def task_of(self, document: Document, state: State) -> Task | None:
        """Return the task of a document, by its journal; None if no route was found."""
        return task_of(document, state, self._rules)

    def _examined(self, document: Document, task: Task) -> tuple[Document, Decision]:
        try:
            document, job = self._intake.examine(document, task)
        except DocumentError as refusal:
            return document, Decision(task, error=refusal)
        return document, Decision(task, job)
