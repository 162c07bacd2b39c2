"""A document's end: answers are read page by page, results are written, the journal gets its last line."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from legible.documents import pages
from legible.errors import BusyError, DocumentError, ReplacedError, TicketUsedError, UnavailableError
from legible.extraction.contents import Contents
from legible.ledger.answers import Answers
from legible.ledger.claim import Claim
from legible.model.documents import Document, Reason, Status
from legible.model.records import Attachment, Extract, Record
from legible.notices.notice import EndLine
from legible.notices.sender import NoticeSender
from legible.operations.operation import Extras, Task
from legible.ports import Invocation
from legible.results.assembly import assemble, status_of
from legible.results.files import AT_ONCE, Publishing, Results, batches
from legible.results.publication import Publisher


class End(Struct, frozen=True):
    """How a document ends: its task, the answers received just now by page, and the error that ended it, if any.

    ``yields`` means that the upload was replaced: its result never takes the place of another one of its key.
    ``sheets`` are the document's pages, if they are open.
    """

    task: Task | None = None
    received: dict[int, bytes] = {}
    error: DocumentError | None = None
    yields: bool = False
    sheets: pages.Sheets | None = None


class Finisher:
    """Ends documents.

    Args:
        results: Makes the files that people open.
        publisher: Knows which results are published.
        answers: Files the answers that count.
        notices: Sends notices to those who asked for them.
        call: The invocation: gives the time.
    """

    def __init__(
        self,
        results: Results,
        publisher: Publisher,
        answers: Answers,
        notices: NoticeSender,
        call: Invocation,
    ) -> None:
        """End nothing yet."""
        self._results = results
        self._publisher = publisher
        self._answers = answers
        self._notices = notices
        self._call = call

    def finish(self, claim: Claim, end: End) -> None:
        """Make the results from everything the journal knows, publish them, finish the journal.

        Raises:
            BusyError: The claim is no longer in force; nothing was published.
            InternalError: A stored answer is gone, or not what was paid for.
            UnavailableError: The store has a passing fault.
        """
        with Contents() as contents:
            attachments = self._results.read(claim.document, end.task, claim.state, end.received, contents)
            self._close(claim, end, contents, attachments)

    def finish_given_up(self, claim: Claim, end: End) -> None:
        """Do the same for a document that was given up: if its answers cannot be read, the record says so instead.

        Raises:
            BusyError: The claim is no longer in force; nothing was published.
            UnavailableError: The store has a passing fault.
        """
        try:
            self.finish(claim, end)
        except (BusyError, UnavailableError, DocumentError):
            raise
        except Exception as error:  # the very defect may be why it was given up
            note = f"The answers could not be read ({type(error).__name__}); they are stored as they came."
            with Contents() as nothing:
                nothing.add(Extract(notes=(note,)))
                self._close(claim, end, nothing, (), unread=type(error).__name__)

    def record_only(self, document: Document, error: DocumentError) -> Status:
        """Publish a record, with its reason, for a document whose journal cannot be used, unless it has one already.

        Returns:
            The status of the published record.
        """
        known = self._publisher.known(document)
        if known is not None:
            return known.status
        now, reason = self._call.now(), Reason.of(error)
        with Contents() as nothing:
            dead = Record(document=document, status="dead", reason=reason, finished_at=now)
            kept = self._notices.keep(dead, nothing, EndLine())
            self._results.publish(dead, nothing, Publishing())
        self._notices.send(kept)
        return "dead"

    def publish_again(self, document: Document) -> None:
        """Put the results of an earlier upload of the same bytes back on top: they were uploaded again."""
        self._publisher.publish_again(document)

    def _close(
        self, claim: Claim, end: End, contents: Contents, attachments: tuple[Attachment, ...], unread: str = ""
    ) -> None:
        claim.require_in_force()
        reason = Reason.of(end.error) if end.error else None
        count = end.task.pages if end.task else 0
        if unread:
            contents.unreadable = {page: unread for page in range(1, count + 1) if claim.state.has_answer(page)}
        status = status_of(claim.state, count, reason, _status(end.error), contents.unreadable)
        record = assemble(
            claim.document,
            end.task,
            claim.state,
            contents.notes,
            attachments,
            contents.unreadable,
            status=status,
            reason=None if status == "done" else reason,
            finished_at=self._call.now(),
        )
        with ThreadPoolExecutor(1) as beside:  # answers are filed while the results are made
            filed = beside.submit(self._file, claim, 0 if unread else count)
            publishing = Publishing(
                end.task.extras if end.task else Extras(),
                end.sheets,
                end.yields or isinstance(end.error, (ReplacedError, TicketUsedError)),
                filed.result,
            )
            newest = self._results.publish(record, contents, publishing)
        note = "" if newest else "A newer upload of this key has its own result."
        line = claim.line("finished", status=status, reason=record.reason, note=note, at=record.finished_at)
        kept = self._notices.keep(record, contents, EndLine(line.owner, line.n))
        claim.finish(line)
        self._notices.send(kept)

    def _file(self, claim: Claim, count: int) -> None:
        """File the answers that count beside the record, under the keys that it names."""
        with ThreadPoolExecutor(AT_ONCE) as together:
            for batch in batches(claim.state, count):
                list(together.map(lambda line: self._answers.file(claim.document, line), batch))


def _status(error: DocumentError | None) -> Status | None:
    statuses: dict[str, Status] = {"rejected": "rejected", "held": "held", "dead": "dead"}
    return statuses[error.status] if error is not None else None
