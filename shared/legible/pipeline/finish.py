"""A document's end: answers are read page by page, results are written, the journal gets its last line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from msgspec import Struct, structs

from legible.documents import pages
from legible.errors import (
    BusyError,
    DocumentError,
    LegibleError,
    ReplacedError,
    RetryableError,
    TicketUsedError,
    UnavailableError,
)
from legible.extraction.contents import Contents
from legible.ledger.answers import Answers
from legible.ledger.claim import Claim
from legible.ledger.journal import Line
from legible.ledger.state import State
from legible.model.documents import Document, Reason, Status
from legible.model.records import Attachment, Extract, Record
from legible.notices.notice import EndLine
from legible.notices.sender import NoticeSender
from legible.operations.operation import Extras, Task
from legible.ports import Invocation
from legible.results.assembly import assemble, calls_of, status_of
from legible.results.files import AT_ONCE, Publishing, Results, batches
from legible.results.publication import Publisher
from legible.results.rebuild import Rebuilder


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
        call: The invocation: gives time and log.
        rebuilder: Makes results anew.
    """

    def __init__(
        self,
        results: Results,
        publisher: Publisher,
        answers: Answers,
        notices: NoticeSender,
        call: Invocation,
        rebuilder: Rebuilder,
    ) -> None:
        """End nothing yet."""
        self._rebuilder = rebuilder
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
            with Contents() as nothing:
                nothing.add(Extract(notes=(_unread(error),)))
                nothing.unreadable = _all_unreadable(claim.state, error)
                self._close(claim, end, nothing, (), unread=True)

    def record_only(self, document: Document, end: End, state: State) -> Status:
        """Publish a record for a document whose journal cannot be used, unless it has one already.

        It tells of every answer that was paid for: those that the journal names, as far as it can be read, and those
        that are stored under their payer's name.

        Args:
            document: Which document.
            end: How it ends, with its error.
            state: What can be read of its journal.

        Returns:
            The status of the published record.
        """
        known = self._publisher.known(document)
        if known is not None:
            return known.status
        state = self._answers.recovered(document, state, certain=not end.yields)
        try:
            with Contents() as contents:
                attachments = self._results.read(document, end.task, state, {}, contents)
                self._file(document, state, end.task.pages if end.task else 0)
                return self._publish_only(document, end, state, contents, attachments)
        except (UnavailableError, DocumentError):
            raise
        except Exception as error:  # as in finish_given_up
            with Contents() as nothing:
                nothing.add(Extract(notes=(_unread(error),)))
                nothing.unreadable = _all_unreadable(state, error)
                return self._publish_only(document, end, state, nothing, ())

    def _publish_only(
        self, document: Document, end: End, state: State, contents: Contents, attachments: tuple[Attachment, ...]
    ) -> Status:
        record = self._record(document, end, state, contents, attachments)
        kept = self._notices.keep(record, contents, EndLine())
        self._results.publish(record, contents, Publishing(yields=end.yields))
        self._notices.send(kept)
        return record.status

    def ahead(self, document: Document) -> tuple[Callable[[], None], ...]:
        """Return what the end of a document needs and what does not hang on its answers, step by step."""
        return partial(self._publisher.announce, document), partial(self._publisher.survey, document)

    @contextmanager
    def counted(self, claim: Claim) -> Iterator[None]:
        """Make a document's results anew if the work on this claim, which it lost, was paid for after its end."""
        try:
            yield
        except RetryableError:
            if _late(claim):
                self._count(claim)
            raise

    def _count(self, claim: Claim) -> None:
        """Have the record tell of every call. If that fails, its journal, which the record names, does."""
        try:
            self._rebuilder.rebuild(claim.document)
        except LegibleError as error:
            self._call.log("not-counted", key=claim.document.key, reason=error.reason_code, message=str(error))

    def publish_again(self, document: Document) -> None:
        """Put the results of an earlier upload of the same bytes back on top: they were uploaded again."""
        self._publisher.publish_again(document)

    def _close(
        self, claim: Claim, end: End, contents: Contents, attachments: tuple[Attachment, ...], *, unread: bool = False
    ) -> None:
        sure = claim.standing.undisputed
        if not sure:
            claim.require_in_force()
        record = self._record(_of_last_upload(claim), end, claim.state, contents, attachments)
        with ThreadPoolExecutor(2) as beside:  # answers are filed while the results are made
            filed = beside.submit(
                self._file, claim.document, claim.state, 0 if unread or end.task is None else end.task.pages
            )
            publishing = Publishing(
                end.task.extras if end.task else Extras(),
                end.sheets,
                end.yields or isinstance(end.error, (ReplacedError, TicketUsedError)),
                filed.result,
                sure,
            )
            if self._written_by_newer(claim):  # its record says more than ours would
                newest = self._publisher.publish_again(claim.document)
            else:
                newest = self._results.publish(record, contents, publishing)
        note = "" if newest else "A newer upload of this key has its own result."
        line = claim.line(
            "finished", status=record.status, reason=record.reason, note=note, findings=contents.findings,
            at=record.finished_at,
        )  # fmt: skip
        kept = [] if _repeated(claim, line) else self._notices.keep(record, contents, EndLine(line.owner, line.n))
        claim.finish(line)
        if calls_of(claim.state) != record.calls:  # somebody's payment was recorded while the results were made
            self._count(claim)
        self._notices.send(kept)

    def _written_by_newer(self, claim: Claim) -> bool:
        """Tell whether a newer version of Legible, which had the document before, wrote its record."""
        before = any(line.owner != claim.owner for line in claim.state.lines)
        known = self._publisher.known(claim.document) if before else None
        return known is not None and known.newer

    def _record(
        self,
        document: Document,
        end: End,
        state: State,
        contents: Contents,
        attachments: tuple[Attachment, ...],
    ) -> Record:
        reason = Reason.of(end.error) if end.error else None
        status = status_of(state, end.task.pages if end.task else 0, reason, _status(end.error), contents.unreadable)
        return assemble(
            document,
            end.task,
            state,
            contents.notes,
            attachments,
            contents.unreadable,
            empty=contents.empty,
            status=status,
            reason=None if status == "done" else reason,
            finished_at=self._call.now(),
        )

    def _file(self, document: Document, state: State, count: int) -> None:
        """File the answers that count beside the record, under the keys that it names."""
        with ThreadPoolExecutor(AT_ONCE) as together:
            for batch in batches(state, count):
                file = map if len(batch) == 1 else together.map
                list(file(lambda line: self._answers.file(document, line), batch))


def _late(claim: Claim) -> bool:
    """Tell whether a payment was recorded on this claim after another invocation had ended the document."""
    own = [line for line in claim.state.lines if line.owner == claim.owner]
    ended = claim.state.finished is not None and claim.ended is None
    return ended and any(line.event in ("surplus", "unknown") for line in own)


def _unread(error: Exception) -> str:
    return f"The answers could not be read ({type(error).__name__}); they are stored as they came."


def _all_unreadable(state: State, error: Exception) -> dict[int, str]:
    """Say of each page that its answer, if it has one, could not be read."""
    return dict.fromkeys(state.pages, type(error).__name__)


def _of_last_upload(claim: Claim) -> Document:
    """Return the document with the time of the latest upload of its bytes: no upload in between is newer than that."""
    if claim.document.uploaded_at is None:
        return claim.document
    return structs.replace(claim.document, uploaded_at=claim.state.uploaded_at)  # its own claim says as much at least


def _repeated(claim: Claim, end: Line) -> bool:
    """Tell whether a document that was tried again by itself ends as it had ended: then everybody was told before."""
    lines = claim.state.lines
    resumed = any(line.owner == claim.owner and line.resumed for line in lines)
    before = next((line for line in reversed(lines) if line.event == "finished"), None)
    if not resumed or before is None or before.reason is None or end.reason is None:
        return False
    return (before.status, before.reason.code) == (end.status, end.reason.code)


def _status(error: DocumentError | None) -> Status | None:
    statuses: dict[str, Status] = {"rejected": "rejected", "held": "held", "dead": "dead"}
    return statuses[error.status] if error is not None else None
