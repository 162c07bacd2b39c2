"""A document's end: answers read page by page, results written, the last line of the journal."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from msgspec import Struct

from legible.documents import pages
from legible.errors import BusyError, DocumentError, ReplacedError, UnavailableError
from legible.extraction.contents import Contents
from legible.ledger.answers import Filing
from legible.ledger.claim import Claim
from legible.ledger.ledger import Ledger
from legible.model.documents import Document, Reason, Status
from legible.model.records import Attachment, Extract, Record
from legible.notices.notice import EndLine
from legible.notices.sender import NoticeSender
from legible.operations.operation import Extras, Task
from legible.results.assembly import assemble, status_of
from legible.results.files import AT_ONCE, Publishing, Results, batches
from legible.results.publication import Publisher


class End(Struct, frozen=True):
    """How a document ends: what was asked for, the answers received just now by page, and what went wrong, if any.

    ``yields`` says that the upload was replaced: its result never stands above another one of its key. ``sheets`` are
    the document's pages, where they are at hand.
    """

    asked: Task | None = None
    received: dict[int, bytes] = {}
    error: DocumentError | None = None
    yields: bool = False
    sheets: pages.Sheets | None = None


class Finisher:
    """Ends documents.

    Args:
        ledger: Tells the time, and whose document it is.
        results: Makes what people open.
        publisher: Knows what stands where people look.
        filing: Files the answers that count.
        notifying: Tells who asked for it.
    """

    def __init__(
        self,
        ledger: Ledger,
        results: Results,
        publisher: Publisher,
        filing: Filing,
        notifying: NoticeSender,
    ) -> None:
        """See the class."""
        self._ledger = ledger
        self._results = results
        self._publisher = publisher
        self._filing = filing
        self._notifying = notifying

    def finish(self, claim: Claim, end: End) -> None:
        """Make the results from everything the journal knows, publish them, finish the journal.

        Raises:
            BusyError: The claim does not stand any more; nothing was published.
            InternalError: A stored answer is gone, or not what was paid for.
            UnavailableError: The store has a passing fault.
        """
        with Contents() as contents:
            attachments = self._results.read(claim.document, end.asked, claim.state, end.received, contents)
            self._close(claim, end, contents, attachments)

    def finish_anyway(self, claim: Claim, end: End) -> None:
        """Do the same for a document that was given up: if its answers cannot be read, the record says so instead.

        Raises:
            BusyError: The claim does not stand any more; nothing was published.
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
                self._close(claim, end, nothing, (), unread=True)

    def record_only(self, document: Document, error: DocumentError) -> Status:
        """Publish why a document ended whose journal cannot be used, unless it has a record already.

        Returns:
            The status of the record that stands.
        """
        known = self._publisher.known(document)
        if known is not None:
            return known.status
        now, reason = self._ledger.now(), Reason.of(error)
        with Contents() as nothing:
            dead = Record(document=document, status="dead", reason=reason, finished_at=now)
            kept = self._notifying.keep(dead, nothing, EndLine())
            self._results.publish(dead, nothing, Publishing())
        self._notifying.send(kept)
        return "dead"

    def _close(
        self, claim: Claim, end: End, contents: Contents, attachments: tuple[Attachment, ...], *, unread: bool = False
    ) -> None:
        claim.must_stand()
        reason = Reason.of(end.error) if end.error else None
        status = status_of(claim.state, end.asked.pages if end.asked else 0, reason, _status(end.error))
        found = assemble(
            claim.document,
            end.asked,
            claim.state,
            contents.notes,
            attachments,
            status=status,
            reason=None if status == "done" else reason,
            finished_at=self._ledger.now(),
        )
        with ThreadPoolExecutor(1) as beside:  # answers are filed while the results are made
            filed = beside.submit(self._file, claim, 0 if unread or end.asked is None else end.asked.pages)
            making = Publishing(
                end.asked.made if end.asked else Extras(),
                end.sheets,
                end.yields or isinstance(end.error, ReplacedError),
                filed.result,
            )
            newest = self._results.publish(found, contents, making)
        note = "" if newest else "A newer upload of this key has its own result."
        line = claim.ending(status=status, reason=found.reason, note=note, at=found.finished_at)
        kept = self._notifying.keep(found, contents, EndLine(line.owner, line.n))
        claim.finish(line)
        self._notifying.send(kept)

    def _file(self, claim: Claim, count: int) -> None:
        """File the answers that count beside the record, under the names it gives."""
        with ThreadPoolExecutor(AT_ONCE) as together:
            for batch in batches(claim.state, count):
                list(together.map(lambda line: self._filing.file(claim.document, line), batch))


def _status(error: DocumentError | None) -> Status | None:
    statuses: dict[str, Status] = {"rejected": "rejected", "held": "held", "dead": "dead"}
    return statuses[error.status] if error is not None else None
